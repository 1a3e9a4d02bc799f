//! What the core promises, in one program: so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "../support/mod.rs"]
mod support;

mod behaviour;
mod bounds;
mod devices;
mod door;
mod newcomers;
mod takeover;
