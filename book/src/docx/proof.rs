//! The characters of a stretch of a part, found by a scanner that knows nothing of paragraphs or positions.

use quick_xml::events::BytesStart;

use super::{marks, styles};
use crate::error::BookError;
use crate::provenance;
use crate::xml::{self, Node, Xml};

/// The characters of a stretch of a part, which may start and end within elements: those in text elements, with
/// breaks as spaces and symbols as what they show; deleted, doubled and hidden ones left out.
pub(crate) fn characters(mut nodes: Xml<'_, '_>) -> Result<String, BookError> {
    let mut scan = Scan { out: String::new(), in_text: true, hidden: false, in_run: false, in_paragraph: true };
    while let Some((node, _)) = nodes.next()? {
        match node {
            Node::Start(tag, empty) => {
                let name = xml::local_name(&tag);
                let apart = marks::is_skipped(&name)
                    || name == "txbxcontent"
                    || name == "p" && scan.in_paragraph
                    || marks::note_link(&name, &tag, nodes.rest()).is_some();
                match (apart, empty) {
                    (true, true) => {}
                    (true, false) => xml::step_over(&mut nodes, &name)?,
                    (false, _) => scan.start(&name, &tag, empty),
                }
            }
            Node::End(name) => scan.end(&name),
            Node::Text(text) | Node::CData(text) => scan.push(text),
            Node::Reference(name) => {
                let mut resolved = String::new();
                provenance::push_reference(name, &mut resolved);
                scan.push(&resolved);
            }
        }
    }
    Ok(scan.out)
}

struct Scan {
    out: String,
    in_text: bool,
    hidden: bool,
    in_run: bool,
    /// Only a text box holds paragraphs within one; where the end of one was deleted, the next goes on with it.
    in_paragraph: bool,
}

impl Scan {
    fn push(&mut self, text: &str) {
        if self.in_text {
            self.show(text);
        }
    }

    /// Characters that need no text element.
    fn show(&mut self, text: &str) {
        if !self.hidden {
            self.out.push_str(text);
        }
    }

    fn start(&mut self, name: &str, tag: &BytesStart<'_>, empty: bool) {
        match name {
            "p" => self.in_paragraph = !empty,
            "t" => self.in_text = !empty,
            "tab" | "br" | "cr" | "ptab" => self.show(" "),
            "nobreakhyphen" => self.show("-"),
            "sym" => self.show(&marks::symbol(tag)),
            "r" => (self.in_run, self.hidden) = (!empty, false),
            "vanish" if self.in_run => self.hidden = styles::is_on(tag),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => self.in_paragraph = false,
            "t" => self.in_text = false,
            "r" => (self.in_run, self.hidden) = (false, false),
            _ => {}
        }
    }
}
