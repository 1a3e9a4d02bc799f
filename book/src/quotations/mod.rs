//! What is said aloud or quoted, found by its marks: `« »`, `“ ”`, `" "`, `‘ ’`, and the dash that opens a turn.
//!
//! Which marks count is decided from the book's own habits: single marks where more of its paragraphs open with
//! them than with double ones, a plain hyphen or a dash in English where it opens many paragraphs. From there it
//! goes paragraph by paragraph:
//! - A dash opens a turn. It lasts to the paragraph's end, less the story's own words there: a last "said he"
//!   with all that follows, and sentences that plainly tell (`turn`).
//! - Marks open a quotation that lasts to the mark that closes it, over several paragraphs where each opens with
//!   the mark anew or where the closing mark comes before another quotation opens.
//! - Of a long quotation with quotations in it, a tale or a journal within the tale, those are taken: what matters
//!   there is who speaks in it.
//! - Marks around a name, a title or a word that is only held at arm's length are no quotation (`mentions`).

mod marks;
mod said;
mod speech;
mod turn;

use domain::book::{Chapter, ParagraphKind, Quotation, QuotationMark};
use domain::language::Language;

use crate::error::BookError;
use crate::limits::Meter;
use marks::{Closing, Pair};

/// A quotation is looked for over at most so many paragraphs that do not open with its mark.
const REACH_PARAGRAPHS: usize = 8;
/// From so many paragraphs or bytes on, a quotation with quotations in it is a tale within the tale.
const TALE_PARAGRAPHS: usize = 4;
const TALE_BYTES: usize = 1_000;

/// Finds the quotations of all chapters of a book.
pub(crate) fn mark(chapters: &mut [Chapter], language: Language, meter: &Meter<'_>) -> Result<(), BookError> {
    let habits = Habits::of(chapters, language);
    for chapter in chapters {
        chapter.quotations = Finder::new(chapter, &habits, language).find(meter)?;
    }
    Ok(())
}

/// Which marks a book speaks with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Habits {
    /// Single marks quote; double ones quote within them.
    single: bool,
    /// A dash at a paragraph's start opens a turn.
    dashes: bool,
    /// So does a hyphen.
    hyphens: bool,
}

impl Habits {
    fn of(chapters: &[Chapter], language: Language) -> Self {
        let (mut single, mut double, mut dashes, mut hyphens, mut guillemets) =
            (0usize, 0usize, 0usize, 0usize, 0usize);
        for chapter in chapters {
            for paragraph in chapter.paragraphs.iter().filter(|p| p.kind != ParagraphKind::Heading) {
                let text = &chapter.text[paragraph.start as usize..paragraph.end as usize];
                match text.chars().next() {
                    Some('‘' | '\'') => single += 1,
                    Some('“' | '"' | '„') => double += 1,
                    Some('«') => guillemets += 1,
                    Some('-') if paragraph.kind != ParagraphKind::Item => hyphens += usize::from(marks::dash(text) > 0),
                    Some(_) => dashes += usize::from(marks::dash(text) > 0),
                    None => {}
                }
            }
        }
        let marked = single + double + guillemets;
        let enough = |count: usize| match language {
            Language::Fr => count >= 1,
            Language::En => count >= 3 && count * 2 > marked,
        };
        Self {
            single: single > double && single > guillemets,
            dashes: enough(dashes),
            hyphens: hyphens >= 3 && hyphens * 4 > dashes,
        }
    }
}

/// A quotation that its paragraph did not close.
struct Open {
    start: usize,
    pair: Pair,
    /// End of the last paragraph that it certainly holds.
    until: usize,
    paragraphs: usize,
    /// Its closing mark was found.
    closed: bool,
    /// End of the last quotation in it, if that stands in its last paragraph.
    shared: Option<usize>,
    nested: Vec<(usize, usize)>,
}

struct Finder<'a> {
    chapter: &'a Chapter,
    habits: &'a Habits,
    language: Language,
    found: Vec<Quotation>,
    open: Option<Open>,
}

impl<'a> Finder<'a> {
    fn new(chapter: &'a Chapter, habits: &'a Habits, language: Language) -> Self {
        Self { chapter, habits, language, found: Vec::new(), open: None }
    }

    fn find(mut self, meter: &Meter<'_>) -> Result<Vec<Quotation>, BookError> {
        for index in 0..self.chapter.paragraphs.len() {
            if index.is_multiple_of(64) {
                meter.check_time()?;
            }
            self.paragraph(index);
        }
        self.close_open(None);
        Ok(self.found)
    }

    /// Bounds of a paragraph.
    fn bounds(&self, index: usize) -> (usize, usize) {
        let paragraph = &self.chapter.paragraphs[index];
        (paragraph.start as usize, paragraph.end as usize)
    }

    fn push(&mut self, start: usize, end: usize, mark: QuotationMark) {
        let end = start + self.chapter.text[start..end].trim_end().len();
        let after_last = self.found.last().is_none_or(|last| last.end as usize <= start);
        if after_last && self.chapter.text[start..end].contains(char::is_alphanumeric) {
            self.found.push(Quotation { start: start as u32, end: end as u32, mark });
        }
    }

    fn paragraph(&mut self, index: usize) {
        let (start, end) = self.bounds(index);
        let paragraph = &self.chapter.paragraphs[index];
        if paragraph.kind == ParagraphKind::Heading {
            return;
        }
        let language = paragraph.language.unwrap_or(self.language);
        let mut at = start;
        if let Some(open) = self.open.take() {
            match self.goes_on(&open, index) {
                Some(from) => match self.go_on(open, from, end) {
                    Some(closed) => at = closed,
                    None => return,
                },
                None => self.close_open(Some(open)),
            }
        }
        if at == start
            && let Some(dash) = self.turn_dash(index)
        {
            let text = &self.chapter.text[start..end];
            let turn = turn::end(text, dash, &self.sentence_ends(index), language);
            self.push(start, start + turn, QuotationMark::Dash);
            at = start + turn;
        }
        self.marked(at, end);
    }

    /// The length of the dash that opens a turn in this paragraph.
    fn turn_dash(&self, index: usize) -> Option<usize> {
        let (start, end) = self.bounds(index);
        let text = &self.chapter.text[start..end];
        let length = marks::dash(text);
        let allowed =
            if text.starts_with('-') && !text.starts_with("--") { self.habits.hyphens } else { self.habits.dashes };
        let says = text[length..].contains(char::is_alphabetic);
        (length > 0 && allowed && says && self.chapter.paragraphs[index].kind != ParagraphKind::Item).then_some(length)
    }

    /// Ends of a paragraph's sentences, from its start.
    fn sentence_ends(&self, index: usize) -> Vec<usize> {
        let start = self.bounds(index).0;
        let first = self.chapter.sentences.partition_point(|s| (s.paragraph as usize) < index);
        let sentences = self.chapter.sentences[first..].iter().take_while(|s| s.paragraph as usize == index);
        sentences.map(|s| s.end as usize - start).collect()
    }

    /// Where a quotation that is open goes on in this paragraph; nothing if it ended before it.
    fn goes_on(&self, open: &Open, index: usize) -> Option<usize> {
        let (start, end) = self.bounds(index);
        let text = &self.chapter.text[start..end];
        let first = text.chars().next()?;
        if Pair::of(first, true) == Some(open.pair) {
            return Some(start + first.len_utf8());
        }
        if self.turn_dash(index).is_some() || matches!(open.pair, Pair::Straight | Pair::Single) {
            return None;
        }
        for ahead in index..(index + REACH_PARAGRAPHS).min(self.chapter.paragraphs.len()) {
            let (start, end) = self.bounds(ahead);
            let text = &self.chapter.text[start..end];
            let opens_anew = text.chars().next().is_some_and(|c| Pair::of(c, false).is_some());
            if self.chapter.paragraphs[ahead].kind == ParagraphKind::Heading
                || self.turn_dash(ahead).is_some()
                || opens_anew
            {
                return None;
            }
            let mut depth = 0i32;
            for c in text.chars() {
                depth += match c {
                    '«' if open.pair == Pair::Guillemets => 1,
                    '»' if open.pair == Pair::Guillemets => -1,
                    '“' if open.pair == Pair::Curly => 1,
                    '”' if open.pair == Pair::Curly => -1,
                    _ => 0,
                };
                if depth < 0 {
                    return Some(self.bounds(index).0);
                }
            }
            if depth > 0 {
                return None;
            }
        }
        None
    }

    /// Goes on with an open quotation; where it closes, nothing if it stays open.
    fn go_on(&mut self, mut open: Open, from: usize, end: usize) -> Option<usize> {
        let text = &self.chapter.text[..end];
        let Closing { end: closed, nested } = marks::closing(text, from, open.pair);
        // Where one closing mark ends two, it was taken for the inner one's.
        let shared = nested.last().map(|last| last.end);
        open.nested.extend(nested.into_iter().map(|range| (range.start, range.end)));
        open.paragraphs += 1;
        open.until = closed.unwrap_or(end);
        open.shared = shared;
        open.closed = closed.is_some();
        if closed.is_some() {
            self.close_open(Some(open));
        } else {
            self.open = Some(open);
        }
        closed
    }

    /// Takes an open quotation as ended where it last was.
    fn close_open(&mut self, open: Option<Open>) {
        let Some(open) = open.or_else(|| self.open.take()) else { return };
        self.take(open);
    }

    /// Takes a quotation over one paragraph or more: itself, or those in it if it is a tale of its own.
    fn take(&mut self, open: Open) {
        let Open { start, until, pair, paragraphs, closed, shared, nested } = open;
        let said = |&(start, end): &(usize, usize)| !turn::is_mention(&self.chapter.text, start, end, self.language);
        let nested: Vec<(usize, usize)> = nested.into_iter().filter(said).collect();
        let tale = paragraphs >= TALE_PARAGRAPHS || until - start >= TALE_BYTES;
        if tale && !nested.is_empty() {
            nested.into_iter().for_each(|(start, end)| self.quoted(start, end, pair));
        } else if !closed && paragraphs == 1 && !nested.is_empty() {
            // Two were opened and one closed: the first closing mark ends both.
            let mut rest = nested.into_iter();
            let first_end = rest.next().map_or(until, |(_, end)| end);
            self.push(start, first_end, pair.kind());
            rest.for_each(|(start, end)| self.quoted(start, end, pair));
        } else if paragraphs == 1 && closed {
            self.quoted(start, until, pair);
        } else if paragraphs == 1 {
            let said = turn::without_last_said(&self.chapter.text[start..until], self.language);
            self.push(start, start + said, pair.kind());
        } else {
            self.push(start, shared.filter(|_| !closed).unwrap_or(until), pair.kind());
        }
    }

    /// Quotations between marks in a stretch of a paragraph.
    fn marked(&mut self, from: usize, end: usize) {
        let text = &self.chapter.text[..end];
        let mut at = from;
        while let Some((start, pair)) = marks::next_opening(text, at, self.habits.single) {
            let inside = start + text[start..].chars().next().map_or(1, char::len_utf8);
            let Closing { end: closed, nested } = marks::closing(text, inside, pair);
            let nested = nested.into_iter().map(|range| (range.start, range.end)).collect();
            let until = closed.unwrap_or(end);
            let open = Open { start, pair, until, paragraphs: 1, closed: closed.is_some(), shared: None, nested };
            if closed.is_none() {
                self.open = Some(open);
                return;
            }
            self.take(open);
            at = until;
        }
    }

    /// Takes what stands between two marks, unless it is only mentioned; less a last "said he" inside.
    fn quoted(&mut self, start: usize, end: usize, pair: Pair) {
        if turn::is_mention(&self.chapter.text, start, end, self.language) {
            return;
        }
        let end = start + turn::without_last_said(&self.chapter.text[start..end], self.language);
        self.push(start, end, pair.kind());
    }
}
