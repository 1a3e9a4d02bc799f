//! Full stops that belong to an abbreviation, an initial or a number.

use std::sync::LazyLock;

use domain::language::Language;

use super::is_opener;
use crate::lexicon::{self, Lexicon};

/// Titles, written with a capital: a name follows, so they never end a sentence.
static TITLES_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "mr mrs ms messrs dr ste prof rev hon gen col capt lieut lt maj sgt serg corp cpl pte adm cdr gov sen supt insp \
         mt ft bro mme mlle mm mgr pres",
    )
});
static TITLES_FR: Lexicon = LazyLock::new(|| {
    lexicon::words("m mm mr mrs mme mmes mlle mlles mgr nngr dr pr prof st ste vve gén cap lt lieut s")
});
/// Abbreviations of both languages that something always follows, written in either case.
static LEADING: Lexicon = LazyLock::new(|| {
    lexicon::words("vs viz cf e.g i.e c.-à-d c.à.d p.ex ex p.s p.-s n.b n.-b env av ap ibid op cit abbr approx")
});
/// Those that a number follows, Arabic or Roman; elsewhere they are words like any other.
static BEFORE_NUMBERS: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "no nos n° vol vols ch chap chaps p pp fig figs art sec sect v vv l ll t tom tome liv par c ca st ste ed éd n num \
         nr pl sc f ff bk pt ps jan feb mar apr jun jul aug sept sep oct nov dec janv févr avr juil déc h hr hrs min s \
         d rue",
    )
});
/// These end a sentence only where what follows can only be the start of one.
static MAYBE: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "st col cap gén com adj lieut u.s u.k u.s.a e.u n.y d.c ste mt ft sr jr esq fr hon co bros ltd inc cie prof \
         vve bd av pl bt",
    )
});
/// Common first words of sentences that no name begins with.
static STARTERS_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "the an he she it they we i you his her its their our my your this that these those there here but and or nor so \
         yet then when where while if in on at by for from with after before as not no yes what who why how all some \
         once now perhaps even only still never nobody nothing everything everybody someone something",
    )
});
static STARTERS_FR: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "le la les l un une des il elle ils elles on je j nous vous tu ce c cette ces cet son sa ses mon ma mes leur \
         leurs mais et ou or donc car puis alors quand lorsque comme si dans sur à au aux en par pour avec sans après \
         avant ainsi enfin tout tous toute rien personne qui que qu quel quelle où d s n ne quelques plusieurs",
    )
});

/// Whether the sentence goes on behind a single full stop that `before` leads up to.
pub(super) fn goes_on(before: &str, after: &str, language: Language) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || is_opener(c) && c != '-').next().unwrap_or(before);
    let earlier = &before[..before.len() - word.len()];
    let lower = word.to_lowercase();
    let key = lower.as_str();
    if LEADING.contains(key) || is_title(word, key, language) {
        return true;
    }
    if is_number(after, language) && (BEFORE_NUMBERS.contains(key) || ends_like_measure(word)) {
        return true;
    }
    // `1. The first`: a number that opens a sentence or a list only counts.
    let counts = !word.is_empty() && word.len() <= 3 && word.chars().all(|c| c.is_ascii_digit());
    if counts && (earlier.trim().is_empty() || earlier.trim_end().ends_with([':', ';'])) {
        return true;
    }
    if MAYBE.contains(key) {
        return !starts(after, language);
    }
    is_initial(word, earlier, after, language)
}

fn is_title(word: &str, key: &str, language: Language) -> bool {
    let titles = match language {
        Language::En => &TITLES_EN,
        Language::Fr => &TITLES_FR,
    };
    word.starts_with(char::is_uppercase) && titles.contains(key)
}

/// `5`, `XII`: a number, Arabic or Roman. An English `I` is a pronoun.
fn is_number(after: &str, language: Language) -> bool {
    let word = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let roman = !word.is_empty() && word.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C' | 'D' | 'M'));
    after.starts_with(|c: char| c.is_ascii_digit()) || roman && (word != "I" || language == Language::Fr)
}

/// `2s` before `6d`.
fn ends_like_measure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(char::is_alphabetic)
}

/// What follows begins with a word that begins sentences, and is no initial itself.
fn starts(after: &str, language: Language) -> bool {
    let after = after.trim_start_matches(is_opener);
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    if after[word.len()..].starts_with('.') {
        return false;
    }
    let starters = match language {
        Language::En => &STARTERS_EN,
        Language::Fr => &STARTERS_FR,
    };
    starters.contains(word.to_lowercase().as_str())
}

/// `C. D.`, `J.-B.`, `J.R.R.`: single capitals with stops. The English pronoun `I` ends sentences too.
fn is_initial(word: &str, earlier: &str, after: &str, language: Language) -> bool {
    let mut letters = word.split(['.', '-']).filter(|part| !part.is_empty());
    let single = |part: &str| part.chars().count() == 1 && part.starts_with(char::is_uppercase);
    if word.is_empty() || !letters.all(single) {
        return false;
    }
    let next_is_initial = {
        let mut chars = after.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.next() == Some('.')
    };
    if word == "I" && language == Language::En {
        let earlier = earlier.trim_end();
        return next_is_initial || earlier.ends_with('.') && earlier.len() > 1;
    }
    after.starts_with(char::is_uppercase) && !starts(after, language)
}
