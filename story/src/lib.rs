//! From a book and its sentence vectors to a storyboard: scenes, summaries, names and panels.
//!
//! Everything that this crate says of a book is quoted from the book: each summary, name and panel carries
//! [`domain::storyboard::Evidence`], whole sentences with their place in the canonical text and in the
//! source file. [`check()`] proves that of any storyboard.
//!
//! What this crate never does: I/O, clocks, randomness, models. [`compose()`] is a pure function; the same
//! inputs give the same bytes on every machine, since it adds and multiplies floats in a fixed order, uses no
//! function whose last bit a platform may choose, and quantises every score before anything is decided from
//! it, ties going by position. It never panics on an odd book and writes no sentence of its own.
//!
//! | module | holds |
//! |---|---|
//! | [`vectors`] | one unit vector a sentence, gathered from the encoder's results |
//! | [`settings`] | what can be tuned |
//! | `notes` | what is known of each sentence by its letters alone: words, speech, completeness |
//! | `openings` | how a sentence's first words tie it to what came before; speech tags |
//! | `scenes` | where scenes start: chapters, marked breaks, valleys of cohesion |
//! | `names` | who and what is named, by a stated rule |
//! | `summary` | the sentences that stand for a scene |
//! | `panels` | the sentences that tell a scene, and how long each panel stands |
//! | `compose` | puts the above together |
//! | `check` | the evidence contract |
//! | [`editing`] | what editors make of a storyboard, and the contract that it still keeps |
//! | `html` | `storyboard.html` |
//! | [`booknlp`] | tokens and quotations of a text, in BookNLP's formats |
//! | `error` | why a storyboard can't be made |

pub mod booknlp;
mod check;
mod compose;
pub mod editing;
mod error;
mod html;
mod names;
mod notes;
mod openings;
mod panels;
mod scenes;
pub mod settings;
mod summary;
pub mod vectors;

pub use check::{Violation, check};
pub use compose::compose;
pub use error::StoryError;
pub use html::{content_security_policy, edited_to_html, to_html};
pub use settings::Settings;
pub use vectors::SentenceVectors;
