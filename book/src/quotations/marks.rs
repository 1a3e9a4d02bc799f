//! Quotation marks: which pair is which, where one closes, and apostrophes told apart from them.

use std::ops::Range;
use std::sync::LazyLock;

use domain::book::QuotationMark;

use crate::lexicon::{self, Lexicon};

/// A pair of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// `«` and `»`.
    Guillemets,
    /// `“` and `”`; `„` opens too.
    Curly,
    /// `"` twice.
    Straight,
    /// `‘` and `’`, or `'` twice.
    Single,
}

impl Pair {
    /// What opens it, as the book's model names it.
    pub fn kind(self) -> QuotationMark {
        match self {
            Self::Guillemets => QuotationMark::Guillemet,
            _ => QuotationMark::Inverted,
        }
    }

    fn opens(self, c: char) -> bool {
        match self {
            Self::Guillemets => c == '«',
            Self::Curly => matches!(c, '“' | '„'),
            Self::Straight => c == '"',
            Self::Single => matches!(c, '‘' | '\''),
        }
    }

    fn closes(self, c: char) -> bool {
        match self {
            Self::Guillemets => c == '»',
            Self::Curly => c == '”',
            Self::Straight => c == '"',
            Self::Single => matches!(c, '’' | '\''),
        }
    }

    /// The pair that a character may open.
    pub fn of(c: char, single: bool) -> Option<Self> {
        let pairs = [Self::Guillemets, Self::Curly, Self::Straight, Self::Single];
        pairs.into_iter().find(|pair| pair.opens(c) && (single || *pair != Self::Single))
    }
}

/// Words that begin with an apostrophe.
static ELIDED: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "tis twas twere twill twould twon em til till cause bout gainst neath tween ere im un ud ow ave ome s d \
         ll re ve t n",
    )
});

/// Where quotations open in `text` from byte `from` on: the place and what opens there.
pub(super) fn next_opening(text: &str, from: usize, single: bool) -> Option<(usize, Pair)> {
    text[from..].char_indices().find_map(|(offset, c)| {
        let at = from + offset;
        let pair = Pair::of(c, single)?;
        opens_at(text, at, pair).then_some((at, pair))
    })
}

/// Whether the character at `at` opens its pair, as far as its neighbours tell.
fn opens_at(text: &str, at: usize, pair: Pair) -> bool {
    let (before, after) = (text[..at].chars().next_back(), &text[at..]);
    let c = after.chars().next().unwrap_or(' ');
    let after = &after[c.len_utf8()..];
    let next = after.chars().next();
    let free = before.is_none_or(|b| {
        b.is_whitespace() || matches!(b, '(' | '[' | '—' | '–' | '-' | '“' | '‘' | '"' | '\'' | '«' | '_' | '*')
    });
    match pair {
        Pair::Guillemets | Pair::Curly => true,
        Pair::Straight => free,
        Pair::Single => {
            let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
            let elided = ELIDED.contains(word.as_str()) && c == '\'' || word == "tis" || word == "twas";
            // `'Tis late,' she said`: one mark stands for both.
            let starts = before.is_none_or(|b| b == '\n');
            let elided = elided && !(starts && ends_as_speech(text, at + c.len_utf8()));
            free && !elided && next.is_some_and(|n| !n.is_whitespace() && !n.is_ascii_digit())
        }
    }
}

/// A closing mark that stands behind a stop follows.
fn ends_as_speech(text: &str, from: usize) -> bool {
    let end = single_closing(text, from).end;
    let inside = end.map(|end| text[from..end].trim_end_matches(|c| Pair::Single.closes(c)));
    inside.is_some_and(|inside| inside.ends_with(['.', ',', '!', '?', '—', '…']))
}

/// What was found behind an opening mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Closing {
    /// One past the closing mark; nothing if it does not stand in this text.
    pub end: Option<usize>,
    /// Quotations within, marks included.
    pub nested: Vec<Range<usize>>,
}

/// Looks for the mark that closes `pair`, from byte `from` on, which lies inside of it.
pub(super) fn closing(text: &str, from: usize, pair: Pair) -> Closing {
    match pair {
        Pair::Single => single_closing(text, from),
        Pair::Straight => Closing { end: text[from..].find('"').map(|at| from + at + 1), nested: Vec::new() },
        Pair::Guillemets | Pair::Curly => paired_closing(text, from, pair),
    }
}

fn paired_closing(text: &str, from: usize, pair: Pair) -> Closing {
    let mut nested = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut curly = None;
    for (offset, c) in text[from..].char_indices() {
        let at = from + offset;
        if pair.opens(c) {
            open.push(at);
        } else if pair.closes(c) {
            let end = at + c.len_utf8();
            match open.pop() {
                Some(start) => nested.push(start..end),
                None => return Closing { end: Some(end), nested },
            }
        } else if pair == Pair::Guillemets && c == '“' {
            curly.get_or_insert(at);
        } else if pair == Pair::Guillemets
            && c == '”'
            && let Some(start) = curly.take()
        {
            nested.push(start..at + c.len_utf8());
        }
    }
    Closing { end: None, nested }
}

/// A single closing mark is also an apostrophe: behind a stop it closes; between letters it does not; behind a
/// letter it closes only where no better one comes before the next quotation opens.
fn single_closing(text: &str, from: usize) -> Closing {
    let (mut weak, mut weakest) = (None, None);
    for (offset, c) in text[from..].char_indices() {
        let at = from + offset;
        if at > from && matches!(c, '‘' | '\'') && opens_at(text, at, Pair::Single) && weak.or(weakest).is_some() {
            break;
        }
        if !Pair::Single.closes(c) {
            continue;
        }
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let end = at + c.len_utf8();
        let after = text[end..].chars().next();
        if after.is_some_and(char::is_alphanumeric) || before.is_whitespace() {
            continue;
        }
        if matches!(before, '.' | ',' | '!' | '?' | ';' | ':' | '…' | '—' | '–' | '-' | '”' | '"' | ')') {
            return Closing { end: Some(end), nested: Vec::new() };
        }
        // `the boys’ room`, `goin’ on`: plurals and dropped letters.
        let plural = matches!(before, 's' | 'n' | 'S' | 'N' | 'o' | 'h' | 'd' | 'z') && after == Some(' ');
        let candidate = if plural { &mut weakest } else { &mut weak };
        candidate.get_or_insert(end);
    }
    Closing { end: weak.or(weakest), nested: Vec::new() }
}

/// The dash that opens a turn of a dialogue, and the white space behind it: their length, 0 if there is none.
pub(super) fn dash(text: &str) -> usize {
    let rest = text.trim_start_matches(['—', '–', '―', '‒', '−', '\u{2060}']);
    let hyphens = rest.len() - rest.trim_start_matches('-').len();
    let behind = &rest[hyphens..];
    let length = match (text.len() - rest.len(), hyphens) {
        (0, 0) => return 0,
        // A hyphen is a dash where it stands apart, or where words begin.
        (0, 1) if behind.starts_with(' ') || behind.starts_with(char::is_uppercase) => 1,
        (0, 1) => return 0,
        (0, hyphens) => hyphens,
        (dashes, _) => dashes,
    };
    let rest = &text[length..];
    length + (rest.len() - rest.trim_start().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str, single: bool) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some((start, pair)) = next_opening(text, at, single) {
            let from = start + text[start..].chars().next().unwrap().len_utf8();
            let end = closing(text, from, pair).end.unwrap_or(text.len());
            found.push(&text[start..end]);
            at = end;
        }
        found
    }

    #[test]
    fn apostrophes_are_no_quotation_marks() {
        let text = "‘I don’t know the boys’ room,’ said he. ‘It’s the miller’s, isn’t it?’ Tom’s dog barked.";
        assert_eq!(quoted(text, true), ["‘I don’t know the boys’ room,’", "‘It’s the miller’s, isn’t it?’"]);
        let text = "'I won't,' he said. 'Tis late, an' cold.' The Bells' dog. 'No!'";
        assert_eq!(quoted(text, true), ["'I won't,'", "'No!'"]);
        assert_eq!(quoted("'Tis late,' she said, 'and cold.'", true), ["'Tis late,'", "'and cold.'"]);
        assert!(quoted("'Twas late, and the boys' lamps were out.", true).is_empty());
        assert_eq!(quoted("The word ‘never’ stood there, and ‘always’ too.", true), ["‘never’", "‘always’"]);
    }

    #[test]
    fn guillemets_nest() {
        let text = "« Voici le « Rêve », dit-il. » Puis « rien ».";
        assert_eq!(quoted(text, false), ["« Voici le « Rêve », dit-il. »", "« rien »"]);
    }

    #[test]
    fn dashes_of_every_make_open_a_turn() {
        assert_eq!(dash("— Oui"), "— ".len());
        assert_eq!(dash("-- Oui"), 3);
        assert_eq!(dash("- Oui"), 2);
        assert_eq!(dash("–Oui"), "–".len());
        assert_eq!(dash("-Oui"), 1);
        assert_eq!(dash("-ce que"), 0);
        assert_eq!(dash("Oui"), 0);
    }
}
