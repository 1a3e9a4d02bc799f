//! How a run is shown while it goes on.

use std::io::Write;
use std::time::Duration;

use domain::book::Warning;
use domain::run::{Progress, RunState, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    event: &'a str,
    #[serde(flatten)]
    state: &'a RunState,
    #[serde(flatten)]
    progress: &'a Progress,
    /// Predicted seconds until the passages are done.
    seconds_left: Option<u64>,
}

/// Shows a run to a person (a bar on standard error) or a program (JSON lines on standard output).
pub(super) struct Shown {
    bar: ProgressBar,
    json: bool,
}

impl Shown {
    pub(super) fn new(json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{prefix:<14} {bar:32} {pos}/{len} passages  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, json }
    }

    pub(super) fn note(&self, text: &str) {
        if !self.json {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    /// Tells what was odd about the book.
    pub(super) fn warn(&self, warning: &Warning) {
        if self.json {
            let line = serde_json::json!({ "event": "warning", "code": warning.code, "detail": warning.detail });
            let _ = writeln!(std::io::stdout(), "{line}");
        } else {
            self.note(&format!("warning: {} ({})", warning.detail, warning.code));
        }
    }

    pub(super) fn show(&self, state: &RunState, progress: &Progress) {
        let seconds_left = seconds_left(progress);
        if self.json {
            let line = Line { event: "run", state, progress, seconds_left };
            if let Ok(text) = serde_json::to_string(&line) {
                // A reader that went away must not stop the analysis.
                let _ = writeln!(std::io::stdout(), "{text}");
            }
            return;
        }
        self.bar.set_length(u64::from(progress.passages_total));
        self.bar.set_position(u64::from(progress.passages_done));
        self.bar.set_prefix(name(state));
        let left = seconds_left.map(|s| format!(", {} left", duration(s))).unwrap_or_default();
        let speed =
            if progress.tokens_per_s == 0 { String::new() } else { format!("{} tokens/s", progress.tokens_per_s) };
        self.bar.set_message(format!("{speed}{left}"));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn name(state: &RunState) -> &'static str {
    match state {
        RunState::Received => "received",
        RunState::Working { stage: Stage::Reading } => "reading",
        RunState::Working { stage: Stage::Understanding } => "understanding",
        RunState::Working { stage: Stage::Composing } => "composing",
        RunState::Ready => "ready",
        RunState::Failed { .. } => "failed",
        RunState::Cancelled => "cancelled",
    }
}

fn seconds_left(progress: &Progress) -> Option<u64> {
    let left = progress.tokens_total.saturating_sub(progress.tokens_done);
    (progress.tokens_per_s > 0).then(|| left.div_ceil(u64::from(progress.tokens_per_s)))
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_once_the_speed_is_known() {
        let mut progress = Progress { tokens_total: 1_000, tokens_done: 100, ..Progress::default() };
        assert_eq!(seconds_left(&progress), None);
        progress.tokens_per_s = 200;
        assert_eq!(seconds_left(&progress), Some(5));
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(125), "2 min 5 s");
    }
}
