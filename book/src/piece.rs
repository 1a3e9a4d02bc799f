//! What a format's reader hands over: pieces of a book in reading order, before they are chapters.

use std::ops::Range;
use std::sync::Arc;

use domain::book::{Cover, ParagraphKind, SetAside, SourceRange, Warning};

use crate::aside;
use crate::decode::Width;
use crate::headings;
use crate::mapped::Mapped;
use crate::notes;

/// What a format's reader hands over.
#[derive(Default)]
pub(crate) struct Draft {
    pub title: Option<String>,
    pub authors: Vec<String>,
    /// BCP 47 tag from the metadata.
    pub language_tag: Option<String>,
    pub cover: Option<Cover>,
    /// The table of contents, if the file has one; [`Piece::entries`] says where its lines lead.
    pub contents: Vec<DraftLine>,
    pub pieces: Vec<Piece>,
    /// In the order in which they stand in the file.
    pub notes: Vec<DraftNote>,
    pub set_aside: Vec<SetAside>,
    pub warnings: Vec<Warning>,
}

/// A line of a table of contents.
pub(crate) struct DraftLine {
    pub title: String,
    pub depth: u32,
}

/// The mark of a note, which itself is no text.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// The byte of the paragraph's text before which it stood.
    pub at: usize,
    /// As printed, without brackets.
    pub label: String,
    /// The [`DraftNote::id`] that it leads to, where it is a link; else the label tells.
    pub target: Option<String>,
    /// Index of its note, once found.
    pub note: Option<usize>,
}

/// A page of the source begins.
#[derive(Clone, Debug)]
pub(crate) struct PageBreak {
    /// The byte of the paragraph's text that is the page's first.
    pub at: usize,
    pub label: String,
}

/// A note, before its mark is found.
pub(crate) struct DraftNote {
    /// What a link to it says; unique in the file.
    pub id: Option<String>,
    pub label: String,
    pub text: String,
    pub source: SourceRange,
    /// Pieces before it, or before the end of the piece that it stands in: a mark without a link is looked for
    /// there first.
    pub pieces_before: usize,
}

impl DraftNote {
    /// A note of these paragraphs, the first of which may start with its label; nothing if it says nothing.
    pub fn new(href: &str, mut paragraphs: Vec<Para>, pieces_before: usize) -> Option<Self> {
        let first = paragraphs.first_mut()?;
        let mut label = first.marks.iter().find(|mark| mark.at == 0).map(|mark| mark.label.clone()).unwrap_or_default();
        let bracketed = first.text.text().starts_with("[Footnote") || first.text.text().starts_with("[Note");
        let text = first.text.text();
        let own = notes::loose_label(text).filter(|(own, _)| label.is_empty() || *own == label);
        let own = own.map(|(own, len)| (own.to_owned(), len));
        // An arrow leads back to the mark.
        let own_len = match own {
            Some((own, len)) => {
                label = own;
                len
            }
            None => text.len() - text.trim_start_matches(ARROWS).len(),
        };
        first.text.cut(0..own_len);
        let last = paragraphs.last_mut()?;
        let text = last.text.text();
        let kept = text.trim_end_matches(ARROWS).len();
        let kept = kept - usize::from(bracketed && text[..kept].ends_with(']'));
        let end = text.len();
        last.text.cut(kept..end);
        paragraphs.retain(|para| !para.text.is_empty());
        let (first, last) = (paragraphs.first()?, paragraphs.last()?);
        let start = first.text.source(0..first.text.text().len()).start;
        let end = last.text.source(0..last.text.text().len()).end;
        let texts: Vec<&str> = paragraphs.iter().map(|para| para.text.text()).collect();
        let source = SourceRange { href: href.to_owned(), start, end };
        Some(Self { id: None, label, text: texts.join("\n\n"), source, pieces_before })
    }
}

/// What stands around the link that leads from a note back to its mark.
const ARROWS: &[char] = &['↑', '↩', '⏎', '↵', '^', ' ', '\u{fe0e}', '\u{fe0f}', '⤴', '🔙', '◄'];

/// A paragraph, before its sentences are found. A reader builds it up: text, and what hangs on its places.
#[derive(Clone)]
pub(crate) struct Para {
    /// The entry that it stands in, where that is not its piece's.
    pub href: Option<Arc<str>>,
    pub kind: ParagraphKind,
    pub text: Mapped,
    pub after_break: bool,
    /// In order.
    pub marks: Vec<Mark>,
    /// In order.
    pub pages: Vec<PageBreak>,
}

impl Para {
    /// An empty paragraph of prose.
    pub fn new(width: Width) -> Self {
        Self {
            href: None,
            kind: ParagraphKind::Prose,
            text: Mapped::new(width),
            after_break: false,
            marks: Vec::new(),
            pages: Vec::new(),
        }
    }

    /// Notes a mark here, behind what was pushed so far.
    pub fn mark(&mut self, label: &str, target: Option<String>) {
        self.marks.push(Mark { at: self.text.text().len(), label: label.to_owned(), target, note: None });
    }

    /// A page begins here, behind what was pushed so far.
    pub fn page(&mut self, label: &str) {
        self.pages.push(PageBreak { at: self.text.text().len(), label: label.to_owned() });
    }

    /// The paragraphs that cuts at these bytes of the text make, in order; what hangs on a place goes with it.
    pub fn split_at(self, cuts: &[usize]) -> Vec<Self> {
        if cuts.is_empty() {
            return vec![self];
        }
        let text = self.text.text();
        let ends = cuts.iter().copied().chain([text.len()]);
        let (mut marks, mut pages) = (self.marks.iter().peekable(), self.pages.iter().peekable());
        let mut parts = Vec::with_capacity(cuts.len() + 1);
        for (from, to) in std::iter::once(0).chain(cuts.iter().copied()).zip(ends) {
            let start = from + text[from..to].len() - text[from..to].trim_start().len();
            let part_text = self.text.slice(from..to);
            let end = part_text.text().len();
            let moved = |at: usize| at.saturating_sub(start).min(end);
            let within = |at: usize| at < to || to == text.len();
            let mut part = Self {
                href: self.href.clone(),
                kind: self.kind,
                text: part_text,
                after_break: self.after_break && from == 0,
                marks: Vec::new(),
                pages: Vec::new(),
            };
            while let Some(mark) = marks.next_if(|mark| within(mark.at)) {
                part.marks.push(Mark { at: moved(mark.at), ..mark.clone() });
            }
            while let Some(page) = pages.next_if(|page| within(page.at)) {
                part.pages.push(PageBreak { at: moved(page.at), ..page.clone() });
            }
            if !part.text.is_empty() {
                parts.push(part);
            }
        }
        parts
    }

    /// Turns the marks that stand in the text itself, `[1]` and `[Pg 12]`, into [`Para::marks`] and [`Para::pages`].
    fn take_marks(&mut self) {
        let pages = notes::page_marks(self.text.text());
        let begun: Vec<String> = pages.iter().map(|mark| notes::page_label(&self.text.text()[mark.clone()])).collect();
        for (at, label) in self.remove(&pages).into_iter().zip(begun) {
            self.pages.push(PageBreak { at, label });
        }
        let marks = notes::marks(self.text.text());
        let label =
            |mark: &Range<usize>| self.text.text()[mark.clone()].trim_matches(['[', ']', '(', ')', ' ']).to_owned();
        let labels: Vec<String> = marks.iter().map(label).collect();
        for (at, label) in self.remove(&marks).into_iter().zip(labels) {
            self.marks.push(Mark { at, label, target: None, note: None });
        }
        self.marks.sort_by_key(|mark| mark.at);
        self.pages.sort_by_key(|page| page.at);
    }

    /// Drops ranges of the text (ascending, disjoint), and keeps what hangs on its places. Returns where each stood.
    fn remove(&mut self, ranges: &[Range<usize>]) -> Vec<usize> {
        if ranges.is_empty() {
            return Vec::new();
        }
        // How much goes before each of them: a paragraph may hold as many marks as words.
        let gone: Vec<usize> = ranges
            .iter()
            .scan(0, |sum, range| {
                *sum += range.len();
                Some(*sum)
            })
            .collect();
        let moved = |at: usize| {
            let before = ranges.partition_point(|range| range.end <= at);
            at - before.checked_sub(1).map_or(0, |last| gone[last])
        };
        self.text.remove(ranges);
        // Where two spaces met, one is gone: no place may lie behind the end or within a character.
        let text = self.text.text();
        let place = |at: usize| text.floor_char_boundary(moved(at));
        self.marks.iter_mut().for_each(|mark| mark.at = place(mark.at));
        self.pages.iter_mut().for_each(|page| page.at = place(page.at));
        ranges.iter().map(|range| place(range.start)).collect()
    }
}

/// A stretch of the book between two divisions: a chapter, the title of a part, an imprint …
pub(crate) struct Piece {
    pub href: String,
    /// From the table of contents, else from its own headings.
    pub title: Option<String>,
    /// Where it stands among titles of parts: a lower level holds a higher one.
    pub level: u32,
    /// Titles above it in the table of contents; nothing if that doesn't nest or doesn't list it.
    pub above: Option<Vec<String>>,
    /// Lines of [`Draft::contents`] that lead to it.
    pub entries: Vec<usize>,
    /// The rule that sets it aside.
    pub aside: Option<&'static str>,
    /// Its heading is that of a chapter: without text it is an empty chapter, not the title of a part.
    pub is_chapter: bool,
    /// It shows a picture.
    pub pictured: bool,
    pub paragraphs: Vec<Para>,
}

impl Piece {
    pub fn new(href: &str) -> Self {
        Self {
            href: href.to_owned(),
            title: None,
            level: 0,
            above: None,
            entries: Vec::new(),
            aside: None,
            is_chapter: false,
            pictured: false,
            paragraphs: Vec::new(),
        }
    }

    /// The table of contents lists it.
    pub fn listed(&self) -> bool {
        !self.entries.is_empty()
    }

    /// It holds text other than headings.
    pub fn has_prose(&self) -> bool {
        self.paragraphs.iter().any(|p| p.kind != ParagraphKind::Heading)
    }

    /// Its paragraphs, joined by one blank line.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.paragraphs.iter().map(|p| p.text.text()).collect();
        texts.join("\n\n")
    }

    /// Drops a last heading over notes that are gone.
    pub fn drop_heading_of_notes(&mut self) {
        let over =
            |para: &Para| para.kind == ParagraphKind::Heading && aside::by_title(para.text.text()) == Some("notes");
        if self.has_prose() && self.paragraphs.last().is_some_and(over) {
            self.paragraphs.pop();
        }
    }

    /// The headings that it starts with, joined.
    pub fn own_title(&self) -> Option<String> {
        let headings: Vec<&str> = self
            .paragraphs
            .iter()
            .take_while(|p| p.kind == ParagraphKind::Heading)
            .map(|p| p.text.text())
            .take(3)
            .collect();
        (!headings.is_empty()).then(|| headings::joined(&headings))
    }
}

/// What waits for the next paragraph.
#[derive(Default)]
pub(crate) struct Waiting {
    /// A break stands before it.
    pub after_break: bool,
    /// Labels of pages that begin before it.
    pub pages: Vec<String>,
}

impl Waiting {
    /// The paragraph that a finished block of text is, its marks dropped. Nothing of an ornament, which is a break
    /// before what follows, nor of what says nothing.
    pub fn take(&mut self, mut para: Para) -> Option<Para> {
        para.take_marks();
        let text = para.text.text();
        let ornament = headings::is_ornament(text);
        if ornament || !text.contains(char::is_alphanumeric) && !text.contains(['!', '?', '…', '.']) {
            self.after_break |= ornament;
            self.pages.extend(para.pages.into_iter().map(|page| page.label));
            return None;
        }
        para.after_break = std::mem::take(&mut self.after_break);
        para.pages.splice(0..0, self.pages.drain(..).map(|label| PageBreak { at: 0, label }));
        Some(para)
    }
}
