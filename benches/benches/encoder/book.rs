//! A whole book, encoded and nothing else: speed and memory along the way.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::book::Book;
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::{Answers, Ask, EncodeError, Encoder, HeadInfo, Lane, LanePlan, MemoryReport, ModelFolder, Tokenizer};

use crate::measure;
use crate::plot::{Curve, Plot};

/// How far apart the points are that are printed and drawn.
const STEP: Duration = Duration::from_secs(5);
/// Points left out at the start, while tokenizing and the first batches warm up, and at the end.
const EDGES: usize = 1;
/// Steady: no point is farther from the median than this share of it.
const STEADY: f64 = 0.15;
/// Flat: memory grows by no more between the first point and the last.
const FLAT_MIB: f64 = 64.0;

struct Point {
    at_s: f64,
    tokens_per_s: f64,
    /// What other programs leave of the cores does not show in it.
    tokens_per_cpu_s: f64,
    resident_mib: f64,
}

/// Encodes every passage of a book as the product cuts it, and prints a point every few seconds.
pub fn encode(model: &ModelFolder, tokenizer: &Tokenizer, path: &Path, svg: Option<&Path>) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let name = path.file_name().and_then(|name| name.to_str()).context("a file has a name")?;
    let book = ::book::read(name, &bytes, &::book::Limits::default())?;
    drop(bytes);
    let passages = passages(&book, tokenizer)?;
    drop(book);
    let plan = LanePlan { cpu_workers: 0, cpu_padded_tokens: 1024, gpu_padded_tokens: 65_536 };
    let devices = gpu::devices();
    let best = devices.iter().max_by_key(|info| info.device != gpu::Device::Cpu).context("there is a device")?;
    let profile = gpu::best_profile(best);
    let mut lanes = gpu::lanes::load(model, profile, &plan, |_| Ok(()))?;
    println!("{name}: {} passages, {} lanes in {}", passages.len(), lanes.len(), profile.name());

    let computed = count(&mut lanes);
    let (stop, stopped) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || watch(&computed, &stopped));
    let stats = measure::encode(tokenizer, &mut lanes, passages, drop)?;
    drop(stop);
    let points = watch.join().map_err(|_| anyhow::anyhow!("the watch broke off"))?;
    println!(
        "{} tokens in {:.1} s: {:.0} tokens/s, busy {:.1} %, idle gap {:.2} ms, padding {:.1} %",
        stats.tokens,
        stats.wall.as_secs_f64(),
        stats.tokens_per_s(),
        100.0 * stats.busy_share(),
        stats.idle_gap.as_secs_f64() * 1e3,
        100.0 * stats.padding,
    );
    if let Some(svg) = svg {
        draw(&format!("{name}, encoded alone: {}, {} lanes", profile.name(), lanes.len()), &points, svg)?;
    }
    judge(&points)
}

/// An encoder that adds up the tokens that it has computed. Answers tell less of the speed: they come in order, and
/// so in bursts.
struct Counted {
    encoder: Box<dyn Encoder>,
    tokens: Arc<AtomicUsize>,
}

impl Encoder for Counted {
    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn profile(&self) -> NumericProfile {
        self.encoder.profile()
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.encoder.heads()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        let answers = self.encoder.run(batch, ask)?;
        self.tokens.fetch_add(batch.iter().map(|input| input.tokens.len()).sum(), Ordering::Relaxed);
        Ok(answers)
    }

    fn packs(&self) -> bool {
        self.encoder.packs()
    }

    fn memory(&self) -> MemoryReport {
        self.encoder.memory()
    }
}

/// Lets all lanes count into one sum, which it returns.
fn count(lanes: &mut Vec<Lane>) -> Arc<AtomicUsize> {
    let tokens = Arc::new(AtomicUsize::new(0));
    let counted = |lane: Lane| {
        let encoder = Counted { encoder: lane.encoder, tokens: tokens.clone() };
        Lane { encoder: Box::new(encoder), ..lane }
    };
    *lanes = std::mem::take(lanes).into_iter().map(counted).collect();
    tokens
}

/// Prints a point every [`STEP`] until nothing is computed any more.
fn watch(computed: &AtomicUsize, stopped: &mpsc::Receiver<()>) -> Vec<Point> {
    let (began, mut last, mut before, mut cpu_before) = (Instant::now(), Instant::now(), 0, measure::cpu_s());
    let mut points = Vec::new();
    while stopped.recv_timeout(STEP.saturating_sub(last.elapsed())) == Err(mpsc::RecvTimeoutError::Timeout) {
        let (now, cpu) = (computed.load(Ordering::Relaxed), measure::cpu_s());
        let point = Point {
            at_s: began.elapsed().as_secs_f64(),
            tokens_per_s: (now - before) as f64 / last.elapsed().as_secs_f64(),
            tokens_per_cpu_s: (now - before) as f64 / (cpu - cpu_before).max(1e-3),
            resident_mib: resident_mib(),
        };
        println!(
            "{:4.0} s  {:6.0} tokens/s  {:6.0} a processor second  {:5.0} MiB",
            point.at_s, point.tokens_per_s, point.tokens_per_cpu_s, point.resident_mib
        );
        points.push(point);
        (last, before, cpu_before) = (Instant::now(), now, cpu);
    }
    points
}

fn passages(book: &Book, tokenizer: &Tokenizer) -> Result<Vec<String>> {
    let most = u32::try_from(tokenizer.max_tokens() - tokenizer.overhead_tokens())?;
    let mut passages = Vec::new();
    for chapter in &book.chapters {
        let sentences: Vec<&str> = (0..chapter.sentences.len()).map(|at| chapter.sentence(at)).collect();
        let lengths: Vec<u32> = tokenizer.encode_batch(&sentences)?.iter().map(|ids| ids.len() as u32).collect();
        for passage in ::book::windows(chapter, &lengths, most) {
            let parts: Vec<&str> = passage.spans.iter().map(|span| sentences[span.sentence as usize]).collect();
            passages.push(parts.join(" "));
        }
    }
    Ok(passages)
}

fn judge(points: &[Point]) -> Result<()> {
    ensure!(points.len() > 2 * EDGES + 2, "too short a book to tell");
    let inner = &points[EDGES..points.len() - EDGES];
    let off = spread("tokens/s", inner, |point| point.tokens_per_s);
    spread("tokens a processor second", inner, |point| point.tokens_per_cpu_s);
    let grown = inner[inner.len() - 1].resident_mib - inner[0].resident_mib;
    println!("memory grown by {grown:.0} MiB");
    ensure!(off <= STEADY, "not steady");
    ensure!(grown <= FLAT_MIB, "memory grows");
    Ok(())
}

/// Prints a speed along the way; how far from its median it goes, as a share.
fn spread(what: &str, points: &[Point], of: impl Fn(&Point) -> f64) -> f64 {
    let mut speeds: Vec<f64> = points.iter().map(of).collect();
    let mean = |speeds: &[f64]| format!("{:.0}", speeds.iter().sum::<f64>() / speeds.len() as f64);
    let thirds: Vec<String> = speeds.chunks(speeds.len().div_ceil(3)).map(mean).collect();
    speeds.sort_by(f64::total_cmp);
    let median = speeds[speeds.len() / 2];
    let off = speeds.iter().map(|speed| (speed / median - 1.0).abs()).fold(0.0, f64::max);
    let thirds = thirds.join(", ");
    println!("{what}: {thirds} at the start, in the middle, at the end, within {:.1} % of {median:.0}", 100.0 * off);
    off
}

fn draw(title: &str, points: &[Point], svg: &Path) -> Result<()> {
    let curve =
        |label, of: fn(&Point) -> f64| Curve { label, points: points.iter().map(|p| (p.at_s, of(p))).collect() };
    let plot = Plot {
        title,
        curves: vec![
            curve("tokens/s", |p| p.tokens_per_s),
            curve("tokens a second of processor time", |p| p.tokens_per_cpu_s),
            curve("resident memory, MiB", |p| p.resident_mib),
        ],
    };
    std::fs::write(svg, plot.svg()).with_context(|| format!("writing {}", svg.display()))
}

/// Memory of this process that is in use, as the kernel counts it.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
