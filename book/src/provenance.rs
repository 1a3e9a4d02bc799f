//! Proof that a book says what its file says.
//!
//! [`Source`] reads a range of the file by itself. It shares the tokenizers and some rules with the walk that made
//! the book (which elements are skipped, what a reference stands for) but none of its bookkeeping of positions, so
//! that [`check`] is evidence and not an echo.

use std::cell::RefCell;

use domain::book::{Book, Chapter, Format, ParagraphKind, SourceRange};
use domain::id::Digest;

use crate::archive::Archive;
use crate::decode::{Charset, Decoded};
use crate::error::BookError;
use crate::limits::{Limits, Meter};
use crate::pages::{Soup, skip};
use crate::pdf::Pages;
use crate::xml::{self, Node, Nodes, Xml};
use crate::{docx, html, markdown, notes, sniff, txt};

/// A book file that ranges can be read from.
pub struct Source<'b> {
    bytes: &'b [u8],
    limits: Limits,
    inner: RefCell<Inner<'b>>,
}

enum Inner<'b> {
    /// Boxed: an archive's directory is far larger than the other case.
    Archived {
        archive: Box<Archive<'b>>,
        entry: Option<Entry>,
        format: Format,
    },
    Txt {
        name: String,
        charset: Charset,
    },
    Html {
        name: String,
        charset: Charset,
    },
    Markdown {
        name: String,
        source: markdown::proof::Source,
    },
    Pdf(Box<Pages>),
}

/// The entry that was unpacked last; ranges are mostly asked for in order.
struct Entry {
    href: String,
    bytes: Vec<u8>,
    charset: Charset,
    syntax: Syntax,
}

/// By which rules markup is read.
#[derive(Clone, Copy)]
enum Syntax {
    /// A part of a DOCX.
    Part,
    /// A page of XHTML.
    Page,
    /// HTML, and a page that is not well-formed.
    Soup,
}

/// How a book and its file differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The book was read from another file.
    #[error("the book was read from another file")]
    OtherFile,
    /// A range lies outside its file or cuts a character.
    #[error("chapter {chapter}, sentence {sentence}: {error}")]
    Unreadable {
        /// Index of the chapter.
        chapter: u32,
        /// Index of the sentence.
        sentence: usize,
        /// Why.
        error: BookError,
    },
    /// A sentence is not what stands at its range.
    #[error("chapter {chapter}, sentence {sentence}: the book has {text:?}, the file has {source_text:?}")]
    Text {
        /// Index of the chapter.
        chapter: u32,
        /// Index of the sentence.
        sentence: usize,
        /// The sentence.
        text: String,
        /// What the range holds.
        source_text: String,
    },
    /// Paragraphs or sentences overlap, are out of order, or leave more than white space between them.
    #[error("chapter {chapter}: {what}")]
    Structure {
        /// Index of the chapter.
        chapter: u32,
        /// What is wrong.
        what: &'static str,
    },
}

impl<'b> Source<'b> {
    /// Opens a book file.
    ///
    /// # Errors
    /// As [`crate::read`], as far as opening goes.
    pub fn open(name: &str, bytes: &'b [u8], limits: &Limits) -> Result<Self, BookError> {
        let meter = Meter::start(limits);
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let inner = match sniff::format(name, bytes, &meter)? {
            format @ (Format::Epub | Format::Docx) => {
                Inner::Archived { archive: Box::new(Archive::open(bytes, &meter)?), entry: None, format }
            }
            Format::Pdf => Inner::Pdf(Box::new(Pages::open(bytes, &meter)?)),
            Format::Txt => Inner::Txt { name: name.to_owned(), charset: txt::decode(name, bytes)?.charset },
            Format::Html => Inner::Html { name: name.to_owned(), charset: html::decode(name, bytes)?.charset },
            Format::Markdown => {
                let source = markdown::proof::Source::new(&txt::decode(name, bytes)?);
                Inner::Markdown { name: name.to_owned(), source }
            }
        };
        Ok(Self { bytes, limits: limits.clone(), inner: RefCell::new(inner) })
    }

    /// Opens what `pdftotext -bbox-layout` printed of a PDF, for [`crate::read_pdf_layout`].
    ///
    /// # Errors
    /// As there.
    #[doc(hidden)]
    pub fn of_pdf_layout(output: &'b [u8], limits: &Limits) -> Result<Self, BookError> {
        let pages = Pages::of_layout(output, &Meter::start(limits))?;
        let inner = RefCell::new(Inner::Pdf(Box::new(pages)));
        Ok(Self { bytes: output, limits: limits.clone(), inner })
    }

    /// What a range holds: decoded, tags and note marks dropped, entities resolved, white space folded.
    ///
    /// # Errors
    /// [`BookError::Incomplete`] where the range lies outside the file, [`BookError::UnknownEncoding`]
    /// where it cuts a character, and whatever unpacking the entry says.
    pub fn text(&self, range: &SourceRange) -> Result<String, BookError> {
        let outside = || BookError::Incomplete { part: format!("{} {}..{}", range.href, range.start, range.end) };
        let bounds = range.start as usize..range.end as usize;
        let meter = Meter::start(&self.limits);
        match &mut *self.inner.borrow_mut() {
            Inner::Txt { name, charset } if *name == range.href => {
                let bytes = self.bytes.get(bounds).ok_or_else(outside)?;
                let text = charset.decode(bytes).ok_or_else(|| BookError::UnknownEncoding { href: name.clone() })?;
                Ok(fold(&notes::without_marks(&fold(&text))))
            }
            Inner::Html { name, charset } if *name == range.href => {
                let bytes = self.bytes.get(bounds).ok_or_else(outside)?;
                let markup = markup(bytes, *charset, Syntax::Soup, name, &meter)?;
                Ok(fold(&notes::without_marks(&fold(&markup))))
            }
            Inner::Markdown { name, source } if *name == range.href => {
                let text = source.text(self.bytes, range.start..range.end).ok_or_else(outside)?;
                Ok(fold(&notes::without_marks(&fold(&text))))
            }
            Inner::Txt { .. } | Inner::Html { .. } | Inner::Markdown { .. } => Err(outside()),
            Inner::Pdf(pages) => {
                let text = pages.text(range).ok_or_else(outside)?;
                Ok(fold(&notes::without_marks(&fold(&text))))
            }
            Inner::Archived { archive, entry, format } => {
                let entry = match entry.take().filter(|entry| entry.href == range.href) {
                    Some(known) => entry.insert(known),
                    None => entry.insert(unpack(archive, &range.href, *format, &meter)?),
                };
                let bytes = entry.bytes.get(bounds).ok_or_else(outside)?;
                let markup = markup(bytes, entry.charset, entry.syntax, &entry.href, &meter)?;
                Ok(fold(&notes::without_marks(&fold(&markup))))
            }
        }
    }
}

fn unpack(archive: &mut Archive<'_>, href: &str, format: Format, meter: &Meter<'_>) -> Result<Entry, BookError> {
    let bytes = archive.unpack(href, meter)?;
    let document = xml::decode(href, &bytes)?;
    let syntax = match format {
        Format::Docx => Syntax::Part,
        _ if is_well_formed(Xml::page(href, &document, meter))? => Syntax::Page,
        _ => Syntax::Soup,
    };
    Ok(Entry { href: href.to_owned(), bytes, charset: document.charset, syntax })
}

fn is_well_formed(mut page: Xml<'_, '_>) -> Result<bool, BookError> {
    loop {
        match page.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(true),
            Err(BookError::Malformed { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// The characters of a stretch of markup.
fn markup(bytes: &[u8], charset: Charset, syntax: Syntax, href: &str, meter: &Meter<'_>) -> Result<String, BookError> {
    let unknown = || BookError::UnknownEncoding { href: href.to_owned() };
    let document = Decoded::new(charset.decode(bytes).ok_or_else(unknown)?, charset, 0);
    match syntax {
        Syntax::Part => docx::characters(Xml::new(href, &document, meter)),
        Syntax::Page => characters(Xml::page(href, &document, meter)),
        Syntax::Soup => characters(Soup::new(href, &document, meter)),
    }
}

/// The characters of a stretch of a page: tags, comments, CDATA and what is skipped dropped, references resolved,
/// lines of a stanza and of `<br/>` parted by a space. The stretch may start and end within elements.
fn characters<'a>(mut nodes: impl Nodes<'a>) -> Result<String, BookError> {
    let mut out = String::new();
    while let Some((node, _)) = nodes.next()? {
        match node {
            Node::Start(tag, empty) => {
                let name = xml::local_name(&tag);
                if matches!(name.as_str(), "br" | "div" | "p") {
                    out.push(' ');
                }
                if !empty && skip::is_skipped(&tag, nodes.rest()) {
                    xml::step_over(&mut nodes, &name)?;
                }
            }
            Node::Text(text) => out.push_str(text),
            Node::Reference(name) => push_reference(name, &mut out),
            Node::End(_) | Node::CData(_) => {}
        }
    }
    Ok(out)
}

/// Appends what a reference stands for: itself, if nobody knows it.
pub(crate) fn push_reference(name: &str, out: &mut String) {
    match xml::resolve(name) {
        Some(resolved) => out.push_str(&resolved),
        None => out.extend(["&", name, ";"]),
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks a book against its file: each sentence equals what its source range holds, paragraphs, sentences and
/// quotations are in order and disjoint, and only white space lies between sentences. Returns how many
/// sentences were checked.
///
/// # Errors
/// The first difference.
pub fn check(book: &Book, source: &Source<'_>) -> Result<usize, Mismatch> {
    if Digest::of(source.bytes) != book.source.digest {
        return Err(Mismatch::OtherFile);
    }
    let mut checked = 0;
    for chapter in &book.chapters {
        check_structure(chapter).map_err(|what| Mismatch::Structure { chapter: chapter.index, what })?;
        for (sentence, range) in chapter.sentences.iter().enumerate() {
            let text = chapter.sentence(sentence);
            let source_text = source.text(&range.source).map_err(|error| Mismatch::Unreadable {
                chapter: chapter.index,
                sentence,
                error,
            })?;
            // A number in parentheses that ends a sentence looks like a mark where its paragraph is not seen to go on.
            if text != source_text && notes::without_marks(text) != source_text {
                return Err(Mismatch::Text { chapter: chapter.index, sentence, text: text.to_owned(), source_text });
            }
            checked += 1;
        }
    }
    Ok(checked)
}

fn check_structure(chapter: &Chapter) -> Result<(), &'static str> {
    let text = chapter.text.as_str();
    let mut at = 0;
    for (index, paragraph) in chapter.paragraphs.iter().enumerate() {
        let gap = text.get(at..paragraph.start as usize).ok_or("paragraphs overlap or cut a character")?;
        if gap != if index == 0 { "" } else { "\n\n" } {
            return Err("something other than a blank line stands between two paragraphs");
        }
        let inner = text.get(paragraph.start as usize..paragraph.end as usize).ok_or("a paragraph cuts a character")?;
        if inner.is_empty() || fold(inner) != inner {
            return Err("a paragraph is empty, or its white space is not folded");
        }
        at = paragraph.end as usize;
    }
    if at != text.len() {
        return Err("text stands behind the last paragraph");
    }
    let mut sentences = chapter.sentences.iter().peekable();
    for (index, paragraph) in (0u32..).zip(&chapter.paragraphs) {
        let mut at = paragraph.start as usize;
        let mut source_at = ("", 0);
        while let Some(sentence) = sentences.next_if(|sentence| sentence.paragraph == index) {
            let gap = text.get(at..sentence.start as usize).ok_or("sentences overlap or cut a character")?;
            let inner =
                text.get(sentence.start as usize..sentence.end as usize).ok_or("a sentence cuts a character")?;
            if inner.is_empty() || !gap.trim().is_empty() {
                return Err("a sentence is empty, or words stand between two sentences");
            }
            let source = &sentence.source;
            if source.start >= source.end || source_at.0 == source.href && source.start < source_at.1 {
                return Err("source ranges are empty or overlap");
            }
            source_at = (&source.href, source.end);
            at = sentence.end as usize;
        }
        let covered = at == paragraph.end as usize;
        if covered == (paragraph.kind == ParagraphKind::Heading) {
            return Err("a paragraph is not covered by sentences, or a heading is");
        }
    }
    if sentences.next().is_some() {
        return Err("a sentence names a paragraph that it does not stand in");
    }
    check_quotations(chapter)
}

fn check_quotations(chapter: &Chapter) -> Result<(), &'static str> {
    let mut at = 0;
    for quotation in &chapter.quotations {
        let range = quotation.start as usize..quotation.end as usize;
        if range.start < at {
            return Err("quotations overlap or are out of order");
        }
        at = range.end;
        let inner = chapter.text.get(range).ok_or("a quotation cuts a character or leaves the text")?;
        if inner.is_empty() || inner.trim() != inner {
            return Err("a quotation is empty, or white space stands at its end");
        }
    }
    Ok(())
}
