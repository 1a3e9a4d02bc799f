//! The API's document as a page to read and to try: Swagger UI, carried in the binary.

use std::sync::Arc;

use utoipa_swagger_ui::Config;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::Request;
use super::handlers::located;
use super::problem::ApiError;

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Where the document is served.
const DOCUMENT: &str = "/api/v1/openapi.json";
/// Swagger UI sets styles of its own on its elements. It gets nothing else that the app does not have.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /api/v1/reference`
pub async fn page(_: Request) -> Result {
    Ok(located(StatusCode::PERMANENT_REDIRECT.into_response(), "/api/v1/reference/index.html"))
}

/// `GET /api/v1/reference/{file}`
pub async fn file(request: Request) -> Result {
    let name: String = request.path_id(0)?;
    // Without a validator, which would send our document to a stranger's server.
    let config = Config::from(DOCUMENT).validator_url("none").display_request_duration(true);
    let found = utoipa_swagger_ui::serve(&name, Arc::new(config));
    let found = found.map_err(|error| ApiError::new("internal", error.to_string()))?;
    let file = found.ok_or_else(ApiError::not_found)?;
    let mut response = Response::new(file.bytes.into_owned().into());
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    Ok(response)
}
