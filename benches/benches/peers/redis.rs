//! A Redis server of our own, on a free port, that keeps nothing.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const START: Duration = Duration::from_secs(10);

/// A running server; ended when dropped.
pub struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// Starts one and waits until it listens.
    pub fn start() -> Result<Self> {
        // Free now; should another take it meanwhile, the server says so by ending.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server can't be started (on Debian: apt-get install redis-server)")?;
        let mut redis = Self { process, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = redis.process.try_wait()? {
                bail!("redis-server ended at once: {status}");
            }
            if began.elapsed() > START {
                bail!("redis-server does not listen");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
