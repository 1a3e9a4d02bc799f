//! What the pages of an EPUB become.

use domain::book::{Format, ParagraphKind};
use domain::language::Language;

use crate::fixture::{CONTAINER, ENGLISH, Epub, archive, asides, book_of, document, sentences, titles, warnings};

#[test]
fn metadata_and_chapters_are_read() {
    let book = Epub::new()
        .page("one", &format!("<h1>Chapter I</h1><h2>The Door</h2><p>{ENGLISH}</p>"))
        .page("two", &format!("<h1>Chapter II</h1><p>{ENGLISH}</p>"))
        .read();
    assert_eq!((book.title.as_str(), book.authors.as_slice()), ("The Lamp", ["Jane Ash".to_owned()].as_slice()));
    assert_eq!((book.language, book.source.format), (Language::En, Format::Epub));
    assert_eq!(titles(&book), ["Chapter I: The Door", "Chapter II"]);
    assert_eq!(
        sentences(&book)[..2],
        ["The lamp was out, and she had not heard him come in.", "“Who is there?” said the old man."]
    );
    assert!(book.warnings.is_empty());
}

#[test]
fn a_wrong_ending_on_a_good_book_is_a_warning() {
    let epub = Epub::new().page("one", &format!("<p>{ENGLISH}</p>")).bytes();
    assert_eq!(warnings(&book_of("lamp.txt", &epub)), ["wrong-extension"]);
    assert_eq!(warnings(&book_of("lamp.epub", ENGLISH.as_bytes())), ["wrong-extension"]);
}

#[test]
fn an_empty_chapter_is_a_warning() {
    let book = Epub::new()
        .page("one", &format!("<h1>Chapter I</h1><p>{ENGLISH}</p>"))
        .page("two", "<h1>Chapter II</h1>")
        .page("three", "")
        .read();
    assert_eq!(warnings(&book), ["empty-chapter", "empty-chapter"]);
    assert_eq!(book.chapters.len(), 1);
}

#[test]
fn pages_with_only_a_title_are_parts_of_what_follows() {
    let chapter = |n: &str| format!("<h1>{n}</h1><p>{ENGLISH}</p>");
    let book = Epub::new()
        .page("p1", "<h1>Part One</h1>")
        .page("c1", &chapter("I"))
        .page("c2", &chapter("II"))
        .page("p2", "<h1>Part Two</h1>")
        .page("c3", &chapter("III"))
        .read();
    let parts: Vec<&str> = book.chapters.iter().map(|chapter| chapter.parts.join("/").leak() as &str).collect();
    assert_eq!(parts, ["Part One", "Part One", "Part Two"]);
}

#[test]
fn a_nested_table_of_contents_names_parts_and_chapters() {
    let book = Epub::new()
        .page("half", r#"<section epub:type="halftitlepage"><h1>The Lamp</h1></section>"#)
        .page("b1", "<h2>Book One</h2>")
        .page("c1", &format!("<h3>I</h3><p>{ENGLISH}</p>"))
        .nav(
            r#"<li><a href="half.xhtml">Half Title</a><ol><li><a href="b1.xhtml">Book <b>One</b></a><ol><li><a href="c1.xhtml">I: Dusk</a></li></ol></li></ol></li>"#,
        )
        .read();
    assert_eq!(book.chapters[0].parts, ["Book One"]);
    assert_eq!(titles(&book), ["I: Dusk"]);
    assert_eq!(asides(&book), ["half-title"]);
}

#[test]
fn several_chapters_in_a_page_are_cut_where_the_contents_point() {
    let body = format!(
        r##"<h1 id="p">Part I</h1><h2 id="a">Dusk</h2><p>{ENGLISH}</p><h2>Aside</h2><p>{ENGLISH}</p><h2 id="b">Dawn</h2><p>{ENGLISH}</p>"##
    );
    let book = Epub::new()
        .page("all", &body)
        .nav(
            r#"<li><a href="all.xhtml#p">Part I</a><ol><li><a href="all.xhtml#a">Dusk</a></li><li><a href="all.xhtml#b">Dawn</a></li></ol></li>"#,
        )
        .read();
    assert_eq!(titles(&book), ["Dusk", "Dawn"]);
    assert!(book.chapters.iter().all(|chapter| chapter.parts == ["Part I"]));
}

#[test]
fn sections_of_a_chapter_stay_in_it() {
    let body = format!(r#"<h1 id="c">One</h1><p>{ENGLISH}</p><h2 id="s">A Letter</h2><p>{ENGLISH}</p>"#);
    let book = Epub::new()
        .page("one", &body)
        .nav(r#"<li><a href="one.xhtml#c">One</a><ol><li><a href="one.xhtml#s">A Letter</a></li></ol></li>"#)
        .read();
    assert_eq!(titles(&book), ["One"]);
    assert_eq!(book.chapters[0].paragraphs[2].kind, ParagraphKind::Heading);
}

#[test]
fn without_contents_headings_of_chapters_cut_a_page() {
    let body: String = ["I", "II", "III"].map(|n| format!("<h2>Chapter {n}</h2><p>{ENGLISH}</p>")).concat();
    assert_eq!(titles(&Epub::new().page("all", &body).read()), ["Chapter I", "Chapter II", "Chapter III"]);
    let typed: String = ["Dusk", "Dawn"]
        .map(|t| format!(r#"<section epub:type="chapter"><h2>{t}</h2><p>{ENGLISH}</p></section>"#))
        .concat();
    assert_eq!(titles(&Epub::new().page("all", &typed).read()), ["Dusk", "Dawn"]);
}

#[test]
fn an_ncx_serves_where_there_is_no_nav() {
    let ncx = r#"<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Dusk &amp; dawn</text></navLabel><content src="one.xhtml"/></navPoint></navMap></ncx>"#;
    let epub = Epub::new().page("one", &format!("<p>{ENGLISH}</p>")).extra("epub/toc.ncx", ncx.as_bytes());
    let package = epub
        .package()
        .replace("<manifest>", r#"<manifest><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>"#)
        .replace("<spine>", r#"<spine toc="ncx">"#);
    let bytes = archive(&[
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("epub/content.opf", package.as_bytes()),
        ("epub/one.xhtml", &epub.pages[0].1),
        ("epub/toc.ncx", ncx.as_bytes()),
    ]);
    assert_eq!(titles(&book_of("lamp.epub", &bytes)), ["Dusk & dawn"]);
}

#[test]
fn front_and_back_matter_is_set_aside_and_a_preface_is_kept() {
    let book = Epub::new()
        .page("titlepage", "<p>The Lamp, a story that was told by Jane Ash</p>")
        .page("d", r#"<section epub:type="dedication"><p>To the one who has the other lamp.</p></section>"#)
        .page("preface", &format!(r#"<section epub:type="preface"><h2>Preface</h2><p>{ENGLISH}</p></section>"#))
        .page("one", &format!("<h2>I</h2><p>{ENGLISH}</p>"))
        .page("c", "<h2>Colophon</h2><p>It was set in the type of the house.</p>")
        .read();
    assert_eq!(titles(&book), ["Preface", "I"]);
    assert_eq!(asides(&book), ["title-page", "dedication", "colophon"]);
}

#[test]
fn note_marks_and_notes_are_no_text() {
    let body = r##"<p>He saw the lamp<a epub:type="noteref" href="#n1">1</a> and the door,<a href="#n2"><sup>2</sup></a> which was shut<sup><a href="#n3">*</a></sup> by her[4].</p><aside epub:type="footnote" id="n1"><p>A kind of light.</p></aside><p>[4] So it was said.</p>"##;
    let book = Epub::new().page("one", body).read();
    assert_eq!(sentences(&book), ["He saw the lamp and the door, which was shut by her."]);
    let notes: Vec<_> = book.notes.iter().map(|note| (note.label.as_str(), note.text.as_str())).collect();
    assert_eq!(notes, [("1", "A kind of light."), ("4", "So it was said.")]);
}

#[test]
fn hidden_things_and_scripts_are_no_text() {
    let body = r#"<script>var the = 1;</script><p>The door was <span hidden="hidden">not </span>open<span epub:type="pagebreak" title="7">7</span>, and it was <i>hers</i>.</p><svg><text>the</text></svg>"#;
    assert_eq!(sentences(&Epub::new().page("one", body).read()), ["The door was open, and it was hers."]);
}

#[test]
fn breaks_verse_and_line_ends_are_kept() {
    let body = format!(
        r#"<p>{ENGLISH}</p><hr/><p>It was late, and the fire<br/>was out.</p><p>* * *</p><p>She had gone.</p><blockquote class="poem"><p>The owl<br/>was there</p></blockquote><p> </p><p>He left the house.</p>"#
    );
    let chapter = &Epub::new().page("one", &body).read().chapters[0];
    let breaks: Vec<bool> = chapter.paragraphs.iter().map(|paragraph| paragraph.after_break).collect();
    assert_eq!(breaks, [false, true, true, false, true]);
    assert_eq!(chapter.paragraphs[3].kind, ParagraphKind::Verse);
    assert!(chapter.text.contains("the fire was out.") && chapter.text.contains("The owl was there"));
}

#[test]
fn references_are_resolved_from_a_table() {
    let body =
        "<p>The caf&eacute;&nbsp;was&#8212;so she said&mdash;&#x201C;shut&rdquo; &amp; dark, &c; it had been so.</p>";
    let book = Epub::new().page("one", body).read();
    assert_eq!(sentences(&book), ["The café was—so she said—“shut” & dark, &c; it had been so."]);
}

#[test]
fn pages_in_other_encodings_keep_their_places() {
    let page = document(&format!("<p>Le café était fermé. {ENGLISH} “Déjà?” said she.</p>"));
    let utf16 = [0xFE, 0xFF].into_iter().chain(page.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let latin = page.replace("utf-8", "windows-1252");
    let latin = encoding_rs::WINDOWS_1252.encode(&latin).0.into_owned();
    let plain = Epub::new().raw_page("one", page.into_bytes()).read();
    for bytes in [utf16, latin] {
        let book = Epub::new().raw_page("one", bytes).read();
        assert_eq!(book.chapters[0].text, plain.chapters[0].text);
    }
}

#[test]
fn paragraphs_without_their_ends_are_read_as_browsers_do() {
    let body = format!("<p>{ENGLISH}").repeat(400);
    assert_eq!(Epub::new().page("one", &body).read().chapters[0].paragraphs.len(), 400);
}

#[test]
fn a_missing_page_is_a_warning() {
    let epub = Epub::new().page("one", &format!("<p>{ENGLISH}</p>"));
    let package = epub
        .package()
        .replace("<manifest>", r#"<manifest><item id="x" href="x.xhtml" media-type="application/xhtml+xml"/>"#)
        .replace("<spine>", r#"<spine><itemref idref="x"/>"#);
    let bytes = archive(&[
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("epub/content.opf", package.as_bytes()),
        ("epub/one.xhtml", &epub.pages[0].1),
    ]);
    assert_eq!(warnings(&book_of("lamp.epub", &bytes)), ["missing-page"]);
}

#[test]
fn a_table_of_contents_that_cannot_be_read_is_a_warning_and_headings_tell() {
    let epub =
        Epub::new().page("one", &format!("<h2>Chapter I</h2><p>{ENGLISH}</p><h2>Chapter II</h2><p>{ENGLISH}</p>"));
    let package = epub
        .package()
        .replace("<manifest>", r#"<manifest><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>"#);
    for broken in [
        "<ncx><navMap><navPoint",
        "<ncx><navMap></navMap></ncx>",
        "",
        "<ncx><navMap><navPoint><navLabel><text>Gone</text></navLabel><content src=\"gone.xhtml\"/></navPoint></navMap></ncx>",
    ] {
        let bytes = archive(&[
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("epub/content.opf", package.as_bytes()),
            ("epub/one.xhtml", &epub.pages[0].1),
            ("epub/toc.ncx", broken.as_bytes()),
        ]);
        let book = book_of("lamp.epub", &bytes);
        assert_eq!(titles(&book), ["Chapter I", "Chapter II"], "{broken}");
        assert_eq!(warnings(&book).contains(&"bad-table-of-contents"), broken.ends_with("Point"), "{broken}");
    }
}

#[test]
fn letters_and_printed_pages_are_told_in_pages_too() {
    let book = Epub::new()
        .page("one", &format!("<h1>Chapter I</h1><p>[Pg 4]</p><p>{ENGLISH}</p><blockquote><p>Dear Anna,</p><p>I am gone, [Pg 5] and the boat too.</p><p>Yours,<br/>Tom</p></blockquote><p>She wept.</p>"))
        .read();
    let chapter = &book.chapters[0];
    let kinds: Vec<_> = chapter.paragraphs.iter().map(|paragraph| paragraph.kind).collect();
    use ParagraphKind::{Heading, Letter, Prose};
    assert_eq!(kinds, [Heading, Prose, Letter, Letter, Letter, Prose]);
    let pages = chapter.pages.iter().map(|page| (page.label.as_str(), &chapter.text[page.at as usize..][..3]));
    assert_eq!(pages.collect::<Vec<_>>(), [("4", "The"), ("5", "and")]);
}

#[test]
fn a_head_lists_authors_and_lines_of_a_dialogue_are_turns_in_markdown() {
    let text = "---\ntitle: La Lampe\nauthor:\n  - Jeanne Frêne\n  - Jean Chêne\n---\n\n# Chapitre I\n\nLa lampe était éteinte, et elle ne l’avait pas entendu venir, car le vent était à la porte.\n\n— Qui est là ? dit-il.\n— Personne, répondit-elle.\n";
    let book = book_of("lampe.md", text.as_bytes());
    assert_eq!(book.authors, ["Jeanne Frêne", "Jean Chêne"]);
    let chapter = &book.chapters[0];
    assert_eq!(chapter.paragraphs.len(), 4);
    let quoted: Vec<_> = chapter.quotations.iter().map(|q| &chapter.text[q.start as usize..q.end as usize]).collect();
    assert_eq!(quoted, ["— Qui est là ?", "— Personne"]);
}

#[test]
fn the_foot_of_a_web_page_is_no_story() {
    let page = format!(
        "<!DOCTYPE html><html><body><article><h2>Chapter 1</h2><p>{ENGLISH}</p></article><footer>© 2020 Jane Ash</footer></body></html>"
    );
    let book = book_of("lamp.html", page.as_bytes());
    assert_eq!((sentences(&book).len(), asides(&book)), (2, vec!["imprint"]));
}

#[test]
fn numbers_in_a_table_are_no_headings() {
    let text = format!("# The Lamp\n\n{ENGLISH}\n\n| lamps | boats |\n|---|---|\n| 5 | 1 |\n| 7 | 2 |\n\n{ENGLISH}\n");
    let book = book_of("lamp.md", text.as_bytes());
    assert_eq!(book.chapters.len(), 1);
    let cells = book.chapters[0].paragraphs.iter().filter(|paragraph| paragraph.kind == ParagraphKind::Item);
    assert_eq!(cells.count(), 6);
    let page = format!("<p>{ENGLISH}</p><table><tr><td>5</td><td>12</td></tr></table><p>{ENGLISH}</p>");
    assert_eq!(Epub::new().page("one", &page).read().chapters.len(), 1);
}
