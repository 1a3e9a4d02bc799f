//! `visiobook backup`: all that a node keeps into one checked archive, while it runs.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::health::BackupRequest;
use serde_json::json;
use store::backup::Tail;
use warp::http::Method;

use super::client::{Api, Target};
use super::transfer::Shown;
use super::{CONFLICT, Failure, passphrase};
use crate::config::Config;

/// Arguments of `backup`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    passphrase: passphrase::Options,
    /// The archive that is to be made, such as visiobook-2026-07-01.backup
    file: PathBuf,
    /// Replace a file of that name
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for what can't be used, 4 for a file that is there already, else 1; no half of an archive is left.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let passphrase = args.passphrase.read()?;
    if args.file.exists() && !args.force {
        let message = format!("{} is there already: name another file, or say --force", args.file.display());
        return Err(Failure { exit: CONFLICT, message });
    }
    let with_keys = passphrase.is_some();
    let api = Api::open(config, &args.target).await?;
    let made = make(&api, &args.file, passphrase, args.target.json).await;
    api.close().await;
    let (bytes, digest) = made?;
    if args.target.json {
        let file = args.file.display().to_string();
        println!("{}", json!({ "event": "done", "file": file, "bytes": bytes, "digest": digest, "keys": with_keys }));
        return Ok(());
    }
    println!("{} holds {bytes} bytes, digest {digest}", args.file.display());
    if !with_keys {
        eprintln!(
            "without the signing keys, for want of a passphrase: addresses and cursors that are about will be worth \
             nothing in a restored node"
        );
    }
    Ok(())
}

/// Writes the archive beside its place, and gives it its name when all of it is there and durable.
async fn make(api: &Api, file: &Path, passphrase: Option<String>, json: bool) -> Result<(u64, String), Failure> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let written = receive(api, &beside, passphrase, json).await;
    let named = written.and_then(|done| {
        std::fs::rename(&beside, file).map_err(|e| unwritable(file, &e))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| unwritable(file, &e))?;
        Ok(done)
    });
    if named.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    named
}

async fn receive(api: &Api, beside: &Path, passphrase: Option<String>, json: bool) -> Result<(u64, String), Failure> {
    // A backup holds books: for its owner's eyes.
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(beside);
    let mut out = open.map_err(|e| unwritable(beside, &e))?;
    let body = serde_json::to_vec(&BackupRequest { passphrase }).unwrap_or_default();
    let (mut tail, mut bytes, shown) = (Tail::default(), 0_u64, Shown::new(json, "backup"));
    // What this side fails with is told as it is; of what the node's side broke off, only the node knows why.
    let mut is_mine = false;
    let taken = api
        .download("/backup", body, |piece| {
            out.write_all(piece).map_err(|e| {
                is_mine = true;
                unwritable(beside, &e)
            })?;
            tail.take(piece);
            bytes += piece.len() as u64;
            shown.at("copying", bytes, None);
            Ok(())
        })
        .await;
    shown.end();
    if bytes == 0 || is_mine {
        taken?;
    } else if let Err(failure) = taken {
        return Err(broke_off(api, bytes, &failure.message).await);
    }
    match tail.end() {
        Ok(digest) => {
            out.sync_all().map_err(|e| unwritable(beside, &e))?;
            Ok((bytes, digest.to_string()))
        }
        Err(error) => Err(broke_off(api, bytes, &format!("{error} ({})", error.code())).await),
    }
}

/// Why an archive broke off: in the node's words where it has any, else in those of this side.
async fn broke_off(api: &Api, bytes: u64, seen: &str) -> Failure {
    let jobs = api.call(Method::GET, "/storage/jobs", None).await.unwrap_or_default();
    let trouble = &jobs["backup"]["trouble"];
    let why = match (trouble["detail"].as_str(), trouble["code"].as_str()) {
        (Some(detail), Some(code)) => format!("{detail} ({code})"),
        _ => seen.to_owned(),
    };
    Failure::new(format!("the backup broke off after {bytes} bytes: {why}"))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::bad_input(format!("{} can't be written: {error}", path.display()))
}
