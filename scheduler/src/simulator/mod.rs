//! A discrete-event simulation of the scheduler: the real core among simulated coordinators, workers, links and
//! troubles.
//!
//! Time is simulated in microseconds, chance comes from one seed, and nothing depends on the order of a hash map: a
//! scenario and a seed fix everything, so that a failing seed replays exactly. [`run`] lives through one scenario and
//! reports; `docs/simulator.md` says what is simulated and what is not.
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | what is simulated: devices, work, links, troubles |
//! | [`profiles`] | scenarios by seed, and those that the bars are measured with |
//! | `sim` | the world, and the loop that makes things happen in it |
//! | `leader` | a shell round the core, like the real one |
//! | `coordinator` | runs: pages out, results into segments, everything again after a loss |
//! | `device` | workers: what they hold, how long a batch takes, how it ends |
//! | `link` | messages: late, doubled, overtaken, lost |
//! | `fault` | what goes wrong, and when |
//! | [`ledger`] | what must hold end to end, kept apart from the core's own books |
//! | [`report`], [`stats`], [`plot`], [`log`] | what came of it, in numbers, as a picture, and the last things that happened |
//! | [`rng`], `queue` | chance and time |

mod coordinator;
mod device;
mod fault;
mod leader;
pub mod ledger;
mod link;
pub mod log;
pub mod plot;
pub mod profiles;
mod queue;
pub mod report;
pub mod rng;
pub mod scenario;
mod sim;
pub mod stats;

pub use ledger::Broken;
pub use report::Report;
pub use scenario::Scenario;

/// How a simulation is watched. None of it changes what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Check invariants: incrementally at every event, in full every 1,000.
    pub checks: bool,
    /// Record what each leader is told, replay it when it is gone, and compare the actions.
    pub replay: bool,
    /// Keep the last such recording in the report.
    pub keep_trace: bool,
}

impl Options {
    /// Everything is checked.
    pub const CHECKED: Self = Self { checks: true, replay: false, keep_trace: false };
    /// Nothing is, for measuring.
    pub const UNCHECKED: Self = Self { checks: false, replay: false, keep_trace: false };
}

/// Lives through a scenario until all work is done or something is broken.
pub fn run(scenario: &Scenario, seed: u64, options: Options) -> Report {
    sim::Sim::new(scenario, seed, options).live(seed)
}
