//! One page to paragraphs, with the places where it may be cut.

use std::ops::Range;

use domain::book::ParagraphKind;
use quick_xml::events::BytesStart;

use super::skip::{self, Apart};
use super::style::{self, BLOCKS, Style};
use super::{Page, PagePara, Place, Section};
use crate::decode::Decoded;
use crate::epub::resolve_path;
use crate::error::BookError;
use crate::headings::HEADING_CHARS;
use crate::limits::Meter;
use crate::lines::Lines;
use crate::piece::{Para, Waiting};
use crate::xml::{self, Node, Nodes, attribute, local_name, mentions, resolve};

/// Elements whose start ends those before the bar, up to those behind it, as in HTML where `</li>` may be left out.
const IMPLIED: &[(&str, &[&str], &[&str])] = &[
    ("li", &["li"], &["ul", "ol"]),
    ("dt", &["dt", "dd"], &["dl"]),
    ("dd", &["dt", "dd"], &["dl"]),
    ("td", &["td", "th"], &["tr", "table"]),
    ("th", &["td", "th"], &["tr", "table"]),
    ("tr", &["tr"], &["table"]),
];
/// No more ids are kept of one page.
const MAX_ANCHORS: usize = 50_000;

/// Reads a page.
pub(super) fn read<'a>(
    href: &str,
    document: &'a Decoded,
    mut nodes: impl Nodes<'a>,
    meter: &Meter<'_>,
) -> Result<Page, BookError> {
    let mut walk = Walk {
        document,
        page: Page { href: href.to_owned(), ..Page::default() },
        stack: Vec::new(),
        para: Para::new(document.charset.width()),
        suspended: Vec::new(),
        lines: Lines::default(),
        linked: 0,
        waiting: Waiting::default(),
        blanks: Vec::new(),
        blank: false,
    };
    while let Some((node, span)) = nodes.next()? {
        match node {
            Node::Start(tag, empty) => {
                let apart = skip::apart(&tag, nodes.rest());
                if matches!(apart, Some(Apart::Dropped | Apart::Mark | Apart::Page)) {
                    walk.skipped(&tag, nodes.rest(), apart);
                    if !empty {
                        xml::step_over(&mut nodes, &local_name(&tag))?;
                    }
                } else {
                    walk.start(&tag, empty, span, apart);
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
    style: Style,
    heading: Option<u8>,
    /// Index into the page's sections.
    section: Option<usize>,
    /// Its id, and where it starts.
    id: Option<(String, Place)>,
    /// The first paragraph in it.
    first: usize,
    /// The note that it is or lies in.
    note: Option<usize>,
    /// It holds notes.
    note_list: bool,
    /// A note within a paragraph, which waits for its end.
    suspends: bool,
    link: bool,
    /// A line of a stanza, no paragraph.
    is_line: bool,
}

struct Walk<'a> {
    document: &'a Decoded,
    page: Page,
    stack: Vec<Element>,
    /// The paragraph that is open.
    para: Para,
    /// Paragraphs that wait for the end of a note within them.
    suspended: Vec<(Para, Lines, usize)>,
    lines: Lines,
    /// Bytes of the open paragraph's text that are links.
    linked: usize,
    waiting: Waiting,
    /// For each paragraph: an empty one stands before it.
    blanks: Vec<bool>,
    blank: bool,
}

impl Walk<'_> {
    fn skipped(&mut self, tag: &BytesStart<'_>, rest: &str, apart: Option<Apart>) {
        let name = local_name(tag);
        self.page.pictured |= name == "svg";
        if BLOCKS.contains(&name.as_str()) {
            self.flush();
        }
        self.anchor(tag);
        match apart {
            Some(Apart::Page) => {
                let label = skip::page_label(tag, rest);
                label.iter().for_each(|label| self.para.page(label));
            }
            Some(Apart::Mark) => {
                let (label, target) = skip::mark(tag, rest);
                let target = target.map(|href| resolve_path(&self.page.href, &href));
                let id = |(path, fragment): (String, Option<String>)| Some(format!("{path}#{}", fragment?));
                self.para.mark(&label, target.and_then(id));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, empty: bool, span: Range<usize>, apart: Option<Apart>) {
        let name = local_name(tag);
        let is_line = self.is_line(tag, &name);
        let is_block = BLOCKS.contains(&name.as_str()) && !is_line;
        if is_line && !self.para.text.is_empty() {
            self.lines.starts.push(self.para.text.text().len());
            let before = self.source(span.clone());
            self.para.text.push_space(before);
        }
        if is_block {
            self.end_implied(&name);
            self.flush();
        }
        match name.as_str() {
            "br" => self.line_break(span),
            "hr" => self.waiting.after_break = true,
            "img" | "image" => self.page.pictured = true,
            _ => {}
        }
        let id = self.anchor(tag);
        if empty {
            return;
        }
        let types = if mentions(tag, "type") || mentions(tag, "role") { skip::types(tag) } else { String::new() };
        let parent = self.stack.last();
        let mut style = style::of(&name, tag, &types);
        let in_list = parent.is_some_and(|parent| parent.note_list);
        let mut note = parent.and_then(|parent| parent.note);
        let starts_note = note.is_none() && (apart == Some(Apart::Note) || in_list && name == "li");
        let heading = match parent {
            Some(Element { heading: Some(level), .. }) if style.heading.is_none() => Some(*level),
            _ => style::heading_level(&name, &types),
        };
        let in_hgroup = parent.is_some_and(|parent| parent.name == "hgroup");
        let heading = heading.or((in_hgroup && name == "p").then_some(6));
        if let Some(parent) = parent {
            style.kind = style.kind.or(parent.style.kind);
            style.aside = style.aside.or(parent.style.aside);
            style.quoted |= parent.style.quoted;
            // That of a section may be the foot of a letter.
            if name == "footer" && parent.name == "body" {
                style.aside = style.aside.or(Some("imprint"));
            }
        }
        let link = parent.is_some_and(|parent| parent.link) || name == "a" && mentions(tag, "href");
        let note_list = apart == Some(Apart::NoteList) || in_list && name != "li";
        if starts_note {
            self.page.notes.push(id.as_ref().map(|(id, _)| format!("{}#{id}", self.page.href)));
            note = Some(self.page.notes.len() - 1);
        }
        let suspends = starts_note && !is_block;
        if suspends {
            let open = std::mem::replace(&mut self.para, Para::new(self.document.charset.width()));
            self.suspended.push((open, std::mem::take(&mut self.lines), std::mem::take(&mut self.linked)));
        }
        let section = matches!(name.as_str(), "section" | "article" | "div" | "body" | "main") && !types.is_empty();
        let first = self.page.paragraphs.len();
        let section = section.then(|| {
            self.page.sections.push(Section { paragraphs: first..first, types });
            self.page.sections.len() - 1
        });
        self.stack.push(Element { name, style, heading, section, id, first, note, note_list, suspends, link, is_line });
    }

    /// A line of a stanza that its class marks as one: it ends a line, not a paragraph.
    fn is_line(&self, tag: &BytesStart<'_>, name: &str) -> bool {
        matches!(name, "div" | "p")
            && self.stack.last().is_some_and(|parent| parent.style.stanza)
            && mentions(tag, "class")
    }

    /// Ends what the start of the block `name` ends in HTML: a paragraph that is open, the item before.
    fn end_implied(&mut self, name: &str) {
        let block = self.stack.iter().rposition(|element| BLOCKS.contains(&element.name.as_str()));
        if block.is_some_and(|at| self.stack[at].name == "p") {
            self.end("p");
        }
        let Some((_, ended, bounds)) = IMPLIED.iter().find(|(start, ..)| *start == name) else { return };
        let stop =
            |element: &&Element| ended.contains(&element.name.as_str()) || bounds.contains(&element.name.as_str());
        if let Some(open) = self.stack.iter().rev().find(stop)
            && ended.contains(&open.name.as_str())
        {
            let open = open.name.clone();
            self.end(&open);
        }
    }

    /// The id of an element that starts here, with its place.
    fn anchor(&mut self, tag: &BytesStart<'_>) -> Option<(String, Place)> {
        if !(mentions(tag, "id") || mentions(tag, "name")) || self.page.anchors.len() >= MAX_ANCHORS {
            return None;
        }
        let at = self.page.paragraphs.len();
        let class = || attribute(tag, "class").is_some_and(|class| skip::is_notelike(&class));
        let mut first = None;
        for id in [attribute(tag, "id"), attribute(tag, "name")].into_iter().flatten() {
            let notelike = skip::is_notelike(&id) || class();
            let place = Place { paragraphs: at..at + 1, at: self.para.text.text().len(), notelike };
            self.page.anchors.entry(id.clone()).or_insert_with(|| place.clone());
            first.get_or_insert((id, place));
        }
        first
    }

    /// A line ends; two ends in a row end the paragraph.
    fn line_break(&mut self, span: Range<usize>) {
        self.lines.breaks += 1;
        if self.lines.breaks >= 2 {
            self.flush();
        } else {
            self.lines.starts.push(self.para.text.text().len());
            self.para.text.push_space(self.source(span));
        }
    }

    fn end(&mut self, name: &str) {
        // Badly nested pages close what is not open, or close late: go down to the nearest match.
        let Some(at) = self.stack.iter().rposition(|element| element.name == name) else { return };
        while self.stack.len() > at {
            let block = self
                .stack
                .last()
                .is_some_and(|top| BLOCKS.contains(&top.name.as_str()) && !top.is_line || top.suspends);
            if block {
                let blank = self.para.text.is_empty() && name == "p";
                self.flush();
                self.blank |= blank;
            }
            if let Some(element) = self.stack.pop() {
                self.close(element);
            }
        }
    }

    fn close(&mut self, element: Element) {
        let end = self.page.paragraphs.len();
        if let Some(section) = element.section {
            self.page.sections[section].paragraphs.end = end;
        }
        if let Some((id, place)) = element.id
            && let Some(known) = self.page.anchors.get_mut(&id)
            && known.paragraphs.start == place.paragraphs.start
        {
            known.paragraphs.end = end.max(known.paragraphs.end);
        }
        let holds = !matches!(element.name.as_str(), "section" | "article" | "main" | "body" | "html");
        if holds && end > element.first + 1 {
            self.page.blocks.push(element.first..end);
        }
        if element.suspends
            && let Some((para, lines, linked)) = self.suspended.pop()
        {
            (self.para, self.lines, self.linked) = (para, lines, linked);
        }
    }

    fn text(&mut self, text: &str, at: usize) {
        if text.contains(|c: char| !c.is_whitespace()) {
            self.lines.breaks = 0;
        }
        let before = self.para.text.text().len();
        self.para.text.push(text, self.document.source_offset(at));
        if self.stack.last().is_some_and(|top| top.link) {
            self.linked += self.para.text.text().len() - before;
        }
    }

    fn reference(&mut self, name: &str, span: Range<usize>) {
        self.lines.breaks = 0;
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
        let lines = std::mem::take(&mut self.lines);
        let linked = std::mem::take(&mut self.linked);
        if self.para.text.is_empty() {
            return;
        }
        let para = std::mem::replace(&mut self.para, Para::new(self.document.charset.width()));
        let is_heading = self.stack.last().is_some_and(|top| top.heading.is_some());
        let style = self.stack.last().map(|top| top.style).unwrap_or_default();
        let kind = style.kind.unwrap_or(ParagraphKind::Prose);
        let (kind, cuts) =
            if is_heading { (kind, Vec::new()) } else { lines.judge(para.text.text(), kind, style.quoted) };
        let parts = para.split_at(&cuts);
        for para in parts {
            let linked = linked * 10 > para.text.text().len() * 8;
            self.push(para, kind, linked);
        }
    }

    fn push(&mut self, para: Para, kind: ParagraphKind, linked: bool) {
        let Some(mut para) = self.waiting.take(para) else { return };
        let top = self.stack.last();
        let by_class = top.and_then(|top| top.style.heading);
        let short = para.text.text().chars().count() <= HEADING_CHARS;
        let heading = top.and_then(|top| top.heading).or(by_class.filter(|_| short)).unwrap_or(0);
        let style = top.map(|top| top.style).unwrap_or_default();
        para.kind = if heading > 0 { ParagraphKind::Heading } else { kind };
        let note = top.and_then(|top| top.note);
        self.page.paragraphs.push(PagePara { para, heading, note, aside: style.aside, linked, quoted: style.quoted });
        self.blanks.push(std::mem::take(&mut self.blank));
    }

    fn finish(mut self) -> Page {
        while let Some(name) = self.stack.last().map(|top| top.name.clone()) {
            self.end(&name);
        }
        self.flush();
        self.page.pages_after = std::mem::take(&mut self.waiting.pages);
        self.page.pages_after.extend(self.para.pages.drain(..).map(|page| page.label));
        // Empty paragraphs are breaks, unless the page sets them everywhere.
        if self.blanks.iter().filter(|&&blank| blank).count() * 4 <= self.page.paragraphs.len() {
            for (para, blank) in self.page.paragraphs.iter_mut().zip(&self.blanks) {
                para.para.after_break |= *blank;
            }
        }
        self.page
    }
}
