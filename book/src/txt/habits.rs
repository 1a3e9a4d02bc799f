//! How this very file sets its headings: what no single line can tell.

use super::lines::{Line, Lines};
use crate::aside;
use crate::headings;

/// So many lines of one habit make it one.
const HABIT: usize = 3;
/// No heading that stands by its white space alone is longer, characters.
const WIDE_CHARS: usize = 60;

/// Which lines are headings in this file, besides those that say so in words.
pub(super) struct Habits {
    /// `IV. The Road`, counted through.
    pub numbered_titles: bool,
    /// A short line far from the text above it.
    pub wide_titles: bool,
    usual_blanks: usize,
}

impl Habits {
    pub fn of(blocks: &[Lines<'_>], usual_blanks: usize) -> Self {
        let mut habits = Self { numbered_titles: false, wide_titles: false, usual_blanks };
        let lines = || blocks.iter().filter_map(Lines::single);
        let mut last = 0;
        let mut counted = 0;
        for number in lines().filter_map(headings::numbered_title) {
            if number == last + 1 || number == 1 {
                last = number;
                counted += 1;
            }
        }
        habits.numbered_titles = counted >= HABIT;
        let told = lines().filter(|line| headings::heading_line(line).is_some()).count();
        let bare = lines().filter(|line| headings::bare_number(line).is_some()).count();
        let wide = blocks.iter().skip(1).filter(|block| habits.is_wide(block)).count();
        habits.wide_titles = wide >= HABIT && told < 2 && bare < 2 && !habits.numbered_titles;
        habits
    }

    /// A short line, set off by more white space than paragraphs have, that ends unlike a sentence.
    pub fn is_wide(&self, block: &Lines<'_>) -> bool {
        let Some(line) = block.single() else { return false };
        let opens = line.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
        let ends = headings::ends_like_prose(line) || line.ends_with([')', ']']);
        let shouted = !line.contains(char::is_lowercase);
        let far = block.blanks_before >= self.usual_blanks + 2;
        far && opens && (!ends || shouted) && line.chars().count() <= WIDE_CHARS && line.contains(char::is_alphabetic)
    }
}

/// Cuts headings out of blocks that hold more: a `CHAPTER IV` with its title or its text on the next line. A list of
/// headings, as a table of contents is, stays whole.
pub(super) fn with_headings_apart<'a>(blocks: Vec<Lines<'a>>) -> Vec<Lines<'a>> {
    let is_heading = |text: &str| {
        let text = text.trim();
        headings::heading_line(text).is_some() || aside::by_title(text).is_some()
    };
    let is_counted = |text: &str| headings::bare_number(text).is_some() || headings::numbered_title(text).is_some();
    let mut apart: Vec<Lines<'a>> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let found = block.lines.iter().filter(|line| is_heading(line.text)).count();
        let listed = block.lines.iter().filter(|line| is_heading(line.text) || is_counted(line.text)).count();
        let is_list = listed > 1 && listed * 3 > block.lines.len();
        if block.lines.len() < 2 || found == 0 || is_list {
            apart.push(block);
            continue;
        }
        let mut blanks_before = block.blanks_before;
        let mut open = Vec::new();
        for line in block.lines {
            if is_heading(line.text) {
                if !open.is_empty() {
                    apart.push(Lines { lines: std::mem::take(&mut open), blanks_before });
                    blanks_before = 0;
                }
                apart.push(Lines { lines: vec![line], blanks_before });
                blanks_before = 0;
            } else {
                open.push(line);
            }
        }
        if !open.is_empty() {
            apart.push(Lines { lines: open, blanks_before });
        }
    }
    apart
}

/// A title page ends within so many blocks, has so many lines a block, and such lines, characters.
const TITLE_BLOCKS: usize = 24;
const TITLE_LINES: usize = 4;
const TITLE_LINE_CHARS: usize = 60;

/// Parts the lines of a title page, `The Lamp` and `by Jane Ash`, that stand right under one another: short lines that
/// end unlike prose, before the first heading or at the very start.
pub(super) fn with_title_page_apart<'a>(blocks: Vec<Lines<'a>>) -> Vec<Lines<'a>> {
    let is_heading = |block: &Lines<'_>| {
        let line = block.single();
        line.is_some_and(|line| headings::heading_line(line).is_some() || aside::by_title(line).is_some())
    };
    let head = blocks.iter().take(TITLE_BLOCKS).position(is_heading).unwrap_or(1);
    let is_title = |line: &Line<'_>| {
        let text = line.text.trim();
        text.starts_with(|c: char| c.is_alphanumeric())
            && text.chars().count() <= TITLE_LINE_CHARS
            && !headings::ends_like_prose(text)
    };
    let mut apart = Vec::with_capacity(blocks.len() + TITLE_LINES);
    for (index, block) in blocks.into_iter().enumerate() {
        let parts = index < head && (2..=TITLE_LINES).contains(&block.lines.len()) && block.lines.iter().all(is_title);
        if !parts {
            apart.push(block);
            continue;
        }
        for (number, line) in block.lines.into_iter().enumerate() {
            apart.push(Lines { lines: vec![line], blanks_before: if number == 0 { block.blanks_before } else { 0 } });
        }
    }
    apart
}
