//! How the parts of Visiobook speak to one another: the versioned envelope over actor links (the control
//! plane) and the bulk plane beside it.
//!
//! Gateway, core, scheduler and worker never share a store or a pointer. All that passes between them is
//! an [`envelope::Envelope`] on a [`link::Address`], or a stream of bytes on a [`bulk::BulkPlane`]. On one
//! node both are calls in memory; between nodes the same values become bytes. This crate knows no store,
//! no model and no HTTP.
//!
//! | module | holds |
//! |---|---|
//! | [`envelope`] | what surrounds each message, and its bytes |
//! | [`message`] | the append-only table of message kinds |
//! | [`body`] | the messages' own types, a file a conversation |
//! | [`link`] | the frozen actor message, addresses, calls with deadlines |
//! | [`bulk`] | streams of bytes, by digest |

pub mod body;
pub mod bulk;
pub mod envelope;
pub mod link;
pub mod message;
