//! Words and marks of a sentence, cut as the treebanks of the two languages cut them: `did` `n’t`, `l’` `homme`,
//! `dit` `-il`.

use std::ops::Range;

use domain::language::Language;

/// French words that hold an apostrophe.
const WHOLE_FR: &[&str] = &["aujourd'hui", "quelqu'un", "quelqu'une", "prud'homme", "presqu'île", "entr'acte"];
/// Pronouns that French hangs on a verb.
const ENCLITICS_FR: &[&str] = &[
    "-t-il", "-t-elle", "-t-on", "-t-ils", "-t-elles", "-il", "-elle", "-on", "-ils", "-elles", "-je", "-tu", "-nous",
    "-vous", "-moi", "-toi", "-le", "-la", "-les", "-lui", "-leur", "-y", "-en", "-ce",
];
/// What English hangs on a word, without its apostrophe.
const ENCLITICS_EN: &[&str] = &["s", "ll", "re", "ve", "d", "m"];
/// French compounds that end like an enclitic.
const COMPOUNDS_FR: &[&str] = &["rendez-vous", "peut-on", "au-delà"];

/// The words and marks of a sentence, in order; what lies between them is white space.
pub(super) fn of(sentence: &str, language: Language) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = sentence[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let end = at + if c.is_alphanumeric() { word(&sentence[at..]) } else { mark(&sentence[at..], c) };
        if c.is_alphabetic() {
            parts(sentence, at..end, language, &mut words);
        } else {
            words.push(at..end);
        }
        at = end;
    }
    words
}

/// Length of the run of letters, digits, and marks between them that hold a word together.
fn word(text: &str) -> usize {
    let mut end = 0;
    while let Some(c) = text[end..].chars().next() {
        let next = text[end + c.len_utf8()..].chars().next();
        let joins = match c {
            '\'' | '’' => next.is_some_and(char::is_alphanumeric),
            '-' | '‑' | '\u{ad}' | '\u{2060}' => next.is_some_and(char::is_alphanumeric),
            '.' | ',' | ':' => {
                let before = text[..end].chars().next_back();
                before.is_some_and(|b| b.is_ascii_digit()) && next.is_some_and(|n| n.is_ascii_digit())
                    || c == '.' && before.is_some_and(char::is_uppercase) && next.is_some_and(char::is_uppercase)
            }
            _ => c.is_alphanumeric() || is_combining(c),
        };
        if !joins {
            // A stop inside a sentence belongs to the abbreviation before it.
            let abbreviated = c == '.' && text[..end].ends_with(char::is_alphabetic);
            let goes_on = next == Some(',') || next == Some(' ');
            return end + usize::from(abbreviated && goes_on);
        }
        end += c.len_utf8();
    }
    end
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Length of a mark: dots and hyphens in a row are one.
fn mark(text: &str, c: char) -> usize {
    let run = if matches!(c, '.' | '-') { text.len() - text.trim_start_matches(c).len() } else { 0 };
    run.max(c.len_utf8())
}

/// Cuts a word where something hangs on it.
fn parts(sentence: &str, word: Range<usize>, language: Language, words: &mut Vec<Range<usize>>) {
    let lower = sentence[word.clone()].to_lowercase().replace('’', "'");
    // Lower case may have another length; places are then those of the whole word.
    if lower.chars().count() != sentence[word.clone()].chars().count() {
        words.push(word);
        return;
    }
    let mut cuts: Vec<usize> = match language {
        Language::En => english_cut(&sentence[word.clone()]).into_iter().collect(),
        Language::Fr if WHOLE_FR.contains(&lower.as_str()) || COMPOUNDS_FR.contains(&lower.as_str()) => Vec::new(),
        Language::Fr => french_cuts(&sentence[word.clone()]),
    };
    cuts.push(word.len());
    let mut start = 0;
    for cut in cuts {
        words.push(word.start + start..word.start + cut);
        start = cut;
    }
}

/// `did|n’t`, `Tom|’s`.
fn english_cut(word: &str) -> Option<usize> {
    let at = word.rfind(['\'', '’'])?;
    let mark = word[at..].chars().next().map_or(1, char::len_utf8);
    let tail = &word[at + mark..];
    if tail.eq_ignore_ascii_case("t") && word[..at].ends_with(['n', 'N']) {
        return (at > 1).then_some(at - 1);
    }
    let hangs = ENCLITICS_EN.iter().any(|enclitic| tail.eq_ignore_ascii_case(enclitic));
    (hangs && at > 0).then_some(at)
}

/// `l’|homme`, `qu’|il`, `dit|-il`.
fn french_cuts(word: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut start = 0;
    while let Some(found) = word[start..].find(['\'', '’']) {
        let at = start + found;
        let end = at + word[at..].chars().next().map_or(1, char::len_utf8);
        // Elided words are short: `l’`, `qu’`, `lorsqu’`; `grand’mère` is one.
        let elided = word[start..at].chars().count() <= 2 || word[start..at].ends_with("qu");
        if elided && end < word.len() {
            cuts.push(end);
        }
        start = end;
    }
    let from = cuts.last().copied().unwrap_or(0);
    let enclitic =
        ENCLITICS_FR.iter().find(|enclitic| word[from..].len() > enclitic.len() && word.ends_with(**enclitic));
    cuts.extend(enclitic.map(|enclitic| word.len() - enclitic.len()));
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sentence: &str, language: Language) -> String {
        of(sentence, language).into_iter().map(|range| &sentence[range]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn english_words_part_from_what_hangs_on_them() {
        assert_eq!(cut("“I didn’t,” Tom’s dog can't.", Language::En), "“ I did n’t , ” Tom ’s dog ca n't .");
        assert_eq!(cut("Mr. Bell paid 3.50 -- at once...", Language::En), "Mr. Bell paid 3.50 -- at once ...");
        assert_eq!(cut("The old-fashioned o’clock.", Language::En), "The old-fashioned o’clock .");
    }

    #[test]
    fn french_words_part_from_what_is_elided_or_inverted() {
        assert_eq!(cut("« Qu’as-tu ? » dit-il à l’homme.", Language::Fr), "« Qu’ as -tu ? » dit -il à l’ homme .");
        assert_eq!(cut("Y a-t-il quelqu’un aujourd'hui ?", Language::Fr), "Y a -t-il quelqu’un aujourd'hui ?");
        assert_eq!(
            cut("Lorsqu’il vit grand’mère, peut-être…", Language::Fr),
            "Lorsqu’ il vit grand’mère , peut-être …"
        );
        assert_eq!(cut("M. Petit vint.", Language::Fr), "M. Petit vint .");
    }
}
