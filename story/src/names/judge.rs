//! Which words are names, judged over the whole book.

use std::collections::{HashMap, HashSet};

use domain::book::Book;
use domain::language::Language;

use super::lexicon;
use super::tokens::{Token, tokens};

/// How often a word must have a capital where no other reason for it is known.
const PROOFS_MIN: u32 = 2;
/// With fewer proofs, a word that mostly follows an article is no name.
const PROOFS_AFTER_ARTICLE_MIN: u32 = 5;
/// A name is at least so many times as often capitalised, mid-sentence, as it is written small.
const CAPITALS_PER_SMALL: u32 = 10;

/// What was seen of one capitalised word.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// With a capital, in the midst of a sentence.
    proofs: u32,
    /// Of these, with nothing but a space before it. Lines of a song that were folded into one leave
    /// their capitals behind commas: those alone prove nothing.
    joined: u32,
    /// Right after an article.
    after_article: u32,
    /// Right after a form of address.
    after_title: u32,
}

/// Words of the book that are names by themselves.
pub(crate) struct NameWords<'a>(HashSet<&'a str>);

impl<'a> NameWords<'a> {
    /// Judges all words of a book.
    pub fn of(book: &'a Book) -> Self {
        let mut capitalised: HashMap<&str, Seen> = HashMap::new();
        let mut small: HashMap<&str, u32> = HashMap::new();
        for tokens in sentences(book) {
            for (at, token) in tokens.iter().enumerate() {
                if !token.is_capitalised() {
                    *small.entry(token.text).or_default() += 1;
                } else if !token.opens {
                    let before = at.checked_sub(1).map(|b| tokens[b].text.to_lowercase()).unwrap_or_default();
                    let seen = capitalised.entry(token.text).or_default();
                    seen.proofs += 1;
                    seen.joined += u32::from(token.joined);
                    seen.after_article += u32::from(lexicon::is_article(&before, book.language));
                    seen.after_title += u32::from(token.joined && lexicon::title(&before).is_some());
                }
            }
        }
        let is_name =
            |word: &str, seen: &Seen| is_name(word, seen, book.language, |w| small.get(w).copied().unwrap_or(0));
        Self(capitalised.iter().filter(|(word, seen)| is_name(word, seen)).map(|(word, _)| *word).collect())
    }

    /// The token is a name by itself.
    pub fn hold(&self, token: &Token<'_>) -> bool {
        self.0.contains(token.text)
    }
}

/// The words of every sentence of the book, in order.
fn sentences(book: &Book) -> impl Iterator<Item = Vec<Token<'_>>> {
    book.chapters.iter().flat_map(|chapter| {
        (0..chapter.sentences.len()).map(move |s| {
            let mut tokens = tokens(chapter.sentence(s), super::is_verse(chapter, s));
            if is_like_a_title(&tokens) {
                tokens.iter_mut().for_each(|t| t.opens = true);
            }
            tokens
        })
    })
}

/// Most words of the sentence have a capital, as in headings: it proves nothing about any of them.
fn is_like_a_title(tokens: &[Token<'_>]) -> bool {
    tokens.len() >= 3 && tokens.iter().filter(|t| t.is_capitalised()).count() * 3 > tokens.len() * 2
}

fn is_name(word: &str, seen: &Seen, language: Language, small: impl Fn(&str) -> u32) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if seen.proofs < PROOFS_MIN
        || seen.joined == 0
        || letters < 2
        || word.contains(char::is_numeric)
        || !word.contains(char::is_lowercase)
    {
        return false;
    }
    let lower = word.to_lowercase();
    let numeral = matches!(lower.as_str(), "ier" | "ire");
    if numeral || lexicon::title(&lower).is_some() || lexicon::is_never_a_name(&lower, language) {
        return false;
    }
    let written_small: u32 = small_forms(&lower, language).iter().map(|form| small(form)).sum();
    let addressed = seen.after_title >= PROOFS_MIN && written_small <= seen.proofs;
    if written_small * CAPITALS_PER_SMALL > seen.proofs && !addressed {
        return false;
    }
    let mostly_after_article = seen.after_article * 2 > seen.proofs;
    match language {
        Language::En => !mostly_after_article || (written_small == 0 && seen.proofs >= PROOFS_AFTER_ARTICLE_MIN),
        Language::Fr => !mostly_after_article,
    }
}

/// How the word would be written if it were no name. French peoples are small as adjectives, in any gender
/// and number: "un Bulgare", "l'armée bulgare".
fn small_forms(lower: &str, language: Language) -> Vec<String> {
    let mut forms = vec![lower.to_owned()];
    if language == Language::Fr {
        let stem = lower.strip_suffix('s').unwrap_or(lower);
        forms.extend(["", "s", "e", "es"].map(|ending| format!("{stem}{ending}")));
        forms.sort_unstable();
        forms.dedup();
    }
    forms
}
