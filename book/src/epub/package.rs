//! What an EPUB says of itself: where its package is, its metadata, its files and their reading order.

use std::collections::HashMap;

use crate::archive::Archive;
use crate::aside;
use crate::error::BookError;
use crate::front;
use crate::limits::Meter;
use crate::xml::{self, Node, Xml, attribute, local_name, resolve};

const CONTAINER: &str = "META-INF/container.xml";
/// Licences of Readium LCP and Apple FairPlay.
const LOCKS: &[&str] = &["META-INF/license.lcpl", "META-INF/sinf.xml"];
const ENCRYPTION: &str = "META-INF/encryption.xml";
/// Both only garble fonts, which are not read.
const FONT_OBFUSCATION: &[&str] = &["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
/// No book names more authors.
const MAX_AUTHORS: usize = 32;

/// A file that the package lists.
#[derive(Clone, Debug)]
struct Item {
    path: String,
    media_type: String,
    properties: String,
}

/// The package document.
#[derive(Default)]
pub(super) struct Package {
    pub title: Option<String>,
    pub authors: Vec<String>,
    pub language: Option<String>,
    /// Paths of pages in reading order; `false` for what stands beside it.
    pub spine: Vec<(String, bool)>,
    /// The EPUB 3 table of contents.
    pub nav: Option<String>,
    /// The EPUB 2 table of contents.
    pub ncx: Option<String>,
    /// The picture on the front.
    pub cover: Option<String>,
    /// Paths of SVG drawings.
    pub drawings: Vec<String>,
    /// Paths that the guide names, with the rule that sets each aside.
    pub guide: HashMap<String, &'static str>,
}

/// Reads the package of an archive.
pub(super) fn read(archive: &mut Archive<'_>, meter: &Meter<'_>) -> Result<Package, BookError> {
    if !archive.contains(CONTAINER) {
        let looks_like =
            if archive.contains("[Content_Types].xml") { "an Office document" } else { "a zip archive of other files" };
        return Err(BookError::NotABook { looks_like });
    }
    if LOCKS.iter().any(|lock| archive.contains(lock)) {
        return Err(BookError::Encrypted);
    }
    if archive.contains(ENCRYPTION) {
        check_encryption(archive, meter)?;
    }
    let path = package_path(archive, meter)?;
    let document = xml::decode(&path, &archive.unpack(&path, meter)?)?;
    parse(&path, Xml::new(&path, &document, meter))
}

fn check_encryption(archive: &mut Archive<'_>, meter: &Meter<'_>) -> Result<(), BookError> {
    let document = xml::decode(ENCRYPTION, &archive.unpack(ENCRYPTION, meter)?)?;
    let mut xml = Xml::new(ENCRYPTION, &document, meter);
    while let Some((node, _)) = xml.next()? {
        if let Node::Start(tag, _) = node
            && local_name(&tag) == "encryptionmethod"
            && !attribute(&tag, "Algorithm").is_some_and(|name| FONT_OBFUSCATION.contains(&name.as_str()))
        {
            return Err(BookError::Encrypted);
        }
    }
    Ok(())
}

fn package_path(archive: &mut Archive<'_>, meter: &Meter<'_>) -> Result<String, BookError> {
    let document = xml::decode(CONTAINER, &archive.unpack(CONTAINER, meter)?)?;
    let mut xml = Xml::new(CONTAINER, &document, meter);
    while let Some((node, _)) = xml.next()? {
        if let Node::Start(tag, _) = node
            && local_name(&tag) == "rootfile"
            && let Some(path) = attribute(&tag, "full-path")
        {
            return Ok(resolve_path("", &path).0);
        }
    }
    Err(BookError::Incomplete { part: "the path of its package document".to_owned() })
}

fn parse(path: &str, mut xml: Xml<'_, '_>) -> Result<Package, BookError> {
    let mut package = Package::default();
    let mut items: HashMap<String, Item> = HashMap::new();
    let mut spine: Vec<(String, bool)> = Vec::new();
    let (mut ncx_id, mut cover_id) = (None, None);
    // The metadata element that is open, and its text so far.
    let mut field: Option<(String, String)> = None;
    while let Some((node, _)) = xml.next()? {
        match node {
            Node::Start(tag, empty) => match local_name(&tag).as_str() {
                name @ ("title" | "creator" | "language") if !empty => field = Some((name.to_owned(), String::new())),
                "item" => {
                    let get = |name| attribute(&tag, name).unwrap_or_default();
                    let (path, _) = resolve_path(path, &get("href"));
                    items
                        .insert(get("id"), Item { path, media_type: get("media-type"), properties: get("properties") });
                }
                "meta" if attribute(&tag, "name").as_deref() == Some("cover") => cover_id = attribute(&tag, "content"),
                "spine" => ncx_id = attribute(&tag, "toc"),
                "itemref" => {
                    let linear = attribute(&tag, "linear").is_none_or(|value| value != "no");
                    spine.push((attribute(&tag, "idref").unwrap_or_default(), linear));
                }
                "reference" => {
                    let rule = attribute(&tag, "type").and_then(|types| aside::by_type(&types));
                    if let (Some(rule), Some(href)) = (rule, attribute(&tag, "href")) {
                        package.guide.insert(resolve_path(path, &href).0, rule);
                    }
                }
                _ => {}
            },
            Node::Text(text) | Node::CData(text) => {
                if let Some((_, value)) = &mut field {
                    value.push_str(text);
                }
            }
            Node::Reference(name) => {
                if let (Some((_, value)), Some(text)) = (&mut field, resolve(name)) {
                    value.push_str(&text);
                }
            }
            Node::End(name) => {
                if let Some((_, value)) = field.take_if(|(open, _)| *open == name) {
                    package.take_field(&name, &value);
                }
            }
        }
    }
    package.take_pictures(&items, cover_id.as_deref());
    package.take_items(&items, &spine, ncx_id.as_deref())
}

impl Package {
    fn take_field(&mut self, name: &str, value: &str) {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        match name {
            _ if value.is_empty() => {}
            "title" => {
                self.title.get_or_insert(value);
            }
            "language" => {
                self.language.get_or_insert(value);
            }
            _ => {
                let value = front::spoken(&value);
                if self.authors.len() < MAX_AUTHORS && !self.authors.contains(&value) {
                    self.authors.push(value);
                }
            }
        }
    }

    /// The cover: as EPUB 3 says it, as EPUB 2 does, else by its name.
    fn take_pictures(&mut self, items: &HashMap<String, Item>, cover_id: Option<&str>) {
        let pictures = || items.iter().filter(|(_, item)| item.media_type.starts_with("image/"));
        let marked = pictures().find(|(_, item)| item.properties.split_whitespace().any(|word| word == "cover-image"));
        let named = || cover_id.and_then(|id| pictures().find(|(known, item)| *known == id || item.path.ends_with(id)));
        let called = || {
            let says = |text: &str| text.to_lowercase().contains("cover");
            pictures()
                .filter(|(id, item)| says(id) || says(item.path.rsplit('/').next().unwrap_or_default()))
                .min_by_key(|(_, item)| &item.path)
        };
        self.cover = marked.or_else(named).or_else(called).map(|(_, item)| item.path.clone());
        let drawings = pictures().filter(|(_, item)| item.media_type == "image/svg+xml");
        self.drawings = drawings.map(|(_, item)| item.path.clone()).collect();
        self.drawings.sort();
    }

    fn take_items(
        mut self,
        items: &HashMap<String, Item>,
        spine: &[(String, bool)],
        ncx_id: Option<&str>,
    ) -> Result<Self, BookError> {
        let is_page = |item: &&Item| matches!(item.media_type.as_str(), "application/xhtml+xml" | "text/html");
        self.spine = spine
            .iter()
            .filter_map(|(id, linear)| items.get(id).filter(is_page).map(|item| (item.path.clone(), *linear)))
            .collect();
        if self.spine.is_empty() {
            return Err(BookError::Incomplete { part: "pages in its reading order".to_owned() });
        }
        // Two items may claim to be the table of contents: the first by path, whatever order a map has.
        self.nav = items
            .values()
            .filter(|item| item.properties.split_whitespace().any(|property| property == "nav"))
            .map(|item| item.path.clone())
            .min();
        let by_type =
            || items.values().filter(|item| item.media_type == "application/x-dtbncx+xml").min_by_key(|i| &i.path);
        self.ncx = ncx_id.and_then(|id| items.get(id)).or_else(by_type).map(|item| item.path.clone());
        Ok(self)
    }
}

/// The path and fragment that `href` names, seen from the entry `base`. Never leaves the archive.
pub(crate) fn resolve_path(base: &str, href: &str) -> (String, Option<String>) {
    let (path, fragment) = href.split_once('#').map_or((href, None), |(path, fragment)| (path, Some(fragment)));
    let path = percent_decoded(path.split('?').next().unwrap_or(path));
    let fragment = fragment.filter(|fragment| !fragment.is_empty()).map(percent_decoded);
    if path.is_empty() {
        return (base.to_owned(), fragment);
    }
    let folder = if path.starts_with('/') { "" } else { base.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    (parts.join("/"), fragment)
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match pair.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_entry_that_names_them() {
        assert_eq!(
            resolve_path("epub/toc.xhtml", "text/a%20b.xhtml#c"),
            ("epub/text/a b.xhtml".into(), Some("c".into()))
        );
        assert_eq!(resolve_path("epub/toc.xhtml", "#c"), ("epub/toc.xhtml".into(), Some("c".into())));
        assert_eq!(resolve_path("a/b.xhtml", "../../../c.xhtml").0, "c.xhtml");
        assert_eq!(resolve_path("a/b.xhtml", "100%.xhtml").0, "a/100%.xhtml");
    }
}
