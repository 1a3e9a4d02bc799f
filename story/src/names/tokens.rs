//! Words of a sentence, with what matters for names: capitals, and whether a capital may be owed to the
//! word's place.

use super::lexicon;

/// One word of a sentence. Words are cut at apostrophes, so that "d'Eldorado" and "Scrooge's" show the name;
/// hyphens hold a word together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// The word.
    pub text: &'a str,
    /// First byte in the sentence.
    pub start: usize,
    /// Any word in this place would have a capital: it opens a sentence, a quotation, a turn of dialogue.
    pub opens: bool,
    /// Nothing but white space, an apostrophe or an abbreviation's dot stands between this word and the
    /// one before.
    pub joined: bool,
}

impl Token<'_> {
    /// It starts with a capital.
    pub fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    /// A Roman numeral, or the French "Ier" and "Ire".
    pub fn is_numeral(&self) -> bool {
        let digits = self.text.strip_suffix("er").or(self.text.strip_suffix("re")).unwrap_or(self.text);
        !digits.is_empty() && digits.chars().all(|c| "IVXLCDM".contains(c))
    }

    /// One past the last byte in the sentence.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// The words of `sentence`. In verse every line starts with a capital, and lines are folded into one, so
/// each word of `verse` counts as an opening one.
pub(crate) fn tokens(sentence: &str, verse: bool) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while let Some(start) = sentence[at..].find(char::is_alphanumeric).map(|i| at + i) {
        let end = word_end(sentence, start);
        let gap = &sentence[at..start];
        let last = tokens.last().map(|t| t.text);
        // The dot of "Mr." and "J." ends no sentence.
        let gap = if last.is_some_and(takes_dot) { gap.strip_prefix('.').unwrap_or(gap) } else { gap };
        tokens.push(Token {
            text: &sentence[start..end],
            start,
            opens: verse || last.is_none() || opens(gap),
            joined: last.is_some() && joins(gap),
        });
        at = end;
    }
    tokens
}

fn takes_dot(word: &str) -> bool {
    lexicon::is_abbreviation(word) || (word.chars().count() == 1 && word.chars().all(char::is_uppercase))
}

/// End of the word that starts at `start`: alphanumerics, with hyphens inside, and the apostrophe of
/// "O'Brien".
fn word_end(sentence: &str, start: usize) -> usize {
    let mut end = start;
    let mut rest = sentence[start..].chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let irish = is_apostrophe(c) && matches!(&sentence[start..end], "O" | "M") && after.is_uppercase();
        let inside = matches!(c, '-' | '\u{2010}' | '\u{2011}') || irish;
        if !(c.is_alphanumeric() || is_mark(c) || (inside && after.is_alphanumeric())) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// A combining accent, which belongs to the letter before it.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn opens(gap: &str) -> bool {
    let marks = ['.', '!', '?', '…', ':', '“', '”', '«', '»', '„', '"', '(', '[', ']', '—', '–', '‘', '*', '_'];
    // A straight mark or a dash that is not part of a word.
    gap.contains(marks) || gap.contains(" '") || gap.contains("--") || gap.contains(" -")
}

fn joins(gap: &str) -> bool {
    let mut chars = gap.chars();
    gap.chars().all(char::is_whitespace) || (chars.next().is_some_and(is_apostrophe) && chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid_sentence(text: &str) -> Vec<&str> {
        tokens(text, false).into_iter().filter(|t| t.is_capitalised() && !t.opens).map(|t| t.text).collect()
    }

    #[test]
    fn capitals_that_any_word_would_have_there_are_told_from_a_names_own() {
        assert_eq!(mid_sentence("Then Ada met Mr. Bly. “Come,” said Cole. “Go!”"), ["Ada", "Mr", "Bly", "Cole"]);
        assert_eq!(mid_sentence("Il dit : « Venez. » — Oui, répond Zoé. --Non."), ["Zoé"]);
    }

    #[test]
    fn names_are_seen_behind_elisions_and_before_possessives() {
        assert_eq!(mid_sentence("Le pays d'Orsenne est loin d’Ys."), ["Orsenne", "Ys"]);
        assert_eq!(mid_sentence("It was Ada’s hat, not O’Brien's."), ["Ada", "O’Brien"]);
    }

    #[test]
    fn a_hyphen_holds_a_word_together_and_a_dash_does_not() {
        assert_eq!(mid_sentence("He saw Jean-Luc--Marie was late."), ["Jean-Luc"]);
    }

    #[test]
    fn verse_proves_nothing() {
        let all = tokens("The sea is wide And Ada sings", true);
        assert!(all.iter().all(|t| t.opens));
    }

    #[test]
    fn words_join_over_spaces_and_the_dots_of_abbreviations_only() {
        let joined = |text| tokens(text, false).iter().map(|t| t.joined).collect::<Vec<_>>();
        assert_eq!(joined("Mr. Bly, Cole"), [false, true, false]);
        assert_eq!(joined("Bob. Cole"), [false, false]);
    }
}
