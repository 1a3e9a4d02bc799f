//! Where one line ends and the next begins: a divided word is mended, a real hyphen is kept.

use std::collections::HashMap;

use super::words::Page;

/// What stands between two lines of a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// A space.
    Space,
    /// Nothing: the line ends with a hyphen or dash that belongs there.
    Glue,
    /// Nothing, and the hyphen goes too; its length in bytes.
    Drop(usize),
}

/// The words that a book uses, and whether it divides words at ends of lines.
#[derive(Debug, Default)]
pub(super) struct Hyphens {
    counts: HashMap<String, u32>,
    /// Words that the book has in one piece elsewhere, and in two.
    divided: u32,
    compound: u32,
    /// Ends of lines in all, and those with a hyphen within a word.
    ends: u32,
    hyphened: u32,
    /// Dashes between two words without any space, and with some.
    tight: u32,
    loose: u32,
    /// First and last parts of words with hyphens.
    parts: HashMap<String, u32>,
    /// Hyphens of each kind within words, and at ends of lines.
    within: [u32; KINDS.len()],
    at_ends: [u32; KINDS.len()],
}

/// French words that hang on a verb or noun by a hyphen.
const ENCLITICS: &[&str] = &[
    "t", "je", "tu", "il", "elle", "on", "nous", "vous", "ils", "elles", "moi", "toi", "lui", "leur", "le", "la",
    "les", "y", "en", "ce", "ci", "là", "même", "mêmes", "être",
];
/// What is set before other words with a hyphen, and begins hardly any word without.
const PREFIXES: &[&str] = &["self", "half", "well", "demi", "semi", "quasi", "faux", "vice", "quatre"];

/// A French verb's ending and the pronoun behind it: `gardez-vous`, `mènes-tu`. No word is divided so.
fn hangs_on(verb: &str, pronoun: &str) -> bool {
    match pronoun {
        "vous" | "nous" => true,
        "tu" => verb.ends_with(['s', 'x']),
        "moi" | "lui" | "leur" | "le" | "la" | "les" | "y" | "en" => verb.ends_with('z'),
        "il" | "elle" | "on" | "ils" | "elles" => verb.ends_with("-t"),
        _ => false,
    }
}

/// Words known less often than this prove nothing.
const KNOWN: u32 = 2;
/// The book's vocabulary is not counted beyond this.
const MOST_WORDS: usize = 400_000;

/// Characters that show a hyphen. Some programs set another one where they divide a word than within words.
const KINDS: [char; 4] = ['-', '\u{ad}', '\u{2010}', '\u{2011}'];

fn is_hyphen(c: char) -> bool {
    KINDS.contains(&c)
}

fn kind(hyphen: char) -> usize {
    KINDS.iter().position(|&known| known == hyphen).unwrap_or(0)
}

fn is_dash(c: char) -> bool {
    matches!(c, '—' | '–')
}

/// Lower case, ligatures resolved, one kind of hyphen.
fn normal(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match super::ligature(c) {
            Some(letters) => out.push_str(letters),
            None if is_hyphen(c) => out.push('-'),
            None if c == '’' => out.push('\''),
            None => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// A word without what surrounds it.
fn trim(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

impl Hyphens {
    /// Counts the words of all pages, apart from the last of each line, which may be half of one.
    pub fn of(pages: &[Page]) -> Self {
        let mut hyphens = Self::default();
        for (page, fragment) in pages.iter().flat_map(|page| page.fragments.iter().map(move |f| (page, f))) {
            let texts: Vec<&str> = fragment.words.iter().map(|&word| page.word(word)).collect();
            for (index, text) in texts.iter().enumerate() {
                let inner = text.trim_matches(is_dash);
                hyphens.tight += u32::from(inner.contains(is_dash));
                hyphens.loose += u32::from(index > 0 && index + 1 < texts.len() && inner.is_empty());
                let half = index + 1 == texts.len() && text.ends_with(is_hyphen);
                let inner = text.trim_matches(|c: char| !c.is_alphanumeric());
                inner.chars().filter(|&c| is_hyphen(c)).for_each(|c| hyphens.within[kind(c)] += 1);
                if half {
                    continue;
                }
                if let (Some((first, _)), Some((_, last))) = (inner.split_once(is_hyphen), inner.rsplit_once(is_hyphen))
                {
                    for part in [first, last] {
                        *hyphens.parts.entry(normal(part)).or_default() += 1;
                    }
                }
                // `qu'elle` is two words, `lamp—and` too.
                for word in text.split(|c: char| is_dash(c) || matches!(c, '\'' | '’')) {
                    let word = trim(word);
                    if !word.is_empty() && hyphens.counts.len() < MOST_WORDS {
                        *hyphens.counts.entry(normal(word)).or_default() += 1;
                    }
                }
            }
        }
        hyphens
    }

    /// How often the book uses a word.
    pub fn count(&self, word: &str) -> u32 {
        self.counts.get(&normal(trim(word))).copied().unwrap_or(0)
    }

    /// The word that a line ends with in a hyphen, and the one that the next begins with.
    fn halves<'t>(end: &'t str, start: &'t str) -> Option<(&'t str, &'t str, char)> {
        let hyphen = end.chars().next_back().filter(|&c| is_hyphen(c))?;
        let left = end.trim_end_matches(is_hyphen);
        // `--` is a dash.
        if end.len() - left.len() != hyphen.len_utf8() || !left.ends_with(char::is_alphanumeric) {
            return None;
        }
        let ends = |c: char| c.is_whitespace() || is_dash(c) || matches!(c, '\'' | '’');
        let left = left.rsplit(ends).next().unwrap_or(left);
        let right = start.split(ends).next().unwrap_or(start);
        right.starts_with(char::is_alphanumeric).then(|| (trim(left), trim(right), hyphen))
    }

    /// Takes one end of a line into account.
    pub fn learn(&mut self, end: &str, start: &str) {
        self.ends += 1;
        let Some((left, right, hyphen)) = Self::halves(end, start) else { return };
        self.hyphened += 1;
        self.at_ends[kind(hyphen)] += 1;
        let (whole, compound) = self.both(left, right);
        self.divided += u32::from(whole > compound);
        self.compound += u32::from(compound > whole);
    }

    /// How often the book has the two halves in one piece, and with a hyphen.
    fn both(&self, left: &str, right: &str) -> (u32, u32) {
        (self.count(&format!("{left}{right}")), self.count(&format!("{left}-{right}")))
    }

    /// The book divides words where lines end.
    fn divides(&self) -> bool {
        if self.divided + self.compound >= 3 {
            return self.divided * 2 >= self.compound;
        }
        // One line of fifty is more than compounds alone make.
        self.divided > 0 || self.compound == 0 && self.hyphened * 50 >= self.ends
    }

    /// What stands between a line and the next one of its paragraph.
    pub fn joint(&self, end: &str, start: &str) -> Joint {
        let end = end.trim_end();
        if let Some((left, right, hyphen)) = Self::halves(end, start) {
            return if self.keeps(left, right, hyphen) { Joint::Glue } else { Joint::Drop(hyphen.len_utf8()) };
        }
        let tight = self.tight > 2 * self.loose;
        let dashed = end.ends_with("--") || tight && end.ends_with(is_dash);
        let dashes_on = start.starts_with("--") || tight && start.starts_with(is_dash);
        if dashed || dashes_on { Joint::Glue } else { Joint::Space }
    }

    fn keeps(&self, left: &str, right: &str, hyphen: char) -> bool {
        if self.within[kind(hyphen)] == 0 && hyphen != '-' {
            return false;
        }
        let dividing =
            (1..KINDS.len()).filter(|&kind| self.within[kind] == 0).map(|kind| self.at_ends[kind]).sum::<u32>();
        if hyphen == '-' && dividing >= 3 {
            return true;
        }
        let (whole, compound) = self.both(left, right);
        if whole != compound {
            return compound > whole;
        }
        if right.starts_with(|c: char| c.is_uppercase() || c.is_numeric()) || left.ends_with(char::is_numeric) {
            return true;
        }
        let hangs = normal(right.split(is_hyphen).next().unwrap_or(right));
        if hangs_on(&normal(left), &hangs) || ENCLITICS.contains(&hangs.as_str()) && self.count(left) >= KNOWN {
            return true;
        }
        if PREFIXES.contains(&normal(left).as_str()) {
            return true;
        }
        let compounds = [left, right].iter().any(|half| self.parts.contains_key(&normal(half)));
        let words =
            compounds && [left, right].iter().all(|half| half.chars().count() >= 3 && self.count(half) >= KNOWN);
        !self.divides() || words
    }
}
