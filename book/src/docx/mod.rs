//! DOCX: a zip of XML parts, of which the document, its notes, its styles and its properties are read.
//!
//! Relationships are followed within the archive only; whatever lies outside, templates, pictures and linked
//! documents included, is never looked at. Nothing is run: a document with macros is refused.

mod body;
mod divide;
mod marks;
mod proof;
mod styles;

use domain::book::Format;

use crate::archive::Archive;
use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::piece::{Draft, DraftNote, Para};
use crate::xml::{self, Node, Xml};
use body::{Block, References};
pub(crate) use proof::characters;
use styles::Styles;

/// The part that says what all the others are.
const TYPES: &str = "[Content_Types].xml";
/// Where an archive says what it is, if it is an EPUB or an OpenDocument text.
const MEDIA_TYPE: &str = "mimetype";
/// No declaration is longer, bytes.
const MEDIA_TYPE_BYTES: usize = 256;

/// What a zip archive holds; nothing if that is for others to tell.
pub(crate) fn sniff(bytes: &[u8], meter: &Meter<'_>) -> Result<Option<Format>, BookError> {
    let mut archive = Archive::open(bytes, meter)?;
    let not_a_book = |looks_like| Err(BookError::NotABook { looks_like });
    if archive.contains("META-INF/container.xml") {
        return Ok(None);
    }
    if archive.contains(TYPES) {
        let types = archive.unpack(TYPES, meter)?;
        let types = xml::decode(TYPES, &types)?.text;
        // The macros' own part has a content type too, so the main part's come first.
        return if types.contains("document.macroEnabled.main+xml")
            || types.contains("template.macroEnabledTemplate.main+xml")
        {
            not_a_book("a Word document with macros (.docm)")
        } else if types.contains("wordprocessingml.document.main+xml")
            || types.contains("wordprocessingml.template.main+xml")
        {
            Ok(Some(Format::Docx))
        } else if types.contains("spreadsheetml") {
            not_a_book("a spreadsheet")
        } else if types.contains("presentationml") {
            not_a_book("a presentation")
        } else {
            not_a_book("an Office document")
        };
    }
    if archive.contains(MEDIA_TYPE) {
        let media_type = archive.unpack(MEDIA_TYPE, meter)?;
        let media_type = String::from_utf8_lossy(&media_type[..media_type.len().min(MEDIA_TYPE_BYTES)]).into_owned();
        if media_type.starts_with("application/vnd.oasis.opendocument.text") {
            return not_a_book("an OpenDocument text (.odt)");
        }
        if media_type.starts_with("application/vnd.oasis.opendocument") {
            return not_a_book("an OpenDocument file");
        }
    }
    Ok(None)
}

/// Reads a DOCX.
pub(crate) fn read(bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let archive = Archive::open(bytes, meter)?;
    let mut package = Package { archive, meter };
    let mut draft = Draft::default();
    let root = package.relations("_rels/.rels", "")?;
    let main = target(&root, "/officeDocument").unwrap_or_else(|| "word/document.xml".to_owned());
    if !package.archive.contains(&main) {
        return Err(BookError::Incomplete { part: main });
    }
    if let Some(properties) = target(&root, "/core-properties").or_else(|| Some("docProps/core.xml".to_owned())) {
        package.properties(&properties, &mut draft)?;
    }
    let (folder, name) = main.rsplit_once('/').unwrap_or(("", &main));
    let relations = package.relations(&join(folder, &format!("_rels/{name}.rels")), folder)?;
    let part = |kind: &str, usual: &str| target(&relations, kind).unwrap_or_else(|| join(folder, usual));
    let href = part("/styles", "styles.xml");
    let styles = match package.part(&href)? {
        Some(part) => Styles::read(&href, &part, meter)?,
        None => Styles::default(),
    };
    if draft.language_tag.is_none() {
        draft.language_tag.clone_from(&styles.language_tag);
    }
    let Some(document) = package.part(&main)? else { return Err(BookError::Incomplete { part: main }) };
    let mut references = References::default();
    let blocks = body::read(&main, &document, &styles, &mut references, meter)?;
    divide::pieces(&main, blocks, &mut draft);
    for (kind, usual) in [("/footnotes", "footnotes.xml"), ("/endnotes", "endnotes.xml")] {
        let href = part(kind, usual);
        if let Some(part) = package.part(&href)? {
            let blocks = body::read(&href, &part, &styles, &mut References::default(), meter)?;
            notes(&href, blocks, &references, &mut draft);
        }
    }
    Ok(draft)
}

/// Adds the notes of a part to a draft.
fn notes(href: &str, blocks: Vec<Block>, references: &References, draft: &mut Draft) {
    let mut by_note: Vec<(String, Vec<Para>)> = Vec::new();
    for block in blocks {
        let Some(id) = block.note else { continue };
        match by_note.last_mut().filter(|(last, _)| *last == id) {
            Some((_, paragraphs)) => paragraphs.push(block.para),
            None => by_note.push((id, vec![block.para])),
        }
    }
    for (id, mut paragraphs) in by_note {
        paragraphs.retain(|para| !para.text.is_empty());
        if let Some(mut note) = DraftNote::new(href, paragraphs, draft.pieces.len()) {
            if let Some(label) = references.labels.get(&id) {
                note.label.clone_from(label);
            }
            note.id = Some(id);
            draft.notes.push(note);
        }
    }
}

/// What a part's relationships lead to within the archive: their kinds and targets.
type Relations = Vec<(String, String)>;

fn target(relations: &Relations, kind: &str) -> Option<String> {
    relations.iter().find(|(known, _)| known.ends_with(kind)).map(|(_, target)| target.clone())
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

struct Package<'b, 'm> {
    archive: Archive<'b>,
    meter: &'m Meter<'m>,
}

impl Package<'_, '_> {
    /// A part; nothing if there is none of that name.
    fn part(&mut self, href: &str) -> Result<Option<Decoded>, BookError> {
        if !self.archive.contains(href) {
            return Ok(None);
        }
        let bytes = self.archive.unpack(href, self.meter)?;
        Ok(Some(xml::decode(href, &bytes)?))
    }

    fn relations(&mut self, href: &str, folder: &str) -> Result<Relations, BookError> {
        let mut relations = Relations::new();
        let Some(part) = self.part(href)? else { return Ok(relations) };
        let mut walk = Xml::new(href, &part, self.meter);
        while let Some((node, _)) = walk.next()? {
            let Node::Start(tag, _) = node else { continue };
            let external = xml::attribute(&tag, "TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
            if let (false, Some(kind), Some(target)) =
                (external, xml::attribute(&tag, "Type"), xml::attribute(&tag, "Target"))
            {
                // A target may start at the archive's root.
                let target = target.strip_prefix('/').map_or_else(|| join(folder, &target), str::to_owned);
                relations.push((kind, target));
            }
        }
        Ok(relations)
    }

    /// Title, authors and language.
    fn properties(&mut self, href: &str, draft: &mut Draft) -> Result<(), BookError> {
        let Some(part) = self.part(href)? else { return Ok(()) };
        let mut walk = Xml::new(href, &part, self.meter);
        let mut open = String::new();
        let mut text = String::new();
        while let Some((node, _)) = walk.next()? {
            match node {
                Node::Start(tag, _) => {
                    open = xml::local_name(&tag);
                    text.clear();
                }
                Node::Text(more) | Node::CData(more) => text.push_str(more),
                Node::Reference(name) => text.extend(xml::resolve(name)),
                Node::End(name) => {
                    if name == open {
                        property(&name, text.trim(), draft);
                    }
                    text.clear();
                }
            }
        }
        Ok(())
    }
}

fn property(name: &str, value: &str, draft: &mut Draft) {
    if value.is_empty() {
        return;
    }
    match name {
        "title" => draft.title = Some(value.to_owned()),
        "creator" => {
            let names = value.split(';').map(str::trim).filter(|name| is_author(name));
            draft.authors = names.map(str::to_owned).collect();
        }
        "language" => draft.language_tag = Some(value.to_owned()),
        _ => {}
    }
}

/// Programs name themselves, or nobody, where the author should be.
fn is_author(name: &str) -> bool {
    let lower = name.to_lowercase();
    let nobody =
        ["python-docx", "user", "utilisateur", "microsoft office user", "unknown", "author", "un-named", "admin"];
    !name.is_empty() && !nobody.contains(&lower.as_str())
}
