//! What a range of a Markdown file says, for [`crate::provenance`].

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::decode::{Charset, Decoded};

/// Where a file's characters stand, and what stands for others.
pub(crate) struct Source {
    charset: Charset,
    /// In order: bytes of the file, and what they stand for, if that is not themselves.
    parts: Vec<(Range<u64>, Option<String>)>,
}

impl Source {
    pub fn new(document: &Decoded) -> Self {
        let mut parts = Vec::new();
        let place = |span: &Range<usize>| document.source_offset(span.start)..document.source_offset(span.end);
        let (mut html, mut images) = (Html::default(), 0usize);
        for (event, span) in Parser::new_ext(&document.text, super::options()).into_offset_iter() {
            match event {
                Event::Start(Tag::Image { .. }) => images += 1,
                Event::End(TagEnd::Image) => images -= 1,
                _ if images > 0 => {}
                Event::Text(text) | Event::Code(text) => {
                    let found = places(&document.text, span, &text).into_iter();
                    parts.extend(found.map(|(part, stands_for)| (place(&part), stands_for)));
                }
                Event::SoftBreak | Event::HardBreak => parts.push((place(&span), Some(" ".to_owned()))),
                Event::InlineHtml(tag) if tag.to_ascii_lowercase().starts_with("<br") => {
                    parts.push((place(&span), Some(" ".to_owned())));
                }
                Event::Html(_) => {
                    parts.extend(html.between_tags(&document.text, span).into_iter().map(|part| (place(&part), None)));
                }
                _ => {}
            }
        }
        Self { charset: document.charset, parts }
    }

    /// The characters of a range of the file `bytes`; nothing where it cuts one.
    pub fn text(&self, bytes: &[u8], range: Range<u64>) -> Option<String> {
        let mut text = String::new();
        let first = self.parts.partition_point(|(part, _)| part.end <= range.start);
        for (part, stands_for) in self.parts[first..].iter().take_while(|(part, _)| part.start < range.end) {
            match stands_for {
                Some(stands_for) => text.push_str(stands_for),
                None => {
                    let (start, end) = (part.start.max(range.start), part.end.min(range.end));
                    text.push_str(&self.charset.decode(bytes.get(start as usize..end as usize)?)?);
                }
            }
        }
        Some(text)
    }
}

/// Where the characters of an event stand, in order: stretches of the document that are themselves, and others with
/// what they stand for. Code holds marks of its own and of the blocks around, so its words are looked for one by one.
pub(super) fn places(document: &str, span: Range<usize>, text: &str) -> Vec<(Range<usize>, Option<String>)> {
    if document[span.clone()] == *text {
        return vec![(span, None)];
    }
    let space = || Some(" ".to_owned());
    let mut parts = Vec::new();
    let mut at = span.start;
    for (count, word) in text.split_whitespace().enumerate() {
        let parted = count > 0 || text.starts_with(char::is_whitespace);
        match document[at..span.end].find(word) {
            Some(found) if found > 0 || !parted => {
                if parted {
                    parts.push((at..at + found, space()));
                }
                at += found;
                parts.push((at..at + word.len(), None));
                at += word.len();
            }
            _ => return vec![(span, Some(text.to_owned()))],
        }
    }
    if text.ends_with(char::is_whitespace) && at < span.end {
        parts.push((at..span.end, space()));
    }
    parts
}

/// Where a walk over blocks of HTML is; they come line by line.
#[derive(Default)]
pub(super) struct Html {
    in_comment: bool,
}

impl Html {
    /// The stretches of a line of HTML that stand between its tags.
    pub fn between_tags(&mut self, text: &str, span: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut at = span.start;
        while at < span.end {
            let rest = &text[at..span.end];
            if self.in_comment {
                self.in_comment = !rest.contains("-->");
                at = rest.find("-->").map_or(span.end, |found| at + found + 3);
                continue;
            }
            let open = rest.find('<').map_or(span.end, |found| at + found);
            if open > at {
                parts.push(at..open);
            }
            self.in_comment = text[open..span.end].starts_with("<!--");
            let end =
                if self.in_comment { Some(open + 4) } else { text[open..span.end].find('>').map(|end| open + end + 1) };
            at = end.unwrap_or(span.end);
        }
        parts
    }
}
