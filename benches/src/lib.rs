//! Benchmarks of Visiobook, also against peers. The crate itself is empty: each benchmark stands by
//! itself in `benches/`, and `cargo xtask bench NAME` runs it.
//!
//! | benchmark | measures |
//! |---|---|
//! | `encoder` | tokens a second of the encoder, against sentence-transformers on the same texts |
//! | `scheduler` | the scheduler's decisions, waste and cost through its actor, against their bars |
//!
//! Peers are other programs that do the same; how each is run stands in `peers/`. They are installed
//! into an environment under the target folder, which goes with it.
