//! Which projects' logs grew lately: for those who follow many.
//!
//! A bounded memory of the last rings, numbered. Whoever was away for longer than it reaches, or speaks of another life
//! of this core, is told that nothing is known, and looks at every log: the logs say what happened, never this.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use cluster::body::follow::RingMark;
use domain::id::ProjectId;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Rings that are remembered.
const REMEMBERED: usize = 4_096;

/// The rings of one core.
#[derive(Clone)]
pub struct Rings(Arc<Inner>);

struct Inner {
    life: u128,
    last: Mutex<VecDeque<ProjectId>>,
    /// How many there ever were.
    count: watch::Sender<u64>,
}

impl Default for Rings {
    fn default() -> Self {
        let life = uuid::Uuid::new_v4().as_u128();
        Self(Arc::new(Inner { life, last: Mutex::default(), count: watch::channel(0).0 }))
    }
}

impl Rings {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<ProjectId>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A project's log may have grown.
    pub fn ring(&self, project: ProjectId) {
        let mut last = self.lock();
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back(project);
        // Within the lock, so that count and memory belong together for whoever reads both.
        self.0.count.send_modify(|count| *count += 1);
    }

    /// Where the memory stands.
    pub fn mark(&self) -> RingMark {
        RingMark { life: self.0.life, count: *self.0.count.borrow() }
    }

    /// The projects that rang since a mark, each once; `None` where that is not known.
    pub fn since(&self, mark: RingMark) -> Option<BTreeSet<ProjectId>> {
        let last = self.lock();
        let missed = self.0.count.borrow().checked_sub(mark.count)?;
        if mark.life != self.0.life || missed > last.len() as u64 {
            return None;
        }
        Some(last.iter().rev().take(missed as usize).copied().collect())
    }

    /// Returns at the first ring after a mark, or at `until`.
    pub async fn wait(&self, mark: RingMark, until: Instant) {
        let mut count = self.0.count.subscribe();
        let _ = timeout_at(until, count.wait_for(|count| *count != mark.count)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_is_told_who_rang_or_that_nobody_remembers() {
        let rings = Rings::default();
        let begin = rings.mark();
        assert_eq!(rings.since(begin), Some(BTreeSet::new()));
        for project in [3, 1, 3] {
            rings.ring(ProjectId(project));
        }
        assert_eq!(rings.since(begin), Some(BTreeSet::from([ProjectId(1), ProjectId(3)])));
        let middle = rings.mark();
        rings.ring(ProjectId(9));
        assert_eq!(rings.since(middle), Some(BTreeSet::from([ProjectId(9)])));
        for project in 0..REMEMBERED as u128 {
            rings.ring(ProjectId(project));
        }
        assert_eq!(rings.since(middle), None, "too long ago");
        assert_eq!(rings.since(Rings::default().mark()), None, "another life");
        assert_eq!(rings.since(RingMark { count: u64::MAX, ..rings.mark() }), None, "the future");
    }

    #[tokio::test]
    async fn a_wait_ends_with_a_ring_that_came_before_it_began() {
        let rings = Rings::default();
        let (mark, begun) = (rings.mark(), Instant::now());
        rings.ring(ProjectId(1));
        rings.wait(mark, begun + std::time::Duration::from_secs(60)).await;
        assert!(begun.elapsed() < std::time::Duration::from_secs(30));
        let until = Instant::now() + std::time::Duration::from_millis(20);
        rings.wait(rings.mark(), until).await;
        assert!(Instant::now() >= until);
    }
}
