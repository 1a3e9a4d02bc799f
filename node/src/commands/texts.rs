//! JSON Lines through the encoder: what `embed` and `classify` share.
//!
//! In: one JSON object with `text` a line; other fields are passed over. Out: one JSON object a line, in order. Lines
//! are read, tokenized, encoded and written at the same time, with bounded memory, so the input may be of any length
//! and may come from a program that waits for each answer.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use gpu::stream::{self, Limits, Sink, Stats, StreamError, TextAnswer, Wanted};
use gpu::{DoubleEncoder, GpuError, Lane, ModelFolder, TchEncoder, Tokenizer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Deserialize;

use super::Failure;
use crate::config::Config;

/// Longest line that is read: a novel fits.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// Which texts.
#[derive(clap::Args, Clone, Debug)]
pub struct Source {
    /// The texts: a file of one JSON object with "text" a line, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub jsonl: PathBuf,
    /// Show no progress
    #[arg(long)]
    pub quiet: bool,
}

/// The model on every device, and its tokenizer.
pub struct Engine {
    /// Of the model.
    pub tokenizer: Tokenizer,
    /// Encoders, one a thread.
    pub lanes: Vec<Lane>,
}

impl Engine {
    /// Loads the configured model, or its double with the heads `double`; `attach` puts heads on each device's encoder.
    ///
    /// # Errors
    /// A model that can't be used.
    pub fn load(
        config: &Config,
        double: DoubleEncoder,
        mut attach: impl FnMut(&mut TchEncoder, &ModelFolder) -> Result<(), GpuError>,
    ) -> Result<Self, Failure> {
        let plan = config.worker.lanes();
        if config.model.is_double() {
            return Ok(Self { tokenizer: Tokenizer::double(), lanes: gpu::lanes::double(&double, &plan) });
        }
        let unusable = |error: GpuError| Failure::new(format!("{error} ({})", error.code()));
        let model = ModelFolder::open(config.model.folder()).map_err(unusable)?;
        let profile = config.model.profile_on(&gpu::devices());
        let lanes = gpu::lanes::load(&model, profile, &plan, |encoder| attach(encoder, &model)).map_err(unusable)?;
        Ok(Self { tokenizer: Tokenizer::open(&model).map_err(unusable)?, lanes })
    }

    /// Runs every text of `source` and writes what `line` makes of its answer.
    ///
    /// # Errors
    /// A line that is none, named by its number; a text that can't be encoded; output that can't be written. Everything
    /// before it was written.
    pub fn run(
        &mut self,
        source: &Source,
        wanted: &Wanted,
        line: impl Fn(&TextAnswer) -> serde_json::Value,
    ) -> Result<Stats, Failure> {
        let texts = read(&source.jsonl)?;
        let progress = Progress::new(source.quiet);
        let mut written =
            Written { out: BufWriter::new(std::io::stdout().lock()), line, progress: &progress, tokens: 0 };
        let ended = stream::run(&self.tokenizer, &mut self.lanes, texts, wanted, Limits::default(), &mut written);
        let flushed = written.pause();
        progress.end();
        let stats = ended.map_err(failure)?;
        flushed?;
        progress.note(&stats);
        Ok(stats)
    }
}

/// Writes answers, and hands them on whenever the next one is not there yet.
struct Written<'a, W: Write, L> {
    out: BufWriter<W>,
    line: L,
    progress: &'a Progress,
    tokens: u64,
}

impl<W: Write, L: Fn(&TextAnswer) -> serde_json::Value> Sink<Failure> for Written<'_, W, L> {
    fn take(&mut self, answer: TextAnswer) -> Result<(), Failure> {
        self.tokens += answer.tokens as u64;
        self.progress.show(answer.place as u64 + 1, self.tokens);
        writeln!(self.out, "{}", (self.line)(&answer)).map_err(unwritten)
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(unwritten)
    }
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::new(format!("the output can't be written: {error}"))
}

fn failure(error: StreamError<Failure>) -> Failure {
    match error {
        StreamError::Outside(failure) => failure,
        StreamError::Encode { place, error } => {
            Failure::new(format!("line {} can't be encoded: {error} ({})", place + 1, error.code()))
        }
        StreamError::Tokenizer(error) => Failure::new(format!("{error} ({})", error.code())),
        StreamError::Head(head) => Failure::new(format!("head {head} does not score whole texts")),
        StreamError::Lost => Failure::new("a thread panicked; what it said stands above".to_owned()),
    }
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// The texts of a file, or of standard input.
fn read(path: &Path) -> Result<Box<dyn Iterator<Item = Result<String, Failure>> + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(texts("standard input".to_owned(), BufReader::new(std::io::stdin()))));
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Failure::bad_input(format!("{name} can't be read: {error}")))?;
    Ok(Box::new(texts(name, BufReader::with_capacity(1 << 16, file))))
}

fn texts(name: String, mut lines: impl BufRead) -> impl Iterator<Item = Result<String, Failure>> {
    let mut number = 0u64;
    let mut next = move || {
        number += 1;
        let bad = |what: String| Failure::bad_input(format!("{name}, line {number}: {what}"));
        let mut bytes = Vec::new();
        match lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(read) if read as u64 == MAX_LINE_BYTES && bytes.last() != Some(&b'\n') => {
                return Some(Err(bad(format!("it is longer than {} MiB", MAX_LINE_BYTES >> 20))));
            }
            Ok(_) => {}
            Err(error) => return Some(Err(bad(format!("it can't be read: {error}")))),
        }
        let line = serde_json::from_slice::<Line>(&bytes);
        Some(line.map(|line| line.text).map_err(|error| {
            // Its own line number is always 1.
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            bad(format!("one JSON object with \"text\" is needed: {why}, column {}", error.column()))
        }))
    };
    // A broken line is the last one.
    let mut over = false;
    std::iter::from_fn(move || {
        let text = if over { None } else { next() };
        over = !matches!(text, Some(Ok(_)));
        text
    })
}

/// What is done, on standard error.
struct Progress {
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(4) };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} texts  {msg}") {
            bar.set_style(style);
        }
        Self { bar, quiet }
    }

    fn show(&self, texts: u64, tokens: u64) {
        self.bar.set_position(texts);
        let seconds = self.bar.elapsed().as_secs_f64();
        if texts.is_multiple_of(16) && seconds > 0.0 {
            self.bar.set_message(format!("{:.0} tokens/s", tokens as f64 / seconds));
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn note(&self, stats: &Stats) {
        if self.quiet {
            return;
        }
        eprintln!(
            "{} texts, {} tokens in {:.1} s: {:.0} tokens/s, devices busy {:.0} %, padding {:.1} %{}",
            stats.texts,
            stats.tokens,
            stats.wall.as_secs_f64(),
            stats.tokens_per_s(),
            100.0 * stats.busy_share(),
            100.0 * stats.padding,
            match stats.split {
                0 => String::new(),
                split => format!("; {split} batches did not fit and ran as two"),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Result<String, String>> {
        let texts = texts("a.jsonl".to_owned(), bytes);
        texts.map(|text| text.map_err(|failure| failure.message)).collect()
    }

    #[test]
    fn a_text_a_line_whatever_else_stands_there() {
        let lines = "{\"text\":\"a\\u0000\\n\"}\n {\"id\": 3, \"text\": \"été\"} \r\n{\"text\":\"\"}";
        assert_eq!(all(lines.as_bytes()), [Ok("a\u{0}\n".into()), Ok("été".into()), Ok(String::new())]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_bad_line_is_told_by_its_number_and_ends_the_texts() {
        for bad in ["", "text", "{}", "{\"text\": 3}", "{\"text\": \"a\nb\"}", "{\"text\":\"\u{1}\"}", "[\"text\"]x"] {
            let found = all(format!("{{\"text\":\"good\"}}\n{bad}\n{{\"text\":\"late\"}}\n").as_bytes());
            assert_eq!((found.len(), &found[0]), (2, &Ok("good".into())), "{bad:?}");
            let message = found[1].as_ref().unwrap_err();
            assert!(message.starts_with("a.jsonl, line 2: ") && !message.contains('\n'), "{message}");
        }
        assert!(all(b"{\"text\": \"\xff\"}")[0].as_ref().unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let endless = std::iter::repeat_n(b'a', MAX_LINE_BYTES as usize + 10).collect::<Vec<u8>>();
        assert!(all(&endless)[0].as_ref().unwrap_err().contains("longer than 16 MiB"));
    }
}
