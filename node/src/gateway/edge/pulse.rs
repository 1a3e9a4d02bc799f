//! What a connection is doing, and how long it may go on doing that.
//!
//! hyper's own timeout begins with a request's header: who says nothing, half a TLS handshake or half a preface, who
//! takes nothing of an answer, and who sends one byte now and then would all be waited for. So every connection has a
//! [`Pulse`], which its socket and its requests tell what happens, and a [`Deadlined`] round it all, which ends it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Bytes that a reader who is waited for has to take within [`Patience::stall`].
const TAKEN_MIN_BYTES: u64 = 16 << 10;

/// How long a connection is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From its beginning until it is known what is spoken: TLS, then HTTP/1.1 or the whole preface of HTTP/2.
    pub opening: Duration,
    /// Until the header of a request is there: the first one from then on, each further one from its first byte on.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Until something more of an answer is taken.
    pub stall: Duration,
}

/// Why a connection, or a stream of HTTP/2, was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Nothing that could be understood came.
    Opening,
    /// No whole header came.
    Head,
    /// No further request came.
    Idle,
    /// Its answers were not taken.
    Stall,
}

/// What a connection is doing. Times are milliseconds since it began, plus one; 0 is "not".
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    patience: Patience,
    /// It is known what is spoken.
    open: AtomicBool,
    /// HTTP/2: bytes between requests say nothing of a header.
    framed: AtomicBool,
    /// A first request came.
    asked: AtomicBool,
    /// Requests whose answers did not end.
    requests: AtomicU32,
    /// Since when there is no request.
    quiet: AtomicU64,
    /// When the first byte came since then.
    begun: AtomicU64,
    /// Since when the socket takes nothing, or too little.
    blocked: AtomicU64,
    /// What it took since.
    taken: AtomicU64,
    /// Tests move the time themselves.
    #[cfg(test)]
    shown_ms: AtomicU64,
}

impl Pulse {
    /// That of a connection which begins now.
    pub fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            patience,
            open: AtomicBool::new(false),
            framed: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            quiet: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            #[cfg(test)]
            shown_ms: AtomicU64::new(0),
        })
    }

    #[cfg(not(test))]
    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    #[cfg(test)]
    fn now(&self) -> u64 {
        self.shown_ms.load(Relaxed) + 1
    }

    /// It is known what is spoken.
    pub fn opened(&self, framed: bool) {
        self.framed.store(framed, Relaxed);
        self.quiet.store(self.now(), Relaxed);
        self.begun.store(0, Relaxed);
        self.open.store(true, Relaxed);
    }

    /// Bytes came.
    pub fn heard(&self) {
        if self.requests.load(Relaxed) == 0 && self.begun.load(Relaxed) == 0 {
            self.begun.store(self.now(), Relaxed);
        }
    }

    /// The socket took `bytes` of `offered`.
    pub fn took(&self, bytes: usize, offered: usize) {
        if self.blocked.load(Relaxed) == 0 {
            return;
        }
        if bytes >= offered {
            self.blocked.store(0, Relaxed);
            // What waited for the reader did not wait for a request.
            self.quiet.store(self.now(), Relaxed);
        } else if self.taken.fetch_add(bytes as u64, Relaxed) + bytes as u64 >= TAKEN_MIN_BYTES {
            self.taken.store(0, Relaxed);
            self.blocked.store(self.now(), Relaxed);
        }
    }

    /// The socket takes nothing for now.
    pub fn blocked(&self) {
        if self.blocked.load(Relaxed) == 0 {
            self.taken.store(0, Relaxed);
            self.blocked.store(self.now(), Relaxed);
        }
    }

    /// Whether the socket takes nothing for now.
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Relaxed) != 0
    }

    /// A request began; it ends when what is given is dropped.
    pub fn request(self: &Arc<Self>) -> UnderWay {
        self.asked.store(true, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        UnderWay(self.clone())
    }

    /// When the connection is to be ended, counted from its beginning, unless something happens; and why.
    fn due(&self) -> Option<(Duration, Expired)> {
        let at = |since_ms: u64, wait: Duration| Duration::from_millis(since_ms - 1) + wait;
        let Patience { opening, head, idle, stall } = self.patience;
        if !self.open.load(Relaxed) {
            return Some((opening, Expired::Opening));
        }
        let blocked = self.blocked.load(Relaxed);
        if blocked != 0 {
            return Some((at(blocked, stall), Expired::Stall));
        }
        if self.requests.load(Relaxed) != 0 {
            return None;
        }
        let (quiet, begun) = (self.quiet.load(Relaxed).max(1), self.begun.load(Relaxed));
        if !self.asked.load(Relaxed) {
            return Some((at(quiet, head), Expired::Head));
        }
        if begun != 0 && !self.framed.load(Relaxed) {
            return Some((at(begun, head), Expired::Head));
        }
        Some((at(quiet, idle), Expired::Idle))
    }
}

/// A request that is under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let pulse = &self.0;
        if pulse.requests.fetch_sub(1, Relaxed) == 1 {
            pulse.begun.store(0, Relaxed);
            pulse.quiet.store(pulse.now(), Relaxed);
        }
    }
}

/// What has a deadline that moves.
pub trait Alive {
    /// When it is over, unless something happens, and why.
    fn deadline(&self) -> Option<(Instant, Expired)>;
}

impl Alive for Arc<Pulse> {
    fn deadline(&self) -> Option<(Instant, Expired)> {
        self.due().map(|(after, why)| (self.began + after, why))
    }
}

/// A stream of HTTP/2, which its reader may hold up while the connection goes on.
#[derive(Clone, Debug)]
pub struct Stall {
    state: Arc<StallState>,
    patience: Duration,
}

#[derive(Debug)]
struct StallState {
    began: Instant,
    since: AtomicU64,
}

impl Stall {
    /// That of a stream which is waited for so long.
    pub fn new(patience: Duration) -> Self {
        Self { state: Arc::new(StallState { began: Instant::now(), since: AtomicU64::new(0) }), patience }
    }

    /// A part of the answer was handed out, and none is asked for until it went.
    pub fn handed_out(&self) {
        self.state.since.store(self.state.began.elapsed().as_millis() as u64 + 1, Relaxed);
    }

    /// The next part is asked for.
    pub fn asked_for(&self) {
        self.state.since.store(0, Relaxed);
    }
}

impl Alive for Stall {
    fn deadline(&self) -> Option<(Instant, Expired)> {
        let since = self.state.since.load(Relaxed);
        let at = |since_ms: u64| self.state.began + Duration::from_millis(since_ms - 1) + self.patience;
        (since != 0).then(|| (at(since), Expired::Stall))
    }
}

/// A future that is dropped when its deadline has passed. There is a timer only where there is a deadline, and it is
/// set anew only when it fires or the deadline came nearer: most requests never touch it.
pub struct Deadlined<F, A> {
    inner: Option<Pin<Box<F>>>,
    alive: A,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F, A> Deadlined<F, A> {
    /// Ends `inner` by the deadline of `alive`.
    pub fn new(inner: F, alive: A) -> Self {
        Self { inner: Some(Box::pin(inner)), alive, timer: None }
    }
}

impl<F: Future, A: Alive + Unpin> Future for Deadlined<F, A> {
    type Output = Result<F::Output, Expired>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(inner) = &mut this.inner
            && let Poll::Ready(output) = inner.as_mut().poll(cx)
        {
            this.inner = None;
            return Poll::Ready(Ok(output));
        }
        loop {
            let Some((at, why)) = this.alive.deadline() else { return Poll::Pending };
            let timer = match &mut this.timer {
                Some(timer) => {
                    if at < timer.deadline() {
                        timer.as_mut().reset(at);
                    }
                    timer
                }
                None => this.timer.insert(Box::pin(tokio::time::sleep_until(at))),
            };
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.timer = None;
            if Instant::now() >= at {
                // Closed at once: whoever waits longer for the future itself must not keep the socket.
                this.inner = None;
                return Poll::Ready(Err(why));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        opening: Duration::from_secs(10),
        head: Duration::from_secs(15),
        idle: Duration::from_secs(75),
        stall: Duration::from_secs(30),
    };

    fn advance(pulse: &Pulse, seconds: u64) {
        pulse.shown_ms.fetch_add(seconds * 1_000, Relaxed);
    }

    /// How long a connection that does nothing more goes on, seconds, and why it ends.
    fn left(pulse: &Pulse) -> Option<(u64, Expired)> {
        let shown = Duration::from_millis(pulse.shown_ms.load(Relaxed));
        pulse.due().map(|(after, why)| ((after - shown).as_secs(), why))
    }

    fn open(framed: bool) -> Arc<Pulse> {
        let pulse = Pulse::new(PATIENCE);
        pulse.opened(framed);
        pulse
    }

    #[test]
    fn who_says_nothing_or_too_little_is_not_waited_for() {
        let pulse = Pulse::new(PATIENCE);
        advance(&pulse, 4);
        pulse.heard();
        assert_eq!(left(&pulse), Some((6, Expired::Opening)));
        for framed in [false, true] {
            let pulse = open(framed);
            advance(&pulse, 4);
            pulse.heard();
            assert_eq!(left(&pulse), Some((11, Expired::Head)));
        }
    }

    #[test]
    fn between_requests_there_is_time_but_not_within_a_header() {
        let pulse = open(false);
        drop(pulse.request());
        advance(&pulse, 20);
        assert_eq!(left(&pulse), Some((55, Expired::Idle)));
        pulse.heard();
        advance(&pulse, 5);
        pulse.heard();
        assert_eq!(left(&pulse), Some((10, Expired::Head)));
        let pulse = open(true);
        drop(pulse.request());
        pulse.heard();
        assert_eq!(left(&pulse), Some((75, Expired::Idle)));
    }

    #[test]
    fn a_request_may_take_as_long_as_its_answer_is_taken() {
        let pulse = open(false);
        let (one, other) = (pulse.request(), pulse.request());
        assert_eq!(left(&pulse), None);
        drop(one);
        advance(&pulse, 86_400);
        assert_eq!(left(&pulse), None);
        pulse.blocked();
        assert_eq!(left(&pulse), Some((30, Expired::Stall)));
        drop(other);
        assert_eq!(left(&pulse), Some((30, Expired::Stall)));
    }

    #[test]
    fn a_byte_now_and_then_is_not_taking_an_answer() {
        let pulse = open(false);
        let request = pulse.request();
        pulse.blocked();
        for _ in 0..3 {
            advance(&pulse, 9);
            pulse.took(1, 60_000);
            pulse.blocked();
        }
        assert_eq!(left(&pulse), Some((3, Expired::Stall)));
        pulse.took(16 << 10, 60_000);
        assert_eq!(left(&pulse), Some((30, Expired::Stall)));
        drop(request);
        advance(&pulse, 29);
        pulse.took(43_000, 43_000);
        assert_eq!(left(&pulse), Some((75, Expired::Idle)));
    }

    #[tokio::test]
    async fn what_has_a_deadline_is_dropped_by_it_and_what_has_none_is_not() {
        let stall = Stall::new(Duration::from_millis(40));
        let held = stall.clone();
        let stream = async move {
            for _ in 0..3 {
                held.handed_out();
                tokio::task::yield_now().await;
                held.asked_for();
            }
            // Longer than its patience, but nothing waits for the reader.
            tokio::time::sleep(Duration::from_millis(120)).await;
            held.handed_out();
            std::future::pending::<()>().await;
        };
        let from = Instant::now();
        assert_eq!(Deadlined::new(stream, stall.clone()).await, Err(Expired::Stall));
        assert!(from.elapsed() >= Duration::from_millis(160));
        assert_eq!(Deadlined::new(std::future::ready(7), stall).await, Ok(7));
    }
}
