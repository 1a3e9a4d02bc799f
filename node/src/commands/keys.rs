//! `visiobook keys`: the keys that cursors, addresses and webhooks are signed with.

use std::path::PathBuf;

use store::{DataFolder, Keyring};

use super::Failure;
use crate::config::Config;
use crate::wiring::KEYS_VARIABLE;

/// Arguments of `keys`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder whose keys are meant [default: visiobook in the user's data folder]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// The ids of the keys, the one that signs first
    List,
    /// Put a new key before the others, which go on verifying what they signed
    Rotate,
    /// Drop all but the newest: what the others signed is worth nothing from then on
    Drop {
        /// How many of the newest stay
        #[arg(long, default_value_t = 1, value_name = "N")]
        keep: usize,
    },
}

/// Runs the command. The node must be stopped: it reads its keys when it starts.
///
/// # Errors
/// Exit code 2 for a folder or keys that can't be used, or while the environment holds the keys.
pub fn run(config: &Config, args: Args) -> Result<(), Failure> {
    if std::env::var_os(KEYS_VARIABLE).is_some() {
        let message = format!("the keys stand in {KEYS_VARIABLE}: change them there, the newest first");
        return Err(Failure::bad_input(message));
    }
    let folder = DataFolder::open(args.data_dir.unwrap_or_else(|| config.store.folder()))?;
    let path = folder.keys_path();
    let ring = match args.action {
        Action::List => Keyring::open(&path)?,
        Action::Rotate => Keyring::rotate(&path)?,
        Action::Drop { keep } => Keyring::drop_old(&path, keep)?,
    };
    for id in ring.ids() {
        println!("{id}");
    }
    Ok(())
}
