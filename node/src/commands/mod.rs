//! The commands, a file each.
//!
//! Exit codes: 0 done, 1 failed, 2 what was given can't be used, 3 there is no such thing, 4 something else stands in
//! the way, 130 interrupted (and can be gone on with).

pub mod analyze;
pub mod annotate;
pub mod backup;
mod bar;
pub mod classify;
mod client;
pub mod doctor;
pub mod embed;
mod input;
pub mod key;
pub mod keys;
pub mod migrate;
mod origin;
mod passphrase;
mod person;
pub mod project;
pub mod read;
pub mod restore;
pub mod run;
mod secrets;
pub mod serve;
pub mod sign_in;
pub mod storage;
mod table;
pub mod texts;
mod transfer;
pub mod user;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use cluster::body::Fault;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, ConfigError};
use crate::wiring::StartError;

/// Something failed.
pub const FAILED: u8 = 1;
/// What was given can't be used.
pub const BAD_INPUT: u8 = 2;
/// There is no such thing.
pub const NOT_FOUND: u8 = 3;
/// Something else stands in the way: a run under way, somebody else's change.
pub const CONFLICT: u8 = 4;
/// Stopped by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Turns books into storyboards.
#[derive(Parser)]
#[command(name = "visiobook", version, about, long_about = None, arg_required_else_help = true)]
pub struct Cli {
    /// Settings file [default: cluster.toml in the working folder, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log to standard error what happens inside (as RUST_LOG=debug would)
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Analyse one book here and now: storyboard.json, storyboard.html and book.json
    Analyze(analyze::Args),
    /// Say what reading finds in a book: its chapters, notes and quotations, and what was set aside
    Read(read::Args),
    /// Write the words, sentences and quotations of texts as BookNLP files
    Annotate(annotate::Args),
    /// Give the vectors of texts, one JSON object a line
    Embed(embed::Args),
    /// Say what trained heads find in texts, such as emotions
    Classify(classify::Args),
    /// Serve the web app and the API on this machine
    Serve(serve::Args),
    /// List, rotate or drop the keys that addresses and cursors are signed with
    Keys(keys::Args),
    /// List, name, archive, delete and restore projects, of a node or of a data folder
    Project(project::Args),
    /// List, begin, cancel, repeat and audit the runs of a project
    Run(run::Args),
    /// Sign in to a node that has accounts: the other commands then ask in one's name
    SignIn(sign_in::Args),
    /// Sign out again
    SignOut(sign_in::OutArgs),
    /// Make, list and revoke keys of one's account, for programs
    Key(key::Args),
    /// Make accounts; list them and say what they may, as an admin
    User(user::Args),
    /// Copy all that a node keeps into one checked archive, while it runs
    Backup(backup::Args),
    /// Make a data folder out of a backup
    Restore(restore::Args),
    /// Bring a data folder's schema to what this version knows
    Migrate(migrate::Args),
    /// Measure the stores; remove blobs that nothing names
    Storage(storage::Args),
    /// Say what works here, and what to do where it does not
    ///
    /// Times each device for ten seconds: tokens a second, and how near that is to its own rate of multiplying
    /// matrices. Exit code 1 if something that is needed does not work.
    Doctor(doctor::Args),
    /// Write completions for a shell to standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Why a command ends without success.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub exit: u8,
    /// One sentence for people.
    pub message: String,
}

impl Failure {
    /// Something failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { exit: FAILED, message: message.into() }
    }

    /// What was given can't be used.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self { exit: BAD_INPUT, message: message.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::bad_input(error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        use store::StoreError::{Foreign, InUse, KeysExposed, KeysMalformed, PathIsFile, SchemaNewer, Unwritable};
        let given = matches!(
            error,
            Foreign { .. }
                | InUse { .. }
                | KeysExposed { .. }
                | KeysMalformed { .. }
                | PathIsFile { .. }
                | SchemaNewer { .. }
                | Unwritable { .. }
        );
        Self { exit: if given { BAD_INPUT } else { FAILED }, message: error.to_string() }
    }
}

impl From<store::backup::BackupError> for Failure {
    fn from(error: store::backup::BackupError) -> Self {
        use store::backup::BackupError::{Io, Store};
        match error {
            Store(error) => error.into(),
            Io { .. } => Self::new(error.to_string()),
            _ => Self::bad_input(format!("{error} ({})", error.code())),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let given = fault.code.starts_with("book-");
        Self { exit: if given { BAD_INPUT } else { FAILED }, message: fault.to_string() }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// Why it ends without success, with the exit code.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let config = Config::load(cli.config.as_deref())?;
    let quiet = if matches!(cli.command, Command::Serve(_)) { "info" } else { "error" };
    log_to_stderr(if cli.verbose { "debug" } else { quiet });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("the runtime could not be started: {e}")))?;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Analyze(args) => analyze::run(&config, args).await,
            Command::Read(args) => read::run(&config, &args),
            Command::Annotate(args) => annotate::run(&config, &args),
            Command::Embed(args) => embed::run(&config, &args),
            Command::Classify(args) => classify::run(&config, &args),
            Command::Serve(args) => serve::run(config, args).await,
            Command::Keys(args) => keys::run(&config, args),
            Command::Project(args) => project::run(&config, args).await,
            Command::Run(args) => run::run(&config, args).await,
            Command::SignIn(args) => sign_in::run(&config, args).await,
            Command::SignOut(args) => sign_in::out(&config, args).await,
            Command::Key(args) => key::run(&config, args).await,
            Command::User(args) => user::run(&config, args).await,
            Command::Backup(args) => backup::run(&config, args).await,
            Command::Restore(args) => restore::run(&config, args).await,
            Command::Migrate(args) => migrate::run(&config, args),
            Command::Storage(args) => storage::run(&config, args).await,
            Command::Doctor(args) => doctor::run(&config, &args).await,
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "visiobook", &mut std::io::stdout());
                Ok(())
            }
        }
    });
    // A device may be in the middle of a batch; nothing that it could still say would be heard.
    runtime.shutdown_background();
    outcome
}

fn log_to_stderr(default: &str) {
    use std::io::IsTerminal as _;

    use tracing_subscriber::EnvFilter;
    let ours = ["node", "actors", "cluster", "scheduler", "store", "gpu", "story", "book"];
    let ours: Vec<String> = ours.iter().map(|name| format!("{name}={default}")).collect();
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(format!("warn,{}", ours.join(","))));
    // Colours are for people: a file or a journal is read by programs too.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    lines.with_ansi(colours).init();
}

/// Ctrl-C, and requests to terminate: neither ends the program by itself once this is there, which must be before it
/// tells anybody that it is ready.
pub(crate) struct Interruption {
    ctrl_c: Signal,
    terminate: Signal,
}

impl Interruption {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let heard = |kind| signal(kind).map_err(|e| Failure::new(format!("Ctrl-C can't be listened for: {e}")));
        Ok(Self { ctrl_c: heard(SignalKind::interrupt())?, terminate: heard(SignalKind::terminate())? })
    }

    /// Returns at the first one since it listens.
    pub(crate) async fn came(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
