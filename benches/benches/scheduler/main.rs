//! What the scheduler costs and what it gives, held against its bars and against peers in the same run.
//!
//! `cargo xtask bench scheduler -- [ROW …] [--make-lengths FOLDER]`
//!
//! A `ROW` is one of `decision`, `actor`, `waste`, `overtaking`, `simulated`; all of them where none is named. Times are
//! the machine's: on one that does other work too they are worse than the scheduler's own.

mod actor;
mod core;
mod decision;
mod overtaking;
mod prototype;
mod simulated;
mod table;
mod trace;
mod waste;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use table::Table;

const ROWS: [&str; 5] = ["decision", "actor", "waste", "overtaking", "simulated"];

fn main() -> Result<()> {
    let mut rows = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {} // cargo adds it
            "--make-lengths" => {
                let folder = args.next().context("--make-lengths needs a folder of books")?;
                return trace::make_lengths(&PathBuf::from(folder));
            }
            row if ROWS.contains(&row) => rows.push(row.to_owned()),
            other => bail!("unknown row or option {other}; rows are {}", ROWS.join(", ")),
        }
    }
    let wanted = |row: &str| rows.is_empty() || rows.iter().any(|named| named == row);
    let mut table = Table::default();
    table.head();
    if wanted("decision") {
        decision::measure(&mut table);
    }
    if wanted("actor") {
        actor::measure(&mut table)?;
    }
    if wanted("waste") {
        waste::measure(&mut table)?;
    }
    if wanted("overtaking") {
        overtaking::measure(&mut table);
    }
    if wanted("simulated") {
        simulated::measure(&mut table)?;
    }
    let missed = table.missed();
    ensure!(missed.is_empty(), "below the bar: {}", missed.join("; "));
    Ok(())
}
