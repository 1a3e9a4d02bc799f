//! What the tus protocol 1.0.0 (<https://tus.io/protocols/resumable-upload>) says in headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::Digest;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use warp::reply::Response;

use super::problem::ApiError;

/// The version that is spoken.
pub const VERSION: &str = "1.0.0";
/// What is offered besides the core.
pub const EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// How parts may be checked.
pub const CHECKSUMS: &str = "sha256";
/// What a part is sent as.
pub const PART: &str = "application/offset+octet-stream";
/// Where uploads are.
pub const PATH: &str = "/api/v1/uploads";

/// Headers of the protocol.
pub const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// Where an upload stands, or a part begins.
pub const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Size of the whole file.
pub const LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// What the client says of the file.
pub const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// When the upload is cleared away.
pub const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// Longest metadata that is kept.
const MAX_METADATA_BYTES: usize = 4_096;
/// Keys in it.
const MAX_METADATA_KEYS: usize = 64;

/// The method that is meant: some clients can send no other than POST and say it in a header.
pub fn method(method: Method, path: &str, headers: &HeaderMap) -> Method {
    let meant = headers.get("x-http-method-override").map(HeaderValue::as_bytes);
    match meant.map(Method::from_bytes) {
        Some(Ok(meant)) if method == Method::POST && path.starts_with(PATH) => meant,
        _ => method,
    }
}

/// Says the version on every answer of the uploads' addresses.
pub fn say_version(path: &str, response: &mut Response) {
    if path.starts_with(PATH) {
        response.headers_mut().insert(RESUMABLE, HeaderValue::from_static(VERSION));
    }
}

/// Refuses a client of another version, or one that does not say which it speaks.
///
/// # Errors
/// `tus-version`.
pub fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    match text(headers, &RESUMABLE) {
        Some(VERSION) => Ok(()),
        _ => Err(ApiError::new(
            "tus-version",
            format!("say `Tus-Resumable: {VERSION}`, the version that is spoken here"),
        )
        .with_header(HeaderName::from_static("tus-version"), VERSION)),
    }
}

/// A header that is a number.
///
/// # Errors
/// `bad-request` where it is missing or none.
pub fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, ApiError> {
    let digits = text(headers, name).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| ApiError::new("bad-request", format!("`{name}` must be a number of bytes")))
}

/// The digest of a part, where the client says it.
///
/// # Errors
/// `bad-request` for another algorithm, or what is no digest.
pub fn checksum(headers: &HeaderMap) -> Result<Option<Digest>, ApiError> {
    let Some(said) = headers.get("upload-checksum") else { return Ok(None) };
    let wrong =
        || ApiError::new("bad-request", "`Upload-Checksum` must be `sha256`, a space, and the digest in Base64");
    let (algorithm, digest) = said.to_str().ok().and_then(|said| said.split_once(' ')).ok_or_else(wrong)?;
    if algorithm != CHECKSUMS {
        return Err(wrong());
    }
    let bytes: [u8; 32] = STANDARD.decode(digest).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    Ok(Some(Digest(bytes)))
}

/// What a client says of a file when it begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// As it said it, to be said back.
    pub raw: String,
    /// `filename`, or `name`.
    pub file_name: Option<String>,
    /// `sha256`: the digest of the whole file, in hexadecimal.
    pub digest: Option<Digest>,
}

/// Reads `Upload-Metadata`: pairs apart by commas, each a key, a space and a value in Base64.
///
/// # Errors
/// `bad-request` for what is not of this form, too long, or says a key twice.
pub fn metadata(headers: &HeaderMap) -> Result<Metadata, ApiError> {
    let wrong = |what: &str| ApiError::new("bad-request", format!("`Upload-Metadata` {what}"));
    let Some(said) = headers.get(&METADATA) else { return Ok(Metadata::default()) };
    let raw = said.to_str().map_err(|_| wrong("must be ASCII"))?.to_owned();
    if raw.len() > MAX_METADATA_BYTES {
        return Err(wrong("is longer than 4,096 bytes"));
    }
    let mut found = Metadata::default();
    let mut keys = Vec::new();
    for pair in raw.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if keys.contains(&key) || keys.len() == MAX_METADATA_KEYS {
            return Err(wrong("says a key twice, or too many"));
        }
        keys.push(key);
        let value = STANDARD.decode(value.trim()).map_err(|_| wrong("has a value that is not Base64"))?;
        let text = || String::from_utf8(value.clone()).map_err(|_| wrong("has a value that is not UTF-8"));
        match key {
            "filename" => found.file_name = Some(text()?),
            "name" if found.file_name.is_none() => found.file_name = Some(text()?),
            "sha256" => {
                found.digest =
                    Some(text()?.parse().map_err(|_| wrong("has a `sha256` that is not 64 hexadecimal digits"))?);
            }
            _ => {}
        }
    }
    Ok(Metadata { raw, ..found })
}

/// Refuses a part that is not sent as one.
///
/// # Errors
/// `unsupported-media-type`.
pub fn check_part(headers: &HeaderMap) -> Result<(), ApiError> {
    match text(headers, &header::CONTENT_TYPE) {
        Some(PART) => Ok(()),
        _ => Err(ApiError::new("unsupported-media-type", format!("send a part as `Content-Type: {PART}`"))),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().unwrap());
        map
    }

    #[test]
    fn metadata_is_read_and_said_back_as_it_came() {
        let raw = "filename bmlnaHRzLmVwdWI=,is_private,filetype YXBwbGljYXRpb24vZXB1Yit6aXA=";
        let found = metadata(&headers("upload-metadata", raw)).unwrap();
        assert_eq!(found, Metadata { raw: raw.into(), file_name: Some("nights.epub".into()), digest: None });
        let digest = STANDARD.encode(Digest::of(b"x").to_string());
        let found = metadata(&headers("upload-metadata", &format!("name bmlnaHRz,sha256 {digest}"))).unwrap();
        assert_eq!((found.file_name.as_deref(), found.digest), (Some("nights"), Some(Digest::of(b"x"))));
    }

    #[test]
    fn metadata_of_another_form_is_refused() {
        for wrong in ["filename nights.epub", "filename YQ==,filename Yg==", "filename /w==", "sha256 YQ=="] {
            assert_eq!(metadata(&headers("upload-metadata", wrong)).unwrap_err().code, "bad-request", "{wrong}");
        }
        assert!(metadata(&headers("upload-metadata", &"a,".repeat(3_000))).is_err());
    }

    #[test]
    fn a_number_has_digits_only() {
        for wrong in ["", "-1", "+1", " 1", "1e3", "18446744073709551616"] {
            assert!(number(&headers("upload-offset", wrong), &OFFSET).is_err(), "{wrong:?}");
        }
        assert_eq!(number(&headers("upload-offset", "070"), &OFFSET).unwrap(), 70);
    }

    #[test]
    fn only_sha_256_is_taken_for_a_checksum() {
        let right = format!("sha256 {}", STANDARD.encode(Digest::of(b"x").0));
        assert_eq!(checksum(&headers("upload-checksum", &right)).unwrap(), Some(Digest::of(b"x")));
        for wrong in ["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "sha256", "sha256 YQ==", "sha256 !"] {
            assert_eq!(checksum(&headers("upload-checksum", wrong)).unwrap_err().code, "bad-request", "{wrong}");
        }
    }

    #[test]
    fn a_method_is_overridden_for_uploads_only() {
        let patch = headers("x-http-method-override", "PATCH");
        assert_eq!(method(Method::POST, "/api/v1/uploads/1", &patch), Method::PATCH);
        assert_eq!(method(Method::GET, "/api/v1/uploads/1", &patch), Method::GET);
        assert_eq!(method(Method::POST, "/api/v1/projects", &patch), Method::POST);
    }
}
