//! Lines, blocks of lines, and whether a line is a paragraph or only a part of one.

use crate::error::BookError;
use crate::limits::Meter;

/// One line of the decoded text, trimmed at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub text: &'a str,
    /// First byte in the decoded text.
    pub at: usize,
}

impl Line<'_> {
    pub fn indent(&self) -> usize {
        self.text.chars().take_while(|c| c.is_whitespace()).count()
    }

    pub fn chars(&self) -> usize {
        self.text.chars().count()
    }
}

/// Lines without a blank one between them.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    pub lines: Vec<Line<'a>>,
    /// How many blank lines stand before it.
    pub blanks_before: usize,
}

impl<'a> Lines<'a> {
    /// The only line, if there is just one.
    pub fn single(&self) -> Option<&'a str> {
        match self.lines.as_slice() {
            [line] => Some(line.text.trim()),
            _ => None,
        }
    }

    /// Most of its lines start with a capital, as those of verse do.
    pub fn opens_with_capitals(&self) -> bool {
        let opens = |line: &&Line<'_>| {
            line.text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase)
        };
        self.lines.iter().filter(opens).count() * 10 >= self.lines.len() * 7
    }

    /// Every line is set in, and short: verse, or a letter's head.
    pub fn is_inset(&self) -> bool {
        self.lines.iter().all(|line| line.indent() >= 2 && line.chars() <= 72)
    }
}

/// Cuts text into blocks. A line ends at LF, CR, CR LF or a form feed.
pub(super) fn blocks<'a>(text: &'a str, meter: &Meter<'_>) -> Result<Vec<Lines<'a>>, BookError> {
    let mut blocks: Vec<Lines<'a>> = Vec::new();
    let mut open = false;
    let mut blanks = 0;
    let mut at = 0;
    let mut count = 0usize;
    while at < text.len() {
        let rest = &text[at..];
        let end = rest.find(['\n', '\r', '\u{c}']).unwrap_or(rest.len());
        let line = Line { text: rest[..end].trim_end(), at };
        at += end + if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        if line.text.is_empty() {
            open = false;
            blanks += 1;
        } else if open {
            if let Some(block) = blocks.last_mut() {
                block.lines.push(line);
            }
        } else {
            blocks.push(Lines { lines: vec![line], blanks_before: blanks });
            open = true;
            blanks = 0;
        }
        count += 1;
        if count.is_multiple_of(1024) {
            meter.check_time()?;
        }
    }
    Ok(blocks)
}

/// No hard-wrapped line is longer, characters.
const WRAP_CHARS: usize = 110;

/// Whether lines within a block are paragraphs of their own, as in files that set no blank line between
/// paragraphs: lines are longer than anybody wraps them, or most of them end like a sentence.
pub(super) fn line_is_paragraph(blocks: &[Lines<'_>]) -> bool {
    let total: usize = blocks.iter().map(|block| block.lines.len()).sum();
    let (mut inner, mut long, mut ended) = (0usize, 0usize, 0usize);
    for block in blocks.iter().filter(|block| !block.is_inset()) {
        for line in &block.lines[..block.lines.len() - 1] {
            inner += 1;
            long += usize::from(line.chars() > WRAP_CHARS);
            ended += usize::from(line.text.ends_with(['.', '!', '?', '…', '”', '»', '"', ':']));
        }
    }
    // A few blocks of two lines tell nothing: verse, addresses.
    let telling = inner >= 8 && inner * 10 >= total;
    telling && (long * 20 > inner || ended * 10 > inner * 6)
}

/// Cuts a block where a line that is set in starts a paragraph between lines that are not.
pub(super) fn paragraphs<'b, 'a>(block: &'b Lines<'a>, line_is_paragraph: bool) -> Vec<&'b [Line<'a>]> {
    if line_is_paragraph && !block.is_inset() {
        return block.lines.chunks(1).collect();
    }
    let flush = block.lines.iter().filter(|line| line.indent() == 0).count();
    if flush * 3 < block.lines.len() || flush == block.lines.len() {
        return vec![&block.lines];
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, line) in block.lines.iter().enumerate().skip(1) {
        if line.indent() >= 2 && block.lines[index - 1].indent() == 0 {
            parts.push(&block.lines[start..index]);
            start = index;
        }
    }
    parts.push(&block.lines[start..]);
    parts
}

/// The usual number of blank lines between two paragraphs.
pub(super) fn usual_blanks(blocks: &[Lines<'_>]) -> usize {
    let mut counts = [0usize; 8];
    for block in blocks.iter().skip(1) {
        counts[block.blanks_before.min(7)] += 1;
    }
    (1..8).max_by_key(|&n| (counts[n], 8 - n)).unwrap_or(1)
}
