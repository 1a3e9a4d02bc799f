//! Numbers as headings have them: digits, roman numerals, and words of both languages up to 199.

/// English units with their ordinals.
const UNITS_EN: &[(&str, &str, u32)] = &[
    ("one", "first", 1),
    ("two", "second", 2),
    ("three", "third", 3),
    ("four", "fourth", 4),
    ("five", "fifth", 5),
    ("six", "sixth", 6),
    ("seven", "seventh", 7),
    ("eight", "eighth", 8),
    ("nine", "ninth", 9),
    ("ten", "tenth", 10),
    ("eleven", "eleventh", 11),
    ("twelve", "twelfth", 12),
    ("thirteen", "thirteenth", 13),
    ("fourteen", "fourteenth", 14),
    ("fifteen", "fifteenth", 15),
    ("sixteen", "sixteenth", 16),
    ("seventeen", "seventeenth", 17),
    ("eighteen", "eighteenth", 18),
    ("nineteen", "nineteenth", 19),
    ("twenty", "twentieth", 20),
    ("thirty", "thirtieth", 30),
    ("forty", "fortieth", 40),
    ("fifty", "fiftieth", 50),
    ("sixty", "sixtieth", 60),
    ("seventy", "seventieth", 70),
    ("eighty", "eightieth", 80),
    ("ninety", "ninetieth", 90),
    ("hundred", "hundredth", 100),
];
/// French ones, with the stem that `ième` follows.
const UNITS_FR: &[(&str, &str, u32)] = &[
    ("un", "un", 1),
    ("une", "un", 1),
    ("premier", "", 1),
    ("première", "", 1),
    ("premiere", "", 1),
    ("deux", "deux", 2),
    ("second", "", 2),
    ("seconde", "", 2),
    ("trois", "trois", 3),
    ("quatre", "quatr", 4),
    ("cinq", "cinqu", 5),
    ("six", "six", 6),
    ("sept", "sept", 7),
    ("huit", "huit", 8),
    ("neuf", "neuv", 9),
    ("dix", "dix", 10),
    ("onze", "onz", 11),
    ("douze", "douz", 12),
    ("treize", "treiz", 13),
    ("quatorze", "quatorz", 14),
    ("quinze", "quinz", 15),
    ("seize", "seiz", 16),
    ("vingt", "vingt", 20),
    ("vingts", "", 20),
    ("trente", "trent", 30),
    ("quarante", "quarant", 40),
    ("cinquante", "cinquant", 50),
    ("soixante", "soixant", 60),
    ("cent", "cent", 100),
];

/// The value of a roman numeral in either case, up to 399.
pub(crate) fn roman(text: &str) -> Option<u32> {
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

/// What stands behind the digits of an ordinal: `1er`, `2e`, `3rd`.
const ORDINAL: &[char] = &['e', 'r', 'è', 'm', 's', 't', 'h', 'n', 'd', 'º', '°'];

/// A number in digits, roman numerals or words; lower case. `1er` and `2e` count too.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(ORDINAL);
    if (1..=3).contains(&digits.len()) && text.len() <= digits.len() + 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.parse().ok();
    }
    roman(text).or_else(|| words(text))
}

/// `twenty-one`, `vingt et unième`, `quatre-vingt-dix`; the last of a book counts as 0.
fn words(text: &str) -> Option<u32> {
    if matches!(text, "last" | "dernier" | "dernière") {
        return Some(0);
    }
    let mut total = 0;
    let mut count = 0;
    for word in text.split(['-', ' ', '\u{2011}']).filter(|word| !matches!(*word, "et" | "and" | "the" | "")) {
        count += 1;
        total = match word_value(word)? {
            100 => total.max(1) * 100,
            20 if total % 100 == 4 => total + 76,
            value => total + value,
        };
    }
    (count > 0 && count <= 5 && total < 200).then_some(total)
}

fn word_value(word: &str) -> Option<u32> {
    let stem = word.strip_suffix("ième").or_else(|| word.strip_suffix("ieme"));
    let english = UNITS_EN.iter().find(|(cardinal, ordinal, _)| *cardinal == word || *ordinal == word);
    let french = UNITS_FR.iter().find(|(cardinal, ordinal, _)| {
        *cardinal == word || stem.is_some_and(|stem| !ordinal.is_empty() && *ordinal == stem)
    });
    english.or(french).map(|&(_, _, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_words_of_both_languages() {
        for (text, value) in [
            ("twenty-one", 21),
            ("thirty-second", 32),
            ("one hundred and four", 104),
            ("vingt et un", 21),
            ("vingt-deuxième", 22),
            ("soixante-dix-sept", 77),
            ("quatre-vingt-dix-neuf", 99),
            ("quatre-vingts", 80),
            ("dix-neuvième", 19),
            ("cinquième", 5),
            ("1er", 1),
            ("12e", 12),
            ("xlii", 42),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "the", "twenty lamps", "et", "1805x"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
