//! What a DOCX becomes.

use book::{BookError, Limits, read};
use domain::book::{Book, ParagraphKind};
use domain::language::Language;

use crate::fixture::{ENGLISH, archive, asides, book_of, sentences, titles};
use crate::snapshot;

const MAIN: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const STYLES: &str = r#"<w:styles><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style><w:style w:type="paragraph" w:styleId="Titre2"><w:name w:val="Titre 2"/></w:style><w:style w:type="paragraph" w:styleId="Chapitre"><w:name w:val="Mon chapitre"/><w:basedOn w:val="Titre2"/></w:style><w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style><w:style w:type="paragraph" w:styleId="Plan"><w:name w:val="Plan"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>"#;

/// A document under construction.
struct Docx {
    body: String,
    main: &'static str,
    parts: Vec<(&'static str, String)>,
}

impl Docx {
    fn new(body: &str) -> Self {
        let core = "<cp:coreProperties><dc:title>The Lamp</dc:title><dc:creator>Jane Ash; John Oak</dc:creator></cp:coreProperties>";
        let parts = vec![("word/styles.xml", STYLES.to_owned()), ("docProps/core.xml", core.to_owned())];
        Self { body: body.to_owned(), main: MAIN, parts }
    }

    fn part(mut self, path: &'static str, text: &str) -> Self {
        self.parts.push((path, text.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let types = format!(r#"<Types><Override PartName="/word/document.xml" ContentType="{}"/></Types>"#, self.main);
        let document = format!("<w:document><w:body>{}</w:body></w:document>", self.body);
        let mut entries: Vec<(&str, &[u8])> =
            vec![("[Content_Types].xml", types.as_bytes()), ("word/document.xml", document.as_bytes())];
        entries.extend(self.parts.iter().map(|(path, text)| (*path, text.as_bytes())));
        archive(&entries)
    }

    fn read(&self) -> Book {
        book_of("lamp.docx", &self.bytes())
    }

    fn refusal(&self) -> BookError {
        read("lamp.docx", &self.bytes(), &Limits::default()).unwrap_err()
    }
}

/// A paragraph of one run.
fn p(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

fn styled(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// The paragraphs of a chapter.
fn paragraphs(book: &Book, chapter: usize) -> Vec<&str> {
    let chapter = &book.chapters[chapter];
    chapter.paragraphs.iter().map(|p| &chapter.text[p.start as usize..p.end as usize]).collect()
}

#[test]
fn headings_are_known_by_style_outline_and_words() {
    for heading in ["Heading1", "Titre2", "Chapitre", "Plan"] {
        let body: String =
            ["Dusk", "Night"].iter().map(|title| styled(heading, title) + &p(ENGLISH) + &p(ENGLISH)).collect();
        assert_eq!(titles(&Docx::new(&body).read()), ["Dusk", "Night"], "{heading}");
    }
    let direct = |title: &str| {
        format!("<w:p><w:pPr><w:outlineLvl w:val=\"0\"/></w:pPr><w:r><w:t>{title}</w:t></w:r></w:p>{}", p(ENGLISH))
    };
    assert_eq!(titles(&Docx::new(&(direct("Dusk") + &direct("Night"))).read()), ["Dusk", "Night"]);
    let worded: String = ["CHAPTER I", "CHAPTER II"].iter().map(|title| p(title) + &p(ENGLISH)).collect();
    let book = Docx::new(&worded).read();
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
    assert_eq!(
        (book.title.as_str(), book.authors.as_slice()),
        ("The Lamp", ["Jane Ash".into(), "John Oak".into()].as_slice())
    );
}

#[test]
fn parts_hold_the_chapters_below_them() {
    let body = styled("Heading1", "Part One")
        + &styled("Titre2", "Dusk")
        + &p(ENGLISH)
        + &styled("Titre2", "Night")
        + &p(ENGLISH)
        + &styled("Heading1", "Part Two")
        + &styled("Titre2", "Dawn")
        + &p(ENGLISH);
    let book = Docx::new(&body).read();
    let placed: Vec<String> =
        book.chapters.iter().map(|c| format!("{}/{}", c.parts.join("/"), c.title.as_deref().unwrap_or(""))).collect();
    assert_eq!(placed, ["Part One/Dusk", "Part One/Night", "Part Two/Dawn"]);
}

#[test]
fn what_was_deleted_moved_away_or_hidden_is_no_text() {
    let body = format!(
        "{}<w:p><w:r><w:t xml:space=\"preserve\">She took </w:t></w:r><w:del w:id=\"1\"><w:r><w:delText>the candle</w:delText></w:r></w:del><w:ins w:id=\"2\"><w:r><w:t>the lamp</w:t></w:r></w:ins><w:moveFrom w:id=\"3\"><w:r><w:t> at once</w:t></w:r></w:moveFrom><w:r><w:rPr><w:vanish/></w:rPr><w:t> secretly</w:t></w:r><w:r><w:t xml:space=\"preserve\"> and left</w:t></w:r><w:moveTo w:id=\"4\"><w:r><w:t xml:space=\"preserve\"> at once</w:t></w:r></w:moveTo><w:r><w:t>.</w:t></w:r></w:p>",
        p(ENGLISH)
    );
    assert_eq!(sentences(&Docx::new(&body).read())[2], "She took the lamp and left at once.");
    // A deleted paragraph mark joins what stood on both sides of it.
    let joined = format!(
        "{}<w:p><w:pPr><w:rPr><w:del w:id=\"1\"/></w:rPr></w:pPr><w:r><w:t xml:space=\"preserve\">She took the </w:t></w:r></w:p>{}",
        p(ENGLISH),
        p("lamp and left.")
    );
    assert_eq!(sentences(&Docx::new(&joined).read())[2], "She took the lamp and left.");
}

#[test]
fn notes_stand_apart_and_lead_back_to_their_marks() {
    let body = format!(
        "{}<w:p><w:r><w:t>She had the lamp</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r><w:r><w:t xml:space=\"preserve\"> with her</w:t></w:r><w:r><w:endnoteReference w:id=\"1\"/></w:r><w:r><w:t>.</w:t></w:r></w:p>",
        p(ENGLISH)
    );
    let footnotes = format!(
        "<w:footnotes><w:footnote w:type=\"separator\" w:id=\"-1\">{}</w:footnote><w:footnote w:id=\"2\">{}{}</w:footnote></w:footnotes>",
        p("—"),
        p("It was of brass."),
        p("And it was old.")
    );
    let endnotes = format!("<w:endnotes><w:endnote w:id=\"1\">{}</w:endnote></w:endnotes>", p("So it is told."));
    let book = Docx::new(&body).part("word/footnotes.xml", &footnotes).part("word/endnotes.xml", &endnotes).read();
    assert_eq!(sentences(&book)[2], "She had the lamp with her.");
    let notes: Vec<_> = book
        .notes
        .iter()
        .map(|note| {
            let before = &book.chapters[0].text[..note.anchor.unwrap().at as usize];
            (note.label.as_str(), note.text.as_str(), before.rsplit(' ').next().unwrap())
        })
        .collect();
    assert_eq!(notes, [("1", "It was of brass.\n\nAnd it was old.", "lamp"), ("i", "So it is told.", "her")]);
}

#[test]
fn lists_tables_boxes_and_fields_keep_their_words() {
    let body = format!(
        "{heading}{prose}<w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"3\"/></w:numPr></w:pPr><w:r><w:t>One lamp.</w:t></w:r></w:p>\
         <w:tbl><w:tr><w:tc>{cell}</w:tc><w:tc>{cell}</w:tc></w:tr></w:tbl>\
         <w:p><w:r><w:t>Before the box.</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>{boxed}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>{boxed}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>\
         <w:p><w:r><w:t xml:space=\"preserve\">See page </w:t></w:r><w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText> PAGEREF x </w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>12</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r><w:r><w:t>, well</w:t><w:noBreakHyphen/><w:t>known.</w:t></w:r></w:p>",
        heading = styled("Heading1", "Dusk"),
        prose = p(ENGLISH),
        cell = p("In a cell."),
        boxed = p("In the box."),
    );
    let book = Docx::new(&body).read();
    assert_eq!(
        paragraphs(&book, 0)[2..],
        ["One lamp.", "In a cell.", "In a cell.", "Before the box.", "In the box.", "See page 12, well-known."]
    );
    assert_eq!(book.chapters[0].paragraphs[2].kind, ParagraphKind::Item);
}

#[test]
fn a_generated_table_of_contents_is_set_aside() {
    let line =
        |title: &str| format!("<w:p><w:pPr><w:pStyle w:val=\"TOC1\"/></w:pPr><w:r><w:t>{title}</w:t></w:r></w:p>");
    let body = format!(
        "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val=\"Table of Contents\"/></w:docPartObj></w:sdtPr><w:sdtContent>{}{}</w:sdtContent></w:sdt>{}{}{}{}",
        line("Dusk 1"),
        line("Night 9"),
        styled("Heading1", "Dusk"),
        p(ENGLISH),
        styled("Heading1", "Night"),
        p(ENGLISH)
    );
    let book = Docx::new(&body).read();
    assert_eq!(titles(&book), ["Dusk", "Night"]);
    assert_eq!(asides(&book), ["table-of-contents"]);
}

#[test]
fn a_french_manuscript_with_all_of_it() {
    let body = format!(
        "{}{}{}<w:p><w:r><w:t>— Qui est là\u{a0}? dit le vieil homme.</w:t></w:r></w:p>{}{}<w:p><w:r><w:br w:type=\"page\"/></w:r></w:p>{}{}{}{}",
        styled("Title", "La Lampe"),
        styled("Titre2", "Chapitre premier"),
        p("La lampe était éteinte, et elle ne l’avait pas entendu entrer. Personne ne répondit."),
        p("* * *"),
        p("Ma chère Anna,"),
        styled("Titre2", "Chapitre II"),
        p("Il descendit vers l’eau avant que les autres fussent éveillés."),
        p("Ma chère Anna,") + &p("Je pars demain, et la barque avec moi.") + &p("Votre ami,") + &p("Tom."),
        p("Fin"),
    );
    let book = Docx::new(&body).read();
    assert_eq!(book.language, Language::Fr);
    insta::assert_snapshot!(snapshot::of(&book));
}

#[test]
fn hostile_documents_are_refused_by_name() {
    let good = p(ENGLISH);
    let laughs = r#"<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    let external = r#"<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#;
    for declared in [laughs, external] {
        for part in ["word/footnotes.xml", "word/_rels/document.xml.rels", "_rels/.rels", "word/endnotes.xml"] {
            let text = format!("{declared}<w:x>&b;</w:x>");
            assert_eq!(Docx::new(&good).part(part, &text).refusal().code(), "book-entity-declared", "{part}");
        }
        let types = format!(r#"<Types><Override ContentType="{MAIN}"/></Types>"#);
        let document = format!("{declared}<w:document><w:body>{good}</w:body></w:document>");
        let bytes = archive(&[("[Content_Types].xml", types.as_bytes()), ("word/document.xml", document.as_bytes())]);
        assert_eq!(read("lamp.docx", &bytes, &Limits::default()).unwrap_err().code(), "book-entity-declared");
    }
    assert_eq!(Docx::new(&"<w:p>".repeat(1000)).refusal().code(), "book-xml-too-deep");
    let wide = format!("<w:p w:rsid=\"{}\"/>{good}", "x".repeat(200 << 10));
    assert_eq!(Docx::new(&wide).refusal().code(), "book-attributes-too-large");
    assert_eq!(Docx::new(&format!("{good}<w:p><w:r></w:p>")).refusal().code(), "book-malformed");
    let mut macros = Docx::new(&good);
    macros.main = "application/vnd.ms-word.document.macroEnabled.main+xml";
    assert_eq!(macros.refusal(), BookError::NotABook { looks_like: "a Word document with macros (.docm)" });
    let mut locked = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    locked.extend("EncryptedPackage".bytes().flat_map(|byte| [byte, 0]));
    assert_eq!(read("lamp.docx", &locked, &Limits::default()), Err(BookError::Encrypted));
}

#[test]
fn nothing_outside_the_archive_is_followed() {
    let relations = r#"<Relationships><Relationship Type="x/footnotes" Target="file:///etc/passwd" TargetMode="External"/><Relationship Type="x/styles" Target="../../../../etc/passwd"/></Relationships>"#;
    let book = Docx::new(&p(ENGLISH)).part("word/_rels/document.xml.rels", relations).read();
    assert_eq!((book.chapters.len(), book.notes.len()), (1, 0));
}

#[test]
fn a_docx_that_is_cut_anywhere_is_refused() {
    let bytes = Docx::new(&p(ENGLISH)).bytes();
    for len in (4..bytes.len()).step_by(41) {
        let error = read("lamp.docx", &bytes[..len], &Limits::default()).unwrap_err();
        assert!(matches!(error.code(), "book-truncated" | "book-damaged"), "{len}: {error}");
    }
}
