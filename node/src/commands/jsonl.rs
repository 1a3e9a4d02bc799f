//! JSON Lines through the encoder's heads: one object with `text` a line in, one object a line out, in order.
//!
//! Lines are read on a thread of their own. What has come by the time the encoders are free is one window: sorted by
//! length within it, so that little is padding, and answered in its order. A program that writes a line and waits for
//! its answer gets it; a file of any length needs bounded memory.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::{Ask, Device, DoubleEncoder, Encoder, GpuError, HeadId, HeadInfo, ModelFolder, TchEncoder, Tokenizer};
use serde::Deserialize;

use super::Failure;
use crate::config::Config;

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// Most texts of a window, and bytes of all of them.
const WINDOW_TEXTS: usize = 4096;
const WINDOW_BYTES: usize = 4 << 20;
/// How often progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(500);

/// Which texts.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Source {
    /// The texts: a file of one JSON object with "text" a line, or - for standard input
    #[arg(long, value_name = "FILE")]
    jsonl: PathBuf,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

/// Encoders, one a thread, and their tokenizer.
pub(super) struct Engine {
    tokenizer: Tokenizer,
    lanes: Vec<Box<dyn Encoder>>,
    batch_tokens: usize,
}

impl Engine {
    /// Loads the configured model, or its double with a head `double`; `attach` puts heads on the encoder.
    pub(super) fn load(
        config: &Config,
        double: HeadInfo,
        attach: impl FnOnce(&mut TchEncoder, &ModelFolder) -> Result<(), GpuError>,
    ) -> Result<Self, Failure> {
        let unusable = |error: GpuError| Failure::new(format!("{error} ({})", error.code()));
        if config.model.is_double() {
            let lanes: Vec<Box<dyn Encoder>> = vec![Box::new(DoubleEncoder::new().with_heads(vec![double]))];
            let batch_tokens = config.worker.cpu_padded_tokens as usize;
            return Ok(Self { tokenizer: Tokenizer::double(), lanes, batch_tokens });
        }
        let model = ModelFolder::open(config.model.folder()).map_err(unusable)?;
        let devices = gpu::devices();
        let best = devices.iter().max_by_key(|info| info.device != Device::Cpu);
        let profile = config.model.profile_for(best.map_or(NumericProfile::F32, gpu::best_profile));
        let (device, lanes) = best.map_or((Device::Cpu, 1), |info| (info.device, info.lanes));
        let mut first = TchEncoder::load(&model, device, profile).map_err(unusable)?;
        attach(&mut first, &model).map_err(unusable)?;
        let wanted =
            if device == Device::Cpu && config.worker.cpu_workers > 0 { config.worker.cpu_workers } else { lanes };
        let mut lanes: Vec<Box<dyn Encoder>> =
            (1..wanted).map(|_| Box::new(first.share()) as Box<dyn Encoder>).collect();
        lanes.push(Box::new(first));
        let tokens =
            if device == Device::Cpu { config.worker.cpu_padded_tokens } else { config.worker.gpu_padded_tokens };
        Ok(Self { tokenizer: Tokenizer::open(&model).map_err(unusable)?, lanes, batch_tokens: tokens as usize })
    }

    /// Asks a head of every text and writes what `line` makes of its scores. Everything before a bad line is written.
    pub(super) fn run(
        &mut self,
        source: &Source,
        head: HeadId,
        line: impl Fn(&[f32]) -> serde_json::Value,
    ) -> Result<(), Failure> {
        let texts = read(source)?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let unwritten = |error: std::io::Error| Failure::new(format!("the output can't be written: {error}"));
        let mut progress = Progress::new(source.quiet);
        loop {
            let (window, ended) = next_window(&texts);
            let rows = self.scores(&window, head, progress.texts)?;
            for row in &rows {
                writeln!(out, "{}", line(row)).map_err(unwritten)?;
            }
            out.flush().map_err(unwritten)?;
            progress.advance(rows.len());
            match ended {
                None => {}
                Some(None) => return Ok(()),
                Some(Some(failure)) => return Err(failure),
            }
        }
    }

    /// A row for each text: the mean over its windows, by tokens.
    fn scores(&mut self, texts: &[String], head: HeadId, before: usize) -> Result<Vec<Vec<f32>>, Failure> {
        let strs: Vec<&str> = texts.iter().map(String::as_str).collect();
        let ids = self.tokenizer.encode_batch(&strs).map_err(|e| Failure::new(format!("{e} ({})", e.code())))?;
        let room = self.tokenizer.max_tokens().saturating_sub(self.tokenizer.overhead_tokens()).max(1);
        let (mut inputs, mut owners) = (Vec::new(), Vec::new());
        for (owner, ids) in ids.iter().enumerate() {
            for input in windows(&self.tokenizer, ids, room) {
                inputs.push(input);
                owners.push(owner);
            }
        }
        let lens: Vec<usize> = inputs.iter().map(|input| input.tokens.len()).collect();
        let mut sums: Vec<(Vec<f32>, f32)> = vec![(Vec::new(), 0.0); texts.len()];
        for (place, row) in self.run_all(&inputs, &lens, head, |place| before + owners[place])? {
            let (sum, tokens) = &mut sums[owners[place]];
            sum.resize(row.len(), 0.0);
            let weight = lens[place] as f32;
            sum.iter_mut().zip(&row).for_each(|(sum, score)| *sum += weight * score);
            *tokens += weight;
        }
        let mean = |(sum, tokens): (Vec<f32>, f32)| sum.into_iter().map(|sum| sum / tokens.max(1.0)).collect();
        Ok(sums.into_iter().map(mean).collect())
    }

    /// All inputs in batches of like length over all lanes; rows by place, in the order of places.
    fn run_all(
        &mut self,
        inputs: &[PassageInput],
        lens: &[usize],
        head: HeadId,
        text_of: impl Fn(usize) -> usize,
    ) -> Result<Vec<(usize, Vec<f32>)>, Failure> {
        let batches = gpu::plan::batches(lens, self.batch_tokens);
        let count = self.lanes.len();
        let mut done = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .lanes
                .iter_mut()
                .enumerate()
                .map(|(lane, encoder)| {
                    let batches = batches.iter().skip(lane).step_by(count);
                    scope.spawn(move || {
                        batches.map(|batch| run(&mut **encoder, inputs, batch, head)).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).flatten().collect::<Vec<_>>()
        });
        done.sort_by_key(|(place, _)| *place);
        if done.len() != inputs.len() {
            return Err(Failure::new("an encoder's thread came to a bad end; please report it"));
        }
        done.into_iter()
            .map(|(place, row)| match row {
                Ok(row) => Ok((place, row)),
                Err(error) => {
                    let line = text_of(place) + 1;
                    Err(Failure::new(format!("line {line} can't be encoded: {error} ({})", error.code())))
                }
            })
            .collect()
    }
}

type Answered = (usize, Result<Vec<f32>, gpu::EncodeError>);

/// One batch; one that does not fit the device's memory is run in halves.
fn run(encoder: &mut dyn Encoder, inputs: &[PassageInput], batch: &[usize], head: HeadId) -> Vec<Answered> {
    let run: Vec<PassageInput> = batch.iter().map(|place| inputs[*place].clone()).collect();
    match encoder.run(&run, &Ask::head(head)) {
        Ok(answers) => {
            let scores = answers.scores.first();
            let row =
                |at: usize| scores.and_then(|scores| scores.of(at).next()).map(<[f32]>::to_vec).unwrap_or_default();
            batch.iter().enumerate().map(|(at, place)| (*place, Ok(row(at)))).collect()
        }
        Err(gpu::EncodeError::OutOfMemory { .. }) if batch.len() > 1 => {
            let (left, right) = batch.split_at(batch.len() / 2);
            let mut done = self::run(encoder, inputs, left, head);
            done.extend(self::run(encoder, inputs, right, head));
            done
        }
        Err(error) => batch.iter().map(|place| (*place, Err(error.clone()))).collect(),
    }
}

/// The inputs of one text: one, or as many of like length as it needs, each with one span.
fn windows(tokenizer: &Tokenizer, ids: &[u32], room: usize) -> Vec<PassageInput> {
    if ids.is_empty() {
        // Of an empty text the prompt and the special tokens tell.
        let mut input = tokenizer.passage_input(&[]);
        input.spans = vec![(0, u16::try_from(input.tokens.len()).unwrap_or(u16::MAX))];
        return vec![input];
    }
    let parts = ids.len().div_ceil(room);
    ids.chunks(ids.len().div_ceil(parts)).map(|ids| tokenizer.passage_input(&[ids])).collect()
}

type Texts = Receiver<Result<String, Failure>>;

/// The texts that have come, at least one unless there are no more; and how it ended, if it did.
fn next_window(texts: &Texts) -> (Vec<String>, Option<Option<Failure>>) {
    let (mut window, mut bytes) = (Vec::new(), 0);
    let mut next = texts.recv().ok();
    loop {
        match next {
            Some(Ok(text)) => {
                bytes += text.len();
                window.push(text);
            }
            Some(Err(failure)) => return (window, Some(Some(failure))),
            None => return (window, Some(None)),
        }
        if window.len() >= WINDOW_TEXTS || bytes >= WINDOW_BYTES {
            return (window, None);
        }
        match texts.try_recv() {
            Ok(text) => next = Some(text),
            Err(_) => return (window, None),
        }
    }
}

/// Reads on a thread of its own, which ends when nobody listens or there is no more.
fn read(source: &Source) -> Result<Texts, Failure> {
    let name = source.jsonl.display().to_string();
    let (tell, told) = sync_channel(WINDOW_TEXTS);
    let lines: Box<dyn BufRead + Send> = if name == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = File::open(&source.jsonl);
        Box::new(BufReader::new(file.map_err(|error| Failure::bad_input(format!("{name} can't be read: {error}")))?))
    };
    let name = if name == "-" { "standard input".to_owned() } else { name };
    std::thread::spawn(move || {
        for text in texts(&name, lines) {
            let over = text.is_err();
            if tell.send(text).is_err() || over {
                return;
            }
        }
    });
    Ok(told)
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

fn texts(name: &str, mut lines: impl BufRead) -> impl Iterator<Item = Result<String, Failure>> {
    let mut number = 0u64;
    std::iter::from_fn(move || {
        number += 1;
        let bad = |what: String| Some(Err(Failure::bad_input(format!("{name}, line {number}: {what}"))));
        let mut bytes = Vec::new();
        match lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(read) if read as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") => {
                return bad(format!("it is longer than {} MiB", MAX_LINE_BYTES >> 20));
            }
            Ok(_) => {}
            Err(error) => return bad(format!("it can't be read: {error}")),
        }
        match serde_json::from_slice::<Line>(&bytes) {
            Ok(line) => Some(Ok(line.text)),
            Err(error) => bad(format!("no JSON object with \"text\": {error}")),
        }
    })
}

/// What is done, on standard error where that is a terminal.
struct Progress {
    texts: usize,
    began: Instant,
    shown: Option<Instant>,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let shown = (!quiet && std::io::stderr().is_terminal()).then(Instant::now);
        Self { texts: 0, began: Instant::now(), shown }
    }

    fn advance(&mut self, texts: usize) {
        self.texts += texts;
        if let Some(shown) = self.shown.filter(|shown| shown.elapsed() >= SHOWN_EVERY || texts == 0) {
            let speed = self.texts as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
            let end = if texts == 0 { "\n" } else { "" };
            eprint!("\r{} texts, {speed:.0} a second{end}", self.texts);
            self.shown = Some(if texts == 0 { shown } else { Instant::now() });
        }
    }
}
