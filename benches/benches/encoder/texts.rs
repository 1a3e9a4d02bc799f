//! What is encoded: passages as the product cuts them, out of whatever books are here at run time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gpu::Tokenizer;
use serde::{Deserialize, Serialize};

/// One line of a file of texts.
#[derive(Deserialize, Serialize)]
struct Line {
    text: String,
}

/// Reads a file of one JSON object with `text` a line.
pub fn read(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str::<Line>(line)?.text)).collect()
}

/// Writes such a file, for the peer.
pub fn write(path: &Path, texts: &[String]) -> Result<()> {
    let mut out = String::new();
    for text in texts {
        out.push_str(&serde_json::to_string(&Line { text: text.clone() })?);
        out.push('\n');
    }
    fs::write(path, out).with_context(|| format!("writing {}", path.display()))
}

/// About `tokens` tokens of passages: half of them windows of whole paragraphs as long as the model takes,
/// half of them single paragraphs, whose lengths differ widely.
pub fn make(tokenizer: &Tokenizer, tokens: usize) -> Result<Vec<String>> {
    let room = tokenizer.max_tokens() - tokenizer.overhead_tokens();
    let (mut windows, mut singles) = (Vec::new(), Vec::new());
    let sources = sources()?;
    let share = tokens / 2 / sources.len();
    for path in sources {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let text = text.replace("\r\n", "\n");
        let paragraphs: Vec<String> = text
            .split("\n\n")
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|paragraph| paragraph.len() > 20)
            .collect();
        // The middle of the file: no licence, no table of contents.
        let middle = &paragraphs[paragraphs.len() / 4..];
        let middle: Vec<&str> = middle.iter().map(String::as_str).collect();
        let lengths: Vec<usize> = tokenizer.encode_batch(&middle)?.iter().map(Vec::len).collect();

        let (mut window, mut window_len, mut in_windows, mut in_singles) = (Vec::new(), 0, 0, 0);
        for (paragraph, len) in middle.into_iter().zip(lengths).filter(|(_, len)| *len <= room) {
            if in_windows < share {
                if window_len + len > room {
                    windows.push(window.join(" "));
                    in_windows += window_len;
                    (window, window_len) = (Vec::new(), 0);
                }
                window.push(paragraph);
                window_len += len;
            } else if in_singles < share {
                singles.push(paragraph.to_owned());
                in_singles += len;
            }
        }
    }
    windows.append(&mut singles);
    Ok(windows)
}

/// Books beside the checkout where there are some, else the samples.
fn sources() -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (folder, ending) in [(root.join("../shared/data/books"), "txt"), (root.join("samples"), "md")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        found.retain(|path| path.extension().is_some_and(|e| e == ending) && !path.ends_with("README.md"));
        found.sort();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    bail!("there are no books to encode; name a file with --texts")
}
