//! Processor time of a job that does nothing, through Ray, dramatiq and Celery and through our scheduler's actor, in
//! one run: all processes of each counted, children and Redis server included.
//!
//! `cargo xtask bench peers -- [--jobs N] [--python PYTHON]`
//!
//! Makes an environment of its own for the Python peers, once, under the target folder, and a Redis server on a free
//! port for each run. What is missing on this machine is said, and left out. `--python` names an interpreter that has
//! the peers already.

mod redis;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use benches::actor_load::{one_cast, runtime, through_the_actor};
use benches::processes;
use benches::python::{self, Talk};
use redis::Redis;
use serde_json::Value;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/queues.py");
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/queues.txt");
const WHAT: &str = "Ray, dramatiq and Celery: a download of about 100 MB";
/// Jobs of our own: enough that a millisecond is nothing.
const OUR_JOBS: usize = 400_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 3;

struct Options {
    jobs: usize,
    python: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = options()?;
    println!("| through | CPU µs a job | ÷ ours | |\n|---|---|---|---|");
    let runtime = runtime()?;
    let batched = median(|| Ok(runtime.block_on(through_the_actor(OUR_JOBS, 64))?.us_an_item))?;
    let single = median(|| Ok(runtime.block_on(through_the_actor(OUR_JOBS / 8, 1))?.us_an_item))?;
    let cast = median(|| runtime.block_on(one_cast()))?;
    let line = |who: &str, us: f64, note: &str| println!("| {who} | {us:.2} | {:.1} | {note} |", us / batched);
    line("visiobook's scheduler, batches of 64", batched, "submitted, batched, run, acknowledged");
    line("visiobook's scheduler, batches of 1", single, "the same, a message for each job");
    line("one ractor cast alone", cast, "said, not answered");
    let python = match &options.python {
        Some(python) => python.clone(),
        None => match python::environment(Path::new(env!("CARGO_TARGET_TMPDIR")), "queues", REQUIREMENTS, WHAT) {
            Ok(python) => python,
            Err(error) => {
                println!("Ray, dramatiq and Celery are left out: {error:#}");
                return Ok(());
            }
        },
    };
    for (name, needs_redis) in [("ray", false), ("dramatiq", true), ("celery", true)] {
        let redis = match needs_redis.then(Redis::start).transpose() {
            Ok(redis) => redis,
            Err(error) => {
                println!("{name} is left out: {error:#}");
                continue;
            }
        };
        let mut peer = Peer::start(&python, name, redis).with_context(|| format!("starting {name}"))?;
        let us = median(|| peer.us_a_job(options.jobs))?;
        line(&format!("{name} {}", peer.version), us, &format!("{} processes", peer.processes()?));
    }
    Ok(())
}

fn median(mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut each = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<f64>>>()?;
    each.sort_by(f64::total_cmp);
    Ok(each[ROUNDS / 2])
}

/// A running peer with all its processes; ended when dropped.
struct Peer {
    talk: Talk,
    redis: Option<Redis>,
    version: String,
}

impl Peer {
    fn start(python: &Path, name: &str, redis: Option<Redis>) -> Result<Self> {
        let url = redis.as_ref().map_or(String::new(), Redis::url);
        let mut talk = Talk::start(python, SCRIPT, |command| {
            command.arg(name).env("REDIS_URL", url).env("PYTHONDONTWRITEBYTECODE", "1");
            // Nothing of a benchmark goes to anybody.
            command.env("RAY_USAGE_STATS_ENABLED", "0");
        })?;
        let hello: Value = talk.answer()?;
        let version = hello["version"].as_str().unwrap_or("of unknown version").to_owned();
        Ok(Self { talk, redis, version })
    }

    fn roots(&self) -> Vec<u32> {
        self.redis.iter().map(Redis::pid).chain([self.talk.pid()]).collect()
    }

    fn us_a_job(&mut self, jobs: usize) -> Result<f64> {
        let before = processes::cpu_us(&self.roots())?;
        self.talk.ask::<Value>(&jobs.to_string())?;
        Ok((processes::cpu_us(&self.roots())? - before) / jobs as f64)
    }

    fn processes(&self) -> Result<usize> {
        Ok(processes::below(&self.roots())?.len())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Whatever it leaves running is ended with it.
        let left = processes::below(&[self.talk.pid()]).unwrap_or_default();
        let _ = self.talk.finish();
        processes::end(&left);
    }
}

fn options() -> Result<Options> {
    let mut options = Options { jobs: 5_000, python: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--jobs" => options.jobs = value()?.parse()?,
            "--python" => options.python = Some(value()?.into()),
            "--bench" => {} // cargo adds it
            other => bail!("unknown option {other}"),
        }
    }
    ensure!(options.jobs > 0, "--jobs must be at least 1");
    Ok(options)
}
