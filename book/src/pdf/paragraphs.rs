//! Rows to paragraphs, by what typesetting shows: steps, indents, and lines that ended before they were full.

use std::collections::HashMap;
use std::ops::Range;

use domain::book::ParagraphKind;

use super::hyphens::Joint;
use super::layout::{Class, Document, Row};
use super::lines::Cap;
use crate::decode::Width;
use crate::headings;
use crate::notes;
use crate::piece::Para;

/// Rows that belong together.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Indices into [`Document::rows`].
    pub rows: Vec<usize>,
    /// The step from the row above, in usual ones; nothing at the top of a column.
    pub gap: Option<f32>,
    pub size: f32,
    pub verse: bool,
    /// It stands in the middle between both edges.
    pub centred: bool,
}

/// The edges of a column.
#[derive(Clone, Copy, Debug)]
struct Frame {
    left: f32,
    right: f32,
}

/// A larger step than this parts paragraphs.
const GAP: f32 = 1.28;
/// An indent is at least so wide, in line heights.
const INDENT: f32 = 0.6;
/// No verse or paragraph has more rows; what has is cut.
const MOST_ROWS: usize = 20_000;

/// Groups the rows of the text proper.
pub(super) fn blocks(document: &Document) -> Vec<Block> {
    let frames = Frames::of(document);
    let tops = tops(document);
    let mut blocks: Vec<Block> = Vec::new();
    let mut last: Option<usize> = None;
    for (index, row) in document.rows.iter().enumerate().filter(|(_, row)| row.class == Class::Body) {
        let before = last.map(|at| &document.rows[at]);
        let gap = before.and_then(|before| step(document, before, row));
        let drop = before
            .is_none_or(|before| before.page != row.page)
            .then(|| (row.area.y0 - tops[row.page % 2]) / document.leading.max(1.0));
        let starts = before.is_none_or(|before| Joining { document, frames: &frames, before, row }.starts(gap, drop));
        match blocks.last_mut().filter(|block| !starts && block.rows.len() < MOST_ROWS) {
            Some(block) => block.rows.push(index),
            None => {
                let centred = frames.centred(document, row);
                blocks.push(Block { rows: vec![index], gap, size: row.size, verse: false, centred });
            }
        }
        last = Some(index);
    }
    join_verse(document, &frames, blocks)
}

/// The step between two rows of one column, in usual ones.
fn step(document: &Document, before: &Row, row: &Row) -> Option<f32> {
    let step = (row.area.y1 - before.area.y1) / document.leading.max(1.0);
    let same = before.page == row.page && before.column == row.column && before.spans == row.spans;
    (same && step > 0.3).then_some(step)
}

/// Where the text of left and right pages usually starts.
fn tops(document: &Document) -> [f32; 2] {
    let mut tops: [Vec<(f32, usize)>; 2] = [Vec::new(), Vec::new()];
    for (page, leaf) in document.leaves.iter().enumerate() {
        let first = leaf.rows.clone().map(|row| &document.rows[row]).find(|row| row.class == Class::Body);
        tops[page % 2].extend(first.map(|row| (row.area.y0, 1)));
    }
    let mut all: Vec<(f32, usize)> = tops.concat();
    let usual = super::layout::median(&mut all);
    tops.map(|mut side| if side.len() < 4 { usual } else { super::layout::median(&mut side) })
}

/// The edges of every page's columns.
struct Frames {
    /// By page and column.
    pages: Vec<Vec<Frame>>,
    /// The book marks paragraphs by indents.
    indents: bool,
}

impl Frames {
    fn of(document: &Document) -> Self {
        let mut groups: HashMap<(usize, usize, usize), Vec<&Row>> = HashMap::new();
        for row in document.body().filter(|row| !row.spans && (row.size / document.size - 1.0).abs() < 0.12) {
            let columns = document.leaves[row.page].columns;
            groups.entry((row.page % 2, columns, row.column)).or_default().push(row);
        }
        let usual: HashMap<_, Frame> =
            groups.iter().filter_map(|(&key, rows)| Some((key, frame(rows, document.size)?))).collect();
        let mut pages = Vec::with_capacity(document.leaves.len());
        for (page, leaf) in document.leaves.iter().enumerate() {
            let of_column = |column: usize| {
                let rows: Vec<&Row> = leaf
                    .rows
                    .clone()
                    .map(|row| &document.rows[row])
                    .filter(|row| row.class == Class::Body && row.column == column && !row.spans)
                    .collect();
                own_frame(&rows, usual.get(&(page % 2, leaf.columns, column)).copied(), document.size)
            };
            pages.push((0..leaf.columns).map(of_column).collect());
        }
        let mut frames = Self { pages, indents: false };
        let (mut indented, mut all) = (0usize, 0usize);
        for row in document.body() {
            all += 1;
            let off = frames.offset(row);
            indented += usize::from(off > INDENT * row.size && off < 4.0 * row.size);
        }
        frames.indents = indented * 40 >= all && indented * 10 <= all * 9;
        frames
    }

    fn frame(&self, row: &Row) -> Frame {
        let columns = &self.pages[row.page];
        match (columns.first(), columns.last(), columns.get(row.column)) {
            (Some(first), Some(last), _) if row.spans => Frame { left: first.left, right: last.right },
            (.., Some(frame)) => *frame,
            _ => Frame { left: row.area.x0, right: row.area.x1 },
        }
    }

    /// How far a row stands from the left edge.
    fn offset(&self, row: &Row) -> f32 {
        row.area.x0 - self.frame(row).left
    }

    fn centred(&self, document: &Document, row: &Row) -> bool {
        let frame = self.frame(row);
        let (left, right) = (row.area.x0 - frame.left, frame.right - row.area.x1);
        left > 1.5 * document.size
            && right > 1.5 * document.size
            && (left - right).abs() < 0.2 * (left + right).max(20.0)
    }

    /// The next row's first word would have fitted: the line was ended on purpose.
    fn forced(&self, before: &Row, row: &Row) -> bool {
        let right = self.frame(before).right;
        before.area.x1 + 0.25 * before.size + row.first_width < right - 0.35 * before.size
    }

    /// The row ends far from the right edge.
    fn short(&self, row: &Row) -> bool {
        let frame = self.frame(row);
        row.area.x1 < frame.right - 0.3 * (frame.right - frame.left)
    }
}

/// The edges that most rows keep to.
fn frame(rows: &[&Row], size: f32) -> Option<Frame> {
    let mut lefts: Vec<f32> = rows.iter().map(|row| row.area.x0).collect();
    let mut rights: Vec<f32> = rows.iter().map(|row| row.area.x1).collect();
    lefts.sort_by(f32::total_cmp);
    rights.sort_by(f32::total_cmp);
    // The leftmost place where some share of the rows starts.
    let enough = (rows.len() / 12).max(1);
    let left = lefts
        .iter()
        .enumerate()
        .find(|&(at, &x)| lefts.get(at + enough - 1).is_some_and(|&other| other - x < 0.3 * size))
        .map(|(_, &x)| x)
        .or_else(|| lefts.first().copied())?;
    let right = rights.get((rights.len() * 97 / 100).min(rights.len() - 1)).copied()?;
    Some(Frame { left, right })
}

/// The edges of one page, which in a scan may lie elsewhere than usual.
fn own_frame(rows: &[&Row], usual: Option<Frame>, size: f32) -> Frame {
    let own = frame(rows, size);
    match (own, usual) {
        (Some(own), Some(usual)) => {
            let kept = rows.iter().filter(|row| (row.area.x0 - usual.left).abs() < 0.35 * size).count();
            let outside = rows.iter().filter(|row| row.area.x0 < usual.left - 0.5 * size).count();
            if rows.len() >= 8 && (kept == 0 || outside * 4 > rows.len()) {
                Frame { left: own.left, right: own.right.max(own.left + 0.9 * (usual.right - usual.left)) }
            } else {
                usual
            }
        }
        (own, usual) => usual.or(own).unwrap_or(Frame { left: 0.0, right: 0.0 }),
    }
}

/// Two rows in a row: one paragraph or two?
struct Joining<'a> {
    document: &'a Document,
    frames: &'a Frames,
    before: &'a Row,
    row: &'a Row,
}

impl Joining<'_> {
    fn starts(&self, gap: Option<f32>, drop: Option<f32>) -> bool {
        let (before, row) = (self.before, self.row);
        let ratio = row.size / before.size;
        if !(0.88..=1.13).contains(&ratio) || before.spans != row.spans {
            return true;
        }
        let large = row.size > 1.13 * self.document.size;
        // Headings in large type are set wider.
        if gap.is_some_and(|gap| gap > if large { 1.28 * ratio.max(1.0) * row.size / self.document.size } else { GAP })
        {
            return true;
        }
        if drop.is_some_and(|drop| drop > 3.0)
            || headings::is_ornament(self.text(row))
            || headings::is_ornament(self.text(before))
        {
            return true;
        }
        if notes::own_label(self.text(row)).is_some() || gap.is_some() && is_listing(self.text(before)) {
            return true;
        }
        let centred = self.frames.centred(self.document, row);
        let set_apart = centred != self.frames.centred(self.document, before) && row.cap == before.cap;
        if set_apart && row.cap == Cap::None && (self.frames.short(before) || self.frames.short(row)) {
            return true;
        }
        self.indented().unwrap_or_else(|| self.broken_off())
    }

    fn text(&self, row: &Row) -> &str {
        self.document.row_text(row)
    }

    /// What an indent says; nothing if there is none.
    fn indented(&self) -> Option<bool> {
        if self.row.cap == Cap::Beside || self.before.cap == Cap::Beside {
            return None;
        }
        let size = self.document.size;
        let (off, above) = (self.frames.offset(self.row), self.frames.offset(self.before));
        if off < INDENT * size {
            return None;
        }
        if (off - above).abs() < 0.4 * size {
            // Under one another: an inset passage, or one paragraph of a line after another.
            let forced = self.frames.forced(self.before, self.row);
            return Some(match self.frames.indents {
                true => forced || self.ended(),
                false => forced && (self.ended() || self.opens()),
            });
        }
        (off > above).then_some(true)
    }

    /// The line before ended on purpose.
    fn broken_off(&self) -> bool {
        let forced = self.frames.forced(self.before, self.row);
        // Nobody ends a paragraph within a word.
        let divided = self.document.hyphens.joint(self.text(self.before), self.text(self.row)) != Joint::Space;
        forced && !divided && (self.ended() || self.opens() || self.frames.short(self.before))
    }

    /// The row before ends a sentence.
    fn ended(&self) -> bool {
        let text = self.text(self.before).trim_end_matches(['»', '”', '"', '’', ')', ']', ' ', '\u{a0}', '\u{202f}']);
        text.ends_with(['.', '!', '?', '…', ':'])
    }

    /// The row starts as a turn of a dialogue does.
    fn opens(&self) -> bool {
        self.text(self.row).starts_with(['—', '–', '«', '“', '"'])
    }
}

/// A line of a table of contents: a title, dots, a page.
pub(super) fn is_listing(text: &str) -> bool {
    let trimmed = text.trim_end();
    let title = trimmed.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, 'i' | 'v' | 'x' | 'l'));
    let dots = title.trim_end();
    let inner = dots.trim_end_matches(['.', '…', '·', '_', ' ', '\u{a0}']);
    let leaders =
        dots[inner.len()..].chars().filter(|c| !c.is_whitespace()).map(|c| if c == '…' { 3 } else { 1 }).sum::<usize>();
    title.len() < trimmed.len() && leaders >= 4
}

/// Puts lines that all ended on purpose together as verse.
fn join_verse(document: &Document, frames: &Frames, blocks: Vec<Block>) -> Vec<Block> {
    let mut joined: Vec<Block> = Vec::with_capacity(blocks.len());
    let mut blocks = blocks.into_iter().peekable();
    while let Some(mut block) = blocks.next() {
        let mut run = vec![block.clone()];
        while let Some(next) = blocks.next_if(|next| {
            let close = next.gap.is_some_and(|gap| gap <= GAP) && next.rows.len() == 1;
            run.last().is_some_and(|last| last.rows.len() == 1) && close && (next.size / block.size - 1.0).abs() < 0.05
        }) {
            run.push(next);
        }
        let rows: Vec<usize> = run.iter().flat_map(|block| block.rows.iter().copied()).collect();
        if is_verse(document, frames, &rows) {
            block.rows = rows;
            block.verse = true;
            joined.push(block);
        } else {
            joined.append(&mut run);
        }
    }
    joined
}

/// At least three lines, each ended before it was full, that mostly start with capitals and mostly end no sentence.
fn is_verse(document: &Document, frames: &Frames, rows: &[usize]) -> bool {
    let rows: Vec<&Row> = rows.iter().map(|&row| &document.rows[row]).collect();
    if rows.len() < 3 || rows[0].size > 1.13 * document.size {
        return false;
    }
    let forced = rows.windows(2).filter(|pair| frames.forced(pair[0], pair[1])).count();
    let texts = || rows.iter().map(|row| document.row_text(row));
    let capital =
        texts().filter(|text| text.trim_start_matches(|c: char| !c.is_alphabetic()).starts_with(char::is_uppercase));
    let ended = texts().filter(|text| text.ends_with(['.', '!', '?', '…', '”', '»'])).count();
    let listed = texts().filter(|text| is_listing(text) || text.ends_with(char::is_numeric)).count();
    let spoken = texts().filter(|text| text.starts_with(['—', '–', '«', '“', '"'])).count();
    forced == rows.len() - 1
        && capital.count() * 10 >= rows.len() * 7
        && ended * 2 <= rows.len() + 1
        && spoken * 2 <= rows.len()
        && listed * 3 < rows.len()
}

/// Builds the paragraph of some rows. `page` gives the label of each page where it starts.
pub(super) fn para(document: &Document, rows: &[usize], mut page: impl FnMut(usize) -> Option<String>) -> Para {
    let mut para = Para::new(Width::Utf8);
    for (at, &index) in rows.iter().enumerate() {
        let row = &document.rows[index];
        if let Some(label) = page(row.page) {
            para.page(&label);
        }
        let next = rows.get(at + 1).map(|&next| &document.rows[next]);
        let joint = next.map(|next| document.hyphens.joint(document.row_text(row), document.row_text(next)));
        let mut end = row.range.end;
        if let Some(Joint::Drop(len)) = joint {
            end -= len;
        }
        push(&mut para, document, row.range.start..end, &row.marks);
        if let (Some(Joint::Space), Some(next)) = (joint, next) {
            para.text.push_space(row.range.end as u64..next.range.start as u64);
        }
    }
    para.kind = ParagraphKind::Prose;
    para
}

/// Pushes a stretch of a row, with its note marks taken out.
fn push(para: &mut Para, document: &Document, range: Range<usize>, marks: &[Range<usize>]) {
    let mut from = range.start;
    for mark in marks.iter().filter(|mark| mark.end <= range.end) {
        push_plain(para, &document.text[from..mark.start], from);
        let label = document.text[mark.clone()].trim_matches(['[', ']', '(', ')']);
        para.mark(label, None);
        from = mark.end;
    }
    push_plain(para, &document.text[from.min(range.end)..range.end], from);
}

/// Pushes characters, with ligatures and the like as what they stand for.
fn push_plain(para: &mut Para, text: &str, at: usize) {
    let mut plain = 0;
    super::replacements(text, |range, instead| {
        para.text.push(&text[plain..range.start], (at + plain) as u64);
        para.text.push_replacement(instead, (at + range.start) as u64..(at + range.end) as u64);
        plain = range.end;
    });
    para.text.push(&text[plain..], (at + plain) as u64);
}
