//! Who runs what, where, next: the pure core.
//!
//! [`step()`] takes an [`Event`] and the time, changes a [`State`] and says what is to be done as [`Action`]s. It has no
//! clock, does no I/O, knows no runtime and draws no random numbers: the same events give the same actions, in an
//! actor, in a simulation and in a test. It never waits while a device idles, never keeps more than its [`Config`]
//! allows, and never sees an item's input, only its length and an opaque tag. `README.md` says why it is as it is.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | every bound and knob |
//! | [`item`] | what there is to do |
//! | [`event`] | what the core is told and answers |
//! | `step` | the one door |
//! | `state` | all that is remembered; [`State::next_wake_ms`] |
//! | `admission` | what is let in, refused, cancelled, too late |
//! | `run` | who speaks for a run, how much it has outstanding |
//! | `arena`, `arrivals` | where items live; who is oldest |
//! | `model` | what waits for one model, and who is ready for it |
//! | `bucket`, `lane`, `tenants`, `fairness`, `ranking`, `batch` | bulk work: lengths, who is known, counters, who is next, forming a batch |
//! | `limits` | tenants that may have so much and no more |
//! | `interactive` | work that somebody waits for |
//! | `placement`, `ready` | work meets devices; who would finish it soonest |
//! | `recall`, `newcomers` | staged batches make way for what is urgent, and for tenants that come back |
//! | `hedge` | late batches run a second time where a device idles |
//! | `memory` | models come onto devices and go |
//! | `worker`, `fleet` | devices; how they come, drain and go |
//! | `cells`, [`cost`] | what a device takes at once, and how long it takes: learnt |
//! | `failure` | how leases end |
//! | `adoption` | a scheduler that follows another one takes over what runs |
//! | [`invariants`] | what always holds |
//! | `waits` | how long items waited |
//! | [`snapshot`] | the state for metrics, the console and autoscalers |
//! | [`simulator`] | the same core among simulated devices, work and troubles |
//! | [`trace`] | what the core was told, recorded on a node and replayed anywhere |

mod admission;
mod adoption;
mod arena;
mod arrivals;
mod batch;
mod bucket;
mod cells;
pub mod config;
pub mod cost;
pub mod event;
mod failure;
mod fairness;
mod fleet;
mod hedge;
mod interactive;
pub mod invariants;
pub mod item;
mod lane;
mod limits;
mod memory;
mod model;
mod newcomers;
mod placement;
mod ranking;
mod ready;
mod recall;
mod run;
pub mod simulator;
pub mod snapshot;
mod state;
mod step;
mod tenants;
pub mod trace;
mod waits;
mod worker;

pub use config::Config;
pub use event::{Action, BatchId, CancelReason, Event, Failure, HeldBatch, ItemFailure, Lease, ModelOffer, Refusal};
pub use invariants::Violation;
pub use item::{Assigned, Class, ItemSpec, Marks, ModelKey, NodeKey};
pub use snapshot::Snapshot;
pub use state::State;
pub use step::step;
