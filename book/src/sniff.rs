//! What a file is, by its bytes.

use domain::book::{Format, Warning};

use crate::error::BookError;

/// First bytes of what is not a book here, and what to call it.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"\xD0\xCF\x11\xE0", "an old Office document"),
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

/// First words of text that is made for programs, lower case.
const MARKUP: &[(&str, &str)] =
    &[("<!doctype html", "a web page"), ("<html", "a web page"), ("<?xml", "an XML document"), ("<svg", "a picture")];

/// The format of `bytes`, or what they look like instead.
pub(crate) fn format(bytes: &[u8]) -> Result<Format, BookError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(BookError::Empty);
    }
    // Local header; an archive without any entry starts with its end record.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Format::Epub);
    }
    if let Some(&(_, looks_like)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(BookError::NotABook { looks_like });
    }
    if bytes.get(60..68) == Some(b"BOOKMOBI") {
        return Err(BookError::NotABook { looks_like: "a Kindle book" });
    }
    let head = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let head = String::from_utf8_lossy(&head[..head.len().min(16)]).to_lowercase();
    if let Some(&(_, looks_like)) = MARKUP.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(BookError::NotABook { looks_like });
    }
    Ok(Format::Txt)
}

/// A warning where the name's ending says something else than the bytes.
pub(crate) fn wrong_extension(name: &str, format: Format) -> Option<Warning> {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    let (fits, what) = match format {
        Format::Epub => (ending == "epub", "an EPUB"),
        Format::Txt => (matches!(ending.as_str(), "txt" | "text"), "plain text"),
    };
    (!fits).then(|| Warning {
        code: "wrong-extension".to_owned(),
        detail: format!("{name} is {what}, which its name does not say; it was read as what it is."),
    })
}
