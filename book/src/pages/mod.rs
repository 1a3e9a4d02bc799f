//! Pages of XHTML and HTML to paragraphs and pieces: what EPUB and HTML share.

pub(crate) mod cut;
mod notes;
mod promote;
pub(crate) mod skip;
mod soup;
mod style;
mod walk;

use std::collections::HashMap;
use std::ops::Range;

use domain::book::Warning;

use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::piece::{PageBreak, Para};
use crate::xml::Xml;

pub(crate) use notes::{assign as assign_notes, take as take_notes};
pub(crate) use soup::Soup;

/// A line of a table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TocEntry {
    pub title: String,
    /// Path of the page; empty where the line names none.
    pub path: String,
    pub fragment: Option<String>,
    /// 0 for the outermost.
    pub depth: usize,
}

/// A page, read.
#[derive(Default)]
pub(crate) struct Page {
    pub href: String,
    pub paragraphs: Vec<PagePara>,
    /// Sections with an `epub:type`, in the order of their starts.
    pub sections: Vec<Section>,
    /// Where each id stands.
    pub anchors: HashMap<String, Place>,
    /// Paragraphs of each element that holds more than one, innermost first.
    pub blocks: Vec<Range<usize>>,
    /// Ids of the notes that elements mark as such; [`PagePara::note`] counts them.
    pub notes: Vec<Option<String>>,
    /// Labels of pages that begin behind the last paragraph.
    pub pages_after: Vec<String>,
    /// It shows a picture.
    pub pictured: bool,
}

impl Page {
    /// The paragraph that a line of the table of contents points to; nothing if the page does not hold it.
    pub fn place_of(&self, entry: &TocEntry) -> Option<usize> {
        let at = match &entry.fragment {
            Some(fragment) => self.anchors.get(fragment)?.paragraphs.start,
            None => 0,
        };
        (at < self.paragraphs.len()).then_some(at)
    }
}

/// Where an element with an id stands in a page.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The paragraphs that it holds, or the one that it stands in or before.
    pub paragraphs: Range<usize>,
    /// Bytes of the first paragraph's text before it.
    pub at: usize,
    /// It or its class is named like a note.
    pub notelike: bool,
}

/// A paragraph, with what the page says of it.
pub(crate) struct PagePara {
    pub para: Para,
    /// 1 to 6 for a heading by its element or class, 0 for everything else.
    pub heading: u8,
    /// Index into [`Page::notes`], of the note that it belongs to.
    pub note: Option<usize>,
    /// The rule by which its element is set aside.
    pub aside: Option<&'static str>,
    /// Nearly all of it is a link.
    pub linked: bool,
    /// It is set apart, as a block quotation is.
    pub quoted: bool,
}

/// A typed section: its paragraphs, and its types.
pub(crate) struct Section {
    pub paragraphs: Range<usize>,
    pub types: String,
}

/// Reads a page of XHTML; one that is not well-formed is read as browsers read HTML, with a warning.
pub(crate) fn read_xhtml(
    href: &str,
    document: &Decoded,
    meter: &Meter<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Page, BookError> {
    match walk::read(href, document, Xml::page(href, document, meter), meter) {
        // A page that stops within a tag was cut off, and no browser knows what stood behind.
        Err(BookError::Malformed { .. }) if !soup::is_cut_off(&document.text) => {
            warnings.push(Warning {
                code: "tag-soup".to_owned(),
                detail: format!("{href} is not well-formed; it was read as browsers do."),
            });
            read_html(href, document, meter)
        }
        page => page,
    }
}

/// Reads a page of HTML as browsers do.
pub(crate) fn read_html(href: &str, document: &Decoded, meter: &Meter<'_>) -> Result<Page, BookError> {
    walk::read(href, document, Soup::new(href, document, meter), meter)
}

/// Page labels at the end of a page of the file belong to what follows.
pub(crate) fn carry_page_labels(pages: &mut [Page]) {
    let mut carried: Vec<String> = Vec::new();
    for page in pages {
        if let Some(first) = page.paragraphs.iter_mut().find(|para| para.note.is_none()) {
            let labels = carried.drain(..).map(|label| PageBreak { at: 0, label });
            first.para.pages.splice(0..0, labels);
        }
        carried.append(&mut page.pages_after);
    }
}

/// Printed pages as a list in the file names them, whatever the elements that it points to say.
pub(crate) fn name_printed_pages(pages: &mut [Page], list: &[TocEntry]) {
    let by_path: HashMap<String, usize> = pages.iter().enumerate().map(|(index, p)| (p.href.clone(), index)).collect();
    for entry in list {
        let Some(page) = by_path.get(&entry.path).map(|&index| &mut pages[index]) else { continue };
        let at = match &entry.fragment {
            Some(fragment) => page.anchors.get(fragment).map(|place| (place.paragraphs.start, place.at)),
            None => Some((0, 0)),
        };
        let Some((index, at)) = at else { continue };
        let Some(para) = page.paragraphs.get_mut(index) else { continue };
        let at = para.para.text.text().floor_char_boundary(at);
        let breaks = &mut para.para.pages;
        match breaks.iter_mut().find(|known| known.at == at) {
            Some(known) => known.label.clone_from(&entry.title),
            None => {
                breaks.push(PageBreak { at, label: entry.title.clone() });
                breaks.sort_by_key(|known| known.at);
            }
        }
    }
}
