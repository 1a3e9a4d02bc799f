//! From pieces to a book: chapters with their parts, sentences with their sources.

use domain::book::{Anchor, BOOK_SCHEMA, Book, BookSource, Chapter, ContentsLine, Note, PageMark, Paragraph};
use domain::book::{ParagraphKind, Sentence, SetAside, SourceRange, Warning};
use domain::language::Language;

use crate::error::BookError;
use crate::front;
use crate::headings;
use crate::language;
use crate::letters;
use crate::limits::Meter;
use crate::notes;
use crate::piece::{Draft, DraftLine, DraftNote, Piece};
use crate::quotations;
use crate::sentences;

/// So many headings of chapters without text in a row, before any prose, are a table of contents.
const CONTENTS_RUN: usize = 3;

/// Makes a book of a draft.
pub(crate) fn book(mut draft: Draft, source: BookSource, meter: &Meter<'_>) -> Result<Book, BookError> {
    draft.notes.extend(notes::take_plain(&mut draft.pieces));
    notes::link(&mut draft.pieces, &mut draft.notes);
    front::set_aside(&mut draft);
    mark_contents(&mut draft.pieces);
    keep_the_book(&mut draft.pieces);
    set_aside(&mut draft);
    mark_arguments(&mut draft.pieces);
    mark_closing(&mut draft.pieces);
    letters::mark(&mut draft.pieces);
    let prose: Vec<&str> = draft
        .pieces
        .iter()
        .flat_map(|piece| &piece.paragraphs)
        .filter(|p| p.kind != ParagraphKind::Heading && p.text.text().contains(char::is_alphabetic))
        .map(|p| p.text.text())
        .collect();
    if prose.is_empty() {
        return Err(BookError::Empty);
    }
    let language = language::detect(&prose, draft.language_tag.as_deref())?;
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut parts = Parts::default();
    let mut contents = Contents::new(draft.contents);
    let mut anchors = vec![None; draft.notes.len()];
    let mut warnings = draft.warnings;
    for piece in &draft.pieces {
        meter.check_time()?;
        contents.waiting.extend(&piece.entries);
        if piece.has_prose() {
            let chapter = chapter(piece, chapters.len() as u32, parts.above(piece), language, meter)?;
            contents.reached(chapter.index);
            anchor(piece, &chapter, &mut anchors);
            chapters.push(chapter);
        } else if piece.is_chapter || piece.paragraphs.is_empty() {
            if let Some(warning) = empty_chapter(piece) {
                warnings.push(warning);
            }
        } else {
            parts.open(piece);
        }
    }
    quotations::mark(&mut chapters, language, meter)?;
    let title = draft.title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| stem(&source.name).to_owned());
    Ok(Book {
        schema: BOOK_SCHEMA,
        title,
        authors: draft.authors,
        language,
        cover: draft.cover,
        source,
        contents: contents.finish(&chapters),
        chapters,
        notes: anchored(draft.notes, anchors),
        set_aside: draft.set_aside,
        warnings,
    })
}

/// The name of a file without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

/// A piece without any text is an empty chapter, unless nothing at all points to one.
fn empty_chapter(piece: &Piece) -> Option<Warning> {
    let named = piece.title.is_some() || piece.listed();
    let what = piece.title.as_deref().unwrap_or(&piece.href);
    let detail = format!("{what} holds no text and was left out.");
    (named || !piece.pictured).then(|| Warning { code: "empty-chapter".to_owned(), detail })
}

/// Marks a run of chapter headings without text, before any prose, as a table of contents.
fn mark_contents(pieces: &mut [Piece]) {
    let first_prose = pieces.iter().position(|p| p.aside.is_none() && p.has_prose()).unwrap_or(pieces.len());
    // The heading right before the prose is that of a part, or of the prose itself.
    let head = &mut pieces[..first_prose];
    let bare = |piece: &Piece| piece.aside.is_none() && piece.is_chapter && !piece.listed();
    if head.iter().filter(|piece| bare(piece)).count() >= CONTENTS_RUN {
        head.iter_mut().filter(|piece| bare(piece)).for_each(|piece| piece.aside = Some("table-of-contents"));
    }
}

/// A rule by title or file name may hit the heading of the whole book: what holds nearly all of the text
/// is the book.
fn keep_the_book(pieces: &mut [Piece]) {
    let sizes: Vec<usize> =
        pieces.iter().map(|piece| piece.paragraphs.iter().map(|p| p.text.text().len()).sum()).collect();
    let total: usize = sizes.iter().sum();
    for (piece, size) in pieces.iter_mut().zip(sizes) {
        if size * 10 > total * 9 {
            piece.aside = None;
        }
    }
}

/// A motto that stands by itself is one of the whole book or of a part, and no chapter.
fn mark_lone_mottoes(pieces: &mut [Piece]) {
    let motto = |piece: &Piece| piece.paragraphs.iter().all(|para| !para.kind.is_story());
    for piece in pieces.iter_mut().filter(|piece| piece.aside.is_none() && piece.has_prose() && motto(piece)) {
        piece.aside = Some("epigraph");
    }
}

/// Moves the pieces that a rule sets aside out of the draft.
fn set_aside(draft: &mut Draft) {
    mark_lone_mottoes(&mut draft.pieces);
    let (aside, kept): (Vec<Piece>, Vec<Piece>) =
        std::mem::take(&mut draft.pieces).into_iter().partition(|piece| piece.aside.is_some());
    draft.pieces = kept;
    // A heading over notes that are gone says nothing.
    for piece in aside.into_iter().filter(|piece| piece.aside != Some("notes") || piece.has_prose()) {
        let reason = piece.aside.unwrap_or_default().to_owned();
        let title = piece.title.clone().or_else(|| piece.own_title());
        let text = piece.text();
        let entry = SetAside { href: piece.href, title, reason, text };
        // A piece may have lost all it had to a note or a licence.
        let empty = entry.text.is_empty() && draft.set_aside.iter().any(|known| known.href == entry.href);
        if !empty {
            draft.set_aside.push(entry);
        }
    }
}

/// Chapters that are marked so need a few to tell a habit of the book from chance.
const ARGUMENT_CHAPTERS: usize = 5;
/// No argument is longer, characters.
const ARGUMENT_CHARS: usize = 240;

/// Old novels set an argument under each heading, a line that says what happens. Where nearly all
/// chapters open with one short sentence by itself, that is what it is: a heading, not story.
fn mark_arguments(pieces: &mut [Piece]) {
    let first_prose = |piece: &Piece| {
        let index = piece.paragraphs.iter().position(|p| p.kind != ParagraphKind::Heading)?;
        let text = piece.paragraphs[index].text.text();
        let inner = text.trim_end_matches(['.', '!', '?']);
        let short = text.chars().count() <= ARGUMENT_CHARS && !inner.contains(['.', '!', '?', '…']);
        let spoken = text.starts_with(['“', '"', '«', '—', '‘', '-', '–']);
        let headed = index > 0 && piece.paragraphs.len() > index + 1;
        Some((index, short && headed && !spoken))
    };
    let chapters: Vec<_> = pieces.iter().filter(|p| p.is_chapter).filter_map(first_prose).collect();
    let habit = chapters.iter().filter(|(_, short)| *short).count();
    if chapters.len() < ARGUMENT_CHAPTERS || habit * 10 < chapters.len() * 8 {
        return;
    }
    for piece in pieces.iter_mut().filter(|p| p.is_chapter) {
        if let Some((index, true)) = first_prose(piece) {
            piece.paragraphs[index].kind = ParagraphKind::Heading;
        }
    }
}

/// `THE END` is no story.
fn mark_closing(pieces: &mut [Piece]) {
    for piece in pieces.iter_mut().filter(|piece| piece.paragraphs.len() > 1) {
        let last = piece.paragraphs.iter_mut().rev().find(|para| para.kind != ParagraphKind::Heading);
        if let Some(last) = last.filter(|last| headings::is_closing(last.text.text())) {
            last.kind = ParagraphKind::Heading;
        }
    }
}

/// The titles of the parts that are open.
#[derive(Default)]
struct Parts {
    open: Vec<(u32, String)>,
}

impl Parts {
    /// Opens the part whose title `piece` is; it closes those at its level and below.
    fn open(&mut self, piece: &Piece) {
        let Some(title) = piece.title.clone().or_else(|| piece.own_title()) else { return };
        self.open.retain(|&(level, _)| level < piece.level);
        self.open.push((piece.level, title));
    }

    /// The parts above a chapter: by the table of contents where that nests, else the open ones.
    fn above(&self, piece: &Piece) -> Vec<String> {
        match &piece.above {
            Some(above) => above.clone(),
            None => {
                self.open.iter().filter(|&&(level, _)| level < piece.level).map(|(_, title)| title.clone()).collect()
            }
        }
    }
}

/// The table of contents, while its lines wait for the chapters that they lead to.
struct Contents {
    lines: Vec<ContentsLine>,
    /// Indices of lines whose piece came, and no chapter since.
    waiting: Vec<usize>,
}

impl Contents {
    fn new(lines: Vec<DraftLine>) -> Self {
        let line = |DraftLine { title, depth }| ContentsLine { title, depth, chapter: None };
        Self { lines: lines.into_iter().map(line).collect(), waiting: Vec::new() }
    }

    fn reached(&mut self, chapter: u32) {
        for entry in self.waiting.drain(..) {
            if let Some(line) = self.lines.get_mut(entry) {
                line.chapter = Some(chapter);
            }
        }
    }

    /// What the file gives, else what its headings tell.
    fn finish(self, chapters: &[Chapter]) -> Vec<ContentsLine> {
        if !self.lines.is_empty() {
            return self.lines;
        }
        let mut lines = Vec::new();
        let mut above: &[String] = &[];
        for chapter in chapters {
            let shared = above.iter().zip(&chapter.parts).take_while(|(a, b)| a == b).count();
            for (depth, title) in (0u32..).zip(&chapter.parts).skip(shared) {
                lines.push(ContentsLine { title: title.clone(), depth, chapter: Some(chapter.index) });
            }
            above = &chapter.parts;
            if let Some(title) = &chapter.title {
                let depth = chapter.parts.len() as u32;
                lines.push(ContentsLine { title: title.clone(), depth, chapter: Some(chapter.index) });
            }
        }
        lines
    }
}

/// Notes where the marks of a piece lead: its paragraphs are those of `chapter`.
fn anchor(piece: &Piece, chapter: &Chapter, anchors: &mut [Option<Anchor>]) {
    for (para, laid) in piece.paragraphs.iter().zip(&chapter.paragraphs) {
        for mark in &para.marks {
            if let Some(anchor) = mark.note.and_then(|note| anchors.get_mut(note)) {
                anchor.get_or_insert(Anchor { chapter: chapter.index, at: laid.start + mark.at as u32 });
            }
        }
    }
}

/// Notes in the order of their marks; those without one come last.
fn anchored(notes: Vec<DraftNote>, anchors: Vec<Option<Anchor>>) -> Vec<Note> {
    let mut notes: Vec<Note> = notes
        .into_iter()
        .zip(anchors)
        .map(|(DraftNote { label, text, source, .. }, anchor)| Note { anchor, label, text, source })
        .collect();
    notes.sort_by_key(|note| note.anchor.map_or((u32::MAX, u32::MAX), |anchor| (anchor.chapter, anchor.at)));
    notes
}

/// Makes a chapter of a piece: its canonical text, its sentences and their sources.
pub(crate) fn chapter(
    piece: &Piece,
    index: u32,
    parts: Vec<String>,
    language: Language,
    meter: &Meter<'_>,
) -> Result<Chapter, BookError> {
    let mut chapter = Chapter {
        index,
        title: piece.title.clone().or_else(|| piece.own_title()),
        parts,
        text: String::new(),
        paragraphs: Vec::with_capacity(piece.paragraphs.len()),
        sentences: Vec::new(),
        quotations: Vec::new(),
        pages: Vec::new(),
    };
    for (number, para) in (0u32..).zip(&piece.paragraphs) {
        if number.is_multiple_of(64) {
            meter.check_time()?;
        }
        if number > 0 {
            chapter.text.push_str("\n\n");
        }
        let start = chapter.text.len() as u32;
        chapter.text.push_str(para.text.text());
        // The first character of a page is none that is white space.
        let first = |at: usize| at + para.text.text()[at..].len() - para.text.text()[at..].trim_start().len();
        let pages =
            para.pages.iter().map(|page| PageMark { at: start + first(page.at) as u32, label: page.label.clone() });
        chapter.pages.extend(pages);
        let end = chapter.text.len() as u32;
        // A break at the very start of a chapter divides nothing.
        let after_break = para.after_break && chapter.paragraphs.iter().any(|p| p.kind != ParagraphKind::Heading);
        let other = language::of_paragraph(para.text.text(), language);
        chapter.paragraphs.push(Paragraph { start, end, kind: para.kind, after_break, language: other });
        if para.kind == ParagraphKind::Heading {
            continue;
        }
        let href = para.href.as_deref().unwrap_or(&piece.href);
        for range in sentences::split(para.text.text(), other.unwrap_or(language)) {
            let source = para.text.source(range.clone());
            chapter.sentences.push(Sentence {
                start: start + range.start as u32,
                end: start + range.end as u32,
                paragraph: number,
                source: SourceRange { href: href.to_owned(), start: source.start, end: source.end },
            });
        }
    }
    Ok(chapter)
}
