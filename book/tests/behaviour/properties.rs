//! Whatever stands in a file: no panic, and what is read is proved.

use book::provenance::{self, Source};
use book::{Limits, read};
use proptest::prelude::*;

use crate::fixture::{ENGLISH, Epub};

fn holds(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(book) = read(name, bytes, &Limits::default()) {
        let source = Source::open(name, bytes, &Limits::default()).unwrap();
        let checked = provenance::check(&book, &source);
        prop_assert!(checked.is_ok(), "{:?}", checked);
        prop_assert!(!book.chapters.is_empty());
    }
    Ok(())
}

/// Pieces of text that the rules look at.
fn plain_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "the old man ", "Mr. ", "said he. ", "Who? ", "« Non ! » ", "“Yes!” ", "C. D. ", "… ", "...", "\n", "\n\n",
            "\r\n\r\n\r\n", "[1]", " [2] ", "[a]", "* * *", "CHAPTER IV", "CHAPITRE PREMIER", "PART I", "II", "Imprint",
            "\u{a0}", "\u{2060}—", "\u{202f}»", "    ", "— ", "é", "« ", " »", "\n\n« ", "\n\n— ", ", dit-il, ", "“", "”", "‘", "’", "'", "\"", "--",
            "\n\n“", "𝕏 ", "[[3]]", "FIN", "\u{ad}", "\u{c}", "1.",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn page_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "the old man ", "Mr. ", "said he. ", "Who? ", "« Non ! »", "“Yes!” ", "&nbsp;", "&amp;", "&bogus;", "& ",
            "&#8217;", "&#0;", "&#xFFFFFFFF;", "<p>", "</p>", "<i>", "</i>", "<br/>", "<br>", "<hr/>", "<h2>", "</h2>",
            "[1]", "[<i>2</i>]", r##"<a href="#n"><sup>1</sup></a>"##, r##"<sup><a href="#n">1</a></sup>"##,
            r##"<a epub:type="noteref" href="#x">3</a>"##, r#"<span hidden="">gone <i>too</i></span>"#, "<!-- a < b -->",
            "<![CDATA[x < y & z. ]]>", "<?pi x?>", r#"<b title="a > b">"#, "</b>", "<div>", "</div>", "\n\t", "[", "]",
            r#"<aside epub:type="footnote">A note.</aside>"#, "<title>", "<sup>2</sup>", "]]>", "CHAPTER II", "3 < 4 ", "<li>", "<td>", "<script>a < b</script>",
            r#"<div class="stanza">"#, r#"<p class="l">"#, r#"<span class="pagenum">[7]</span>"#, "(1)", " (2).", "— Oui.<br/>",
        ]).prop_map(str::to_owned),
        1 => "[^<&]{0,12}",
    ]
}

fn markdown_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "the old man ", "Mr. ", "said he. ", "Who? ", "« Non ! » ", "*", "**", "_", "`", "``", "\\", "\\*", "\\\n", "  \n",
            "\n", "\n\n", "# ", "## Chapter I\n\n", "> ", "- ", "1. ", "---\n", "***\n\n", "[^1]", "[^1]: A note.\n\n", "[a](b)",
            "![a](b)", "<br>", "<div>", "</div>", "<!-- a > b -->", "&amp;", "&eacute;", "&bogus;", "|a|b|\n|-|-|\n|c|d|\n", "\t",
            "    ", "~~", "[1]", " [2]", "\u{a0}", "é", "“Yes!” ", "<p>x</p>\n", "===\n", "\r\n",
        ]).prop_map(str::to_owned),
        1 => "[^<&]{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        holds("any.txt", text.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds("any.txt", &bytes)?;
        holds("any.epub", &[b"PK\x03\x04".as_slice(), &bytes].concat())?;
    }

    #[test]
    fn any_arrangement_of_text_keeps_its_places(pieces in prop::collection::vec(plain_piece(), 0..60)) {
        let text = format!("{ENGLISH}\n\n{ENGLISH}\n\n{}", pieces.concat());
        holds("any.txt", text.as_bytes())?;
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        holds("any.txt", &utf16)?;
        holds("any.txt", &encoding_rs::WINDOWS_1252.encode(&text).0)?;
    }

    #[test]
    fn any_arrangement_of_markup_keeps_its_places(pieces in prop::collection::vec(page_piece(), 0..60)) {
        let body = format!("<p>{ENGLISH}</p><p>{ENGLISH}</p>{}", pieces.concat());
        holds("any.epub", &Epub::new().page("one", &body).bytes())?;
    }

    #[test]
    fn any_arrangement_of_soup_keeps_its_places(pieces in prop::collection::vec(page_piece(), 0..60)) {
        let page = format!("<!DOCTYPE html><p>{ENGLISH}<p>{ENGLISH}{}", pieces.concat());
        holds("any.html", page.as_bytes())?;
        let utf16: Vec<u8> = [0xFE, 0xFF].into_iter().chain(page.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        holds("any.html", &utf16)?;
    }

    #[test]
    fn any_arrangement_of_markdown_keeps_its_places(pieces in prop::collection::vec(markdown_piece(), 0..60)) {
        let text = format!("{ENGLISH}\n\n{ENGLISH}\n\n{}", pieces.concat());
        holds("any.md", text.as_bytes())?;
        holds("any.md", &encoding_rs::WINDOWS_1252.encode(&text).0)?;
    }

    #[test]
    fn a_damaged_epub_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Epub::new().page("one", &format!("<p>{ENGLISH}</p>")).bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        holds("any.epub", &bytes)?;
    }
}
