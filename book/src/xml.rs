//! XML events with their places, under limits. Nothing that a document declares is ever resolved.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::{resolve_html5_entity, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};

use crate::decode::{self, Decoded};
use crate::error::BookError;
use crate::limits::Meter;

/// HTML elements without an end, which pages write with and without the slash.
pub(crate) const VOID: &[&str] =
    &["br", "hr", "img", "meta", "link", "input", "wbr", "col", "source", "area", "base", "embed"];

/// What no element's name holds.
const NOT_IN_NAMES: &[char] = &['/', '<', '&', '=', '"', '\''];

/// What stands in a document.
pub(crate) enum Node<'a> {
    /// A start tag; `true` if the element ends with it.
    Start(BytesStart<'a>, bool),
    /// An end tag, by local name.
    End(String),
    /// Characters as they are.
    Text(&'a str),
    /// Characters of a CDATA section.
    CData(&'a str),
    /// An entity or character reference, without `&` and `;`.
    Reference(&'a str),
}

/// A walk over a document, whatever its syntax.
pub(crate) trait Nodes<'a> {
    /// The text behind the last node.
    fn rest(&self) -> &'a str;

    /// The next node and its place in the decoded text; nothing at the end.
    fn next(&mut self) -> Result<Option<(Node<'a>, Range<usize>)>, BookError>;
}

/// Steps over the rest of the element `name`, which has just started.
pub(crate) fn step_over<'a>(nodes: &mut impl Nodes<'a>, name: &str) -> Result<(), BookError> {
    let mut open = 1usize;
    while open > 0
        && let Some((node, _)) = nodes.next()?
    {
        match node {
            Node::Start(tag, false) if local_name(&tag) == name => open += 1,
            Node::End(ended) if ended == name => open -= 1,
            _ => {}
        }
    }
    Ok(())
}

/// Decodes an entry that holds XML.
pub(crate) fn decode(href: &str, bytes: &[u8]) -> Result<Decoded, BookError> {
    decode::xml(bytes).ok_or_else(|| BookError::UnknownEncoding { href: href.to_owned() })
}

/// A walk over one document.
pub(crate) struct Xml<'a, 'm> {
    reader: Reader<&'a [u8]>,
    document: &'a Decoded,
    href: &'a str,
    meter: &'m Meter<'m>,
    /// Bytes before what the reader reads: it would drop a byte order mark, and count its places without.
    before: usize,
    nodes: usize,
    /// Elements that are open; nothing for a page, whose elements the walk over it counts.
    depth: Option<usize>,
}

impl<'a, 'm> Xml<'a, 'm> {
    /// A document that closes what it opens, under the limit on nesting.
    pub fn new(href: &'a str, document: &'a Decoded, meter: &'m Meter<'m>) -> Self {
        let read = document.text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(read);
        let config = reader.config_mut();
        // Pages in the wild nest badly; where an element ends is the walk's business.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let before = document.text.len() - read.len();
        Self { reader, document, href, meter, before, nodes: 0, depth: Some(0) }
    }

    /// A page of XHTML: HTML's void elements end where they start.
    pub fn page(href: &'a str, document: &'a Decoded, meter: &'m Meter<'m>) -> Self {
        Self { depth: None, ..Self::new(href, document, meter) }
    }

    fn count(&mut self, node: &Node<'_>) -> Result<(), BookError> {
        let limit = self.meter.limits.xml_depth;
        match (&mut self.depth, node) {
            (Some(depth), Node::Start(_, false)) => *depth += 1,
            (Some(depth), Node::End(_)) => *depth = depth.saturating_sub(1),
            _ => {}
        }
        if self.depth.is_some_and(|depth| depth > limit) {
            return Err(BookError::XmlTooDeep { href: self.href.to_owned(), limit });
        }
        Ok(())
    }

    /// The text behind the last node.
    pub fn rest(&self) -> &'a str {
        &self.document.text[self.position()..]
    }

    fn position(&self) -> usize {
        self.before + self.reader.buffer_position() as usize
    }

    /// The next node and its place in the decoded text; nothing at the end.
    pub fn next(&mut self) -> Result<Option<(Node<'a>, Range<usize>)>, BookError> {
        loop {
            self.nodes += 1;
            if self.nodes.is_multiple_of(256) {
                self.meter.check_time()?;
            }
            if self.nodes == 1 && self.before > 0 {
                return Ok(Some((Node::Text(&self.document.text[..self.before]), 0..self.before)));
            }
            let start = self.position();
            let event = self.reader.read_event().map_err(|_| self.malformed())?;
            let span = start..self.position();
            let node = match event {
                Event::Start(tag) => self.start(tag, false)?,
                Event::Empty(tag) => self.start(tag, true)?,
                Event::End(tag) => Node::End(tag.local_name().into_inner().to_ascii_lowercase()),
                Event::Text(_) => Node::Text(&self.document.text[span.clone()]),
                Event::CData(_) => {
                    Node::CData(&self.document.text[span.start + "<![CDATA[".len()..span.end - "]]>".len()])
                }
                Event::GeneralRef(_) => Node::Reference(&self.document.text[span.start + 1..span.end - 1]),
                Event::DocType(declaration) => {
                    self.check_doctype(&declaration)?;
                    continue;
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof => return Ok(None),
            };
            self.count(&node)?;
            return Ok(Some((node, span)));
        }
    }

    fn start(&self, tag: BytesStart<'a>, empty: bool) -> Result<Node<'a>, BookError> {
        let limit_bytes = self.meter.limits.attribute_bytes;
        if tag.len() > limit_bytes {
            return Err(BookError::AttributesTooLarge { href: self.href.to_owned(), limit_bytes });
        }
        // `3 < 4` opens no element, and `<b/<i>` more than one; a reader of HTML knows.
        let name = tag.name();
        if !name.as_ref().starts_with(|c: char| c.is_alphabetic() || c == '_') || name.as_ref().contains(NOT_IN_NAMES) {
            return Err(self.malformed());
        }
        let empty = empty || self.depth.is_none() && VOID.contains(&local_name(&tag).as_str());
        Ok(Node::Start(tag, empty))
    }

    fn check_doctype(&self, declaration: &str) -> Result<(), BookError> {
        if declaration.to_ascii_uppercase().contains("<!ENTITY") {
            return Err(BookError::EntityDeclared { href: self.href.to_owned() });
        }
        Ok(())
    }

    fn malformed(&self) -> BookError {
        let at = (self.before + self.reader.error_position() as usize).min(self.document.text.len());
        let at = self.document.text.floor_char_boundary(at);
        BookError::Malformed { href: self.href.to_owned(), offset: self.document.source_offset(at) }
    }
}

impl<'a> Nodes<'a> for Xml<'a, '_> {
    fn rest(&self) -> &'a str {
        self.rest()
    }

    fn next(&mut self) -> Result<Option<(Node<'a>, Range<usize>)>, BookError> {
        self.next()
    }
}

/// The element's name without a prefix, lower case.
pub(crate) fn local_name(tag: &BytesStart<'_>) -> String {
    tag.local_name().into_inner().to_ascii_lowercase()
}

/// The attributes of `tag` may hold one of this name, given in lower case: a quick look before [`attribute`].
pub(crate) fn mentions(tag: &BytesStart<'_>, name: &str) -> bool {
    let raw = tag.attributes_raw().as_bytes();
    raw.len() >= name.len() && raw.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name.as_bytes()))
}

/// The value of an attribute by its full or its local name, references resolved.
pub(crate) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.html_attributes().with_checks(false).flatten().find(|attribute| {
        let key = attribute.key.as_ref();
        key.eq_ignore_ascii_case(name)
            || !name.contains(':') && key.rsplit(':').next().is_some_and(|local| local.eq_ignore_ascii_case(name))
    })?;
    Some(resolve_all(&found.value))
}

/// What a reference stands for, by XML and by HTML's table; nothing if nobody knows it.
pub(crate) fn resolve(reference: &str) -> Option<Cow<'static, str>> {
    if let Some(number) = reference.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|&c| c != '\0').map(|c| c.to_string().into());
    }
    resolve_xml_entity(reference).or_else(|| resolve_html5_entity(reference)).map(Cow::Borrowed)
}

fn resolve_all(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').unwrap_or(0);
        match rest.get(1..end).and_then(resolve) {
            Some(resolved) => {
                out.push_str(&resolved);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
