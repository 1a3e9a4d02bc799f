//! Answers made smaller on their way out, for who says that they can be (RFC 9110, section 12.5.3).
//!
//! Texts and JSON are; pictures, archives and backups are compressed already, a part of a file must stay the part that
//! was asked for, and events must not wait for one another. Files are stored as they are and compressed here: a range
//! of a stored file can be read without unpacking what stands before it, and its digest stays its name.

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body_util::BodyExt;
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};
use warp::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use warp::hyper::body::Body as _;
use warp::reply::{Reply, Response};

/// What is smaller gains nothing.
const MIN_BYTES: u64 = 1_024;
/// zstd's default.
const ZSTD_LEVEL: i32 = 3;
/// Beyond it brotli takes more time than loopback and most lines give back.
const BROTLI_LEVEL: i32 = 4;
const GZIP_LEVEL: i32 = 6;

/// A way to make an answer smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `zstd`
    Zstd,
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

impl Encoding {
    /// The best one that a request takes: by its weights, then as quick and small as can be.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let offers: Vec<(&str, f32)> = offers(headers, header::ACCEPT_ENCODING).collect();
        let weight = |encoding: Self| {
            let named = offers.iter().find(|(name, _)| name.eq_ignore_ascii_case(encoding.name()));
            named.or_else(|| offers.iter().find(|(name, _)| *name == "*")).map_or(0.0, |(_, weight)| *weight)
        };
        let plain = offers.iter().find(|(name, _)| *name == "identity").map_or(0.0, |(_, weight)| *weight);
        let mut best: Option<(Self, f32)> = None;
        for encoding in [Self::Zstd, Self::Brotli, Self::Gzip] {
            let weight = weight(encoding);
            if weight > best.map_or(0.0, |(_, best)| best) {
                best = Some((encoding, weight));
            }
        }
        best.filter(|(_, weight)| *weight >= plain).map(|(encoding, _)| encoding)
    }

    /// What its name adds to an ETag: a strong tag names the bytes on the wire, and these are others.
    fn tagged(self, tag: &str) -> Option<String> {
        let inside = tag.strip_suffix('"').filter(|inside| inside.starts_with('"'))?;
        Some(format!("{inside}-{}\"", self.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// What a header such as `Accept` or `Accept-Encoding` names, with its weight: `br;q=0.5`, one without a weight at 1, one
/// whose weight can't be read at 0.
pub fn offers(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = (&str, f32)> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|text| {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        Some((name, weight))
    })
}

/// A tag without what [`compressed`] added to it.
pub fn plain_tag(tag: &str) -> String {
    for encoding in [Encoding::Zstd, Encoding::Brotli, Encoding::Gzip] {
        if let Some(inside) = tag.strip_suffix(&format!("-{}\"", encoding.name())) {
            return format!("{inside}\"");
        }
    }
    tag.to_owned()
}

/// What a request takes, as far as it matters here.
pub struct Taking {
    encoding: Option<Encoding>,
    known: String,
}

impl Taking {
    /// What a request with these headers takes.
    pub fn of(headers: &HeaderMap) -> Self {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self { encoding: Encoding::of(headers), known: known.to_owned() }
    }
}

/// The answer, made smaller if it can be.
pub fn compressed(taking: &Taking, mut response: Response) -> Response {
    let encoding = taking.encoding;
    if response.status() == StatusCode::NOT_MODIFIED {
        // What is fresh has the tag that it was known by.
        let tag = |encoding: Encoding| encoding.tagged(response.headers().get(header::ETAG)?.to_str().ok()?);
        if let Some(tag) = encoding.and_then(tag).filter(|tag| taking.known.contains(tag.as_str())) {
            set(response.headers_mut(), header::ETAG, &tag);
        }
        return response;
    }
    if !can_be(&response) {
        return response;
    }
    let headers = response.headers_mut();
    if !headers.get_all(header::VARY).iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"accept-encoding")) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    let Some(encoding) = encoding else { return response };
    if bytes(&response).is_some_and(|bytes| bytes < MIN_BYTES) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let plain = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let body = match encoding {
        Encoding::Zstd => streamed(ZstdEncoder::with_quality(plain, Level::Precise(ZSTD_LEVEL))),
        Encoding::Brotli => streamed(BrotliEncoder::with_quality(plain, Level::Precise(BROTLI_LEVEL))),
        Encoding::Gzip => streamed(GzipEncoder::with_quality(plain, Level::Precise(GZIP_LEVEL))),
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::ACCEPT_RANGES);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    let tag = head.headers.get(header::ETAG).and_then(|tag| encoding.tagged(tag.to_str().ok()?));
    if let Some(tag) = tag {
        set(&mut head.headers, header::ETAG, &tag);
    }
    Response::from_parts(head, body.into_body())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn streamed(reader: impl AsyncRead + Send + 'static) -> Response {
    let stream: std::pin::Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>> =
        Box::pin(ReaderStream::with_capacity(reader, 64 << 10));
    warp::reply::stream(sync_wrapper::SyncStream::new(stream)).into_response()
}

/// How large the plain answer is, where that is known.
fn bytes(response: &Response) -> Option<u64> {
    let said = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    said.or_else(|| response.body().size_hint().exact())
}

fn can_be(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/") && kind != "text/event-stream";
    let is_json = kind == "application/json" || kind.ends_with("+json");
    (is_text || is_json || kind == "image/svg+xml")
        && response.status() != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accept: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        Encoding::of(&headers)
    }

    #[test]
    fn an_encoding_is_chosen_by_weight_and_never_against_the_asker() {
        assert_eq!(Encoding::of(&HeaderMap::new()), None);
        assert_eq!(best("gzip, deflate, br, zstd"), Some(Encoding::Zstd));
        assert_eq!(best("gzip, br"), Some(Encoding::Brotli));
        assert_eq!(best("gzip;q=0.9, br;q=0.2"), Some(Encoding::Gzip));
        assert_eq!(best("*"), Some(Encoding::Zstd));
        assert_eq!(best("zstd;q=0, *"), Some(Encoding::Brotli));
        assert_eq!(best("gzip;q=0"), None);
        assert_eq!(best("identity, gzip;q=0.5"), None);
        assert_eq!(best("deflate"), None);
    }

    #[test]
    fn events_parts_and_what_is_compressed_already_are_left_as_they_are() {
        let answer = |status: u16, more: &[(&'static str, &'static str)]| {
            let mut response = vec![b'x'; 5_000].into_response();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in more {
                response.headers_mut().insert(*name, HeaderValue::from_static(value));
            }
            let taking = Taking { encoding: Some(Encoding::Gzip), known: String::new() };
            compressed(&taking, response).headers().get("content-encoding").cloned()
        };
        assert!(answer(200, &[("content-type", "text/html; charset=utf-8")]).is_some());
        assert!(answer(400, &[("content-type", "application/problem+json")]).is_some());
        for (status, more) in [
            (200, vec![("content-type", "text/event-stream")]),
            (200, vec![("content-type", "image/jpeg")]),
            (200, vec![("content-type", "application/zstd")]),
            (206, vec![("content-type", "application/json"), ("content-range", "bytes 0-4/9")]),
        ] {
            assert_eq!(answer(status, &more), None, "{more:?}");
        }
        let br = answer(200, &[("content-type", "text/html"), ("content-encoding", "br")]);
        assert_eq!(br.unwrap(), "br", "as it was");
    }

    #[test]
    fn a_tag_says_of_which_bytes_it_is_and_is_known_without_that_too() {
        for encoding in [Encoding::Zstd, Encoding::Brotli, Encoding::Gzip] {
            let tag = encoding.tagged("\"5-0a\"").unwrap();
            assert_ne!(tag, "\"5-0a\"");
            assert_eq!(plain_tag(&tag), "\"5-0a\"");
        }
        assert_eq!(plain_tag("\"5-0a\""), "\"5-0a\"");
        assert_eq!(Encoding::Zstd.tagged("W/\"5\""), None);
    }
}
