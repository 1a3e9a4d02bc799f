//! `visiobook annotate`: a text with what is known of its words, in BookNLP's formats.
//!
//! Needs no model and starts no node: today it tells tokens, paragraphs, sentences and quotations, by rule.

use std::path::{Path, PathBuf};

use book::transcript::transcribe;

use super::{Failure, input};
use crate::config::Config;
use crate::wiring::limits;

/// Arguments of `annotate`.
#[derive(clap::Args)]
#[command(after_long_help = FORMATS)]
pub struct Args {
    /// Texts or books, English or French
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder for the results; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

const FORMATS: &str = "\
For each FILE, named NAME.ending, DIR gets
  NAME.tokens    every word and mark with its paragraph, its sentence and its bytes
  NAME.quotes    the quotations, as numbers of their first and last tokens
  NAME.entities  its header only: nothing tells people and places yet
  NAME.txt       for a book that is no plain text: its story, which the bytes count in

Of a plain text file nothing is left out, and the bytes are those of the very file.
Columns that need a model hold `_` or `None` so far.

Exit codes: 0 done, 1 a result could not be written, 2 a FILE or DIR can't be used.";

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a file or folder that can't be used, 1 where a result can't be written.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let limits = limits(config);
    let mut names: Vec<String> = Vec::new();
    for file in &args.files {
        let name = stem(file);
        if names.contains(&name) {
            let message = format!("two files are named {name}: their results would be one; annotate them apart");
            return Err(Failure::bad_input(message));
        }
        names.push(name);
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|e| Failure::bad_input(format!("{} can't be made: {e}", args.out.display())))?;
    for (file, name) in args.files.iter().zip(&names) {
        let bytes = input::bytes(file, &limits)?;
        let transcript =
            transcribe(&input::name(file), &bytes, &limits).map_err(|error| input::refused(file, &error))?;
        let document = story::booknlp::document(&transcript);
        let mut results = vec![
            ("tokens", document.tokens_file()),
            ("quotes", document.quotes_file()),
            ("entities", document.entities_file()),
        ];
        results.extend(transcript.text().map(|text| ("txt", text)));
        for (ending, content) in results {
            let path = args.out.join(format!("{name}.{ending}"));
            if same_file(&path, file) {
                let message = format!("{} is the book itself; choose another folder", path.display());
                return Err(Failure::bad_input(message));
            }
            input::replace(&path, content.as_bytes())?;
        }
        println!("{name}: {} tokens, {} quotations", document.tokens.len(), document.quotes.len());
    }
    Ok(())
}

/// The file's name without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
