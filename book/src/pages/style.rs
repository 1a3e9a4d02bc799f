//! What the names of elements, types and classes say of a paragraph.

use domain::book::ParagraphKind;
use quick_xml::events::BytesStart;

use crate::xml::{attribute, mentions};

/// Elements that set their text apart from what surrounds it.
pub(super) const BLOCKS: &[&str] = &[
    "p",
    "div",
    "blockquote",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "body",
    "aside",
    "hgroup",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "pre",
    "address",
    "figure",
    "center",
    "fieldset",
    "details",
    "summary",
    "hr",
];

/// Words for verse, in types and classes.
const VERSE: &[&str] = &[
    "verse",
    "song",
    "poem",
    "poetry",
    "hymn",
    "lyrics",
    "stanza",
    "vers",
    "strophe",
    "poeme",
    "poème",
    "poesie",
    "poésie",
    "linegroup",
    "poetry-container",
];
/// Words for mottoes.
const EPIGRAPH: &[&str] = &["epigraph", "epigraphe", "épigraphe", "exergue", "motto", "chapter-quote"];
/// Words for letters, telegrams and the like.
const LETTER: &[&str] = &[
    "letter",
    "lettre",
    "telegram",
    "télégramme",
    "telegramme",
    "correspondence",
    "correspondance",
    "diary",
    "journal",
    "newspaper",
    "epistolary",
    "billet",
    "note-letter",
];
/// Beginnings of class names that converters give to headings, the level that each stands for, and whether what
/// follows must say heading once more: `chapter` alone names the whole chapter, `chapter-first` its first paragraph.
const HEADINGS: &[(&str, u8, bool)] = &[
    ("parttitle", 1, false),
    ("part-title", 1, false),
    ("parthead", 1, false),
    ("partnumber", 1, false),
    ("part-number", 1, false),
    ("titrepartie", 1, false),
    ("titre-partie", 1, false),
    ("titrechap", 2, false),
    ("titre-chap", 2, false),
    ("subtitle", 6, false),
    ("soustitre", 6, false),
    ("sous-titre", 6, false),
    ("subhead", 6, false),
    ("msoheading", 2, false),
    ("msotitle", 1, false),
    ("msosubtitle", 6, false),
    ("intertitre", 6, false),
    ("chapter", 2, true),
    ("chap", 2, true),
    ("heading", 2, true),
    ("titre", 2, true),
    ("title", 2, true),
];
/// Class names of exactly this mean a heading.
const HEADING_WORDS: &[(&str, u8)] = &[
    ("h1", 1),
    ("h2", 2),
    ("h3", 3),
    ("h4", 4),
    ("h5", 5),
    ("h6", 6),
    ("cn", 2),
    ("ct", 2),
    ("chn", 2),
    ("cht", 2),
    ("pn", 1),
    ("pt", 1),
];

/// What an element says of all text in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// Kind of its paragraphs, headings apart.
    pub kind: Option<ParagraphKind>,
    /// A heading by its class, if its text is short; never inherited.
    pub heading: Option<u8>,
    pub aside: Option<&'static str>,
    /// Lines are set as they are: a break ends a verse, not a paragraph.
    pub quoted: bool,
    /// It holds the lines of one stanza; never inherited.
    pub stanza: bool,
}

/// Reads an element's name, types and classes.
pub(super) fn of(name: &str, tag: &BytesStart<'_>, types: &str) -> Style {
    let classed = mentions(tag, "class");
    let classes = if classed { attribute(tag, "class").unwrap_or_default().to_lowercase() } else { String::new() };
    let mut style = Style { quoted: name == "blockquote", ..Style::default() };
    let words = || types.split_whitespace().map(local).chain(classes.split_whitespace());
    style.kind = match () {
        () if words().any(|word| VERSE.contains(&word)) => Some(ParagraphKind::Verse),
        () if words().any(|word| EPIGRAPH.contains(&word)) => Some(ParagraphKind::Epigraph),
        () if words().any(|word| LETTER.contains(&word)) => Some(ParagraphKind::Letter),
        () if name == "li" => Some(ParagraphKind::Item),
        () => None,
    };
    if classes.contains("pg-boilerplate") || classes.contains("pgheader") || classes.contains("pgfooter") {
        style.aside = Some("licence");
    } else if words().any(|word| matches!(word, "transnote" | "transcriber-notes" | "tnote" | "tn")) {
        style.aside = Some("transcriber-note");
    }
    style.stanza = words().any(|word| matches!(word, "stanza" | "strophe" | "linegroup" | "line-group"));
    if matches!(name, "p" | "div" | "td" | "center") {
        style.heading = classes.split_whitespace().find_map(heading_class);
    }
    style
}

fn local(word: &str) -> &str {
    let word = word.rsplit(':').next().unwrap_or(word);
    word.strip_prefix("doc-").unwrap_or(word)
}

/// The level of the heading that a class stands for.
fn heading_class(class: &str) -> Option<u8> {
    if let Some(&(_, level)) = HEADING_WORDS.iter().find(|(word, _)| *word == class) {
        return Some(level);
    }
    let &(start, level, more) = HEADINGS.iter().find(|(start, ..)| class.starts_with(start))?;
    let rest = class.strip_prefix(start)?.trim_matches(|c: char| !c.is_alphanumeric());
    let ends = rest.bytes().all(|byte| byte.is_ascii_digit()) && !start.starts_with("chap");
    let telling = ["title", "number", "num", "head", "name", "titre", "numero"];
    let titled = telling.iter().any(|word| rest.starts_with(word) || rest.ends_with(word));
    (!more || titled || ends).then_some(level)
}

/// The level of a heading by its element or its type.
pub(super) fn heading_level(name: &str, types: &str) -> Option<u8> {
    if let Some(level @ b'1'..=b'6') =
        name.strip_prefix('h').filter(|rest| rest.len() == 1).map(|rest| rest.as_bytes()[0])
    {
        return Some(level - b'0');
    }
    let titled = matches!(name, "p" | "div")
        && types
            .split_whitespace()
            .map(local)
            .any(|word| matches!(word, "title" | "subtitle" | "fulltitle" | "bridgehead" | "ordinal"));
    titled.then_some(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_converters_are_told_from_those_of_prose() {
        for (class, level) in [
            ("chapter-title", Some(2)),
            ("chaptertitle", Some(2)),
            ("chapternumber1", Some(2)),
            ("heading2", Some(2)),
            ("titre1", Some(2)),
            ("titre-chapitre", Some(2)),
            ("ct", Some(2)),
            ("part-title", Some(1)),
            ("chapter", None),
            ("chapter-first", None),
            ("chapter-text", None),
            ("titlepage", None),
            ("indent", None),
        ] {
            assert_eq!(heading_class(class), level, "{class}");
        }
    }
}
