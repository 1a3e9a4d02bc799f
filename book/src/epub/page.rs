//! One page of an EPUB to paragraphs, with the places where it may be cut.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use domain::book::ParagraphKind;
use quick_xml::events::BytesStart;

use super::package::resolve_path;
use super::skip;
use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::piece::{self, Block, Para};
use crate::xml::{Node, Xml, attribute, local_name, resolve};

/// Elements that set their text apart from what surrounds it.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "blockquote",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "body",
    "aside",
    "hgroup",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "pre",
    "address",
    "figure",
    "center",
    "fieldset",
    "details",
    "summary",
    "hr",
];

/// A page, read.
#[derive(Default)]
pub(super) struct Page {
    pub paragraphs: Vec<PagePara>,
    /// Sections with an `epub:type`, in the order of their starts.
    pub sections: Vec<Section>,
    /// Of the wanted ids: the first paragraph at or behind each.
    pub anchors: HashMap<String, usize>,
    /// It shows a picture.
    pub pictured: bool,
    /// Notes that stand in it, each as one paragraph.
    pub notes: Vec<Para>,
}

/// A paragraph, with what the page says of it.
pub(super) struct PagePara {
    pub para: Para,
    /// 1 to 6 for a heading by its element, 0 for everything else.
    pub heading: u8,
}

/// A typed section: its paragraphs, and its types.
pub(super) struct Section {
    pub paragraphs: Range<usize>,
    pub types: String,
}

/// Reads a page. `wanted` are the ids that the table of contents points to.
pub(super) fn read(
    href: &str,
    document: &Decoded,
    wanted: &HashSet<&str>,
    meter: &Meter<'_>,
) -> Result<Page, BookError> {
    let mut walk = Walk {
        href,
        document,
        wanted,
        page: Page::default(),
        stack: Vec::new(),
        para: Para::new(document.charset.width()),
        breaks: 0,
        after_break: false,
        blanks: Vec::new(),
        blank: false,
    };
    let mut xml = Xml::new(href, document, meter);
    let mut skipping: Option<(String, usize)> = None;
    while let Some((node, span)) = xml.next()? {
        if let Some((name, depth)) = &mut skipping {
            match &node {
                Node::Start(tag, false) if local_name(tag) == *name => *depth += 1,
                Node::End(ended) if ended == name => *depth -= 1,
                _ => {}
            }
            if *depth == 0 {
                skipping = None;
            }
            continue;
        }
        match node {
            Node::Start(tag, empty) => {
                if skip::is_skipped(&tag, xml.rest()) {
                    walk.skipped(&tag, xml.rest());
                    skipping = (!empty).then(|| (local_name(&tag), 1));
                } else {
                    walk.start(&tag, empty, span);
                    if walk.stack.len() > meter.limits.xml_depth {
                        return Err(BookError::XmlTooDeep { href: href.to_owned(), limit: meter.limits.xml_depth });
                    }
                }
            }
            Node::End(name) => walk.end(&name),
            Node::Text(text) => walk.text(text, span.start),
            Node::Reference(name) => walk.reference(name, span),
            // Pages wrap scripts and styles in these; browsers drop them from text as well.
            Node::CData(_) => {}
        }
    }
    Ok(walk.finish())
}

struct Element {
    name: String,
    verse: bool,
    heading: Option<u8>,
    /// Index into the page's sections.
    section: Option<usize>,
}

struct Walk<'a> {
    href: &'a str,
    document: &'a Decoded,
    wanted: &'a HashSet<&'a str>,
    page: Page,
    stack: Vec<Element>,
    /// The paragraph that is open.
    para: Para,
    /// `<br/>`s since the last character.
    breaks: usize,
    after_break: bool,
    /// For each paragraph: an empty one stands before it.
    blanks: Vec<bool>,
    blank: bool,
}

impl Walk<'_> {
    fn skipped(&mut self, tag: &BytesStart<'_>, rest: &str) {
        let name = local_name(tag);
        let types = skip::types(tag);
        if types.contains("pagebreak") {
            let label = attribute(tag, "title").or_else(|| attribute(tag, "aria-label"));
            label.iter().for_each(|label| self.para.page(label));
        } else if matches!(name.as_str(), "a" | "sup") {
            let (label, target) = skip::mark(tag, rest);
            let target = target.map(|href| resolve_path(self.href, &href));
            let id = |(path, fragment): (String, Option<String>)| Some(format!("{path}#{}", fragment?));
            self.para.mark(&label, target.and_then(id));
        }
        self.page.pictured |= name == "svg";
        if BLOCKS.contains(&name.as_str()) {
            self.flush();
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, empty: bool, span: Range<usize>) {
        let name = local_name(tag);
        if BLOCKS.contains(&name.as_str()) {
            // As in HTML, where `</p>` may be left out.
            if self.stack.last().is_some_and(|top| top.name == "p") {
                self.end("p");
            }
            self.flush();
        }
        self.anchor(tag);
        match name.as_str() {
            "br" => self.line_break(span),
            "hr" => self.after_break = true,
            "img" | "image" => self.page.pictured = true,
            _ => {}
        }
        if empty {
            return;
        }
        let raw = tag.attributes_raw();
        let types = if raw.contains("type") || raw.contains("role") { skip::types(tag) } else { String::new() };
        let parent = self.stack.last();
        let verse = parent.is_some_and(|parent| parent.verse) || is_verse(tag, &types);
        let heading = match parent {
            Some(Element { heading: Some(level), .. }) => Some(*level),
            _ => heading_level(&name, &types),
        };
        let in_hgroup = parent.is_some_and(|parent| parent.name == "hgroup");
        let heading = heading.or((in_hgroup && name == "p").then_some(6));
        let section = matches!(name.as_str(), "section" | "article" | "div" | "body" | "main") && !types.is_empty();
        let section = section.then(|| {
            let at = self.page.paragraphs.len();
            self.page.sections.push(Section { paragraphs: at..at, types });
            self.page.sections.len() - 1
        });
        self.stack.push(Element { name, verse, heading, section });
    }

    fn anchor(&mut self, tag: &BytesStart<'_>) {
        if self.wanted.is_empty() || !tag.attributes_raw().contains(['i', 'n']) {
            return;
        }
        for id in [attribute(tag, "id"), attribute(tag, "name")].into_iter().flatten() {
            if self.wanted.contains(id.as_str()) {
                self.page.anchors.entry(id).or_insert(self.page.paragraphs.len());
            }
        }
    }

    /// A line ends; two ends in a row end the paragraph.
    fn line_break(&mut self, span: Range<usize>) {
        self.breaks += 1;
        if self.breaks >= 2 {
            self.flush();
        } else {
            self.para.text.push_space(self.source(span));
        }
    }

    fn end(&mut self, name: &str) {
        // Badly nested pages close what is not open, or close late: go down to the nearest match.
        let Some(at) = self.stack.iter().rposition(|element| element.name == name) else { return };
        if self.stack[at..].iter().any(|element| BLOCKS.contains(&element.name.as_str())) {
            let blank = self.para.text.is_empty() && name == "p";
            self.flush();
            self.blank |= blank;
        }
        let paragraphs = self.page.paragraphs.len();
        for element in self.stack.drain(at..) {
            if let Some(section) = element.section {
                self.page.sections[section].paragraphs.end = paragraphs;
            }
        }
    }

    fn text(&mut self, text: &str, at: usize) {
        if text.contains(|c: char| !c.is_whitespace()) {
            self.breaks = 0;
        }
        self.para.text.push(text, self.document.source_offset(at));
    }

    fn reference(&mut self, name: &str, span: Range<usize>) {
        self.breaks = 0;
        match resolve(name) {
            Some(text) => self.para.text.push_replacement(&text, self.source(span)),
            None => self.para.text.push(&self.document.text[span.clone()], self.document.source_offset(span.start)),
        }
    }

    fn source(&self, span: Range<usize>) -> Range<u64> {
        self.document.source_offset(span.start)..self.document.source_offset(span.end)
    }

    /// Ends the paragraph that is open.
    fn flush(&mut self) {
        self.breaks = 0;
        let para = std::mem::replace(&mut self.para, Para::new(self.document.charset.width()));
        if para.text.is_empty() {
            return;
        }
        match piece::block(para) {
            Block::Empty => {}
            Block::Break => self.after_break = true,
            Block::Note(para) => self.page.notes.push(para),
            Block::Text(mut para) => {
                let top = self.stack.last();
                let heading = top.and_then(|element| element.heading).unwrap_or(0);
                para.kind = match top {
                    _ if heading > 0 => ParagraphKind::Heading,
                    Some(element) if element.verse => ParagraphKind::Verse,
                    _ => ParagraphKind::Prose,
                };
                para.after_break = std::mem::take(&mut self.after_break);
                self.page.paragraphs.push(PagePara { para, heading });
                self.blanks.push(std::mem::take(&mut self.blank));
            }
        }
    }

    fn finish(mut self) -> Page {
        self.flush();
        let paragraphs = self.page.paragraphs.len();
        for element in &self.stack {
            if let Some(section) = element.section {
                self.page.sections[section].paragraphs.end = paragraphs;
            }
        }
        // Empty paragraphs are breaks, unless the page sets them everywhere.
        if self.blanks.iter().filter(|&&blank| blank).count() * 4 <= paragraphs {
            for (para, blank) in self.page.paragraphs.iter_mut().zip(&self.blanks) {
                para.para.after_break |= *blank;
            }
        }
        self.page
    }
}

fn heading_level(name: &str, types: &str) -> Option<u8> {
    if let Some(level @ b'1'..=b'6') =
        name.strip_prefix('h').filter(|rest| rest.len() == 1).map(|rest| rest.as_bytes()[0])
    {
        return Some(level - b'0');
    }
    let titled = matches!(name, "p" | "div")
        && types
            .split_whitespace()
            .map(|word| word.rsplit(':').next().unwrap_or(word))
            .any(|word| matches!(word, "title" | "subtitle" | "fulltitle" | "bridgehead" | "doc-subtitle"));
    titled.then_some(6)
}

fn is_verse(tag: &BytesStart<'_>, types: &str) -> bool {
    const WORDS: &[&str] = &["verse", "song", "poem", "poetry", "hymn", "lyrics", "stanza", "vers", "strophe", "poeme"];
    let known = |word: &str| WORDS.contains(&word.rsplit(':').next().unwrap_or(word));
    if types.split_whitespace().any(known) {
        return true;
    }
    tag.attributes_raw().contains("class")
        && attribute(tag, "class").is_some_and(|class| class.to_ascii_lowercase().split_whitespace().any(known))
}
