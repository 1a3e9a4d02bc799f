//! The encoder: token ids of passages in, vectors of passages and their sentences out.
//!
//! A [`ModelFolder`] is a checked folder in Hugging Face layout. From it come one [`Tokenizer`] a process,
//! used before anything is scheduled so that every item's cost is known, and one [`Encoder`] a worker
//! thread, which runs one padded batch a call. [`TchEncoder`] computes on libtorch, the same code on CPU
//! and CUDA; [`DoubleEncoder`] needs no model and gives the same bytes on every machine.
//!
//! What this crate never does: it starts no threads, keeps no queue and no clock, decides nothing about
//! what runs when, and fetches nothing. A call that fails returns a typed error with a stable code; none
//! panics, and none leaves the encoder in a state in which the next call could lie.
//!
//! Calls block for as long as the device computes: make them on threads of their own, never on an async
//! runtime, whose heartbeats they would starve.
//!
//! | module | what is in it |
//! |---|---|
//! | [`model`] | the model folder: what must be in it, its digest |
//! | [`tokenizer`] | text to ids; ids to an encoder's input |
//! | [`encoder`] | the trait, what goes in and out, the checks that every encoder makes |
//! | [`head`] | where trained heads attach to the shared pass |
//! | [`stack`], [`grams`] | the trained head: a folder, its card, layers and rows of its own; words beside states |
//! | [`plan`] | batches for callers that have all inputs at hand |
//! | [`torch`] | the encoder on libtorch |
//! | [`double`] | the deterministic double for tests |
//! | [`device`] | which devices this machine has and how they compute best |
//! | [`error`] | everything that can go wrong, with codes |
//! | `bert` | the network itself, in inference form |
//! | `layout`, `hidden` | how a batch lies in one matrix; what pools and heads take from it |
//! | `weights` | tensors out of a safetensors file, a little at a time |
//! | `native` | the calls that Rust can't check: loading CUDA by name, asking the driver |

mod bert;
mod hidden;
mod layout;
mod native;
mod weights;

pub mod device;
pub mod double;
pub mod encoder;
pub mod error;
pub mod grams;
pub mod head;
pub mod model;
pub mod plan;
pub mod stack;
pub mod tokenizer;
pub mod torch;

pub use bert::Layer;
pub use device::{Device, DeviceInfo, best_profile, cuda_status, devices, libtorch_version};
pub use double::DoubleEncoder;
pub use encoder::{Answers, Ask, Encoder, MemoryReport, Scores};
pub use error::{EncodeError, GpuError};
pub use head::{Head, HeadId, HeadInfo, HeadKind};
pub use hidden::Hidden;
pub use layout::Layout;
pub use model::ModelFolder;
pub use stack::{Activation, HeadCard, HeadFolder, StackHead, WeightsFile};
pub use tokenizer::Tokenizer;
pub use torch::TchEncoder;
