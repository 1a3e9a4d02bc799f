//! Paragraphs to pieces: where chapters and parts begin, and what is no story.

use domain::book::{ParagraphKind, Warning};

use super::footnotes;
use super::layout::{Class, Document};
use super::outline::Entry;
use super::paragraphs::{self, Block};
use crate::aside;
use crate::error::BookError;
use crate::headings::{self, HEADING_CHARS, HeadingLine, Levels};
use crate::limits::Meter;
use crate::notes;
use crate::piece::{Draft, DraftLine, DraftNote, Para, Piece, Waiting};

/// Larger than the text by this, a line is set as a heading.
const LARGE: f32 = 1.13;
/// Before the first chapter, a page with fewer characters tells nothing.
const FRONT_CHARS: usize = 700;

/// How a block starts a piece.
enum Division {
    Aside(&'static str),
    Outline(usize),
    Heading(HeadingLine),
    /// By its size alone.
    Large,
}

pub(super) struct Divider<'a> {
    document: &'a Document,
    blocks: Vec<Block>,
    outline: &'a [Entry],
    used: Vec<bool>,
    labels: Vec<String>,
    labelled: Vec<bool>,
    levels: Levels,
    /// Sizes of headings by size alone, largest first.
    sizes: Vec<f32>,
    last_number: u32,
    waiting: Waiting,
    draft: Draft,
}

/// Makes a draft of a document.
pub(super) fn draft(document: &Document, outline: &[Entry], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let blocks = paragraphs::blocks(document);
    let mut divider = Divider {
        document,
        blocks,
        outline,
        used: vec![false; outline.len()],
        labels: labels(document),
        labelled: vec![false; document.leaves.len()],
        levels: Levels::default(),
        sizes: Vec::new(),
        last_number: 0,
        waiting: Waiting::default(),
        draft: Draft::default(),
    };
    let lines = outline.iter().map(|entry| DraftLine { title: entry.title.clone(), depth: entry.depth });
    divider.draft.contents = lines.collect();
    divider.sizes = divider.heading_sizes();
    divider.pieces(meter)?;
    divider.front_matter();
    divider.notes();
    Ok(divider.draft)
}

/// The number of each page: as printed, else as its neighbours' numbers tell, else its place in the file.
fn labels(document: &Document) -> Vec<String> {
    let printed: Vec<(usize, i64)> = document
        .leaves
        .iter()
        .enumerate()
        .filter_map(|(page, leaf)| Some((page, leaf.label.as_ref()?.parse().ok()?)))
        .collect();
    let guess = |page: usize| {
        let nearest = printed.iter().min_by_key(|(known, _)| known.abs_diff(page));
        let number = nearest.map_or(page as i64 + 1, |&(known, number)| number + page as i64 - known as i64);
        if number > 0 { number.to_string() } else { String::new() }
    };
    document.leaves.iter().enumerate().map(|(page, leaf)| leaf.label.clone().unwrap_or_else(|| guess(page))).collect()
}

/// For a comparison of titles: letters and numbers, lower case.
fn plain(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    super::replacements_into(title, &mut out);
    out.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Divider<'_> {
    fn pieces(&mut self, meter: &Meter<'_>) -> Result<(), BookError> {
        let mut piece = Piece::new(&self.href(0));
        let mut titled = 0;
        for index in 0..self.blocks.len() {
            if index.is_multiple_of(256) {
                meter.check_time()?;
            }
            let text = self.text(index);
            if let Some(closing) = self.licence(&text, &mut piece) {
                piece = closing;
                continue;
            }
            if let Some(division) = self.division(index, &text, &piece) {
                let started = self.start(index, division, &text);
                self.push_piece(std::mem::replace(&mut piece, started));
                self.waiting.after_break = false;
                titled = 2;
            } else if titled > 0 && self.is_subtitle(index, &text, &piece) {
                titled -= 1;
                let para = self.para(index);
                if let Some(title) = &mut piece.title {
                    *title = format!("{title}: {}", para.text.text());
                }
                self.push(&mut piece, para, ParagraphKind::Heading);
            } else {
                titled = 0;
                self.push_block(&mut piece, index, &text);
            }
        }
        self.push_piece(piece);
        Ok(())
    }

    fn push_piece(&mut self, piece: Piece) {
        if !piece.paragraphs.is_empty() || piece.title.is_some() {
            self.draft.pieces.push(piece);
        }
    }

    /// Project Gutenberg's marks: what stands before the first and behind the second is its licence.
    fn licence(&mut self, text: &str, piece: &mut Piece) -> Option<Piece> {
        let upper = text.trim_start_matches(['*', ' ']).to_uppercase();
        if !text.starts_with("***") || !upper.contains("GUTENBERG") {
            return None;
        }
        let mut next = Piece::new(&piece.href);
        if upper.starts_with("START OF") {
            for piece in self.draft.pieces.iter_mut().chain([&mut *piece]) {
                piece.aside = Some("licence");
            }
        } else if upper.starts_with("END OF") {
            next.aside = Some("licence");
            next.title = Some("Project Gutenberg".to_owned());
        } else {
            return None;
        }
        self.push_piece(std::mem::replace(piece, Piece::new("")));
        Some(next)
    }

    fn text(&self, index: usize) -> String {
        if self.blocks[index].rows.len() > 12 {
            return String::new();
        }
        paragraphs::para(self.document, &self.blocks[index].rows, |_| None).text.text().to_owned()
    }

    fn page(&self, index: usize) -> usize {
        self.document.rows[self.blocks[index].rows[0]].page
    }

    fn href(&self, page: usize) -> String {
        super::href(page)
    }

    fn is_large(&self, index: usize) -> bool {
        self.blocks[index].size >= LARGE * self.document.size
    }

    /// It stands by itself: at the top of a page, or with white space above and below.
    fn is_apart(&self, index: usize) -> bool {
        let block = &self.blocks[index];
        let above = block.gap.is_none_or(|gap| gap > 1.4);
        let below = self.blocks.get(index + 1).is_none_or(|next| {
            next.gap.is_none_or(|gap| gap > 1.2) || next.size < 0.9 * block.size || next.centred && block.centred
        });
        above && below
    }

    fn division(&mut self, index: usize, text: &str, piece: &Piece) -> Option<Division> {
        let block = &self.blocks[index];
        let short = !text.is_empty() && text.chars().count() <= HEADING_CHARS && !block.verse && block.rows.len() <= 4;
        if !short || piece.aside == Some("licence") {
            return None;
        }
        let (large, apart) = (self.is_large(index), self.is_apart(index));
        let listed = piece.aside == Some("table-of-contents") && (text.ends_with(char::is_numeric) || !large);
        let same_page = piece.href == self.href(self.page(index));
        if paragraphs::is_listing(text) || listed && same_page {
            let contents = piece.aside == Some("table-of-contents");
            return (!contents && paragraphs::is_listing(text)).then_some(Division::Aside("table-of-contents"));
        }
        if let Some(entry) = self.outlined(index, text) {
            self.used[entry] = true;
            return Some(Division::Outline(entry));
        }
        if let (true, Some(rule)) = (apart || large, aside::by_title(text)) {
            return Some(Division::Aside(rule));
        }
        // A book whose outline lists its chapters has no others, unless they are headed in so many words.
        if let (true, Some(heading)) = (apart || large, headings::heading_line(text)) {
            let below = heading.number.is_none() && self.is_bare(piece);
            return (!below).then_some(Division::Heading(heading));
        }
        if let (true, Some(number)) = (apart || large, headings::bare_number(text))
            && (number == self.last_number + 1 || number == 1 && self.last_number != 1)
            && !self.is_bare(piece)
        {
            self.last_number = number;
            return Some(Division::Heading(HeadingLine { keyword: "", number: Some(number) }));
        }
        let by_size =
            large && apart && !self.is_bare(piece) && self.sizes.iter().any(|&size| self.is_size(index, size));
        (by_size && text.contains(char::is_alphabetic)).then_some(Division::Large)
    }

    /// The piece has begun and has nothing but its heading.
    fn is_bare(&self, piece: &Piece) -> bool {
        piece.title.is_some() && piece.aside.is_none() && !piece.has_prose() && piece.paragraphs.len() <= 2
    }

    fn is_size(&self, index: usize, size: f32) -> bool {
        (self.blocks[index].size / size - 1.0).abs() < 0.06
    }

    /// Sizes of large lines that stand by themselves, largest first.
    fn heading_sizes(&self) -> Vec<f32> {
        let mut sizes: Vec<f32> = (0..self.blocks.len())
            .filter(|&index| self.blocks[index].size >= 1.2 * self.document.size && self.is_apart(index))
            .map(|index| self.blocks[index].size)
            .collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        sizes.dedup_by(|a, b| (*a / *b - 1.0).abs() < 0.06);
        sizes
    }

    /// The line of the outline that this block is the heading of.
    fn outlined(&self, index: usize, text: &str) -> Option<usize> {
        let page = self.page(index);
        let own = plain(text);
        if own.is_empty() {
            return None;
        }
        let (large, apart) = (self.is_large(index), self.is_apart(index));
        // The book's title at the head of the outline is no division of the book.
        let matches = |(at, entry): &(usize, &Entry)| {
            let wanted = plain(&entry.title);
            let near = entry.page == page || entry.page + 1 == page;
            let whole = own == wanted
                || (large || apart) && wanted.starts_with(&own) && self.goes_on(index, &wanted, own.len());
            near && !self.used[*at] && whole
        };
        self.outline.iter().enumerate().find(matches).map(|(at, _)| at)
    }

    /// The blocks below complete the title that this one starts.
    fn goes_on(&self, index: usize, wanted: &str, len: usize) -> bool {
        let rest = &wanted[len..];
        let next = self.blocks.get(index + 1).map(|_| plain(&self.text(index + 1)));
        rest.is_empty()
            || next.is_some_and(|next| !next.is_empty() && (rest.starts_with(&next) || next.starts_with(rest)))
    }

    fn start(&mut self, index: usize, division: Division, text: &str) -> Piece {
        let page = self.page(index);
        let mut piece = Piece::new(&self.href(page));
        piece.title = Some(text.to_owned());
        let para = self.para(index);
        match division {
            Division::Aside(rule) => {
                piece.aside = Some(rule);
                if paragraphs::is_listing(text) {
                    piece.title = None;
                    self.push(&mut piece, para, ParagraphKind::Prose);
                    return piece;
                }
            }
            Division::Outline(entry) => self.start_outlined(&mut piece, entry),
            Division::Heading(heading) => {
                piece.is_chapter = !heading.may_hold_chapters();
                piece.level = self.levels.of(heading.keyword);
                if !heading.keyword.is_empty() {
                    self.last_number = 0;
                }
            }
            Division::Large => {
                let rank = self.sizes.iter().position(|&size| self.is_size(index, size)).unwrap_or(0);
                piece.level = rank as u32 + 1;
            }
        }
        self.push(&mut piece, para, ParagraphKind::Heading);
        piece
    }

    /// What an outline says of a piece.
    fn start_outlined(&mut self, piece: &mut Piece, entry: usize) {
        let title = &self.outline[entry].title;
        let depth = self.outline[entry].depth;
        piece.aside = aside::by_title(title);
        piece.level = depth + 1;
        piece.entries = vec![entry];
        piece.is_chapter = self.outline.get(entry + 1).is_none_or(|next| next.depth <= depth);
        if let Some(heading) = headings::heading_line(title) {
            piece.is_chapter &= !heading.may_hold_chapters();
            self.last_number = 0;
        }
    }

    /// A title under the heading that started the piece.
    fn is_subtitle(&self, index: usize, text: &str, piece: &Piece) -> bool {
        let block = &self.blocks[index];
        if text.is_empty() || piece.has_prose() || text.chars().count() > HEADING_CHARS || headings::is_ornament(text) {
            return false;
        }
        if self.is_large(index) {
            return true;
        }
        let ends = headings::ends_like_prose(text);
        let shouted = !text.contains(char::is_lowercase) && text.contains(char::is_alphabetic);
        let opens = text.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
        let alone = block.rows.len() <= 2 && self.is_apart(index) && !block.verse;
        alone && opens && (shouted || !ends && (block.centred || piece.aside.is_none() && block.rows.len() == 1))
    }

    fn push_block(&mut self, piece: &mut Piece, index: usize, text: &str) {
        // Prose on a later page ends a table of contents.
        let rows = self.blocks[index].rows.len();
        let contents =
            piece.aside == Some("table-of-contents") && rows >= 3 && piece.href != self.href(self.page(index));
        if contents && !paragraphs::is_listing(text) {
            let next = Piece::new(&self.href(self.page(index)));
            self.push_piece(std::mem::replace(piece, next));
        }
        let block = &self.blocks[index];
        let usual = self.usual_gap();
        self.waiting.after_break |= block.gap.is_some_and(|gap| gap >= (usual + 0.65).max(1.7)) && piece.has_prose();
        let heading = self.is_large(index) && text.chars().count() <= HEADING_CHARS && !text.is_empty();
        let kind = match block.verse {
            _ if heading => ParagraphKind::Heading,
            true => ParagraphKind::Verse,
            false => ParagraphKind::Prose,
        };
        let para = self.para(index);
        self.push(piece, para, kind);
    }

    /// The step between two paragraphs.
    fn usual_gap(&self) -> f32 {
        let sized = |block: &&Block| (block.size / self.document.size - 1.0).abs() < 0.1 && block.rows.len() > 1;
        let mut gaps: Vec<(f32, usize)> =
            self.blocks.iter().filter(sized).filter_map(|block| block.gap).map(|gap| (gap, 1)).collect();
        super::layout::median(&mut gaps)
    }

    fn para(&mut self, index: usize) -> Para {
        let (labels, labelled) = (&self.labels, &mut self.labelled);
        paragraphs::para(self.document, &self.blocks[index].rows, |page| {
            let first = !std::mem::replace(&mut labelled[page], true);
            (first && !labels[page].is_empty()).then(|| labels[page].clone())
        })
    }

    fn push(&mut self, piece: &mut Piece, para: Para, kind: ParagraphKind) {
        if let Some(para) = self.waiting.take(para) {
            piece.paragraphs.push(Para { kind, ..para });
        }
    }

    /// Before the first chapter: title pages and imprints, told by what stands on them.
    fn front_matter(&mut self) {
        let divided = self.draft.pieces.iter().any(|piece| piece.is_chapter || piece.listed());
        let first = self.draft.pieces.iter().position(|piece| {
            let size: usize = piece.paragraphs.iter().map(|p| p.text.text().len()).sum();
            piece.aside.is_none() && (piece.is_chapter || piece.listed() || size > FRONT_CHARS)
        });
        let body = self.document.size;
        for piece in &mut self.draft.pieces[..first.unwrap_or(0)] {
            let lower = piece.text().to_lowercase();
            let imprint = ["isbn", "all rights reserved", "tous droits réservés", "copyright", "©", "dépôt légal"];
            if piece.aside.is_none() && (divided || piece.has_prose()) && !headed(piece) {
                piece.aside =
                    Some(if imprint.iter().any(|word| lower.contains(word)) { "copyright" } else { "title-page" });
            }
        }
        self.title_page(body);
    }

    /// The title in the largest type of the first pages, and the author under it.
    fn title_page(&mut self, body: f32) {
        let early: Vec<usize> = (0..self.blocks.len().min(12)).filter(|&index| self.page(index) <= 2).collect();
        let largest = early.iter().copied().filter(|&index| self.blocks[index].size > 1.3 * body);
        let largest = largest.fold(None::<usize>, |best, index| {
            best.filter(|&best| self.blocks[best].size >= self.blocks[index].size).or(Some(index))
        });
        let Some(index) = largest else { return };
        let text = self.text(index);
        let heading = headings::heading_line(&text).is_some() || aside::by_title(&text).is_some();
        let short = (1..=HEADING_CHARS).contains(&text.chars().count()) && text.contains(char::is_alphabetic);
        if !heading && short {
            self.draft.title = Some(text);
        }
    }

    /// Footnotes, each with the rows that follow its first.
    fn notes(&mut self) {
        let mut notes: Vec<(usize, Vec<usize>)> = Vec::new();
        for (index, row) in self.document.rows.iter().enumerate() {
            match (row.class, notes.last_mut()) {
                (Class::Note(false), Some((_, rows))) => rows.push(index),
                (Class::Note(_), _) => notes.push((row.page, vec![index])),
                _ => {}
            }
        }
        for (page, rows) in notes {
            let mut para = paragraphs::para(self.document, &rows, |_| None);
            let label = footnotes::label(para.text.text()).map(|(len, label)| (len, label.to_owned()));
            // A raised label may touch the note's first word.
            let touching = label.as_ref().filter(|_| notes::loose_label(para.text.text()).is_none());
            if let Some((len, _)) = touching {
                para.text.cut(0..*len);
            }
            let pieces_before = self.pieces_before(page);
            if let Some(mut note) = DraftNote::new(&self.href(page), vec![para], pieces_before) {
                note.label = label.map_or(note.label, |(_, label)| label);
                self.draft.notes.push(note);
            }
        }
    }

    /// The pieces that start before the end of a page, but the last.
    fn pieces_before(&self, page: usize) -> usize {
        let starts = |piece: &&Piece| super::page_of(&piece.href).is_some_and(|start| start <= page);
        self.draft.pieces.iter().take_while(starts).count().saturating_sub(1)
    }
}

/// Its title is the heading of a division.
fn headed(piece: &Piece) -> bool {
    let title = piece.title.as_deref().unwrap_or_default();
    headings::heading_line(title).is_some() || headings::bare_number(title).is_some()
}

/// Why a file that has text may still have lost some.
pub(super) fn damaged(complaint: &[u8]) -> Option<Warning> {
    let errors = String::from_utf8_lossy(complaint).lines().filter(|line| line.starts_with("Syntax Error")).count();
    (errors > 0).then(|| Warning {
        code: "damaged-pdf".to_owned(),
        detail: "Parts of the PDF are damaged; what could be read was read, and some text may be missing.".to_owned(),
    })
}
