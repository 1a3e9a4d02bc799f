//! Which elements of a page are not part of the text: note marks, notes, hidden and spoken-over things.
//!
//! The page walk and the proof of provenance apply the same rules, each with its own scanner.

use quick_xml::events::BytesStart;

use crate::notes;
use crate::xml::{attribute, local_name, mentions};

/// Elements that hold no text of the book.
const NAMES: &[&str] = &[
    "title",
    "script",
    "style",
    "template",
    "svg",
    "audio",
    "video",
    "object",
    "iframe",
    "canvas",
    "nav",
    "rt",
    "rp",
    "figcaption",
    "form",
    "button",
    "select",
    "textarea",
    "noscript",
    "map",
];
/// `epub:type` words (and DPUB-ARIA roles without `doc-`) of a note.
const NOTES: &[&str] = &["footnote", "endnote", "rearnote", "note"];
/// The same of what holds notes.
const NOTE_LISTS: &[&str] = &["footnotes", "endnotes", "rearnotes"];
/// Words in the class of a printed page's number.
const PAGE_CLASSES: &[&str] = &["pagenum", "pageno", "pagenumber", "page-number", "ws-pagenum", "pagebreak", "folio"];
/// A linked number is looked for within so many bytes behind its start tag.
const MARK_BYTES: usize = 400;

/// An element's `epub:type` and `role`, as one list of words.
pub(crate) fn types(tag: &BytesStart<'_>) -> String {
    let mut types = attribute(tag, "epub:type").unwrap_or_default();
    if let Some(role) = attribute(tag, "role") {
        types.push(' ');
        types.push_str(&role);
    }
    types
}

/// Elements of this name hold no text of the book.
pub(super) fn holds_no_text(name: &str) -> bool {
    NAMES.contains(&name)
}

/// What stands apart from the text, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apart {
    /// Nothing of the book.
    Dropped,
    /// The mark of a note.
    Mark,
    /// The beginning of a printed page.
    Page,
    /// A note.
    Note,
    /// A list of notes.
    NoteList,
}

/// The element that `tag` starts is left out of the text around it; `rest` is what follows the tag.
pub(crate) fn is_skipped(tag: &BytesStart<'_>, rest: &str) -> bool {
    apart(tag, rest).is_some()
}

/// As what the element that `tag` starts stands apart from the text around it, if it does.
pub(super) fn apart(tag: &BytesStart<'_>, rest: &str) -> Option<Apart> {
    let name = local_name(tag);
    if holds_no_text(&name) {
        return Some(Apart::Dropped);
    }
    if mentions(tag, "hidden") && attribute(tag, "hidden").is_some_and(|value| value != "false") {
        return Some(Apart::Dropped);
    }
    if mentions(tag, "type") || mentions(tag, "role") {
        let types = types(tag);
        let found = types.split_whitespace().find_map(|word| {
            let word = word.rsplit(':').next().unwrap_or(word);
            match word.strip_prefix("doc-").unwrap_or(word) {
                "noteref" => Some(Apart::Mark),
                "pagebreak" => Some(Apart::Page),
                "annotation" | "backlink" => Some(Apart::Dropped),
                word if NOTES.contains(&word) => Some(Apart::Note),
                word if NOTE_LISTS.contains(&word) => Some(Apart::NoteList),
                _ => None,
            }
        });
        // A page may hold nothing but notes.
        if found.is_some() && !(found == Some(Apart::NoteList) && name == "body") {
            return found;
        }
    }
    if matches!(name.as_str(), "span" | "a" | "div" | "p") && mentions(tag, "class") {
        let class = attribute(tag, "class").unwrap_or_default().to_ascii_lowercase();
        if class.split_whitespace().any(|word| PAGE_CLASSES.contains(&word)) {
            return Some(Apart::Page);
        }
    }
    (matches!(name.as_str(), "a" | "sup") && is_linked_number(tag, &name, rest)).then_some(Apart::Mark)
}

/// `<a href="#n1"><sup>1</sup></a>`, `<sup><a href="#n1">1</a></sup>`, `<a href="#n1">[1]</a>`.
fn is_linked_number(tag: &BytesStart<'_>, name: &str, rest: &str) -> bool {
    let Some(inner) = inner(name, rest) else { return false };
    let label = characters(inner);
    let label = label.trim();
    let bracketed = label.strip_prefix(['[', '(']).and_then(|rest| rest.strip_suffix([']', ')']));
    if !notes::is_label(bracketed.unwrap_or(label)) {
        return false;
    }
    match name {
        "sup" => inner.contains("<a "),
        _ => {
            let href = attribute(tag, "href").unwrap_or_default();
            let Some((_, fragment)) = href.split_once('#') else { return false };
            let classed = attribute(tag, "class").is_some_and(|class| class.to_ascii_lowercase().contains("note"));
            bracketed.is_some() || classed || inner.contains("<sup") || is_notelike(fragment)
        }
    }
}

/// What stands in the short element `name` whose start tag `rest` follows.
fn inner<'a>(name: &str, rest: &'a str) -> Option<&'a str> {
    let near = &rest[..rest.floor_char_boundary(MARK_BYTES)];
    near.find(&format!("</{name}")).map(|end| &near[..end])
}

/// `markup` without its tags.
fn characters(markup: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in markup.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text
}

/// An id or a class that is named as notes are: `fn3`, `_ftn2`, `note-1`, `cite_note-4`.
pub(super) fn is_notelike(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let counted = ["fn", "n", "en"].iter().any(|start| {
        let rest = name.strip_prefix(start).map(|rest| rest.trim_start_matches(['-', '_', '.']));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    // What leads back from a note is named after the mark.
    let mark = ["ref", "back", "anchor"].iter().any(|word| name.contains(word));
    counted || !mark && ["note", "ftn", "edn"].iter().any(|word| name.contains(word))
}

/// The label of the note mark that `tag` starts, and where it leads.
pub(super) fn mark(tag: &BytesStart<'_>, rest: &str) -> (String, Option<String>) {
    let name = local_name(tag);
    let inner = inner(&name, rest).unwrap_or_default();
    let label = characters(inner).trim().trim_matches(['[', ']', '(', ')']).to_owned();
    let of_inner = || {
        let (_, link) = inner.split_once("<a ")?;
        let content = format!("a {}", link.split('>').next().unwrap_or(link));
        attribute(&BytesStart::from_content(content, 1), "href")
    };
    (label, attribute(tag, "href").or_else(of_inner))
}

/// The label of the printed page that begins at `tag`, if it is told.
pub(super) fn page_label(tag: &BytesStart<'_>, rest: &str) -> Option<String> {
    let inner = inner(&local_name(tag), rest).map(characters);
    let of = |text: String| {
        let word = text.rsplit(['/', ' ', '_']).find(|word| !word.is_empty())?;
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let short = !word.is_empty() && word.len() <= 8;
        let counted = word.contains(|c: char| c.is_ascii_digit()) || word.bytes().all(|b| b"ivxlcIVXLC".contains(&b));
        (short && counted).then(|| word.to_owned())
    };
    let attributes = ["aria-label", "title"].into_iter().find_map(|name| attribute(tag, name).and_then(of));
    attributes.or_else(|| inner.and_then(of)).or_else(|| attribute(tag, "id").and_then(of))
}
