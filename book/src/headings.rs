//! What a heading looks like when nothing but its words says so.

use crate::numbers::{number, roman};

/// A line that reads like the heading of a division of a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeadingLine {
    /// `chapter`, `part` …; the empty string for a bare number.
    pub keyword: &'static str,
    /// Its number, where it has one that can be read.
    pub number: Option<u32>,
}

impl HeadingLine {
    /// Divisions that hold others. Whether a book calls the outer one `book` or `part`, it sets it first.
    pub fn may_hold_chapters(&self) -> bool {
        matches!(self.keyword, "book" | "part" | "volume" | "act" | "epilogue")
    }
}

/// How a book's headings nest: their keywords in the order in which they were first seen.
#[derive(Default)]
pub(crate) struct Levels(Vec<&'static str>);

impl Levels {
    /// The level of headings with this keyword, from 1. Whether a book calls the outer division `book` or `part`, it
    /// sets it first. What stands outside all parts closes them: level 0.
    pub fn of(&mut self, keyword: &'static str) -> u32 {
        if matches!(keyword, "preface" | "prologue" | "epilogue" | "afterword") {
            return 0;
        }
        let index = self.0.iter().position(|&known| known == keyword).unwrap_or_else(|| {
            self.0.push(keyword);
            self.0.len() - 1
        });
        index as u32 + 1
    }
}

/// Spellings of each keyword. The second field says whether it stands without a number too.
const KEYWORDS: &[(&str, &str, bool)] = &[
    ("chapter", "chapter", false),
    ("chapitre", "chapter", false),
    ("chap", "chapter", false),
    ("stave", "chapter", false),
    ("canto", "chapter", false),
    ("chant", "chapter", false),
    ("letter", "chapter", false),
    ("lettre", "chapter", false),
    ("scene", "chapter", false),
    ("scène", "chapter", false),
    ("episode", "chapter", false),
    ("épisode", "chapter", false),
    ("book", "book", false),
    ("livre", "book", false),
    ("part", "part", false),
    ("partie", "part", false),
    ("volume", "volume", false),
    ("vol", "volume", false),
    ("tome", "volume", false),
    ("act", "act", false),
    ("acte", "act", false),
    ("prologue", "prologue", true),
    ("epilogue", "epilogue", true),
    ("épilogue", "epilogue", true),
    ("preface", "preface", true),
    ("préface", "preface", true),
    ("foreword", "preface", true),
    ("avant-propos", "preface", true),
    ("introduction", "preface", true),
    ("afterword", "afterword", true),
    ("postface", "afterword", true),
    ("conclusion", "afterword", true),
    ("interlude", "chapter", true),
];

/// No heading is longer, characters.
pub(crate) const HEADING_CHARS: usize = 120;
/// No title in a line of its own is longer, characters.
pub(crate) const TITLE_LINE_CHARS: usize = 80;

/// Reads a line as a heading: `CHAPTER IV`, `Chapitre premier. Le départ`, `TROISIÈME PARTIE`, `Prologue`.
pub(crate) fn heading_line(line: &str) -> Option<HeadingLine> {
    let line = line.trim();
    if line.is_empty() || line.chars().count() > HEADING_CHARS {
        return None;
    }
    let shouted = !line.chars().any(char::is_lowercase);
    let lower = line.to_lowercase();
    let mut words = lower.split_whitespace();
    let first = words.next()?;
    let bare = first.trim_end_matches(['.', ':', ',']);
    if let Some(&(_, keyword, alone)) = KEYWORDS.iter().find(|(word, ..)| *word == bare) {
        let rest = lower[first.len()..].trim_start();
        if rest.is_empty() {
            return alone.then_some(HeadingLine { keyword, number: None });
        }
        if let Some(number) = leading_number(rest, shouted) {
            return Some(HeadingLine { keyword, number: Some(number) });
        }
        let titled = alone && (first.len() > bare.len() || rest.starts_with(['—', '–', '-', ':']));
        return titled.then_some(HeadingLine { keyword, number: None });
    }
    // `PREMIÈRE PARTIE`, `Second Book`: exactly two words, or a separator behind them.
    let second = words.next()?;
    let number = number(bare)?;
    let keyword = KEYWORDS.iter().find(|(word, ..)| *word == second.trim_end_matches(['.', ':', ',']))?.1;
    let ends = second.ends_with(['.', ':']) || words.next().is_none_or(|word| word.starts_with(['—', '–', '-']));
    (ends && roman(bare).is_none()).then_some(HeadingLine { keyword, number: Some(number) })
}

/// The number that `rest` starts with, if it stands alone or a separator follows. Without lower case
/// (`shouted`), a title may follow at once: `CHAPTER I THE ROAD`.
fn leading_number(rest: &str, shouted: bool) -> Option<u32> {
    // `vingt et un. Le départ`: all there is before the first mark.
    let mark = rest.find(['.', ':', ',', '—', '–', ';']).unwrap_or(rest.len());
    if let Some(value) = number(rest[..mark].trim()) {
        return Some(value);
    }
    let mut words = rest.splitn(2, ' ');
    let mut word = words.next()?;
    let mut after = words.next().unwrap_or("").trim_start();
    if word == "the" || word == "the\u{a0}" {
        (word, after) = after.split_once(' ').unwrap_or((after, ""));
    }
    let cut = word.find(['.', ':', ',', '—', '–', ';']).unwrap_or(word.len());
    let value = number(&word[..cut])?;
    let separated = cut < word.len() || after.starts_with(['—', '–', '-', ':', '(', '[']);
    (after.is_empty() || separated || shouted).then_some(value)
}

/// A number with a title behind it: `IV. The Road`, `3 — Le départ`. Prose may start so; only counting tells.
pub(crate) fn numbered_title(line: &str) -> Option<u32> {
    let line = line.trim();
    let end = line.find([' ', '.', ')', ':', '—', '–'])?;
    let rest = line[end..].trim_start_matches(['.', ')', ':', '—', '–', '-', ' ']);
    let divided = line[end..].len() > rest.len() + 1 || !line[end..].starts_with(' ');
    let shouted = !line.contains(char::is_lowercase);
    let ends = rest.ends_with(['.', '!', '?', '…', ':', ';', ',']);
    let title = rest.starts_with(|c: char| c.is_uppercase() || matches!(c, '“' | '«' | '"'));
    let digits = end <= 3 && line[..end].bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits {
        line[..end].parse().ok()
    } else {
        roman(&line[..end]).filter(|_| line[..end] == line[..end].to_uppercase())
    };
    value.filter(|_| divided && title && (!ends || shouted) && rest.chars().count() <= TITLE_CHARS)
}

/// No title behind a number is longer, characters.
const TITLE_CHARS: usize = 70;

/// It ends as sentences and pieces of them do, and titles do not unless they are shouted.
pub(crate) fn ends_like_prose(text: &str) -> bool {
    text.ends_with(['.', '!', '?', '…', ':', ';', ',', '”', '»', '"', '—', '-'])
}

/// A short line without an end, as titles have it.
pub(crate) fn reads_like_title(text: &str) -> bool {
    let opens = text.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    let shouted = !text.contains(char::is_lowercase);
    opens && text.chars().count() <= TITLE_LINE_CHARS && (!ends_like_prose(text) || shouted)
}

/// Letters and digits in lower case, all that two wordings of one title have to share.
pub(crate) fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A line that holds nothing but a number: `IV`, `IV.`, `12`.
pub(crate) fn bare_number(line: &str) -> Option<u32> {
    let line = line.trim().trim_end_matches('.').trim_matches(['—', '–', '-']).trim();
    if line.chars().any(char::is_lowercase) {
        return None;
    }
    let digits = line.len() <= 3 && line.bytes().all(|b| b.is_ascii_digit());
    if digits { line.parse().ok() } else { roman(line) }
}

/// Nothing but asterisks, dashes and other ornaments, as set between two scenes.
pub(crate) fn is_ornament(line: &str) -> bool {
    let mut marks = line.chars().filter(|c| !c.is_whitespace()).peekable();
    marks.peek().is_some()
        && line.chars().count() <= HEADING_CHARS
        && marks.all(|c| matches!(c, '*' | '·' | '•' | '—' | '–' | '-' | '_' | '=' | '~' | '#' | '⁂' | '†' | '❦' | '❧' | '✻' | '✽' | '◆' | '◊' | '♦' | '○' | '●' | '+' | '.' | '∗' | '⁎' | '※'))
        // A lone dash or stop is a slip, not an ornament.
        && (line.chars().filter(|c| !c.is_whitespace()).count() >= 3 || line.contains(['*', '⁂', '#', '❦', '❧', '✻', '✽', '◆', '◊', '♦', '•', '·', '∗', '⁎', '※', '~']))
}

/// The headings of one chapter as its title: `CHAPTER I.` and `The Road` are `CHAPTER I: The Road`.
pub(crate) fn joined(lines: &[&str]) -> String {
    let mut title = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            title.push_str(": ");
        }
        let bare =
            if index + 1 < lines.len() { line.trim_end_matches(['.', ':', ' ', '—', '–', '-']) } else { line };
        title.push_str(if bare.is_empty() { line } else { bare });
    }
    title
}

/// `THE END`, `FIN`, `Fin de la première partie`: closes a book or a part, tells nothing.
pub(crate) fn is_closing(line: &str) -> bool {
    let lower = line.trim().trim_matches(['.', '!', '—', '-', '*', ' ', '[', ']']).to_lowercase();
    if lower.chars().count() > 60 {
        return false;
    }
    matches!(lower.as_str(), "the end" | "fin" | "finis" | "end")
        || ["the end of ", "end of ", "fin de ", "fin du ", "fin des "].iter().any(|start| lower.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(&'static str, Option<u32>)> {
        heading_line(line).map(|heading| (heading.keyword, heading.number))
    }

    #[test]
    fn headings_of_both_languages_are_known() {
        assert_eq!(of("CHAPTER IV"), Some(("chapter", Some(4))));
        assert_eq!(of("Chapter 1. The Road"), Some(("chapter", Some(1))));
        assert_eq!(of("CHAPTER I THE ROAD"), Some(("chapter", Some(1))));
        assert_eq!(of("Chapter the First"), Some(("chapter", Some(1))));
        assert_eq!(of("CHAPITRE PREMIER"), Some(("chapter", Some(1))));
        assert_eq!(of("Chapitre II — Le départ"), Some(("chapter", Some(2))));
        assert_eq!(of("Stave I"), Some(("chapter", Some(1))));
        assert_eq!(of("LIVRE TROISIÈME"), Some(("book", Some(3))));
        assert_eq!(of("PREMIÈRE PARTIE"), Some(("part", Some(1))));
        assert_eq!(of("Prologue"), Some(("prologue", None)));
        assert_eq!(bare_number("XIV."), Some(14));
        assert_eq!(of("CHAPITRE VINGT ET UN"), Some(("chapter", Some(21))));
        assert_eq!(of("Chapter Thirty-Two: The Road"), Some(("chapter", Some(32))));
        assert_eq!(numbered_title("IV. The Road"), Some(4));
        assert_eq!(numbered_title("3 — Le départ"), Some(3));
        assert_eq!(numbered_title("I. A SCANDAL IN THE HOUSE."), Some(1));
        for line in ["I went home", "3 men came", "1805. The year was bad.", "V. went out", "IV."] {
            assert_eq!(numbered_title(line), None, "{line}");
        }
    }

    #[test]
    fn prose_is_no_heading() {
        for line in [
            "Part of me was glad.",
            "Chapter one was over when he came.",
            "Chapter and verse, he said.",
            "Book in hand, he left.",
            "Introduction over, they sat down.",
            "Six part songs were sung.",
            "I part from you.",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
        assert_eq!(bare_number("I"), Some(1));
        assert_eq!(bare_number("Mix"), None);
    }

    #[test]
    fn ornaments_are_breaks() {
        for line in ["* * *", "***", "⁂", "---", "— — —", "#", "* *"] {
            assert!(is_ornament(line), "{line}");
        }
        for line in ["—", ".", "", "a * b", "..?"] {
            assert!(!is_ornament(line), "{line}");
        }
    }
}
