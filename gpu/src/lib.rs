//! The encoder: token ids of passages in, vectors of passages and their sentences out.
//!
//! A [`ModelFolder`] is a checked folder in Hugging Face layout. From it come one [`Tokenizer`] a process,
//! used before anything is scheduled so that every item's cost is known, and one [`Encoder`] a worker
//! thread, which runs one padded batch a call. [`TchEncoder`] computes on libtorch, the same code on CPU
//! and CUDA; [`DoubleEncoder`] needs no model and gives the same bytes on every machine.
//!
//! What this crate never does: it decides nothing about what runs when where a scheduler does, starts no
//! threads but those of a [`stream`], and fetches nothing. A call that fails returns a typed error with a stable code; none
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
//! | [`lanes`], [`cells`] | the encoders that compute side by side, and what each takes at once |
//! | [`stream`] | any number of texts through all lanes, in order, for commands and measurements |
//! | [`warm`] | the first batches on a device, which tell of its memory and speed |
//! | [`stack`], [`grams`] | the trained head: a folder, its card, layers and rows of its own; words beside states |
//! | [`plan`] | batches for callers that have all inputs at hand |
//! | [`torch`] | the encoder on libtorch |
//! | [`double`] | the deterministic double for tests |
//! | [`ceiling`] | how fast a device multiplies matrices, and how near an encoder comes |
//! | [`device`] | which devices this machine has and how they compute best |
//! | [`error`] | everything that can go wrong, with codes |
//! | `bert`, `attention` | the network itself, in inference form; its attention, by our own kernel on AVX-512 |
//! | `layout`, `hidden` | how a batch lies in one matrix; what pools and heads take from it |
//! | [`ballast`] | a program's allocator, which keeps memory back for what small things it has to say |
//! | `memory` | what the host has free, limits on this process counted |
//! | `weights` | tensors out of a safetensors file, a little at a time |
//! | `native` | the calls that Rust can't check: loading CUDA by name, asking the driver |

mod attention;
mod bert;
mod hidden;
mod layout;
mod memory;
mod native;
mod weights;

pub mod ballast;
pub mod ceiling;
pub mod cells;
pub mod device;
pub mod double;
pub mod encoder;
pub mod error;
pub mod grams;
pub mod head;
pub mod lanes;
pub mod model;
pub mod plan;
pub mod stack;
pub mod stream;
pub mod tokenizer;
pub mod torch;
pub mod warm;

pub use ballast::Ballast;
pub use bert::Layer;
pub use cells::Cells;
pub use device::{Device, DeviceInfo, best_profile, cuda_status, devices, libtorch_version};
pub use double::DoubleEncoder;
pub use encoder::{Answers, Ask, Encoder, MemoryReport, Scores};
pub use error::{EncodeError, GpuError};
pub use head::{Head, HeadId, HeadInfo, HeadKind};
pub use hidden::Hidden;
pub use lanes::{Lane, LanePlan};
pub use layout::Layout;
pub use model::ModelFolder;
pub use stack::{Activation, HeadCard, HeadFolder, StackHead, WeightsFile};
pub use tokenizer::Tokenizer;
pub use torch::TchEncoder;
pub use warm::{WarmUp, warm_up};
