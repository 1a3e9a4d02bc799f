//! `visiobook storage`: how the stores stand, and blobs that nothing names.

use std::time::Duration;

use serde_json::Value;
use warp::http::Method;

use super::Failure;
use super::client::{Api, Target};
use super::table::{table, text};
use super::transfer::Shown;
use crate::config::Config;

/// How often a sweep is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Arguments of `storage`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Measure the records, the blobs and the cache
    Health,
    /// Remove blobs that nothing names, as the node does by itself from time to time
    Sweep {
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        /// Leave what changed within so many seconds [default: what the node is set to, a day]; 0 only while no node serves
        #[arg(long, value_name = "SECONDS")]
        grace: Option<u64>,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for what can't be used, 4 while a sweep or a backup is under way, else 1.
pub async fn run(config: &Config, args: Args) -> Result<(), Failure> {
    let api = Api::open(config, &args.target).await?;
    let done = act(&api, args.action, args.target.json).await;
    api.close().await;
    done
}

async fn act(api: &Api, action: Action, as_json: bool) -> Result<(), Failure> {
    let answer = match &action {
        Action::Health => api.call(Method::GET, "/health/databases", None).await?,
        Action::Sweep { dry_run, grace } => {
            let grace = grace.map(|seconds| format!("&grace_s={seconds}")).unwrap_or_default();
            let asked = format!("/storage/sweep?dry_run={dry_run}{grace}");
            watched(api, api.call(Method::POST, &asked, None)).await?
        }
    };
    if as_json {
        println!("{answer}");
        return Ok(());
    }
    match action {
        Action::Health => print!("{}", health(&answer)),
        Action::Sweep { .. } => print!("{}", swept(&answer)),
    }
    Ok(())
}

/// Waits for a sweep, and shows how far it is where somebody looks on.
async fn watched(api: &Api, sweep: impl Future<Output = Result<Value, Failure>>) -> Result<Value, Failure> {
    let mut sweep = std::pin::pin!(sweep);
    let shown = Shown::new(false, "sweep");
    let answer = loop {
        tokio::select! {
            answer = &mut sweep => break answer,
            () = tokio::time::sleep(LOOK) => {}
        }
        // What can't be seen is not shown; the sweep goes on.
        let jobs = api.call(Method::GET, "/storage/jobs", None).await.unwrap_or_default();
        let count = |of: &str| jobs["sweep"][of].as_u64().unwrap_or_default();
        shown.says("sweeping", format!("{} projects and uploads, {} blobs", count("scopes"), count("blobs")));
    };
    shown.end();
    answer
}

fn health(answer: &Value) -> String {
    let row = |name: &str| {
        let of = &answer[name];
        let ms = |value: &Value| value.as_u64().map_or(String::new(), |us| format!("{:.2} ms", us as f64 / 1e3));
        let used = |used: &str, max: &str| match of[max].as_u64() {
            Some(max) => format!("{} of {max}", of[used]),
            None => String::new(),
        };
        [
            name.to_owned(),
            text(&of["state"]),
            ms(&of["write_latency_us"]),
            ms(&of["read_latency_us"]),
            used("queued", "queue_max"),
            used("pool_used", "pool_max"),
            text(&of["schema_version"]),
            text(&of["trouble"]),
        ]
    };
    let rows: Vec<_> = ["records", "blobs", "cache"].map(row).into();
    table(["store", "state", "write", "read", "queued", "reading", "schema", ""], &rows)
}

fn swept(answer: &Value) -> String {
    let verb = if answer["dry_run"] == true { "would be" } else { "were" };
    let mut out = format!(
        "{} blobs that nothing names, of {} bytes, {verb} removed; {} are named, {} too young, {} projects left alone\n",
        answer["orphans"], answer["orphan_bytes"], answer["named"], answer["young"], answer["left_alone"]
    );
    for orphan in answer["first"].as_array().into_iter().flatten() {
        out += &format!("{}  {}  {} bytes\n", text(&orphan["project"]), text(&orphan["digest"]), orphan["bytes"]);
    }
    out
}
