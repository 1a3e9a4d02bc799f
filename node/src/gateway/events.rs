//! A project's events as server-sent events, from any point on.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::projects::{EventsAfter, GetProject};
use cluster::link::CallContext;
use domain::run::RunEvent;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{self, error::RecvError};
use warp::http::HeaderValue;
use warp::reply::{Reply, Response};
use warp::sse::Event;

use super::followers::{Followers, News, PAGE};
use super::problem::ApiError;
use super::projects::number;
use super::{Gateway, Request};

/// How long a stream says nothing: keeps the connection alive, and finds out that the other end is gone.
const SILENCE: Duration = Duration::from_secs(15);

/// `GET /api/v1/projects/{project}/events`
///
/// The stream ends when the node stops, the follower may not have it any more, the project goes, or the core can't be
/// reached; browsers connect anew and name the last event that they saw, so nothing is missed and nothing comes twice.
pub async fn stream(request: Request) -> Result<Response, ApiError> {
    let project = request.path_id(0)?;
    let after = last_known(&request)?;
    let ask = GetProject { principal: request.principal, project };
    let found = request.gateway.core.call(ask, request.context()).await?;
    let Ok(permit) = request.gateway.streams.clone().try_acquire_owned() else {
        return Err(ApiError::new("too-many-streams", "too many event streams are open; close some pages"));
    };
    let mut stopping = request.gateway.stopping.clone();
    let seq = found.project.run.map_or(0, |run| run.seq);
    let news = Followers::follow(&request.gateway, request.principal, project, seq);
    let question = EventsAfter { principal: request.principal, project, after, limit: PAGE, wait_ms: 0 };
    let (gateway, context) = (request.gateway.clone(), request.context());
    let follower = Follower { gateway, context, question, news, behind: true, _permit: permit };
    let revoked = request.until_revoked();
    // Of the request nothing else is kept: there may be thousands of streams.
    drop(request);
    let events = follow(follower)
        .take_until(Box::pin(async move {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => {}
                () = revoked => {}
            }
        }))
        .map(Ok::<_, std::convert::Infallible>);
    let mut response = warp::sse::reply(sync_wrapper::SyncStream::new(Box::pin(events))).into_response();
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(warp::http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn last_known(request: &Request) -> Result<u64, ApiError> {
    let known = number(request, "after", 0..=u64::MAX)?;
    match request.headers.get("last-event-id").map(|value| value.to_str().map(str::parse)) {
        None => Ok(known.unwrap_or(0)),
        Some(Ok(Ok(seq))) => Ok(seq),
        Some(_) => Err(ApiError::new("bad-request", "`Last-Event-ID` is the number of the last event you know")),
    }
}

struct Follower {
    gateway: Arc<Gateway>,
    context: CallContext,
    /// What the core is asked for where news are missing: events after the last one that was sent.
    question: EventsAfter,
    news: broadcast::Receiver<News>,
    /// There may be events that were not sent and do not come as news.
    behind: bool,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    /// What is to be sent next; `None` when the stream is over.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            if self.behind {
                // Boxed: what a call needs is not kept by a stream that waits.
                let call = Box::pin(self.gateway.core.call(self.question.clone(), self.context));
                let reply = call.await.ok()?;
                self.behind = reply.events.len() as u32 == PAGE;
                if let Some(last) = reply.events.last() {
                    self.question.after = last.seq;
                    return Some(reply.events.iter().filter_map(to_sse).collect());
                }
            }
            match tokio::time::timeout(SILENCE, self.news.recv()).await {
                Err(_) => return Some(vec![Event::default().comment("still here")]),
                Ok(Ok(news)) if news.seq <= self.question.after => {}
                Ok(Ok(news)) if news.seq == self.question.after + 1 => {
                    self.question.after = news.seq;
                    return Some(to_sse(&news).into_iter().collect());
                }
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => self.behind = true,
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }
}

fn follow(follower: Follower) -> impl Stream<Item = Event> + Send {
    // Says at once that the stream stands, before anything has happened.
    let hello = stream::iter([Event::default().comment("following")]);
    let pages = stream::unfold(follower, |mut follower| async move {
        let page = follower.next().await?;
        Some((stream::iter(page), follower))
    });
    hello.chain(pages.flatten())
}

fn to_sse(event: &RunEvent) -> Option<Event> {
    Event::default().event("run").id(event.seq.to_string()).json_data(event).ok()
}
