//! Names of the story's world, by a stated rule.
//!
//! **The rule.** A *name word* is a word that
//! 1. has a capital at least twice where nothing but its being a name calls for one: not at the start of a
//!    sentence, a quotation or a turn of dialogue, not in verse, not in a sentence that is capitalised
//!    throughout, not in capitals alone; and once at least right behind
//!    another word, since folded lines of a song have capitals behind commas;
//! 2. is written small at most a tenth as often (half as often if people are addressed by it); in French
//!    in any gender and number, which tells peoples from places;
//! 3. does not mostly follow an article that calls for a common noun ("the Ghost", "les Turcs"); in English
//!    it may, if it is never written small and recurs five times ("the Cratchits");
//! 4. is not known beforehand for something else: pronouns, forms of address, days, months, feasts, the
//!    divine, creeds, peoples and languages, parts of books, interjections, ideas ([`lexicon`]).
//!
//! A *name* is a longest run of name words with nothing but spaces, particles ("de", "von") between
//! them, and a regnal number or the kind of a place ("Baker Street") after them, that recurs; a run that does not recur counts for its parts. A form of
//! address belongs to the name where it tells people apart ("Mrs. Cratchit") or where the bare name is
//! rarer; else it is left off ("Mr. Scrooge" counts for "Scrooge"). An occurrence inside a longer name
//! counts for the longer one alone.

mod judge;
mod lexicon;
mod phrases;
mod tokens;

use std::collections::HashMap;
use std::ops::Range;

use domain::book::{Book, Chapter, ParagraphKind};
use domain::storyboard::{Evidence, Method, Name};

use self::judge::NameWords;
use self::lexicon::Title;
use self::phrases::Run;
use self::tokens::Token;

/// Most names that a storyboard lists.
const NAMES_MAX: usize = 1_000;

/// The names of a book, and where they stand.
pub(crate) struct Names {
    /// Commonest first; among equals, the one that stands first.
    pub list: Vec<Name>,
    /// For each chapter and sentence, indexes into `list`, in order of the sentence.
    by_sentence: Vec<Vec<Vec<u32>>>,
}

impl Names {
    /// Finds the names that stand at least `count_min` times in the book.
    pub fn find(book: &Book, count_min: u32) -> Self {
        let words = NameWords::of(book);
        let runs = RunCounts::of(book, &words, count_min);
        let mut found: HashMap<String, Found> = HashMap::new();
        each_sentence(book, |at, sentence, tokens| {
            for run in phrases::runs(tokens, &words) {
                for part in runs.resolve(sentence, tokens, &run, &words) {
                    let found = found.entry(key(sentence, tokens, &part)).or_default();
                    found.count += 1;
                    if found.places.last() != Some(&at) {
                        found.places.push(at);
                    }
                }
            }
        });
        let mut found: Vec<(String, Found)> = found.into_iter().filter(|(_, f)| f.count >= count_min).collect();
        // Two names can first stand in one sentence: then by their letters.
        found.sort_by(|(a, x), (b, y)| (y.count, &x.places[0], a).cmp(&(x.count, &y.places[0], b)));
        found.truncate(NAMES_MAX);
        let mut by_sentence: Vec<Vec<Vec<u32>>> =
            book.chapters.iter().map(|c| vec![Vec::new(); c.sentences.len()]).collect();
        for (index, (_, found)) in (0_u32..).zip(&found) {
            for &(chapter, sentence) in &found.places {
                by_sentence[chapter][sentence].push(index);
            }
        }
        let name = |(name, found): (String, Found)| {
            let (chapter, sentence) = found.places[0];
            let first = Evidence::of(&book.chapters[chapter], sentence);
            Name { name, count: found.count, method: Method::Rule, first }
        };
        Self { list: found.into_iter().map(name).collect(), by_sentence }
    }

    /// The names in a sentence, commonest of the book first.
    pub fn in_sentence(&self, chapter: usize, sentence: usize) -> &[u32] {
        &self.by_sentence[chapter][sentence]
    }

    /// The names in some sentences of a chapter, commonest there first; among equals, commonest in the book.
    pub fn in_sentences(&self, chapter: usize, sentences: impl Iterator<Item = usize>) -> Vec<u32> {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for sentence in sentences {
            for &name in self.in_sentence(chapter, sentence) {
                *counts.entry(name).or_default() += 1;
            }
        }
        let mut counts: Vec<(u32, u32)> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        counts.into_iter().map(|(name, _)| name).collect()
    }
}

#[derive(Default)]
struct Found {
    count: u32,
    /// Chapter and sentence of each place, without repeats, in order of the book.
    places: Vec<(usize, usize)>,
}

/// How often each run stands in the book.
struct RunCounts {
    /// Of names without form of address.
    bare: HashMap<String, u32>,
    /// Of names with one.
    titled: HashMap<String, u32>,
    count_min: u32,
}

impl RunCounts {
    fn of(book: &Book, words: &NameWords<'_>, count_min: u32) -> Self {
        let mut counts = Self { bare: HashMap::new(), titled: HashMap::new(), count_min };
        each_sentence(book, |_, sentence, tokens| {
            for run in phrases::runs(tokens, words) {
                if run.title.is_some() {
                    *counts.titled.entry(key(sentence, tokens, &run.whole)).or_default() += 1;
                } else {
                    *counts.bare.entry(key(sentence, tokens, &run.name)).or_default() += 1;
                }
            }
        });
        counts
    }

    /// The names that a run stands for: itself, or its parts.
    fn resolve(&self, sentence: &str, tokens: &[Token<'_>], run: &Run, words: &NameWords<'_>) -> Vec<Range<usize>> {
        let count = |counts: &HashMap<String, u32>, part: &Range<usize>| {
            counts.get(&key(sentence, tokens, part)).copied().unwrap_or(0)
        };
        let (titled, bare) = (count(&self.titled, &run.whole), count(&self.bare, &run.name));
        let keeps_title = match run.title {
            None => false,
            Some(Title::Wife | Title::Saint) => true,
            Some(Title::Man | Title::Woman | Title::Either) => titled > bare,
        };
        if keeps_title && titled >= self.count_min {
            return vec![run.whole.clone()];
        }
        if bare >= self.count_min || (run.name.len() == 1 && words.hold(&tokens[run.name.start])) {
            return vec![run.name.clone()];
        }
        phrases::parts(tokens, &run.name, words, |part| count(&self.bare, part) >= self.count_min)
    }
}

fn each_sentence<'a>(book: &'a Book, mut visit: impl FnMut((usize, usize), &'a str, &[Token<'a>])) {
    for (c, chapter) in book.chapters.iter().enumerate() {
        for s in 0..chapter.sentences.len() {
            let sentence = chapter.sentence(s);
            visit((c, s), sentence, &tokens::tokens(sentence, is_verse(chapter, s)));
        }
    }
}

fn is_verse(chapter: &Chapter, sentence: usize) -> bool {
    chapter.paragraphs[chapter.sentences[sentence].paragraph as usize].kind == ParagraphKind::Verse
}

/// A name as the sentence writes it, with plain spaces for those that don't break.
fn key(sentence: &str, tokens: &[Token<'_>], part: &Range<usize>) -> String {
    let words = &sentence[tokens[part.start].start..tokens[part.end - 1].end()];
    words.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect()
}
