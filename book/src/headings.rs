//! What a heading looks like when nothing but its words says so.

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

const NUMBER_WORDS: &[(&str, u32)] = &[
    ("one", 1),
    ("first", 1),
    ("premier", 1),
    ("première", 1),
    ("premiere", 1),
    ("un", 1),
    ("the first", 1),
    ("two", 2),
    ("second", 2),
    ("seconde", 2),
    ("deux", 2),
    ("deuxième", 2),
    ("the second", 2),
    ("three", 3),
    ("third", 3),
    ("trois", 3),
    ("troisième", 3),
    ("the third", 3),
    ("four", 4),
    ("fourth", 4),
    ("quatre", 4),
    ("quatrième", 4),
    ("the fourth", 4),
    ("five", 5),
    ("fifth", 5),
    ("cinq", 5),
    ("cinquième", 5),
    ("the fifth", 5),
    ("six", 6),
    ("sixth", 6),
    ("sixième", 6),
    ("seven", 7),
    ("seventh", 7),
    ("sept", 7),
    ("septième", 7),
    ("eight", 8),
    ("eighth", 8),
    ("huit", 8),
    ("huitième", 8),
    ("nine", 9),
    ("ninth", 9),
    ("neuf", 9),
    ("neuvième", 9),
    ("ten", 10),
    ("tenth", 10),
    ("dix", 10),
    ("dixième", 10),
    ("eleven", 11),
    ("onze", 11),
    ("twelve", 12),
    ("douze", 12),
    ("thirteen", 13),
    ("treize", 13),
    ("fourteen", 14),
    ("quatorze", 14),
    ("fifteen", 15),
    ("quinze", 15),
    ("sixteen", 16),
    ("seize", 16),
    ("seventeen", 17),
    ("dix-sept", 17),
    ("eighteen", 18),
    ("dix-huit", 18),
    ("nineteen", 19),
    ("dix-neuf", 19),
    ("twenty", 20),
    ("vingt", 20),
    ("last", 0),
    ("dernier", 0),
];

/// No heading is longer, characters.
const MAX_CHARS: usize = 120;

/// The value of a roman numeral in either case, up to 399.
fn roman(text: &str) -> Option<u32> {
    let value = |c: char| match c.to_ascii_uppercase() {
        'I' => Some(1),
        'V' => Some(5),
        'X' => Some(10),
        'L' => Some(50),
        'C' => Some(100),
        _ => None,
    };
    let digits = text.chars().map(value).collect::<Option<Vec<u32>>>()?;
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    let sum = (0..digits.len()).fold(0i64, |sum, i| {
        let digit = i64::from(digits[i]);
        if digits.get(i + 1).is_some_and(|&next| next > digits[i]) { sum - digit } else { sum + digit }
    });
    u32::try_from(sum).ok().filter(|&n| n > 0)
}

/// A number in digits, roman numerals or words.
fn number(text: &str) -> Option<u32> {
    if text.len() <= 3 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    roman(text).or_else(|| NUMBER_WORDS.iter().find(|(word, _)| *word == text).map(|&(_, n)| n))
}

/// Reads a line as a heading: `CHAPTER IV`, `Chapitre premier. Le départ`, `TROISIÈME PARTIE`, `Prologue`.
pub(crate) fn heading_line(line: &str) -> Option<HeadingLine> {
    let line = line.trim();
    if line.is_empty() || line.chars().count() > MAX_CHARS {
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
        && line.chars().count() <= MAX_CHARS
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
    }

    #[test]
    fn prose_is_no_heading() {
        for line in [
            "Part of me was glad.",
            "Chapter one was over when he came.",
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
