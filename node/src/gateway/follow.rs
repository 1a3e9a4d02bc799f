//! Events of many projects over one WebSocket, for dashboards.
//!
//! The follower says once what it follows and what it knows already; then it is told, and says nothing more. Nothing
//! is subscribed: the core is asked again and again, as for server-sent events, so a connection that breaks loses
//! nothing that the next one does not catch up with.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::follow::{FOLLOWED_MAX, FollowEvents};
use cluster::envelope::Trace;
use cluster::link::CallContext;
use domain::follow::{FollowedMessage, FollowerMessage};
use domain::principal::Principal;
use futures_util::future::select_all;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use warp::reply::{Reply, Response};
use warp::ws::{Message, WebSocket};

use super::problem::ApiError;
use super::shared::{self, Follower};
use super::{Gateway, Request};

/// How long the core holds a question open.
const WAIT_MS: u32 = 15_000;
/// Most events in one answer of the core.
const PAGE: u32 = 256;
/// Messages that may wait for a follower.
const QUEUE: usize = 256;
/// Largest message of a follower: all projects that it may name, with numbers.
const MAX_MESSAGE_BYTES: usize = 128 << 10;
/// How long a follower is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// Until it says what it follows.
    greeting: Duration,
    /// Between two questions whether it is still there.
    ping: Duration,
    /// Nothing heard for so long: it is not.
    idle: Duration,
    /// Nothing taken for so long: it is too slow.
    slow: Duration,
}

/// How patient a node is.
const PATIENCE: Patience = Patience {
    greeting: Duration::from_secs(10),
    ping: Duration::from_secs(20),
    idle: Duration::from_secs(60),
    slow: Duration::from_secs(10),
};
/// How long a closing may take to be said.
const CLOSING: Duration = Duration::from_secs(2);

/// Why a connection is closed; the codes from 4000 on are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// The follower went.
    ByFollower,
    /// The node stops.
    Stopping,
    /// The follower's session ended.
    Revoked,
    /// What was said is no [`FollowerMessage`].
    BadMessage,
    /// Nothing was heard for too long.
    Idle,
    /// It does not take what it is told.
    TooSlow,
    /// Something that was asked for is not there.
    NoProject,
    /// More projects than can be followed.
    TooMany,
    /// The core can't be asked.
    Unavailable,
}

impl Closed {
    fn code_and_reason(self) -> (u16, &'static str) {
        match self {
            Self::ByFollower => (1000, ""),
            Self::Stopping => (1001, "stopping"),
            Self::Revoked => (4401, "session-ended"),
            Self::BadMessage => (4400, "bad-request"),
            Self::NoProject => (4404, "project-not-found"),
            Self::Idle => (4408, "idle"),
            Self::TooMany => (4413, "too-many-projects"),
            Self::TooSlow => (4429, "too-slow"),
            Self::Unavailable => (4503, "unavailable"),
        }
    }

    fn of(fault: &Fault) -> Self {
        match fault.code.as_str() {
            "project-not-found" => Self::NoProject,
            "too-many-projects" => Self::TooMany,
            _ => Self::Unavailable,
        }
    }
}

/// `GET /api/v1/events/ws`
pub async fn socket(mut request: Request) -> Result<Response, ApiError> {
    let Some(upgrade) = request.upgrade.take() else {
        let detail = "this address speaks WebSocket (RFC 6455); a project's own events come as server-sent events too";
        return Err(ApiError::new("upgrade-required", detail)
            .with_header(warp::http::header::UPGRADE, "websocket")
            .with_header(warp::http::header::CONNECTION, "upgrade"));
    };
    let Ok(permit) = request.gateway.streams.clone().try_acquire_owned() else {
        return Err(ApiError::new("too-many-streams", "too many event streams are open; close some pages"));
    };
    let asker = Asker {
        gateway: request.gateway.clone(),
        principal: request.asker,
        trace: request.trace,
        deadline: request.deadline,
    };
    let revoked = Box::pin(request.until_revoked());
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    let reply = upgrade.on_upgrade(move |socket| async move {
        serve(asker, socket, revoked).await;
        drop(permit);
    });
    Ok(reply.into_response())
}

/// Who follows.
pub(super) struct Asker {
    pub(super) gateway: Arc<Gateway>,
    /// With their own tenant.
    pub(super) principal: Principal,
    pub(super) trace: Trace,
    pub(super) deadline: Duration,
}

async fn serve(asker: Asker, socket: WebSocket, revoked: impl Future<Output = ()>) {
    let (mut sink, mut stream) = socket.split();
    let mut stopping = asker.gateway.stopping.clone();
    let closed = tokio::select! {
        closed = converse(&asker, &mut sink, &mut stream) => closed,
        _ = stopping.wait_for(|stop| *stop) => Closed::Stopping,
        () = revoked => Closed::Revoked,
    };
    let (code, reason) = closed.code_and_reason();
    tracing::debug!(trace = %asker.trace, code, reason, "a follower's connection is closed");
    // A close is answered by a close (RFC 6455, section 5.5.1), or the connection is just dropped.
    let said = async {
        sink.send(Message::close_with(code, reason)).await?;
        sink.close().await
    };
    let _ = timeout(CLOSING, said).await;
}

/// Everything between the two, until there is a reason to close.
async fn converse<E>(
    asker: &Asker,
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin),
) -> Closed {
    let (named, known) = match timeout(PATIENCE.greeting, greeting(stream)).await {
        Ok(Ok(FollowerMessage::Follow { projects, after })) => (projects, after),
        Ok(Err(closed)) => return closed,
        Err(_) => return Closed::Idle,
    };
    if known.len() > FOLLOWED_MAX || named.as_ref().is_some_and(|named| named.len() > FOLLOWED_MAX) {
        return Closed::TooMany;
    }
    let named = named.map(|named| named.into_iter().collect::<BTreeSet<_>>());
    // Listened to before it is asked who has what: nothing falls in between.
    let unshared = asker.gateway.auth.unshared.subscribe();
    let followers = match shared::followers(asker, named, known).await {
        Ok(followers) => followers,
        Err(fault) => return Closed::of(&fault),
    };
    let shared: Vec<Follower> = followers.iter().filter(|one| one.principal != asker.principal).cloned().collect();
    let (queue, told) = mpsc::channel(QUEUE);
    let following = followers.into_iter().map(|follower| Box::pin(follow(asker, follower, queue.clone())));
    tokio::select! {
        (closed, ..) = select_all(following) => closed,
        () = shared::until_lost(asker, &shared, unshared) => Closed::NoProject,
        closed = tell(sink, told, PATIENCE) => closed,
        closed = listen(stream, PATIENCE.idle) => closed,
    }
}

/// The one thing that a follower has to say.
async fn greeting<E>(stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin)) -> Result<FollowerMessage, Closed> {
    loop {
        let Some(Ok(message)) = stream.next().await else { return Err(Closed::ByFollower) };
        if message.is_close() {
            return Err(Closed::ByFollower);
        }
        if message.is_ping() || message.is_pong() {
            continue;
        }
        let text = message.to_str().map_err(|()| Closed::BadMessage)?;
        return serde_json::from_str(text).map_err(|_| Closed::BadMessage);
    }
}

/// Hears that the follower is still there. Whatever else it says is too much.
async fn listen<E>(stream: &mut (impl Stream<Item = Result<Message, E>> + Unpin), idle: Duration) -> Closed {
    loop {
        match timeout(idle, stream.next()).await {
            Err(_) => return Closed::Idle,
            Ok(Some(Ok(message))) if message.is_close() => return Closed::ByFollower,
            Ok(Some(Ok(message))) if message.is_ping() || message.is_pong() => {}
            Ok(Some(Ok(_))) => return Closed::BadMessage,
            Ok(Some(Err(_)) | None) => return Closed::ByFollower,
        }
    }
}

/// Tells what waits, and asks now and then whether anybody is there.
async fn tell<E>(
    sink: &mut (impl Sink<Message, Error = E> + Unpin),
    mut told: mpsc::Receiver<Message>,
    Patience { ping, slow, .. }: Patience,
) -> Closed {
    let mut ping = tokio::time::interval_at(Instant::now() + ping, ping);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            message = told.recv() => match message {
                Some(message) => message,
                // Whoever filled the queue says why there is no more.
                None => return std::future::pending().await,
            },
            _ = ping.tick() => Message::ping(Vec::<u8>::new()),
        };
        match timeout(slow, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Closed::ByFollower,
            Err(_) => return Closed::TooSlow,
        }
    }
}

/// Asks the core what is new, and puts it in the queue.
async fn follow(asker: &Asker, mut follower: Follower, queue: mpsc::Sender<Message>) -> Closed {
    let Asker { gateway, trace, deadline, .. } = asker;
    let (principal, trace, deadline) = (follower.principal, *trace, *deadline);
    let mut greeted = false;
    loop {
        let ask = FollowEvents {
            principal,
            since: follower.since,
            named: follower.named.as_ref().map(|named| named.iter().copied().collect()),
            known: follower.known.iter().map(|(project, seq)| (*project, *seq)).collect(),
            limit: PAGE,
            wait_ms: WAIT_MS,
        };
        let within = Duration::from_millis(u64::from(WAIT_MS)) + deadline;
        let reply = match gateway.core.call(ask, CallContext { trace, ..CallContext::within(within) }).await {
            Ok(reply) => reply,
            Err(fault) => return Closed::of(&fault),
        };
        follower.since = reply.since;
        follower.known.extend(reply.begun.iter().copied());
        let mut messages = Vec::with_capacity(reply.events.len() + 1);
        if !greeted || !reply.begun.is_empty() {
            // What was known before is told from there on, so it is said with the rest.
            let after = if greeted { reply.begun.into_iter().collect() } else { follower.known.clone() };
            messages.push(FollowedMessage::Following { after });
            greeted = true;
        }
        for event in reply.events {
            follower.known.insert(event.project, event.seq);
            messages.push(FollowedMessage::Event { event });
        }
        if follower.known.len() > FOLLOWED_MAX {
            return Closed::TooMany;
        }
        for message in messages {
            let Ok(text) = serde_json::to_string(&message) else { return Closed::Unavailable };
            match timeout(PATIENCE.slow, queue.send(Message::text(text))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Closed::ByFollower,
                Err(_) => return Closed::TooSlow,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use domain::id::ProjectId;

    use super::*;

    const SHORT: Patience = Patience { idle: Duration::from_millis(30), slow: Duration::from_millis(30), ..PATIENCE };

    /// A socket whose other end reads nothing.
    struct Stuck;

    impl Sink<Message> for Stuck {
        type Error = Infallible;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), Infallible> {
            Ok(())
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
    }

    fn said(messages: Vec<Message>) -> impl Stream<Item = Result<Message, Infallible>> + Unpin {
        futures_util::stream::iter(messages.into_iter().map(Ok))
    }

    #[tokio::test]
    async fn a_follower_that_takes_nothing_is_closed_as_too_slow() {
        let (queue, told) = mpsc::channel(QUEUE);
        queue.send(Message::text("something")).await.unwrap();
        let begun = Instant::now();
        assert_eq!(tell(&mut Stuck, told, SHORT).await, Closed::TooSlow);
        assert!(begun.elapsed() >= SHORT.slow);
        assert_eq!(Closed::TooSlow.code_and_reason(), (4429, "too-slow"));
    }

    #[tokio::test]
    async fn a_follower_that_is_not_heard_is_closed_as_idle() {
        let begun = Instant::now();
        let pongs = said(vec![Message::pong(Vec::<u8>::new()), Message::ping(Vec::<u8>::new())]);
        let mut silent = pongs.chain(futures_util::stream::pending());
        assert_eq!(listen(&mut silent, SHORT.idle).await, Closed::Idle);
        assert!(begun.elapsed() >= SHORT.idle);
    }

    #[tokio::test]
    async fn a_follower_says_once_what_it_follows() {
        let follow = "{\"type\":\"follow\",\"after\":{\"00000000-0000-0000-0000-000000000007\":3}}";
        let heard = greeting(&mut said(vec![Message::ping(Vec::<u8>::new()), Message::text(follow)])).await;
        let after = BTreeMap::from([(ProjectId(7), 3)]);
        assert_eq!(heard, Ok(FollowerMessage::Follow { projects: None, after }));
        for wrong in ["", "{}", "{\"type\":\"unfollow\"}", "{\"type\":\"follow\",\"after\":{\"x\":1}}"] {
            assert_eq!(greeting(&mut said(vec![Message::text(wrong)])).await, Err(Closed::BadMessage), "{wrong}");
        }
        assert_eq!(greeting(&mut said(vec![Message::binary(vec![1])])).await, Err(Closed::BadMessage));
        assert_eq!(listen(&mut said(vec![Message::text(follow)]), SHORT.idle).await, Closed::BadMessage);
        assert_eq!(listen(&mut said(vec![Message::close()]), SHORT.idle).await, Closed::ByFollower);
    }
}
