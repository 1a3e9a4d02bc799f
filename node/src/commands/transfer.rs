//! How a backup is shown while it is made, checked or restored.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less than this is not shown; nor is anything more often.
const EVERY: Duration = Duration::from_secs(1);

/// Shows bytes to a person (standard error) or a program (JSON lines on standard output).
pub(super) struct Shown {
    bar: ProgressBar,
    json: bool,
    what: &'static str,
    began: Instant,
    last: std::cell::Cell<Instant>,
}

impl Shown {
    pub(super) fn new(json: bool, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
        let style = ProgressStyle::with_template("{prefix:<10} {spinner} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let began = Instant::now();
        Self { bar, json, what, began, last: std::cell::Cell::new(began) }
    }

    /// Says that so many bytes are done.
    pub(super) fn at(&self, step: &'static str, bytes: u64, total: Option<u64>) {
        if self.last.get().elapsed() < EVERY {
            return;
        }
        self.last.set(Instant::now());
        if self.json {
            let line = serde_json::json!({ "event": self.what, "step": step, "bytes": bytes, "total": total });
            let _ = writeln!(std::io::stdout(), "{line}");
            return;
        }
        let speed = (bytes as f64 / self.began.elapsed().as_secs_f64().max(1e-3)) as u64;
        let of = total.map(|total| format!(" of {}", HumanBytes(total))).unwrap_or_default();
        self.bar.set_prefix(step);
        self.bar.set_message(format!("{}{of}, {}/s", HumanBytes(bytes), HumanBytes(speed)));
        self.bar.tick();
    }

    /// Says to a person how far something is.
    pub(super) fn says(&self, step: &'static str, message: String) {
        self.bar.set_prefix(step);
        self.bar.set_message(message);
        self.bar.tick();
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
