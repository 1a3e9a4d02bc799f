//! Markdown: CommonMark with footnotes and a YAML head, its blocks as the pages of HTML have them.

pub(crate) mod proof;

use std::ops::Range;

use domain::book::ParagraphKind;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::lines::{Lines, opens_turn};
use crate::pages::cut::{self, About};
use crate::pages::{self, Page, PagePara};
use crate::piece::{Draft, Para, Waiting};
use crate::txt;

/// What is read beyond CommonMark.
pub(crate) fn options() -> Options {
    Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

/// Reads a file of Markdown.
pub(crate) fn read(name: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let document = txt::decode(name, bytes)?;
    let mut reader = Reader {
        document: &document,
        page: Page { href: name.to_owned(), ..Page::default() },
        draft: Draft::default(),
        para: Para::new(document.charset.width()),
        lines: Lines::default(),
        open: Vec::new(),
        heading: 0,
        note: None,
        waiting: Waiting::default(),
        images: 0,
        html: proof::Html::default(),
    };
    for (count, (event, span)) in Parser::new_ext(&document.text, options()).into_offset_iter().enumerate() {
        if count.is_multiple_of(256) {
            meter.check_time()?;
        }
        reader.event(event, span);
        if reader.open.len() > meter.limits.xml_depth {
            return Err(BookError::XmlTooDeep { href: name.to_owned(), limit: meter.limits.xml_depth });
        }
    }
    reader.flush();
    let Reader { mut draft, mut page, .. } = reader;
    pages::assign_notes(std::slice::from_mut(&mut page));
    draft.notes = pages::take_notes(&page, 0);
    let about = About { toc: &[], lines: &[], guide: None, whole_book: true };
    draft.pieces = cut::cut(page, &about).into_iter().map(|cutting| cutting.piece).collect();
    Ok(draft)
}

/// A block that is open, as far as it matters for what is in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Quote,
    Item,
    Head,
    Other,
}

struct Reader<'a> {
    document: &'a Decoded,
    page: Page,
    draft: Draft,
    /// The paragraph that is open.
    para: Para,
    lines: Lines,
    open: Vec<Open>,
    /// Level of the heading that is open, or 0.
    heading: u8,
    /// The note that is open.
    note: Option<usize>,
    waiting: Waiting,
    /// Pictures that are open.
    images: usize,
    html: proof::Html,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.open.last() == Some(&Open::Head) => self.head(&text),
            // The words of a picture stand for it, and are none of the book's.
            _ if self.images > 0 && !matches!(event, Event::End(TagEnd::Image)) => {}
            Event::Text(text) | Event::Code(text) => self.text(&text, span),
            // Where lines are turns of a dialogue, they are meant as they stand.
            Event::SoftBreak if opens_turn(&self.document.text[span.end..]) => self.line_break(&span),
            Event::SoftBreak => self.para.text.push_space(self.source(&span)),
            Event::HardBreak => self.line_break(&span),
            Event::Html(_) => self.html(span),
            Event::InlineHtml(html) if html.to_ascii_lowercase().starts_with("<br") => self.line_break(&span),
            Event::FootnoteReference(label) => {
                let target = format!("{}#{label}", self.page.href);
                self.para.mark(&label, Some(target));
            }
            Event::Rule => {
                self.flush();
                self.waiting.after_break = true;
            }
            Event::InlineHtml(_) | Event::TaskListMarker(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let open = match tag {
            Tag::BlockQuote(_) => Open::Quote,
            Tag::Item | Tag::TableCell => Open::Item,
            Tag::MetadataBlock(_) => Open::Head,
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } => return,
            Tag::Image { .. } => {
                self.images += 1;
                self.page.pictured = true;
                return;
            }
            _ => Open::Other,
        };
        self.flush();
        self.open.push(open);
        match tag {
            Tag::Heading { level, .. } => self.heading = level_of(*level),
            Tag::FootnoteDefinition(label) => {
                self.page.notes.push(Some(format!("{}#{label}", self.page.href)));
                self.note = Some(self.page.notes.len() - 1);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        if matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link) {
            return;
        }
        if tag == TagEnd::Image {
            self.images -= 1;
            return;
        }
        self.flush();
        self.open.pop();
        match tag {
            TagEnd::Heading(_) => self.heading = 0,
            TagEnd::FootnoteDefinition => self.note = None,
            _ => {}
        }
    }

    fn text(&mut self, text: &str, span: Range<usize>) {
        self.lines.breaks = 0;
        for (part, stands_for) in proof::places(&self.document.text, span, text) {
            let source = self.source(&part);
            match stands_for {
                None => self.para.text.push(&self.document.text[part], source.start),
                Some(text) => {
                    for (count, word) in text.split(char::is_whitespace).enumerate() {
                        if count > 0 {
                            self.para.text.push_space(source.clone());
                        }
                        if !word.is_empty() {
                            self.para.text.push_replacement(word, source.clone());
                        }
                    }
                }
            }
        }
    }

    fn line_break(&mut self, span: &Range<usize>) {
        self.lines.starts.push(self.para.text.text().len());
        let source = self.source(span);
        self.para.text.push_space(source);
    }

    /// What stands between the tags of a block of HTML.
    fn html(&mut self, span: Range<usize>) {
        for part in self.html.between_tags(&self.document.text, span) {
            self.para.text.push(&self.document.text[part.clone()], self.document.source_offset(part.start));
        }
    }

    /// Lines of the head: `title: The Lamp`, and `- Jane Ash` below `author:`.
    fn head(&mut self, text: &str) {
        let mut key = String::new();
        for line in text.lines() {
            let value = match (line.trim_start().strip_prefix("- "), line.split_once(':')) {
                (Some(item), _) => item,
                (None, Some((named, value))) => {
                    key = named.trim().to_ascii_lowercase();
                    value
                }
                (None, None) => continue,
            };
            let value = value.trim().trim_matches(['"', '\'', '[', ']']).to_owned();
            match key.as_str() {
                _ if value.is_empty() => {}
                "title" => self.draft.title = Some(value),
                "author" | "authors" | "creator" => {
                    let named = value.split(',').map(|name| name.trim().trim_matches(['"', '\'']).to_owned());
                    self.draft.authors.extend(named.filter(|name| !name.is_empty()));
                }
                "lang" | "language" => self.draft.language_tag = Some(value),
                _ => {}
            }
        }
    }

    fn source(&self, span: &Range<usize>) -> Range<u64> {
        self.document.source_offset(span.start)..self.document.source_offset(span.end)
    }

    /// Ends the paragraph that is open.
    fn flush(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if self.para.text.is_empty() {
            return;
        }
        let para = std::mem::replace(&mut self.para, Para::new(self.document.charset.width()));
        let quoted = self.open.contains(&Open::Quote);
        let kind = if self.open.contains(&Open::Item) { ParagraphKind::Item } else { ParagraphKind::Prose };
        let (kind, cuts) = match self.heading {
            0 => lines.judge(para.text.text(), kind, quoted),
            _ => (ParagraphKind::Heading, Vec::new()),
        };
        for para in para.split_at(&cuts) {
            let Some(para) = self.waiting.take(para) else { continue };
            let (para, heading, note) = (Para { kind, ..para }, self.heading, self.note);
            self.page.paragraphs.push(PagePara { para, heading, note, aside: None, linked: false, quoted });
        }
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    level as u8
}
