//! The outline of a PDF, which viewers show beside it: as `pdftohtml` gives it, where that is installed.

use std::io::{BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::tool::Run;
use crate::limits::Meter;
use crate::xml;

/// A line of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub title: String,
    pub depth: u32,
    /// From 0.
    pub page: usize,
}

/// An outline has at most so many lines; what comes behind is left out.
const MOST_ENTRIES: usize = 10_000;
/// And is nested at most so deep.
const MOST_DEPTH: u32 = 16;

/// The outline; empty where there is none, or nothing to read it with.
pub(super) fn read(program: &Path, bytes: &[u8], meter: &Meter<'_>) -> Vec<Entry> {
    // The file comes on standard input, so the name behind it is only one that the program insists on.
    let arguments = ["-xml", "-i", "-stdout", "-q", "-f", "1", "-l", "1", "-", "outline"];
    let Ok(mut run) = Run::start(&program.with_file_name("pdftohtml"), &arguments, bytes, meter) else {
        return Vec::new();
    };
    let entries = parse(&mut run);
    if run.finish(meter).is_ok() { entries } else { Vec::new() }
}

/// Reads what the program printed.
pub(super) fn parse(output: impl Read) -> Vec<Entry> {
    let mut reader = Reader::from_reader(BufReader::new(output));
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut entries: Vec<Entry> = Vec::new();
    let (mut depth, mut open) = (0u32, false);
    let mut buffer = Vec::new();
    while entries.len() < MOST_ENTRIES {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) if tag.name().into_inner() == "outline" => depth += 1,
            Ok(Event::End(tag)) if tag.name().into_inner() == "outline" => depth = depth.saturating_sub(1),
            Ok(Event::Start(tag)) if tag.name().into_inner() == "item" => {
                let page: Option<usize> = xml::attribute(&tag, "page").and_then(|page| page.parse().ok());
                open = true;
                let page = page.and_then(|page| page.checked_sub(1)).unwrap_or(usize::MAX);
                entries.push(Entry { title: String::new(), depth: depth.saturating_sub(1).min(MOST_DEPTH), page });
            }
            Ok(Event::End(tag)) if tag.name().into_inner() == "item" => open = false,
            Ok(Event::Text(text)) if open => {
                if let Some(entry) = entries.last_mut() {
                    entry.title.push_str(&text);
                }
            }
            Ok(Event::GeneralRef(name)) if open => {
                if let (Some(entry), Some(resolved)) = (entries.last_mut(), xml::resolve(&name)) {
                    entry.title.push_str(&resolved);
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    for entry in &mut entries {
        entry.title = entry.title.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    entries.retain(|entry| !entry.title.is_empty() && entry.page != usize::MAX);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lines_keep_their_depth_and_page() {
        let xml = "<pdf2xml><page><text>x</text></page><outline><item page=\"1\">Part <b>One</b></item><outline>\
                   <item page=\"2\">Chapter&#160;1 &amp; more</item></outline><item page=\"0\">nowhere</item></outline></pdf2xml>";
        let found: Vec<(String, u32, usize)> =
            parse(xml.as_bytes()).into_iter().map(|entry| (entry.title, entry.depth, entry.page)).collect();
        assert_eq!(found, [("Part One".to_owned(), 0, 0), ("Chapter 1 & more".to_owned(), 1, 1)]);
    }
}
