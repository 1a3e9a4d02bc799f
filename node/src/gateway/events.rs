//! A project's events as server-sent events, from any point on.

use std::time::Duration;

use cluster::body::projects::{EventsAfter, GetProject};
use cluster::link::CallContext;
use domain::id::ProjectId;
use domain::run::RunEvent;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use warp::http::HeaderValue;
use warp::reply::{Reply, Response};
use warp::sse::Event;

use super::Request;
use super::problem::ApiError;

/// How long the core holds a question for events open. Shorter than any proxy's patience.
const WAIT_MS: u32 = 15_000;
/// Most events in one answer of the core.
const PAGE: u32 = 256;

/// `GET /api/v1/projects/{project}/events`
///
/// The stream ends when the node stops, the project goes, or the core can't be reached; browsers connect
/// anew and name the last event that they saw, so nothing is missed and nothing comes twice.
pub async fn stream(request: Request) -> Result<Response, ApiError> {
    let project = request.path_id(0)?;
    let after = last_known(&request)?;
    let ask = GetProject { principal: request.principal, project };
    request.gateway.core.call(ask, request.context()).await?;
    let Ok(permit) = request.gateway.streams.clone().try_acquire_owned() else {
        return Err(ApiError::new("too-many-streams", "too many event streams are open; close some pages"));
    };
    let mut stopping = request.gateway.stopping.clone();
    let events = follow(request, project, after, permit)
        .take_until(Box::pin(async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        }))
        .map(Ok::<_, std::convert::Infallible>);
    let mut response = warp::sse::reply(sync_wrapper::SyncStream::new(Box::pin(events))).into_response();
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(warp::http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn last_known(request: &Request) -> Result<u64, ApiError> {
    let header = request.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    match header.or_else(|| request.query("after")) {
        None => Ok(0),
        Some(text) => {
            text.parse().map_err(|_| ApiError::new("bad-request", "`after` is the number of the last event you know"))
        }
    }
}

struct Follower {
    request: Request,
    project: ProjectId,
    after: u64,
    _permit: OwnedSemaphorePermit,
}

fn follow(
    request: Request,
    project: ProjectId,
    after: u64,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Event> + Send {
    let follower = Follower { request, project, after, _permit: permit };
    // Says at once that the stream stands, before anything has happened.
    let hello = stream::iter([Event::default().comment("following")]);
    let pages = stream::unfold(follower, |mut follower| async move {
        let ask = EventsAfter {
            principal: follower.request.principal,
            project: follower.project,
            after: follower.after,
            limit: PAGE,
            wait_ms: WAIT_MS,
        };
        let context = CallContext {
            deadline: Duration::from_millis(u64::from(WAIT_MS)) + follower.request.deadline,
            ..follower.request.context()
        };
        let reply = follower.request.gateway.core.call(ask, context).await.ok()?;
        let mut page: Vec<Event> = reply.events.iter().filter_map(to_sse).collect();
        if let Some(last) = reply.events.last() {
            follower.after = last.seq;
        } else {
            // Keeps the connection alive, and finds out that the other end is gone.
            page.push(Event::default().comment("still here"));
        }
        Some((stream::iter(page), follower))
    });
    hello.chain(pages.flatten())
}

fn to_sse(event: &RunEvent) -> Option<Event> {
    Event::default().event("run").id(event.seq.to_string()).json_data(event).ok()
}
