//! The sample stories: from the sources in `samples/` (their README states the format) to EPUB 3 files beside them.
//!
//! The same source gives the same bytes: nothing is taken from a clock, and the books are only rewritten when they
//! change, so that their digests, by which runs know them, stay.

mod epub;
mod source;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Makes an EPUB of every story and lists them in the order of their names.
///
/// # Errors
/// The file and line of the first slip in a source.
pub fn make_all() -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join("samples");
    let mut books = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("can't list {}", folder.display()))? {
        let path = entry.context("can't list the samples")?.path();
        let Some(language) = language_of(&path) else { continue };
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let story = source::parse(&text).with_context(|| path.display().to_string())?;
        if story.language != language {
            bail!("{}: its header says language {}", path.display(), story.language);
        }
        let book = path.with_extension("epub");
        workspace::write_whole(&book, &epub::write(&story)?)?;
        books.push(book);
    }
    books.sort();
    Ok(books)
}

/// The language in `SLUG.LANGUAGE.md`; `None` for other files, such as the README.
fn language_of(path: &std::path::Path) -> Option<String> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".md")?;
    stem.split_once('.').map(|(_, language)| language.to_owned())
}
