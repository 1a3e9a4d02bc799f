//! A book in one file of HTML.

use crate::decode::{self, Decoded};
use crate::error::BookError;
use crate::front;
use crate::limits::Meter;
use crate::pages::cut::{self, About};
use crate::pages::{self, Soup};
use crate::piece::Draft;
use crate::xml::{Node, Nodes, attribute, local_name, resolve};

/// Reads a file of HTML.
pub(crate) fn read(name: &str, bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let document = decode(name, bytes)?;
    let mut draft = head(name, &document, meter)?;
    let mut page = pages::read_html(name, &document, meter)?;
    pages::assign_notes(std::slice::from_mut(&mut page));
    draft.notes = pages::take_notes(&page, 0);
    let about = About { toc: &[], lines: &[], guide: None, whole_book: true };
    draft.pieces = cut::cut(page, &about).into_iter().map(|cutting| cutting.piece).collect();
    Ok(draft)
}

/// Decodes a file of HTML.
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Decoded, BookError> {
    decode::html(bytes).ok_or_else(|| BookError::UnknownEncoding { href: name.to_owned() })
}

/// Title, authors and language, as the head of the file states them.
fn head(name: &str, document: &Decoded, meter: &Meter<'_>) -> Result<Draft, BookError> {
    let mut draft = Draft::default();
    let mut soup = Soup::new(name, document, meter);
    let mut title: Option<String> = None;
    let mut in_title = false;
    while let Some((node, _)) = soup.next()? {
        match node {
            Node::Start(tag, _) => match local_name(&tag).as_str() {
                "html" => draft.language_tag = attribute(&tag, "lang"),
                "title" => in_title = title.is_none(),
                "meta" => meta(&mut draft, &attribute(&tag, "name"), attribute(&tag, "content")),
                "body" | "p" | "div" | "h1" | "h2" => break,
                _ => {}
            },
            Node::Text(text) if in_title => title.get_or_insert_default().push_str(text),
            Node::Reference(name) if in_title => {
                title.get_or_insert_default().push_str(&resolve(name).unwrap_or_default());
            }
            Node::End(name) if name == "title" => in_title = false,
            _ => {}
        }
    }
    if let Some(title) = title.filter(|_| draft.title.is_none()) {
        let (title, author) = front::named_by_licence(&title);
        draft.title = Some(title);
        if draft.authors.is_empty() {
            draft.authors.extend(author);
        }
    }
    draft.title = draft.title.filter(|title| !title.is_empty());
    Ok(draft)
}

fn meta(draft: &mut Draft, name: &Option<String>, content: Option<String>) {
    let name = name.as_deref().unwrap_or_default().to_ascii_lowercase();
    let Some(content) = content.map(|content| content.split_whitespace().collect::<Vec<_>>().join(" ")) else { return };
    match name.as_str() {
        _ if content.is_empty() => {}
        "author" | "dc.creator" | "dcterms.creator" if !draft.authors.contains(&content) => {
            draft.authors.push(front::spoken(&content));
        }
        "dc.title" | "dcterms.title" => draft.title = Some(content),
        "dc.language" => {
            draft.language_tag.get_or_insert(content);
        }
        _ => {}
    }
}
