//! Who runs what, where, next: the pure core.
//!
//! [`step`] takes an [`Event`] and the time, changes a [`State`] and says what is to be done as [`Action`]s. It has no
//! clock, does no I/O, knows no runtime and draws no random numbers: the same events give the same actions, in an
//! actor, in a simulation and in a test. It never waits while a device idles, never keeps more than its [`Config`]
//! allows, and never sees an item's input, only its length and an opaque tag. `README.md` says why it is as it is.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | every bound and knob |
//! | [`item`] | what there is to do |
//! | [`event`] | what the core is told and answers |
//! | [`cost`] | how long a batch will take, learnt |
//! | [`snapshot`] | the state for metrics, the console and autoscalers |

pub mod config;
pub mod cost;
pub mod event;
pub mod item;
pub mod snapshot;

pub use config::Config;
pub use event::{Action, BatchId, CancelReason, Event, Failure, ItemFailure, Lease, ModelOffer, Refusal};
pub use item::{Assigned, Class, ItemSpec, ModelKey};
pub use snapshot::Snapshot;
