//! Notes that stand in pages: those that elements mark as such, and what the marks of notes lead to.

use std::collections::HashMap;
use std::ops::Range;

use super::Page;
use crate::piece::{DraftNote, Para};

/// Finds the notes of all pages; they are left out of the pieces that are cut.
pub(crate) fn assign(pages: &mut [Page]) {
    let mut targets: HashMap<String, String> = HashMap::new();
    for para in pages.iter().flat_map(|page| &page.paragraphs).filter(|para| para.note.is_none()) {
        // What a paragraph starts with is a note's own label, which leads back.
        for mark in para.para.marks.iter().filter(|mark| mark.at > 0) {
            if let Some(target) = &mark.target {
                targets.entry(target.clone()).or_insert_with(|| mark.label.clone());
            }
        }
    }
    if targets.is_empty() {
        return;
    }
    for page in pages {
        for (id, extent) in linked(page, &targets) {
            page.notes.push(Some(id));
            let index = page.notes.len() - 1;
            page.paragraphs[extent].iter_mut().for_each(|para| para.note = Some(index));
        }
    }
}

/// The notes of a page that marks lead to, each with its paragraphs.
fn linked(page: &Page, targets: &HashMap<String, String>) -> Vec<(String, Range<usize>)> {
    let mut starts: Vec<(usize, usize, String)> = Vec::new();
    for (id, place) in &page.anchors {
        let key = format!("{}#{id}", page.href);
        let Some(label) = targets.get(&key) else { continue };
        let at = place.paragraphs.start;
        let Some(para) = page.paragraphs.get(at).filter(|para| para.note.is_none() && para.heading == 0) else {
            continue;
        };
        let labelled = starts_with_label(&para.para, label);
        if place.at == 0 && (labelled || place.notelike) {
            starts.push((at, place.paragraphs.end, key));
        }
    }
    starts.sort();
    starts.dedup_by_key(|(at, ..)| *at);
    let at_of = |index: usize| starts.get(index).map_or(page.paragraphs.len(), |(at, ..)| *at);
    let mut blocks: HashMap<usize, Vec<usize>> = HashMap::new();
    for block in &page.blocks {
        blocks.entry(block.start).or_default().push(block.end);
    }
    let mut found = Vec::with_capacity(starts.len());
    // Notes that start under a heading or a rule, or a page, take all that follows.
    let mut run = false;
    for (index, (at, end, id)) in starts.iter().enumerate() {
        let next = at_of(index + 1);
        let heads = |before: usize| page.paragraphs[before].heading > 0;
        let starts_run = *at == 0 || heads(at - 1) || page.paragraphs[*at].para.after_break;
        let goes_on = index > 0 && found.last().is_some_and(|(_, last): &(String, Range<usize>)| last.end == *at);
        run = starts_run || run && goes_on;
        let held = blocks.get(at).into_iter().flatten().copied();
        let to = held.filter(|&block| block <= next).chain([*end, at + 1]).filter(|&to| to <= next).max();
        let mut to = to.unwrap_or(at + 1);
        while run
            && to < next
            && !heads(to)
            && page.paragraphs[to].note.is_none()
            && page.paragraphs[to].aside.is_none()
        {
            to += 1;
        }
        found.push((id.clone(), *at..to));
    }
    found
}

/// The paragraph starts with the label of the mark that leads to it.
fn starts_with_label(para: &Para, label: &str) -> bool {
    if para.marks.first().is_some_and(|mark| mark.at == 0 && mark.label == label) {
        return true;
    }
    let text = para.text.text().trim_start_matches(['[', '(', '↑', '^', ' ']);
    text.strip_prefix(label).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// The notes of a page, in its order.
pub(crate) fn take(page: &Page, pieces_before: usize) -> Vec<DraftNote> {
    let mut held: Vec<Vec<Para>> = vec![Vec::new(); page.notes.len()];
    for para in &page.paragraphs {
        if let Some(held) = para.note.and_then(|index| held.get_mut(index)) {
            held.push(para.para.clone());
        }
    }
    let mut notes = Vec::new();
    for (paragraphs, id) in held.into_iter().zip(&page.notes) {
        if let Some(mut note) = DraftNote::new(&page.href, paragraphs, pieces_before) {
            note.id = id.clone();
            notes.push(note);
        }
    }
    notes.sort_by_key(|note| note.source.start);
    notes
}
