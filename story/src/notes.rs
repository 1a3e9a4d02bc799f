//! What is known of each sentence by its letters alone: how many words, whether it is spoken, whether it
//! stands on its own.

use std::ops::Range;

use domain::book::{Book, Chapter};
use domain::language::Language;
use domain::storyboard::Evidence;

use crate::StoryError;
use crate::openings::{self, Opening};

/// A chapter with what its letters tell of each sentence.
pub(crate) struct Notes<'a> {
    pub chapter: &'a Chapter,
    /// Words of each sentence, at least 1.
    pub words: Vec<u32>,
    /// The sentence holds spoken words.
    pub spoken: Vec<bool>,
    /// How a quotation runs into the sentence and out of it.
    pub quoted: Vec<Quoted>,
    /// How the sentence takes up from the one before.
    pub openings: Vec<Opening>,
    /// Runs of sentences that belong to one paragraph, in order.
    pub paragraphs: Vec<Range<usize>>,
}

impl<'a> Notes<'a> {
    /// Reads a chapter whose shape has been checked.
    pub fn of(chapter: &'a Chapter, language: Language) -> Self {
        let sentences = 0..chapter.sentences.len();
        let words = sentences.clone().map(|s| words_in(chapter.sentence(s))).collect();
        let openings = sentences.clone().map(|s| openings::read(chapter.sentence(s), language)).collect();
        let quoted = quotations(chapter);
        let tagged = |s| openings::has_speech_tag(chapter.sentence(s), language);
        let spoken = sentences.clone().map(|s| quoted[s].marked || tagged(s)).collect();
        let mut paragraphs: Vec<Range<usize>> = Vec::new();
        for s in sentences {
            match paragraphs.last_mut() {
                Some(last) if chapter.sentences[last.start].paragraph == chapter.sentences[s].paragraph => {
                    last.end = s + 1;
                }
                _ => paragraphs.push(s..s + 1),
            }
        }
        Self { chapter, words, spoken, quoted, openings, paragraphs }
    }

    /// Words of a run of sentences.
    pub fn words_of(&self, sentences: Range<usize>) -> u32 {
        self.words[sentences].iter().sum()
    }

    /// The book marks a break somewhere between these paragraphs (indexes into [`Notes::paragraphs`]): a
    /// sign before the second, or before or by a heading or a motto that lies between them.
    pub fn break_between(&self, first: usize, second: usize) -> bool {
        let paragraph = |p: usize| self.chapter.sentences[self.paragraphs[p].start].paragraph as usize;
        self.chapter.paragraphs[paragraph(first) + 1..=paragraph(second)]
            .iter()
            .any(|p| p.after_break || !p.kind.is_story())
    }

    /// A whole sentence of the story, of a length that can be taken in, neither a fragment nor a mere speech tag.
    pub fn stands_alone(&self, sentence: usize) -> bool {
        let paragraph = self.chapter.sentences[sentence].paragraph as usize;
        if !self.chapter.paragraphs[paragraph].kind.is_story() {
            return false;
        }
        let text =
            self.chapter.sentence(sentence).trim_end_matches(['”', '»', '"', '’', ')', ' ', '\u{a0}', '\u{202f}']);
        let opening = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        (6..=48).contains(&self.words[sentence])
            && text.ends_with(['.', '!', '?', '…'])
            && opening.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
    }

    /// It leans on the sentence before it: read alone, one asks who or what is meant.
    pub fn leans(&self, sentence: usize) -> bool {
        matches!(self.openings[sentence], Opening::Leans | Opening::Pronoun)
    }

    /// It is one part of a longer speech, with a quotation mark missing at one end.
    pub fn cut_from_speech(&self, sentence: usize) -> bool {
        let Quoted { from_before, left_open, .. } = self.quoted[sentence];
        from_before || left_open
    }

    /// A sentence, quoted.
    pub fn evidence(&self, sentence: usize) -> Evidence {
        Evidence::of(self.chapter, sentence)
    }
}

/// The book's offsets point where they should, so that nothing below can slice out of bounds.
pub(crate) fn well_formed(book: &Book) -> Result<(), StoryError> {
    if book.chapters.is_empty() {
        return Err(StoryError::EmptyBook);
    }
    for (index, chapter) in (0_u32..).zip(&book.chapters) {
        let bad = |what| Err(StoryError::MalformedBook { chapter: index, what });
        if chapter.index != index {
            return bad("its index is not its position");
        }
        if chapter.sentences.is_empty() {
            return Err(StoryError::EmptyChapter { chapter: index });
        }
        let (mut end, mut paragraph) = (0, 0);
        for s in &chapter.sentences {
            let text = chapter.text.get(s.start as usize..s.end as usize);
            if s.start < end || text.is_none_or(str::is_empty) {
                return bad("its sentences overlap or point outside of its text");
            }
            let lies_in = |p: &domain::book::Paragraph| p.start <= s.start && s.end <= p.end;
            if s.paragraph < paragraph || !chapter.paragraphs.get(s.paragraph as usize).is_some_and(lies_in) {
                return bad("a sentence does not lie in its paragraph");
            }
            (end, paragraph) = (s.end, s.paragraph);
        }
    }
    Ok(())
}

pub(crate) fn words_in(text: &str) -> u32 {
    let words = text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)).count();
    u32::try_from(words.max(1)).unwrap_or(u32::MAX)
}

/// How quotations lie across a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// Marks or dashes say that some of it is spoken.
    pub marked: bool,
    /// It starts within a quotation that an earlier sentence of its paragraph has opened.
    pub from_before: bool,
    /// It ends within a quotation that goes on in its paragraph.
    pub left_open: bool,
}

/// Which sentences hold spoken words, by quotation marks and dashes. A quotation runs on over the
/// sentences of its paragraph until it is closed; a dash speaks for its sentence alone.
fn quotations(chapter: &Chapter) -> Vec<Quoted> {
    let mut open = Quotes::default();
    let mut paragraph = None;
    let mut quoted = Vec::with_capacity(chapter.sentences.len());
    for (index, sentence) in chapter.sentences.iter().enumerate() {
        if paragraph.replace(sentence.paragraph) != Some(sentence.paragraph) {
            open = Quotes::default();
        }
        let text = chapter.sentence(index);
        let from_before = open.any();
        let marked = open.read(text) || from_before || speaks_by_dash(text);
        let goes_on = chapter.sentences.get(index + 1).is_some_and(|next| next.paragraph == sentence.paragraph);
        quoted.push(Quoted { marked, from_before, left_open: goes_on && open.any() });
    }
    quoted
}

/// Quotation marks that have been opened and not closed yet.
#[derive(Default)]
struct Quotes {
    /// Guillemets and double curly or low marks.
    double: u32,
    /// A straight double mark.
    straight: bool,
    /// A single curly mark, as British books have it.
    single: bool,
}

impl Quotes {
    fn any(&self) -> bool {
        self.double > 0 || self.straight || self.single
    }

    /// Reads on through `text`; says whether it opens a quotation.
    fn read(&mut self, text: &str) -> bool {
        let mut opened = false;
        let mut before = ' ';
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let after = chars.peek().copied().unwrap_or(' ');
            match c {
                '“' | '«' | '„' => {
                    self.double = (self.double + 1).min(8);
                    opened = true;
                }
                '”' | '»' => self.double = self.double.saturating_sub(1),
                '"' => {
                    self.straight = !self.straight;
                    opened |= self.straight;
                }
                '‘' if !before.is_alphanumeric() && after.is_alphanumeric() => {
                    self.single = true;
                    opened = true;
                }
                // Elsewhere it is an apostrophe.
                '’' if !after.is_alphanumeric() && ",.!?…—".contains(before) => self.single = false,
                _ => {}
            }
            before = c;
        }
        opened
    }
}

/// A dash opens the sentence or follows the end of another's words within it, as French books and old ones
/// set dialogue.
fn speaks_by_dash(text: &str) -> bool {
    let opens = |text: &str| {
        let rest = text.trim_start_matches(['—', '–', '-']);
        let dashes = text.len() - rest.len();
        let long = text.starts_with(['—', '–']) || text.starts_with("--") || text.starts_with("- ");
        dashes > 0 && long && rest.trim_start().starts_with(char::is_alphabetic)
    };
    let turns = |mark: &str| {
        text.match_indices(mark).any(|(at, _)| {
            let before = text[..at].trim_end();
            before.ends_with(['.', '!', '?', '…', ':'])
                && text[at + mark.len()..].trim_start().starts_with(char::is_uppercase)
        })
    };
    opens(text) || turns("--") || turns("—") || turns(" – ")
}
