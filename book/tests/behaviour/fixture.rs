//! Small books, built in code.

use std::io::{Cursor, Write};
use std::time::Duration;

use book::provenance::{self, Source};
use book::{BookError, Limits, read};
use domain::book::Book;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Prose that is English beyond doubt.
pub const ENGLISH: &str = "The lamp was out, and she had not heard him come in. “Who is there?” said the old man.";

pub const CONTAINER: &str = r#"<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="epub/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

/// An archive of these entries, deflated.
pub fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An EPUB under construction.
#[derive(Clone)]
pub struct Epub {
    pub metadata: String,
    pub pages: Vec<(String, Vec<u8>)>,
    pub nav: Option<String>,
    pub extra: Vec<(String, Vec<u8>)>,
    pub guide: String,
}

impl Epub {
    pub fn new() -> Self {
        Self {
            metadata: "<dc:title>The Lamp</dc:title><dc:creator>Jane Ash</dc:creator><dc:language>en</dc:language>"
                .to_owned(),
            pages: Vec::new(),
            nav: None,
            extra: Vec::new(),
            guide: String::new(),
        }
    }

    /// Adds a page with this body.
    pub fn page(self, name: &str, body: &str) -> Self {
        self.raw_page(name, document(body).into_bytes())
    }

    pub fn raw_page(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.pages.push((name.to_owned(), bytes));
        self
    }

    /// Sets the list items of the table of contents.
    pub fn nav(mut self, items: &str) -> Self {
        self.nav = Some(document(&format!(r#"<nav epub:type="toc"><ol>{items}</ol></nav>"#)));
        self
    }

    pub fn extra(mut self, path: &str, bytes: &[u8]) -> Self {
        self.extra.push((path.to_owned(), bytes.to_vec()));
        self
    }

    pub fn package(&self) -> String {
        let mut manifest = String::new();
        let mut spine = String::new();
        for (name, _) in &self.pages {
            manifest += &format!(r#"<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>"#);
            spine += &format!(r#"<itemref idref="{name}"/>"#);
        }
        if self.nav.is_some() {
            manifest += r#"<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>"#;
        }
        format!(
            r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{}</metadata><manifest>{manifest}</manifest><spine>{spine}</spine>{}</package>"#,
            self.metadata, self.guide
        )
    }

    pub fn bytes(&self) -> Vec<u8> {
        let package = self.package();
        let paths: Vec<String> = self.pages.iter().map(|(name, _)| format!("epub/{name}.xhtml")).collect();
        let mut entries: Vec<(&str, &[u8])> = vec![
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("epub/content.opf", package.as_bytes()),
        ];
        entries.extend(paths.iter().zip(&self.pages).map(|(path, (_, bytes))| (path.as_str(), bytes.as_slice())));
        if let Some(nav) = &self.nav {
            entries.push(("epub/nav.xhtml", nav.as_bytes()));
        }
        entries.extend(self.extra.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
        archive(&entries)
    }

    pub fn read(&self) -> Book {
        book_of("lamp.epub", &self.bytes())
    }

    pub fn refusal(&self) -> BookError {
        read("lamp.epub", &self.bytes(), &Limits::default()).unwrap_err()
    }
}

/// Processor time of this thread: whatever else the machine does, it counts what a reading costs.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// A page with this body.
pub fn document(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>T</title></head><body>{body}</body></html>"#
    )
}

/// Reads a book that must be good, and proves it against its file.
pub fn book_of(name: &str, bytes: &[u8]) -> Book {
    let book = read(name, bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let source = Source::open(name, bytes, &Limits::default()).unwrap();
    let checked = provenance::check(&book, &source).unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
    assert_eq!(checked, book.chapters.iter().map(|chapter| chapter.sentences.len()).sum::<usize>());
    book
}

pub fn titles(book: &Book) -> Vec<&str> {
    book.chapters.iter().map(|chapter| chapter.title.as_deref().unwrap_or("")).collect()
}

pub fn asides(book: &Book) -> Vec<&str> {
    book.set_aside.iter().map(|aside| aside.reason.as_str()).collect()
}

pub fn warnings(book: &Book) -> Vec<&str> {
    book.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

pub fn sentences(book: &Book) -> Vec<&str> {
    book.chapters.iter().flat_map(|chapter| (0..chapter.sentences.len()).map(|i| chapter.sentence(i))).collect()
}

/// A book for a snapshot: what is in it, in order, by kind.
pub fn shown(book: &Book) -> String {
    use std::fmt::Write;
    let mut out = format!("{} | {} | {:?}\n", book.title, book.authors.join(", "), book.language);
    for chapter in &book.chapters {
        writeln!(out, "# {:?} {}", chapter.parts, chapter.title.as_deref().unwrap_or("-")).unwrap();
        for paragraph in &chapter.paragraphs {
            let text = &chapter.text[paragraph.start as usize..paragraph.end as usize];
            let after_break = if paragraph.after_break { "* " } else { "" };
            writeln!(out, "{after_break}{:?}: {text}", paragraph.kind).unwrap();
        }
        let pages: Vec<String> = chapter.pages.iter().map(|page| format!("{}@{}", page.label, page.at)).collect();
        if !pages.is_empty() {
            writeln!(out, "pages: {}", pages.join(" ")).unwrap();
        }
    }
    for note in &book.notes {
        let anchor = note.anchor.map_or("nowhere".to_owned(), |anchor| format!("{}:{}", anchor.chapter, anchor.at));
        writeln!(out, "note {} at {anchor}: {}", note.label, note.text).unwrap();
    }
    for aside in &book.set_aside {
        writeln!(out, "aside {}: {:?} {}", aside.reason, aside.title, aside.text.replace('\n', " / ")).unwrap();
    }
    for warning in &book.warnings {
        writeln!(out, "warning {}", warning.code).unwrap();
    }
    out
}
