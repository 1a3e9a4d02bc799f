//! What elements stand for, as the walk and the proof both need to know it.

use quick_xml::events::BytesStart;

use crate::notes;
use crate::xml;

/// Elements whose content is not part of the text: what was deleted or moved away, and what is given twice.
pub(super) fn is_skipped(name: &str) -> bool {
    matches!(name, "del" | "movefrom" | "fallback" | "rubytext" | "rt")
}

/// The code of a field that makes a table of contents.
pub(super) fn is_contents(code: &str) -> bool {
    code.split_whitespace().next() == Some("TOC")
}

/// The character of a symbol in a font of its own. Those of picture fonts are ornaments.
pub(super) fn symbol(tag: &BytesStart<'_>) -> String {
    let code = xml::attribute(tag, "char").and_then(|code| u32::from_str_radix(&code, 16).ok());
    match code.and_then(char::from_u32) {
        Some('\u{e000}'..='\u{f8ff}') | None => "•".to_owned(),
        Some(c) => c.to_string(),
    }
}

/// How a note's link starts and what it says, where `tag` opens a link within the document that is nothing but the
/// label of a note, `1` or `[1]`: the label, and where it leads. `rest` follows the tag.
pub(super) fn note_link(name: &str, tag: &BytesStart<'_>, rest: &str) -> Option<(String, String)> {
    /// No mark takes more markup.
    const MOST_BYTES: usize = 2048;
    if name != "hyperlink" {
        return None;
    }
    let anchor = xml::attribute(tag, "anchor")?;
    let rest = &rest[..rest.floor_char_boundary(MOST_BYTES)];
    let end = rest.find(":hyperlink>").or_else(|| rest.find("/hyperlink>"))?;
    let inner = &rest[..rest[..end].rfind('<')?];
    let raised = inner.contains("superscript") || inner.contains("FootnoteReference");
    let mut text = String::new();
    for tag in inner.split('<').skip(1) {
        let (markup, behind) = tag.split_once('>')?;
        let name = markup.split(char::is_whitespace).next().unwrap_or(markup);
        if name.rsplit(':').next() == Some("t") && !markup.starts_with('/') {
            text.push_str(behind);
        }
    }
    let bracketed = text.starts_with(['[', '(']) && text.ends_with([']', ')']);
    let label = text.trim_matches(['[', ']', '(', ')']).trim();
    (notes::is_label(label) && (raised || bracketed)).then(|| (label.to_owned(), anchor))
}

/// A roman numeral in lower case, as endnotes are numbered.
pub(super) fn roman(number: u32) -> String {
    const VALUES: &[(u32, &str)] =
        &[(100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")];
    if number >= 1000 {
        return number.to_string();
    }
    let mut left = number;
    let mut out = String::new();
    for &(value, letters) in VALUES {
        while left >= value {
            out.push_str(letters);
            left -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endnotes_count_in_roman_numerals() {
        assert_eq!([1, 4, 9, 14, 49].map(roman), ["i", "iv", "ix", "xiv", "xlix"]);
    }

    #[test]
    fn a_link_that_is_a_label_is_a_mark() {
        let tag = BytesStart::from_content(r#"w:hyperlink w:anchor="note3""#, 11);
        let raised = r#"<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>3</w:t></w:r></w:hyperlink> on"#;
        assert_eq!(note_link("hyperlink", &tag, raised), Some(("3".to_owned(), "note3".to_owned())));
        let bracketed = r#"<w:r><w:t xml:space="preserve">[3]</w:t></w:r></w:hyperlink>"#;
        assert_eq!(note_link("hyperlink", &tag, bracketed), Some(("3".to_owned(), "note3".to_owned())));
        let words = r"<w:r><w:t>chapter 3</w:t></w:r></w:hyperlink>";
        assert_eq!(note_link("hyperlink", &tag, words), None);
    }
}
