//! Note marks within plain text, such as `Pangloss[1]`, and the notes that they lead to.

use std::collections::HashMap;
use std::ops::Range;

use crate::piece::{DraftNote, Piece};

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
    own_label(text).is_some()
}

/// The label that a note's text starts with, and where the text goes on behind it.
pub(crate) fn own_label(text: &str) -> Option<(&str, usize)> {
    let rest = text.strip_prefix('[')?;
    let len = label_len(rest)?;
    rest[len + 1..].starts_with(' ').then(|| (&rest[..len], len + 3))
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

/// Finds the note of every mark: where its link leads, else the next unclaimed note with its label, from the
/// mark's own piece on.
pub(crate) fn link(pieces: &mut [Piece], notes: &[DraftNote]) {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut by_label: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, note) in notes.iter().enumerate() {
        if let Some(id) = &note.id {
            by_id.entry(id).or_insert(index);
        }
        by_label.entry(&note.label).or_default().push(index);
    }
    let mut claimed = vec![false; notes.len()];
    for (number, piece) in pieces.iter_mut().enumerate() {
        for mark in piece.paragraphs.iter_mut().flat_map(|para| &mut para.marks) {
            let linked = mark.target.as_deref().and_then(|target| by_id.get(target).copied());
            let free = |&&note: &&usize| !claimed[note] && notes[note].pieces_before >= number;
            let labelled = || by_label.get(mark.label.as_str())?.iter().find(free).copied();
            mark.note = linked.or_else(labelled);
            if let Some(note) = mark.note {
                claimed[note] = true;
            }
        }
    }
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
