//! Which table of single bytes a Western text was written with: Windows, Latin 9, Macintosh or DOS.
//!
//! Detectors built for the web know the first of them only. A byte is judged by what it would be among its neighbours:
//! a letter that French or English has within a word, a mark at its side. The table that makes most sense wins.

use encoding_rs::{Encoding, ISO_8859_15, MACINTOSH, WINDOWS_1252};

/// A table of 256 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Web(&'static Encoding),
    /// Code page 850, whose letters code page 437 shares.
    Dos,
}

/// The upper half of code page 850.
const DOS: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

const CANDIDATES: [Table; 4] = [Table::Web(WINDOWS_1252), Table::Web(ISO_8859_15), Table::Web(MACINTOSH), Table::Dos];

/// So much of a file is looked at, bytes.
const SAMPLE_BYTES: usize = 256 << 10;

impl Table {
    /// The whole of `bytes` as text; nothing if one has no meaning in this table.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Web(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
            }
            Self::Dos => {
                let upper: Vec<char> = DOS.chars().collect();
                let of = |&byte: &u8| match byte.checked_sub(128) {
                    Some(index) => upper.get(usize::from(index)).copied(),
                    None => Some(char::from(byte)),
                };
                bytes.iter().map(of).collect()
            }
        }
    }
}

/// The table that `bytes` make most sense in; nothing if they look like no text in French or English.
pub(crate) fn guess(bytes: &[u8]) -> Option<Table> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let high = sample.iter().filter(|byte| !byte.is_ascii()).count();
    let letters = sample.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if high * 2 > letters {
        return None;
    }
    let scores = CANDIDATES.iter().filter_map(|&table| Some((table, score(&table.decode(sample)?))));
    // The first of equals wins: the commonest table.
    let (table, score) = scores.rev().max_by_key(|&(_, score)| score)?;
    (score * 2 > high as i64).then_some(table)
}

/// How many characters beyond ASCII stand where French and English have them, less those that do not.
fn score(text: &str) -> i64 {
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    let mut sum = 0;
    while let Some(c) = rest.next() {
        if !c.is_ascii() {
            sum += if fits(before, c, rest.peek().copied().unwrap_or(' ')) { 1 } else { -1 };
        }
        before = c;
    }
    sum
}

fn fits(before: char, c: char, after: char) -> bool {
    let within = before.is_alphabetic() || after.is_alphabetic();
    match c {
        'à' => true,
        'é' | 'è' | 'ê' | 'ë' | 'ç' | 'ù' | 'û' | 'ü' | 'ô' | 'î' | 'ï' | 'â' | 'œ' | 'æ' | 'ö' | 'ä' | 'ñ' => {
            within
        }
        'À' => !before.is_alphabetic() || before.is_uppercase(),
        'É' | 'È' | 'Ê' | 'Ë' | 'Ç' | 'Ù' | 'Û' | 'Ü' | 'Ô' | 'Î' | 'Ï' | 'Â' | 'Œ' | 'Æ' => {
            within && !before.is_lowercase()
        }
        '’' | '…' => !before.is_whitespace(),
        '«' | '“' | '‘' => !before.is_alphabetic() && !after.is_ascii_punctuation(),
        '»' | '”' => !after.is_alphabetic(),
        '—' | '–' | '\u{a0}' | '°' | '§' | '£' => !(before.is_alphabetic() && after.is_alphabetic()) || c == '—',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "« L’œuvre était là, près du cœur… — À Noël, répondit-elle, où l’on reçoit l’évêque ? »";

    #[test]
    fn each_table_is_told_by_the_sense_that_its_letters_make() {
        for table in [WINDOWS_1252, MACINTOSH] {
            assert_eq!(guess(&table.encode(TEXT).0), Some(Table::Web(table)), "{}", table.name());
        }
        let plain = TEXT.replace('’', "'").replace('…', "...").replace('—', "-");
        assert_eq!(guess(&ISO_8859_15.encode(&plain).0), Some(Table::Web(ISO_8859_15)));
        let dos: Vec<char> = DOS.chars().collect();
        let encoded: Vec<u8> = plain
            .replace('œ', "oe")
            .chars()
            .map(|c| dos.iter().position(|&known| known == c).map_or(c as u8, |at| at as u8 + 128))
            .collect();
        assert_eq!(guess(&encoded), Some(Table::Dos));
        assert_eq!(Table::Dos.decode(&encoded).as_deref(), Some(plain.replace('œ', "oe").as_str()));
    }

    #[test]
    fn a_fraction_or_a_pound_is_no_french_letter() {
        let text = "It cost him £5 and 2½ pence, “no more”—or so he said—and that was a façade.";
        assert_eq!(guess(&WINDOWS_1252.encode(text).0), Some(Table::Web(WINDOWS_1252)));
    }

    #[test]
    fn other_alphabets_are_not_guessed_at() {
        let (russian, ..) = encoding_rs::WINDOWS_1251.encode("Когда он вошёл, лампа уже погасла.");
        assert_eq!(guess(&russian), None);
    }
}
