//! PDF: pages of words in places, as poppler tells them, back to paragraphs, chapters and notes.
//!
//! A PDF has no text to speak of, only characters in places. Poppler's `pdftotext` (a GPL program, run apart and
//! never linked) gives them as words; all that makes a book of them is done here: columns, running heads,
//! divided words, paragraphs, headings and notes are told by size and place.
//!
//! # Source ranges
//! `page N` counts from 1 as a PDF does. Its bytes are those of the page's words as poppler gives them, in
//! reading order: words parted by a space unless they touch, each line ended by a line feed, running heads
//! and notes included. A range may run on over the following pages: each adds a form feed and its text.
//! To get from a range to the canonical text, leave out lines of furniture and notes and raised note marks, mend
//! divided words, resolve ligatures and fold white space; [`crate::provenance`] does.

mod divide;
mod footnotes;
mod furniture;
mod hyphens;
mod layout;
mod lines;
mod outline;
mod paragraphs;
mod proof;
mod tool;
mod words;

use std::ops::Range;

use domain::book::{Book, SourceRange};

use crate::error::BookError;
use crate::limits::Meter;
use crate::piece::Draft;
use layout::Document;
use outline::Entry;
pub(crate) use proof::Pages;
use tool::Run;
use words::Extract;

/// A draft whose source ranges count through the whole text, and where its pages start in it.
pub(crate) struct Reading {
    pub draft: Draft,
    pub starts: Vec<u64>,
}

/// A PDF with less text a page than this, all furniture aside, is one of pictures, characters.
const FEW_CHARS: usize = 12;
/// Fewer pages may hold little text.
const FEW_PAGES: usize = 3;

/// Reads a PDF.
pub(crate) fn read(bytes: &[u8], meter: &Meter<'_>) -> Result<Reading, BookError> {
    check_end(bytes)?;
    let (extract, complaint) = extract(bytes, meter)?;
    let outline = meter.limits.pdf_reader().map(|program| outline::read(&program, bytes, meter)).unwrap_or_default();
    let pictured = bytes.windows(6).any(|window| window == b"/Image");
    let mut reading = build(&extract, &outline, pictured, meter)?;
    reading.draft.warnings.extend(divide::damaged(&complaint));
    Ok(reading)
}

/// Reads what poppler says of a PDF.
pub(crate) fn read_layout(output: &[u8], outline: &[u8], meter: &Meter<'_>) -> Result<Reading, BookError> {
    build(&words::parse(output, meter)?, &outline::parse(outline), true, meter)
}

fn build(extract: &Extract, outline: &[Entry], pictured: bool, meter: &Meter<'_>) -> Result<Reading, BookError> {
    let pages = extract.pages.len();
    let document = Document::new(extract, meter)?;
    let body: usize = document.body().map(|row| row.range.len()).sum();
    if document.rows.is_empty() || body < FEW_CHARS * pages && pages >= FEW_PAGES {
        return Err(if pictured { BookError::PdfOfPictures { pages } } else { BookError::Empty });
    }
    finish(&document, extract, outline, meter)
}

fn finish(document: &Document, extract: &Extract, outline: &[Entry], meter: &Meter<'_>) -> Result<Reading, BookError> {
    let mut draft = divide::draft(document, outline, meter)?;
    let title = extract.title.as_deref().map(str::trim).filter(|title| is_title(title));
    draft.title = title.map(str::to_owned).or(draft.title);
    let author = extract.author.as_deref().map(str::trim).filter(|author| is_title(author));
    draft.authors = author.map(authors).unwrap_or_default();
    Ok(Reading { draft, starts: document.leaves.iter().map(|leaf| leaf.range.start as u64).collect() })
}

/// Programs write names of files and of themselves where a title should be.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let ending = [".doc", ".docx", ".indd", ".tex", ".dvi", ".qxd", ".pdf", ".odt", ".rtf", ".txt", ".html"];
    let nothing = ["untitled", "anonymous", "unspecified", "sans titre", "unknown", "title", "author", "user", "none"];
    !lower.is_empty()
        && !ending.iter().any(|ending| lower.ends_with(ending))
        && !lower.starts_with("microsoft word -")
        && !nothing.contains(&lower.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// `Jane Ash; John Oak`, `Jane Ash and John Oak`.
fn authors(names: &str) -> Vec<String> {
    let names = names.replace(" and ", ";").replace(" & ", ";").replace(" et ", ";");
    names.split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A PDF ends with a mark; what lacks it was cut off. Programs may append up to a few hundred bytes.
fn check_end(bytes: &[u8]) -> Result<(), BookError> {
    const END: &[u8] = b"%%EOF";
    const TAIL_BYTES: usize = 2048;
    let filled = bytes.iter().rposition(|&byte| byte != 0 && !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
    let tail = &bytes[filled.saturating_sub(TAIL_BYTES)..filled];
    if tail.windows(END.len()).any(|window| window == END) { Ok(()) } else { Err(BookError::Truncated) }
}

/// What poppler says of a PDF, and what it complains about.
fn extract(bytes: &[u8], meter: &Meter<'_>) -> Result<(Extract, Vec<u8>), BookError> {
    let last = meter.limits.pdf_pages.saturating_add(1).to_string();
    let arguments = ["-bbox-layout", "-enc", "UTF-8", "-l", &last, "-", "-"];
    let program = meter.limits.pdf_reader().ok_or_else(|| tool::missing(&meter.limits.pdftotext))?;
    let mut run = Run::start(&program, &arguments, bytes, meter)?;
    let extract = words::parse(&mut run, meter)?;
    let complaint = run.finish(meter)?;
    if !extract.complete {
        return Err(BookError::Damaged { part: "its pages".to_owned() });
    }
    Ok((extract, complaint))
}

/// What a page is called in source ranges; pages count from 0 here.
fn href(page: usize) -> String {
    format!("page {}", page + 1)
}

/// The page that a source range names, from 0.
fn page_of(href: &str) -> Option<usize> {
    href.strip_prefix("page ")?.parse::<usize>().ok()?.checked_sub(1)
}

/// Source ranges of a book that was made of a draft, from the whole text to pages.
pub(crate) fn localise(starts: &[u64], book: &mut Book) {
    let sentences = book.chapters.iter_mut().flat_map(|chapter| &mut chapter.sentences);
    sentences.map(|sentence| &mut sentence.source).for_each(|source| local(starts, source));
    book.notes.iter_mut().for_each(|note| local(starts, &mut note.source));
}

fn local(starts: &[u64], source: &mut SourceRange) {
    let page = starts.partition_point(|&start| start <= source.start).saturating_sub(1);
    let start = starts.get(page).copied().unwrap_or(0);
    *source = SourceRange { href: href(page), start: source.start - start, end: source.end - start };
}

/// The letters that a ligature stands for.
fn ligature(c: char) -> Option<&'static str> {
    Some(match c {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        _ => return None,
    })
}

/// Calls back for each stretch of `text` that stands for other characters: ligatures, letters with their accents
/// apart, and soft hyphens, which where a PDF shows them are hyphens.
fn replacements(text: &str, mut instead: impl FnMut(Range<usize>, &str)) {
    let mut chars = text.char_indices().peekable();
    let mut buffer = [0; 4];
    while let Some((at, c)) = chars.next() {
        if c.is_ascii() && chars.peek().is_none_or(|(_, next)| next.is_ascii()) {
            continue;
        }
        if let Some(letters) = ligature(c) {
            instead(at..at + c.len_utf8(), letters);
        } else if c == '\u{ad}' {
            instead(at..at + c.len_utf8(), "-");
        } else if let Some(&(next_at, next)) = chars.peek()
            && let Some(whole) = unicode_normalization::char::compose(c, next)
        {
            chars.next();
            instead(at..next_at + next.len_utf8(), whole.encode_utf8(&mut buffer));
        }
    }
}

/// Appends `text` with its replacements.
fn replacements_into(text: &str, out: &mut String) {
    let mut plain = 0;
    replacements(text, |range, instead| {
        out.push_str(&text[plain..range.start]);
        out.push_str(instead);
        plain = range.end;
    });
    out.push_str(&text[plain..]);
}
