//! Paragraphs to pieces: by the styles of their headings, and by their words where no style says so.

use std::collections::HashMap;

use domain::book::ParagraphKind;

use super::body::Block;
use super::styles::Role;
use crate::aside;
use crate::headings::{self, HEADING_CHARS, HeadingLine, Levels};
use crate::piece::{Draft, Para, Piece, Waiting};

/// Title pages are at most so long, characters a paragraph.
const FRONT_CHARS: usize = 200;
/// A heading of so many words, `Part the First`, has its title in the next line.
const BARE_WORDS: usize = 3;
/// A paragraph broken into so many lines is verse, if they are short.
const VERSE_LINES: usize = 3;
const VERSE_CHARS: usize = 70;

/// How a paragraph starts a piece.
enum Division {
    /// By its style: the level of its heading.
    Styled(u32),
    Worded(HeadingLine),
}

pub(super) struct Divider<'d> {
    href: &'d str,
    draft: &'d mut Draft,
    piece: Piece,
    /// The level of headings that are those of chapters.
    chapter_level: Option<u32>,
    /// Some headings have a style that says so.
    styled: bool,
    /// Empty paragraphs that usually stand between two.
    usual_blanks: usize,
    blanks: usize,
    waiting: Waiting,
    last_number: u32,
    levels: Levels,
    title_may_follow: bool,
}

/// Adds the pieces of a document to a draft.
pub(super) fn pieces(href: &str, blocks: Vec<Block>, draft: &mut Draft) {
    let mut divider = Divider {
        href,
        draft,
        piece: Piece::new(href),
        chapter_level: chapter_level(&blocks),
        styled: blocks.iter().any(|block| matches!(block.role, Role::Heading(_)) && !block.para.text.is_empty()),
        usual_blanks: usual_blanks(&blocks),
        blanks: 0,
        waiting: Waiting::default(),
        last_number: 0,
        levels: Levels::default(),
        title_may_follow: false,
    };
    blocks.into_iter().for_each(|block| divider.block(block));
    divider.finish();
}

/// The highest level with a fair share of the prose right under it, or with a heading that says `Chapter`.
fn chapter_level(blocks: &[Block]) -> Option<u32> {
    let mut below: HashMap<u32, usize> = HashMap::new();
    let mut named: HashMap<u32, usize> = HashMap::new();
    let mut level = None;
    for block in blocks.iter().filter(|block| !block.para.text.is_empty()) {
        match block.role {
            Role::Heading(own) => {
                level = Some(own);
                let text = block.para.text.text();
                if aside::by_title(text).is_some() {
                    level = None;
                } else {
                    let chapter = headings::heading_line(text).is_some_and(|heading| heading.keyword == "chapter");
                    *named.entry(own).or_default() += usize::from(chapter);
                    below.entry(own).or_default();
                }
            }
            Role::Text(_) => {
                if let Some(level) = level {
                    *below.entry(level).or_default() += block.para.text.text().len();
                }
            }
            _ => {}
        }
    }
    if let Some((&level, _)) =
        named.iter().filter(|(_, count)| **count >= 2).max_by_key(|&(&level, &count)| (count, level))
    {
        return Some(level);
    }
    let all: usize = below.values().sum();
    let mut levels: Vec<(u32, usize)> = below.into_iter().collect();
    levels.sort_unstable();
    levels.iter().find(|(_, prose)| prose * 5 >= all * 2).map(|&(level, _)| level)
}

/// How many empty paragraphs usually stand before one with text.
fn usual_blanks(blocks: &[Block]) -> usize {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let mut blanks = 0;
    for block in blocks {
        if block.para.text.is_empty() {
            blanks += 1;
        } else {
            *counts.entry(std::mem::take(&mut blanks)).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|&(blanks, count)| (count, usize::MAX - blanks)).map_or(0, |(blanks, _)| blanks)
}

impl Divider<'_> {
    fn block(&mut self, block: Block) {
        self.piece.pictured |= block.pictured;
        if block.rule {
            self.waiting.after_break = true;
        }
        if block.para.text.is_empty() && block.para.marks.is_empty() {
            self.blanks += usize::from(!block.pictured);
            return;
        }
        let blanks = std::mem::take(&mut self.blanks);
        self.waiting.after_break |= blanks > self.usual_blanks && self.piece.has_prose();
        let text = block.para.text.text().to_owned();
        if block.generated {
            return self.contents(block.para);
        }
        if self.licence(&text) {
            return;
        }
        match self.division(block.role, &text) {
            Some(division) => self.start(division, block.para, &text),
            None => self.text(block, &text),
        }
    }

    /// A generated table of contents stands apart.
    fn contents(&mut self, para: Para) {
        if self.piece.aside != Some("table-of-contents") {
            self.next(Piece::new(self.href));
            self.piece.aside = Some("table-of-contents");
        }
        self.push(para, ParagraphKind::Prose);
    }

    /// Project Gutenberg's marks: what stands before the first and behind the second is its licence.
    fn licence(&mut self, text: &str) -> bool {
        let upper = text.trim_start_matches(['*', ' ']).to_uppercase();
        if !text.starts_with("***") || !upper.contains("GUTENBERG") {
            return false;
        }
        if upper.starts_with("START OF") {
            self.next(Piece::new(self.href));
            self.draft.pieces.iter_mut().for_each(|piece| piece.aside = Some("licence"));
        } else if upper.starts_with("END OF") {
            self.next(Piece::new(self.href));
            self.piece.aside = Some("licence");
        }
        true
    }

    fn next(&mut self, piece: Piece) {
        let done = std::mem::replace(&mut self.piece, piece);
        if !done.paragraphs.is_empty() || done.title.is_some() {
            self.draft.pieces.push(done);
        }
    }

    fn division(&mut self, role: Role, text: &str) -> Option<Division> {
        if self.piece.aside == Some("licence") {
            return None;
        }
        match role {
            Role::Heading(level) => {
                let deeper = self.chapter_level.is_some_and(|chapters| level > chapters);
                let apart = aside::by_title(text).is_some() || self.piece.aside.is_some();
                return (!deeper || apart).then_some(Division::Styled(level));
            }
            Role::Text(ParagraphKind::Prose) => {}
            _ => return None,
        }
        if text.chars().count() > HEADING_CHARS
            || self.piece.aside == Some("table-of-contents") && text.ends_with(char::is_numeric)
        {
            return None;
        }
        if let Some(heading) = headings::heading_line(text) {
            // `Conclusion`, right under `CHAPTER X`, is that chapter's title.
            let below = heading.number.is_none() && self.piece.is_chapter && !self.piece.has_prose();
            return (!below).then_some(Division::Worded(heading));
        }
        if !self.styled && aside::by_title(text).is_some() {
            return Some(Division::Styled(0));
        }
        let number = headings::bare_number(text).filter(|_| !self.styled)?;
        let counts = number == self.last_number + 1 || number == 1;
        self.last_number = if counts { number } else { self.last_number };
        counts.then_some(Division::Worded(HeadingLine { keyword: "", number: Some(number) }))
    }

    fn start(&mut self, division: Division, para: Para, text: &str) {
        let mut piece = Piece::new(self.href);
        piece.title = Some(text.to_owned());
        piece.aside = aside::by_title(text);
        match division {
            Division::Styled(level) => {
                let heading = headings::heading_line(text);
                let numbered = heading.as_ref().is_some_and(|heading| heading.number.is_some());
                self.title_may_follow = numbered && text.split_whitespace().count() <= BARE_WORDS;
                piece.level = level + 1;
                piece.is_chapter = match heading {
                    Some(heading) => !heading.may_hold_chapters(),
                    None => self.chapter_level.is_none_or(|chapters| level >= chapters),
                };
            }
            Division::Worded(heading) => {
                piece.is_chapter = !heading.may_hold_chapters();
                piece.level = self.level(heading.keyword);
                if !heading.keyword.is_empty() {
                    self.last_number = 0;
                }
                self.title_may_follow = true;
            }
        }
        self.next(piece);
        self.push(para, ParagraphKind::Heading);
        self.waiting.after_break = false;
    }

    /// The level of a heading in so many words: below those that have a style, unless it stands outside all parts.
    fn level(&mut self, keyword: &'static str) -> u32 {
        match self.levels.of(keyword) {
            0 => 0,
            level => level + self.chapter_level.unwrap_or(0),
        }
    }

    fn text(&mut self, block: Block, text: &str) {
        let title_may_follow = std::mem::take(&mut self.title_may_follow);
        // `Marley’s Ghost`, right under `Stave I`, is that chapter's title.
        let below = self.piece.is_chapter && !self.piece.has_prose() && is_title_line(text);
        let kind = match block.role {
            Role::Heading(_) | Role::Front if below => {
                self.entitle(text);
                ParagraphKind::Heading
            }
            Role::Heading(_) => ParagraphKind::Heading,
            Role::Title | Role::Author | Role::Front if !self.piece.has_prose() => return self.front(block, text),
            Role::Text(ParagraphKind::Prose) if title_may_follow && is_title_line(text) => {
                self.entitle(text);
                ParagraphKind::Heading
            }
            Role::Text(ParagraphKind::Prose)
                if block.lines >= VERSE_LINES && text.chars().count() <= VERSE_CHARS * block.lines =>
            {
                ParagraphKind::Verse
            }
            Role::Text(kind) => kind,
            _ => ParagraphKind::Prose,
        };
        self.push(block.para, kind);
    }

    /// Adds a line to the piece's title.
    fn entitle(&mut self, text: &str) {
        if let Some(title) = &mut self.piece.title {
            *title = headings::joined(&[title, text]);
        }
    }

    /// A line of the title page, by its style.
    fn front(&mut self, block: Block, text: &str) {
        match block.role {
            Role::Title => {
                self.draft.title.get_or_insert_with(|| text.to_owned());
            }
            Role::Author if self.draft.authors.is_empty() => self.draft.authors.push(text.to_owned()),
            _ => {}
        }
        if self.piece.title.is_none() && self.piece.aside.is_none() && self.draft.pieces.is_empty() {
            self.piece.aside = Some("title-page");
        }
        self.push(block.para, ParagraphKind::Heading);
    }

    fn push(&mut self, para: Para, kind: ParagraphKind) {
        let Some(mut para) = self.waiting.take(para) else { return };
        // Text under the lines of a title page, without any heading, is the book's.
        if self.piece.aside == Some("title-page") && kind != ParagraphKind::Heading {
            self.next(Piece::new(self.href));
        }
        para.kind = kind;
        self.piece.paragraphs.push(para);
    }

    fn finish(mut self) {
        let last = Piece::new(self.href);
        self.next(last);
        let divided = self.draft.pieces.iter().filter(|piece| piece.title.is_some()).count() >= 2;
        // Short lines before the first heading are those of a title page.
        let first = self.draft.pieces.iter_mut().find(|piece| piece.aside.is_none());
        if let Some(first) = first.filter(|piece| divided && piece.title.is_none()) {
            let long = first.paragraphs.iter().any(|p| p.text.text().chars().count() > FRONT_CHARS);
            if !long && first.paragraphs.len() <= 20 {
                first.aside = Some("title-page");
            }
        }
    }
}

/// A short line without an end, as titles have it, under a heading.
fn is_title_line(text: &str) -> bool {
    headings::reads_like_title(text) && !headings::is_ornament(text)
}
