//! HTML as it is found: tokens by the rules that browsers keep (WHATWG HTML §13.2.5), with their places.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Span, State, StringReader, Token, Tokenizer};
use quick_xml::events::BytesStart;

use super::skip;
use crate::decode::Decoded;
use crate::error::BookError;
use crate::limits::Meter;
use crate::xml::{Node, Nodes, VOID, local_name, resolve};

/// No reference's name is longer, bytes.
const REFERENCE_BYTES: usize = 40;

/// A walk over one document of HTML.
pub(crate) struct Soup<'a, 'm> {
    tokens: Tokenizer<StringReader<'a>, DefaultEmitter<usize>>,
    document: &'a Decoded,
    href: &'a str,
    meter: &'m Meter<'m>,
    /// What the last stretch of characters consists of: text and references.
    waiting: VecDeque<(Node<'a>, Range<usize>)>,
    at: usize,
    nodes: usize,
}

impl<'a, 'm> Soup<'a, 'm> {
    pub fn new(href: &'a str, document: &'a Decoded, meter: &'m Meter<'m>) -> Self {
        let mut emitter = DefaultEmitter::new_with_span();
        // `<script>` and the like hold no tags.
        emitter.naively_switch_states(true);
        let tokens = Tokenizer::new_with_emitter(document.text.as_str(), emitter);
        Self { tokens, document, href, meter, waiting: VecDeque::new(), at: 0, nodes: 0 }
    }

    fn start(&self, span: Range<usize>, empty: bool) -> Result<Node<'a>, BookError> {
        let limit_bytes = self.meter.limits.attribute_bytes;
        if span.len() > limit_bytes {
            return Err(BookError::AttributesTooLarge { href: self.href.to_owned(), limit_bytes });
        }
        let tag = start_tag(&self.document.text[span]);
        let empty = empty || VOID.contains(&local_name(&tag).as_str());
        Ok(Node::Start(tag, empty))
    }

    /// Splits characters at their references.
    fn characters(&mut self, span: Range<usize>) {
        let text = &self.document.text[span.clone()];
        let mut from = 0;
        for (at, _) in text.match_indices('&') {
            let near = &text[at + 1..text.floor_char_boundary(at + 1 + REFERENCE_BYTES)];
            let Some(len) = near.find(';').filter(|&len| resolve(&near[..len]).is_some()) else { continue };
            let end = at + len + 2;
            if from < at {
                self.waiting.push_back((Node::Text(&text[from..at]), span.start + from..span.start + at));
            }
            self.waiting.push_back((Node::Reference(&near[..len]), span.start + at..span.start + end));
            from = end;
        }
        if from < text.len() {
            self.waiting.push_back((Node::Text(&text[from..]), span.start + from..span.end));
        }
    }

    fn check_declaration(&self, span: &Range<usize>) -> Result<(), BookError> {
        if self.document.text[span.clone()].to_ascii_uppercase().contains("<!ENTITY") {
            return Err(BookError::EntityDeclared { href: self.href.to_owned() });
        }
        Ok(())
    }
}

impl<'a> Nodes<'a> for Soup<'a, '_> {
    fn rest(&self) -> &'a str {
        &self.document.text[self.at..]
    }

    fn next(&mut self) -> Result<Option<(Node<'a>, Range<usize>)>, BookError> {
        loop {
            if let Some(node) = self.waiting.pop_front() {
                self.at = node.1.end;
                return Ok(Some(node));
            }
            self.nodes += 1;
            if self.nodes.is_multiple_of(256) {
                self.meter.check_time()?;
            }
            let Some(token) = self.tokens.next() else { return Ok(None) };
            let token = token.unwrap_or_else(|never: Infallible| match never {});
            let range = |span: Span<usize>| span.start..span.end;
            let (node, span) = match token {
                Token::StartTag(tag) => {
                    let span = range(tag.span);
                    let node = self.start(span.clone(), tag.self_closing)?;
                    // What looks like markup is none in elements such as `<script>`; but XHTML may end one at once, and
                    // of those that are read, such as `<plaintext>`, the tags are left out like all others.
                    if !matches!(&node, Node::Start(tag, false) if skip::holds_no_text(&local_name(tag))) {
                        self.tokens.set_state(State::Data);
                    }
                    (node, span)
                }
                Token::EndTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    let local = name.rsplit(':').next().unwrap_or(&name).to_ascii_lowercase();
                    (Node::End(local), range(tag.span))
                }
                Token::String(text) => {
                    self.characters(range(text.span));
                    continue;
                }
                Token::Doctype(doctype) => {
                    self.check_declaration(&range(doctype.span))?;
                    continue;
                }
                Token::Comment(comment) => {
                    self.check_declaration(&range(comment.span))?;
                    continue;
                }
                Token::Error(_) => continue,
            };
            self.at = span.end;
            return Ok(Some((node, span)));
        }
    }
}

/// The start tag that `markup` is, `<` and `>` included.
fn start_tag(markup: &str) -> BytesStart<'_> {
    let content = markup.strip_prefix('<').unwrap_or(markup);
    let content = content.strip_suffix('>').unwrap_or(content).trim_end_matches('/');
    let name_len = content.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(content.len());
    BytesStart::from_content(content, name_len)
}

/// The document stops within a tag or a comment.
pub(super) fn is_cut_off(text: &str) -> bool {
    let Some(open) = text.rfind('<') else { return false };
    let tail = &text[open..];
    let tag = tail[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) || tail == "<";
    tag && !tail.contains('>')
}
