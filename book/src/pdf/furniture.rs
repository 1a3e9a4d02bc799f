//! Running heads and feet and page numbers: told from the text by repeating, counting and standing apart.

use std::collections::HashMap;

use super::layout::{Class, Document};
use crate::headings;

/// At most so many rows at the head or foot of a page are furniture.
const DEPTH: usize = 3;
/// Two rows are at the same height if they differ by less, points.
const SAME: f32 = 5.0;

/// A row at the edge of a page.
struct Edge {
    row: usize,
    page: usize,
    head: bool,
    /// The distance to the next row inwards, in steps from row to row.
    gap: f32,
    /// Its middle: from the page's upper edge for heads, from the lower for feet.
    at: f32,
    text: String,
    /// It is no larger than the text by much, or at the foot: no heading.
    small: bool,
}

/// A number as printed on pages, and how it is written.
fn page_number(word: &str) -> Option<(i64, bool)> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    if (1..=4).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()) {
        return Some((word.parse().ok()?, false));
    }
    let value = |c: u8| match c.to_ascii_lowercase() {
        b'i' => Some(1i64),
        b'v' => Some(5),
        b'x' => Some(10),
        b'l' => Some(50),
        b'c' => Some(100),
        _ => None,
    };
    let digits = word.bytes().map(value).collect::<Option<Vec<i64>>>().filter(|d| (1..=9).contains(&d.len()))?;
    let sum = (0..digits.len())
        .map(|i| if digits.get(i + 1).is_some_and(|&n| n > digits[i]) { -digits[i] } else { digits[i] });
    Some((sum.sum(), true))
}

/// Marks furniture, and gives pages their printed numbers.
pub(super) fn mark(document: &mut Document) {
    for depth in 0..DEPTH {
        let edges = edges(document, depth);
        if edges.is_empty() {
            return;
        }
        let numbers = count_numbers(&edges);
        let heights = repeated_heights(&edges, &numbers);
        let mut marked = false;
        for (index, edge) in edges.iter().enumerate() {
            let number = numbers[index].is_some();
            let at_height = heights.iter().any(|&(head, at)| head == edge.head && (at - edge.at).abs() < SAME);
            let apart = edge.gap >= 1.25;
            if number && (apart || edge.text.split_whitespace().count() == 1)
                || repeats(&edges, index) && apart
                || at_height && edge.gap >= 1.4
            {
                document.rows[edge.row].class = Class::Furniture;
                marked = true;
                if let Some((_, word)) = &numbers[index] {
                    let label = edge.text.split_whitespace().nth(*word).unwrap_or_default();
                    let label = label.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
                    document.leaves[edge.page].label.get_or_insert(label);
                }
            }
        }
        if !marked {
            return;
        }
    }
}

/// The outermost row at the head and at the foot of each page that is not furniture yet.
fn edges(document: &Document, depth: usize) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (page, leaf) in document.leaves.iter().enumerate() {
        let mut rows: Vec<usize> = leaf.rows.clone().filter(|&row| document.rows[row].class == Class::Body).collect();
        rows.sort_by(|&a, &b| document.rows[a].area.middle().total_cmp(&document.rows[b].area.middle()));
        for head in [true, false] {
            if !head {
                rows.reverse();
            }
            // Beyond the first row only what lies behind marked furniture is looked at.
            let marked = leaf.rows.clone().filter(|&row| document.rows[row].class == Class::Furniture);
            let outer = rows.first().map_or(0.0, |&row| document.rows[row].area.middle());
            let beyond = marked.filter(|&row| (document.rows[row].area.middle() < outer) == head).count();
            let Some(&row) = rows.first().filter(|_| beyond >= depth) else { continue };
            let area = document.rows[row].area;
            let next = rows.iter().skip(1).map(|&row| document.rows[row].area).find(|next| !next.beside(area));
            let gap = next.map_or(9.0, |next| (next.middle() - area.middle()).abs() / document.leading.max(1.0));
            let at = if head { area.middle() } else { leaf.height - area.middle() };
            let in_row = rows.iter().filter(|&&other| document.rows[other].area.beside(area));
            for &other in in_row {
                let text = document.row_text(&document.rows[other]).to_owned();
                let small = !head || document.rows[other].size < 1.3 * document.size;
                edges.push(Edge { row: other, page, head, gap, at, text, small });
            }
        }
    }
    edges
}

/// For each edge row the page number at its start or end: its value, and which word it is. Numbers count if they go
/// up with the pages.
fn count_numbers(edges: &[Edge]) -> Vec<Option<(i64, usize)>> {
    let candidates: Vec<Vec<(i64, bool, usize)>> = edges
        .iter()
        .map(|edge| {
            let words: Vec<&str> = edge.text.split_whitespace().collect();
            let mut found: Vec<(i64, bool, usize)> = Vec::new();
            for at in [0, 1, words.len().saturating_sub(1)] {
                // The second word only in `Page 12 of 300`, `— 12 —`.
                let inner = at == 1
                    && words.len() > 2
                    && !matches!(words[0].to_lowercase().as_str(), "page" | "p." | "-" | "–" | "—" | "|");
                // The number of a chapter counts too, but not with the pages.
                let own = !edge.small || is_heading(&words, at);
                if let (false, Some(word)) = (inner || own, words.get(at))
                    && let Some((value, roman)) = page_number(word)
                    && !found.iter().any(|&(.., known)| known == at)
                {
                    found.push((value, roman, at));
                }
            }
            found
        })
        .collect();
    let mut votes: HashMap<(i64, bool), Vec<usize>> = HashMap::new();
    for (edge, found) in edges.iter().zip(&candidates) {
        for &(value, roman, _) in found {
            let pages = votes.entry((value - edge.page as i64, roman)).or_default();
            if pages.last() != Some(&edge.page) {
                pages.push(edge.page);
            }
        }
    }
    let pages = edges.iter().map(|edge| edge.page).max().map_or(0, |last| last + 1);
    let enough = if pages <= 3 { 2 } else { 3 };
    candidates
        .into_iter()
        .zip(edges)
        .map(|(found, edge)| {
            found
                .into_iter()
                .filter(|&(value, roman, _)| votes[&(value - edge.page as i64, roman)].len() >= enough)
                .map(|(value, _, word)| (value, word))
                .next()
        })
        .collect()
}

/// The words are a heading, and would be none without this one.
fn is_heading(words: &[&str], at: usize) -> bool {
    let others: Vec<&str> = words.iter().enumerate().filter(|&(index, _)| index != at).map(|(_, word)| *word).collect();
    headings::heading_line(&words.join(" ")).is_some() && headings::heading_line(&others.join(" ")).is_none()
}

/// The same words stand at the same height on a page close by.
fn repeats(edges: &[Edge], index: usize) -> bool {
    let edge = &edges[index];
    let words = without_numbers(&edge.text);
    if words.is_empty() {
        return false;
    }
    let same = |other: &Edge| {
        other.head == edge.head
            && other.page != edge.page
            && other.page.abs_diff(edge.page) <= 3
            && (other.at - edge.at).abs() < SAME
            && without_numbers(&other.text) == words
    };
    // Edges come page by page, a few for each.
    let from = index.saturating_sub(24);
    edges[from..(index + 24).min(edges.len())].iter().any(same)
}

/// What is left of a running head without the page's number, as it is written large or small.
fn without_numbers(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_number = |word: &&&str| word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_punctuation());
    let from = usize::from(words.first().as_ref().is_some_and(is_number));
    let to = words.len() - usize::from(words.len() > from + 1 && words.last().as_ref().is_some_and(is_number));
    words.get(from..to).unwrap_or_default().join(" ").to_lowercase()
}

/// Heights at which so many pages have furniture that whatever stands there is some.
fn repeated_heights(edges: &[Edge], numbers: &[Option<(i64, usize)>]) -> Vec<(bool, f32)> {
    let sure: Vec<(bool, f32, usize)> = edges
        .iter()
        .enumerate()
        .filter(|&(index, edge)| edge.gap >= 1.4 && (numbers[index].is_some() || repeats(edges, index)))
        .map(|(_, edge)| (edge.head, edge.at, edge.page))
        .collect();
    let pages = edges.iter().map(|edge| edge.page).max().map_or(0, |last| last + 1);
    let mut buckets: HashMap<(bool, i32), (f32, usize)> = HashMap::new();
    for &(head, at, _) in &sure {
        let bucket = buckets.entry((head, (at / SAME).round() as i32)).or_insert((at, 0));
        bucket.1 += 1;
    }
    let enough = (pages / 4).max(3);
    let mut heights: Vec<(bool, f32)> =
        buckets.iter().filter(|(_, (_, count))| *count >= enough).map(|(&(head, _), &(at, _))| (head, at)).collect();
    heights.sort_by_key(|&(head, at)| (head, at.to_bits()));
    heights
}
