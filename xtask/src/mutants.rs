//! `cargo xtask mutants`: cargo-mutants over the scheduler's core, and what its survivors are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, tools, workspace};

/// The pinned cargo-mutants.
const VERSION: &str = "27.1.0";
/// What is mutated, and how.
const CONFIG: &str = "scheduler/mutants.toml";
/// Survivors that are no fault of the tests: what the mutant does, a number sign, why nobody can notice it.
const EXPLAINED: &str = "scheduler/mutants-explained.txt";
/// Who judges each mutant, one bench after the other until one notices it. Building and linking tests takes longer than
/// running them: so the first is one program, and few mutants come before the last.
const BENCHES: [&[&str]; 3] =
    [&["--test=decisions"], &["--lib", "--test=core"], &["--test=simulation", "--test=trouble"]];
/// Where the tool leaves the outcomes of one bench.
const JUDGED: &str = "mutants.out";
/// Its lists of them.
const LISTS: [&str; 4] = ["caught.txt", "timeout.txt", "unviable.txt", "missed.txt"];
/// Share of the mutants that are caught, at least.
const CAUGHT: f64 = 0.9;

/// `cargo xtask mutants`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// One part of so many, such as 0/8: mutants are dealt out in turn, so that each part is a fair sample
    #[arg(long)]
    shard: Option<String>,
    /// Mutants tried at a time
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Sum up what earlier shards left in this folder, and try nothing
    #[arg(long)]
    only_sum: bool,
    /// Where the outcomes go, a folder for each shard
    #[arg(long, default_value = "target/mutants")]
    output: String,
}

/// How mutants ended.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    caught: usize,
    timeout: usize,
    unviable: usize,
    missed: Vec<String>,
}

/// Tries the mutants and sums up all shards that are there.
///
/// # Errors
/// Fewer caught than there should be, or a survivor that nobody explains.
pub fn command(options: &Options) -> Result<()> {
    let output = workspace::root().join(&options.output);
    if !options.only_sum {
        try_them(options, &output)?;
    }
    let explained = fs::read_to_string(workspace::root().join(EXPLAINED)).context(EXPLAINED)?;
    close(&sum(&output)?, &explanations(&explained))
}

fn try_them(options: &Options, output: &Path) -> Result<()> {
    let name = options.shard.as_deref().map_or_else(|| "all".to_owned(), |shard| shard.replace('/', "-of-"));
    let place = output.join(name);
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("can't empty {}", place.display()))?;
    }
    fs::create_dir_all(&place).with_context(|| format!("can't make {}", place.display()))?;
    let all = list()?;
    for (number, bench) in BENCHES.iter().enumerate() {
        judge(options, output, &place, bench, number > 0)?;
        // The next bench's outcomes take the place of these.
        let kept = place.join(format!("bench-{number}"));
        fs::create_dir(&kept).with_context(|| format!("can't make {}", kept.display()))?;
        for list in LISTS {
            fs::copy(place.join(JUDGED).join(list), kept.join(list))
                .with_context(|| format!("no outcomes in {list}"))?;
        }
        let missed = lines(&kept.join("missed.txt"))?;
        if missed.is_empty() {
            break;
        }
        // The tool goes on with whatever is in none of its lists. A shard would be dealt out of that anew: so all that
        // is not left of this one counts as judged, and the whole is asked for.
        let others = all.iter().filter(|name| !missed.contains(name));
        let text: String = others.flat_map(|name| [name, "\n"]).collect();
        fs::write(place.join(JUDGED).join("caught.txt"), text)?;
    }
    Ok(())
}

/// The tool, told what to mutate and how.
fn tool() -> Result<Command> {
    let mut mutants = process::command(tools::program("cargo-mutants", VERSION)?);
    mutants.current_dir(workspace::root()).env_remove("CARGO_TARGET_DIR");
    mutants.args(["mutants", "--config", CONFIG, "--package", "scheduler", "--no-shuffle", "--colors", "never"]);
    Ok(mutants)
}

/// All mutants that there are, by name.
fn list() -> Result<Vec<String>> {
    let names = process::answer(tool()?.arg("--list")).context("cargo-mutants lists no mutants")?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Has the mutants of a shard judged by some of the tests, or what is `left` of it.
fn judge(options: &Options, output: &Path, place: &Path, bench: &[&str], left: bool) -> Result<()> {
    let mut mutants = tool()?;
    if options.jobs == 1 {
        // What the crate stands on is built once for all shards; several at a time would wait for one another there.
        mutants.env("CARGO_TARGET_DIR", output.with_extension("build"));
    }
    // A fault need only be noticed, not explained.
    mutants.envs([("PROPTEST_CASES", "4"), ("PROPTEST_MAX_SHRINK_ITERS", "0"), ("SCHEDULER_SEEDS", "6")]);
    mutants.env("RUST_BACKTRACE", "0");
    mutants.args(["--jobs", &options.jobs.to_string(), "--output"]).arg(place);
    if left {
        mutants.arg("--iterate");
    } else if let Some(shard) = &options.shard {
        mutants.args(["--shard", shard, "--sharding", "round-robin"]);
    }
    mutants.args(bench.iter().map(|test| format!("--cargo-test-arg={test}")));
    // Survivors make it fail; what they are is judged here.
    if let Err(error) = process::run(&mut mutants) {
        eprintln!("{error:#}");
    }
    Ok(())
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn sum(output: &Path) -> Result<Sums> {
    let mut sums = Sums::default();
    for shard in fs::read_dir(output).with_context(|| format!("no outcomes in {}", output.display()))? {
        let place = shard?.path();
        let benches = (0..BENCHES.len()).map(|number| place.join(format!("bench-{number}")));
        let mut missed = Vec::new();
        for kept in benches.filter(|kept| kept.exists()) {
            sums.caught += lines(&kept.join("caught.txt"))?.len();
            sums.timeout += lines(&kept.join("timeout.txt"))?.len();
            sums.unviable += lines(&kept.join("unviable.txt"))?.len();
            missed = lines(&kept.join("missed.txt"))?;
        }
        sums.missed.extend(missed);
    }
    Ok(sums)
}

/// By what the mutant does, without its place: why nobody can notice it.
fn explanations(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" # ")).collect()
}

/// `scheduler/src/cells.rs:40:9: replace …` without line and column, which every edit moves.
fn placeless(missed: &str) -> String {
    let mut parts = missed.splitn(4, ':');
    match (parts.next(), parts.nth(2)) {
        (Some(file), Some(what)) => format!("{}:{what}", file.trim_start_matches("scheduler/src/")),
        _ => missed.to_owned(),
    }
}

fn close(sums: &Sums, explained: &BTreeMap<&str, &str>) -> Result<()> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for missed in &sums.missed {
        match explained.get(placeless(missed).as_str()) {
            Some(why) => known.push(format!("{missed}\n    {why}")),
            None => unknown.push(missed.clone()),
        }
    }
    known.iter().for_each(|line| println!("survives: {line}"));
    unknown.iter().for_each(|line| println!("SURVIVES UNEXPLAINED: {line}"));
    let caught = sums.caught + sums.timeout;
    let tried = caught + sums.missed.len();
    let share = if tried == 0 { 0.0 } else { caught as f64 / tried as f64 };
    println!(
        "{tried} mutants, {caught} caught ({:.1} %), {} explained, {} unexplained; {} more don't compile",
        100.0 * share,
        known.len(),
        unknown.len(),
        sums.unviable
    );
    if share < CAUGHT {
        bail!("fewer than {:.0} % of the mutants are caught", 100.0 * CAUGHT);
    }
    if !unknown.is_empty() {
        bail!("write a test that notices them, or say in {EXPLAINED} why nobody can");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survivor_is_known_by_what_it_does_and_not_by_its_line() {
        let explained = explanations("# head\ncells.rs: replace + with - in Cells::cap # it is never called\n");
        let missed = "scheduler/src/cells.rs:40:9: replace + with - in Cells::cap".to_owned();
        assert_eq!(explained.get(placeless(&missed).as_str()), Some(&"it is never called"));
        let sums = Sums { caught: 9, missed: vec![missed.clone()], ..Sums::default() };
        assert!(close(&sums, &explained).is_ok());
        assert!(close(&sums, &BTreeMap::new()).is_err(), "unexplained");
        assert!(close(&Sums { caught: 8, missed: vec![missed], ..Sums::default() }, &explained).is_err(), "too few");
    }
}
