//! Where one sentence ends and the next begins, in English and in French.
//!
//! A rule-based splitter in the manner of the Golden Rules (Kiss and Strunk's Punkt needs training data
//! and gains little on edited prose): a terminator, with whatever closes behind it, ends a sentence when
//! white space follows, unless
//! - the text goes on in lower case or with a comma, as it does after spoken words: « Non ! » dit-il.
//! - what follows says who spoke: “Who?” Tom asked.
//! - the stop belongs to an abbreviation, an initial or a number that only counts (`abbreviations`).
//!
//! What each rule costs and gains is measured on passages marked by hand, `book/tests/sentences`.

mod abbreviations;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use domain::language::Language;

use crate::lexicon::{self, Lexicon};

/// Verbs that, behind a closing mark and their subject, say who spoke.
static SPEECH_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "said says cried asked replied answered exclaimed shouted whispered murmured muttered continued added repeated \
         inquired enquired remarked observed faltered screamed growled demanded suggested wondered yelled roared \
         bellowed shrieked snarled retorted rejoined responded declared announced explained insisted protested pleaded \
         begged urged warned gasped sobbed groaned moaned snapped stammered hissed wailed howled mused ventured \
         interrupted interposed persisted objected ejaculated croaked drawled sneered grumbled complained commanded",
    )
});
/// Verbs that do so only where nothing else depends on them: “Here!” Tom called.
static MAYBE_SPEECH_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "returned began called sighed thought went laughed agreed admitted ordered grunted mumbled breathed panted \
         chuckled giggled pursued resumed concluded finished echoed joked sang read wrote prayed argued breathed",
    )
});

/// What follows a mark is looked at so far, so that endless rows of marks cost no more than their length.
const AHEAD_BYTES: usize = 256;

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽')
}

fn is_closer(c: char) -> bool {
    matches!(c, '”' | '’' | '"' | '\'' | ')' | ']' | '»' | '›' | '\u{2060}' | '_' | '*')
}

/// Marks that may stand before the first word of a sentence.
fn is_opener(c: char) -> bool {
    matches!(
        c,
        '“' | '‘'
            | '„'
            | '"'
            | '\''
            | '('
            | '['
            | '«'
            | '‹'
            | '—'
            | '–'
            | '-'
            | '―'
            | '\u{2060}'
            | '_'
            | '*'
            | '¿'
            | '¡'
    ) || c.is_whitespace()
}

fn is_dash(c: char) -> bool {
    matches!(c, '—' | '–' | '―' | '-')
}

/// The sentences of one paragraph whose white space is folded: in order, disjoint, trimmed; only white
/// space lies between them.
pub(crate) fn split(text: &str, language: Language) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(|c| is_terminator(c) || is_dash(c)) {
        let mark = at + found;
        let c = text[mark..].chars().next().unwrap_or('.');
        let end = end_of_marks(text, mark, language);
        at = end;
        let rest = &text[end..];
        if !rest.starts_with(char::is_whitespace) {
            continue;
        }
        let after = rest.trim_start();
        let after = &after[..after.floor_char_boundary(AHEAD_BYTES)];
        let ends = if is_dash(c) {
            breaks_off(&text[mark..end], after)
        } else {
            ends_sentence(&text[start..mark], &text[mark..end], after, language)
        };
        if ends {
            push_trimmed(&mut sentences, text, start..end);
            start = end;
        }
    }
    push_trimmed(&mut sentences, text, start..text.len());
    sentences
}

fn push_trimmed(sentences: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    let end = start + inner.trim().len();
    if start >= end {
        return;
    }
    match sentences.last_mut() {
        // A stray mark belongs to what it follows.
        Some(last) if !text[start..end].contains(char::is_alphanumeric) => last.end = end,
        _ => sentences.push(start..end),
    }
}

/// One past the terminators and closing marks that start at `mark`.
fn end_of_marks(text: &str, mark: usize, language: Language) -> usize {
    let first = text[mark..].chars().next().unwrap_or('.');
    let mut end = mark + first.len_utf8();
    loop {
        let rest = &text[end..];
        match rest.chars().next() {
            Some(c) if is_terminator(c) || is_closer(c) => end += c.len_utf8(),
            Some(c) if c.is_whitespace() => {
                let after = rest.trim_start();
                let Some(next) = after.chars().next() else { return end };
                let last = text[..end].chars().next_back().unwrap_or(' ');
                let goes_on = match next {
                    // `. . .` is one mark.
                    '.' => {
                        is_terminator(last) && after[1..].starts_with([' ', '.', '”', '’', '"', '»']) || after == "."
                    }
                    // French sets its guillemets and high marks off by a space.
                    '»' | '›' | '!' | '?' => language == Language::Fr,
                    _ => false,
                };
                if !goes_on {
                    return end;
                }
                end += rest.len() - after.len() + next.len_utf8();
            }
            _ => return end,
        }
    }
}

/// A dash that a closing mark follows breaks a speech off: “I only wanted—” “I know.”
fn breaks_off(marks: &str, after: &str) -> bool {
    let closed = marks.chars().skip_while(|&c| is_dash(c)).any(is_closer);
    closed && after.starts_with(['“', '‘', '"', '\'', '«']) && opens_with_capital(after)
}

fn opens_with_capital(after: &str) -> bool {
    after.trim_start_matches(is_opener).starts_with(char::is_uppercase)
}

/// Whether a sentence ends between `before` + `marks` and `after`, which white space divides.
fn ends_sentence(before: &str, marks: &str, after: &str, language: Language) -> bool {
    if after.starts_with([',', ';', ':', ')', ']']) {
        return false;
    }
    // Some editions set an ellipsis off behind a full stop: `They said. … but no.`
    let words = after.trim_start_matches(|c| is_opener(c) || matches!(c, '…' | '.'));
    let Some(first) = words.chars().next() else { return true };
    if first.is_lowercase() {
        return false;
    }
    let closed = marks.chars().next_back().is_some_and(|c| is_closer(c) && c != ')' && c != ']');
    if closed && language == Language::En && !ends_in_stop(marks) && is_incise(after) {
        return false;
    }
    if marks != "." {
        return true;
    }
    !abbreviations::goes_on(before, after, language)
}

/// A single full stop stands before the closing marks. Who speaks is then not said behind them: a comma would
/// stand in its place.
fn ends_in_stop(marks: &str) -> bool {
    let stops = marks.trim_end_matches(is_closer);
    stops == "."
}

/// `Scrooge cried`, `I said`, `Mr. Bell said`: who spoke the words that were just closed.
fn is_incise(after: &str) -> bool {
    if !after.starts_with(char::is_uppercase) {
        return false;
    }
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let mut words = after.split(' ').take(5);
    let Some(first) = words.next() else { return false };
    // In the middle of a sentence these would have no capital.
    if matches!(first, "He" | "She" | "They" | "We" | "It" | "You" | "The" | "A" | "An" | "Nobody" | "Then" | "And") {
        return false;
    }
    for word in words {
        let verb = bare(word);
        if SPEECH_EN.contains(verb.as_str())
            || MAYBE_SPEECH_EN.contains(verb.as_str()) && word.ends_with(['.', ',', ';'])
        {
            return true;
        }
        // More of a name may come first: `Mr. Bell said`.
        if !word.starts_with(char::is_uppercase) {
            return false;
        }
    }
    false
}
