//! The access log: a line for each request once its answer is sent, with nothing in it that opens anything.

use std::borrow::Cow;
use std::net::IpAddr;

use tokio::time::Instant;
use warp::http::{HeaderMap, Method, Version};

/// Longest part of a path that is shown: ids have 36 characters, what is longer may be a key to something.
const PART_MAX: usize = 36;
/// Longest path that is shown.
const PATH_MAX: usize = 240;
/// Paths whose next part opens something for whoever knows it, however short it is.
const SECRET_BEHIND: [&str; 1] = ["/api/v1/files/"];

/// A path as it may be read by others. Queries are never shown.
pub fn shown(path: &str) -> Cow<'_, str> {
    let opens = SECRET_BEHIND.iter().any(|before| path.starts_with(before));
    let is_plain = path.len() <= PATH_MAX && path.split('/').all(|part| part.len() <= PART_MAX);
    if is_plain && !opens {
        return Cow::Borrowed(path);
    }
    let secret = SECRET_BEHIND.iter().find(|before| path.starts_with(**before));
    let (open, rest) = secret.map_or(("", path), |before| path.split_at(before.len()));
    let parts = rest.split('/').enumerate().map(|(index, part)| {
        let is_secret = !open.is_empty() && index == 0;
        if is_secret || part.len() > PART_MAX { "…" } else { part }
    });
    let mut all = open.to_owned() + &parts.collect::<Vec<_>>().join("/");
    if all.len() > PATH_MAX {
        all.truncate(all.floor_char_boundary(PATH_MAX));
        all.push('…');
    }
    Cow::Owned(all)
}

/// What is said of a request.
#[derive(Debug)]
pub struct Line {
    began: Instant,
    address: IpAddr,
    method: Method,
    path: String,
    version: Version,
    request: String,
    status: u16,
    bytes: u64,
    whole: bool,
}

impl Line {
    /// The line of a request that begins now.
    pub fn new(address: IpAddr, method: &Method, path: &str, version: Version) -> Box<Self> {
        Box::new(Self {
            began: Instant::now(),
            address,
            method: method.clone(),
            path: shown(path).into_owned(),
            version,
            request: String::new(),
            status: 0,
            bytes: 0,
            whole: false,
        })
    }

    /// The header of its answer, which may be all of it.
    pub fn answered(&mut self, status: u16, headers: &HeaderMap, whole: bool) {
        let id = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        (self.status, self.request, self.whole) = (status, id.unwrap_or_default().to_owned(), whole);
    }

    /// A part of its answer was handed out.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// All of it was, or will be by what was handed out.
    pub fn ended(&mut self) {
        self.whole = true;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { began, address, method, path, version, request, status, bytes, whole } = self;
        let ms = began.elapsed().as_millis() as u64;
        tracing::info!(target: "node::access", %address, %method, path, ?version, status, bytes, ms, whole, request, "served");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_something_is_not_shown() {
        let plain = "/api/v1/projects/01890a5d-ac96-774b-bcce-b302099a8057/runs";
        assert_eq!(shown(plain), plain);
        assert_eq!(shown("/api/v1/files/short"), "/api/v1/files/…");
        assert_eq!(shown("/api/v1/files/short/more"), "/api/v1/files/…/more");
        let token = "k".repeat(80);
        assert_eq!(shown(&format!("/api/v1/files/{token}")), "/api/v1/files/…");
        assert_eq!(shown(&format!("/reset/{token}/now")), "/reset/…/now");
        let long = "/é".repeat(1_000);
        let cut = shown(&long);
        assert!(cut.ends_with('…') && cut.len() <= PATH_MAX + 3, "{}", cut.len());
    }
}
