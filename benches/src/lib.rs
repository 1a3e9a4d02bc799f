//! Benchmarks of Visiobook, also against peers: each stands by itself in `benches/`, and `cargo xtask bench NAME` runs
//! it. Here is what several of them share.
//!
//! | benchmark | measures |
//! |---|---|
//! | `encoder` | tokens a second of the encoder, against sentence-transformers on the same texts |
//! | `gateway` | uploads, making projects, streams of events, reads and sign-ins through sockets, against bare warp |
//! | `reading` | MB/s of each book format, and the cutting of passages from the longest book |
//! | `scheduler` | the scheduler's decisions, waste and cost through its actor, against their bars |
//! | `scheduler_paths` | each path through the scheduler's core by itself, with Criterion |
//! | `peers` | processor time of a job through Ray, dramatiq and Celery, and through our scheduler's actor |
//!
//! | module | holds |
//! |---|---|
//! | [`actor_load`] | work through the scheduler's real actor, its processor time counted |
//! | [`processes`] | processor time of other processes |
//! | [`python`] | peers that run on Python: their environment, and talk with one |
//!
//! Peers are other programs that do the same; how each is run stands in `peers/`. They are installed
//! into an environment under the target folder, which goes with it.

pub mod actor_load;
pub mod processes;
pub mod python;
