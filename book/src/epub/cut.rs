//! Where a page is cut into pieces, and what each piece is.

use std::collections::BTreeMap;

use domain::book::ParagraphKind;

use super::page::{Page, PagePara};
use super::toc::TocEntry;
use crate::aside;
use crate::headings;
use crate::piece::Piece;

/// `epub:type` words of sections that divide a book.
const DIVISIONS: &[&str] = &[
    "chapter",
    "part",
    "volume",
    "division",
    "prologue",
    "epilogue",
    "preface",
    "foreword",
    "introduction",
    "afterword",
    "conclusion",
    "preamble",
];
/// A page that its name or the guide sets aside is no longer than this, characters; a whole book may lie in
/// a file called `cover`.
const ASIDE_CHARS: usize = 20_000;

/// What is known of the place where a piece starts.
#[derive(Clone, Default)]
struct Cut {
    /// Index into the table of contents.
    entry: Option<usize>,
    /// Types of the sections that start here.
    types: String,
}

/// A piece, with its line in the table of contents.
pub(super) struct Cutting {
    pub piece: Piece,
    pub entry: Option<usize>,
}

/// Cuts a page at the lines of the table of contents, at typed sections, else at headings of chapters.
pub(super) fn cut(href: &str, page: Page, toc: &[TocEntry], guide: Option<&'static str>) -> Vec<Cutting> {
    let mut cuts: BTreeMap<usize, Cut> = BTreeMap::from([(0, Cut::default())]);
    at_sections(&page, &mut cuts);
    at_entries(href, &page, toc, &mut cuts);
    if cuts.len() == 1 {
        at_headings(&page, &mut cuts);
    }
    let whole = cuts.len() == 1;
    let chars: usize = page.paragraphs.iter().map(|p| p.para.text.text().len()).sum();
    let by_file = guide.or_else(|| by_stem(href)).filter(|_| whole && chars <= ASIDE_CHARS);
    let mut ends: Vec<usize> = cuts.keys().copied().skip(1).collect();
    ends.push(page.paragraphs.len());
    let mut paragraphs = page.paragraphs.into_iter();
    let mut start = 0;
    let mut pieces = Vec::with_capacity(cuts.len());
    for (cut, end) in cuts.into_values().zip(ends) {
        let taken: Vec<PagePara> = paragraphs.by_ref().take(end - start).collect();
        start = end;
        // Nothing before the first cut: no piece.
        if taken.is_empty() && !whole {
            continue;
        }
        let mut piece = piece(href, taken, &cut, toc);
        piece.pictured = page.pictured;
        piece.aside = piece.aside.or(by_file.filter(|_| !piece.is_chapter));
        pieces.push(Cutting { piece, entry: cut.entry });
    }
    pieces
}

fn at_sections(page: &Page, cuts: &mut BTreeMap<usize, Cut>) {
    for section in &page.sections {
        let aside = aside::by_type(&section.types).is_some();
        let divides = section
            .types
            .split_whitespace()
            .map(|word| word.rsplit(':').next().unwrap_or(word))
            .any(|word| DIVISIONS.contains(&word.strip_prefix("doc-").unwrap_or(word)));
        if !aside && !divides {
            continue;
        }
        let cut = cuts.entry(section.paragraphs.start).or_default();
        cut.types.push(' ');
        cut.types.push_str(&section.types);
        // What follows a dedication within a page is not dedication.
        if aside && section.paragraphs.end < page.paragraphs.len() {
            cuts.entry(section.paragraphs.end).or_default();
        }
    }
}

fn at_entries(href: &str, page: &Page, toc: &[TocEntry], cuts: &mut BTreeMap<usize, Cut>) {
    // Entries that have cut the page so far: (paragraph, depth).
    let mut taken: Vec<(usize, usize)> = Vec::new();
    for (index, entry) in toc.iter().enumerate().filter(|(_, entry)| entry.path == href) {
        let at = match &entry.fragment {
            Some(fragment) => match page.anchors.get(fragment) {
                Some(&at) if at < page.paragraphs.len() => at,
                _ => continue,
            },
            None => 0,
        };
        if is_within_chapter(page, &taken, at, entry.depth) && !cuts.contains_key(&at) {
            continue;
        }
        taken.push((at, entry.depth));
        let cut = cuts.entry(at).or_default();
        // Part and first chapter may point to one place: the deeper names the chapter.
        if cut.entry.is_none_or(|known| toc[known].depth < entry.depth) {
            cut.entry = Some(index);
        }
    }
}

/// The line above this one in the table of contents has text of its own before its first child: what it
/// holds are sections of one chapter.
fn is_within_chapter(page: &Page, taken: &[(usize, usize)], at: usize, depth: usize) -> bool {
    let Some(parent) = taken.iter().rposition(|&(_, above)| above < depth) else { return false };
    let from = taken[parent].0;
    let to = taken.get(parent + 1).map_or(at, |&(child, _)| child);
    let Some(own) = page.paragraphs.get(from..to) else { return false };
    own.iter().any(|p| p.para.kind != ParagraphKind::Heading)
}

fn at_headings(page: &Page, cuts: &mut BTreeMap<usize, Cut>) {
    let is_chapter = |p: &PagePara| p.heading > 0 && is_chapter_title(p.para.text.text());
    let level = page.paragraphs.iter().filter(|p| is_chapter(p)).map(|p| p.heading).min();
    let starts: Vec<usize> = page
        .paragraphs
        .iter()
        .enumerate()
        .filter(|(_, p)| is_chapter(p) && Some(p.heading) == level)
        .map(|(index, _)| index)
        .collect();
    if starts.len() > 1 {
        starts.into_iter().for_each(|start| _ = cuts.entry(start).or_default());
    }
}

fn is_chapter_title(title: &str) -> bool {
    headings::bare_number(title).is_some()
        || headings::heading_line(title).is_some_and(|heading| !heading.may_hold_chapters())
}

fn piece(href: &str, paragraphs: Vec<PagePara>, cut: &Cut, toc: &[TocEntry]) -> Piece {
    let mut piece = Piece::new(href);
    let level = paragraphs.iter().map(|p| p.heading).find(|&level| level > 0).unwrap_or(6);
    piece.paragraphs = paragraphs.into_iter().map(|p| p.para).collect();
    let own = piece.own_title();
    piece.title = cut.entry.map(|entry| toc[entry].title.clone()).or_else(|| own.clone());
    let typed = cut.types.split_whitespace().any(|word| word == "chapter" || word == "doc-chapter");
    piece.is_chapter = typed || own.as_deref().or(piece.title.as_deref()).is_some_and(is_chapter_title);
    // A part and a chapter may both be set as `h1`: what holds text stands below what doesn't.
    piece.level = u32::from(level) * 2 + u32::from(piece.has_prose());
    let title_rule = own.as_deref().or(piece.title.as_deref()).and_then(aside::by_title);
    piece.aside = aside::by_type(&cut.types).or(title_rule.filter(|_| !typed));
    piece
}

/// The rule for a file's name without its ending. `index` names whole books as often as an index.
fn by_stem(href: &str) -> Option<&'static str> {
    let file = href.rsplit('/').next().unwrap_or(href);
    let stem = file.split('.').next().unwrap_or(file).replace('_', "-");
    aside::by_title(&stem).filter(|_| stem != "index")
}
