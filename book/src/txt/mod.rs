//! Plain text: lines to paragraphs, headings by their words, licences and notes set aside.

mod habits;
mod lines;

use domain::book::{ParagraphKind, SetAside};

use crate::aside;
use crate::decode::{self, Decoded};
use crate::error::BookError;
use crate::front;
use crate::headings::{self, HeadingLine, Levels};
use crate::limits::Meter;
use crate::notes;
use crate::piece::{Draft, Para, Piece, Waiting};
use habits::Habits;
use lines::{Line, Lines};

/// Reads a plain text file.
pub(crate) fn read(name: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let decoded = decode(name, bytes)?;
    meter.check_time()?;
    let blocks = lines::blocks(&decoded.text, meter)?;
    let line_is_paragraph = lines::line_is_paragraph(&blocks);
    let usual_blanks = lines::usual_blanks(&blocks);
    let blocks = habits::with_title_page_apart(habits::with_headings_apart(blocks));
    let mut reader = Reader {
        name,
        decoded: &decoded,
        meter,
        line_is_paragraph,
        usual_blanks,
        habits: Habits::of(&blocks, usual_blanks),
        levels: Levels::default(),
        last_title: 0,
        last_number: 0,
        in_worded_chapter: false,
        waiting: Waiting::default(),
        draft: Draft::default(),
    };
    let body = reader.cut_licence(&blocks);
    reader.pieces(body)?;
    reader.front_matter();
    Ok(reader.draft)
}

/// Decodes a plain text file, or says what it is instead.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Decoded, BookError> {
    let decoded = decode::plain(bytes).ok_or_else(|| BookError::UnknownEncoding { href: name.to_owned() })?;
    let controls = decoded.text.chars().filter(|&c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'));
    let binary = decoded.text.contains('\0') || controls.count() * 100 > decoded.text.len();
    if binary {
        return Err(BookError::NotABook { looks_like: "a binary file" });
    }
    Ok(decoded)
}

/// All paragraphs of a plain text file, whatever they are: nothing is set aside, no note mark dropped.
pub(crate) fn paragraphs(name: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Vec<Para>, BookError> {
    let decoded = decode(name, bytes)?;
    let blocks = lines::blocks(&decoded.text, meter)?;
    let line_is_paragraph = lines::line_is_paragraph(&blocks);
    let mut paragraphs = Vec::new();
    for block in &blocks {
        for lines in lines::paragraphs(block, line_is_paragraph) {
            let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
            let mut para = Para::new(decoded.charset.width());
            para.text.push(&decoded.text[first.at..last.at + last.text.len()], decoded.source_offset(first.at));
            let text = para.text.text();
            if headings::heading_line(text).is_some() || headings::bare_number(text).is_some() {
                para.kind = ParagraphKind::Heading;
            }
            paragraphs.push(para);
        }
    }
    Ok(paragraphs)
}

struct Reader<'a> {
    name: &'a str,
    decoded: &'a Decoded,
    meter: &'a Meter<'a>,
    line_is_paragraph: bool,
    usual_blanks: usize,
    habits: Habits,
    /// The number of the last numbered title.
    last_title: u32,
    levels: Levels,
    /// The last bare number that was taken for a heading.
    last_number: u32,
    /// The last heading was that of a chapter, and no bare number.
    in_worded_chapter: bool,
    waiting: Waiting,
    draft: Draft,
}

/// How a block starts a new piece.
enum Division {
    Heading(HeadingLine),
    /// Within a chapter that has a heading in words, a bare number counts its sections.
    Section,
    Aside(&'static str),
}

impl Division {
    /// `Conclusion`, right under `CHAPTER X`, is that chapter's title.
    fn is_title_of(&self, piece: &Piece) -> bool {
        let unnumbered = matches!(self, Self::Heading(heading) if heading.number.is_none());
        unnumbered && piece.is_chapter && piece.paragraphs.len() == 1
    }
}

impl<'a> Reader<'a> {
    /// What lies between a Project Gutenberg licence's marks; both sides of it are set aside.
    fn cut_licence<'b>(&mut self, blocks: &'b [Lines<'a>]) -> &'b [Lines<'a>] {
        let marks = |block: &Lines<'_>, word: &str| {
            block.lines.first().is_some_and(|line| {
                let upper = line.text.trim_start_matches(['*', ' ']).to_uppercase();
                line.text.starts_with("***") && upper.starts_with(word) && upper.contains("GUTENBERG")
            })
        };
        let start = blocks.iter().position(|block| marks(block, "START OF"));
        let end = blocks.iter().rposition(|block| marks(block, "END OF"));
        let from = start.map_or(0, |index| index + 1);
        let to = end.filter(|&index| index >= from).unwrap_or(blocks.len());
        if let Some(start) = start {
            self.read_licence_head(&blocks[..start]);
            self.set_licence_aside(&blocks[..=start]);
        }
        if to < blocks.len() {
            self.set_licence_aside(&blocks[to..]);
        }
        &blocks[from..to]
    }

    /// `Title: …` and `Author: …`, as licences state them.
    fn read_licence_head(&mut self, blocks: &[Lines<'_>]) {
        for line in blocks.iter().flat_map(|block| &block.lines) {
            if let Some(title) = line.text.strip_prefix("Title:") {
                self.draft.title.get_or_insert_with(|| title.trim().to_owned());
            } else if let Some(author) = line.text.strip_prefix("Author:") {
                self.draft.authors = vec![author.trim().to_owned()];
            }
        }
    }

    fn set_licence_aside(&mut self, blocks: &[Lines<'a>]) {
        let texts: Vec<String> = blocks.iter().map(|block| self.para(&block.lines).text.text().to_owned()).collect();
        let (href, reason, text) = (self.name.to_owned(), "licence".to_owned(), texts.join("\n\n"));
        self.draft.set_aside.push(SetAside { href, title: None, reason, text });
    }

    fn pieces(&mut self, blocks: &[Lines<'a>]) -> Result<(), BookError> {
        let mut piece = Piece::new(self.name);
        let mut title_may_follow = false;
        for (index, block) in blocks.iter().enumerate() {
            if index.is_multiple_of(256) {
                self.meter.check_time()?;
            }
            let next = blocks.get(index + 1);
            match self.division(block).filter(|division| !division.is_title_of(&piece)) {
                // The number of a page says nothing of what it stands between.
                _ if is_page_mark(block) => _ = self.waiting.take(self.para(&block.lines)),
                Some(Division::Section) => {
                    self.waiting.after_break = true;
                    self.push(&mut piece, &block.lines, ParagraphKind::Heading);
                }
                Some(division) => {
                    let started = self.start_piece(division, block);
                    self.draft.pieces.push(std::mem::replace(&mut piece, started));
                    title_may_follow = true;
                }
                None if std::mem::take(&mut title_may_follow) && is_title_line(block) && next.is_some() => {
                    let line = self.para(&block.lines);
                    piece.title = piece.title.map(|title| headings::joined(&[&title, line.text.text()]));
                    self.push(&mut piece, &block.lines, ParagraphKind::Heading);
                }
                None => {
                    self.waiting.after_break |= block.blanks_before >= self.usual_blanks + 2 && piece.has_prose();
                    self.push_block(&mut piece, block);
                }
            }
        }
        self.draft.pieces.push(piece);
        // Nothing stands before the first heading.
        if self.draft.pieces.len() > 1 && self.draft.pieces[0].paragraphs.is_empty() {
            self.draft.pieces.remove(0);
        }
        self.draft.pieces.iter_mut().for_each(mark_epigraph);
        Ok(())
    }

    fn division(&mut self, block: &Lines<'_>) -> Option<Division> {
        let line = block.single()?;
        let line = notes::without_marks(line);
        let line = line.as_str();
        if let Some(rule) = aside::by_title(line) {
            return Some(Division::Aside(rule));
        }
        if let Some(heading) = headings::heading_line(line) {
            return Some(Division::Heading(heading));
        }
        if self.habits.numbered_titles
            && let Some(number) = headings::numbered_title(line)
            && (number == self.last_title + 1 || number == 1)
        {
            self.last_title = number;
            self.last_number = 0;
            return Some(Division::Heading(HeadingLine { keyword: "title", number: Some(number) }));
        }
        if self.habits.wide_titles && self.habits.is_wide(block) {
            return Some(Division::Heading(HeadingLine { keyword: "title", number: None }));
        }
        // A bare number counts as a heading where it goes on counting, or starts anew.
        let number = headings::bare_number(line)?;
        if number != self.last_number + 1 && number != 1 {
            return None;
        }
        self.last_number = number;
        let heading = HeadingLine { keyword: "", number: Some(number) };
        Some(if self.in_worded_chapter { Division::Section } else { Division::Heading(heading) })
    }

    fn start_piece(&mut self, division: Division, block: &Lines<'a>) -> Piece {
        let mut piece = Piece::new(self.name);
        match division {
            Division::Section => {}
            Division::Aside(rule) => {
                piece.aside = Some(rule);
                self.in_worded_chapter = false;
            }
            Division::Heading(heading) => {
                self.in_worded_chapter = matches!(heading.keyword, "chapter" | "title");
                piece.is_chapter = !heading.may_hold_chapters();
                piece.level = self.levels.of(heading.keyword);
                if !heading.keyword.is_empty() {
                    self.last_number = 0;
                }
            }
        }
        self.waiting.after_break = false;
        self.push(&mut piece, &block.lines, ParagraphKind::Heading);
        piece.title = piece.own_title();
        piece
    }

    fn push_block(&mut self, piece: &mut Piece, block: &Lines<'a>) {
        // Under a heading, a motto is set in as well, whatever its lines start with.
        let verse = block.is_inset() && (block.opens_with_capitals() || !piece.has_prose());
        for lines in lines::paragraphs(block, self.line_is_paragraph).into_iter().filter(|lines| !is_picture(lines)) {
            let kind = if verse && lines.len() > 1 { ParagraphKind::Verse } else { ParagraphKind::Prose };
            self.push(piece, lines, kind);
        }
    }

    fn push(&mut self, piece: &mut Piece, lines: &[Line<'a>], kind: ParagraphKind) {
        let para = self.para(lines);
        piece.paragraphs.extend(self.waiting.take(para).map(|para| Para { kind, ..para }));
    }

    fn para(&self, lines: &[Line<'a>]) -> Para {
        let mut para = Para::new(self.decoded.charset.width());
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            let range = first.at..last.at + last.text.len();
            para.text.push(&self.decoded.text[range], self.source(first.at));
        }
        para
    }

    /// Byte position in the undecoded file of a position in the decoded text.
    fn source(&self, at: usize) -> u64 {
        self.decoded.source_offset(at)
    }

    /// Takes title and author from lines such as a title page has: all there is before the first heading,
    /// or, in a book without headings, one or two lines above longer text.
    fn front_matter(&mut self) {
        let divided = self.draft.pieces.len() > 1;
        let Some(first) = self.draft.pieces.first_mut().filter(|piece| piece.title.is_none()) else { return };
        let plain = |p: &&Para| p.text.text().chars().count() <= 80 && !p.text.text().ends_with(['.', ',', ';', ':']);
        let lines = first.paragraphs.iter().take_while(plain);
        let head: Vec<String> = lines.take(3).map(|p| p.text.text().to_owned()).collect();
        if divided {
            if first.paragraphs.len() > 20 || first.paragraphs.iter().any(|p| p.text.text().chars().count() > 200) {
                return;
            }
            first.aside = Some("title-page");
        } else if first.paragraphs.get(head.len()).is_none_or(|p| p.text.text().chars().count() <= 120) {
            return;
        } else {
            first.paragraphs.iter_mut().take(head.len()).for_each(|p| p.kind = ParagraphKind::Heading);
        }
        let mut head = head.into_iter();
        let (title, mut below) = (head.next(), head.next());
        // The word before the name may have a line of its own.
        if below.as_deref().is_some_and(|line| matches!(line.to_lowercase().as_str(), "by" | "par" | "de")) {
            below = head.next();
        }
        if self.draft.title.is_some() {
            return;
        }
        // Some print the author above the title.
        if let (Some(above), Some(below)) = (&title, &below)
            && is_name(above)
            && !is_name(below)
            && author_of(below).is_none_or(|_| !below.contains(char::is_lowercase))
        {
            self.draft.authors.push(above.clone());
            self.draft.title = Some(below.clone());
            return;
        }
        self.draft.authors.extend(below.and_then(|line| author_of(&line)));
        self.draft.title = title;
    }
}

/// Two to four words with capitals, as a name has: `Jane Ash`, but not `The Lamp`.
fn is_name(line: &str) -> bool {
    const ARTICLES: &[&str] = &["The", "A", "An", "Le", "La", "Les", "Un", "Une", "L’", "Des", "My", "Of"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let capital =
        |word: &&str| word.starts_with(char::is_uppercase) && word.contains(|c: char| c.is_lowercase() || c == '.');
    (2..=4).contains(&words.len()) && words.iter().all(capital) && !ARTICLES.contains(&words[0])
}

/// Words that a line under a title has where it says what the book is, not who wrote it; lower case.
const KINDS: &[&str] = &[
    "a",
    "an",
    "the",
    "of",
    "in",
    "and",
    "for",
    "with",
    "novel",
    "tale",
    "tales",
    "story",
    "stories",
    "play",
    "romance",
    "edition",
    "volume",
    "book",
    "part",
    "un",
    "une",
    "le",
    "les",
    "et",
    "en",
    "roman",
    "conte",
    "contes",
    "nouvelle",
    "nouvelles",
    "récit",
    "pièce",
    "comédie",
    "drame",
    "édition",
    "tome",
    "partie",
    "livre",
    "traduction",
];

/// `by Jane Ash`, `Jane Ash`: the author that a line under the title names.
fn author_of(line: &str) -> Option<String> {
    if let Some(author) = front::author(line) {
        return Some(author);
    }
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let name = (1..=5).contains(&words.len()) && !words.iter().any(|word| KINDS.contains(&word.as_str()));
    (name && line.starts_with(char::is_uppercase) && !line.contains(char::is_numeric)).then(|| line.trim().to_owned())
}

/// No motto is longer, characters.
const EPIGRAPH_CHARS: usize = 500;

/// A short inset block between the headings and the prose is the chapter's motto.
fn mark_epigraph(piece: &mut Piece) {
    let start = piece.paragraphs.iter().take_while(|para| para.kind == ParagraphKind::Heading).count();
    let count = piece.paragraphs[start..].iter().take_while(|para| para.kind == ParagraphKind::Verse).count();
    let (motto, rest) = piece.paragraphs[start..].split_at_mut(count);
    let chars: usize = motto.iter().map(|para| para.text.text().chars().count()).sum();
    let prose = rest.first().is_some_and(|para| para.kind == ParagraphKind::Prose);
    if start > 0 && count <= 2 && chars <= EPIGRAPH_CHARS && prose {
        motto.iter_mut().for_each(|para| para.kind = ParagraphKind::Epigraph);
    }
}

/// It holds nothing but the mark of a printed page.
fn is_page_mark(block: &Lines<'_>) -> bool {
    block.single().is_some_and(|line| matches!(notes::page_marks(line).as_slice(), [mark] if mark.len() == line.len()))
}

/// A short line without an end, as titles have it, under a heading.
fn is_title_line(block: &Lines<'_>) -> bool {
    block.single().is_some_and(|line| headings::reads_like_title(line) && !headings::is_ornament(line))
}

/// `[Illustration: …]` and the like: a line in brackets that stands for a picture, or for nothing.
fn is_picture(lines: &[Line<'_>]) -> bool {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return true };
    let start = first.text.trim_start();
    let bracketed = start.starts_with('[') && last.text.ends_with(']');
    bracketed
        && (start.len() <= 2 || ["[Illustration", "[Image", "[Picture"].iter().any(|word| start.starts_with(word)))
}
