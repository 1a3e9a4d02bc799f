//! HTTP/1.1 as plainly as it can be spoken, so that the client costs next to nothing.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection that is kept.
pub struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
}

/// An answer.
pub struct Answer {
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Connection {
    /// # Errors
    /// What the system says.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting")?;
        stream.set_nodelay(true)?;
        // Small: there may be ten thousand of them.
        Ok(Self { stream: BufReader::with_capacity(1_024, stream), address: address.to_owned() })
    }

    /// Sends a request and reads the head of its answer: status, location, length where one is told.
    async fn begin(
        &mut self,
        request: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, Option<String>, Option<usize>)> {
        let length = body.len();
        let head = format!("{request} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n{headers}\r\n", self.address);
        self.stream.get_mut().write_all(head.as_bytes()).await?;
        self.stream.get_mut().write_all(body).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no answer")?;
        let (mut location, mut length) = (None, None);
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("location") => location = Some(value.to_owned()),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = Some(value.parse()?),
                Some(_) => {}
                None => return Ok((status, location, length)),
            }
        }
    }

    /// A request and its answer, which must be a success.
    ///
    /// # Errors
    /// Any other answer, and what breaks on the way.
    pub async fn ask(&mut self, request: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        let (status, location, length) = self.begin(request, headers, body).await?;
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).await?;
        ensure!((200..300).contains(&status), "{request}: {status} {}", String::from_utf8_lossy(&body));
        Ok(Answer { location, body })
    }

    /// Opens a stream of events and waits for its first line.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub async fn follow(&mut self, path: &str) -> Result<()> {
        let (status, ..) = self.begin(&format!("GET {path}"), "", &[]).await?;
        ensure!(status == 200, "GET {path}: {status}");
        self.until(":").await
    }

    /// Reads lines until one begins so.
    ///
    /// # Errors
    /// If the stream ends before.
    pub async fn until(&mut self, start: &str) -> Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line).await? > 0, "the stream ended");
            if line.starts_with(start) {
                return Ok(());
            }
        }
    }
}
