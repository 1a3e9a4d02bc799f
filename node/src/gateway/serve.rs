//! The warp server round the route table and the app's files.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Buf;
use cluster::body::Fault;
use cluster::bulk::ByteStream;
use cluster::envelope::Trace;
use cluster::link::CallContext;
use domain::principal::Principal;
use futures_util::{Stream, StreamExt};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing::Instrument;
use warp::Filter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use warp::reply::{Reply, Response};

use super::access::{self, Credential};
use super::assets::Assets;
use super::compress::{Taking, compressed};
use super::edge::access::shown;
use super::edge::caller::Caller;
use super::edge::tls::Tls;
use super::edge::{self, Edge};
use super::membership::{self, Admitted, Way};
use super::problem::ApiError;
use super::rates::Rate;
use super::routes::{Found, Permission, Route, find, table};
use super::{Gateway, Request, cookie, guard, keyed, tus};

/// What the page may do: nothing from elsewhere, no inline script or style.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Bytes of a body that have to come while it is waited for as long as one waits.
const COMING_MIN_BYTES: u64 = 4 << 10;
/// How long the core may take to say who asks.
const IDENTIFY: Duration = Duration::from_secs(5);

/// Serves until the node stops, then lets open requests end for five seconds; over TLS where there is one.
pub async fn serve(
    edge: Arc<Edge>,
    listeners: Vec<TcpListener>,
    tls: Option<Tls>,
    gateway: Arc<Gateway>,
    assets: Assets,
) {
    let service = TowerToHyperService::new(warp::service(filter(gateway, assets, edge.patience.stall)));
    edge::serve(edge, listeners, tls, service).await;
}

/// Everything that the node answers; bodies are waited for as long as `stall`.
pub fn filter(
    gateway: Arc<Gateway>,
    assets: Assets,
    stall: Duration,
) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + Send + Sync + 'static {
    let routes: Arc<Vec<Route>> = Arc::new(table());
    let seed = u128::from(uuid::Uuid::now_v7().as_u128() as u64) << 64;
    let count = Arc::new(AtomicU64::new(1));
    let upgrade = warp::ws().map(Some).or(warp::any().map(|| None)).unify();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::filters::ext::optional::<Arc<Caller>>())
        .and(upgrade)
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query: String, headers, caller, upgrade, body| {
            let trace = Trace(seed | u128::from(count.fetch_add(1, Ordering::Relaxed)));
            let (gateway, routes, assets) = (gateway.clone(), routes.clone(), assets.clone());
            let method = tus::method(method, path.as_str(), &headers);
            let path = path.as_str().to_owned();
            let arrival = Arrival { method, path, query, headers, caller, upgrade, trace };
            let span = tracing::info_span!("request", %trace, method = %arrival.method, path = &*shown(&arrival.path));
            let body = waited_for(chunks(body), stall);
            let taking = Taking::of(&arrival.headers);
            let answered = async move {
                let path = arrival.path.clone();
                let secure = arrival.caller.as_ref().is_some_and(|caller| caller.secure);
                let mut response = answer(&gateway, &routes, &assets, arrival, body).await;
                tus::say_version(&path, &mut response);
                secured(compressed(&taking, response), &path, secure, trace)
            };
            // Boxed: a connection keeps room for what answers it as long as it lives, and streams live long.
            Box::pin(answered.instrument(span))
        })
        // Every filter above takes every request; warp can't see that.
        .recover(|_| async { Ok::<_, Infallible>(StatusCode::BAD_REQUEST.into_response()) })
        .map(Reply::into_response)
}

struct Arrival {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    caller: Option<Arc<Caller>>,
    upgrade: Option<warp::ws::Ws>,
    trace: Trace,
}

async fn answer(
    gateway: &Arc<Gateway>,
    routes: &[Route],
    assets: &Assets,
    arrival: Arrival,
    body: ByteStream,
) -> Response {
    let trace = arrival.trace;
    // The edge says so of every request; one that came round it is nobody's.
    let Some(caller) = arrival.caller.clone() else {
        return ApiError::new("not-local", "it is not known who asks").into_response(trace);
    };
    let found = find(routes, &arrival.method, &arrival.path);
    // Counted before anything is looked up for it.
    let rate = if let Found::Route(route, _) = &found { route.limits.rate } else { Rate::Light };
    let admitted = match gateway.rates.address(&caller, rate).await {
        Ok(()) => guard::admit(&caller, &arrival.method, &arrival.headers),
        Err(limited) => Err(limited),
    };
    let local = match admitted {
        Ok(principal) => principal,
        Err(error) => return error.into_response(trace),
    };
    let (route, path) = match found {
        Found::Route(route, path) => (route, path),
        Found::OtherMethods(allow) => {
            let error = ApiError::new("method-not-allowed", format!("this address takes {allow}"));
            return error.with_header(header::ALLOW, allow).into_response(trace);
        }
        Found::Nothing => return page(assets, &arrival).unwrap_or_else(|error| error.into_response(trace)),
    };
    let way = way(gateway, route, &path, &arrival.headers);
    let admitted = match admit(gateway, &way, local, (&arrival.method, &arrival.headers, trace)).await {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response(trace),
    };
    if admitted.principal != Principal::NOBODY
        && let Err(limited) = gateway.rates.account(&caller, admitted.counted(), rate).await
    {
        return limited.into_response(trace);
    }
    let limit = route.limits.body_bytes.unwrap_or(gateway.upload_limit_bytes);
    if let Err(error) = check_length(&arrival.headers, limit) {
        return error.into_response(trace);
    }
    let request = Request {
        gateway: gateway.clone(),
        principal: admitted.principal,
        asker: admitted.asker,
        role: admitted.role,
        until_ms: admitted.until_ms,
        way,
        caller,
        path,
        query: form_urlencoded::parse(arrival.query.as_bytes()).into_owned().collect(),
        headers: arrival.headers,
        body: limited(body, limit),
        upgrade: arrival.upgrade,
        made: None,
        trace,
        deadline: Duration::from_millis(route.limits.deadline_ms),
    };
    keyed::once(request, route).await.unwrap_or_else(|error| error.into_response(trace))
}

/// All that says who asks, and for what. A share link's cookie is looked at where it is good for something.
fn way(gateway: &Gateway, route: &Route, path: &[String], headers: &HeaderMap) -> Way {
    let (secure, permission) = (gateway.auth.secure, route.permission);
    let visit = (permission == Permission::ProjectRead).then(|| cookie::opened(headers, secure)).flatten();
    let (credential, project) = (Credential::of(headers, secure), membership::project_of(route, path));
    Way { permission, by_key: route.by_key(), credential, visit, project }
}

/// Who asks, if they may.
async fn admit(
    gateway: &Gateway,
    way: &Way,
    local: Option<Principal>,
    (method, headers, trace): (&Method, &HeaderMap, Trace),
) -> Result<Admitted, ApiError> {
    // What is for everybody is looked up for nobody.
    if way.permission == Permission::Public {
        return Ok(Principal::NOBODY.into());
    }
    let context = CallContext { trace, ..CallContext::within(IDENTIFY) };
    let admitted = membership::admit(gateway, way, local, context).await?;
    access::check_csrf(way.permission, method, &way.credential, headers)?;
    Ok(admitted)
}

/// The app, for whatever is not of the API.
fn page(assets: &Assets, arrival: &Arrival) -> Result<Response, ApiError> {
    if !matches!(arrival.method, Method::GET | Method::HEAD) {
        return Err(ApiError::not_found());
    }
    if assets.is_empty() && arrival.path == "/" {
        let text = "The web app is not built. Run `cargo xtask web`, or name its folder with --web-dist.\n";
        return Ok(warp::reply::with_status(text, StatusCode::NOT_FOUND).into_response());
    }
    assets.answer(&arrival.path, &arrival.headers).ok_or_else(ApiError::not_found)
}

fn too_large(limit: u64) -> Fault {
    let detail = match limit {
        0 => "this address takes no body".to_owned(),
        _ if limit < 1 << 20 => {
            format!("the body is larger than {} KiB, which is as much as this address takes", limit >> 10)
        }
        _ => format!("the body is larger than {} MiB, which is as much as this node takes", limit >> 20),
    };
    Fault::new("too-large", detail)
}

/// Refuses what says itself that it is too large, before a byte of it is read.
fn check_length(headers: &HeaderMap, limit: u64) -> Result<(), ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit) { Err(too_large(limit).into()) } else { Ok(()) }
}

/// Breaks a body off where it grows beyond its limit, whatever it said of itself.
fn limited(body: ByteStream, limit: u64) -> ByteStream {
    Box::pin(futures_util::stream::try_unfold((body, 0u64), move |(mut body, seen)| async move {
        let Some(chunk) = body.next().await.transpose()? else { return Ok(None) };
        let seen = seen + chunk.len() as u64;
        if seen > limit { Err(too_large(limit)) } else { Ok(Some((chunk, (body, seen)))) }
    }))
}

/// Breaks a body off where nothing comes, or next to nothing. Only the time that is spent waiting counts.
fn waited_for(body: ByteStream, stall: Duration) -> ByteStream {
    let waiting = (body, Duration::ZERO, 0);
    Box::pin(futures_util::stream::try_unfold(waiting, move |(mut body, waited, came)| async move {
        let from = Instant::now();
        let Ok(next) = tokio::time::timeout(stall.saturating_sub(waited), body.next()).await else {
            let detail = format!("next to nothing came for {} s; send the body again", stall.as_secs_f32());
            return Err(Fault::new("upload-broken", detail));
        };
        let Some(chunk) = next.transpose()? else { return Ok(None) };
        let (waited, came) = (waited + from.elapsed(), came + chunk.len() as u64);
        let (waited, came) = if came < COMING_MIN_BYTES { (waited, came) } else { (Duration::ZERO, 0) };
        Ok(Some((chunk, (body, waited, came))))
    }))
}

fn chunks<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> ByteStream {
    Box::pin(body.map(|chunk| match chunk {
        Ok(mut buffer) => Ok(buffer.copy_to_bytes(buffer.remaining())),
        Err(error) => Err(Fault::new("upload-broken", format!("the upload broke off: {error}; send it again"))),
    }))
}

/// What every answer bears, whatever made it.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), HeaderValue::from_static("none")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), \
             payment=(), usb=(), browsing-topics=()",
        ),
    ),
];
/// Names a request in its answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// So many lines are added to an answer's header, at most.
const ADDED: usize = 11;
/// Browsers use nothing but HTTPS for a year.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// An answer with what browsers are to keep to.
fn secured(mut response: Response, path: &str, secure: bool, trace: Trace) -> Response {
    let headers = response.headers_mut();
    headers.reserve(ADDED);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    // Whoever has a signed address can open it: no other page is to be told of it.
    let told = if path.starts_with("/api/v1/files/") { "no-referrer" } else { "same-origin" };
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(told));
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    // What a handler does not allow to be kept is kept by nobody.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&trace.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_dribbles_is_not_waited_for_and_one_that_flows_is() {
        const STALL: Duration = Duration::from_millis(200);
        let dribble = |bytes: usize| -> ByteStream {
            Box::pin(futures_util::stream::unfold(0, move |count| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                (count < 30).then(|| (Ok(vec![b'x'; bytes].into()), count + 1))
            }))
        };
        let came = waited_for(dribble(1), STALL).collect::<Vec<_>>().await;
        assert_eq!(came.last().unwrap().as_ref().unwrap_err().code, "upload-broken");
        assert!(came.len() < 30);
        let came = waited_for(dribble(8_192), Duration::from_secs(30)).collect::<Vec<_>>().await;
        assert_eq!((came.len(), came.iter().all(Result::is_ok)), (30, true));
    }
}
