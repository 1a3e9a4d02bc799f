//! EPUBs as they are made by the tools and houses in circulation, one snapshot each.

use crate::fixture::{CONTAINER, archive, book_of, document};
use crate::snapshot;

const ONE: &str = "The lamp was out, and she had not heard him come in. “Who is there?” said the old man, and nobody answered him, for the wind had taken the voice away.";
const TWO: &str = "He went down to the water before the others were awake. There was a boat, and the boat had no oars, and that was all he knew of it.";
const UN: &str = "La lampe était éteinte, et elle ne l’avait pas entendu entrer. « Qui est là ? » dit le vieil homme, et personne ne répondit, car le vent avait emporté la voix.";
const DEUX: &str = "Il descendit vers l’eau avant que les autres fussent éveillés. Il y avait une barque, et la barque n’avait pas de rames.";

/// A picture's header: enough to be measured.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// An EPUB of these parts of a package, and entries.
fn epub(metadata: &str, items: &[(&str, &str, &str)], after: &str, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let manifest: String =
        items.iter().map(|(id, href, rest)| format!(r#"<item id="{id}" href="{href}" {rest}/>"#)).collect();
    let spine: String = items
        .iter()
        .filter(|(_, href, _)| href.ends_with("html") && !href.starts_with("nav"))
        .map(|(id, ..)| format!(r#"<itemref idref="{id}"/>"#))
        .collect();
    let package = format!(
        r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata><manifest>{manifest}</manifest><spine toc="ncx">{spine}</spine>{after}</package>"#
    );
    let mut all: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("epub/content.opf", package.as_bytes()),
    ];
    all.extend(entries);
    archive(&all)
}

const XHTML: &str = r#"media-type="application/xhtml+xml""#;
const NCX: &str = r#"media-type="application/x-dtbncx+xml""#;

#[test]
fn an_epub_2_of_calibre_with_classes_for_headings() {
    let ncx = r##"<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><docTitle><text>The Lamp</text></docTitle><navMap>
        <navPoint><navLabel><text>PART ONE</text></navLabel><content src="p1.html"/><navPoint><navLabel><text>1: Dusk</text></navLabel><content src="p1.html#c1"/></navPoint><navPoint><navLabel><text>2: Night</text></navLabel><content src="p2.html"/></navPoint></navPoint></navMap>
        <pageList><pageTarget><navLabel><text>7</text></navLabel><content src="p2.html#pg7"/></pageTarget></pageList></ncx>"##;
    let title =
        document(r#"<div class="calibre"><p class="calibre1">The Lamp</p><p class="calibre1">Jane Ash</p></div>"#);
    let copyright = document("<p>Copyright © 1999 Jane Ash. All rights reserved. ISBN 0-00-000000-0.</p>");
    let one = document(&format!(
        r##"<div class="calibre"><p class="calibre2">PART ONE</p><p class="calibre3" id="c1"><b>1</b></p><p class="calibre3">Dusk</p><p class="calibre4">{ONE}<a href="notes.html#n1" class="calibre9"><sup class="calibre8">1</sup></a></p><div class="calibre4">{TWO}</div><p class="calibre5">* * *</p><p class="calibre4">{TWO}</p></div>"##
    ));
    let two = document(&format!(
        r#"<p class="chapter-number">2</p><p class="chapter-title">Night</p><p class="calibre4">{ONE} <span id="pg7"></span>{TWO}</p>"#
    ));
    let notes = document(
        r#"<h2>Notes</h2><p id="n1" class="calibre4"><a href="p1.html#r1">1</a>. It was of brass.</p><p class="calibre4">And it was old.</p>"#,
    );
    let bytes = epub(
        r#"<dc:title>The Lamp</dc:title><dc:creator>Ash, Jane</dc:creator><dc:language>en</dc:language><meta name="cover" content="cov"/>"#,
        &[
            ("t", "title.html", XHTML),
            ("k", "copyright.html", XHTML),
            ("a", "p1.html", XHTML),
            ("b", "p2.html", XHTML),
            ("n", "notes.html", XHTML),
            ("cov", "cover.png", r#"media-type="image/png""#),
            ("ncx", "toc.ncx", NCX),
        ],
        r#"<guide><reference type="cover" href="title.html" title="Cover"/></guide>"#,
        &[
            ("epub/title.html", title.as_bytes()),
            ("epub/copyright.html", copyright.as_bytes()),
            ("epub/p1.html", one.as_bytes()),
            ("epub/p2.html", two.as_bytes()),
            ("epub/notes.html", notes.as_bytes()),
            ("epub/cover.png", &png(600, 900)),
            ("epub/toc.ncx", ncx.as_bytes()),
        ],
    );
    insta::assert_snapshot!(snapshot::of(&book_of("lamp.epub", &bytes)));
}

#[test]
fn an_epub_3_with_types_pages_and_asides() {
    let nav = document(
        r##"<nav epub:type="toc"><ol><li><a href="one.xhtml">I: Dusk</a></li></ol></nav><nav epub:type="page-list"><ol><li><a href="one.xhtml#p5">5</a></li><li><a href="one.xhtml#p6">6</a></li></ol></nav>"##,
    );
    let one = document(&format!(
        r##"<section epub:type="chapter"><header><h2><span epub:type="z3998:roman">I</span></h2><p epub:type="title">Dusk</p><blockquote epub:type="epigraph"><p>The night is long.</p><cite>— An old song</cite></blockquote></header>
        <p><span epub:type="pagebreak" id="p5" title="5"/>{ONE}<a href="#fn1" epub:type="noteref" id="r1">*</a> And on.</p>
        <aside epub:type="footnote" id="fn1"><p><a href="#r1" epub:type="backlink">*</a> It was of brass. <a href="#r1">↩</a></p></aside>
        <blockquote epub:type="z3998:letter"><p epub:type="z3998:salutation">Dear Anna,</p><p>{TWO}</p></blockquote>
        <blockquote><p>The owl was there,<br/>And so was I.</p></blockquote>
        <p>He read it<span epub:type="pagebreak" id="p6"/> twice, and put it away.</p></section>"##
    ));
    let bytes = epub(
        r#"<dc:title>The Lamp</dc:title><dc:creator>Jane Ash</dc:creator><dc:language>en</dc:language>"#,
        &[
            ("one", "one.xhtml", XHTML),
            ("nav", "nav.xhtml", r#"media-type="application/xhtml+xml" properties="nav""#),
            ("c", "c.svg", r#"media-type="image/svg+xml" properties="cover-image""#),
        ],
        "",
        &[
            ("epub/one.xhtml", one.as_bytes()),
            ("epub/nav.xhtml", nav.as_bytes()),
            ("epub/c.svg", br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1400 2100"><path d="M0 0"/></svg>"#),
        ],
    );
    insta::assert_snapshot!(snapshot::of(&book_of("lamp.epub", &bytes)));
}

#[test]
fn a_french_epub_of_wikisource() {
    let front = document("<div><p>Jeanne Frêne</p><p>La Lampe</p><p>Exporté de Wikisource le 1 janvier 2020</p></div>");
    let one = document(&format!(
        r##"<div class="prp-pages-output"><div class="center"><p><b>CHAPITRE PREMIER</b></p></div><p><span class="ws-pagenum" title="Page:La Lampe.djvu/12" id="12"></span>{UN}<sup id="cite_ref-1" class="reference"><a href="#cite_note-1">[1]</a></sup></p><p>— Oui, madame.<br/>— Non, monsieur.</p><hr/><p>{DEUX}</p></div>
        <ol class="references"><li id="cite_note-1"><span class="mw-cite-backlink"><a href="#cite_ref-1">↑</a></span> <span class="reference-text">Elle était de cuivre.</span></li></ol>"##
    ));
    let two = document(&format!(
        r#"<p style="text-align:center">II</p><p style="text-align:center">LE DÉPART</p><p>{DEUX}</p><p>{UN}</p><p>FIN</p>"#
    ));
    let about = document(
        "<h2>À propos de cette édition électronique</h2><p>Ce livre est issu de Wikisource, la bibliothèque libre. Il est dans le domaine public.</p>",
    );
    let bytes = epub(
        "<dc:title>La Lampe</dc:title><dc:creator>Jeanne Frêne</dc:creator><dc:language>fr</dc:language>",
        &[("t", "title.xhtml", XHTML), ("a", "c1.xhtml", XHTML), ("b", "c2.xhtml", XHTML), ("z", "about.xhtml", XHTML)],
        "",
        &[
            ("epub/title.xhtml", front.as_bytes()),
            ("epub/c1.xhtml", one.as_bytes()),
            ("epub/c2.xhtml", two.as_bytes()),
            ("epub/about.xhtml", about.as_bytes()),
        ],
    );
    insta::assert_snapshot!(snapshot::of(&book_of("lampe.epub", &bytes)));
}

#[test]
fn an_epub_of_indesign_whose_notes_follow_each_chapter() {
    let chapter = |number: &str, text: &str, note: &str| {
        document(&format!(
            r##"<div id="_idContainer001" class="Basic-Text-Frame"><p class="Titre-chapitre">{number}</p><p class="Texte ParaOverride-1">{text}<span class="CharOverride-1"><a class="_idFootnoteLink _idGenColorInherit" href="#footnote-001">1</a></span></p><p class="Texte">{DEUX}</p><p class="Signature">J. F.</p></div><hr class="HorizontalRule-1"/><div class="_idFootnotes"><div id="footnote-001" class="_idFootnote" epub:type="footnote"><p class="Note"><a class="_idFootnoteAnchor" href="#footnote-001-backlink">1</a> {note}</p></div></div>"##
        ))
    };
    let (one, two) = (chapter("Premier soir", UN, "De cuivre."), chapter("Deuxième soir", DEUX, "Sans rames."));
    let nav = document(
        r#"<nav epub:type="toc"><ol><li><a href="c1.xhtml">Premier soir</a></li><li><a href="c2.xhtml">Deuxième soir</a></li></ol></nav>"#,
    );
    let bytes = epub(
        "<dc:title>La Lampe</dc:title><dc:creator>Jeanne Frêne</dc:creator><dc:language>fr</dc:language>",
        &[
            ("a", "c1.xhtml", XHTML),
            ("b", "c2.xhtml", XHTML),
            ("nav", "nav.xhtml", r#"media-type="application/xhtml+xml" properties="nav""#),
        ],
        "",
        &[("epub/c1.xhtml", one.as_bytes()), ("epub/c2.xhtml", two.as_bytes()), ("epub/nav.xhtml", nav.as_bytes())],
    );
    insta::assert_snapshot!(snapshot::of(&book_of("lampe.epub", &bytes)));
}

#[test]
fn a_chapter_that_a_converter_split_is_one() {
    let pages = [
        ("index_split_000.html", format!("<p>I</p><p>{ONE}</p><p>{TWO}</p>")),
        ("index_split_001.html", format!("<p>{TWO}</p><p>{ONE}</p><p>{TWO}</p>")),
        ("index_split_002.html", format!("<p>II</p><p>{ONE}</p>")),
    ]
    .map(|(name, body)| (format!("epub/{name}"), document(&body)));
    let ncx = r#"<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>I</text></navLabel><content src="index_split_000.html"/></navPoint><navPoint><navLabel><text>II</text></navLabel><content src="index_split_002.html"/></navPoint></navMap></ncx>"#;
    let mut entries: Vec<(&str, &[u8])> = pages.iter().map(|(name, page)| (name.as_str(), page.as_bytes())).collect();
    entries.push(("epub/toc.ncx", ncx.as_bytes()));
    let items = [
        ("a", "index_split_000.html", XHTML),
        ("b", "index_split_001.html", XHTML),
        ("c", "index_split_002.html", XHTML),
        ("ncx", "toc.ncx", NCX),
    ];
    let book = book_of("lamp.epub", &epub("<dc:title>The Lamp</dc:title>", &items, "", &entries));
    let paragraphs: Vec<usize> = book.chapters.iter().map(|chapter| chapter.paragraphs.len()).collect();
    assert_eq!(paragraphs, [6, 2]);
    assert_eq!(book.chapters[0].sentences.last().unwrap().source.href, "epub/index_split_001.html");
}

#[test]
fn a_cover_that_is_none_is_a_warning() {
    let page = document(&format!("<p>{ONE}</p>"));
    let book = |cover: &[u8]| {
        let bytes = epub(
            r#"<dc:title>The Lamp</dc:title><meta name="cover" content="cov"/>"#,
            &[("a", "a.xhtml", XHTML), ("cov", "cover.png", r#"media-type="image/png""#)],
            "",
            &[("epub/a.xhtml", page.as_bytes()), ("epub/cover.png", cover)],
        );
        book::read("lamp.epub", &bytes, &book::Limits::default())
    };
    let bad = book(b"not a picture").unwrap();
    assert_eq!((bad.cover, bad.warnings[0].code.as_str()), (None, "bad-cover"));
    assert_eq!(book(&png(60_000, 60_000)).unwrap_err().code(), "book-cover-too-large");
    assert_eq!(book(&png(600, 900)).unwrap().cover.map(|cover| (cover.width_px, cover.height_px)), Some((600, 900)));
    let laughs = br#"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha">]><svg width="&a;"/>"#;
    assert_eq!(book(laughs).unwrap_err().code(), "book-entity-declared");
}
