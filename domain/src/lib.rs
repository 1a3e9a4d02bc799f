//! The words everyone shares: ids, book, passage, storyboard, run, API types, interface texts.
//!
//! This crate does no I/O, has no clock and no randomness, and builds for wasm: the web app and the
//! servers speak through the same types. Whoever needs a new id makes the number and hands it in.
//!
//! | module | holds |
//! |---|---|
//! | [`id`] | newtypes for everything that is named, and content digests |
//! | [`language`] | the languages that Visiobook reads and speaks |
//! | [`book`] | a book that was read: chapters, paragraphs, sentences and where each stood in the file |
//! | [`passage`] | windows of sentences, their tokens, and what the encoder says of them |
//! | [`manifest`] | what a run has to do, fixed at reading; segments of what is done |
//! | [`principal`], [`account`] | who asks; accounts, sessions, roles |
//! | [`api_key`], [`second_factor`] | keys for programs; codes beside the password |
//! | [`audit`] | what is written down of the node as a whole |
//! | [`belongings`] | what is kept for an account beside its work |
//! | [`identity`] | those that an identity provider vouches for |
//! | [`storyboard`] | scenes, panels, characters and the evidence for each |
//! | [`edit`] | what an editor may do to a storyboard |
//! | [`project`] | a project as it is worked on: words, revisions, runs, who did what |
//! | [`health`] | how a node's stores stand, and what looking after them did |
//! | [`run`] | the life of one analysis, as data; its events |
//! | [`sharing`] | projects of several people: members, invitations, share links |
//! | [`scheduling`] | what whoever runs a node sees of its scheduling |
//! | [`analysis`] | what can be asked of a text by itself, and what is answered |
//! | [`api`] | what the gateway and the app exchange |
//! | [`upload`] | uploads that can be gone on with |
//! | [`webhook`], [`follow`] | who is told of events: addresses, and followers of many projects |
//! | [`text`] | every interface text, in both languages |

pub mod account;
pub mod analysis;
pub mod api;
pub mod api_key;
pub mod audit;
pub mod belongings;
pub mod book;
pub mod edit;
pub mod follow;
pub mod health;
pub mod id;
pub mod identity;
pub mod language;
pub mod manifest;
pub mod passage;
pub mod principal;
pub mod project;
pub mod run;
pub mod scheduling;
pub mod second_factor;
pub mod sharing;
pub mod storyboard;
pub mod text;
pub mod upload;
pub mod webhook;
