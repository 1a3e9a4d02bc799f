//! Poppler's output, `pdftotext -bbox-layout`, to pages of words with their places.

use std::io::{BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::error::BookError;
use crate::limits::Meter;
use crate::xml;

/// A box on a page, points from its upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

impl Area {
    pub fn height(self) -> f32 {
        self.y1 - self.y0
    }

    pub fn width(self) -> f32 {
        self.x1 - self.x0
    }

    pub fn middle(self) -> f32 {
        (self.y0 + self.y1) / 2.0
    }

    /// The smallest box around both.
    pub fn with(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// Both stand in one row: they share at least half of the lower one's height.
    pub fn beside(self, other: Self) -> bool {
        let shared = self.y1.min(other.y1) - self.y0.max(other.y0);
        shared > 0.0 && shared >= 0.5 * self.height().min(other.height())
    }
}

/// A word as poppler tells words apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Word {
    /// Bytes of the text that it stands in.
    pub start: u32,
    pub end: u32,
    pub area: Area,
}

/// Words side by side in a row, as poppler groups them.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragment {
    pub words: Vec<Word>,
}

/// A page as poppler gives it.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    pub height: f32,
    /// All of its words' characters.
    pub text: String,
    pub fragments: Vec<Fragment>,
}

impl Page {
    pub fn word(&self, word: Word) -> &str {
        &self.text[word.start as usize..word.end as usize]
    }
}

/// What poppler says of a file.
#[derive(Debug, Default)]
pub(super) struct Extract {
    pub title: Option<String>,
    pub author: Option<String>,
    pub pages: Vec<Page>,
    /// The output ended where it should.
    pub complete: bool,
}

/// Reads poppler's output to its end, or up to the first page beyond the limit.
pub(super) fn parse(output: impl Read, meter: &Meter<'_>) -> Result<Extract, BookError> {
    let mut parser = Parser { extract: Extract::default(), word: None, in_title: false, meter };
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, output));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    parser.run(&mut reader)?;
    Ok(parser.extract)
}

struct Parser<'m> {
    extract: Extract,
    /// The word that is open: where its characters start, and its place.
    word: Option<(u32, Area)>,
    in_title: bool,
    meter: &'m Meter<'m>,
}

impl Parser<'_> {
    fn run<R: BufRead>(&mut self, reader: &mut Reader<R>) -> Result<(), BookError> {
        let mut buffer = Vec::new();
        for event in 0u32.. {
            if event.is_multiple_of(1024) {
                self.meter.check_time()?;
            }
            buffer.clear();
            match reader.read_event_into(&mut buffer) {
                Ok(Event::Start(tag)) => self.start(&tag)?,
                Ok(Event::Empty(tag)) => self.empty(&tag),
                Ok(Event::End(tag)) => self.end(tag.name().into_inner()),
                Ok(Event::Text(text)) => self.characters(&text),
                Ok(Event::GeneralRef(name)) => {
                    if let Some(resolved) = xml::resolve(&name) {
                        self.characters(&resolved);
                    }
                }
                // Output that was cut short; the program's own verdict says why.
                Ok(Event::Eof) | Err(_) => return Ok(()),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), BookError> {
        match tag.name().into_inner() {
            "page" => {
                if self.extract.pages.len() >= self.meter.limits.pdf_pages {
                    return Err(BookError::PdfTooManyPages { limit: self.meter.limits.pdf_pages });
                }
                let height = number(tag, "height").unwrap_or_default();
                // A word that is still open has its place on the page before.
                self.word = None;
                self.extract.pages.push(Page { height, ..Page::default() });
            }
            "line" => {
                if let Some(page) = self.extract.pages.last_mut() {
                    page.fragments.push(Fragment::default());
                }
            }
            "word" => self.word = self.place(tag),
            "title" => self.in_title = true,
            _ => {}
        }
        Ok(())
    }

    fn empty(&mut self, tag: &BytesStart<'_>) {
        if tag.name().into_inner() == "meta" && xml::attribute(tag, "name").as_deref() == Some("Author") {
            self.extract.author = xml::attribute(tag, "content");
        }
    }

    /// Where a word starts; nothing if its place makes no sense.
    fn place(&self, tag: &BytesStart<'_>) -> Option<(u32, Area)> {
        let area = Area {
            x0: number(tag, "xMin")?,
            y0: number(tag, "yMin")?,
            x1: number(tag, "xMax")?,
            y1: number(tag, "yMax")?,
        };
        let page = self.extract.pages.last()?;
        (area.x0 <= area.x1 && area.y0 < area.y1).then_some((page.text.len() as u32, area))
    }

    fn characters(&mut self, text: &str) {
        if self.in_title {
            self.extract.title.get_or_insert_default().push_str(text);
        }
        if let (Some(_), Some(page)) = (self.word, self.extract.pages.last_mut()) {
            page.text.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "title" => self.in_title = false,
            "word" => {
                let (Some((start, area)), Some(page)) = (self.word.take(), self.extract.pages.last_mut()) else {
                    return;
                };
                let end = page.text.len() as u32;
                let text = &page.text[start as usize..];
                let lead = (text.len() - text.trim_start().len()) as u32;
                let trail = (text.len() - text.trim_end().len()) as u32;
                if let (false, Some(fragment)) = (text.trim().is_empty(), page.fragments.last_mut()) {
                    fragment.words.push(Word { start: start + lead, end: end - trail, area });
                }
            }
            "doc" => self.extract.complete = true,
            _ => {}
        }
    }
}

/// No page is larger, points.
const MOST_POINTS: f32 = 100_000.0;

/// A length that makes sense.
fn number(tag: &BytesStart<'_>, name: &str) -> Option<f32> {
    let value: f32 = xml::attribute(tag, name)?.trim().parse().ok()?;
    (value.is_finite() && value.abs() <= MOST_POINTS).then_some(value)
}
