//! `visiobook migrate`: a data folder's schema to what this version knows.

use std::path::PathBuf;

use serde_json::json;
use store::DataFolder;

use super::{FAILED, Failure, NOT_FOUND};
use crate::config::Config;

/// Arguments of `migrate`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder [default: the one that `serve` would take]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Only say; exit code 1 if something is to be done
    #[arg(long)]
    check: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command. The node must be stopped; one that starts migrates by itself.
///
/// # Errors
/// Exit code 3 where there is no folder, 2 for one that can't be used or that a newer version has migrated, 1 with
/// `--check` where something is to be done.
pub fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let folder = args.data_dir.unwrap_or_else(|| config.store.folder());
    if !folder.is_dir() {
        let message = format!("there is no data folder {}: `visiobook serve` makes one", folder.display());
        return Err(Failure { exit: NOT_FOUND, message });
    }
    let (from, known) = DataFolder::schema(&folder)?;
    if from > known {
        return Err(store::StoreError::SchemaNewer { found: from, known }.into());
    }
    let to = if args.check { from } else { DataFolder::open(&folder)?.identity().schema_version };
    if args.json {
        println!("{}", json!({ "from": from, "to": to, "known": known }));
    } else if to != known {
        println!("{} has schema {from}, and this version brings it to {known}", folder.display());
    } else if from == to {
        println!("{} has schema {to}: nothing is to be done", folder.display());
    } else {
        println!("{} was brought from schema {from} to {to}", folder.display());
    }
    if to == known { Ok(()) } else { Err(Failure { exit: FAILED, message: "there are migrations to run".into() }) }
}
