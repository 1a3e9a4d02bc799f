//! The text of a part, paragraph by paragraph: what was inserted, not what was deleted.

use std::collections::HashMap;
use std::ops::Range;

use domain::book::ParagraphKind;
use quick_xml::events::BytesStart;

use super::marks;
use super::styles::{self, Role, Styles};
use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::piece::Para;
use crate::xml::{self, Node, Xml};

/// A paragraph as the document has it.
pub(super) struct Block {
    pub para: Para,
    pub role: Role,
    /// Nothing but a rule.
    pub rule: bool,
    /// It shows a picture.
    pub pictured: bool,
    /// It belongs to a generated table of contents.
    pub generated: bool,
    /// Lines that it is broken into.
    pub lines: usize,
    /// The note that it belongs to.
    pub note: Option<String>,
}

/// The notes that a text refers to, in order: what it calls each, and how that is printed.
#[derive(Debug, Default)]
pub(super) struct References {
    pub labels: HashMap<String, String>,
    footnotes: u32,
    endnotes: u32,
}

/// Reads the paragraphs of a part.
pub(super) fn read(
    href: &str,
    part: &Decoded,
    styles: &Styles,
    references: &mut References,
    meter: &Meter<'_>,
) -> Result<Vec<Block>, BookError> {
    let mut walk = Xml::new(href, part, meter);
    let mut body = Body {
        part,
        styles,
        references,
        open: Vec::new(),
        paragraphs: Vec::new(),
        skipped: None,
        fields: Vec::new(),
        generated: 0,
        pages: 0,
        hidden: false,
        in_text: false,
        note: None,
        merged: None,
        blocks: Vec::new(),
    };
    while let Some((node, span)) = walk.next()? {
        match node {
            Node::Start(tag, empty) => body.start(&tag, empty, span, walk.rest()),
            Node::End(name) => {
                // Programs write these parts: one that nests badly is damaged, and what it says can't be told.
                if body.open.last().is_none_or(|open| open.split(' ').next() != Some(name.as_str())) {
                    return Err(malformed(href, part, span.start));
                }
                body.end();
            }
            Node::Text(text) => body.text(text, span.start),
            Node::CData(text) => body.text(text, span.start + "<![CDATA[".len()),
            Node::Reference(name) => match xml::resolve(name) {
                Some(resolved) => body.instead(&resolved, span),
                // A bare `&` some way before a `;`.
                None => body.text(&part.text[span.clone()], span.start),
            },
        }
    }
    if !body.open.is_empty() {
        return Err(malformed(href, part, part.text.len()));
    }
    Ok(body.blocks)
}

fn malformed(href: &str, part: &Decoded, at: usize) -> BookError {
    BookError::Malformed { href: href.to_owned(), offset: part.source_offset(at) }
}

/// A paragraph under construction.
struct Open {
    block: Block,
    /// Paragraphs of text boxes within it, which come behind it.
    boxed: Vec<Block>,
    style: Option<String>,
    outline: Option<u32>,
    listed: Option<bool>,
    bordered: bool,
    /// Its end was deleted: it goes on in the next one.
    goes_on: bool,
}

struct Body<'a> {
    part: &'a Decoded,
    styles: &'a Styles,
    references: &'a mut References,
    /// Names of the open elements.
    open: Vec<String>,
    paragraphs: Vec<Open>,
    /// Depth of the element whose content is left out.
    skipped: Option<usize>,
    /// Open fields: `true` for a table of contents.
    fields: Vec<bool>,
    /// Open tables of contents of either kind.
    generated: usize,
    pages: u32,
    /// The run is hidden text.
    hidden: bool,
    in_text: bool,
    note: Option<String>,
    /// A paragraph whose end was deleted.
    merged: Option<Para>,
    blocks: Vec<Block>,
}

impl Body<'_> {
    fn start(&mut self, tag: &BytesStart<'_>, empty: bool, span: Range<usize>, rest: &str) {
        let name = xml::local_name(tag);
        if self.skipped.is_none() {
            if !empty && marks::is_skipped(&name) {
                self.skipped = Some(self.open.len());
            } else if let Some((label, anchor)) = (!empty).then(|| marks::note_link(&name, tag, rest)).flatten() {
                self.mark(&label, Some(anchor));
                self.skipped = Some(self.open.len());
            } else {
                self.element(&name, tag, empty, span);
            }
        }
        if !empty {
            self.open.push(name);
        }
    }

    fn within(&self, name: &str) -> bool {
        self.open.iter().rev().take_while(|open| *open != "p").any(|open| open == name)
    }

    /// A paragraph is open, and no text box within it.
    fn within_paragraph(&self) -> bool {
        self.open.iter().rev().find(|open| matches!(open.as_str(), "p" | "txbxcontent")).is_some_and(|open| open == "p")
    }

    fn element(&mut self, name: &str, tag: &BytesStart<'_>, empty: bool, span: Range<usize>) {
        match name {
            // Only a text box may hold paragraphs within one.
            "p" if self.within_paragraph() => self.skipped = (!empty).then_some(self.open.len()),
            "p" if !empty => self.begin(),
            "p" => {
                self.begin();
                self.finish();
            }
            "r" => self.hidden = false,
            "t" => self.in_text = !empty,
            "tab" if self.within("tabs") => {}
            "tab" | "br" | "cr" | "ptab" => self.space(name, tag, &span),
            "nobreakhyphen" => self.instead("-", span),
            "sym" => self.instead(&marks::symbol(tag), span),
            "lastrenderedpagebreak" => self.page(),
            "vanish" if self.within("r") => self.hidden = styles::is_on(tag),
            "footnotereference" | "endnotereference" => self.reference(name, tag),
            "footnote" | "endnote" => {
                let separator = xml::attribute(tag, "type").is_some_and(|kind| kind != "normal");
                self.note = xml::attribute(tag, "id").filter(|_| !separator).map(|id| format!("{name}-{id}"));
            }
            "fldchar" => self.field(tag),
            "fldsimple" if !empty => {
                let contents = xml::attribute(tag, "instr").is_some_and(|code| marks::is_contents(&code));
                self.generated += usize::from(contents);
                self.fields.push(contents);
            }
            "docpartgallery"
                if xml::attribute(tag, "val").is_some_and(|kind| kind.starts_with("Table of Contents")) =>
            {
                // Open until the end of the control that holds it.
                if let Some(control) = self.open.iter_mut().rev().find(|open| *open == "sdt") {
                    *control = "sdt contents".to_owned();
                    self.generated += 1;
                }
            }
            _ => self.property(name, tag),
        }
    }

    /// Properties of the paragraph.
    fn property(&mut self, name: &str, tag: &BytesStart<'_>) {
        let in_properties = self.within("ppr");
        let Some(open) = self.paragraphs.last_mut() else { return };
        match name {
            "pstyle" => open.style = xml::attribute(tag, "val"),
            "outlinelvl" if in_properties => open.outline = styles::outline_level(tag),
            "numid" if in_properties => open.listed = xml::attribute(tag, "val").map(|id| id != "0"),
            "top" | "bottom" if in_properties => open.bordered |= styles::is_on(tag),
            "del" if in_properties => open.goes_on = true,
            "drawing" | "pict" | "object" => open.block.pictured = true,
            "rect" if xml::attribute(tag, "hr").is_some() => open.block.rule = true,
            _ => {}
        }
    }

    fn end(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        if let Some(skipped) = self.skipped {
            if skipped == self.open.len() {
                self.skipped = None;
            }
            return;
        }
        match closed.as_str() {
            "p" => self.finish(),
            "t" => self.in_text = false,
            "r" => self.hidden = false,
            "footnote" | "endnote" => self.note = None,
            "fldsimple" => self.end_field(),
            "sdt contents" => self.generated = self.generated.saturating_sub(1),
            _ => {}
        }
    }

    fn begin(&mut self) {
        let width = self.part.charset.width();
        let para = if self.paragraphs.is_empty() { self.merged.take() } else { None };
        let block = Block {
            para: para.unwrap_or_else(|| Para::new(width)),
            role: Role::Text(ParagraphKind::Prose),
            rule: false,
            pictured: false,
            generated: self.generated > 0,
            lines: 1,
            note: self.note.clone(),
        };
        let open = Open {
            block,
            boxed: Vec::new(),
            style: None,
            outline: None,
            listed: None,
            bordered: false,
            goes_on: false,
        };
        self.paragraphs.push(open);
    }

    fn finish(&mut self) {
        let Some(open) = self.paragraphs.pop() else { return };
        let Open { mut block, boxed, style, outline, listed, bordered, goes_on } = open;
        if goes_on && self.paragraphs.is_empty() && boxed.is_empty() {
            self.merged = Some(block.para);
            return;
        }
        block.role = match (self.styles.role(style.as_deref()), outline) {
            (Role::Text(_), Some(level @ 0..=8)) => Role::Heading(level),
            (Role::Heading(_), Some(9)) => Role::Text(ParagraphKind::Prose),
            (Role::Text(ParagraphKind::Prose), _) if listed == Some(true) => Role::Text(ParagraphKind::Item),
            (Role::Text(ParagraphKind::Item), _) if listed == Some(false) => Role::Text(ParagraphKind::Prose),
            (role, _) => role,
        };
        block.generated |= self.generated > 0 || block.role == Role::Contents;
        block.rule |= bordered && block.para.text.is_empty();
        let target = self.paragraphs.last_mut().map_or(&mut self.blocks, |outer| &mut outer.boxed);
        target.push(block);
        target.extend(boxed);
    }

    fn text(&mut self, text: &str, at: usize) {
        if self.skipped.is_none()
            && self.in_text
            && !self.hidden
            && let Some(open) = self.paragraphs.last_mut()
        {
            open.block.para.text.push(text, self.part.source_offset(at));
        }
        // The code of a field stands in elements of its own and is no text.
        let code = self.open.last().is_some_and(|open| open == "instrtext");
        if let (true, Some(contents @ false)) = (code && marks::is_contents(text), self.fields.last_mut()) {
            *contents = true;
            self.generated += 1;
        }
    }

    /// Pushes characters that stand for other bytes.
    fn instead(&mut self, text: &str, span: Range<usize>) {
        let in_place = self.in_text || self.part.text[span.clone()].starts_with('<');
        if self.skipped.is_some() || !in_place || self.hidden {
            return;
        }
        let source = self.part.source_offset(span.start)..self.part.source_offset(span.end);
        if let Some(open) = self.paragraphs.last_mut() {
            open.block.para.text.push_replacement(text, source);
        }
    }

    fn space(&mut self, name: &str, tag: &BytesStart<'_>, span: &Range<usize>) {
        self.instead(" ", span.clone());
        let kind = if name == "br" { xml::attribute(tag, "type") } else { None };
        let line = matches!(name, "br" | "cr") && kind.is_none_or(|kind| kind == "textWrapping");
        if let Some(open) = self.paragraphs.last_mut() {
            open.block.lines += usize::from(line);
        }
    }

    /// The program that saved the document last began a page here.
    fn page(&mut self) {
        self.pages += 1;
        let label = (self.pages + 1).to_string();
        if let Some(open) = self.paragraphs.last_mut() {
            open.block.para.page(&label);
        }
    }

    fn mark(&mut self, label: &str, target: Option<String>) {
        if let Some(open) = self.paragraphs.last_mut() {
            open.block.para.mark(label, target);
        }
    }

    fn reference(&mut self, name: &str, tag: &BytesStart<'_>) {
        let Some(id) = xml::attribute(tag, "id").filter(|_| !self.hidden) else { return };
        let footnote = name == "footnotereference";
        let id = format!("{}-{id}", if footnote { "footnote" } else { "endnote" });
        let references = &mut *self.references;
        let label = references.labels.entry(id.clone()).or_insert_with(|| {
            let count = if footnote { &mut references.footnotes } else { &mut references.endnotes };
            *count += 1;
            if footnote { count.to_string() } else { marks::roman(*count) }
        });
        let label = label.clone();
        self.mark(&label, Some(id));
    }

    fn field(&mut self, tag: &BytesStart<'_>) {
        match xml::attribute(tag, "fldCharType").as_deref() {
            Some("begin") => self.fields.push(false),
            Some("end") => self.end_field(),
            _ => {}
        }
    }

    fn end_field(&mut self) {
        if self.fields.pop() == Some(true) {
            self.generated = self.generated.saturating_sub(1);
        }
    }
}
