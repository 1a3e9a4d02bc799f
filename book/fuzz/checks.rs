//! What must hold whatever a file says: no panic, and a book that was read is proved by its file. The fuzz targets
//! and the test that replays their corpus both use this.
#![allow(dead_code, reason = "each target uses one of these")]

use std::io::{Cursor, Write};
use std::time::Duration;

use book::provenance::{Source, check};
use book::{BookError, Limits};
use domain::book::Book;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Small limits, so that reaching one is no hang.
fn limits() -> Limits {
    Limits { time: Duration::from_secs(20), unpacked_bytes: 16 << 20, ..Limits::default() }
}

/// Reads a file; if it is a book, its file must prove it.
fn prove(name: &str, bytes: &[u8]) {
    let limits = limits();
    let Some(book) = refused(book::read(name, bytes, &limits)) else { return };
    let source = Source::open(name, bytes, &limits).expect("what was read can be opened");
    hold(&book, &source);
}

/// The book; a refusal says something and has a code.
fn refused(read: Result<Book, BookError>) -> Option<Book> {
    read.inspect_err(|error| assert!(error.code().starts_with("book-") && !error.to_string().is_empty())).ok()
}

/// The invariants of a book.
fn hold(book: &Book, source: &Source<'_>) {
    if let Err(mismatch) = check(book, source) {
        panic!("{mismatch}");
    }
    assert!(!book.chapters.is_empty(), "a book has chapters");
    for chapter in &book.chapters {
        let text = chapter.text.as_str();
        let mut at = 0;
        for quotation in &chapter.quotations {
            assert!(quotation.start as usize >= at && quotation.start < quotation.end, "quotations overlap");
            assert!(
                text.get(quotation.start as usize..quotation.end as usize).is_some(),
                "a quotation cuts a character"
            );
            at = quotation.end as usize;
        }
        assert!(chapter.pages.is_sorted_by(|a, b| a.at <= b.at), "pages are out of order");
        assert!(chapter.pages.iter().all(|page| text.is_char_boundary(page.at as usize)), "a page cuts a character");
    }
    for note in &book.notes {
        assert!(!note.text.is_empty(), "a note says nothing");
        if let Some(anchor) = note.anchor {
            let chapter = &book.chapters[anchor.chapter as usize];
            assert!(chapter.text.is_char_boundary(anchor.at as usize), "an anchor cuts a character");
        }
    }
    let chapters = book.chapters.len() as u32;
    assert!(book.contents.iter().all(|line| line.chapter.is_none_or(|chapter| chapter < chapters)));
}

fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in parts {
        zip.start_file(*path, SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
            .expect("a name");
        zip.write_all(bytes).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}

const PROSE: &str = "The lamp was out, and she had not heard him come in. “Who is there?” said the old man.";

/// An archive as it comes: its directory, and whatever its entries hold.
pub fn archive(bytes: &[u8]) {
    prove("book.epub", &[b"PK\x03\x04".as_slice(), bytes.strip_prefix(b"PK\x03\x04").unwrap_or(bytes)].concat());
}

const CONTAINER: &str = r#"<container><rootfiles><rootfile full-path="p.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;
const PACKAGE: &str = r#"<package version="3.0"><metadata><dc:title>T</dc:title></metadata><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="n" href="n.xhtml" media-type="application/xhtml+xml" properties="nav"/><item id="x" href="x.ncx" media-type="application/x-dtbncx+xml"/><item id="c" href="c" media-type="image/svg+xml" properties="cover-image"/></manifest><spine toc="x"><itemref idref="a"/></spine></package>"#;
const NAV: &str = r##"<html><body><nav epub:type="toc"><ol><li><a href="a.xhtml#one">I</a></li><li><a href="a.xhtml#two">II</a></li></ol></nav></body></html>"##;

/// The first byte says which part of an EPUB the others are; the rest of it is good.
pub fn epub(bytes: &[u8]) {
    let Some((&part, rest)) = bytes.split_first() else { return };
    let page = format!(
        "<html><body><h1 id=\"one\">Chapter I</h1><p>{PROSE}</p><h1 id=\"two\">Chapter II</h1><p>{PROSE}</p></body></html>"
    );
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("p.opf", PACKAGE.as_bytes()),
        ("a.xhtml", page.as_bytes()),
        ("n.xhtml", NAV.as_bytes()),
        ("x.ncx", b"<ncx/>"),
        ("c", b"<svg viewBox='0 0 600 900'/>"),
        ("META-INF/encryption.xml", b"<encryption/>"),
    ];
    let part = usize::from(part) % parts.len();
    parts[part].1 = rest;
    // The NCX is only asked where there is no navigation document.
    parts.retain(|(path, _)| part != 4 || *path != "n.xhtml");
    prove("book.epub", &zip(&parts));
}

/// The first byte says which part of a DOCX the others are; the rest of it is good.
pub fn docx(bytes: &[u8]) {
    let Some((&part, rest)) = bytes.split_first() else { return };
    let part = part % 5;
    let types = br#"<Types><Override ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let document = format!(
        "<w:document><w:body><w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r><w:t>Chapter I</w:t></w:r></w:p><w:p><w:r><w:t>{PROSE}</w:t><w:footnoteReference w:id=\"2\"/></w:r></w:p></w:body></w:document>"
    );
    let styles = r#"<w:styles><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>"#;
    let notes =
        r#"<w:footnotes><w:footnote w:id="2"><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
    let relations = r#"<Relationships><Relationship Type="x/footnotes" Target="footnotes.xml"/></Relationships>"#;
    let core = "<cp:coreProperties><dc:title>T</dc:title></cp:coreProperties>";
    let mut parts = [document.as_bytes(), styles.as_bytes(), notes.as_bytes(), relations.as_bytes(), core.as_bytes()];
    parts[usize::from(part)] = rest;
    let [document, styles, notes, relations, core] = parts;
    prove(
        "book.docx",
        &zip(&[
            ("[Content_Types].xml", types),
            ("word/document.xml", document),
            ("word/styles.xml", styles),
            ("word/footnotes.xml", notes),
            ("word/_rels/document.xml.rels", relations),
            ("docProps/core.xml", core),
        ]),
    );
}

/// What poppler printed of a PDF: its words with their places and, behind a zero byte, its outline.
pub fn pdf_layout(bytes: &[u8]) {
    let limits = limits();
    let at = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (layout, outline) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    let Some(book) = refused(book::read_pdf_layout(layout, outline, &limits)) else { return };
    let source = Source::of_pdf_layout(layout, &limits).expect("what was read can be opened");
    hold(&book, &source);
}

/// Plain text in any encoding.
pub fn txt(bytes: &[u8]) {
    // A PDF would run a program, and the archives have targets of their own.
    if !bytes.windows(5).any(|window| window == b"%PDF-") && !bytes.starts_with(b"PK") {
        prove("book.txt", bytes);
    }
}

/// HTML in any encoding, whose start is put before it.
pub fn html(bytes: &[u8]) {
    prove("book.html", &[b"<!doctype html>".as_slice(), bytes].concat());
}

/// Markdown.
pub fn markdown(bytes: &[u8]) {
    if !bytes.windows(5).any(|window| window == b"%PDF-") && !bytes.starts_with(b"PK") {
        prove("book.md", bytes);
    }
}

/// Sentences and quotations of any text, and the paragraphs that it makes, among enough prose of either language that it is one.
pub fn sentences(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let french = "La lampe était éteinte, et elle ne l’avait pas entendu venir. « Qui est là ? » dit le vieil homme.";
    for prose in [PROSE, french] {
        let around = [prose; 4].join(" ");
        prove("book.txt", format!("Chapter I\n\n{around}\n\n{text}\n\n{around}\n").as_bytes());
    }
}
