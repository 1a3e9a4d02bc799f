//! A whole PDF as one text of rows, each of which knows its place on its page.

use std::ops::Range;

use super::hyphens::Hyphens;
use super::lines::{self, Cap, Gutter, Line};
use super::words::{Area, Extract, Page};
use super::{footnotes, furniture};
use crate::error::BookError;
use crate::limits::Meter;

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Body,
    /// A running head or foot, a page number.
    Furniture,
    /// Of a footnote; `true` where one starts.
    Note(bool),
}

/// A line of the text.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Bytes of [`Document::text`].
    pub range: Range<usize>,
    /// Index of its page.
    pub page: usize,
    pub column: usize,
    pub spans: bool,
    pub area: Area,
    /// Height of most of its characters.
    pub size: f32,
    /// Width of its first word.
    pub first_width: f32,
    pub cap: Cap,
    pub class: Class,
    /// Raised labels of notes within it, bytes of [`Document::text`].
    pub marks: Vec<Range<usize>>,
}

/// A page of the text.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Bytes of [`Document::text`].
    pub range: Range<usize>,
    /// Its rows.
    pub rows: Range<usize>,
    pub height: f32,
    pub columns: usize,
    /// The number printed on it.
    pub label: Option<String>,
}

/// The text of a PDF: rows end with a line feed, pages but the last with a form feed.
pub(super) struct Document {
    pub text: String,
    pub rows: Vec<Row>,
    pub leaves: Vec<Leaf>,
    pub hyphens: Hyphens,
    /// Height of most of the text.
    pub size: f32,
    /// From one row to the next within a paragraph.
    pub leading: f32,
}

impl Document {
    /// Lays out what poppler gave.
    pub fn new(extract: &Extract, meter: &Meter<'_>) -> Result<Self, BookError> {
        let hyphens = Hyphens::of(&extract.pages);
        let gutters = gutters(&extract.pages, meter)?;
        let mut document =
            Self { text: String::new(), rows: Vec::new(), leaves: Vec::new(), hyphens, size: 0.0, leading: 0.0 };
        for (index, page) in extract.pages.iter().enumerate() {
            meter.check_time()?;
            if index > 0 {
                document.text.push('\u{c}');
            }
            document.lay(index, page, gutters[index]);
        }
        document.measure();
        furniture::mark(&mut document);
        document.measure();
        footnotes::mark(&mut document);
        document.learn_line_ends();
        Ok(document)
    }

    /// Rows that belong to the text proper.
    pub fn body(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.class == Class::Body)
    }

    pub fn row_text(&self, row: &Row) -> &str {
        &self.text[row.range.clone()]
    }

    fn lay(&mut self, index: usize, page: &Page, gutter: Option<Gutter>) {
        let (start, first_row) = (self.text.len(), self.rows.len());
        let lines = lines::order(page, gutter);
        for line in &lines.lines {
            let row = self.lay_line(index, page, line);
            self.rows.push(row);
            self.text.push('\n');
        }
        self.leaves.push(Leaf {
            range: start..self.text.len(),
            rows: first_row..self.rows.len(),
            height: page.height,
            columns: lines.columns,
            label: None,
        });
    }

    fn lay_line(&mut self, page_index: usize, page: &Page, line: &Line) -> Row {
        let start = self.text.len();
        let mut marks: Vec<Range<usize>> = Vec::new();
        for (index, placed) in line.words.iter().enumerate() {
            let word = page.word(placed.word);
            let cap = line.cap == Cap::First && index == 1;
            let glued = if cap { placed.glued && self.joins(page, line, word) } else { placed.glued };
            if index > 0 && !glued {
                self.text.push(' ');
            }
            let at = self.text.len();
            self.text.push_str(word);
            let behind = at > start && self.text[start..at].ends_with(|c: char| !c.is_whitespace());
            if placed.raised && glued && behind && is_label(word) {
                marks.push(at..self.text.len());
            }
        }
        let first_width = line.words.first().map_or(0.0, |placed| placed.word.area.width());
        Row {
            range: start..self.text.len(),
            page: page_index,
            column: line.column,
            spans: line.spans,
            area: line.area,
            size: line.size,
            first_width,
            cap: line.cap,
            class: Class::Body,
            marks,
        }
    }

    /// Whether a drop capital and the word behind it are one word, by the words that the book uses.
    fn joins(&self, page: &Page, line: &Line, word: &str) -> bool {
        let cap = line.words.first().map_or("", |placed| page.word(placed.word));
        let letter = cap.trim_start_matches(|c: char| !c.is_alphabetic());
        let own = matches!(letter.to_lowercase().as_str(), "a" | "i" | "à" | "o" | "ô" | "y");
        // The word behind the letter was counted once here.
        let (joined, apart) =
            (self.hyphens.count(&format!("{letter}{word}")), self.hyphens.count(word).saturating_sub(1));
        !own || joined > apart || joined == apart && letter.eq_ignore_ascii_case("o")
    }

    /// Finds the size of the text and the step between its rows.
    fn measure(&mut self) {
        let mut sizes: Vec<(f32, usize)> = self.body().map(|row| (row.size, row.range.len())).collect();
        self.size = median(&mut sizes);
        let size = self.size;
        let mut steps: Vec<(f32, usize)> = self
            .rows
            .windows(2)
            .filter(|pair| pair.iter().all(|row| row.class == Class::Body && (row.size / size - 1.0).abs() < 0.1))
            .filter(|pair| pair[0].page == pair[1].page && pair[0].column == pair[1].column)
            .map(|pair| pair[1].area.middle() - pair[0].area.middle())
            .filter(|&step| step > 0.5 * size && step < 3.0 * size)
            .map(|step| (step, 1))
            .collect();
        self.leading = median(&mut steps);
        if self.leading <= 0.0 {
            self.leading = 1.2 * size;
        }
    }

    /// Learns from all ends of lines whether words are divided there.
    fn learn_line_ends(&mut self) {
        let mut last: Option<Range<usize>> = None;
        let mut hyphens = std::mem::take(&mut self.hyphens);
        for row in self.body() {
            if let Some(last) = last.replace(row.range.clone()) {
                hyphens.learn(&self.text[last], &self.text[row.range.clone()]);
            }
        }
        self.hyphens = hyphens;
    }
}

/// The weighted median; 0 of nothing.
pub(super) fn median(values: &mut [(f32, usize)]) -> f32 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|&(_, weight)| weight).sum::<usize>() / 2;
    let mut seen = 0;
    for &(value, weight) in values.iter() {
        seen += weight;
        if seen > half {
            return value;
        }
    }
    0.0
}

/// A raised word that is the label of a note.
fn is_label(word: &str) -> bool {
    let inner = word.trim_matches(['[', ']', '(', ')']);
    let digits = (1..=3).contains(&inner.len()) && inner.bytes().all(|b| b.is_ascii_digit());
    let signs =
        (1..=3).contains(&inner.chars().count()) && inner.chars().all(|c| matches!(c, '*' | '†' | '‡' | '§' | '¶'));
    digits || signs
}

/// Which pages are in columns. A page that is not full of text goes the way of the book.
fn gutters(pages: &[Page], meter: &Meter<'_>) -> Result<Vec<Option<Gutter>>, BookError> {
    let mut found = Vec::with_capacity(pages.len());
    for page in pages {
        meter.check_time()?;
        found.push(lines::gutter(page));
    }
    let in_columns = found.iter().flatten().count();
    let full = pages.iter().filter(|page| page.fragments.len() >= 10).count();
    if in_columns * 2 <= full {
        return Ok(found);
    }
    // Left and right pages may differ; the nearest page of the same side in columns tells.
    let known = found.clone();
    for (index, page) in pages.iter().enumerate().filter(|&(index, _)| known[index].is_none()) {
        let near = (1..=8usize).flat_map(|step| [index.checked_sub(2 * step), Some(index + 2 * step)]).flatten();
        let other = (1..=4usize).flat_map(|step| [index.checked_sub(step), Some(index + step)]).flatten();
        let usual = near.chain(other).find_map(|at| known.get(at).copied().flatten());
        found[index] = usual.filter(|gutter| keeps_clear(page, *gutter));
    }
    Ok(found)
}

/// Hardly any line of the page runs across the gutter.
fn keeps_clear(page: &Page, gutter: Gutter) -> bool {
    let across = |word: &super::words::Word| word.area.x0 < gutter.x1 - 1.0 && word.area.x1 > gutter.x0 + 1.0;
    let crossing = page.fragments.iter().filter(|f| f.words.iter().any(across)).count();
    crossing * 4 <= page.fragments.len()
}
