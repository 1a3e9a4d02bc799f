//! Each way to be no book, and its one reason.

use std::io::{Cursor, Write};
use std::time::Duration;

use book::{BookError, Limits, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixture::{CONTAINER, ENGLISH, Epub, archive, cpu_time};

fn code(name: &str, bytes: &[u8]) -> &'static str {
    code_within(name, bytes, &Limits::default())
}

fn code_within(name: &str, bytes: &[u8], limits: &Limits) -> &'static str {
    let error = read(name, bytes, limits).unwrap_err();
    assert!(error.to_string().ends_with('.'), "{error}");
    error.code()
}

fn good() -> Epub {
    Epub::new().page("one", &format!("<h1>Chapter I</h1><p>{ENGLISH}</p>"))
}

/// Writes `to` wherever `from`, of the same length, stands: the zip writer refuses to make such names.
fn patched(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found >= 2, "a name stands before the entry and in the directory");
    bytes
}

#[test]
fn other_kinds_of_file_are_named() {
    for (bytes, looks_like) in [
        (b"{\\rtf1\\ansi Hello}".as_slice(), "an RTF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"<?xml version=\"1.0\"?><rss/>", "an XML document"),
        (&archive(&[("readme.txt", b"hello")]), "a zip archive of other files"),
        (&archive(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]), "an Office document"),
        (b"some text\0\0\0with holes", "a binary file"),
    ] {
        assert_eq!(read("x", bytes, &Limits::default()), Err(BookError::NotABook { looks_like }));
    }
}

#[test]
fn an_empty_file_is_empty() {
    assert_eq!(code("book.txt", b""), "book-empty");
    assert_eq!(code("book.txt", b" \r\n\t\n"), "book-empty");
    assert_eq!(code("book.txt", b"* * *\n\n1234\n"), "book-empty");
    assert_eq!(Epub::new().page("one", "<h1>Chapter I</h1>").refusal().code(), "book-empty");
}

#[test]
fn a_truncated_epub_is_truncated() {
    let bytes = good().bytes();
    assert_eq!(code("book.epub", &bytes[..bytes.len() / 2]), "book-truncated");
    assert_eq!(code("book.epub", &bytes[..bytes.len() - 30]), "book-truncated");
}

#[test]
fn a_damaged_entry_is_damaged() {
    let page = format!("<h1>Chapter I</h1><p>{ENGLISH}</p>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let epub = good();
    for (path, text) in
        [("META-INF/container.xml", CONTAINER), ("epub/content.opf", &epub.package()), ("epub/one.xhtml", &page)]
    {
        zip.start_file(path, stored).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    let at = bytes.windows(8).position(|window| window == b"The lamp").unwrap();
    bytes[at] ^= 1;
    assert_eq!(code("book.epub", &bytes), "book-damaged");
}

#[test]
fn a_zip_bomb_is_stopped_while_it_inflates() {
    let zeros = vec![b' '; 8 << 20];
    let bomb = good().raw_page("two", zeros);
    assert_eq!(bomb.refusal().code(), "book-zip-bomb");
    let limits = Limits { unpacked_bytes: 2 << 20, entry_ratio: u64::MAX, ..Limits::default() };
    assert_eq!(code_within("book.epub", &bomb.bytes(), &limits), "book-unpacks-too-large");
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    let bytes = good().extra("aa/evil.xhtml", b"x").bytes();
    for evil in ["../evil.xhtml", "/a/evil.xhtml", "a\\/evil.xhtml", "C:/evil.xhtml"] {
        let evil = format!("{evil:.<13}");
        let bytes = patched(bytes.clone(), b"aa/evil.xhtml", evil.as_bytes());
        assert_eq!(code("book.epub", &bytes), "book-unsafe-path", "{evil}");
    }
}

#[test]
fn links_twins_and_unreadable_names_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("META-INF/container.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    assert_eq!(code("book.epub", &zip.finish().unwrap().into_inner()), "book-symlink");
    let twins = good().extra("a1.txt", b"x").extra("a2.txt", b"y").bytes();
    assert_eq!(code("book.epub", &patched(twins.clone(), b"a2.txt", b"a1.txt")), "book-duplicate-entry");
    assert_eq!(code("book.epub", &patched(twins, b"a2.txt", b"a\xff.txt")), "book-name-not-utf8");
}

#[test]
fn limits_on_size_and_number_hold() {
    let bytes = good().bytes();
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (limits, expected) in [
        (limits(|limits| limits.file_bytes = 10), "book-too-large"),
        (limits(|limits| limits.entries = 2), "book-too-many-entries"),
        (limits(|limits| limits.path_bytes = 10), "book-path-too-long"),
        (limits(|limits| limits.attribute_bytes = 20), "book-attributes-too-large"),
        (limits(|limits| limits.xml_depth = 2), "book-xml-too-deep"),
        (limits(|limits| limits.time = Duration::ZERO), "book-timeout"),
    ] {
        assert_eq!(code_within("book.epub", &bytes, &limits), expected);
    }
    let text = format!("{ENGLISH}\n\n").repeat(50);
    let limits = limits(|limits| limits.time = Duration::ZERO);
    assert_eq!(code_within("book.txt", text.as_bytes(), &limits), "book-timeout");
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    let deep = good().page("two", &"<div>".repeat(100_000));
    assert_eq!(deep.refusal().code(), "book-xml-too-deep");
}

#[test]
fn entity_declarations_are_refused() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><html><body><p>&b;</p></body></html>"#;
    assert_eq!(good().raw_page("two", laughs.into()).refusal().code(), "book-entity-declared");
    let external = r#"<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>&x;</p></body></html>"#;
    assert_eq!(good().raw_page("two", external.into()).refusal().code(), "book-entity-declared");
}

#[test]
fn a_locked_book_is_refused_and_garbled_fonts_are_not() {
    let encryption = |algorithm: &str| {
        format!(
            r#"<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>"#
        )
    };
    let locked = encryption("http://www.w3.org/2001/04/xmlenc#aes256-cbc");
    assert_eq!(good().extra("META-INF/encryption.xml", locked.as_bytes()).refusal(), BookError::Encrypted);
    let fonts = encryption("http://www.idpf.org/2008/embedding");
    assert_eq!(good().extra("META-INF/encryption.xml", fonts.as_bytes()).read().chapters.len(), 1);
}

#[test]
fn a_broken_page_says_where() {
    let error = good().raw_page("two", b"<html><body><p>The end <".to_vec()).refusal();
    assert!(matches!(&error, BookError::Malformed { href, .. } if href == "epub/two.xhtml"), "{error:?}");
    let error = good().raw_page("two", b"<html><body><p>\xff\xff\xff</p></body></html>".to_vec()).refusal();
    assert_eq!(error.code(), "book-encoding-unknown");
}

#[test]
fn an_epub_without_its_parts_is_incomplete() {
    assert_eq!(code("book.epub", &archive(&[("META-INF/container.xml", b"<container/>")])), "book-incomplete");
    let no_package = archive(&[("META-INF/container.xml", CONTAINER.as_bytes())]);
    assert_eq!(code("book.epub", &no_package), "book-incomplete");
    assert_eq!(Epub::new().refusal().code(), "book-incomplete");
}

#[test]
fn another_language_is_named() {
    let german = "Der alte Mann ging langsam durch den Wald, und die Vögel sangen nicht mehr, weil der Winter \
                  gekommen war. Niemand wusste, woher er kam, und er sprach mit keinem Menschen im Dorf.\n\n"
        .repeat(10);
    let error = read("buch.txt", german.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "book-language-unknown");
    assert!(error.to_string().contains("German") && error.to_string().contains("English and French"));
}

#[test]
fn an_encoding_that_is_not_read_is_named() {
    let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。".repeat(20);
    let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(&japanese);
    assert_eq!(code("neko.txt", &bytes), "book-encoding-unknown");
}

#[test]
fn a_bomb_that_declares_itself_is_refused_before_it_is_unpacked() {
    let limits = Limits { unpacked_bytes: 1000, ..Limits::default() };
    // Nothing reads this entry: only the directory tells of it.
    let bytes = good().extra("unread.bin", &[b'x'; 2000]).bytes();
    assert_eq!(code_within("book.epub", &bytes, &limits), "book-unpacks-too-large");
    let zeros = vec![0; 8 << 20];
    assert_eq!(code("book.epub", &good().extra("unread.bin", &zeros).bytes()), "book-zip-bomb");
}

#[test]
fn entries_that_share_their_bytes_are_refused() {
    let mut bytes = good().extra("a.bin", b"first").extra("b.bin", b"second").bytes();
    // The directory's record of the second entry is made to point to the first one's header.
    let at = |bytes: &[u8], name: &[u8]| bytes.windows(name.len()).rposition(|window| window == name).unwrap();
    let (first, second) = (at(&bytes, b"a.bin"), at(&bytes, b"b.bin"));
    let offset: [u8; 4] = bytes[first - 4..first].try_into().unwrap();
    bytes[second - 4..second].copy_from_slice(&offset);
    let refused = code("book.epub", &bytes);
    assert!(["book-overlapping-entries", "book-damaged"].contains(&refused), "{refused}");
}

#[test]
fn archives_in_archives_are_refused() {
    let inner = good().bytes();
    assert_eq!(good().extra("inner.zip", &inner).refusal().code(), "book-nested-archive");
    assert_eq!(code("book.zip", &archive(&[("book.epub", &inner)])), "book-nested-archive");
}

#[test]
fn entities_are_refused_wherever_they_are_declared() {
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    let declared = |path: &str, text: String| {
        let epub = good();
        let package = epub.package();
        let package = package.replace(
            "<manifest>",
            r#"<manifest><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/><item id="s" href="s.svg" media-type="image/svg+xml"/>"#,
        );
        let mut entries: Vec<(&str, &[u8])> = vec![
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("epub/content.opf", package.as_bytes()),
            ("epub/one.xhtml", &epub.pages[0].1),
        ];
        entries.retain(|(known, _)| *known != path);
        entries.push((path, text.as_bytes()));
        code("book.epub", &archive(&entries))
    };
    let package = good().package().replace(r#"<?xml version="1.0"?>"#, laughs);
    assert_eq!(declared("epub/content.opf", package), "book-entity-declared");
    assert_eq!(declared("META-INF/container.xml", format!("{laughs}{CONTAINER}")), "book-entity-declared");
    assert_eq!(declared("epub/toc.ncx", format!("{laughs}<ncx/>")), "book-entity-declared");
    assert_eq!(declared("epub/s.svg", format!("{laughs}<svg/>")), "book-entity-declared");
    let external = r#"<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>"#;
    assert_eq!(declared("epub/s.svg", external.to_owned()), "book-entity-declared");
    let page = format!("<!DOCTYPE html [<!ENTITY a \"ha\">]><html><body><p>{ENGLISH}</p></body></html>");
    assert_eq!(code("book.html", page.as_bytes()), "book-entity-declared");
}

#[test]
fn documents_that_nest_too_deep_or_bear_gigantic_tags_are_refused() {
    let deep = good().package().replace("<manifest>", &format!("{}<manifest>", "<a>".repeat(1000)));
    let bytes = archive(&[("META-INF/container.xml", CONTAINER.as_bytes()), ("epub/content.opf", deep.as_bytes())]);
    assert_eq!(code("book.epub", &bytes), "book-xml-too-deep");
    assert_eq!(code("book.html", "<div>".repeat(100_000).as_bytes()), "book-xml-too-deep");
    assert_eq!(code("book.md", format!("{}x", "> ".repeat(100_000)).as_bytes()), "book-xml-too-deep");
    let wide = format!("<p title=\"{}\">{ENGLISH}</p>", "x".repeat(200 << 10));
    assert_eq!(code("book.html", wide.as_bytes()), "book-attributes-too-large");
    assert_eq!(good().page("two", &wide).refusal().code(), "book-attributes-too-large");
}

#[test]
fn books_under_other_locks_are_refused() {
    assert_eq!(good().extra("META-INF/license.lcpl", b"{}").refusal(), BookError::Encrypted);
    assert_eq!(good().extra("META-INF/sinf.xml", b"<sinf/>").refusal(), BookError::Encrypted);
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let bytes = good().bytes();
    for len in (4..bytes.len()).step_by(37) {
        let error = read("book.epub", &bytes[..len], &Limits::default()).unwrap_err();
        assert!(matches!(error.code(), "book-truncated" | "book-damaged"), "{len}: {error}");
    }
}

#[test]
fn endless_marks_lines_and_notes_cost_no_more_than_their_length() {
    let started = cpu_time();
    let limits = Limits { time: Duration::from_secs(600), ..Limits::default() };
    let marks = format!("{ENGLISH}{}\n\n[1] A note.\n", " word[1]".repeat(100_000));
    let lines = format!("<html><body><p>{ENGLISH}{}</p></body></html>", "<br/>— Oui, dit-il.".repeat(50_000));
    let notes: String = (0..10_000)
        .map(|n| format!("<p>{ENGLISH}<a href='#n{n}'><sup>1</sup></a></p><p id='n{n}'>1 A note.</p>"))
        .collect();
    for (name, text) in
        [("marks.txt", marks), ("lines.html", lines), ("notes.html", format!("<html><body>{notes}</body></html>"))]
    {
        assert!(read(name, text.as_bytes(), &limits).is_ok(), "{name}");
    }
    // Rows that the rules for sentences and quotations look through.
    for row in [". - ", " « mot »", "« “ ", " ‘boys’", ", dit-il, en allant, ", " Il alla. Elle vint. ", " ! « »", "— "]
    {
        let text = format!("{ENGLISH}\n\n— {ENGLISH}{}\n", row.repeat(50_000));
        assert!(read("row.txt", text.as_bytes(), &limits).is_ok(), "{row}");
    }
    // A quadratic loop takes minutes here; seconds leave room for a slow machine.
    assert!(cpu_time() - started < Duration::from_secs(60), "{:?}", cpu_time() - started);
}

/// A large book in each format that needs no other program, of paragraphs or of a single one.
fn large(prose: &str, paragraphs: usize) -> Vec<(&'static str, Vec<u8>)> {
    let body = |open: &str, close: &str| format!("{open}{prose}{close}").repeat(paragraphs);
    let html = body("<p>", "</p>");
    let document =
        format!("<w:document><w:body>{}</w:body></w:document>", body("<w:p><w:r><w:t>", "</w:t></w:r></w:p>"));
    let types = br#"<Types><Override ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    vec![
        ("book.txt", body("", "\n\n").into_bytes()),
        ("book.md", body("", "\n\n").into_bytes()),
        ("book.html", format!("<!DOCTYPE html><body>{html}").into_bytes()),
        ("soup.epub", Epub::new().page("one", &format!("<br>{html}")).bytes()),
        ("book.epub", Epub::new().page("one", &html).bytes()),
        ("book.docx", archive(&[("[Content_Types].xml", types), ("word/document.xml", document.as_bytes())])),
    ]
}

#[test]
fn the_time_limit_holds_in_every_format() {
    // Words of no pattern, so that an archive of them is no bomb.
    let word = |n: u64| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40);
    let noise: String = (0..60_000).map(|n| word(n) + if n % 9 == 0 { ". And " } else { " the " }).collect();
    let limits = Limits { time: Duration::from_millis(20), ..Limits::default() };
    for files in [large(&noise[..2000], 400), large(&noise, 1)] {
        for (name, bytes) in files {
            let started = cpu_time();
            let refused = read(name, &bytes, &limits).map(|_| ()).map_err(|error| error.code());
            assert_eq!(refused, Err("book-timeout"), "{name}");
            // What stands between two looks at the clock is short, even where nothing is optimised.
            assert!(cpu_time() - started < Duration::from_secs(5), "{name}: {:?}", cpu_time() - started);
        }
    }
}

#[test]
fn covers_of_more_pixels_than_can_be_shown_are_refused_by_their_header() {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
    let gif = b"GIF89a\xFF\xFF\xFF\xFF\0\0\0".to_vec();
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100000"/>"#.to_vec();
    for (media_type, picture) in [("image/png", png), ("image/gif", gif), ("image/svg+xml", svg)] {
        let epub = good();
        let item = format!(r#"<manifest><item id="c" href="c" media-type="{media_type}" properties="cover-image"/>"#);
        let package = epub.package().replace("<manifest>", &item);
        let bytes = archive(&[
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("epub/content.opf", package.as_bytes()),
            ("epub/one.xhtml", &epub.pages[0].1),
            ("epub/c", &picture),
        ]);
        assert_eq!(code("book.epub", &bytes), "book-cover-too-large", "{media_type}");
    }
}

#[test]
fn a_table_of_contents_of_endless_lines_costs_no_more_than_its_length() {
    let started = cpu_time();
    let paragraphs: String = (0..15_000).map(|n| format!("<p id='p{n}'>{n} was the lamp.</p>")).collect();
    let lines: String = (0..15_000).map(|n| format!("<li><a href='one.xhtml#p{n}'>{n}</a></li>")).collect();
    for items in [lines.clone(), format!("<li><a href='one.xhtml'>All</a><ol>{lines}</ol></li>")] {
        let limits = Limits { time: Duration::from_secs(600), ..Limits::default() };
        let bytes =
            Epub::new().page("one", &format!("<h1>Chapter I</h1><p>{ENGLISH}</p>{paragraphs}")).nav(&items).bytes();
        assert!(read("book.epub", &bytes, &limits).is_ok());
    }
    assert!(cpu_time() - started < Duration::from_secs(30), "{:?}", cpu_time() - started);
}
