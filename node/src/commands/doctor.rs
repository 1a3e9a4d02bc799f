//! `visiobook doctor`: what works here, and what to do where it does not.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use domain::id::{ProjectId, TenantId};
use domain::manifest::NumericProfile;
use gpu::lanes::Place;
use gpu::{Device, DeviceInfo, GpuError, ModelFolder, Tokenizer, ceiling};
use serde::Serialize;
use store::{BlobScope, DataFolder, StoreError};

use super::Failure;
use crate::config::Config;

/// How long each device is timed: its own matrix rate for a third of it, the encoder for the rest.
const TRIAL: Duration = Duration::from_secs(10);
/// A sentence of ordinary length, repeated to fill a passage.
const SENTENCE: &str =
    "The lamplighter counted the windows of the street twice, and found one more than the day before. ";

/// Arguments of `doctor`.
#[derive(clap::Args)]
pub struct Args {
    /// Answer as JSON
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

/// Runs the command.
///
/// # Errors
/// Exit code 1 if anything that is needed does not work.
pub async fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let devices = gpu::devices();
    let mut checks = vec![Check::good("libtorch", gpu::libtorch_version())];
    checks.extend(device_checks(&devices));
    checks.extend(model_checks(config, &devices));
    checks.push(pdf_reader());
    let folder = args.data_dir.clone().unwrap_or_else(|| config.store.folder());
    checks.push(stores(folder).await);
    checks.push(port(config.gateway.port));
    let mut out = std::io::stdout();
    if args.json {
        let _ = writeln!(out, "{}", serde_json::to_string_pretty(&checks).unwrap_or_default());
    } else {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Good => "ok  ",
                Verdict::Absent => "--  ",
                Verdict::Bad => "BAD ",
            };
            let _ = writeln!(out, "{mark} {:<10} {}", check.name, check.found);
            if let Some(advice) = &check.advice {
                let _ = writeln!(out, "     {:<10} {advice}", "");
            }
        }
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

fn model_checks(config: &Config, devices: &[DeviceInfo]) -> Vec<Check> {
    if config.model.is_double() {
        let advice = "set model.path to a model's folder, or to nothing, to understand books";
        return vec![Check::absent("model", "the deterministic double: tests only", advice)];
    }
    let folder = config.model.folder();
    let model = match ModelFolder::open(&folder) {
        Ok(model) => model,
        Err(error) => {
            let advice = "run `cargo xtask setup`, or name a model's folder as model.path in cluster.toml";
            return vec![Check::bad("model", error.to_string(), advice)];
        }
    };
    let found = format!("{} (digest {}, {} wide)", folder.display(), model.digest(), model.dim());
    let mut checks = vec![Check::good("model", found)];
    let profile = config.model.profile_on(devices);
    for place in config.worker.lanes().places(devices) {
        checks.push(match self_test(&model, &place, profile) {
            Ok(found) => Check::good("encoder", found),
            Err(error) => Check::bad(
                "encoder",
                error.to_string(),
                "run `cargo xtask setup` again; if that does not help, try model.profile = \"f32\"",
            ),
        });
    }
    checks
}

/// What a device's lanes do together over passages of common length, and how far that is from what the device could.
fn self_test(model: &ModelFolder, place: &Place, profile: NumericProfile) -> Result<String, GpuError> {
    let tokenizer = Tokenizer::open(model)?;
    let text = SENTENCE.repeat(12);
    let ids = tokenizer.encode_batch(&[text.as_str()])?;
    let room = tokenizer.max_tokens() - tokenizer.overhead_tokens();
    let input = tokenizer.passage_input(&[&ids[0][..ids[0].len().min(room)]]);
    let count = (place.padded_tokens / input.tokens.len()).clamp(1, 64);
    let mut lanes = gpu::lanes::load_place(model, profile, place, |_| Ok(()))?;
    let found = ceiling::standing(model, &mut lanes, &vec![input; count], TRIAL * 2 / 3)?;
    let lanes = if place.lanes > 1 { format!(" on {} lanes", place.lanes) } else { String::new() };
    Ok(format!(
        "{}: {:.0} tokens/s in {}{lanes}; {:.0} of {:.0} GFLOP/s, {:.0} % of its own matrix rate",
        place.info.device,
        found.tokens_per_s,
        profile.name(),
        found.flops / 1e9,
        found.ceiling_flops / 1e9,
        100.0 * found.share(),
    ))
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
