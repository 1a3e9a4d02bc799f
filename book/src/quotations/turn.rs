//! How far spoken words reach, and which marked words are none.

use std::cell::OnceCell;

use domain::language::Language;

use super::{marks, said, speech};

/// Where the turn ends that a paragraph opens with a dash of `dash` bytes; `ends` are its sentences' ends.
pub(super) fn end(text: &str, dash: usize, ends: &[usize], language: Language) -> usize {
    if text[dash..].starts_with(['«', '“', '"']) {
        return marked_end(text, dash, ends, language);
    }
    let paragraph = Sentences { text, ends, language, last_spoken: OnceCell::new() };
    let mut reached = dash;
    let mut start = dash;
    for (index, &stop) in ends.iter().enumerate() {
        let sentence = &text[start..stop];
        let said = said::find(sentence, language).or_else(|| (index > 0).then(|| said::opening(sentence, language))?);
        match said {
            Some(said)
                if !said::resumes(
                    &text[dash..start + said.verb.start],
                    &sentence[said.verb.end..],
                    false,
                    language,
                ) =>
            {
                let words = dash + words_end(&text[dash..start + said.verb.start]);
                reached = reached.max(words);
                if paragraph.is_told_from(index + 1) {
                    return reached;
                }
            }
            Some(_) => reached = stop,
            None if index > 0 && paragraph.is_told_from(index) => return reached,
            None => reached = stop,
        }
        start = stop;
    }
    reached.max(dash)
}

/// The sentences of a paragraph that opens a turn.
struct Sentences<'a> {
    text: &'a str,
    ends: &'a [usize],
    language: Language,
    /// Index of the last sentence that plainly is somebody's words; looked for once.
    last_spoken: OnceCell<Option<usize>>,
}

impl Sentences<'_> {
    fn sentence(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[index]]
    }

    /// Whether from a sentence on the story tells: that one does, and none that follows is spoken.
    fn is_told_from(&self, index: usize) -> bool {
        if index >= self.ends.len() {
            return true;
        }
        let last_spoken = || {
            let spoken = |&index: &usize| {
                let sentence = self.sentence(index);
                let quoted = sentence.contains(['«', '“', '"']);
                !quoted && (speech::is_exclaimed(sentence) || speech::is_spoken(sentence, self.language))
            };
            (0..self.ends.len()).rev().find(spoken)
        };
        speech::is_told(self.sentence(index), self.language)
            && self.last_spoken.get_or_init(last_spoken).is_none_or(|last| last <= index)
    }
}

/// The end of the spoken words before a clause that says who speaks: less the comma that ties it to them.
fn words_end(words: &str) -> usize {
    words.trim_end().trim_end_matches(|c: char| matches!(c, ',' | ';' | '—' | '–' | ':') || c.is_whitespace()).len()
}

/// A turn whose words stand between marks behind the dash: to the mark that closes them, and on to the next one
/// where only "said he" stands between, or where no mark opened it.
fn marked_end(text: &str, dash: usize, ends: &[usize], language: Language) -> usize {
    let Some(pair) = text[dash..].chars().next().and_then(|c| marks::Pair::of(c, false)) else { return text.len() };
    let inside = dash + text[dash..].chars().next().map_or(1, char::len_utf8);
    let Some(end) = marks::closing(text, inside, pair).end else { return text.len() };
    if !said::opens(&text[end..], language) {
        return without_last_said(&text[..end], language);
    }
    let next = text[end..].find(is_mark_of_pair).map(|at| end + at);
    let opening = next.is_some_and(|at| marks::Pair::of(text[at..].chars().next().unwrap_or(' '), false).is_some());
    let broken = next.is_some_and(|at| ends.iter().any(|&stop| end < stop && stop <= at));
    match next {
        Some(at) if opening && !broken => {
            let inside = at + text[at..].chars().next().map_or(1, char::len_utf8);
            marks::closing(text, inside, pair).end.unwrap_or(text.len())
        }
        Some(at) if !opening => at + text[at..].chars().next().map_or(1, char::len_utf8),
        _ => end,
    }
}

fn is_mark_of_pair(c: char) -> bool {
    matches!(c, '«' | '»' | '“' | '”' | '"')
}

/// The length of a quotation less a "said he" that ends it: « Partons, dit Roger. » English closes its marks before.
pub(super) fn without_last_said(quotation: &str, language: Language) -> usize {
    if language == Language::En {
        return quotation.len();
    }
    let body = quotation.trim_end_matches(['»', '”', '"', '’', '\'']).trim_end();
    let last = last_sentence(body);
    let sentence = &body[last..];
    match said::find(sentence, language) {
        Some(said) if !said::resumes(&sentence[..said.verb.start], &sentence[said.verb.end..], true, language) => {
            let end = last + words_end(&sentence[..said.verb.start]);
            if quotation[..end].contains(char::is_alphanumeric) { end } else { quotation.len() }
        }
        _ => quotation.len(),
    }
}

/// Where the last sentence starts, roughly: behind the last stop that a capital follows.
fn last_sentence(text: &str) -> usize {
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if matches!(c, '.' | '!' | '?' | '…') {
            let rest = text[at + c.len_utf8()..].trim_start();
            if rest.starts_with(char::is_uppercase) {
                start = text.len() - rest.len();
            }
        }
    }
    start
}

/// At most so many words are a name or a title.
const MENTION_WORDS: usize = 6;
/// Of those that a stop ends, so many.
const NAME_WORDS: usize = 4;

/// The words before a mark lead up to a name: `the`, `called`.
fn expects_a_name(before: &str) -> bool {
    const LEADING: &[&str] = &[
        "the", "a", "an", "of", "his", "her", "their", "our", "my", "called", "named", "word", "words", "as", "in",
        "on",
    ];
    let last = before.rsplit(' ').next().unwrap_or_default();
    LEADING.contains(&last.to_lowercase().as_str())
}

/// Marked words that nobody says: a ship's name, a title, a word held at arm's length. They are short, no stop
/// ends them, and nothing around says that somebody speaks.
pub(super) fn is_mention(text: &str, start: usize, end: usize, language: Language) -> bool {
    let inner = text[start..end].trim_matches(|c: char| c.is_whitespace() || is_mark(c));
    let count = inner.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    if count == 0 {
        return true;
    }
    let before = text[..start].trim_end();
    // English sets a stop before the mark whatever it ends: `aboard the “Nautilus.”`
    let named = language == Language::En && inner.ends_with('.') && count <= NAME_WORDS && expects_a_name(before);
    if inner.ends_with(['.', '!', '?', '…']) && inner.starts_with(|c: char| c.is_uppercase() || c == '…') && !named
    {
        return false;
    }
    let opens = before.is_empty() || before.ends_with([':', '\n']) || text[..start].ends_with("\n\n");
    if opens || said::opens(&text[end..], language) || said::find(inner, language).is_some() {
        return false;
    }
    // Words that go on behind "said he,".
    if language == Language::En && before.ends_with([',', ';', '—', '-']) || before.ends_with(';') {
        return false;
    }
    let lower = inner.starts_with(char::is_lowercase);
    let words = if lower { MENTION_WORDS * 2 } else { MENTION_WORDS };
    let after_stop = before.ends_with(['.', '!', '?', '…', '»', '”']);
    if after_stop && !lower {
        return false;
    }
    count <= words
}

fn is_mark(c: char) -> bool {
    matches!(c, '«' | '»' | '“' | '”' | '"' | '‘' | '’' | '\'')
}
