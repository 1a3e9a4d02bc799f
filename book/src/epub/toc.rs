//! Tables of contents: EPUB 3 navigation documents and EPUB 2's NCX.

use super::package::resolve_path;
use crate::error::BookError;
use crate::pages::{TocEntry, skip};
use crate::xml::{Node, Xml, attribute, local_name, resolve};

/// More lines than any book has.
const MAX_ENTRIES: usize = 20_000;

/// Reads the `toc` of a navigation document.
pub(super) fn from_nav(path: &str, mut xml: Xml<'_, '_>) -> Result<Vec<TocEntry>, BookError> {
    let mut entries = Vec::new();
    let mut in_toc = false;
    let mut lists = 0usize;
    let mut open: Option<(String, TocEntry)> = None;
    while let Some((node, _)) = xml.next()? {
        match node {
            Node::Start(tag, empty) => match local_name(&tag).as_str() {
                "nav" => in_toc = skip::types(&tag).split_whitespace().any(|word| matches!(word, "toc" | "doc-toc")),
                "ol" if in_toc && !empty => lists += 1,
                name @ ("a" | "span") if in_toc && lists > 0 && open.is_none() && !empty => {
                    let href = attribute(&tag, "href").filter(|_| name == "a");
                    let (path, fragment) = href.map_or_else(Default::default, |href| resolve_path(path, &href));
                    let entry = TocEntry { title: String::new(), path, fragment, depth: lists - 1 };
                    open = Some((name.to_owned(), entry));
                }
                _ => {}
            },
            Node::Text(text) | Node::CData(text) => {
                if let Some((_, entry)) = &mut open {
                    entry.title.push_str(text);
                }
            }
            Node::Reference(name) => {
                if let (Some((_, entry)), Some(text)) = (&mut open, resolve(name)) {
                    entry.title.push_str(&text);
                }
            }
            Node::End(name) => match name.as_str() {
                "nav" => in_toc = false,
                "ol" if in_toc => lists = lists.saturating_sub(1),
                "li" => take(&mut entries, open.take().map(|(_, entry)| entry)),
                // A `span` within an `a` closes nothing.
                _ => take(&mut entries, open.take_if(|(element, _)| *element == name).map(|(_, entry)| entry)),
            },
        }
    }
    Ok(entries)
}

/// Reads the map of an NCX.
pub(super) fn from_ncx(path: &str, mut xml: Xml<'_, '_>) -> Result<Vec<TocEntry>, BookError> {
    let mut entries = Vec::new();
    let (mut in_map, mut in_text) = (false, false);
    let mut points = 0usize;
    let mut title = String::new();
    while let Some((node, _)) = xml.next()? {
        match node {
            Node::Start(tag, empty) => match local_name(&tag).as_str() {
                "navmap" => in_map = true,
                "navpoint" if !empty => {
                    points += 1;
                    title.clear();
                }
                "text" => in_text = !empty,
                "content" if in_map && points > 0 => {
                    let (path, fragment) = resolve_path(path, &attribute(&tag, "src").unwrap_or_default());
                    let title = std::mem::take(&mut title);
                    take(&mut entries, Some(TocEntry { title, path, fragment, depth: points - 1 }));
                }
                _ => {}
            },
            Node::Text(text) | Node::CData(text) if in_text => title.push_str(text),
            Node::Reference(name) if in_text => title.push_str(&resolve(name).unwrap_or_default()),
            Node::Text(_) | Node::CData(_) | Node::Reference(_) => {}
            Node::End(name) => match name.as_str() {
                "navmap" => in_map = false,
                "navpoint" => points = points.saturating_sub(1),
                "text" => in_text = false,
                _ => {}
            },
        }
    }
    Ok(entries)
}

fn take(entries: &mut Vec<TocEntry>, entry: Option<TocEntry>) {
    if let Some(mut entry) = entry {
        entry.title = entry.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if !entry.title.is_empty() && entries.len() < MAX_ENTRIES {
            entries.push(entry);
        }
    }
}
