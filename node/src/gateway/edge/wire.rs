//! The socket of a connection: tells the connection's pulse what it does, and holds the connection's place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::places::Place;
use super::pulse::Pulse;

/// What a client says first that speaks HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A socket that is looked at. The place is given back with it, also where it goes on as a WebSocket.
pub struct Wire {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    _place: Place,
}

impl Wire {
    /// Looks at a socket.
    pub fn new(stream: TcpStream, pulse: Arc<Pulse>, place: Place) -> Self {
        Self { stream, pulse, _place: place }
    }

    fn written(&self, came: Poll<io::Result<usize>>, offered: usize) -> Poll<io::Result<usize>> {
        match &came {
            Poll::Pending => self.pulse.blocked(),
            Poll::Ready(Ok(bytes)) => self.pulse.took(*bytes, offered),
            Poll::Ready(Err(_)) => {}
        }
        came
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // What a reader did not take for so long is not kept for it by the system either.
        if self.pulse.is_blocked() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let came = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.heard();
        }
        came
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let came = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(came, buf.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        let came = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(came, offered)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/1.1, or something that it will refuse.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Listens until it is clear what is spoken; what was heard is not lost.
///
/// # Errors
/// What the socket says; [`io::ErrorKind::UnexpectedEof`] where the other end left before it was clear.
pub async fn listen<T: AsyncRead + Unpin>(mut stream: T) -> io::Result<(Spoken, Heard<T>)> {
    let mut first = [0; PREFACE.len()];
    let mut filled = 0;
    let spoken = loop {
        let read = stream.read(&mut first[filled..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        if first[..filled] != PREFACE[..filled] {
            break Spoken::Http1;
        }
        if filled == PREFACE.len() {
            break Spoken::Http2;
        }
    };
    Ok((spoken, Heard { first: Bytes::copy_from_slice(&first[..filled]), stream }))
}

/// A stream of which the beginning was read already.
pub struct Heard<T> {
    first: Bytes,
    stream: T,
}

impl<T: AsyncRead + Unpin> AsyncRead for Heard<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.first.len().min(buf.remaining());
        buf.put_slice(&self.first[..count]);
        self.first.advance(count);
        if self.first.is_empty() {
            // Its memory is let go.
            self.first = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// What is heard of `parts`, each sent by itself, and all that is read afterwards.
    async fn heard(parts: &[&[u8]]) -> io::Result<(Spoken, Vec<u8>)> {
        let (mut client, server) = tokio::io::duplex(256);
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        tokio::spawn(async move {
            for part in parts {
                client.write_all(&part).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let (spoken, mut stream) = listen(server).await?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await?;
        Ok((spoken, all))
    }

    #[tokio::test]
    async fn what_is_spoken_is_heard_and_nothing_of_it_lost() {
        let get = b"GET / HTTP/1.1\r\n\r\n".as_slice();
        assert_eq!(heard(&[get]).await.unwrap(), (Spoken::Http1, get.to_vec()));
        let put = [b"P".as_slice(), b"UT / HTTP/1.1\r\n\r\n"];
        assert_eq!(heard(&put).await.unwrap(), (Spoken::Http1, put.concat()));
        let two = [&PREFACE[..5], &PREFACE[5..], b"\0\0\0\x04"];
        assert_eq!(heard(&two).await.unwrap(), (Spoken::Http2, two.concat()));
    }

    #[tokio::test]
    async fn who_leaves_within_the_preface_has_said_nothing() {
        for cut in [0, 1, PREFACE.len() - 1] {
            let error = heard(&[&PREFACE[..cut]]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
    }
}
