//! EPUB 3, and EPUB 2 as far as its spine goes: archive, package, table of contents, pages.

mod cover;
mod package;
mod toc;

use std::collections::HashMap;
use std::sync::Arc;

use domain::book::Warning;

use crate::archive::Archive;
use crate::error::BookError;
use crate::limits::Meter;
use crate::pages::cut::{self, About, Cutting};
use crate::pages::{self, Page, TocEntry};
use crate::piece::{Draft, DraftLine, DraftNote, Para, Piece};
use crate::xml::{self, Xml};
use package::Package;
use toc::Toc;

pub(crate) use cover::picture;
pub(crate) use package::resolve_path;

/// Reads an EPUB.
pub(crate) fn read(bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let mut archive = Archive::open(bytes, meter)?;
    let package = package::read(&mut archive, meter)?;
    let mut draft = Draft::default();
    let Toc { entries: toc, pages: page_list } = contents(&mut archive, &package, meter, &mut draft.warnings)?;
    draft.cover = cover::read(&mut archive, &package, meter, &mut draft.warnings)?;
    cover::check_drawings(&mut archive, &package, meter)?;
    let (mut pages, mut guides) = (Vec::new(), Vec::new());
    for (href, linear) in &package.spine {
        let aside = package.guide.get(href).copied().or((!linear).then_some("auxiliary"));
        match page(&mut archive, href, meter, &mut draft.warnings) {
            Ok(page) => {
                pages.push(page);
                guides.push(aside);
            }
            Err(BookError::Incomplete { .. }) => draft.warnings.push(Warning {
                code: "missing-page".to_owned(),
                detail: format!("The book lists {href}, which is not in the file; the rest was read."),
            }),
            Err(error) => return Err(error),
        }
    }
    pages::name_printed_pages(&mut pages, &page_list);
    pages::carry_page_labels(&mut pages);
    pages::assign_notes(&mut pages);
    let mut lines: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, entry) in toc.iter().enumerate() {
        lines.entry(&entry.path).or_default().push(index);
    }
    let mut cuttings: Vec<Cutting> = Vec::new();
    for (page, guide) in pages.into_iter().zip(guides) {
        meter.check_time()?;
        draft.notes.extend(pages::take_notes(&page, cuttings.len()));
        let lines = lines.get(page.href.as_str()).map_or(&[][..], Vec::as_slice);
        cuttings.extend(cut::cut(page, &About { toc: &toc, lines, guide, whole_book: false }));
    }
    join_split_pages(&mut cuttings, &mut draft.notes);
    draft.contents = toc.iter().map(line).collect();
    draft.pieces = placed(cuttings, &toc, package.title.as_deref());
    draft.title = package.title;
    draft.authors = package.authors;
    draft.language_tag = package.language;
    Ok(draft)
}

fn line(entry: &TocEntry) -> DraftLine {
    DraftLine { title: entry.title.clone(), depth: entry.depth as u32 }
}

/// The table of contents: EPUB 3's, else EPUB 2's. A book can be read without it, so one that can't be
/// parsed is a warning.
fn contents(
    archive: &mut Archive<'_>,
    package: &Package,
    meter: &Meter<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Toc, BookError> {
    for (path, is_nav) in [(&package.nav, true), (&package.ncx, false)] {
        let Some(path) = path.as_deref().filter(|path| archive.contains(path)) else { continue };
        let document = xml::decode(path, &archive.unpack(path, meter)?)?;
        let xml = Xml::new(path, &document, meter);
        match if is_nav { toc::from_nav(path, xml) } else { toc::from_ncx(path, xml) } {
            Ok(toc) if toc.entries.is_empty() => {}
            Ok(toc) => return Ok(toc),
            Err(BookError::Malformed { href, .. }) => warnings.push(Warning {
                code: "bad-table-of-contents".to_owned(),
                detail: format!("The table of contents in {href} can't be read; chapters are told by their headings."),
            }),
            Err(error) => return Err(error),
        }
    }
    Ok(Toc::default())
}

fn page(
    archive: &mut Archive<'_>,
    href: &str,
    meter: &Meter<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Page, BookError> {
    let document = xml::decode(href, &archive.unpack(href, meter)?)?;
    pages::read_xhtml(href, &document, meter, warnings)
}

/// A page without a heading goes on for so many characters, or in lower case, where a converter split a chapter.
const SPLIT_CHARS: usize = 300;

/// Converters split long chapters into several files. A page that the table of contents does not list, without a
/// heading or a type of its own, goes on where the one before it ended.
fn join_split_pages(cuttings: &mut Vec<Cutting>, notes: &mut [DraftNote]) {
    // Where each cutting went, since notes count those before them.
    let mut places = Vec::with_capacity(cuttings.len() + 1);
    if cuttings.iter().all(|cutting| cutting.entry.is_none()) {
        return;
    }
    let mut joined: Vec<Cutting> = Vec::with_capacity(cuttings.len());
    for cutting in std::mem::take(cuttings) {
        match joined.last_mut().filter(|before| goes_on(&before.piece, &cutting)) {
            Some(before) => {
                let href: Arc<str> = cutting.piece.href.into();
                let paragraphs = cutting.piece.paragraphs.into_iter();
                before.piece.paragraphs.extend(paragraphs.map(|para| Para { href: Some(href.clone()), ..para }));
                before.piece.pictured |= cutting.piece.pictured;
            }
            None => joined.push(cutting),
        }
        places.push(joined.len() - 1);
    }
    for note in notes {
        note.pieces_before = places.get(note.pieces_before).copied().unwrap_or(joined.len());
    }
    *cuttings = joined;
}

fn goes_on(before: &Piece, cutting: &Cutting) -> bool {
    let piece = &cutting.piece;
    let plain = cutting.entry.is_none() && cutting.starts_page && piece.title.is_none() && piece.aside.is_none();
    let told = before.aside.is_none() && before.has_prose() && before.href != piece.href;
    let chars: usize = piece.paragraphs.iter().map(|para| para.text.text().chars().count()).sum();
    let small = piece.paragraphs.first().is_some_and(|para| para.text.text().starts_with(char::is_lowercase));
    plain && told && !piece.is_chapter && (chars >= SPLIT_CHARS || small)
}

/// Gives each piece the titles above it. Where the table of contents nests, it is believed; a line above
/// that leads to a title page, or says the book's own title, is no part.
fn placed(cuttings: Vec<Cutting>, toc: &[TocEntry], book_title: Option<&str>) -> Vec<Piece> {
    let nests = toc.iter().any(|entry| entry.depth > 0);
    let mut is_part = vec![true; toc.len()];
    for cutting in &cuttings {
        if let (Some(entry), Some(_)) = (cutting.entry, cutting.piece.aside) {
            is_part[entry] = false;
        }
    }
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    for (part, entry) in is_part.iter_mut().zip(toc) {
        *part &= !book_title.is_some_and(|title| same(title, &entry.title));
    }
    let parents = parents(toc);
    let above = |entry: usize| {
        let mut titles: Vec<String> = std::iter::successors(parents[entry], |&line| parents[line])
            .filter(|&line| is_part[line])
            .map(|line| toc[line].title.clone())
            .collect();
        titles.reverse();
        titles
    };
    cuttings
        .into_iter()
        .map(|Cutting { mut piece, entry, .. }| {
            piece.above = entry.filter(|_| nests).map(above);
            piece
        })
        .collect()
}

/// For each line of a table of contents, the one above it.
fn parents(toc: &[TocEntry]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    toc.iter()
        .enumerate()
        .map(|(index, entry)| {
            while open.pop_if(|line| toc[*line].depth >= entry.depth).is_some() {}
            let parent = open.last().copied();
            open.push(index);
            parent
        })
        .collect()
}
