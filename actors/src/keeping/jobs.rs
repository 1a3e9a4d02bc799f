//! Long jobs: how far they are, and how the last ones ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cluster::body::Fault;
use domain::health::{Job, JobState, JobTrouble, Jobs};

use crate::clock::wall_ms;

/// Which job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JobKind {
    Backup,
    Sweep,
}

/// Where jobs say how far they are. Nothing of it is kept beyond the process.
#[derive(Clone, Default)]
pub struct JobBoard(Arc<Mutex<Jobs>>);

/// A job that is under way; one that is dropped before its end was given up.
pub(crate) struct Running {
    board: JobBoard,
    kind: JobKind,
    has_ended: bool,
}

impl JobBoard {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the jobs stand.
    pub fn view(&self) -> Jobs {
        self.jobs().clone()
    }

    /// Begins a job, in place of the last one of its kind.
    pub(crate) fn begin(&self, kind: JobKind) -> Running {
        let job = Job {
            state: JobState::Running,
            began_ms: wall_ms(),
            ended_ms: None,
            scopes: 0,
            blobs: 0,
            bytes: 0,
            trouble: None,
        };
        *place(&mut self.jobs(), kind) = Some(job);
        Running { board: self.clone(), kind, has_ended: false }
    }
}

fn place(jobs: &mut Jobs, kind: JobKind) -> &mut Option<Job> {
    match kind {
        JobKind::Backup => &mut jobs.backup,
        JobKind::Sweep => &mut jobs.sweep,
    }
}

impl Running {
    /// Says how far it is.
    pub(crate) fn went_on(&self, change: impl FnOnce(&mut Job)) {
        if let Some(job) = place(&mut self.board.jobs(), self.kind) {
            change(job);
        }
    }

    /// Ends it.
    pub(crate) fn end(mut self, failure: Option<&Fault>) {
        self.has_ended = true;
        self.ended(failure);
    }

    fn ended(&self, failure: Option<&Fault>) {
        self.went_on(|job| {
            job.state = if failure.is_some() { JobState::Failed } else { JobState::Done };
            job.ended_ms = Some(wall_ms());
            job.trouble = failure.map(|fault| JobTrouble { code: fault.code.clone(), detail: fault.detail.clone() });
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            self.ended(Some(&Fault::new("internal", "it was given up; the log says why")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_says_how_far_it_is_and_why_it_failed() {
        let board = JobBoard::default();
        assert_eq!(board.view(), Jobs::default());
        let running = board.begin(JobKind::Backup);
        running.went_on(|job| job.bytes += 7);
        let seen = board.view().backup.unwrap();
        assert_eq!((seen.state, seen.bytes, seen.ended_ms), (JobState::Running, 7, None));
        running.end(Some(&Fault::new("store-full", "no space")));
        let seen = board.view().backup.unwrap();
        let trouble = JobTrouble { code: "store-full".to_owned(), detail: "no space".to_owned() };
        assert_eq!((seen.state, seen.trouble), (JobState::Failed, Some(trouble)));
        board.begin(JobKind::Backup).end(None);
        let seen = board.view();
        assert_eq!((seen.backup.unwrap().state, seen.sweep), (JobState::Done, None));
        drop(board.begin(JobKind::Sweep));
        assert_eq!(board.view().sweep.unwrap().state, JobState::Failed);
    }
}
