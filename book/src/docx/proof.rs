//! The characters of a stretch of a part, found by a scanner that knows nothing of paragraphs or positions.

use quick_xml::events::BytesStart;

use super::{marks, styles};
use crate::xml;

/// The characters of `markup`, which may start and end within elements: those in text elements, with breaks as
/// spaces and symbols as what they show; deleted, doubled and hidden ones left out.
pub(crate) fn characters(markup: &str) -> String {
    let mut scan = Scan { out: String::new(), in_text: true, hidden: false, in_run: false, skipped: None };
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        scan.push(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { scan.reference(rest) } else { scan.tag(rest) };
    }
    scan.push(rest);
    scan.out
}

struct Scan {
    out: String,
    in_text: bool,
    hidden: bool,
    in_run: bool,
    /// The element whose content is left out, and how many of its name are open.
    skipped: Option<(String, usize)>,
}

impl Scan {
    fn push(&mut self, text: &str) {
        if self.in_text && !self.hidden && self.skipped.is_none() {
            self.out.push_str(text);
        }
    }

    fn reference<'a>(&mut self, rest: &'a str) -> &'a str {
        let end = rest.find(';').unwrap_or(0);
        match rest.get(1..end).and_then(xml::resolve) {
            Some(resolved) => {
                self.push(&resolved);
                &rest[end + 1..]
            }
            None => {
                self.push("&");
                &rest[1..]
            }
        }
    }

    fn tag<'a>(&mut self, rest: &'a str) -> &'a str {
        let after = |end: &str| rest.find(end).map_or("", |at| &rest[at + end.len()..]);
        if rest.starts_with("<!--") {
            return after("-->");
        }
        if rest.starts_with("<?") {
            return after("?>");
        }
        if let Some(characters) = rest.strip_prefix("<![CDATA[") {
            let end = characters.find("]]>").unwrap_or(characters.len());
            self.push(&characters[..end]);
            return after("]]>");
        }
        let (content, behind) = crate::provenance::split_tag(rest);
        let (closes, content) = content.strip_prefix('/').map_or((false, content), |content| (true, content));
        let empty = content.ends_with('/');
        let content = content.trim_end_matches('/');
        let start = BytesStart::from_content(content, content.find(char::is_whitespace).unwrap_or(content.len()));
        let name = xml::local_name(&start);
        match (&mut self.skipped, closes) {
            (Some((skipped, depth)), _) if *skipped == name => match (closes, empty) {
                (true, _) if *depth == 1 => self.skipped = None,
                (true, _) => *depth -= 1,
                (false, false) => *depth += 1,
                (false, true) => {}
            },
            (Some(_), _) => {}
            (None, true) => self.end(&name),
            (None, false) => self.start(&name, &start, empty, behind),
        }
        behind
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>, empty: bool, behind: &str) {
        let skipped = marks::is_skipped(name)
            || matches!(name, "txbxcontent" | "p")
            || marks::note_link(name, tag, behind).is_some();
        if skipped && !empty {
            self.skipped = Some((name.to_owned(), 1));
            return;
        }
        let shown = std::mem::replace(&mut self.in_text, true);
        match name {
            "t" => self.in_text = !empty,
            "tab" | "br" | "cr" | "ptab" => self.push(" "),
            "nobreakhyphen" => self.push("-"),
            "sym" => self.push(&marks::symbol(tag)),
            _ => {}
        }
        self.in_text = shown || name == "t";
        match name {
            "t" => self.in_text = !empty,
            "r" => (self.in_run, self.hidden) = (!empty, false),
            "vanish" if self.in_run => self.hidden = styles::is_on(tag),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "r" => (self.in_run, self.hidden) = (false, false),
            _ => {}
        }
    }
}
