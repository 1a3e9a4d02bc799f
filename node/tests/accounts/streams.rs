//! Streams of a project's events, which end when whoever follows them may not any more.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a stream may go on after what ended it was answered.
pub const AT_ONCE: Duration = Duration::from_secs(1);

/// One stream, which somebody reads.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The events of the project at a path, for whom a header says, once the stream stands.
    pub fn follow(address: &str, path: &str, credential: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head =
            format!("GET {path}/events HTTP/1.1\r\nhost: {address}\r\n{credential}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while !line.contains("following") {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "it ended before it stood");
        }
        Self(reader)
    }

    /// Reads to its end, whatever comes until then: how long that takes.
    pub fn end(self) -> Duration {
        self.end_within(PATIENCE)
    }

    /// What it may not have was taken from it just now.
    pub fn ends_at_once(self) {
        self.end_within(AT_ONCE);
    }

    fn end_within(mut self, patience: Duration) -> Duration {
        let began = Instant::now();
        let mut bytes = [0; 1_024];
        while let Some(left) = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            self.0.get_ref().set_read_timeout(Some(left)).unwrap();
            match self.0.read(&mut bytes) {
                Ok(0) => return began.elapsed(),
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
        }
        panic!("the stream goes on after {patience:?}");
    }

    /// Whether it is still open, with all that came so far read.
    pub fn goes_on(&mut self) -> bool {
        self.0.get_ref().set_nonblocking(true).unwrap();
        let ended = self.0.read_to_end(&mut Vec::new());
        self.0.get_ref().set_nonblocking(false).unwrap();
        ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
