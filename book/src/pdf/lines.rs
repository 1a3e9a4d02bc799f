//! Words to lines in reading order: columns told apart, rows mended, drop capitals put before their line.

use super::words::{Area, Fragment, Page, Word};

/// How an enlarged first letter touches a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cap {
    /// Not at all.
    #[default]
    None,
    /// It is the line's first word.
    First,
    /// The line gives way to it.
    Beside,
}

/// A line of a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub words: Vec<Placed>,
    pub area: Area,
    /// Height of most of its characters, points.
    pub size: f32,
    /// From 0, leftmost; a line over all columns of a page in two is in the column 0 and [`Line::spans`].
    pub column: usize,
    pub spans: bool,
    pub cap: Cap,
}

/// A word within a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub word: Word,
    /// No space parts it from the word before.
    pub glued: bool,
    /// It is set smaller and higher than its line.
    pub raised: bool,
}

/// A page's lines in reading order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub lines: Vec<Line>,
    pub columns: usize,
}

/// White space from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gutter {
    pub x0: f32,
    pub x1: f32,
}

/// A gutter is at least so wide, in line heights.
const GUTTER: f32 = 0.7;
/// Rows that run across a gutter, such as headings, are at most this share of a page's rows.
const ACROSS: f32 = 0.25;
/// A column holds at least so many rows.
const COLUMN_ROWS: usize = 5;
/// A word so much higher than its neighbours is a drop capital.
const CAP: f32 = 1.6;
/// Closer than this, in line heights, two words are one.
const GLUE: f32 = 0.085;
/// Words that are so much smaller than their line and higher than its foot are raised.
const RAISED_SIZE: f32 = 0.86;

/// Height of most of the characters.
fn usual_height<'a>(words: impl Iterator<Item = &'a Word>) -> f32 {
    let mut heights: Vec<(f32, u32)> = words.map(|w| (w.area.height(), w.end - w.start)).collect();
    heights.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = heights.iter().map(|&(_, len)| u64::from(len)).sum::<u64>() / 2;
    let mut seen = 0;
    for &(height, len) in &heights {
        seen += u64::from(len);
        if seen > half {
            return height;
        }
    }
    0.0
}

/// The gutter of a page in two columns. Only words are looked at: poppler's lines may run across it.
pub(super) fn gutter(page: &Page) -> Option<Gutter> {
    let words: Vec<Word> = page.fragments.iter().flat_map(|f| &f.words).copied().collect();
    let size = usual_height(words.iter());
    let (left, right) = (
        words.iter().map(|w| w.area.x0).min_by(f32::total_cmp)?,
        words.iter().map(|w| w.area.x1).max_by(f32::total_cmp)?,
    );
    let width = right - left;
    if size <= 0.0 || width < 12.0 * size || width > 20_000.0 {
        return None;
    }
    // In the middle two fifths: for each point, how many words cover it.
    let (from, to) = (left + 0.3 * width, left + 0.7 * width);
    let mut cover = vec![0u32; (to - from).ceil() as usize + 1];
    for word in &words {
        let (a, b) = ((word.area.x0 - from).max(0.0), (word.area.x1 - from).min(cover.len() as f32));
        (a.floor() as usize..b.ceil().max(0.0) as usize).for_each(|at| {
            if let Some(cover) = cover.get_mut(at) {
                *cover += 1;
            }
        });
    }
    let rows = rows(&words);
    let allowed = (rows as f32 * ACROSS / 2.0) as u32;
    let found = widest(&cover, allowed)?;
    let gutter = Gutter { x0: from + found.0 as f32, x1: from + found.1 as f32 };
    let sides: [Vec<Word>; 2] = [
        words.iter().filter(|w| w.area.x1 <= gutter.x0 + 1.0).copied().collect(),
        words.iter().filter(|w| w.area.x0 >= gutter.x1 - 1.0).copied().collect(),
    ];
    let full = sides.iter().all(|side| is_column(side, width));
    (full && gutter.x1 - gutter.x0 >= GUTTER * size).then_some(gutter)
}

/// How many rows words stand in.
fn rows(words: &[Word]) -> usize {
    let mut middles: Vec<f32> = words.iter().map(|w| w.area.middle()).collect();
    middles.sort_by(f32::total_cmp);
    let size = usual_height(words.iter());
    1 + middles.windows(2).filter(|pair| pair[1] - pair[0] > 0.4 * size).count()
}

/// Words that fill a column: as wide as a third of the page's text, with some words a row.
fn is_column(words: &[Word], width: f32) -> bool {
    let Some(area) = words.iter().map(|w| w.area).reduce(Area::with) else { return false };
    let rows = rows(words);
    rows >= COLUMN_ROWS && words.len() >= 3 * rows && area.width() >= 0.28 * width
}

/// The widest stretch with at most `allowed` words over each point.
fn widest(cover: &[u32], allowed: u32) -> Option<(usize, usize)> {
    let mut best: Option<(usize, usize)> = None;
    let mut start = None;
    for at in 0..=cover.len() {
        if cover.get(at).is_some_and(|&count| count <= allowed) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take()
            && best.is_none_or(|(a, b)| at - from > b - a)
        {
            best = Some((from, at));
        }
    }
    best
}

/// Puts a page's words into lines, in reading order.
pub(super) fn order(page: &Page, gutter: Option<Gutter>) -> Lines {
    let size = usual_height(page.fragments.iter().flat_map(|f| &f.words));
    let mut caps = Vec::new();
    let mut pieces: Vec<(usize, bool, Vec<Word>)> = Vec::new();
    for fragment in &page.fragments {
        let mut words: Vec<Word> = Vec::with_capacity(fragment.words.len());
        for &word in &fragment.words {
            if is_sideways(page, word, size) {
                continue;
            }
            if is_cap(page, word, size) && leads(fragment, word) { caps.push(word) } else { words.push(word) }
        }
        match gutter.map(|gutter| split(&Fragment { words: words.clone() }, gutter)) {
            None => pieces.push((0, false, words)),
            Some(None) => pieces.push((0, true, words)),
            Some(Some([left, right])) => {
                pieces.push((0, false, left));
                pieces.push((1, false, right));
            }
        }
    }
    pieces.retain(|(.., words)| !words.is_empty());
    let mut lines = merge(pieces);
    read_order(&mut lines);
    caps.into_iter().for_each(|cap| attach(&mut lines, cap));
    for line in &mut lines {
        finish(page, line);
    }
    Lines { lines, columns: if gutter.is_some() { 2 } else { 1 } }
}

/// Set from bottom to top, as notes of archives and libraries along an edge are.
fn is_sideways(page: &Page, word: Word, size: f32) -> bool {
    page.word(word).chars().count() >= 3
        && word.area.height() > 2.5 * word.area.width()
        && word.area.height() > 2.0 * size
}

/// One large letter, perhaps behind a quotation mark.
fn is_cap(page: &Page, word: Word, size: f32) -> bool {
    let text = page.word(word);
    let letter = text.trim_start_matches(['“', '"', '«', '‘', '\'', '—', '–']);
    let one = letter.trim_end_matches(['\'', '’']).chars().count() == 1 && letter.starts_with(char::is_uppercase);
    one && text.chars().count() <= 3 && word.area.height() >= CAP * size && word.area.height() <= 12.0 * size
}

/// Nothing else in its fragment is as large.
fn leads(fragment: &Fragment, cap: Word) -> bool {
    fragment.words.iter().all(|word| *word == cap || word.area.height() < 0.75 * cap.area.height())
}

/// A fragment's parts in both columns; nothing if it runs across.
fn split(fragment: &Fragment, gutter: Gutter) -> Option<[Vec<Word>; 2]> {
    let core = (gutter.x1 - gutter.x0) / 4.0;
    let across = |w: &&Word| w.area.x0 < gutter.x1 - core && w.area.x1 > gutter.x0 + core;
    if fragment.words.iter().any(|word| across(&word)) {
        return None;
    }
    let middle = (gutter.x0 + gutter.x1) / 2.0;
    let (left, right): (Vec<Word>, Vec<Word>) = fragment.words.iter().partition(|w| w.area.x0 < middle);
    let end = left.iter().map(|w| w.area.x1).max_by(f32::total_cmp);
    let start = right.iter().map(|w| w.area.x0).min_by(f32::total_cmp);
    if let (Some(end), Some(start)) = (end, start)
        && start - end < 0.7 * (gutter.x1 - gutter.x0)
    {
        return None;
    }
    Some([left, right])
}

/// Joins pieces of one row and one column to lines.
fn merge(mut pieces: Vec<(usize, bool, Vec<Word>)>) -> Vec<Line> {
    let area = |words: &[Word]| words.iter().map(|w| w.area).reduce(Area::with).unwrap_or_default();
    pieces.sort_by(|a, b| area(&a.2).middle().total_cmp(&area(&b.2).middle()));
    let mut lines: Vec<Line> = Vec::new();
    for (column, spans, words) in pieces {
        let area = area(&words);
        // Rows come in order of their middles: only the last few can be beside this one.
        let near = lines.iter_mut().rev().take(6);
        let found = near.into_iter().find(|line| {
            let apart = line.area.x1 <= area.x0 + 1.0 || area.x1 <= line.area.x0 + 1.0;
            line.column == column
                && line.spans == spans
                && line.area.beside(area)
                && (apart || is_mark_over(line, area))
        });
        let placed = words.into_iter().map(|word| Placed { word, glued: false, raised: false });
        match found {
            Some(line) => {
                line.words.extend(placed);
                line.area = line.area.with(area);
            }
            None => lines.push(Line { words: placed.collect(), area, column, spans, ..Line::default() }),
        }
    }
    lines
}

/// A raised mark may reach over its neighbours by a hair.
fn is_mark_over(line: &Line, area: Area) -> bool {
    let overlap = line.area.x1.min(area.x1) - line.area.x0.max(area.x0);
    overlap < 0.3 * line.area.height().max(area.height())
        || line.words.iter().all(|p| p.word.area.x1 <= area.x0 + 1.0 || area.x1 <= p.word.area.x0 + 1.0)
}

/// Lines over both columns part a page into bands; within a band the left column comes first.
fn read_order(lines: &mut Vec<Line>) {
    let mut ordered = Vec::with_capacity(lines.len());
    let mut band: [Vec<Line>; 2] = [Vec::new(), Vec::new()];
    for line in lines.drain(..) {
        if line.spans {
            band.iter_mut().for_each(|column| ordered.append(column));
            ordered.push(line);
        } else {
            band[line.column.min(1)].push(line);
        }
    }
    band.iter_mut().for_each(|column| ordered.append(column));
    *lines = ordered;
}

/// Puts a drop capital before the uppermost line that it stands beside.
fn attach(lines: &mut Vec<Line>, cap: Word) {
    let within = |line: &Line| {
        let level = line.area.middle() > cap.area.y0 - 0.3 * line.area.height() && line.area.middle() < cap.area.y1;
        level
            && line.area.x0 >= cap.area.x1 - 0.3 * line.area.height()
            && line.area.x0 - cap.area.x1 < cap.area.height()
    };
    let beside: Vec<usize> = (0..lines.len()).filter(|&index| within(&lines[index])).collect();
    let placed = Placed { word: cap, glued: false, raised: false };
    let Some(&first) = beside.first() else {
        let at = lines.iter().position(|line| line.area.middle() > cap.area.middle()).unwrap_or(lines.len());
        lines.insert(at, Line { words: vec![placed], area: cap.area, ..Line::default() });
        return;
    };
    for &index in &beside {
        lines[index].cap = Cap::Beside;
    }
    lines[first].words.push(placed);
    lines[first].area.x0 = cap.area.x0;
    lines[first].cap = Cap::First;
}

/// Sorts a line's words, and tells which belong together and which are raised.
fn finish(page: &Page, line: &mut Line) {
    line.words.sort_by(|a, b| a.word.area.x0.total_cmp(&b.word.area.x0));
    let first = usize::from(line.cap == Cap::First);
    line.size = usual_height(line.words.iter().skip(first).map(|p| &p.word)).max(0.1);
    let foot =
        line.words.iter().skip(first).filter(|p| p.word.area.height() >= 0.9 * line.size).map(|p| p.word.area.y1);
    let foot = foot.min_by(f32::total_cmp).unwrap_or(line.area.y1);
    let mut before: Option<Area> = None;
    for (index, placed) in line.words.iter_mut().enumerate() {
        let area = placed.word.area;
        let small = area.height() < RAISED_SIZE * line.size;
        placed.raised = index >= first && small && foot - area.y1 > 0.12 * line.size;
        placed.glued = before.is_some_and(|before| area.x0 - before.x1 < GLUE * line.size);
        if index > 0 && index == first {
            placed.glued = joins_cap(page, placed.word);
        }
        before = Some(area);
    }
}

/// Behind a drop capital the rest of its word is in capitals or starts in lower case; whether it is a word of its
/// own (`A man`) is for the book's words to say.
fn joins_cap(page: &Page, word: Word) -> bool {
    page.word(word).starts_with(char::is_alphabetic) || page.word(word).starts_with(['\'', '’'])
}
