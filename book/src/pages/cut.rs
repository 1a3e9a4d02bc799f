//! Where a page is cut into pieces, and what each piece is.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::book::ParagraphKind;

use super::{Page, PagePara, TocEntry, promote};
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
/// The rule for tables of contents.
const CONTENTS: &str = "table-of-contents";
/// A page that its name or the guide sets aside is no longer than this, characters; a whole book may lie in
/// a file called `cover`.
const ASIDE_CHARS: usize = 20_000;

/// So many paragraphs in a row that are links are a table of contents.
const CONTENTS_RUN: usize = 4;

/// What is known of the place where a piece starts.
#[derive(Clone, Default)]
struct Cut {
    /// Lines of the table of contents that lead here, outermost first.
    entries: Vec<usize>,
    /// Types of the sections that start here.
    types: String,
    /// The rule that sets this stretch aside.
    aside: Option<&'static str>,
}

/// A piece, with its line in the table of contents.
pub(crate) struct Cutting {
    pub piece: Piece,
    pub entry: Option<usize>,
    /// It stands at the start of its page.
    pub starts_page: bool,
}

/// What is known of a page from outside.
pub(crate) struct About<'a> {
    pub toc: &'a [TocEntry],
    /// Indices of the lines of `toc` that lead to the page, in order.
    pub lines: &'a [usize],
    /// The rule by which the package sets the page aside.
    pub guide: Option<&'static str>,
    /// The page is a whole book: any heading may be that of a chapter.
    pub whole_book: bool,
}

/// Cuts a page at the lines of the table of contents, at typed sections, else at headings of chapters.
pub(crate) fn cut(mut page: Page, about: &About<'_>) -> Vec<Cutting> {
    promote::promote(&mut page, about);
    let mut cuts: BTreeMap<usize, Cut> = BTreeMap::from([(0, Cut::default())]);
    at_sections(&page, &mut cuts);
    at_entries(&page, about, &mut cuts);
    if cuts.len() == 1 {
        at_headings(&page, about.whole_book, &mut cuts);
    }
    at_asides(&page, &mut cuts);
    let whole = cuts.len() == 1;
    let chars: usize = page.paragraphs.iter().map(|p| p.para.text.text().len()).sum();
    let by_file = about.guide.or_else(|| by_stem(&page.href)).filter(|_| whole && chars <= ASIDE_CHARS);
    let mut ends: Vec<usize> = cuts.keys().copied().skip(1).collect();
    ends.push(page.paragraphs.len());
    let mut paragraphs = page.paragraphs.into_iter();
    let mut start = 0;
    let mut pieces = Vec::with_capacity(cuts.len());
    for (cut, end) in cuts.into_values().zip(ends) {
        let taken: Vec<PagePara> = paragraphs.by_ref().take(end - start).collect();
        let from = std::mem::replace(&mut start, end);
        let noted = taken.iter().any(|p| p.note.is_some());
        let taken: Vec<PagePara> = taken.into_iter().filter(|p| p.note.is_none()).collect();
        // Nothing before the first cut, or nothing but notes: no piece.
        if taken.is_empty() && (!whole || noted) {
            continue;
        }
        let entry = cut.entries.last().copied();
        let mut piece = piece(&page.href, taken, &cut, about.toc);
        if noted {
            piece.drop_heading_of_notes();
        }
        piece.pictured = page.pictured;
        piece.aside = piece.aside.or(by_file.filter(|_| !piece.is_chapter));
        // A heading over notes that are gone.
        if noted && !piece.has_prose() && piece.aside == Some("notes") {
            continue;
        }
        let starts_page = from == 0;
        pieces.push(Cutting { piece, entry, starts_page });
    }
    pieces
}

/// Stretches whose elements set them aside, and lists of links.
fn at_asides(page: &Page, cuts: &mut BTreeMap<usize, Cut>) {
    let paragraphs = &page.paragraphs;
    let rule = |at: usize| {
        paragraphs[at].aside.or((paragraphs[at].linked && paragraphs[at].note.is_none()).then_some(CONTENTS))
    };
    let mut at = 0;
    while at < paragraphs.len() {
        let Some(found) = rule(at) else {
            at += 1;
            continue;
        };
        let mut end = at + (at..paragraphs.len()).take_while(|&index| rule(index) == Some(found)).count();
        let mut start = at;
        at = end;
        if found == CONTENTS {
            if end - start < CONTENTS_RUN {
                continue;
            }
            // Its own heading, and headings of parts between its lines.
            let titled = |index: usize| aside::by_title(paragraphs[index].para.text.text()) == Some(CONTENTS);
            if start > 0 && titled(start - 1) {
                start -= 1;
            }
            end = end.max(start);
        }
        let before = cuts.range(..=start).next_back().map(|(_, cut)| cut.clone()).unwrap_or_default();
        let inner: Vec<usize> = cuts.range(start + 1..end).map(|(&inner, _)| inner).collect();
        inner.iter().for_each(|inner| _ = cuts.remove(inner));
        cuts.entry(start).or_default().aside = Some(found);
        if end < paragraphs.len() {
            // The piece that was cut goes on, or starts, behind it.
            let rest = Cut { entries: Vec::new(), aside: None, ..before };
            cuts.entry(end).or_insert(rest);
        }
    }
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

fn at_entries(page: &Page, about: &About<'_>, cuts: &mut BTreeMap<usize, Cut>) {
    let toc = about.toc;
    // Text other than headings before each paragraph.
    let told: Vec<usize> = page
        .paragraphs
        .iter()
        .scan(0, |sum, p| Some(std::mem::replace(sum, *sum + usize::from(p.para.kind != ParagraphKind::Heading))))
        .collect();
    // Lines that have cut the page so far, each below the one before it.
    let mut above: Vec<Above> = Vec::new();
    for &index in about.lines {
        let entry = &toc[index];
        let Some(at) = page.place_of(entry) else { continue };
        let parent = above.iter_mut().rev().find(|line| line.depth < entry.depth);
        if parent.as_ref().is_some_and(|parent| parent.tells(at, &told)) && !cuts.contains_key(&at) {
            continue;
        }
        if let Some(parent) = parent {
            parent.first_child.get_or_insert(at);
        }
        above.truncate(above.iter().take_while(|line| line.depth < entry.depth).count());
        above.push(Above { at, depth: entry.depth, first_child: None });
        // Part and first chapter may point to one place: the deeper names the chapter.
        let entries = &mut cuts.entry(at).or_default().entries;
        entries.push(index);
    }
    for cut in cuts.values_mut() {
        cut.entries.sort_by_key(|&entry| (toc[entry].depth, entry));
    }
}

/// A line of the table of contents above others.
struct Above {
    at: usize,
    depth: usize,
    first_child: Option<usize>,
}

impl Above {
    /// It has text of its own before its first child, which may be the one at `at`: what it holds are sections of one
    /// chapter.
    fn tells(&self, at: usize, told: &[usize]) -> bool {
        let to = self.first_child.unwrap_or(at);
        self.at < to && told[to] > told[self.at]
    }
}

fn at_headings(page: &Page, whole_book: bool, cuts: &mut BTreeMap<usize, Cut>) {
    let is_chapter = |p: &PagePara| p.heading > 0 && is_chapter_title(p.para.text.text());
    let headings = || page.paragraphs.iter().filter(|p| p.heading > 0);
    let count = |level: u8| headings().filter(|p| p.heading == level).count();
    let numbered = headings().filter(|p| is_chapter(p)).map(|p| p.heading).min();
    let repeated = (1..=6).find(|&level| count(level) > 1).filter(|_| whole_book);
    let Some(level) = numbered.or(repeated) else { return };
    let divides = |p: &PagePara| {
        let title = p.para.text.text();
        let division = headings::heading_line(title).is_some() || aside::by_title(title).is_some();
        p.heading > 0 && (is_chapter(p) && p.heading == level || p.heading <= level && (whole_book || division))
    };
    let mut starts: Vec<usize> = Vec::new();
    for (index, para) in page.paragraphs.iter().enumerate().filter(|(_, p)| divides(p)) {
        // A title right under the heading of a chapter is that chapter's.
        let above = index.checked_sub(1).map(|above| &page.paragraphs[above]).filter(|p| p.heading > 0);
        let title_of = above.is_some_and(|above| above.heading <= para.heading && is_chapter(above));
        if !title_of || is_chapter(para) {
            starts.push(index);
        }
    }
    if starts.len() > 1 {
        starts.into_iter().for_each(|start| _ = cuts.entry(start).or_default());
    }
}

fn is_chapter_title(title: &str) -> bool {
    headings::bare_number(title).is_some()
        || headings::numbered_title(title).is_some()
        || headings::heading_line(title).is_some_and(|heading| !heading.may_hold_chapters())
}

fn piece(href: &str, paragraphs: Vec<PagePara>, cut: &Cut, toc: &[TocEntry]) -> Piece {
    let mut piece = Piece::new(href);
    let level = paragraphs.iter().map(|p| p.heading).find(|&level| level > 0).unwrap_or(6);
    let epigraph = epigraph(&paragraphs);
    piece.paragraphs = paragraphs.into_iter().map(|p| p.para).collect();
    for para in &mut piece.paragraphs[epigraph] {
        para.kind = ParagraphKind::Epigraph;
    }
    let own = piece.own_title();
    let entry = cut.entries.last().copied();
    piece.title = entry.map(|entry| toc[entry].title.clone()).or_else(|| own.clone());
    piece.entries.clone_from(&cut.entries);
    let typed = cut.types.split_whitespace().any(|word| word == "chapter" || word == "doc-chapter");
    piece.is_chapter = typed || own.as_deref().or(piece.title.as_deref()).is_some_and(is_chapter_title);
    // A part and a chapter may both be set as `h1`: what holds text stands below what doesn't.
    piece.level = u32::from(level) * 2 + u32::from(piece.has_prose());
    let title_rule = own.as_deref().or(piece.title.as_deref()).and_then(aside::by_title);
    piece.aside = cut.aside.or_else(|| aside::by_type(&cut.types)).or(title_rule.filter(|_| !typed));
    piece
}

/// No motto has more paragraphs, or more characters in all.
const EPIGRAPH_PARAGRAPHS: usize = 4;
const EPIGRAPH_CHARS: usize = 700;

/// A short quotation that stands between the headings and the prose is the chapter's motto.
fn epigraph(paragraphs: &[PagePara]) -> Range<usize> {
    let start = paragraphs.iter().take_while(|p| p.heading > 0).count();
    let count = paragraphs[start..].iter().take_while(|p| p.quoted && p.heading == 0).count();
    let end = start + count;
    let chars: usize = paragraphs[start..end].iter().map(|p| p.para.text.text().chars().count()).sum();
    let prose = paragraphs[end..].iter().any(|p| p.para.kind == ParagraphKind::Prose);
    let motto = start > 0 && count <= EPIGRAPH_PARAGRAPHS && chars <= EPIGRAPH_CHARS && prose;
    let letter = paragraphs[start..end].iter().any(|p| p.para.kind == ParagraphKind::Letter);
    if motto && !letter { start..end } else { start..start }
}

/// The rule for a file's name without its ending. `index` names whole books as often as an index.
fn by_stem(href: &str) -> Option<&'static str> {
    let file = href.rsplit('/').next().unwrap_or(href);
    let stem = file.split('.').next().unwrap_or(file).replace('_', "-");
    aside::by_title(&stem).filter(|_| stem != "index")
}
