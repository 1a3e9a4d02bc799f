//! Footnotes: rows at the foot of a page that are set smaller, or apart and with a label that the page uses.

use super::layout::{Class, Document};

/// Notes are smaller than the text by at least this.
const SMALLER: f32 = 0.94;

/// The label that a note's row starts with: its length and itself.
pub(super) fn label(text: &str) -> Option<(usize, &str)> {
    let open = usize::from(text.starts_with(['[', '(']));
    let inner = &text[open..];
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let signs =
        inner.chars().take_while(|c| matches!(c, '*' | '†' | '‡' | '§' | '¶')).map(char::len_utf8).sum::<usize>();
    let len = if (1..=3).contains(&digits) { digits } else { signs };
    if len == 0 || len > 9 {
        return None;
    }
    let rest = &inner[len..];
    let closed = rest.len() - rest.trim_start_matches([']', ')', '.']).len();
    let spaced = rest[closed..].starts_with(char::is_whitespace);
    let behind = rest[closed..].trim_start();
    // A raised label stands right before its note; a plain number needs a space behind.
    let starts =
        behind.starts_with(|c: char| c.is_alphabetic() || matches!(c, '«' | '“' | '"' | '‘' | '(' | '…' | '['));
    let plain = spaced || closed > 0 || behind.starts_with(char::is_uppercase) || signs > 0;
    (starts && plain).then(|| (open + len + closed + (rest[closed..].len() - behind.len()), &inner[..len]))
}

/// Marks the rows of notes.
pub(super) fn mark(document: &mut Document) {
    let mut unfinished = false;
    for page in 0..document.leaves.len() {
        let rows = document.leaves[page].rows.clone();
        let columns = document.leaves[page].columns;
        let mut found = false;
        for column in 0..columns {
            let own: Vec<usize> = rows
                .clone()
                .filter(|&row| document.rows[row].class == Class::Body && document.rows[row].column == column)
                .collect();
            found |= mark_column(document, &own, unfinished);
        }
        let last = rows.rev().find(|&row| matches!(document.rows[row].class, Class::Note(_)));
        unfinished = found && last.is_some_and(|row| !ends(document.row_text(&document.rows[row])));
    }
}

fn ends(text: &str) -> bool {
    text.trim_end_matches(['»', '”', '"', ')', ']', ' ']).ends_with(['.', '!', '?', '…'])
}

/// Marks the notes at the foot of a column; `true` if there are any.
fn mark_column(document: &mut Document, rows: &[usize], unfinished: bool) -> bool {
    let small = |row: &&usize| document.rows[**row].size < SMALLER * document.size;
    let count = rows.iter().rev().take_while(small).count();
    let mut from = rows.len() - count;
    // All of a page in small print is no page of notes.
    if count == 0 || from == 0 && !unfinished {
        match same_size(document, rows) {
            Some(start) => from = start,
            None => return false,
        }
    } else if !unfinished {
        // Small print above the first label is text, such as a quotation.
        let labelled = |&&row: &&usize| label(document.row_text(&document.rows[row])).is_some();
        match rows[from..].iter().position(|row| labelled(&row)) {
            Some(first) if first == 0 || gap_above(document, rows, from + first) > 1.2 => from += first,
            _ => return false,
        }
    }
    let mut expected: Option<u32> = None;
    for &row in &rows[from..] {
        let text = document.row_text(&document.rows[row]);
        let starts = label(text).is_some_and(|(_, label)| match label.parse::<u32>() {
            Ok(number) => expected.is_none_or(|expected| number == expected || number == 1),
            Err(_) => true,
        });
        if starts {
            expected = label(text).and_then(|(_, label)| label.parse::<u32>().ok()).map(|number| number + 1);
        }
        document.rows[row].class = Class::Note(starts);
    }
    true
}

/// Where notes in the size of the text start: apart from it, with a label that is raised somewhere above.
fn same_size(document: &Document, rows: &[usize]) -> Option<usize> {
    let raised = |wanted: &str| {
        let marks = rows.iter().flat_map(|&row| &document.rows[row].marks);
        marks.into_iter().any(|mark| document.text[mark.clone()].trim_matches(['[', ']', '(', ')']) == wanted)
    };
    (rows.len() / 2..rows.len()).find(|&at| {
        let row = &document.rows[rows[at]];
        let labelled = label(document.row_text(row)).is_some_and(|(_, label)| raised(label));
        labelled && gap_above(document, rows, at) > 1.4
    })
}

/// The step from the row above, in usual ones.
fn gap_above(document: &Document, rows: &[usize], at: usize) -> f32 {
    let Some(above) = at.checked_sub(1).and_then(|above| rows.get(above)) else { return 9.0 };
    (document.rows[rows[at]].area.middle() - document.rows[*above].area.middle()) / document.leading.max(1.0)
}
