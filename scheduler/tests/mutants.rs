//! Faults put into the core by hand, each of which the other tests must notice.
//!
//! A copy of the crate is made in which every fault sits behind a number, so that it is compiled once; then its tests
//! are run with one fault after the other. A fault whose place in the source is gone fails this test: it is to be put
//! where that code went.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Tests that are run against each fault, quick ones first. Not `decisions`, which notices every change, whether it is a
/// fault or not.
const JUDGES: [&str; 2] = ["core", "trouble"];
/// A fault that makes a test run for so long is noticed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One fault: in a file, what stands there once, and what stands there instead. `@` is "this fault is on".
struct Fault(&'static str, &'static str, &'static str);

const FAULTS: [Fault; 28] = [
    Fault("step.rs", "state.expire_leases(actions);", "if !@ { state.expire_leases(actions); }"),
    Fault("step.rs", "state.expire_deadlines(actions);", "if !@ { state.expire_deadlines(actions); }"),
    Fault(
        "failure.rs",
        "batch.lease == lease && batch.worker == slot",
        "(@ || batch.lease == lease) && (@ || batch.worker == slot)",
    ),
    Fault(
        "failure.rs",
        "for items in [items, second] {",
        "for items in [items, if @ { Vec::new() } else { second }] {",
    ),
    Fault("failure.rs", "entry.crashed_on != Some(node)", "@ || entry.crashed_on != Some(node)"),
    Fault(
        "failure.rs",
        "if worker.failures >= FAILURES_BEFORE_REST {",
        "if !@ && worker.failures >= FAILURES_BEFORE_REST {",
    ),
    Fault("failure.rs", "!cancelled && !unclaimed", "!cancelled && (@ || !unclaimed)"),
    Fault(
        "fairness.rs",
        "let counter = charged.min(ceiling)",
        "let counter = if @ { charged } else { charged.min(ceiling) }",
    ),
    Fault(
        "fairness.rs",
        "* 100.0 / f64::from(tenant.weight)) as u64",
        "* 100.0 / if @ { 100.0 } else { f64::from(tenant.weight) }) as u64",
    ),
    Fault("fairness.rs", "self.left - oldest < age_bound)", "@ || self.left - oldest < age_bound)"),
    Fault("fairness.rs", "let buckets = if tenant.parked { 0 }", "let buckets = if tenant.parked && !@ { 0 }"),
    Fault("batch.rs", ".min(self.room_tokens)", ".min(if @ { u32::MAX } else { self.room_tokens })"),
    Fault(
        "batch.rs",
        "as f64 >= (1.0 - self.max_padding_share) * padded",
        "as f64 >= if @ { 0.0 } else { (1.0 - self.max_padding_share) * padded }",
    ),
    Fault(
        "worker.rs",
        "(self.held.len() as u32) < self.credits",
        "(self.held.len() as u32) < self.credits + u32::from(@)",
    ),
    Fault(
        "cells.rs",
        "*cap = (*cap).min(half.max(buckets.edge(longer)));",
        "if !@ { *cap = (*cap).min(half.max(buckets.edge(longer))); }",
    ),
    Fault("fleet.rs", "worker.draining = true;", "worker.draining = !@;"),
    Fault(
        "recall.rs",
        "if model.recalls[rank(Class::Interactive)] > urgent / URGENT_PER_RECALL {",
        "if @ || model.recalls[rank(Class::Interactive)] > urgent / URGENT_PER_RECALL {",
    ),
    Fault(
        "newcomers.rs",
        ".is_none_or(|until_ms| self.now_ms < until_ms)",
        ".is_none_or(|until_ms| @ || self.now_ms < until_ms)",
    ),
    Fault(
        "newcomers.rs",
        "self.counter.saturating_add(slack) < rival",
        "@ || self.counter.saturating_add(slack) < rival",
    ),
    Fault("model.rs", "now_ms < patient_until_ms && ", "(@ || now_ms < patient_until_ms) && "),
    Fault("batch.rs", "forming.take_all_of(slot);", "if !@ { forming.take_all_of(slot); }"),
    Fault("run.rs", "if term < run.term {", "if !@ && term < run.term {"),
    Fault("hedge.rs", "let affordable = self.hedged_ns", "let affordable = @ || self.hedged_ns"),
    Fault(
        "hedge.rs",
        "(twin.twin, twin.items) = (None, Vec::new());",
        "twin.twin = None; if !@ { twin.items = Vec::new(); }",
    ),
    Fault("hedge.rs", "failed.items.clear();", "if !@ { failed.items.clear(); }"),
    Fault("adoption.rs", "if self.is_adoptable(&held.items) {", "if @ || self.is_adoptable(&held.items) {"),
    Fault("placement.rs", "if self.collect_until_ms.is_some() {", "if !@ && self.collect_until_ms.is_some() {"),
    Fault(
        "ready.rs",
        "found.sort_unstable();",
        "found.sort_unstable(); if @ { found.sort_unstable_by_key(|&(at, _)| std::cmp::Reverse(at)); }",
    ),
];

/// What is appended to the copy's `lib.rs`.
const SWITCH: &str = r#"
/// Whether this fault is on.
pub(crate) fn fault(number: usize) -> bool {
    static ON: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("FAULT").ok().and_then(|on| on.parse().ok())) == Some(number)
}
"#;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// A workspace of the crate and what it stands on, faults put in.
fn faulty_copy() -> PathBuf {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let copied = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faulty");
    let _ = fs::remove_dir_all(copied.join("scheduler"));
    for part in ["domain", "scheduler"] {
        copy(&house.join(part), &copied.join(part));
    }
    fs::remove_file(copied.join("scheduler/tests/mutants.rs")).unwrap();
    fs::copy(house.join("Cargo.lock"), copied.join("Cargo.lock")).unwrap();
    let manifest = fs::read_to_string(house.join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members = ")).unwrap();
    let manifest = manifest.replace(members, "members = [\"domain\", \"scheduler\"]");
    fs::write(copied.join("Cargo.toml"), manifest).unwrap();
    for (number, Fault(file, was, becomes)) in FAULTS.iter().enumerate() {
        let path = copied.join("scheduler/src").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(was).count(), 1, "{was:?} stands once in {file}");
        let becomes = becomes.replace('@', &format!("crate::fault({number})"));
        fs::write(&path, text.replace(was, &becomes)).unwrap();
    }
    let lib = copied.join("scheduler/src/lib.rs");
    fs::write(&lib, fs::read_to_string(&lib).unwrap() + SWITCH).unwrap();
    copied
}

/// Builds the copy's tests; answers the programs of the judges, in their order.
fn build(copied: &Path) -> Vec<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(copied).args(["test", "--quiet", "--offline", "-p", "scheduler", "--no-run"]);
    cargo.args(["--message-format", "json"]).env("CARGO_TARGET_DIR", copied.join("target"));
    for judge in JUDGES {
        cargo.args(["--test", judge]);
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "the copy with the faults doesn't build");
    let messages = String::from_utf8(built.stdout).unwrap();
    let program = |judge: &str| {
        let line =
            messages.lines().find(|line| line.contains(&format!("/{judge}-")) && line.contains("\"executable\":\""));
        let path = line.and_then(|line| line.split("\"executable\":\"").nth(1)).and_then(|rest| rest.split('"').next());
        PathBuf::from(path.unwrap_or_else(|| panic!("no program for {judge}")))
    };
    JUDGES.into_iter().map(program).collect()
}

/// Whether a test program is content.
fn passes(copied: &Path, program: &Path, fault: Option<usize>) -> bool {
    let mut command = Command::new(program);
    command.current_dir(copied.join("scheduler"));
    command.args(["--test-threads", "2"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.env_remove("RUST_BACKTRACE").envs([("PROPTEST_CASES", "16"), ("PROPTEST_MAX_SHRINK_ITERS", "0")]);
    if let Some(fault) = fault {
        command.env("FAULT", fault.to_string());
    }
    ends_well(command.spawn().unwrap())
}

fn ends_well(mut child: Child) -> bool {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        // Not to wait for something to happen, only to look seldom.
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_fault_in_the_core_is_noticed() {
    let copied = faulty_copy();
    let judges = build(&copied);
    let sound = judges.iter().filter(|judge| !passes(&copied, judge, None)).count();
    assert_eq!(sound, 0, "without a fault the copy's tests pass");
    let mut missed = Vec::new();
    for (number, Fault(file, _, becomes)) in FAULTS.iter().enumerate() {
        match judges.iter().position(|judge| !passes(&copied, judge, Some(number))) {
            Some(judge) => println!("{file}: {becomes}: noticed by {}", JUDGES[judge]),
            None => missed.push(format!("{file}: {becomes}")),
        }
    }
    assert!(missed.is_empty(), "nobody noticed:\n{}", missed.join("\n"));
    println!("{} faults of {} noticed", FAULTS.len(), FAULTS.len());
}
