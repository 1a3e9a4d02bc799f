//! A trace of what the core is told, for replaying it anywhere. See [`scheduler::trace`].

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use domain::id::Term;
use scheduler::trace::{Recorder, TraceError};
use scheduler::{Action, Event, State};

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// Each term's trace stands beside it, the term behind its name.
    pub path: PathBuf,
    /// Largest trace of one term; what comes later is not recorded.
    pub max_bytes: u64,
}

impl TraceSettings {
    /// The file of one term: `NAME.INCARNATION-N`.
    pub fn file_of(&self, term: Term) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}.{}-{}", term.incarnation, term.n))
    }
}

/// A trace under way. One that can't be written ends there, and the scheduling goes on.
pub(super) struct Recording {
    recorder: Option<Recorder<BufWriter<File>>>,
    path: PathBuf,
}

impl Recording {
    pub(super) fn begin(settings: &TraceSettings, core: &State) -> Option<Self> {
        let path = settings.file_of(core.term());
        let begin = |path: &Path| Recorder::begin(BufWriter::new(File::create(path)?), core, settings.max_bytes);
        match begin(&path) {
            Ok(recorder) => {
                tracing::info!(path = %path.display(), "recording what the scheduler is told");
                Some(Self { recorder: Some(recorder), path })
            }
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "no trace is recorded");
                None
            }
        }
    }

    pub(super) fn event(&mut self, now_ms: u64, event: &Event) {
        self.with(|recorder| recorder.event(now_ms, event));
    }

    pub(super) fn acted(&mut self, actions: &[Action]) {
        self.with(|recorder| recorder.acted(actions));
    }

    fn with(&mut self, write: impl FnOnce(&mut Recorder<BufWriter<File>>) -> Result<(), TraceError>) {
        if let Some(recorder) = &mut self.recorder
            && let Err(error) = write(recorder)
        {
            tracing::error!(%error, path = %self.path.display(), "the trace ends here");
            self.recorder = None;
        }
    }

    pub(super) fn finish(self) {
        if let Some(Err(error)) = self.recorder.map(Recorder::finish) {
            tracing::error!(%error, path = %self.path.display(), "the trace lacks its end");
        }
    }
}
