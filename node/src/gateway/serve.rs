//! The warp server round the route table and the app's files.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::clock::wall_ms;
use bytes::Buf;
use cluster::body::Fault;
use cluster::bulk::ByteStream;
use cluster::envelope::Trace;
use cluster::link::CallContext;
use domain::principal::Principal;
use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tracing::Instrument;
use warp::Filter;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::{Reply, Response};

use super::access::{self, Credential};
use super::assets::Assets;
use super::compress::{Taking, compressed};
use super::problem::ApiError;
use super::routes::{Found, Permission, Route, find, table};
use super::{Gateway, Request, guard, tus};

/// What the page may do: nothing from elsewhere, no inline script or style.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// How long a body may stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the core may take to say who asks.
const IDENTIFY: Duration = Duration::from_secs(5);
/// How long open requests get to end once the node stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until the gateway's `stopping` turns true, then lets open requests end for five seconds.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>, assets: Assets) {
    let (mut stop, mut stopped) = (gateway.stopping.clone(), gateway.stopping.clone());
    let server = warp::serve(filter(gateway, assets)).incoming(listener).graceful(async move {
        let _ = stop.wait_for(|stop| *stop).await;
    });
    let drained = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = server.run() => {}
        () = drained => {}
    }
}

/// Everything that the node answers.
pub fn filter(
    gateway: Arc<Gateway>,
    assets: Assets,
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
        .and(warp::filters::addr::remote())
        .and(upgrade)
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query: String, headers, peer, upgrade, body| {
            let trace = Trace(seed | u128::from(count.fetch_add(1, Ordering::Relaxed)));
            let (gateway, routes, assets) = (gateway.clone(), routes.clone(), assets.clone());
            let method = tus::method(method, path.as_str(), &headers);
            let path = path.as_str().to_owned();
            let arrival = Arrival { method, path, query, headers, peer, upgrade, trace };
            let span = tracing::info_span!("request", %trace, method = %arrival.method, path = arrival.path);
            let body = chunks(body);
            let taking = Taking::of(&arrival.headers);
            let answered = async move {
                let path = arrival.path.clone();
                let mut response = answer(&gateway, &routes, &assets, arrival, body).await;
                tus::say_version(&path, &mut response);
                secured(compressed(&taking, response), trace)
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
    peer: Option<SocketAddr>,
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
    let local = match guard::local(arrival.peer, &arrival.method, &arrival.headers) {
        Ok(principal) => principal,
        Err(error) => return error.into_response(trace),
    };
    let (route, path) = match find(routes, &arrival.method, &arrival.path) {
        Found::Route(route, path) => (route, path),
        Found::OtherMethods(allow) => {
            let error = ApiError::new("method-not-allowed", format!("this address takes {allow}"));
            return error.with_header(header::ALLOW, allow).into_response(trace);
        }
        Found::Nothing => return page(assets, &arrival).unwrap_or_else(|error| error.into_response(trace)),
    };
    let credential = Credential::of(&arrival.headers, gateway.auth.secure);
    let principal = match admit(gateway, route, &credential, local, (&arrival.method, &arrival.headers, trace)).await {
        Ok(principal) => principal,
        Err(error) => return error.into_response(trace),
    };
    let limit = route.limits.body_bytes.unwrap_or(gateway.upload_limit_bytes);
    if let Err(error) = check_length(&arrival.headers, limit) {
        return error.into_response(trace);
    }
    let request = Request {
        gateway: gateway.clone(),
        principal,
        credential,
        peer: arrival.peer.map(|peer| peer.ip()),
        path,
        query: form_urlencoded::parse(arrival.query.as_bytes()).into_owned().collect(),
        headers: arrival.headers,
        body: limited(body, limit),
        upgrade: arrival.upgrade,
        trace,
        deadline: Duration::from_millis(route.limits.deadline_ms),
    };
    (route.handler)(request).await.unwrap_or_else(|error| error.into_response(trace))
}

/// Who asks, if they may.
async fn admit(
    gateway: &Gateway,
    route: &Route,
    credential: &Credential,
    local: Principal,
    (method, headers, trace): (&Method, &HeaderMap, Trace),
) -> Result<Principal, ApiError> {
    // What is for everybody is looked up for nobody.
    if route.permission == Permission::Public {
        return Ok(Principal::NOBODY);
    }
    let context = CallContext { trace, ..CallContext::within(IDENTIFY) };
    let principal = access::identify(gateway, credential, local, context).await?;
    access::authorise(route.permission, &principal, wall_ms())?;
    access::check_csrf(route.permission, method, credential, headers)?;
    Ok(principal)
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

/// Breaks a body off where it grows beyond its limit, whatever it said of itself, and where nothing comes.
fn limited(body: ByteStream, limit: u64) -> ByteStream {
    Box::pin(futures_util::stream::try_unfold((body, 0u64), move |(mut body, seen)| async move {
        let Ok(next) = tokio::time::timeout(SILENCE, body.next()).await else {
            let detail = format!("nothing came for {} s; send the body again", SILENCE.as_secs());
            return Err(Fault::new("upload-broken", detail));
        };
        let Some(chunk) = next.transpose()? else { return Ok(None) };
        let seen = seen + chunk.len() as u64;
        if seen > limit { Err(too_large(limit)) } else { Ok(Some((chunk, (body, seen)))) }
    }))
}

fn chunks<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> ByteStream {
    Box::pin(body.map(|chunk| match chunk {
        Ok(mut buffer) => Ok(buffer.copy_to_bytes(buffer.remaining())),
        Err(error) => Err(Fault::new("upload-broken", format!("the upload broke off: {error}; send it again"))),
    }))
}

fn secured(mut response: Response, trace: Trace) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&trace.to_string()) {
        headers.insert("x-request-id", id);
    }
    response
}
