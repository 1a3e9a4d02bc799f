//! Trains the heads that lie in `models/`, and measures them.
//!
//! A head stands on the frozen body of the encoder, at a tap below its end, and goes on with layers of its own. So
//! the body's states are computed once, kept in a mapped file, and an epoch costs the head's layers alone. All chance
//! comes from a seed, a kill costs the minutes since the last checkpoint, and what a stage made is kept under a name
//! that holds recipe and seed, so that nothing is trained twice.
//!
//! What this crate never does: serve. The product reads what is made here from `models/` and knows nothing of it; the
//! data stay where they are, outside of the repository.
//!
//! | module | what is in it |
//! |---|---|
//! | [`make`] | the emotion head from end to end |
//! | [`emotion`], [`recipe`] | what it learns from what, in which order |
//! | [`export`] | from a trained net to a head's folder |
//! | [`data`], [`counterparts`] | its data; which English lines the French ones come from |
//! | [`features`] | hidden states at the tap, kept in a file |
//! | [`net`], [`optimizer`], [`fit`] | the trained layers, the steps, the loop with its checkpoints |
//! | [`rows`], [`words`] | rows of labels on states that stay as they are; words beside them |
//! | [`calibrate`], [`metrics`], [`measure`] | one half as the point of decision; F1; the figures |
//! | [`rng`], [`progress`] | chance from a seed; how far it is |

pub mod calibrate;
pub mod counterparts;
pub mod data;
pub mod emotion;
pub mod export;
pub mod features;
pub mod fit;
pub mod make;
pub mod measure;
pub mod metrics;
pub mod net;
pub mod optimizer;
pub mod progress;
pub mod recipe;
pub mod rng;
pub mod rows;
pub mod words;
