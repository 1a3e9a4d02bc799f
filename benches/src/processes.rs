//! Processor time of processes and all below them, as Linux's `/proc` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// What is of interest in `/proc/PID/stat`.
struct Stat {
    parent: u32,
    /// Of the process and of its children that ended and were waited for, in clock ticks.
    ticks: u64,
}

/// Those processes and all below them that live now.
pub fn below(roots: &[u32]) -> Result<BTreeSet<u32>> {
    Ok(family(&all()?, roots))
}

/// Processor time that those processes and all below them have taken, microseconds.
pub fn cpu_us(roots: &[u32]) -> Result<f64> {
    let stats = all()?;
    let ticks: u64 = family(&stats, roots).iter().filter_map(|pid| stats.get(pid)).map(|stat| stat.ticks).sum();
    Ok(ticks as f64 * 1e6 / rustix::param::clock_ticks_per_second() as f64)
}

/// Ends what is still there of them.
pub fn end(pids: &BTreeSet<u32>) {
    for pid in pids.iter().filter_map(|&pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn family(stats: &BTreeMap<u32, Stat>, roots: &[u32]) -> BTreeSet<u32> {
    let mut found: BTreeSet<u32> = roots.iter().copied().filter(|root| stats.contains_key(root)).collect();
    loop {
        let children = stats.iter().filter(|(_, stat)| found.contains(&stat.parent)).map(|(&pid, _)| pid);
        let more: Vec<u32> = children.filter(|pid| !found.contains(pid)).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn all() -> Result<BTreeMap<u32, Stat>> {
    let mut stats = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("processor time of others is read from /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while it is looked at.
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(stat) = parse(&text) {
            stats.insert(pid, stat);
        }
    }
    Ok(stats)
}

fn parse(text: &str) -> Option<Stat> {
    // The name stands in parentheses and may hold anything; the fields follow the last one (proc(5)).
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}
