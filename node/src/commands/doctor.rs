//! `visiobook doctor`: what works here, and what to do where it does not.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use domain::id::{ProjectId, TenantId};
use domain::manifest::NumericProfile;
use gpu::ceiling::{self, Standing};
use gpu::lanes::Place;
use gpu::{Device, DeviceInfo, GpuError, ModelFolder, Tokenizer};
use serde::Serialize;
use store::{BlobScope, DataFolder, StoreError};

use super::Failure;
use crate::config::Config;

/// How long each device is timed: its own matrix rate for a third of it, the encoder for the rest.
const TRIAL: Duration = Duration::from_secs(10);
/// A device that does nothing else comes above this share of its own rate.
const USUAL_SHARE: f64 = 0.6;
/// A sentence of ordinary length, repeated to fill a passage.
const SENTENCE: &str =
    "The lamplighter counted the windows of the street twice, and found one more than the day before. ";

/// Arguments of `doctor`.
#[derive(clap::Args)]
pub struct Args {
    /// Answer as JSON, once all is checked
    #[arg(long)]
    json: bool,
    /// The data folder to look at [default: the one that `serve` would take]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Works.
    Good,
    /// Not there, and not needed.
    Absent,
    /// Does not work, and is needed.
    Bad,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    /// What to do, where something is to be done.
    advice: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, found: found.into(), advice: None }
    }

    fn absent(name: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self { name, verdict: Verdict::Absent, found: found.into(), advice: Some(advice.to_owned()) }
    }

    fn bad(name: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self { name, verdict: Verdict::Bad, found: found.into(), advice: Some(advice.to_owned()) }
    }
}

/// What was checked; for a person each check is shown as it ends.
struct Report {
    checks: Vec<Check>,
    json: bool,
}

impl Report {
    fn add(&mut self, check: Check) {
        if !self.json {
            let mark = match check.verdict {
                Verdict::Good => "ok  ",
                Verdict::Absent => "--  ",
                Verdict::Bad => "BAD ",
            };
            let mut out = std::io::stdout();
            let _ = writeln!(out, "{mark} {:<10} {}", check.name, check.found);
            if let Some(advice) = &check.advice {
                let _ = writeln!(out, "     {:<10} {advice}", "");
            }
        }
        self.checks.push(check);
    }
}

/// Runs the command.
///
/// # Errors
/// Exit code 1 if anything that is needed does not work.
pub async fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let devices = gpu::devices();
    let mut report = Report { checks: Vec::new(), json: args.json };
    report.add(Check::good("libtorch", gpu::libtorch_version()));
    device_checks(&devices).into_iter().for_each(|check| report.add(check));
    report.add(pdf_reader());
    let folder = args.data_dir.clone().unwrap_or_else(|| config.store.folder());
    report.add(stores(folder).await);
    report.add(port(config.gateway.port));
    check_model(config, &devices, &mut report);
    let checks = report.checks;
    if args.json {
        let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&checks).unwrap_or_default());
    }
    let bad = checks.iter().filter(|check| check.verdict == Verdict::Bad).count();
    if bad == 0 { Ok(()) } else { Err(Failure::new(format!("{bad} of {} checks failed", checks.len()))) }
}

fn device_checks(devices: &[DeviceInfo]) -> Vec<Check> {
    let mut checks = Vec::new();
    for info in devices {
        let name = if info.device == Device::Cpu { "processor" } else { "gpu" };
        let memory = info.memory_bytes >> 30;
        let found = format!("{} ({}), {} lanes, {memory} GiB", info.device, info.name, info.lanes);
        checks.push(Check::good(name, found));
        checks.push(match info.bf16 {
            true => Check::good("bf16", format!("{} multiplies bfloat16 natively", info.device)),
            false => {
                Check::absent("bf16", format!("{} does not", info.device), "f32 is used: the same results, slower")
            }
        });
    }
    if let Err(why) = gpu::cuda_status() {
        let advice = "only for owners of an NVIDIA GPU: see \"GPU\" in the README; everything works without";
        checks.push(Check::absent("cuda", why, advice));
    }
    checks
}

/// Everything but PDF is read without it.
fn pdf_reader() -> Check {
    match book::Limits::default().pdf_reader() {
        Some(program) => Check::good("pdf", program.display().to_string()),
        None => Check::absent("pdf", "pdftotext is not installed", "to read PDFs, install the package poppler-utils"),
    }
}

/// The model, and each device with it. Last of all, since it takes longest.
fn check_model(config: &Config, devices: &[DeviceInfo], report: &mut Report) {
    if config.model.is_double() {
        let advice = "set model.path to a model's folder, or to nothing, to understand books";
        return report.add(Check::absent("model", "the deterministic double: tests only", advice));
    }
    let folder = config.model.folder();
    let model = match ModelFolder::open(&folder) {
        Ok(model) => model,
        Err(error) => {
            let advice = "name another model's folder as model.path, or nothing for the one that set-up makes";
            return report.add(Check::bad("model", error.to_string(), advice));
        }
    };
    let digest = &model.digest().to_string()[..16];
    report.add(Check::good("model", format!("{} (digest {digest}…, {} wide)", folder.display(), model.dim())));
    let profile = config.model.profile_on(devices);
    for place in config.worker.lanes().places(devices) {
        if !report.json {
            eprintln!("     timing {} for {} seconds …", place.info.device, TRIAL.as_secs());
        }
        report.add(match time(&model, &place, profile) {
            Ok(standing) => encoder(&place, profile, &standing),
            Err(error) => Check::bad(
                "encoder",
                error.to_string(),
                "run `cargo xtask setup` again; if that does not help, try model.profile = \"f32\"",
            ),
        });
    }
}

/// What a device's lanes do together over passages of common length, and how far that is from what the device could.
fn time(model: &ModelFolder, place: &Place, profile: NumericProfile) -> Result<Standing, GpuError> {
    let tokenizer = Tokenizer::open(model)?;
    let text = SENTENCE.repeat(12);
    let ids = tokenizer.encode_batch(&[text.as_str()])?;
    let room = tokenizer.max_tokens() - tokenizer.overhead_tokens();
    let input = tokenizer.passage_input(&[&ids[0][..ids[0].len().min(room)]]);
    let count = (place.padded_tokens / input.tokens.len()).clamp(1, 64);
    let mut lanes = gpu::lanes::load_place(model, profile, place, |_| Ok(()))?;
    ceiling::standing(model, &mut lanes, &vec![input; count], TRIAL * 2 / 3)
}

fn encoder(place: &Place, profile: NumericProfile, standing: &Standing) -> Check {
    let lanes = if place.lanes > 1 { format!(" on {} lanes", place.lanes) } else { String::new() };
    let found = format!(
        "{}: {:.0} tokens/s in {}{lanes}; {:.0} of the {:.0} GFLOP/s that it multiplies matrices at, {:.0} %",
        place.info.device,
        standing.tokens_per_s,
        profile.name(),
        standing.flops / 1e9,
        standing.ceiling_flops / 1e9,
        100.0 * standing.share(),
    );
    let slow = standing.share() < USUAL_SHARE;
    let advice = slow.then(|| format!("more than {:.0} % is usual; does something else use it?", 100.0 * USUAL_SHARE));
    Check { advice, ..Check::good("encoder", found) }
}

/// Writes and reads a row and a blob where `serve` would.
async fn stores(folder: PathBuf) -> Check {
    let shown = folder.display().to_string();
    if !folder.exists() {
        return Check::good("stores", format!("{shown} is not there yet; `serve` makes it"));
    }
    let data = match DataFolder::open(&folder) {
        Ok(data) => data,
        Err(error @ StoreError::InUse { .. }) => return Check::good("stores", format!("{error} (a node runs on it)")),
        Err(error) => {
            return Check::bad("stores", error.to_string(), "name another folder as store.path or --data-dir");
        }
    };
    match try_stores(&data).await {
        Ok(()) => {
            let id = data.identity();
            let found = format!("{shown}: schema {}, incarnation {}", id.schema_version, id.incarnation);
            Check::good("stores", found)
        }
        Err(error) => Check::bad("stores", format!("{shown}: {error}"), "free space there, or name another folder"),
    }
}

async fn try_stores(data: &DataFolder) -> Result<(), StoreError> {
    data.records().health().await?;
    let blobs = data.blobs();
    let scope = BlobScope { tenant: TenantId::LOCAL, project: ProjectId(uuid::Uuid::new_v4().as_u128()) };
    let written = blobs.put_bytes(scope, bytes::Bytes::from_static(b"doctor")).await;
    let read = match &written {
        Ok(info) => blobs.get(scope, info.digest, 64).await.map(|_| ()),
        Err(error) => Err(error.clone()),
    };
    blobs.delete_scope(scope).await?;
    read
}

fn port(port: u16) -> Check {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Check::good("port", format!("{port} is free")),
        Err(error) => {
            let advice = "a node may be running already; else name another port as gateway.port or --port";
            Check::absent("port", format!("{port} can't be opened: {error}"), advice)
        }
    }
}
