//! What the ledger may find.

use crate::event::{ItemFailure, Refusal};
use crate::invariants::Violation;

/// What was seen to be wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Broken {
    /// An invariant of the core's own.
    #[error(transparent)]
    Core(#[from] Violation),
    /// The core ended or handed out what it had not, or had already.
    #[error("item {item} {what}")]
    Item {
        /// Which item.
        item: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The core counts otherwise than whoever watches it.
    #[error("{what}: the core says {core}, by its messages it is {ledger}")]
    Count {
        /// Of what.
        what: &'static str,
        /// The core's number.
        core: u64,
        /// The right one.
        ledger: u64,
    },
    /// A device was given more batches than it said it holds.
    #[error("device {device} holds {batches} batches")]
    Credits {
        /// Which device.
        device: u32,
        /// How many.
        batches: u32,
    },
    /// A device was given more than fits into the memory that it stated.
    #[error("batch {batch} doesn't fit into the memory that device {device} stated")]
    Overcommitted {
        /// Which device.
        device: u32,
        /// Which batch.
        batch: u64,
    },
    /// A page was refused that should have been taken, or for a reason that isn't true.
    #[error("a page of run {run} was refused as {reason:?}, which it was not")]
    WronglyRefused {
        /// Which run.
        run: u32,
        /// The reason given.
        reason: Refusal,
    },
    /// A page of an older coordinator was taken.
    #[error("run {run}: term {term} was served after term {newer}")]
    Stale {
        /// Which run.
        run: u32,
        /// The old term.
        term: u64,
        /// The one seen before.
        newer: u64,
    },
    /// An item was given up without cause.
    #[error("item {item} was given up as {reason:?} without cause")]
    Innocent {
        /// Which item.
        item: u32,
        /// The reason given.
        reason: ItemFailure,
    },
    /// More later items than allowed were handed out before one.
    #[error("{overtaken} later items went ahead of item {item}; {bound} may")]
    Overtaken {
        /// Which item.
        item: u32,
        /// How many went ahead.
        overtaken: u32,
        /// How many may.
        bound: u32,
    },
    /// A result was accepted twice.
    #[error("the result of item {item} was accepted twice")]
    TwiceAccepted {
        /// Which item.
        item: u32,
    },
    /// A worker was told that it has drained while it holds work.
    #[error("device {device} was let go as drained and holds {batches} batches")]
    Undrained {
        /// Which device.
        device: u32,
        /// How many.
        batches: u32,
    },
    /// A tenant was given more device time than it may have.
    #[error("tenant {tenant} was given new work while it had overdrawn its limit by {over_ms} ms")]
    OverLimit {
        /// Which tenant.
        tenant: u32,
        /// By how much.
        over_ms: u64,
    },
    /// A tenant is held up that may have device time.
    #[error("tenant {tenant}'s work is held up though it has overdrawn no limit")]
    HeldUp {
        /// Which tenant.
        tenant: u32,
    },
    /// A device was given nothing beside work that it could do.
    #[error("device {device} idles beside {waiting} items of model {model} that it could run")]
    Idle {
        /// Which device.
        device: u32,
        /// Which model.
        model: u32,
        /// Items that wait.
        waiting: u32,
    },
    /// Work doesn't come to an end though nothing goes wrong any more.
    #[error("{unfinished} runs don't come to an end")]
    Stuck {
        /// How many.
        unfinished: u32,
    },
    /// The core wants to be woken at a time that has come already: a shell that obeys would spin.
    #[error("the core wants to be woken at {wake_ms} ms and it is {now_ms} ms")]
    Spins {
        /// When it wants to be woken.
        wake_ms: u64,
        /// What time it is.
        now_ms: u64,
    },
    /// A run ended without one of its items.
    #[error("item {item} never came to an end")]
    Unfinished {
        /// Which item.
        item: u32,
    },
    /// The same events gave other actions.
    #[error("replay: {what}")]
    Replay {
        /// What is different.
        what: String,
    },
}
