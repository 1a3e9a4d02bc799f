//! Note marks within plain text, such as `Pangloss[1]`, and the notes that they lead to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use domain::book::ParagraphKind;

use crate::piece::{DraftNote, PageBreak, Para, Piece};

/// The marks in `text`: one to three digits, or one of `*†‡` or a letter, in brackets, right behind another
/// character; one or two digits in parentheses there, or before what ends a clause. `took [a] cat`, `in [1805]` and
/// `first (1) and` are words.
pub(crate) fn marks(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(['[', '(']) {
        let start = at + open;
        at = start + 1;
        let Some(len) = label_len(&text[start..]) else { continue };
        let end = at + len + 1;
        let round = text[start..].starts_with('(');
        let before = text[..start].chars().next_back();
        let behind = found.last().is_some_and(|last| last.end == start) || before.is_some_and(|c| !c.is_whitespace());
        let ends = round
            && before.is_some_and(char::is_whitespace)
            && text[end..].chars().next().is_none_or(|c| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '…' | '['));
        if behind || ends {
            // The space before it goes as well.
            let start = text[..start].trim_end().len();
            found.push(start..end);
        }
        at = end;
    }
    found
}

/// No label is longer.
const LABEL_BYTES: usize = 3;

/// Length of a note's label, if `text` starts with one in brackets or, digits only, in parentheses.
fn label_len(text: &str) -> Option<usize> {
    let close = if text.starts_with('[') { b']' } else { b')' };
    let inner = text.get(1..)?;
    let end = inner.bytes().take(LABEL_BYTES + 1).position(|byte| byte == close)?;
    let label = inner.get(..end)?;
    let counted = end <= 2 && !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    (if close == b']' { is_label(label) } else { counted }).then_some(label.len())
}

/// `12`, `a`, `*`: what names a note.
pub(crate) fn is_label(label: &str) -> bool {
    let digits = (1..=3).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_digit());
    let mut chars = label.chars();
    let sign = matches!((chars.next(), chars.next()), (Some('a'..='z' | 'A'..='Z' | '*' | '†' | '‡'), None));
    digits || sign
}

/// No page mark is longer, bytes.
const PAGE_MARK_BYTES: usize = 16;

/// The marks of printed pages in `text`: `[Pg 12]`, `[Page xii]`, `[p. 12]`, `{12}`, with one of two spaces around.
pub(crate) fn page_marks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(['[', '{']) {
        let start = at + open;
        at = start + 1;
        let near = &text.as_bytes()[at..text.len().min(at + PAGE_MARK_BYTES)];
        let close = if text[start..].starts_with('[') { b']' } else { b'}' };
        let Some(len) = near.iter().position(|&byte| byte == close) else { continue };
        if is_page(&text[at..at + len], close == b'}') {
            at += len + 1;
            let apart = text[..start].chars().next_back().is_none_or(char::is_whitespace);
            at += usize::from(apart && text[at..].starts_with(' '));
            found.push(start..at);
        }
    }
    found
}

/// `Pg 12`, `p. xii`; `12` where a number alone is one.
fn is_page(inner: &str, bare: bool) -> bool {
    let inner = inner.trim().to_ascii_lowercase();
    let number = ["page", "pg.", "pg", "p."].iter().find_map(|word| inner.strip_prefix(word));
    let label = number.unwrap_or(if bare { &inner } else { "" }).trim();
    let digits = (1..=4).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_digit());
    digits || number.is_some() && !label.is_empty() && label.len() <= 8 && label.bytes().all(|b| b"ivxlc".contains(&b))
}

/// What a page mark names: `12` of `[Pg 12]`.
pub(crate) fn page_label(mark: &str) -> String {
    mark.trim_matches(['[', ']', '{', '}', ' ']).rsplit([' ', '.']).next().unwrap_or_default().to_owned()
}

/// The label that a note's text starts with, and where the text goes on behind it: `[1] See volume two.`,
/// `[Footnote 3: See volume two.]`.
pub(crate) fn own_label(text: &str) -> Option<(&str, usize)> {
    let rest = text.strip_prefix('[').or_else(|| text.strip_prefix('('))?;
    for word in ["Footnote ", "Note "] {
        if let Some((label, _)) = rest.strip_prefix(word).and_then(|named| named.split_once(": "))
            && is_label(label)
        {
            return Some((label, 1 + word.len() + label.len() + 2));
        }
    }
    let len = label_len(text)?;
    rest[len + 1..].starts_with(' ').then(|| (&rest[..len], len + 3))
}

/// The label that the text of what is known to be a note starts with: as [`own_label`], or `1.`, `(1)`, `*`.
pub(crate) fn loose_label(text: &str) -> Option<(&str, usize)> {
    if let Some(found) = own_label(text) {
        return Some(found);
    }
    let inner = text.trim_start_matches(['(', '[', '^', '↑', ' ']);
    let start = text.len() - inner.len();
    let end = inner.find(|c: char| !c.is_ascii_digit() && !matches!(c, '*' | '†' | '‡')).unwrap_or(inner.len());
    let label = &inner[..end];
    let rest = inner[end..].trim_start_matches([']', ')', '.', ':', '—', '–', '-', ' ', '↑', '^']);
    let divided = inner[end..].starts_with([']', ')', '.', ':', ' ']);
    let known = is_label(label) || !label.is_empty() && label.chars().all(|c| c == '*');
    (known && divided && !rest.is_empty()).then(|| (&text[start..start + end], text.len() - rest.len()))
}

/// Paragraphs that a note may go on for, behind its first.
const MORE_PARAGRAPHS: usize = 8;

/// Takes the notes out of the pieces that stand in the text by themselves, `[1] See volume two.`, with the
/// paragraphs that they go on for.
pub(crate) fn take_plain(pieces: &mut [Piece]) -> Vec<DraftNote> {
    let mut found = Vec::new();
    let Some(habit) = Habit::of(pieces) else { return found };
    for (number, piece) in pieces.iter_mut().enumerate() {
        if !piece.paragraphs.iter().any(|para| habit.is_note(para)) {
            continue;
        }
        let mut kept: Vec<Para> = Vec::with_capacity(piece.paragraphs.len());
        let mut carried = Vec::new();
        let mut rest = VecDeque::from(std::mem::take(&mut piece.paragraphs));
        while let Some(mut para) = rest.pop_front() {
            if !habit.is_note(&para) {
                para.pages.splice(0..0, carried.drain(..));
                kept.push(para);
                continue;
            }
            let more = habit.goes_on_for(&para, &rest);
            let paragraphs: Vec<Para> = std::iter::once(para).chain(rest.drain(..more)).collect();
            let pages = paragraphs.iter().flat_map(|para| para.pages.iter().cloned());
            carried.extend(pages.map(|page| PageBreak { at: 0, ..page }));
            found.extend(DraftNote::new(&piece.href, paragraphs, number));
        }
        piece.paragraphs = kept;
        piece.drop_heading_of_notes();
    }
    found
}

/// A text that ends with its editor's initial: `See volume two. B.`
fn is_signed(text: &str) -> bool {
    let mut words = text.rsplit(' ');
    let initial = words.next().and_then(|word| word.strip_suffix(['.', ',']));
    let capital = |word: &str| word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    initial.is_some_and(capital) && words.next().is_some_and(|word| word.ends_with(['.', '!', '?', ')', '»', '”']))
}

/// How a book sets the notes that stand in its text.
struct Habit {
    /// Labels of the marks that are no links.
    labels: HashSet<String>,
    /// Its editor signs notes: then one without an initial goes on.
    signed: bool,
}

impl Habit {
    /// Nothing for a book without such a mark: its numbers count something else.
    fn of(pieces: &[Piece]) -> Option<Self> {
        let paragraphs = || pieces.iter().flat_map(|piece| &piece.paragraphs);
        let marks = paragraphs().flat_map(|para| &para.marks).filter(|mark| mark.target.is_none());
        let labels: HashSet<String> = marks.map(|mark| mark.label.clone()).collect();
        if labels.is_empty() {
            return None;
        }
        let mut habit = Self { labels, signed: false };
        let (mut all, mut signed) = (0, 0);
        for para in paragraphs().filter(|para| habit.is_note(para)) {
            all += 1;
            signed += usize::from(is_signed(para.text.text()));
        }
        habit.signed = all >= 4 && signed * 10 >= all * 6;
        Some(habit)
    }

    /// In parentheses, only what a mark leads to is a note: `(1) … (2) …` counts arguments as often.
    fn is_note(&self, para: &Para) -> bool {
        let text = para.text.text();
        para.kind != ParagraphKind::Heading
            && own_label(text).is_some_and(|(label, _)| text.starts_with('[') || self.labels.contains(label))
    }

    /// How many of the paragraphs that follow a note's first belong to it: up to the one that is signed, in a book
    /// whose notes are; else the verse or the quotation that it announces.
    fn goes_on_for(&self, note: &Para, rest: &VecDeque<Para>) -> usize {
        let text = note.text.text();
        let divides = |para: &&Para| !self.is_note(para) && para.kind != ParagraphKind::Heading;
        let mut near = rest.iter().take(MORE_PARAGRAPHS).take_while(divides);
        // `[Footnote 3: …` lasts until its bracket is closed.
        if text.starts_with("[Footnote") {
            let open = !text.ends_with(']');
            return near.position(|para| open && para.text.text().ends_with(']')).map_or(0, |at| at + 1);
        }
        if self.signed && !is_signed(text) {
            return near.position(|para| is_signed(para.text.text())).map_or(0, |at| at + 1);
        }
        if !self.signed && text.ends_with(':') {
            return near.take_while(|para| para.kind == ParagraphKind::Verse).count();
        }
        0
    }
}

/// `text`, whose white space is folded, without its marks of notes and pages, for a comparison with canonical text.
pub(crate) fn without_marks(text: &str) -> String {
    let without = |text: &str, marks: Vec<Range<usize>>| {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for mark in marks {
            out.push_str(&text[at..mark.start]);
            at = mark.end;
        }
        out.push_str(&text[at..]);
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = without(text, page_marks(text));
    without(&text, marks(&text))
}

/// Finds the note of every mark: where its link leads, else the next unclaimed note with its label, from the
/// mark's own piece on.
pub(crate) fn link(pieces: &mut [Piece], notes: &mut [DraftNote]) {
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut by_label: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (index, note) in notes.iter().enumerate() {
        if let Some(id) = &note.id {
            by_id.entry(id.clone()).or_insert(index);
        }
        by_label.entry(note.label.clone()).or_default().push_back(index);
    }
    let mut claimed = vec![false; notes.len()];
    for (number, piece) in pieces.iter_mut().enumerate() {
        for mark in piece.paragraphs.iter_mut().flat_map(|para| &mut para.marks) {
            let linked = mark.target.as_deref().and_then(|target| by_id.get(target).copied());
            // What is claimed, or stands in an earlier piece, serves no later mark either.
            let labelled = || {
                let waiting = by_label.get_mut(&mark.label)?;
                while waiting.pop_front_if(|note| claimed[*note] || notes[*note].pieces_before < number).is_some() {}
                waiting.front().copied()
            };
            mark.note = linked.or_else(labelled);
            if let Some(note) = mark.note {
                claimed[note] = true;
                if notes[note].label.is_empty() {
                    notes[note].label.clone_from(&mark.label);
                }
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
        assert_eq!(without_marks("savait(1), tard (2). Oui (3)"), "savait, tard. Oui");
        for text in [
            "took [a] cat",
            "first (1) and (2) last",
            "in (1805).",
            "(1) start",
            "in[1805]",
            "[1] start",
            "a[",
            "a[]",
            "x[ab]",
        ] {
            assert_eq!(without_marks(text), text);
        }
    }

    #[test]
    fn page_marks_go_and_leave_one_space() {
        assert_eq!(
            without_marks("to the [Pg 12]water. {13} It was [p. xiv] late[Page 15]."),
            "to the water. It was late."
        );
        assert_eq!(["[Pg 12] ", "{13}", "[p. xiv]"].map(page_label), ["12", "13", "xiv"]);
        for text in ["in [1805]", "{lamp}", "[Pg]", "[page one]", "[p 12]", "{xii}"] {
            assert!(page_marks(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_note_starts_with_its_label() {
        assert_eq!(own_label("[1] De pan, tout."), Some(("1", 4)));
        assert_eq!(own_label("[Footnote 12: Of pan, all.]"), Some(("12", 14)));
        assert_eq!(own_label("[1]"), None);
        assert_eq!(own_label("[Illustration: a cat] he said"), None);
        assert_eq!(loose_label("12. De pan, tout."), Some(("12", 4)));
        assert_eq!(loose_label("(*) De pan, tout."), Some(("*", 4)));
        assert_eq!(loose_label("↑ De pan, tout."), None);
    }
}
