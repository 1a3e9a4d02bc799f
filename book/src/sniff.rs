//! What a file is, by its bytes.

use domain::book::{Format, Warning};

use crate::docx;
use crate::error::BookError;
use crate::limits::Meter;

/// First bytes of what is not a book here, and what to call it.
const MAGIC: &[(&[u8], &str)] = &[
    (b"{\\rtf", "an RTF document"),
    (OLE, "an old Word document (.doc)"),
    (b"\x89PNG", "a picture"),
    (b"\xFF\xD8\xFF", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"\x1F\x8B", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\xFD7zXZ", "a compressed archive"),
    (b"7z\xBC\xAF\x27\x1C", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"RIFF", "a media file"),
    (b"SQLite format 3", "a database"),
];

/// Old Office files start so, and new ones that are locked by a password, which hold a stream of this name.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";
const LOCKED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

/// A PDF says so near its start.
const PDF: &[u8] = b"%PDF-";
const PDF_WITHIN_BYTES: usize = 1024;

/// First words of HTML, lower case.
const HTML: &[&str] =
    &["<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<h1", "<h2", "<p>", "<p ", "<div"];
/// Endings of Markdown's names.
const MARKDOWN: &[&str] = &["md", "markdown", "mkd", "mdown"];

/// The format of `bytes`, or what they look like instead. Markdown is plain text but for its name.
pub(crate) fn format(name: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Format, BookError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(BookError::Empty);
    }
    // Local header; an archive without any entry starts with its end record.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(docx::sniff(bytes, meter)?.unwrap_or(Format::Epub));
    }
    // Some programs write a few lines before it.
    if bytes[..bytes.len().min(PDF_WITHIN_BYTES)].windows(PDF.len()).any(|window| window == PDF) {
        return Ok(Format::Pdf);
    }
    if bytes.starts_with(OLE) && bytes.windows(LOCKED.len()).any(|window| window == LOCKED) {
        return Err(BookError::Encrypted);
    }
    if let Some(&(_, looks_like)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(BookError::NotABook { looks_like });
    }
    if bytes.get(60..68) == Some(b"BOOKMOBI") {
        return Err(BookError::NotABook { looks_like: "a Kindle book" });
    }
    if is_html(bytes)? {
        return Ok(Format::Html);
    }
    Ok(if MARKDOWN.contains(&ending(name).as_str()) { Format::Markdown } else { Format::Txt })
}

/// So much of a file is looked at for its first tag, bytes.
const HEAD_BYTES: usize = 4096;

/// Whether text is HTML, by the first tag behind declarations and comments; other markup is refused.
fn is_html(bytes: &[u8]) -> Result<bool, BookError> {
    let head = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let head = &head[..head.len().min(HEAD_BYTES)];
    // UTF-16 shows its tags between zeros.
    let head: Vec<u8> = head.iter().copied().filter(|&byte| byte != 0).collect();
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let mut rest = head.trim_start_matches(|c: char| c.is_whitespace() || !c.is_ascii());
    let is_xml = rest.starts_with("<?xml");
    loop {
        let end = match () {
            () if rest.starts_with("<?") => "?>",
            () if rest.starts_with("<!--") => "-->",
            () if rest.starts_with("<!doctype") && !rest.starts_with("<!doctype html") => {
                return Err(BookError::NotABook { looks_like: "an XML document" });
            }
            () => break,
        };
        rest = rest.split_once(end).map_or("", |(_, rest)| rest).trim_start();
    }
    if HTML.iter().any(|start| rest.starts_with(start)) {
        return Ok(true);
    }
    match () {
        () if rest.starts_with("<svg") => Err(BookError::NotABook { looks_like: "a picture" }),
        () if is_xml => Err(BookError::NotABook { looks_like: "an XML document" }),
        () => Ok(false),
    }
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase()
}

/// A warning where the name's ending says something else than the bytes.
pub(crate) fn wrong_extension(name: &str, format: Format) -> Option<Warning> {
    let ending = ending(name);
    let (fits, what) = match format {
        Format::Epub => (ending == "epub", "an EPUB"),
        Format::Pdf => (ending == "pdf", "a PDF"),
        Format::Docx => (ending == "docx", "a DOCX"),
        Format::Txt => (matches!(ending.as_str(), "txt" | "text"), "plain text"),
        Format::Html => (matches!(ending.as_str(), "html" | "htm" | "xhtml" | "xht"), "HTML"),
        Format::Markdown => (true, "Markdown"),
    };
    (!fits).then(|| Warning {
        code: "wrong-extension".to_owned(),
        detail: format!("{name} is {what}, which its name does not say; it was read as what it is."),
    })
}
