//! The web app's files, read once, served with what the bundler compressed beforehand.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use domain::id::Digest;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::compress::offers;
use super::download::is_fresh;

/// Largest single file of the app.
const MAX_ASSET_BYTES: u64 = 32 << 20;
/// Files of the app, compressed ones included.
const MAX_ASSETS: usize = 1_000;

struct Asset {
    body: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    media_type: &'static str,
    etag: String,
    immutable: bool,
}

/// The app's files by name.
#[derive(Clone, Default)]
pub struct Assets(Arc<HashMap<String, Asset>>);

impl Assets {
    /// Reads a flat folder: `name`, with `name.br` and `name.gz` beside it. Names that hold a hash of their
    /// content (`stem-0123456789abcdef.ext`) may be cached for ever.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn load(folder: &Path) -> std::io::Result<Self> {
        let mut assets = HashMap::new();
        for entry in std::fs::read_dir(folder)?.take(MAX_ASSETS) {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let meta = entry.metadata()?;
            if !meta.is_file()
                || meta.len() > MAX_ASSET_BYTES
                || name.starts_with('.')
                || name.ends_with(".br")
                || name.ends_with(".gz")
            {
                continue;
            }
            let body: Bytes = std::fs::read(entry.path())?.into();
            let beside = |ending: &str| std::fs::read(folder.join(format!("{name}.{ending}"))).ok().map(Bytes::from);
            let asset = Asset {
                etag: Digest::of(&body).to_string()[..16].to_owned(),
                brotli: beside("br"),
                gzip: beside("gz"),
                media_type: media_type(&name),
                immutable: is_hashed(&name),
                body,
            };
            assets.insert(name, asset);
        }
        Ok(Self(Arc::new(assets)))
    }

    /// No app was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer to a GET for `path`: a file, or the app's page for any path that it routes itself.
    pub fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let name = path.trim_start_matches('/');
        if let Some(asset) = self.0.get(name) {
            return Some(asset.response(headers));
        }
        let looks_like_a_file = name.rsplit('/').next().is_some_and(|last| last.contains('.'));
        if looks_like_a_file || name.starts_with("api/") {
            return None;
        }
        self.0.get("index.html").map(|page| page.response(headers))
    }
}

impl Asset {
    fn response(&self, headers: &HeaderMap) -> Response {
        let (body, encoding) = match self {
            Self { brotli: Some(body), .. } if accepts(headers, "br") => (body, Some("br")),
            Self { gzip: Some(body), .. } if accepts(headers, "gzip") => (body, Some("gzip")),
            _ => (&self.body, None),
        };
        // A strong ETag names the bytes on the wire, so it differs by encoding.
        let etag = format!("\"{}{}\"", self.etag, encoding.map(|e| format!("-{e}")).unwrap_or_default());
        let fresh = is_fresh(headers, &format!("\"{}\"", self.etag));
        let mut response = Response::new(if fresh { Bytes::new() } else { body.clone() }.into());
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        let caching = if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            out.insert(header::ETAG, etag);
        }
        if let Some(encoding) = encoding {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }
}

/// Whether `Accept-Encoding` names `encoding` with a weight above zero.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    offers(headers, header::ACCEPT_ENCODING).any(|(name, weight)| name.eq_ignore_ascii_case(encoding) && weight > 0.0)
}

fn is_hashed(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem.rsplit_once('-').is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().unwrap());
        map
    }

    #[test]
    fn the_app_answers_its_own_routes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
        std::fs::write(folder.path().join("app-0123456789abcdef.js"), "x").unwrap();
        std::fs::write(folder.path().join("app-0123456789abcdef.js.br"), "y").unwrap();
        let assets = Assets::load(folder.path()).unwrap();
        let none = HeaderMap::new();
        assert_eq!(assets.answer("/p/1", &none).unwrap().headers()["cache-control"], "no-cache");
        assert!(assets.answer("/missing.js", &none).is_none());
        assert!(assets.answer("/api/v1/nothing", &none).is_none());
        let script = assets.answer("/app-0123456789abcdef.js", &headers("accept-encoding", "gzip, br;q=0.9")).unwrap();
        assert_eq!(script.headers()["content-encoding"], "br");
        assert!(script.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        let etag = script.headers()["etag"].to_str().unwrap().to_owned();
        let mut again = headers("accept-encoding", "br");
        again.insert("if-none-match", etag.parse().unwrap());
        assert_eq!(assets.answer("/app-0123456789abcdef.js", &again).unwrap().status(), 304);
        for known in ["*", "\"other\", *"] {
            again.insert("if-none-match", known.parse().unwrap());
            assert_eq!(assets.answer("/app-0123456789abcdef.js", &again).unwrap().status(), 304, "{known}");
        }
    }

    #[test]
    fn an_encoding_of_weight_zero_is_refused() {
        assert!(!accepts(&headers("accept-encoding", "br;q=0"), "br"));
        assert!(accepts(&headers("accept-encoding", "br;q=0.5"), "br"));
    }
}
