//! Headings that no element marks: where the table of contents points, and what reads like one.

use std::collections::HashSet;

use domain::book::ParagraphKind;

use super::cut::About;
use super::{Page, PagePara};
use crate::headings;

/// Headings found so stand below those of elements.
const LEVEL_DIVISION: u8 = 4;
const LEVEL_CHAPTER: u8 = 5;
const LEVEL_TITLE: u8 = 6;

/// Makes headings of the paragraphs that are ones by their place or their words.
pub(super) fn promote(page: &mut Page, about: &About<'_>) {
    let is_told = |para: &PagePara| para.heading > 0 && is_chapter_line(para.para.text.text());
    let has_headings = page.paragraphs.iter().any(is_told);
    for &line in about.lines {
        let entry = &about.toc[line];
        if let Some(at) = page.place_of(entry) {
            by_contents(page, at, &entry.title);
        }
    }
    let number = |para: &PagePara| headings::bare_number(para.para.text.text());
    let numbers: HashSet<u32> = page.paragraphs.iter().filter_map(number).collect();
    let mut at = 0;
    while at < page.paragraphs.len() {
        let level = level(page, at);
        // A bare number without another beside it is one of a table, or a year.
        let beside = |n: u32| n <= 1 || numbers.contains(&(n - 1)) || numbers.contains(&(n + 1));
        let counts = at == 0 || number(&page.paragraphs[at]).is_none_or(beside);
        if level > 0 && counts && (at == 0 || !has_headings) {
            make(page, at, level);
            // The title that a number or a `Chapter IV` bears.
            if is_title(page, at + 1) {
                make(page, at + 1, LEVEL_TITLE);
                at += 1;
            }
        }
        at += 1;
    }
}

fn is_chapter_line(text: &str) -> bool {
    headings::heading_line(text).is_some() || headings::bare_number(text).is_some()
}

fn make(page: &mut Page, at: usize, level: u8) {
    let para = &mut page.paragraphs[at];
    para.heading = level;
    para.para.kind = ParagraphKind::Heading;
}

/// The paragraph or the few that say what the line of the table of contents says.
fn by_contents(page: &mut Page, at: usize, title: &str) {
    let wanted = headings::letters(title);
    let mut said = String::new();
    for count in 1..=3 {
        let Some(para) = page.paragraphs.get(at + count - 1) else { return };
        if para.note.is_some() || para.para.text.text().chars().count() > headings::HEADING_CHARS * 2 {
            return;
        }
        said += &headings::letters(para.para.text.text());
        if said == wanted {
            for index in at..at + count {
                if page.paragraphs[index].heading == 0 {
                    make(page, index, LEVEL_CHAPTER);
                }
            }
            return;
        }
    }
}

/// The level of the heading that a paragraph reads like, or 0.
fn level(page: &Page, at: usize) -> u8 {
    let para = &page.paragraphs[at];
    let text = para.para.text.text();
    let plain = para.heading == 0 && para.note.is_none() && !para.linked && para.para.kind == ParagraphKind::Prose;
    if !plain || at + 1 == page.paragraphs.len() {
        return 0;
    }
    match headings::heading_line(text) {
        Some(heading) if heading.may_hold_chapters() => LEVEL_DIVISION,
        Some(_) => LEVEL_CHAPTER,
        None if headings::bare_number(text).is_some() => LEVEL_CHAPTER,
        None => 0,
    }
}

fn is_title(page: &Page, at: usize) -> bool {
    let (Some(para), Some(next)) = (page.paragraphs.get(at), page.paragraphs.get(at + 1)) else { return false };
    let text = para.para.text.text();
    let plain = para.heading == 0 && para.note.is_none() && para.para.kind == ParagraphKind::Prose;
    let longer = next.para.text.text().chars().count() > headings::TITLE_LINE_CHARS;
    plain && longer && headings::reads_like_title(text)
}
