//! Requests at a steady rate, open loop: each has a moment when it is to be sent, and its time counts from then, however
//! late the client or the server was with those before it (Tene's "coordinated omission").
//!
//! Threads that block, one a connection: a runtime's timers, which tick in milliseconds, are coarser than what is
//! measured.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

/// Longer than any answer should take: a client that waits for ever would hide the worst of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked of a server.
#[derive(Clone)]
pub struct Load {
    /// Such as `127.0.0.1:41234`.
    pub address: String,
    /// Whole requests, sent in turn and from the first again.
    pub requests: Arc<Vec<Vec<u8>>>,
    /// Connections that are kept, over which they are spread.
    pub connections: usize,
    /// The status of each answer.
    pub status: u16,
}

/// How it was answered.
pub struct Answered {
    /// Microseconds from when each was to be sent, until its whole answer was there.
    pub times: Histogram<u64>,
    /// From the first one until the last answer.
    pub took: Duration,
}

impl Answered {
    /// Answers a second.
    pub fn per_s(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    /// A quantile, microseconds.
    pub fn us(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64
    }
}

impl Load {
    /// As many as each connection can have answered, one after the other, for so long.
    ///
    /// # Errors
    /// An answer of another status; what breaks on the way.
    pub fn at_most(&self, time: Duration) -> Result<Answered> {
        let began = Instant::now();
        self.run(|_| (began.elapsed() < time).then(Instant::now))
    }

    /// Each request once.
    ///
    /// # Errors
    /// As of [`Self::at_most`].
    pub fn once(&self) -> Result<Answered> {
        self.run(|nth| (nth < self.requests.len()).then(Instant::now))
    }

    /// So many a second, for so long.
    ///
    /// # Errors
    /// As of [`Self::at_most`].
    pub fn at(&self, per_s: f64, time: Duration) -> Result<Answered> {
        let (began, count) = (Instant::now(), (per_s * time.as_secs_f64()) as usize);
        self.run(|nth| (nth < count).then(|| began + Duration::from_secs_f64(nth as f64 / per_s)))
    }

    /// Sends each request at the moment that `due` names for it, until it names none.
    fn run(&self, due: impl Fn(usize) -> Option<Instant> + Sync) -> Result<Answered> {
        let (next, due, began) = (AtomicUsize::new(0), &due, Instant::now());
        let next = &next;
        let answered = std::thread::scope(|scope| {
            let connections = (0..self.connections).map(|_| scope.spawn(move || self.send(next, due)));
            let connections: Vec<_> = connections.collect();
            let ended = connections.into_iter().map(|one| one.join().map_err(|_| anyhow::anyhow!("a client panicked")));
            ended.collect::<Vec<_>>()
        });
        let took = began.elapsed();
        let mut times = Histogram::new(3)?;
        for one in answered {
            times.add(one??)?;
        }
        Ok(Answered { times, took })
    }

    fn send(&self, next: &AtomicUsize, due: impl Fn(usize) -> Option<Instant>) -> Result<Histogram<u64>> {
        let mut connection = Connection::open(&self.address)?;
        let mut times = Histogram::new(3)?;
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(due) = due(nth) else { return Ok(times) };
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (status, body) = connection.ask(&self.requests[nth % self.requests.len()])?;
            ensure!(status == self.status, "{status} {}", String::from_utf8_lossy(&body));
            times.record(due.elapsed().as_micros() as u64)?;
        }
    }
}

/// One connection, which waits for each answer.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// # Errors
    /// What the system says.
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    /// Status, head and body of an answer.
    ///
    /// # Errors
    /// What breaks on the way.
    pub fn ask(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        let (status, _, body) = self.ask_all(request)?;
        Ok((status, body))
    }

    /// Status, head and body of an answer.
    ///
    /// # Errors
    /// What breaks on the way.
    pub fn ask_all(&mut self, request: &[u8]) -> Result<(u16, String, Vec<u8>)> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let head_ends = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_ends]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no answer")?;
        let length = head.lines().filter_map(|line| line.split_once(": "));
        let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value);
        let ends = head_ends + length.next_back().map_or(Ok(0), str::parse::<usize>)?;
        while self.buffer.len() < ends {
            self.more()?;
        }
        Ok((status, head, self.buffer[head_ends..ends].to_vec()))
    }

    fn more(&mut self) -> Result<()> {
        let mut piece = [0; 8 << 10];
        let read = self.stream.read(&mut piece).context("waiting for an answer")?;
        ensure!(read > 0, "the server hung up");
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(())
    }
}

/// A request as it goes over the wire. `headers` are whole lines.
pub fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
