//! The messages' own types. Their fields are frozen; see [`crate::message`].

pub mod accounts;
pub mod analysis;
pub mod credentials;
pub mod exports;
pub mod files;
pub mod follow;
pub mod identities;
pub mod keeping;
pub mod keyed;
pub mod leaving;
pub mod projects;
pub mod runs;
pub mod sharing;
pub mod uploads;
pub mod webhooks;
pub mod work;
pub mod workers;

use bincode::{Decode, Encode};
use domain::id::{Digest, ProjectId, TenantId};

use crate::envelope::EnvelopeError;

/// Results larger than this go by the bulk plane, so that a large frame never holds up a heartbeat.
pub const MAX_INLINE_BYTES: usize = 256 << 10;

/// Longest text of a [`Fault`].
const MAX_DETAIL_BYTES: usize = 2_000;

/// What went wrong with a request. The gateway alone knows which HTTP status a code becomes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Fault {
    /// Stable, such as `project-not-found`.
    pub code: String,
    /// One sentence: what is wrong, and what to do.
    pub detail: String,
    /// Trying again makes sense after this long.
    pub retry_after_ms: Option<u32>,
}

impl Fault {
    /// A fault that trying again does not mend.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if detail.len() > MAX_DETAIL_BYTES {
            let mut end = MAX_DETAIL_BYTES;
            while !detail.is_char_boundary(end) {
                end -= 1;
            }
            detail.truncate(end);
        }
        Self { code: code.to_owned(), detail, retry_after_ms: None }
    }

    /// The same, worth another try after `retry_after_ms`.
    pub fn retry_after(self, retry_after_ms: u32) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..self }
    }

    pub(crate) fn malformed(error: &EnvelopeError) -> Self {
        Self::new("malformed-envelope", error.to_string())
    }

    /// The answer to a kind that this version does not know.
    pub fn unsupported(kind: u16) -> Self {
        Self::new("unsupported", format!("this node does not know messages of kind {kind}; upgrade it"))
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}

impl std::error::Error for Fault {}

/// All is well, and there is nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Done {}

/// Whose bytes: blobs of one project never mix with another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Scope {
    /// The account that pays.
    pub tenant: TenantId,
    /// The project.
    pub project: ProjectId,
}

/// Bytes in a message, or where to fetch them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Payload {
    /// At most [`MAX_INLINE_BYTES`].
    Inline(Vec<u8>),
    /// On the bulk plane, under this digest.
    Bulk(Digest),
}
