//! Note marks within plain text, such as `Pangloss[1]`, and the notes themselves.

use std::ops::Range;

/// The marks in `text`: one to three digits, or one of `*†‡` or a letter, in brackets, right behind
/// another character. `took [a] cat` and `in [1805]` are words.
pub(crate) fn marks(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('[') {
        let start = at + open;
        at = start + 1;
        let Some(len) = label_len(&text[at..]) else { continue };
        let behind = found.last().is_some_and(|last| last.end == start)
            || text[..start].chars().next_back().is_some_and(|c| !c.is_whitespace());
        at += len + 1;
        if behind {
            found.push(start..at);
        }
    }
    found
}

/// No label is longer.
const LABEL_BYTES: usize = 3;

/// Length of a note's label, if `text` starts with one and a closing bracket follows.
fn label_len(text: &str) -> Option<usize> {
    let end = text.bytes().take(LABEL_BYTES + 1).position(|byte| byte == b']')?;
    let label = text.get(..end)?;
    is_label(label).then_some(label.len())
}

/// `12`, `a`, `*`: what names a note.
pub(crate) fn is_label(label: &str) -> bool {
    let digits = (1..=3).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_digit());
    let mut chars = label.chars();
    let sign = matches!((chars.next(), chars.next()), (Some('a'..='z' | '*' | '†' | '‡'), None));
    digits || sign
}

/// A paragraph that is a note: `[1] See volume two.`
pub(crate) fn is_note(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('[') else { return false };
    label_len(rest).is_some_and(|len| rest[len + 1..].starts_with(' '))
}

/// `text` without its note marks, for a comparison with canonical text.
pub(crate) fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for mark in marks(text) {
        out.push_str(&text[at..mark.start]);
        at = mark.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_words_in_brackets() {
        assert_eq!(without_marks("Pangloss[1] était[12][a]."), "Pangloss était.");
        for text in ["took [a] cat", "in[1805]", "[1] start", "a[", "a[]", "x[ab]"] {
            assert_eq!(without_marks(text), text);
        }
    }

    #[test]
    fn a_note_starts_with_its_label() {
        assert!(is_note("[1] De pan, tout."));
        assert!(!is_note("[1]"));
        assert!(!is_note("[Illustration: a cat] he said"));
    }
}
