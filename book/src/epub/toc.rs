//! Tables of contents: EPUB 3 navigation documents and EPUB 2's NCX.

use super::package::resolve_path;
use crate::error::BookError;
use crate::pages::{TocEntry, skip};
use crate::xml::{Node, Xml, attribute, local_name, resolve};

/// More lines than any book has.
const MAX_ENTRIES: usize = 20_000;

/// What a file says of its contents.
#[derive(Default)]
pub(super) struct Toc {
    pub entries: Vec<TocEntry>,
    /// Where printed pages begin.
    pub pages: Vec<TocEntry>,
}

/// Reads the `toc` and the `page-list` of a navigation document.
pub(super) fn from_nav(path: &str, mut xml: Xml<'_, '_>) -> Result<Toc, BookError> {
    let mut toc = Toc::default();
    let (mut in_toc, mut in_pages) = (false, false);
    let mut lists = 0usize;
    let mut open: Option<(String, TocEntry)> = None;
    while let Some((node, _)) = xml.next()? {
        match node {
            Node::Start(tag, empty) => match local_name(&tag).as_str() {
                "nav" => {
                    let types = skip::types(&tag);
                    let says = |words: [&str; 2]| types.split_whitespace().any(|word| words.contains(&word));
                    (in_toc, in_pages) = (says(["toc", "doc-toc"]), says(["page-list", "doc-pagelist"]));
                }
                "ol" if (in_toc || in_pages) && !empty => lists += 1,
                name @ ("a" | "span") if lists > 0 && open.is_none() && !empty => {
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
            Node::End(name) => {
                let entries = if in_pages { &mut toc.pages } else { &mut toc.entries };
                match name.as_str() {
                    "nav" => (in_toc, in_pages, lists) = (false, false, 0),
                    "ol" => lists = lists.saturating_sub(1),
                    "li" => take(entries, open.take().map(|(_, entry)| entry)),
                    // A `span` within an `a` closes nothing.
                    _ => take(entries, open.take_if(|(element, _)| *element == name).map(|(_, entry)| entry)),
                }
            }
        }
    }
    Ok(toc)
}

/// Reads the map and the list of pages of an NCX.
pub(super) fn from_ncx(path: &str, mut xml: Xml<'_, '_>) -> Result<Toc, BookError> {
    let mut toc = Toc::default();
    let (mut in_map, mut in_page, mut in_text) = (false, false, false);
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
                "pagetarget" if !empty => {
                    in_page = true;
                    title.clear();
                }
                "text" => in_text = !empty,
                "content" if in_page || in_map && points > 0 => {
                    let (path, fragment) = resolve_path(path, &attribute(&tag, "src").unwrap_or_default());
                    let (title, depth) = (std::mem::take(&mut title), points.saturating_sub(1));
                    let entries = if in_page { &mut toc.pages } else { &mut toc.entries };
                    take(entries, Some(TocEntry { title, path, fragment, depth }));
                }
                _ => {}
            },
            Node::Text(text) | Node::CData(text) if in_text => title.push_str(text),
            Node::Reference(name) if in_text => title.push_str(&resolve(name).unwrap_or_default()),
            Node::Text(_) | Node::CData(_) | Node::Reference(_) => {}
            Node::End(name) => match name.as_str() {
                "navmap" => in_map = false,
                "navpoint" => points = points.saturating_sub(1),
                "pagetarget" => in_page = false,
                "text" => in_text = false,
                _ => {}
            },
        }
    }
    Ok(toc)
}

fn take(entries: &mut Vec<TocEntry>, entry: Option<TocEntry>) {
    if let Some(mut entry) = entry {
        entry.title = entry.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if !entry.title.is_empty() && entries.len() < MAX_ENTRIES {
            entries.push(entry);
        }
    }
}
