//! Names of several words, and where each name stands.

use std::ops::Range;

use super::judge::NameWords;
use super::lexicon::{self, Title};
use super::tokens::Token;

/// Words that stand together as one name, forms of address included: indexes into a sentence's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Of the form of address before it, if there is one; they are capitalised and part of the run.
    pub title: Option<Title>,
    /// The name itself, without form of address.
    pub name: Range<usize>,
    /// All of it.
    pub whole: Range<usize>,
}

/// The longest runs of name words of a sentence.
pub(crate) fn runs(tokens: &[Token<'_>], names: &NameWords<'_>) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match run_at(tokens, names, at) {
            Some(run) => {
                at = run.whole.end;
                runs.push(run);
            }
            None => at += 1,
        }
    }
    runs
}

fn run_at(tokens: &[Token<'_>], names: &NameWords<'_>, start: usize) -> Option<Run> {
    let mut name_start = start;
    let mut title = None;
    while let Some(found) = tokens.get(name_start).filter(|t| t.is_capitalised()).and_then(|t| title_of(t)) {
        if name_start > start && !tokens[name_start].joined {
            return None;
        }
        title = Some(found);
        name_start += 1;
    }
    if title.is_some() {
        // "M. de Voltaire"
        name_start += particles(tokens, name_start);
    }
    let first = tokens.get(name_start)?;
    let initial = is_initial(first) && tokens.get(name_start + 1).is_some_and(|t| t.joined && names.hold(t));
    if (name_start > start && !first.joined) || !(names.hold(first) || initial) {
        return None;
    }
    let mut end = name_start + 1;
    loop {
        let next = end + particles(tokens, end);
        match tokens.get(next) {
            Some(t) if t.joined && names.hold(t) => end = next + 1,
            Some(t) if next == end && (is_regnal(t) || is_place_tail(t)) => {
                end += 1;
                break;
            }
            _ => break,
        }
    }
    Some(Run { title, name: name_start..end, whole: start..end })
}

fn title_of(token: &Token<'_>) -> Option<Title> {
    lexicon::title(&token.text.to_lowercase())
}

/// How many particles, two at most, stand in a row from `at` on.
fn particles(tokens: &[Token<'_>], at: usize) -> usize {
    tokens[at.min(tokens.len())..].iter().take(2).take_while(|t| t.joined && lexicon::is_particle(t.text)).count()
}

/// "J." of "J. Rousseau"; not the "O" that calls somebody, nor the "A" of "A Paris".
fn is_initial(token: &Token<'_>) -> bool {
    token.text.chars().count() == 1 && token.is_capitalised() && !matches!(token.text, "I" | "O" | "Ô" | "A" | "À")
}

/// "XV" of "Louis XV". An "I" by itself is more often somebody speaking.
fn is_regnal(token: &Token<'_>) -> bool {
    token.joined && token.is_numeral() && token.text != "I"
}

/// "Street" of "Baker Street".
fn is_place_tail(token: &Token<'_>) -> bool {
    token.joined && token.is_capitalised() && lexicon::is_place_tail(&token.text.to_lowercase())
}

/// Cuts a run that is no name of its own into the longest parts that are, from the left; what stands
/// between them is no part of any.
pub(crate) fn parts(
    tokens: &[Token<'_>],
    run: &Range<usize>,
    names: &NameWords<'_>,
    accepted: impl Fn(&Range<usize>) -> bool,
) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = run.start;
    while at < run.end {
        let longest = (at + 1..=run.end).rev().map(|end| at..end).find(|part| {
            part.len() < run.len() && (accepted(part) || (part.len() == 1 && names.hold(&tokens[part.start])))
        });
        match longest {
            Some(part) => {
                at = part.end;
                parts.push(part);
            }
            None => at += 1,
        }
    }
    parts
}
