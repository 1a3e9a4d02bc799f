//! Bytes to text, such that the byte position of every character is still known.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::legacy::{self, Table};

/// How many source bytes a character takes. Encodings for which this can't be told from the character
/// alone are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Utf8,
    Utf16,
    /// One byte a character, whatever the table.
    Single,
}

impl Width {
    /// Length of `text` in the source, bytes.
    pub fn source_len(self, text: &str) -> u64 {
        let len = match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.chars().map(|c| c.len_utf16() * 2).sum(),
            Self::Single => text.chars().count(),
        };
        len as u64
    }
}

/// Which table turns bytes into text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Utf16 { little_endian: bool },
    Single(Table),
}

impl Charset {
    pub fn width(self) -> Width {
        match self {
            Self::Utf8 => Width::Utf8,
            Self::Utf16 { .. } => Width::Utf16,
            Self::Single(_) => Width::Single,
        }
    }

    /// The whole of `bytes` as text, or nothing if a byte has no meaning in this charset. A byte order
    /// mark is text here: the caller cuts it off.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Utf16 { little_endian } => {
                let (pairs, rest) = bytes.as_chunks::<2>();
                let units =
                    pairs.iter().map(|&p| if little_endian { u16::from_le_bytes(p) } else { u16::from_be_bytes(p) });
                let text = char::decode_utf16(units).collect::<Result<String, _>>().ok()?;
                rest.is_empty().then_some(text)
            }
            Self::Single(table) => table.decode(bytes),
        }
    }
}

/// A source file as text.
pub(crate) struct Decoded {
    pub text: String,
    pub charset: Charset,
    /// `(position in the text, position in the source)`, ascending; empty where both run alike.
    checkpoints: Vec<(usize, u64)>,
    /// Length of the byte order mark, bytes.
    bom_bytes: u64,
}

/// Distance of two checkpoints in the text, bytes, or a little more.
const CHECKPOINT_BYTES: usize = 4096;

impl Decoded {
    /// A text that was decoded, behind a byte order mark of so many bytes.
    pub fn new(text: String, charset: Charset, bom_bytes: usize) -> Self {
        let bom_bytes = bom_bytes as u64;
        let width = charset.width();
        let mut checkpoints = Vec::new();
        if width != Width::Utf8 {
            let (mut at, mut source) = (0, bom_bytes);
            while at < text.len() {
                checkpoints.push((at, source));
                let next = text.ceil_char_boundary(at + CHECKPOINT_BYTES);
                source += width.source_len(&text[at..next]);
                at = next;
            }
        }
        Self { text, charset, checkpoints, bom_bytes }
    }

    /// Byte position in the undecoded source of a position in the text.
    pub fn source_offset(&self, at: usize) -> u64 {
        let next = self.checkpoints.partition_point(|&(text, _)| text <= at);
        match next.checked_sub(1).and_then(|index| self.checkpoints.get(index)) {
            Some(&(from, source)) => source + self.charset.width().source_len(&self.text[from..at]),
            None => self.bom_bytes + at as u64,
        }
    }
}

/// The charset that a byte order mark names, and the mark's length.
fn from_bom(bytes: &[u8]) -> Option<(Charset, usize)> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some((Charset::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Charset::Utf16 { little_endian: true }, 2)),
        [0xFE, 0xFF, ..] => Some((Charset::Utf16 { little_endian: false }, 2)),
        _ => None,
    }
}

/// UTF-16 without a mark is known by so many bytes of it.
const UTF16_BYTES: usize = 4096;

/// UTF-16 without a byte order mark: every other byte of a text in Latin letters is zero.
fn from_zeros(bytes: &[u8]) -> Option<Charset> {
    let (pairs, _) = bytes[..bytes.len().min(UTF16_BYTES)].as_chunks::<2>();
    let zeros = |index: usize| pairs.iter().filter(|pair| pair[index] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let most = |many: usize, few: usize| many * 4 > pairs.len() * 3 && few * 50 <= pairs.len();
    match () {
        () if most(second, first) => Some(Charset::Utf16 { little_endian: true }),
        () if most(first, second) => Some(Charset::Utf16 { little_endian: false }),
        () => None,
    }
}

/// What the bytes themselves say: a byte order mark, and its length, or zeros.
fn by_mark(bytes: &[u8]) -> Option<(Charset, usize)> {
    from_bom(bytes).or_else(|| from_zeros(bytes).map(|charset| (charset, 0)))
}

/// Decodes a plain text file: byte order mark, else UTF-16 by its zeros, else UTF-8, else the single-byte encoding
/// in which the bytes make most sense.
pub(crate) fn plain(bytes: &[u8]) -> Option<Decoded> {
    if let Some((charset, bom)) = by_mark(bytes) {
        return Some(Decoded::new(charset.decode(&bytes[bom..])?, charset, bom));
    }
    if let Some(text) = Charset::Utf8.decode(bytes) {
        return Some(Decoded::new(text, Charset::Utf8, 0));
    }
    let charset = match legacy::guess(bytes) {
        Some(table) => Charset::Single(table),
        None => {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            single_byte(detector.guess(None, Utf8Detection::Deny))?
        }
    };
    Some(Decoded::new(charset.decode(bytes)?, charset, 0))
}

/// Decodes a file of HTML: byte order mark, else UTF-8, else what it declares, else what the bytes look most like.
pub(crate) fn html(bytes: &[u8]) -> Option<Decoded> {
    if by_mark(bytes).is_some() || std::str::from_utf8(bytes).is_ok() {
        return plain(bytes);
    }
    let declared = declared_by_meta(bytes).and_then(single_byte);
    match declared.and_then(|charset| charset.decode(bytes).map(|text| (text, charset))) {
        Some((text, charset)) => Some(Decoded::new(text, charset, 0)),
        None => plain(bytes),
    }
}

/// A declaration of HTML stands in so many bytes.
const META_BYTES: usize = 1024;

fn declared_by_meta(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(META_BYTES)]).to_ascii_lowercase();
    let (_, label) = head.split_once("charset").or_else(|| head.split_once("encoding"))?;
    let label = label.trim_start_matches(['=', ' ', '"', '\'']);
    let end = label.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))?;
    Encoding::for_label(&label.as_bytes()[..end])
}

/// Decodes an XML entry: byte order mark, else its shape, else its declaration, else UTF-8.
pub(crate) fn xml(bytes: &[u8]) -> Option<Decoded> {
    let (charset, bom) = from_bom(bytes).or_else(|| from_declaration(bytes).map(|charset| (charset, 0)))?;
    Some(Decoded::new(charset.decode(&bytes[bom..])?, charset, bom))
}

fn from_declaration(bytes: &[u8]) -> Option<Charset> {
    match bytes {
        [b'<', 0, ..] => return Some(Charset::Utf16 { little_endian: true }),
        [0, b'<', ..] => return Some(Charset::Utf16 { little_endian: false }),
        _ => {}
    }
    if !bytes.starts_with(b"<?xml") {
        return Some(Charset::Utf8);
    }
    let head = &bytes[..bytes.len().min(256)];
    let head = String::from_utf8_lossy(&head[..head.iter().position(|&b| b == b'>').unwrap_or(head.len())]);
    let Some((_, label)) = head.split_once("encoding") else { return Some(Charset::Utf8) };
    let label = label.trim_start_matches(['=', ' ', '\t', '\r', '\n', '"', '\'']);
    let label = &label[..label.find(['"', '\'', '?']).unwrap_or(label.len())];
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A declaration that could be read byte by byte is not UTF-16, whatever it claims.
    if encoding == encoding_rs::UTF_8 || encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
        return Some(Charset::Utf8);
    }
    single_byte(encoding)
}

fn single_byte(encoding: &'static Encoding) -> Option<Charset> {
    encoding.is_single_byte().then_some(Charset::Single(Table::Web(encoding)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_decides() {
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain("né".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let decoded = plain(&utf16).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.source_offset(1)), ("né", 4));
        assert_eq!(decoded.charset.width().source_len("né"), 4);
        assert_eq!(plain("\u{feff}né".as_bytes()).unwrap().text, "né");
    }

    #[test]
    fn old_french_files_are_windows_1252() {
        let text = "L’été où l’élève a rêvé d’une forêt, il était là, près du château.";
        let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
        assert!(!unmappable);
        let decoded = plain(&bytes).unwrap();
        assert_eq!(decoded.text, text);
        assert_eq!(decoded.charset.width(), Width::Single);
    }

    #[test]
    fn utf16_is_known_by_its_zeros_too() {
        let text = "L’été, elle était là.";
        for (unit, little_endian) in [(u16::to_le_bytes as fn(u16) -> [u8; 2], true), (u16::to_be_bytes, false)] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            let decoded = plain(&bytes).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.charset), (text, Charset::Utf16 { little_endian }));
        }
    }

    #[test]
    fn half_a_utf16_character_is_refused() {
        assert!(plain(&[0xFF, 0xFE, b'a', 0, b'b']).is_none());
        assert!(plain(&[0xFF, 0xFE, 0x00, 0xD8]).is_none(), "a lone surrogate");
    }

    #[test]
    fn an_xml_declaration_names_the_charset() {
        let page = b"<?xml version='1.0' encoding='iso-8859-1'?><p>\xE9t\xE9</p>";
        assert!(xml(page).unwrap().text.ends_with("<p>été</p>"));
        assert!(xml(b"<p>\xE9</p>").is_none(), "undeclared means UTF-8");
    }
}
