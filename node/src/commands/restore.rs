//! `visiobook restore`: a data folder out of a backup, all of it or nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use store::backup::{KeysFound, Passphrase, Progress, Restored, restore};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::table::moment;
use super::transfer::Shown;
use super::{Failure, passphrase};
use crate::config::Config;

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Arguments of `restore`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    passphrase: passphrase::Options,
    /// The archive
    file: PathBuf,
    /// The folder that is to be made of it; new or empty [default: the one that `serve` would take]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for an archive, a folder or a passphrase that can't be used, else 1; nothing is left behind.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let passphrase = args.passphrase.read()?.map(Zeroizing::new).map(Passphrase::new).transpose()?;
    let folder = args.data_dir.unwrap_or_else(|| config.store.folder());
    let progress = Arc::new(Progress::default());
    let mut work = {
        let (file, folder, progress, runtime) =
            (args.file.clone(), folder.clone(), progress.clone(), Handle::current());
        let now_ms = actors::clock::wall_ms();
        tokio::task::spawn_blocking(move || restore(&file, &folder, passphrase.as_ref(), now_ms, &progress, &runtime))
    };
    let shown = Shown::new(args.json, "restore");
    let restored = loop {
        tokio::select! {
            done = &mut work => break done,
            () = tokio::time::sleep(LOOK) => {
                let total = progress.total_bytes.load(Ordering::Relaxed);
                let unpacked = progress.unpacked_bytes.load(Ordering::Relaxed);
                match unpacked {
                    0 => shown.at("checking", progress.checked_bytes.load(Ordering::Relaxed), Some(total)),
                    _ => shown.at("unpacking", unpacked, Some(total)),
                }
            }
        }
    };
    shown.end();
    let restored = restored.map_err(|e| Failure::new(format!("the restoration broke off: {e}")))??;
    say(&restored, &folder, args.json);
    Ok(())
}

fn say(restored: &Restored, folder: &std::path::Path, json: bool) {
    let keys = match restored.keys {
        KeysFound::None => "none",
        KeysFound::LeftSealed => "left-sealed",
        KeysFound::Restored => "restored",
    };
    if json {
        let line = json!({
            "event": "done",
            "folder": folder.display().to_string(),
            "made_ms": restored.made_ms,
            "program": restored.program,
            "rows": restored.rows,
            "blobs": restored.blobs,
            "digest": restored.digest.to_string(),
            "from_incarnation": restored.from_incarnation,
            "incarnation": restored.incarnation,
            "keys": keys,
        });
        println!("{line}");
        return;
    }
    println!(
        "{} is restored from the backup of {} UTC: {} rows, {} blobs, incarnation {} after {}",
        folder.display(),
        moment(&restored.made_ms.into()),
        restored.rows,
        restored.blobs,
        restored.incarnation,
        restored.from_incarnation
    );
    match restored.keys {
        KeysFound::Restored => {}
        KeysFound::None => eprintln!("the backup holds no signing keys: the node makes new ones"),
        KeysFound::LeftSealed => {
            eprintln!("the backup's signing keys stay sealed, for want of a passphrase: the node makes new ones");
        }
    }
}
