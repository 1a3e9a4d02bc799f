//! Files on their way out: validators, ranges, and how long they may be kept (RFC 9110, RFC 9111).
//!
//! A file is named by its digest, which is its strong ETag. What a run's file name means changes with the next
//! run, so it is asked again each time; what a signed address means never changes.

use std::ops::Range;

use cluster::body::Scope;
use cluster::body::projects::ArtefactReply;
use futures_util::TryStreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use warp::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::Gateway;
use super::compress::plain_tag;
use super::problem::ApiError;

/// How a file is to be sent.
pub struct Sending<'a> {
    /// Where it lies.
    pub scope: Scope,
    /// What it is.
    pub file: &'a ArtefactReply,
    /// Saved under this name, never shown in our origin.
    pub attachment: Option<&'a str>,
    /// `Cache-Control`.
    pub caching: String,
}

/// Sends a file, the range of it that was asked for, or word that what is known is fresh.
///
/// # Errors
/// `range-not-satisfiable`, and what the bulk plane says.
pub async fn send(gateway: &Gateway, headers: &HeaderMap, sending: Sending<'_>) -> Result<Response, ApiError> {
    let file = sending.file;
    let etag = format!("\"{}\"", file.digest);
    if is_fresh(headers, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        validators(response.headers_mut(), &etag, &sending.caching);
        return Ok(response);
    }
    let range = match asked(headers, &etag, file.bytes) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Nothing => {
            let detail = format!("the file has {} bytes, and none of them are in this range", file.bytes);
            let error = ApiError::new("range-not-satisfiable", detail);
            return Err(error.with_header(header::CONTENT_RANGE, format!("bytes */{}", file.bytes)));
        }
    };
    let fetched = gateway.bulk.get(sending.scope, file.digest, range.clone()).await?;
    let body = sync_wrapper::SyncStream::new(fetched.body.map_err(|fault| std::io::Error::other(fault.to_string())));
    let mut response = warp::reply::stream(body).into_response();
    let out = response.headers_mut();
    validators(out, &etag, &sending.caching);
    set(out, header::CONTENT_TYPE, &file.media_type);
    set(out, header::ACCEPT_RANGES, "bytes");
    let length = range.as_ref().map_or(file.bytes, |range| range.end - range.start);
    set(out, header::CONTENT_LENGTH, &length.to_string());
    if let Some(name) = sending.attachment {
        // A storyboard.html holds a stranger's text: it is saved, never run in our origin.
        set(out, header::CONTENT_DISPOSITION, &attachment(name));
    }
    if let Some(range) = range {
        set(out, header::CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, file.bytes));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// `Content-Disposition` for whatever name a file was given (RFC 6266): the name itself in UTF-8, and what is left of
/// it in ASCII for those who don't know that form.
fn attachment(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let fallback: String = name.chars().map(plain).collect();
    if fallback == name {
        return format!("attachment; filename=\"{name}\"");
    }
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn validators(headers: &mut HeaderMap, etag: &str, caching: &str) {
    set(headers, header::ETAG, etag);
    set(headers, header::CACHE_CONTROL, caching);
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

pub(super) fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || plain_tag(tag.trim_start_matches("W/")) == etag)
}

/// What of a file was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    /// A range that the file does not have.
    Nothing,
}

/// One range of bytes is heeded. Several, other units, and what is no range are answered with the whole, as RFC
/// 9110 allows; so is a range of what the client no longer has (`If-Range`).
fn asked(headers: &HeaderMap, etag: &str, total: u64) -> Asked {
    let said = |name: HeaderName| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if said(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Asked::Whole;
    }
    let range = said(header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.filter(|range| !range.contains(',')).and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    let (Some(first), Some(last)) = (number(first), number(last)) else { return Asked::Whole };
    let range = match (first, last) {
        (None, None) => return Asked::Whole,
        (None, Some(suffix)) => total.saturating_sub(suffix)..total,
        (Some(first), None) => first..total,
        (Some(first), Some(last)) if last < first => return Asked::Whole,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(total),
    };
    if range.start >= range.end { Asked::Nothing } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn ranges_are_those_of_the_http_standard() {
        let range = |said: &str| asked(&headers(&[("range", said)]), "\"a\"", 10);
        for (said, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=7-", 7..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=4-99999999999999999999999", 4..10),
        ] {
            assert_eq!(range(said), Asked::Part(part), "{said}");
        }
        for nothing in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            assert_eq!(range(nothing), Asked::Nothing, "{nothing}");
        }
        for whole in ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=+1-2", "lines=1-2", "bytes=0-1,4-5", "bytes"] {
            assert_eq!(range(whole), Asked::Whole, "{whole}");
        }
        assert_eq!(asked(&headers(&[("range", "bytes=0-")]), "\"a\"", 0), Asked::Nothing, "of an empty file");
    }

    #[test]
    fn a_range_of_what_changed_meanwhile_is_the_whole() {
        let range = |known: &str| asked(&headers(&[("range", "bytes=0-1"), ("if-range", known)]), "\"a\"", 10);
        assert_eq!(range("\"a\""), Asked::Part(0..2));
        assert_eq!(range("\"b\""), Asked::Whole);
        assert_eq!(range("W/\"a\""), Asked::Whole, "a weak tag proves no range");
    }

    #[test]
    fn a_file_is_saved_under_any_name_it_was_given() {
        assert_eq!(attachment("storyboard.html"), "attachment; filename=\"storyboard.html\"");
        let hostile = attachment("L'été\"; x=\r\n.epub");
        assert_eq!(
            hostile,
            "attachment; filename=\"L'_t__; x=__.epub\"; filename*=UTF-8''L%27%C3%A9t%C3%A9%22%3B%20x%3D%0D%0A%2Eepub"
        );
        assert!(HeaderValue::from_str(&hostile).is_ok());
    }

    #[test]
    fn what_is_known_is_fresh_however_it_is_said() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(is_fresh(&headers(&[("if-none-match", known)]), "\"a\""), "{known}");
        }
        assert!(is_fresh(&headers(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")]), "\"a\""));
        assert!(!is_fresh(&headers(&[("if-none-match", "\"ab\"")]), "\"a\""));
    }
}
