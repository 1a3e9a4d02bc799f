//! The edge, from outside: TLS, who is believed, and whoever is slow.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod client;
mod keyed;
mod listeners;
mod rates;
mod slow;
mod streams;
mod tls;
