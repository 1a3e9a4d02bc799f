//! Which elements of a page are not part of the text: note marks, notes, hidden and spoken-over things.
//!
//! The page walk and the proof of provenance apply the same rules, each with its own scanner.

use quick_xml::events::BytesStart;

use crate::notes;
use crate::xml::{attribute, local_name};

/// Elements that hold no text of the book.
const NAMES: &[&str] = &[
    "head",
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
/// `epub:type` words (and DPUB-ARIA roles without `doc-`) of what stands apart from the text.
const TYPES: &[&str] = &[
    "noteref",
    "footnote",
    "footnotes",
    "endnote",
    "endnotes",
    "rearnote",
    "rearnotes",
    "note",
    "pagebreak",
    "annotation",
    "backlink",
];
/// A linked number is looked for within so many bytes behind its start tag.
const MARK_BYTES: usize = 400;

/// An element's `epub:type` and `role`, as one list of words.
pub(super) fn types(tag: &BytesStart<'_>) -> String {
    let mut types = attribute(tag, "epub:type").unwrap_or_default();
    if let Some(role) = attribute(tag, "role") {
        types.push(' ');
        types.push_str(&role);
    }
    types
}

/// The element that `tag` starts is left out; `rest` is what follows the tag.
pub(crate) fn is_skipped(tag: &BytesStart<'_>, rest: &str) -> bool {
    let name = local_name(tag);
    if NAMES.contains(&name.as_str()) {
        return true;
    }
    let raw = tag.attributes_raw();
    if raw.contains("hidden") && attribute(tag, "hidden").is_some_and(|value| value != "false") {
        return true;
    }
    is_note(tag) || matches!(name.as_str(), "a" | "sup") && is_linked_number(tag, &name, rest)
}

/// The element is a note, a list of notes, or the mark of one, by its type.
pub(crate) fn is_note(tag: &BytesStart<'_>) -> bool {
    let raw = tag.attributes_raw();
    let typed = raw.contains("type") || raw.contains("role");
    typed
        && types(tag).split_whitespace().any(|word| {
            let word = word.rsplit(':').next().unwrap_or(word);
            TYPES.contains(&word.strip_prefix("doc-").unwrap_or(word))
        })
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
            let linked = attribute(tag, "href").is_some_and(|href| href.contains('#'));
            let classed = attribute(tag, "class").is_some_and(|class| class.to_ascii_lowercase().contains("note"));
            linked && (bracketed.is_some() || classed || inner.contains("<sup"))
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
