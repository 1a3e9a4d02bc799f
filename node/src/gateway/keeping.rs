//! How the node and its stores stand, and what is done to look after them; covers of books.

use std::fmt::Write as _;
use std::sync::Arc;

use cluster::body::keeping::{CoverFormat, GetCover, GetHealth, RunMigrations, SweepBlobs};
use cluster::body::sharing::NoteBackup;
use cluster::link::CallContext;
use domain::health::{BackupRequest, DatabaseHealth, MeasuredHealth, NodeHealth, StoreState};
use domain::principal::Principal;
use futures_util::TryStreamExt;
use warp::http::{HeaderMap, HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::accounts::visitor;
use super::compress::offers;
use super::download::is_fresh;
use super::handlers::json;
use super::problem::ApiError;
use super::projects::number;
use super::{Gateway, Request};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Media type of a backup: a tar that zstd compressed.
pub const BACKUP: &str = "application/zstd";
/// Sides of the squares that covers fit into, by name; the second is what is given unless another one is asked for.
const SIZES: [(&str, u32); 3] = [("small", 128), ("medium", 256), ("large", 512)];
/// Longest time for which blobs may be left, seconds.
const GRACE_MAX_S: u64 = 365 * 24 * 3_600;

/// `GET /health`
pub async fn summary(request: Request) -> Result {
    if *request.gateway.stopping.borrow() {
        return Err(ApiError::new("stopping", "the node is stopping"));
    }
    let MeasuredHealth { health, age_ms } =
        measured(request.gateway.clone(), request.principal, request.context()).await?;
    if health.state == StoreState::Bad {
        let trouble = health.records.trouble.or(health.blobs.trouble).unwrap_or_default();
        return Err(ApiError::new("store-unavailable", format!("the node's stores can't be used: {trouble}")));
    }
    let ready = *request.gateway.ready.borrow();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(json(StatusCode::OK, &NodeHealth { stores: health.state, ready, version, age_ms }))
}

/// `GET /api/v1/health/databases`
pub async fn databases(request: Request) -> Result {
    let health = measured(request.gateway.clone(), request.principal, request.context()).await?;
    Ok(json(StatusCode::OK, &health))
}

/// How the stores stand. Measuring writes to each durably, so it is done once a second at most, whoever asks.
pub(super) async fn measured(
    gateway: Arc<Gateway>,
    principal: Principal,
    context: CallContext,
) -> Result<MeasuredHealth> {
    let core = gateway.core.clone();
    let measure = async move { Ok(core.call(GetHealth { principal }, context).await?.health) };
    let (health, age) = gateway.health.get(measure).await?;
    Ok(MeasuredHealth { health, age_ms: u32::try_from(age.as_millis()).unwrap_or(u32::MAX) })
}

/// `POST /api/v1/migrations/run`
pub async fn migrate(request: Request) -> Result {
    let ask = RunMigrations { principal: request.principal };
    Ok(json(StatusCode::OK, &request.gateway.core.call(ask, request.context()).await?.run))
}

/// `POST /api/v1/storage/sweep`
pub async fn sweep(request: Request) -> Result {
    let dry_run = match request.query("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::new("bad-request", "`dry_run` is true or false")),
    };
    let grace_s = number(&request, "grace_s", 0..=GRACE_MAX_S)?;
    let ask = SweepBlobs { principal: request.principal, grace_s, dry_run };
    Ok(json(StatusCode::OK, &request.gateway.core.call(ask, request.context()).await?.report))
}

/// `GET /api/v1/storage/jobs`
pub async fn jobs(request: Request) -> Result {
    Ok(json(StatusCode::OK, &request.gateway.bulk.jobs().await?))
}

/// `POST /api/v1/backup`
pub async fn backup(mut request: Request) -> Result {
    let BackupRequest { passphrase } = request.optional_json().await?.unwrap_or_default();
    // First, so that no admin makes one without its standing in their log.
    let note = NoteBackup { principal: request.principal, visitor: visitor(&request) };
    request.gateway.core.call(note, request.context()).await?;
    let archive = request.gateway.bulk.backup(passphrase).await?;
    let body = archive.map_err(|fault| std::io::Error::other(fault.to_string()));
    let mut response = warp::reply::stream(sync_wrapper::SyncStream::new(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(BACKUP));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_static("attachment; filename=\"backup.visiobook\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// `GET /api/v1/projects/{project}/cover`
pub async fn cover(request: Request) -> Result {
    let size = request.query("size").unwrap_or(SIZES[1].0);
    let edge_px = SIZES.iter().find(|(name, _)| *name == size).map(|(_, edge_px)| *edge_px);
    let edge_px = edge_px.ok_or_else(|| ApiError::new("bad-request", "`size` is `small`, `medium` or `large`"))?;
    let formats = wanted(&request.headers);
    if formats.is_empty() {
        return Err(ApiError::new("not-acceptable", "a cover comes as image/avif, image/webp or image/jpeg"));
    }
    let ask = GetCover { principal: request.principal, project: request.path_id(0)?, edge_px, formats };
    let cover = request.gateway.core.call(ask, request.context()).await?;
    let etag = format!("\"{}\"", cover.digest);
    let mut response = match is_fresh(&request.headers, &etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => cover.bytes.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(cover.format)));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    // Another revision may have another cover.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}

fn media_type(format: CoverFormat) -> &'static str {
    match format {
        CoverFormat::Jpeg => "image/jpeg",
        CoverFormat::WebP => "image/webp",
        CoverFormat::Avif => "image/avif",
    }
}

/// The formats that `Accept` takes, the best first. The modern ones have to be named: who says `image/*`, or nothing,
/// may be older than they are.
fn wanted(headers: &HeaderMap) -> Vec<CoverFormat> {
    if !headers.get_all(header::ACCEPT).iter().any(|value| value.to_str().is_ok()) {
        return vec![CoverFormat::Jpeg];
    }
    let offers: Vec<(&str, f32)> = offers(headers, header::ACCEPT).collect();
    let weight = |name: &str| offers.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
    let mut found = Vec::new();
    for format in [CoverFormat::Avif, CoverFormat::WebP] {
        if weight(media_type(format)).is_some_and(|q| q > 0.0) {
            found.push(format);
        }
    }
    let jpeg = weight("image/jpeg").or_else(|| weight("image/*")).or_else(|| weight("*/*"));
    if jpeg.is_some_and(|q| q > 0.0) {
        found.push(CoverFormat::Jpeg);
    }
    found
}

/// Appends the metrics of the stores.
pub(super) fn write_metrics(out: &mut String, measured: &MeasuredHealth) {
    let health = &measured.health;
    let stores = [("records", &health.records), ("blobs", &health.blobs), ("cache", &health.cache)];
    let mut family = |kind: &str, name: &str, help: &str, of: &dyn Fn(&DatabaseHealth) -> Option<f64>| {
        // Writing to a string can't fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (label, health) in stores {
            if let Some(value) = of(health) {
                let _ = writeln!(out, "{name}{{store=\"{label}\"}} {value}");
            }
        }
    };
    let seconds = |us: Option<u64>| us.map(|us| us as f64 / 1e6);
    family("gauge", "visiobook_store_up", "Whether a store can be used.", &|h| {
        Some(if h.state == StoreState::Bad { 0.0 } else { 1.0 })
    });
    let help = "Time of a durable write, as it was last measured.";
    family("gauge", "visiobook_store_write_seconds", help, &|h| seconds(h.write_latency_us));
    family("gauge", "visiobook_store_read_seconds", "The same of a read.", &|h| seconds(h.read_latency_us));
    family("gauge", "visiobook_store_writes_queued", "Writes that wait.", &|h| h.queued.map(f64::from));
    family("gauge", "visiobook_store_bytes", "Bytes that a store takes, where it knows.", &|h| {
        h.bytes.map(|b| b as f64)
    });
    let (name, age_s) = ("visiobook_store_probe_age_seconds", f64::from(measured.age_ms) / 1e3);
    let _ = writeln!(out, "# HELP {name} How long ago the stores were measured.\n# TYPE {name} gauge\n{name} {age_s}");
    for (name, help, value) in [
        ("visiobook_sweeps_total", "Looks for blobs that nothing names.", health.swept.sweeps),
        ("visiobook_swept_blobs_total", "Blobs that nothing named, and that were removed.", health.swept.blobs),
        ("visiobook_swept_bytes_total", "Their bytes.", health.swept.bytes),
    ] {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(accept: &[&'static str]) -> Vec<CoverFormat> {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        wanted(&headers)
    }

    #[test]
    fn a_modern_format_is_given_to_who_names_it() {
        use CoverFormat::{Avif, Jpeg, WebP};
        assert_eq!(formats(&[]), [Jpeg]);
        assert_eq!(formats(&["*/*"]), [Jpeg]);
        assert_eq!(formats(&["image/avif,image/webp,image/*,*/*;q=0.8"]), [Avif, WebP, Jpeg]);
        assert_eq!(formats(&["image/webp", "image/jpeg;q=0.1"]), [WebP, Jpeg]);
        assert_eq!(formats(&["image/avif;q=0, image/jpeg"]), [Jpeg]);
        assert!(formats(&["image/jpeg;q=0, */*"]).is_empty());
        assert!(formats(&["text/html"]).is_empty());
    }
}
