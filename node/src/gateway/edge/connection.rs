//! One connection, from its socket to its last answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use warp::http::{Request, Response};

use super::access::Line;
use super::caller::Caller;
use super::places::Place;
use super::pulse::{Deadlined, Expired, Pulse, Stall, UnderWay};
use super::wire::{Spoken, Wire, listen};
use super::{DRAIN, Edge};

/// HTTP/1.1: largest header of a request, bytes.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// HTTP/1.1: what is read ahead at most, and what waits at most to be sent, bytes.
const MAX_BUFFER_BYTES: usize = 64 << 10;
/// HTTP/1.1: lines of a header.
const MAX_HEADERS: usize = 100;
/// HTTP/2: requests at a time on a connection.
const MAX_STREAMS: u32 = 64;
/// HTTP/2: largest header, decoded, as the standard counts it.
const MAX_HEADER_LIST_BYTES: u32 = 32 << 10;
/// HTTP/2: streams that a client gave up before they were looked at, and such that broke the rules.
const MAX_RESETS: usize = 20;
/// HTTP/2: what waits at most to be sent on a stream, bytes.
const MAX_STREAM_BYTES: usize = 16 << 10;
/// HTTP/2: how often the other end is asked whether it is there, and how long its answer may take.
const PING: Duration = Duration::from_secs(20);

/// A connection that was accepted.
pub struct Accepted {
    /// Its socket.
    pub stream: TcpStream,
    /// Its other end.
    pub peer: IpAddr,
    /// Its place among the others.
    pub place: Place,
}

/// Serves a connection until it ends, is ended, or the node stops.
pub async fn serve<S, B>(edge: Arc<Edge>, tls: Option<TlsAcceptor>, accepted: Accepted, inner: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Accepted { stream, peer, place } = accepted;
    // Events are small and must not wait for more of them.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::new(edge.patience);
    let wire = Wire::new(stream, pulse.clone(), place);
    let stop = edge.stopping.clone();
    let to = Addressed { edge, peer, secure: tls.is_some(), pulse: pulse.clone(), inner };
    let ended = match tls {
        None => Deadlined::new(converse(wire, pulse.clone(), to, stop), pulse).await,
        Some(tls) => {
            let speaking = async {
                match tls.accept(wire).await {
                    Ok(stream) => converse(stream, pulse.clone(), to, stop).await,
                    Err(error) => tracing::debug!(%peer, %error, "no TLS came of a connection"),
                }
            };
            Deadlined::new(speaking, pulse.clone()).await
        }
    };
    match ended {
        Ok(()) | Err(Expired::Idle) => {}
        Err(why) => tracing::debug!(%peer, ?why, "a connection was not waited for"),
    }
}

/// Finds out what is spoken, and answers.
async fn converse<T, S, B>(stream: T, pulse: Arc<Pulse>, to: Addressed<S>, mut stop: watch::Receiver<bool>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Who leaves before it was clear needs no answer, and who has asked for nothing when the node stops, neither.
    let Some(Ok((spoken, stream))) = until(listen(stream), &mut stop).await else { return };
    pulse.opened(spoken == Spoken::Http2);
    let io = TokioIo::new(stream);
    let ended = match spoken {
        Spoken::Http1 => {
            let mut builder = http1::Builder::new();
            // Its timeouts are ours: see `pulse`.
            builder.header_read_timeout(None).max_headers(MAX_HEADERS);
            builder.max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_BUFFER_BYTES);
            let mut connection = pin!(builder.serve_connection(io, to).with_upgrades());
            match until(connection.as_mut(), &mut stop).await {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    timeout(DRAIN, connection).await.unwrap_or(Ok(()))
                }
            }
        }
        Spoken::Http2 => {
            let mut builder = http2::Builder::new(Streams { patience: to.edge.patience.stall });
            builder.max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEADER_LIST_BYTES);
            builder.max_pending_accept_reset_streams(MAX_RESETS).max_local_error_reset_streams(MAX_RESETS);
            builder.max_send_buf_size(MAX_STREAM_BYTES);
            builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
            let mut connection = pin!(builder.serve_connection(io, to));
            match until(connection.as_mut(), &mut stop).await {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    timeout(DRAIN, connection).await.unwrap_or(Ok(()))
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// What comes of a future, unless the node stops before.
async fn until<F: Future>(future: F, stop: &mut watch::Receiver<bool>) -> Option<F::Output> {
    tokio::select! {
        output = future => Some(output),
        _ = stop.wait_for(|stop| *stop) => None,
    }
}

tokio::task_local! {
    /// The stream of HTTP/2 that is being answered.
    static STREAM: Stall;
}

/// Runs the streams of a connection of HTTP/2, each a task that is ended where its reader holds it up.
#[derive(Clone)]
struct Streams {
    patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let stall = Stall::new(self.patience);
        tokio::spawn(Deadlined::new(STREAM.scope(stall.clone(), stream), stall));
    }
}

/// Hands requests on with the facts of their caller.
struct Addressed<S> {
    edge: Arc<Edge>,
    peer: IpAddr,
    secure: bool,
    pulse: Arc<Pulse>,
    inner: S,
}

impl<S, B> Service<Request<Incoming>> for Addressed<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes>,
{
    type Response = Response<Sent<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let under_way = self.pulse.request();
        let caller = self.edge.policy.caller(self.peer, self.secure, request.uri(), request.headers());
        let line = self
            .edge
            .access_log
            .then(|| Line::new(caller.address, request.method(), request.uri().path(), request.version()));
        request.extensions_mut().insert::<Arc<Caller>>(Arc::new(caller));
        let answer = self.inner.call(request);
        // Boxed, so that nothing of it is kept while its answer is sent, which may take days.
        Box::pin(async move {
            let stall = STREAM.try_with(Stall::clone).ok();
            // Told too where the client went before there was an answer.
            let mut line = line;
            let answer = answer.await?;
            if let Some(line) = &mut line {
                line.answered(answer.status().as_u16(), answer.headers(), answer.body().is_end_stream());
            }
            Ok(answer.map(|body| Sent { body, rest: Bytes::new(), stall, line, _under_way: under_way }))
        })
    }
}

/// A body on its way out: as long as it is there, its request is under way.
pub struct Sent<B> {
    body: B,
    /// HTTP/2: what is left of a part that was too large to hand out whole.
    rest: Bytes,
    stall: Option<Stall>,
    line: Option<Box<Line>>,
    _under_way: UnderWay,
}

impl<B: Body<Data = Bytes> + Unpin> Sent<B> {
    /// The next part. Over HTTP/2 it is a small one, so that no more than that waits for a reader beside the body
    /// itself, and one who takes nothing is noticed.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.rest.is_empty() {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            if self.stall.is_none() {
                return Poll::Ready(Some(Ok(frame)));
            }
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let part = self.rest.split_to(self.rest.len().min(MAX_STREAM_BYTES));
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Sent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(stall) = &self.stall {
            stall.asked_for();
        }
        let frame = self.poll_part(cx);
        if let (Some(stall), Poll::Ready(Some(Ok(_)))) = (&self.stall, &frame) {
            stall.handed_out();
        }
        match (&mut self.line, &frame) {
            (Some(line), Poll::Ready(Some(Ok(frame)))) => line.sent(frame.data_ref().map_or(0, Bytes::len)),
            (Some(line), Poll::Ready(None)) => line.ended(),
            _ => {}
        }
        let this = &mut *self;
        if let Some(line) = this.line.as_mut().filter(|_| this.rest.is_empty() && this.body.is_end_stream()) {
            line.ended();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}
