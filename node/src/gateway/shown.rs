//! How a project is shown, with its ETag; kept as long as the rows that it is made of are the same.
//!
//! Nobody is let in by what is kept here: it is looked for with rows that were found in the name of whoever asks.

use std::sync::Arc;

use actors::hand::Rows;
use bytes::Bytes;
use domain::id::{Digest, ProjectId};
use domain::sharing::{ProjectAs, ProjectRole};
use moka::sync::Cache;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::download::is_fresh;
use super::problem::ApiError;

/// What all that is kept may take, as far as is counted, bytes.
const KEPT_MAX_BYTES: u64 = 16 << 20;
/// What an answer costs beside its own bytes: the rows that it was made of stay with it.
const OVERHEAD_BYTES: usize = 4 << 10;

/// A project as it goes out.
#[derive(Clone)]
pub struct Shown {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Shown {
    /// A project with its ETag.
    ///
    /// The tag names these very bytes. Its first part is the version of what people set: `If-Match` looks at that part
    /// alone, so that a run that goes on does not come between somebody and their change.
    ///
    /// # Errors
    /// `internal`.
    pub fn of(project: &ProjectAs) -> Result<Self, ApiError> {
        let failed = |e: &dyn std::fmt::Display| ApiError::new("internal", format!("a project can't be shown: {e}"));
        let bytes = serde_json::to_vec(project).map_err(|e| failed(&e))?;
        let digest = Digest::of(&bytes).to_string();
        let etag = format!("\"{}-{}\"", project.project.version, &digest[..16]);
        let etag = HeaderValue::from_str(&etag).map_err(|e| failed(&e))?;
        Ok(Self { bytes: bytes.into(), etag })
    }

    /// The answer with it, or word that the asker has it already.
    pub fn answer(&self, headers: &HeaderMap, status: StatusCode) -> Response {
        let mut response = match self.etag.to_str().is_ok_and(|etag| is_fresh(headers, etag)) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => {
                let mut response = Response::new(self.bytes.clone().into());
                *response.status_mut() = status;
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
        };
        response.headers_mut().insert(header::ETAG, self.etag.clone());
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }
}

/// A project, what whoever asked may do with it, and whether they visit it.
type As = (ProjectId, ProjectRole, bool);

/// What was shown lately.
pub struct Lately(Cache<As, Arc<(Rows, Shown)>>);

impl Default for Lately {
    fn default() -> Self {
        let weigh = |_: &As, kept: &Arc<(Rows, Shown)>| {
            u32::try_from(kept.1.bytes.len().saturating_mul(4) + OVERHEAD_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT_MAX_BYTES).weigher(weigh).build())
    }
}

impl Lately {
    /// A project by its rows, as whoever asks has it.
    ///
    /// # Errors
    /// As of [`Shown::of`].
    pub fn shown(&self, project: ProjectId, role: ProjectRole, visits: bool, rows: Rows) -> Result<Shown, ApiError> {
        let key = (project, role, visits);
        if let Some(kept) = self.0.get(&key).filter(|kept| kept.0.are(&rows)) {
            return Ok(kept.1.clone());
        }
        let shown = Shown::of(&ProjectAs { project: rows.project(), role, visits })?;
        self.0.insert(key, Arc::new((rows, shown.clone())));
        Ok(shown)
    }
}
