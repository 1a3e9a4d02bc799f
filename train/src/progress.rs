//! How far it is, on standard error, every few seconds.

use std::time::{Duration, Instant};

/// How often a line is shown.
const EVERY: Duration = Duration::from_secs(15);

/// One piece of work.
pub struct Progress {
    what: String,
    total: usize,
    done: usize,
    began: Instant,
    shown: Instant,
}

impl Progress {
    /// Work of `total` tokens.
    pub fn new(what: &str, total: usize) -> Self {
        let now = Instant::now();
        Self { what: what.to_owned(), total, done: 0, began: now, shown: now }
    }

    /// So many more are done.
    pub fn advance(&mut self, tokens: usize) {
        self.done += tokens;
        if self.shown.elapsed() >= EVERY {
            self.note("");
        }
    }

    /// Shows a line now.
    pub fn note(&mut self, more: &str) {
        self.shown = Instant::now();
        let seconds = self.began.elapsed().as_secs_f64();
        let speed = self.done as f64 / seconds.max(1e-9);
        let left = (self.total.saturating_sub(self.done)) as f64 / speed.max(1e-9);
        let share = 100.0 * self.done as f64 / self.total.max(1) as f64;
        eprintln!("{}: {share:.0} %, {speed:.0} tokens/s, {left:.0} s left{more}", self.what);
    }
}
