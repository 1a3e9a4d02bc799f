//! The `visiobook` node: configuration, wiring, the warp gateway, commands.
//!
//! This crate alone names concrete adapters and devices. The gateway inside it is a role like any other:
//! it speaks to the core in envelopes and touches no store.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | defaults, `cluster.toml`, environment, a file a section |
//! | [`wiring`] | the actors of a node, started and stopped in order |
//! | [`gateway`] | HTTP |
//! | [`outbound`] | what goes out to other people's servers, and where it may go |
//! | [`commands`] | `analyze`, `read`, `annotate`, `serve`, `doctor`, a file each |

pub mod commands;
pub mod config;
pub mod gateway;
pub mod outbound;
pub mod wiring;
