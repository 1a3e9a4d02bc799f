//! What a source range of a PDF holds, found anew in poppler's output.

use domain::book::SourceRange;

use super::hyphens::Joint;
use super::layout::{Class, Document};
use super::words::{self, Extract};
use crate::error::BookError;
use crate::limits::Meter;

/// The pages of a PDF.
pub(crate) struct Pages {
    document: Document,
}

impl Pages {
    /// Has poppler read the file once more.
    pub fn open(bytes: &[u8], meter: &Meter<'_>) -> Result<Self, BookError> {
        Self::of(&super::extract(bytes, meter)?.0, meter)
    }

    /// Takes poppler's output.
    pub fn of_layout(output: &[u8], meter: &Meter<'_>) -> Result<Self, BookError> {
        Self::of(&words::parse(output, meter)?, meter)
    }

    fn of(extract: &Extract, meter: &Meter<'_>) -> Result<Self, BookError> {
        Ok(Self { document: Document::new(extract, meter)? })
    }

    /// The text of a range; nothing if it lies outside the pages or cuts a character.
    pub fn text(&self, range: &SourceRange) -> Option<String> {
        let document = &self.document;
        let base = document.leaves.get(super::page_of(&range.href)?)?.range.start;
        let start = base.checked_add(usize::try_from(range.start).ok()?)?;
        let end = base.checked_add(usize::try_from(range.end).ok()?)?;
        document.text.get(start..end)?;
        let first = document.rows.partition_point(|row| row.range.end <= start);
        let rows = || document.rows[first..].iter().take_while(|row| row.range.start < end);
        let story = rows().any(|row| row.class == Class::Body);
        let mut out = String::new();
        let mut before: Option<&str> = None;
        for row in rows().filter(|row| !story || row.class == Class::Body) {
            let whole = document.row_text(row);
            match before.map(|before| document.hyphens.joint(before, whole)) {
                None | Some(Joint::Glue) => {}
                Some(Joint::Space) => out.push(' '),
                Some(Joint::Drop(len)) => out.truncate(out.len().saturating_sub(len)),
            }
            let (from, to) = (row.range.start.max(start), row.range.end.min(end));
            let mut at = from;
            for mark in row.marks.iter().filter(|mark| mark.start >= from && mark.end <= to) {
                out.push_str(&document.text[at..mark.start]);
                at = mark.end;
            }
            out.push_str(document.text.get(at..to)?);
            before = Some(whole);
        }
        let mut resolved = String::with_capacity(out.len());
        super::replacements_into(&out, &mut resolved);
        Some(resolved)
    }
}
