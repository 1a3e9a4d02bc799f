//! Where one sentence ends and the next begins, in English and in French.
//!
//! A rule-based splitter in the manner of the Golden Rules (Kiss and Strunk's Punkt needs training data
//! and gains little on edited prose): a terminator, with whatever closes behind it, ends a sentence when
//! white space follows, unless the word before is an abbreviation or an initial, or the text goes on in
//! lower case, as it does after spoken words: « Non ! » dit-il. / “Who?” said he.

use std::ops::Range;

use domain::language::Language;

/// Titles, written with a capital: a name follows, so they never end a sentence.
const TITLES_EN: &[&str] = &[
    "mr", "mrs", "ms", "messrs", "dr", "st", "ste", "prof", "rev", "hon", "gen", "col", "capt", "lieut", "lt", "maj",
    "sgt", "corp", "gov", "sen", "supt", "mt", "ft", "fr", "bro", "mme", "mlle", "mm",
];
const TITLES_FR: &[&str] = &[
    "m", "mm", "mr", "mrs", "mme", "mmes", "mlle", "mlles", "mgr", "me", "dr", "pr", "st", "ste", "vve", "gén", "cap",
    "lt", "col",
];
/// Abbreviations of both languages that something always follows, written in either case.
const LEADING: &[&str] = &["vs", "viz", "cf", "vol", "fig", "pp", "p", "nos", "chap", "e.g", "i.e", "c.-à-d", "p.ex"];
/// May end a sentence: they do when what follows looks like the start of one.
const TRAILING: &[&str] = &[
    "etc", "co", "inc", "ltd", "jr", "sr", "esq", "a.m", "p.m", "b.c", "a.d", "j.-c", "no", "ph.d", "m.d", "u.s",
    "bros",
];
/// Between a closing quotation mark and these words' subject, no sentence ends: “Stop!” Scrooge cried.
const SPEECH_EN: &[&str] = &[
    "said",
    "says",
    "cried",
    "asked",
    "replied",
    "answered",
    "returned",
    "exclaimed",
    "shouted",
    "whispered",
    "murmured",
    "muttered",
    "continued",
    "added",
    "began",
    "repeated",
    "inquired",
    "remarked",
    "observed",
    "called",
    "faltered",
    "screamed",
    "growled",
    "sighed",
    "thought",
    "demanded",
    "suggested",
    "went",
];

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽')
}

fn is_closer(c: char) -> bool {
    matches!(c, '”' | '’' | '"' | '\'' | ')' | ']' | '»' | '›' | '\u{2060}')
}

/// Marks that may stand before the first word of a sentence.
fn is_opener(c: char) -> bool {
    matches!(
        c,
        '“' | '‘' | '"' | '\'' | '(' | '[' | '«' | '‹' | '—' | '–' | '-' | '―' | '\u{2060}' | '_' | '*' | '¿' | '¡'
    ) || c.is_whitespace()
}

/// The sentences of one paragraph whose white space is folded: in order, disjoint, trimmed; only white
/// space lies between them.
pub(crate) fn split(text: &str, language: Language) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(is_terminator) {
        let mark = at + found;
        let end = end_of_closers(text, mark, language);
        let rest = &text[end..];
        if !rest.starts_with(char::is_whitespace) {
            at = end;
            continue;
        }
        if ends_sentence(&text[start..mark], &text[mark..end], rest.trim_start(), language) {
            push_trimmed(&mut sentences, text, start..end);
            start = end;
        }
        at = end;
    }
    push_trimmed(&mut sentences, text, start..text.len());
    sentences
}

fn push_trimmed(sentences: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    let end = start + inner.trim().len();
    if start >= end {
        return;
    }
    match sentences.last_mut() {
        // A stray mark belongs to what it follows.
        Some(last) if !text[start..end].contains(char::is_alphanumeric) => last.end = end,
        _ => sentences.push(start..end),
    }
}

/// One past the terminators and closing marks that start at `mark`.
fn end_of_closers(text: &str, mark: usize, language: Language) -> usize {
    let mut end = mark;
    loop {
        let rest = &text[end..];
        match rest.chars().next() {
            Some(c) if is_terminator(c) || is_closer(c) => end += c.len_utf8(),
            // French sets its guillemets and high marks off by a space.
            Some(c) if c.is_whitespace() && language == Language::Fr => {
                let after = rest.trim_start();
                match after.chars().next() {
                    Some(c @ ('»' | '›' | '!' | '?')) => end += rest.len() - after.len() + c.len_utf8(),
                    _ => return end,
                }
            }
            _ => return end,
        }
    }
}

/// Whether a sentence ends between `before` + `marks` and `after`, which white space divides.
fn ends_sentence(before: &str, marks: &str, after: &str, language: Language) -> bool {
    // Some editions set an ellipsis off behind a full stop: `They said. … but no.`
    let words = after.trim_start_matches(|c| is_opener(c) || c == '…');
    let Some(first) = words.chars().next() else { return true };
    if first.is_lowercase() {
        return false;
    }
    let closed = marks.chars().next_back().is_some_and(|c| is_closer(c) && c != ')' && c != ']');
    if closed && language == Language::En && is_incise(after) {
        return false;
    }
    if marks != "." {
        return true;
    }
    !is_abbreviation(before, after, language)
}

/// `Scrooge cried`, `I said`, `the Spirit said`: who spoke the words that were just closed.
fn is_incise(after: &str) -> bool {
    if after.starts_with(|c: char| !c.is_alphabetic()) {
        return false;
    }
    let mut words = after.split(' ').take(3).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let Some(first) = words.next() else { return false };
    let is_subject = first.starts_with(char::is_uppercase) && !SPEECH_EN.contains(&first.to_lowercase().as_str());
    let titled = is_title(first, Language::En);
    is_subject && words.take(if titled { 2 } else { 1 }).any(|word| SPEECH_EN.contains(&word))
}

/// The word before a single full stop is an abbreviation or an initial that goes on.
fn is_abbreviation(before: &str, after: &str, language: Language) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || is_opener(c) && c != '-').next().unwrap_or(before);
    let lower = word.to_lowercase();
    // `No. 5`, `c. 1805`: what follows decides.
    if after.starts_with(|c: char| c.is_ascii_digit()) && (TRAILING.contains(&lower.as_str()) || lower == "c") {
        return true;
    }
    if TRAILING.contains(&lower.as_str()) {
        return false;
    }
    if LEADING.contains(&lower.as_str()) || is_title(word, language) {
        return true;
    }
    // `1. The first`: a number that opens a sentence only counts.
    if before.trim_start().len() == word.len() && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) {
        return true;
    }
    is_initial(word, &before[..before.len() - word.len()], after, language)
}

fn is_title(word: &str, language: Language) -> bool {
    let titles = match language {
        Language::En => TITLES_EN,
        Language::Fr => TITLES_FR,
    };
    word.starts_with(char::is_uppercase) && titles.contains(&word.to_lowercase().as_str())
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
        return next_is_initial || earlier.trim_end().ends_with('.') && earlier.trim_end().len() > 1;
    }
    after.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn en(text: &str) -> Vec<&str> {
        split(text, Language::En).into_iter().map(|range| &text[range]).collect()
    }

    fn fr(text: &str) -> Vec<&str> {
        split(text, Language::Fr).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn titles_initials_and_numbers_do_not_end_sentences() {
        assert_eq!(en("Mr. Bell met Dr. Ash at St. Giles. They spoke.").len(), 2);
        assert_eq!(en("J. R. Bell paid 3.50 to Mrs. Ash, No. 5. It was late.").len(), 2);
        assert_eq!(fr("M. Durand vit Mme. Blanc et J.-B. Petit. Il salua.").len(), 2);
        assert_eq!(en("So do I. Then we agree."), ["So do I.", "Then we agree."]);
        assert_eq!(en("He left at 5 p.m. The lamps were lit.").len(), 2);
        assert_eq!(fr("Il remonta son col. Il partit.").len(), 2);
    }

    #[test]
    fn spoken_words_stay_with_who_speaks_them() {
        assert_eq!(fr("« Non ! » dit-il. Elle rit."), ["« Non ! » dit-il.", "Elle rit."]);
        assert_eq!(fr("— Oui ! — Non ? répondit-elle."), ["— Oui !", "— Non ? répondit-elle."]);
        assert_eq!(en("“Who is it?” said Ann. “Me!” Tom cried."), ["“Who is it?” said Ann.", "“Me!” Tom cried."]);
        assert_eq!(en("“I know. You don’t.” He left."), ["“I know.", "You don’t.”", "He left."]);
        assert_eq!(en("\"Go!\" Mr. Bell said. \"Now.\""), ["\"Go!\" Mr. Bell said.", "\"Now.\""]);
    }

    #[test]
    fn an_ellipsis_ends_a_sentence_only_before_a_capital() {
        assert_eq!(en("Well… perhaps. Well... Perhaps."), ["Well… perhaps.", "Well...", "Perhaps."]);
        assert_eq!(en("So be it. … Whom? I say. … but no."), ["So be it. …", "Whom?", "I say. … but no."]);
        assert_eq!(fr("Il attendit… puis partit. Rien…"), ["Il attendit… puis partit.", "Rien…"]);
    }

    #[test]
    fn french_marks_set_off_by_spaces_stay_with_their_sentence() {
        assert_eq!(
            fr("Qui va là ? Personne ! Il dit : « Bien. » Puis rien."),
            ["Qui va là ?", "Personne !", "Il dit : « Bien. »", "Puis rien."]
        );
    }

    #[test]
    fn text_without_an_end_is_one_sentence() {
        assert_eq!(en("no end"), ["no end"]);
        assert!(en("  ").is_empty());
        assert_eq!(en("..."), ["..."]);
    }
}
