//! What the lines that a source sets within a paragraph say of it: verse, or turns of a dialogue.

use domain::book::ParagraphKind;

/// The lines that breaks make of the paragraph that is open.
#[derive(Default)]
pub(crate) struct Lines {
    /// Bytes of its text at which each line after the first begins, or a space before.
    pub starts: Vec<usize>,
    /// Breaks since the last character.
    pub breaks: usize,
}

/// No line of verse is longer, characters.
const VERSE_CHARS: usize = 62;

impl Lines {
    /// The kind that the lines make of a paragraph of `kind`, and where they cut it into paragraphs of their own.
    /// `quoted`: it stands apart, as in a block quotation.
    pub fn judge(&self, text: &str, kind: ParagraphKind, quoted: bool) -> (ParagraphKind, Vec<usize>) {
        // Space at the end of the text is gone again.
        let starts: Vec<usize> = self.starts.iter().copied().filter(|&at| at > 0 && at < text.len()).collect();
        if starts.is_empty() || kind == ParagraphKind::Verse {
            return (kind, Vec::new());
        }
        let ends = starts.iter().copied().chain([text.len()]);
        let lines: Vec<&str> =
            [0].into_iter().chain(starts.iter().copied()).zip(ends).map(|(from, to)| text[from..to].trim()).collect();
        let turns = lines.iter().filter(|line| opens_turn(line)).count();
        let long = lines.iter().filter(|line| line.chars().count() > VERSE_CHARS * 2).count();
        if turns >= 2 || long * 2 >= lines.len() && lines.len() >= 3 {
            return (kind, starts);
        }
        let short = lines.iter().all(|line| line.chars().count() <= VERSE_CHARS);
        let opens =
            |line: &&&str| line.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase);
        let capitals = lines.iter().filter(opens).count();
        let verse = short && capitals * 10 >= lines.len() * 7 && (quoted || lines.len() >= 3);
        let plain = kind == ParagraphKind::Prose;
        (if verse && plain { ParagraphKind::Verse } else { kind }, Vec::new())
    }
}

/// It starts with a dash, or with a hyphen in its place, as turns of a dialogue do.
pub(crate) fn opens_turn(line: &str) -> bool {
    let hyphen = |rest: &str| rest.starts_with(|c: char| c == ' ' || c.is_uppercase());
    line.starts_with(['—', '–', '―']) || line.strip_prefix('-').is_some_and(hyphen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[&str], quoted: bool) -> (ParagraphKind, usize) {
        let mut starts = Vec::new();
        let mut text = String::new();
        for line in lines {
            if !text.is_empty() {
                starts.push(text.len());
                text.push(' ');
            }
            text.push_str(line);
        }
        let (kind, cuts) = Lines { starts, breaks: 0 }.judge(&text, ParagraphKind::Prose, quoted);
        (kind, cuts.len())
    }

    #[test]
    fn short_lines_with_capitals_are_verse() {
        assert_eq!(
            judged(&["The owl was there,", "And so was I,", "And so was she."], false),
            (ParagraphKind::Verse, 0)
        );
        assert_eq!(judged(&["The owl was there,", "And so was I."], true), (ParagraphKind::Verse, 0));
        assert_eq!(judged(&["It was late, and the fire", "was out."], false), (ParagraphKind::Prose, 0));
    }

    #[test]
    fn turns_of_a_dialogue_are_paragraphs() {
        assert_eq!(judged(&["— Non.", "— Si !", "— Jamais."], false), (ParagraphKind::Prose, 2));
        assert_eq!(judged(&["-Qui est là?", "-Personne."], false), (ParagraphKind::Prose, 1));
    }
}
