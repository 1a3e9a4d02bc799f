//! What the gateway and the app exchange under `/api/v1`.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::book::{Format, Warning};
use crate::id::{Digest, ProjectId, RunId};
use crate::language::Language;
use crate::run::{Progress, RunState};

/// A project, as its members see it.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProjectView {
    /// Its id.
    pub id: ProjectId,
    /// Title of the book; the file's name until it is read.
    pub title: String,
    /// Authors of the book; empty until it is read.
    pub authors: Vec<String>,
    /// Language of the book, once read.
    pub language: Option<Language>,
    /// When it was created, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// It is one of the demonstration books.
    pub demo: bool,
    /// The uploaded file.
    pub book: BookFile,
    /// Its newest run.
    pub run: Option<RunView>,
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BookFile {
    /// Its name, without folders.
    pub name: String,
    /// SHA-256.
    pub digest: Digest,
    /// Size.
    pub bytes: u64,
    /// Format, once read.
    pub format: Option<Format>,
}

/// A run, as the members of its project see it.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// How far it is.
    pub progress: Progress,
    /// What was odd about the book.
    pub warnings: Vec<Warning>,
    /// Where to follow from: the view takes in every project event up to this one. It may know more, if an
    /// event is still on its way.
    pub seq: u64,
}

/// Answer to a list request.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProjectList {
    /// Newest first.
    pub projects: Vec<ProjectView>,
}

/// What this node is and what it trusts, for the page's first paint.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeInfo {
    /// Version of the product.
    pub version: String,
    /// Whoever sits at this machine is trusted; nobody else reaches it.
    pub local_trust: bool,
    /// The node has its first account: others can sign up.
    pub claimed: bool,
    /// What the identity provider is called that vouches for people; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// Largest upload, bytes.
    pub upload_limit_bytes: u64,
    /// How long the deletion of a project can be undone, seconds; 0 where it can't.
    pub undo_delete_s: u64,
    /// Endings of file names that the page offers, such as `.epub`.
    pub formats: Vec<String>,
}

/// An address of a file that whoever has it may follow for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileLink {
    /// Path of the address on this node.
    pub path: String,
    /// Until when, milliseconds since 1970 UTC.
    pub expires_ms: u64,
}

/// An error, as RFC 9457 lays it out (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// `urn:visiobook:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short, the same for every error of this code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code for programs.
    pub code: String,
    /// What is wrong in this case, and what to do.
    pub detail: String,
    /// `urn:visiobook:request:` and the request's id, as `X-Request-Id` and the log have it.
    #[serde(default)]
    pub instance: String,
}
