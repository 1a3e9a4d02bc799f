//! The gateway under load through real sockets, beside a bare warp server in a process of its own, in the same run.
//!
//! `cargo xtask bench gateway [-- uploads | creation | streams | reads] [-- --streams N]`
//!
//! Both servers are this very program, started anew: the product by its own command line, the bare one with nothing
//! but warp, the store's own writer of blobs and a broadcast. The clients sit in a third process. Load with a rate is
//! open loop: a request's time counts from when it was to be sent, not from when the client got round to it.

mod bare;
mod client;
mod creation;
mod load;
mod people;
mod reads;
mod streams;
#[path = "../scheduler/table.rs"]
mod table;
mod uploads;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use table::Table;

/// Tells a process of this program which server it is to be.
const ROLE: &str = "VISIOBOOK_BENCH_ROLE";

/// A server in a process of its own, on a folder of its own. Killed when dropped.
pub struct Server {
    process: Child,
    /// Such as `127.0.0.1:41234`.
    pub address: String,
    data: tempfile::TempDir,
}

impl Server {
    fn start(role: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        Self::start_in(role, settings, data)
    }

    fn start_in(role: &str, settings: &[(&str, &str)], data: tempfile::TempDir) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE, role).arg(data.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        for (key, value) in [
            ("MODEL__PATH", "double"),
            ("WORKER__CPU_WORKERS", "1"),
            ("STORE__QUOTA_MIB", "1000000"),
            ("GATEWAY__MAX_EVENT_STREAMS", "50000"),
        ]
        .iter()
        .chain(settings)
        {
            command.env(format!("VISIOBOOK__{key}"), value);
        }
        let mut process = command.spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("http://"));
        let address = address.with_context(|| format!("the {role} server did not start: {line:?}"))?.to_owned();
        Ok(Self { process, address, data })
    }

    /// The product, with the model's deterministic double.
    pub fn product() -> Result<Self> {
        Self::start("product", &[])
    }

    /// The product, configured by environment variables without their prefix.
    pub fn product_with(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start("product", settings)
    }

    /// A bare warp server.
    pub fn bare() -> Result<Self> {
        Self::start("bare", &[])
    }

    /// A bare warp server that answers `GET /view` so.
    pub fn bare_with_view(view: &[u8]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        std::fs::write(data.path().join(bare::VIEW), view)?;
        Self::start_in("bare", &[], data)
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Memory that it holds now, bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What to measure.
struct Options {
    streams: usize,
    parts: Vec<String>,
}

impl Options {
    fn read() -> Result<Self> {
        let mut options = Self { streams: 10_000, parts: Vec::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--streams" => options.streams = words.next().context("--streams N")?.parse()?,
                part @ ("uploads" | "creation" | "streams" | "reads") => options.parts.push(part.to_owned()),
                other => bail!("`{other}`: name uploads, creation, streams, reads or none of them, and --streams N"),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}

fn main() -> ExitCode {
    let role = std::env::var(ROLE).unwrap_or_default();
    let ended = match role.as_str() {
        "product" => product(),
        "bare" => bare::serve(),
        _ => measure(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The product, as its own command starts it.
fn product() -> Result<()> {
    use clap::Parser as _;
    let data = std::env::args().nth(1).context("a folder")?;
    let cli = node::commands::Cli::parse_from(["visiobook", "serve", "--port", "0", "--data-dir", &data]);
    node::commands::run(cli).map_err(|failure| anyhow::anyhow!("{}", failure.message))
}

fn measure() -> Result<()> {
    let options = Options::read()?;
    // Inherited by both servers, so that neither has fewer files than the other.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut table = Table::default();
    table.head();
    if options.wants("uploads") {
        runtime.block_on(uploads::measure(&mut table))?;
    }
    if options.wants("creation") {
        runtime.block_on(creation::measure(&mut table))?;
    }
    if options.wants("streams") {
        runtime.block_on(streams::measure(&mut table, options.streams))?;
    }
    if options.wants("reads") {
        reads::measure(&mut table)?;
    }
    let missed = table.missed();
    if !missed.is_empty() {
        bail!("below their bar: {}", missed.join(", "));
    }
    Ok(())
}

/// The middle one of some figures, which are put in order.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
