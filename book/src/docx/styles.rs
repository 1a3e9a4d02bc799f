//! Paragraph styles: what each makes of a paragraph.

use std::collections::HashMap;

use domain::book::ParagraphKind;
use quick_xml::events::BytesStart;

use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::xml::{self, Node, Xml};

/// What a paragraph is by its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of the body, or of unknown style.
    Text(ParagraphKind),
    /// A heading; 0 is the highest.
    Heading(u32),
    Title,
    Author,
    /// Of a title page besides title and author.
    Front,
    /// A line of a table of contents.
    Contents,
}

/// The styles of a document.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    /// What paragraphs without a style have.
    default: Option<String>,
    /// The language that text is in unless it says otherwise.
    pub language_tag: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u32>,
    listed: bool,
}

/// Styles may build on one another at most so far.
const MOST_BASES: usize = 16;

/// Whether an on-off property is on: it is, unless its value says otherwise.
pub(super) fn is_on(tag: &BytesStart<'_>) -> bool {
    !matches!(xml::attribute(tag, "val").as_deref(), Some("0" | "false" | "off" | "none"))
}

/// An outline level of a property; 9 is body text.
pub(super) fn outline_level(tag: &BytesStart<'_>) -> Option<u32> {
    xml::attribute(tag, "val")?.parse().ok()
}

impl Styles {
    /// Reads the part that holds the styles.
    pub fn read(href: &str, part: &Decoded, meter: &Meter<'_>) -> Result<Self, BookError> {
        let mut styles = Self::default();
        let mut walk = Xml::new(href, part, meter);
        let mut open: Option<(String, Style)> = None;
        while let Some((node, _)) = walk.next()? {
            match node {
                Node::Start(tag, empty) => {
                    let name = xml::local_name(&tag);
                    if name == "style" {
                        let id = xml::attribute(&tag, "styleId").unwrap_or_default();
                        if xml::attribute(&tag, "type").as_deref() == Some("paragraph") {
                            if matches!(xml::attribute(&tag, "default").as_deref(), Some("1" | "true")) {
                                styles.default = Some(id.clone());
                            }
                            open = (!empty).then(|| (id, Style::default()));
                        }
                    } else if name == "lang" && open.is_none() && styles.language_tag.is_none() {
                        styles.language_tag = xml::attribute(&tag, "val");
                    } else if let Some((_, style)) = &mut open {
                        property(style, &name, &tag);
                    }
                }
                Node::End(name) if name == "style" => styles.by_id.extend(open.take()),
                _ => {}
            }
        }
        Ok(styles)
    }

    /// What a style makes of a paragraph.
    pub fn role(&self, id: Option<&str>) -> Role {
        let mut id = id.or(self.default.as_deref());
        let mut listed = false;
        for _ in 0..MOST_BASES {
            let Some(known) = id else { break };
            let style = self.by_id.get(known);
            listed |= style.is_some_and(|style| style.listed);
            let outline = style.and_then(|style| style.outline);
            if let Some(level) = outline.filter(|&level| level < 9) {
                return Role::Heading(level);
            }
            // A document may name styles that it doesn't hold.
            let name = style.map_or(known, |style| style.name.as_str());
            if let Some(role) = by_name(name).or_else(|| by_name(known)) {
                return role;
            }
            if outline.is_some() {
                break;
            }
            id = style.and_then(|style| style.based_on.as_deref());
        }
        Role::Text(if listed { ParagraphKind::Item } else { ParagraphKind::Prose })
    }
}

fn property(style: &mut Style, name: &str, tag: &BytesStart<'_>) {
    match name {
        "name" => style.name = xml::attribute(tag, "val").unwrap_or_default(),
        "basedon" => style.based_on = xml::attribute(tag, "val"),
        "outlinelvl" => style.outline = outline_level(tag),
        "numid" => style.listed = xml::attribute(tag, "val").is_some_and(|id| id != "0"),
        _ => {}
    }
}

/// Names of headings in languages that Word and its kin write them in, before their number.
const HEADINGS: &[&str] = &["heading", "titre", "überschrift", "título", "titolo", "kop", "rubrik", "header"];

/// What a style's name, or its id, says.
fn by_name(name: &str) -> Option<Role> {
    let name = name.trim().to_lowercase().replace(['_', '-'], " ");
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let number: Option<u32> = name[stem.len()..].trim().parse().ok();
    if let (true, Some(number @ 1..=9)) = (HEADINGS.contains(&stem), number) {
        return Some(Role::Heading(number - 1));
    }
    if matches!(stem, "toc" | "tm" | "contents" | "table des matières" | "table of contents") && number.is_some()
        || matches!(
            name.as_str(),
            "toc heading" | "tocheading" | "contents heading" | "en tête de table des matières" | "titretm"
        )
    {
        return Some(Role::Contents);
    }
    Some(match name.as_str() {
        "title" | "titre" | "book title" => Role::Title,
        "author" | "auteur" => Role::Author,
        "subtitle" | "sous titre" | "date" | "dedication" => Role::Front,
        "chapter title" | "chapter heading" | "titre de chapitre" | "titre chapitre" => Role::Heading(1),
        "epigraph" | "épigraphe" | "epigraphe" => Role::Text(ParagraphKind::Epigraph),
        "verse" | "poem" | "poetry" | "vers" | "poème" | "poésie" | "line block" => Role::Text(ParagraphKind::Verse),
        "letter" | "lettre" => Role::Text(ParagraphKind::Letter),
        "list paragraph" | "list bullet" | "list number" | "listparagraph" | "compact" => {
            Role::Text(ParagraphKind::Item)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_by_name_and_id_in_both_languages() {
        for (name, level) in [("heading 1", 0), ("Titre 2", 1), ("Titre1", 0), ("Heading3", 2)] {
            assert_eq!(by_name(name), Some(Role::Heading(level)), "{name}");
        }
        for (name, role) in [("Title", Role::Title), ("TOC 2", Role::Contents), ("TM1", Role::Contents)] {
            assert_eq!(by_name(name), Some(role), "{name}");
        }
        assert_eq!(by_name("Body Text"), None);
        assert_eq!(by_name("Heading"), None);
    }
}
