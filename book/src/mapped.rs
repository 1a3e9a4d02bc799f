//! Folded text in which every character still knows where it stood in the source.

use std::ops::Range;

use crate::decode::Width;

/// A stretch of text whose characters stand side by side in the source, or a single replacement (a
/// resolved entity, a folded space) that stands for a stretch of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    /// First byte in the text; the segment lasts until the next one.
    at: u32,
    /// First byte in the source.
    source: u64,
    /// Of a replacement: one past the last byte in the source.
    replaced_to: Option<u64>,
}

/// Segments are cut at this length, so that a position is found without walking a whole long paragraph.
const SEGMENT_BYTES: usize = 4096;

/// Text with white space folded, as it is built up from source stretches in order.
///
/// White space is every character of the Unicode property White_Space, no-break spaces included, so that
/// folding with any stock routine gives the same; word joiners and soft hyphens are characters and stay.
#[derive(Clone, Debug)]
pub(crate) struct Mapped {
    text: String,
    segments: Vec<Segment>,
    width: Width,
    pending_space: Option<Range<u64>>,
    /// Where the last segment ends in the source, if more characters may join it.
    open_to: Option<u64>,
}

impl Mapped {
    pub fn new(width: Width) -> Self {
        Self { text: String::new(), segments: Vec::new(), width, pending_space: None, open_to: None }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds `text`, which stands in the source as it is, from byte `source` on.
    pub fn push(&mut self, text: &str, source: u64) {
        let mut rest = text;
        let mut at = source;
        while !rest.is_empty() {
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            if word > 0 {
                self.flush_space();
                let len = self.width.source_len(&rest[..word]);
                self.push_linear(&rest[..word], at, len);
                at += len;
                rest = &rest[word..];
            }
            let space = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
            if space > 0 {
                let end = at + self.width.source_len(&rest[..space]);
                self.push_space(at..end);
                at = end;
                rest = &rest[space..];
            }
        }
    }

    /// Adds `text` that stands for other source bytes, such as a resolved entity.
    pub fn push_replacement(&mut self, text: &str, source: Range<u64>) {
        if text.chars().all(char::is_whitespace) {
            return self.push_space(source);
        }
        self.flush_space();
        self.push_segment(source.start, Some(source.end));
        self.text.push_str(text);
    }

    /// Adds white space; it shows only between characters.
    pub fn push_space(&mut self, source: Range<u64>) {
        match &mut self.pending_space {
            Some(space) => space.end = source.end,
            None => self.pending_space = Some(source),
        }
    }

    fn flush_space(&mut self) {
        let Some(space) = self.pending_space.take() else { return };
        if self.text.is_empty() {
            return;
        }
        let len = self.width.source_len(" ");
        if space.end - space.start == len && self.open_to == Some(space.start) {
            self.push_linear(" ", space.start, len);
        } else {
            self.push_segment(space.start, Some(space.end));
            self.text.push(' ');
        }
    }

    fn push_linear(&mut self, text: &str, source: u64, source_len: u64) {
        let full = self.segments.last().is_none_or(|last| self.text.len() - last.at as usize > SEGMENT_BYTES);
        if full || self.open_to != Some(source) {
            self.push_segment(source, None);
        }
        self.text.push_str(text);
        self.open_to = Some(source + source_len);
    }

    fn push_segment(&mut self, source: u64, replaced_to: Option<u64>) {
        self.segments.push(Segment { at: self.text.len() as u32, source, replaced_to });
        self.open_to = None;
    }

    /// Drops ranges of the text (ascending, disjoint), and one of two spaces that then meet.
    pub fn remove(&mut self, ranges: &[Range<usize>]) {
        let mut rebuilt = Self::new(self.width);
        let mut ranges = ranges.iter().cloned().peekable();
        for (index, segment) in self.segments.iter().enumerate() {
            let mut from = segment.at as usize;
            let to = self.segments.get(index + 1).map_or(self.text.len(), |next| next.at as usize);
            while from < to {
                while ranges.next_if(|range| range.end <= from).is_some() {}
                let kept_to = ranges.peek().map_or(to, |range| range.start.clamp(from, to));
                if from < kept_to {
                    let kept = &self.text[from..kept_to];
                    match segment.replaced_to {
                        Some(end) => rebuilt.push_replacement(kept, segment.source..end),
                        None => {
                            let before = self.width.source_len(&self.text[segment.at as usize..from]);
                            rebuilt.push(kept, segment.source + before);
                        }
                    }
                }
                from = ranges.peek().map_or(to, |range| range.end).max(kept_to);
            }
        }
        *self = rebuilt;
    }

    /// A range of the text by itself.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut slice = Self::new(self.width);
        let first = self.segments.partition_point(|segment| segment.at as usize <= range.start).saturating_sub(1);
        for (index, segment) in self.segments.iter().enumerate().skip(first) {
            let at = segment.at as usize;
            let to = self.segments.get(index + 1).map_or(self.text.len(), |next| next.at as usize).min(range.end);
            let from = at.max(range.start);
            if at >= range.end {
                break;
            }
            if from < to {
                match segment.replaced_to {
                    Some(end) => slice.push_replacement(&self.text[from..to], segment.source..end),
                    None => {
                        slice.push(&self.text[from..to], segment.source + self.width.source_len(&self.text[at..from]));
                    }
                }
            }
        }
        slice
    }

    /// Drops one range of the text.
    pub fn cut(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.remove(std::slice::from_ref(&range));
        }
    }

    /// Where a non-empty range of the text stood.
    pub fn source(&self, range: Range<usize>) -> Range<u64> {
        let start = self.position(range.start, false);
        let end = self.position(range.end, true);
        start..end
    }

    /// The source position of `at`: as the start of what follows, or as the end of what precedes.
    fn position(&self, at: usize, as_end: bool) -> u64 {
        let next = self.segments.partition_point(|s| if as_end { (s.at as usize) < at } else { s.at as usize <= at });
        let Some(segment) = next.checked_sub(1).and_then(|index| self.segments.get(index)) else { return 0 };
        match segment.replaced_to {
            Some(end) if as_end => end,
            Some(_) => segment.source,
            None => segment.source + self.width.source_len(&self.text[segment.at as usize..at]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_text_knows_where_it_stood() {
        let mut mapped = Mapped::new(Width::Utf8);
        mapped.push("  one \n two", 100);
        mapped.push_replacement("&", 111..116);
        mapped.push("three ", 116);
        assert_eq!(mapped.text(), "one two&three");
        assert_eq!(mapped.source(0..3), 102..105);
        assert_eq!(mapped.source(4..7), 108..111);
        assert_eq!(mapped.source(4..8), 108..116);
        assert_eq!(mapped.source(8..13), 116..121);
    }

    #[test]
    fn no_break_spaces_fold_like_any_other() {
        let mut mapped = Mapped::new(Width::Utf16);
        mapped.push("«\u{a0}Non\u{202f}!\u{a0}»", 0);
        assert_eq!(mapped.text(), "« Non ! »");
        assert_eq!(mapped.source(0.."« Non ! »".len()), 0..18);
    }

    #[test]
    fn what_is_removed_leaves_the_rest_in_place() {
        let mut mapped = Mapped::new(Width::Utf8);
        mapped.push("Pangloss[1] était [2] là", 10);
        let second = mapped.text().find("[2]").unwrap();
        mapped.remove(&[8..11, second..second + 3]);
        assert_eq!(mapped.text(), "Pangloss était là");
        let at = mapped.text().find("là").unwrap();
        assert_eq!(mapped.source(at..at + 3), 33..36);
    }
}
