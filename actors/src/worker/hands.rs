//! What a worker has in its hands: the batches that it runs and has staged, and its last answers.
//!
//! An answer may be given while nobody leads, or to a leader that is gone before it passed it on. A leader never has a
//! worker hold more batches than it has credits, so of those answered last only as many can be unheard as there are
//! credits not in use; these are kept, for a leader that follows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cluster::body::runs::ModelRef;
use cluster::body::workers::{BatchDone, BatchGroup, BatchLease, HeldWork, RunBatch};
use domain::id::Term;

use super::CREDITS;

/// Coordinators hand in again after 5 s what brought no result: an older answer is of no use to anybody.
const ANSWER_OF_USE: Duration = Duration::from_secs(5);

/// One batch.
struct InHand {
    lease: BatchLease,
    model: ModelRef,
    padded_len: u32,
    groups: Vec<BatchGroup>,
    answer: Option<(Instant, BatchDone)>,
}

impl InHand {
    fn is_of_use(&self) -> bool {
        self.answer.as_ref().is_none_or(|(at, _)| at.elapsed() < ANSWER_OF_USE)
    }
}

/// The batches, in the order in which they were given.
#[derive(Default)]
pub(super) struct Hands {
    batches: VecDeque<InHand>,
    /// The model is loaded: before, there is nothing to offer.
    presentable: bool,
}

impl Hands {
    pub(super) fn may_be_presented(&mut self) {
        self.presentable = true;
    }

    pub(super) fn took(&mut self, batch: &RunBatch) {
        let (lease, model, groups) = (batch.lease, batch.model, batch.groups.clone());
        self.batches.push_back(InHand { lease, model, padded_len: 0, groups, answer: None });
        self.forget_heard();
    }

    pub(super) fn padded_to(&mut self, lease: BatchLease, padded_len: u32) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.lease == lease) {
            batch.padded_len = padded_len;
        }
    }

    pub(super) fn answered(&mut self, done: &BatchDone) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.lease == done.lease) {
            batch.answer = Some((Instant::now(), done.clone()));
        }
        self.forget_heard();
    }

    pub(super) fn gave_back(&mut self, lease: BatchLease) {
        self.batches.retain(|batch| batch.lease != lease);
    }

    fn forget_heard(&mut self) {
        while self.batches.len() > CREDITS {
            let oldest = self.batches.iter().position(|batch| batch.answer.is_some());
            let Some(oldest) = oldest else { return };
            self.batches.remove(oldest);
        }
    }

    /// Leases of what runs and what is staged.
    pub(super) fn running(&self) -> Vec<BatchLease> {
        self.batches.iter().filter(|batch| batch.answer.is_none()).map(|batch| batch.lease).collect()
    }

    /// What a leader of this term may have to take over; `None` while there is nothing to offer anyway.
    pub(super) fn held_for(&self, leader: Term) -> Option<Vec<HeldWork>> {
        let unheard = |batch: &&InHand| batch.answer.is_none() || batch.lease.term < leader && batch.is_of_use();
        let work = |batch: &InHand| HeldWork {
            lease: batch.lease,
            model: batch.model,
            padded_len: batch.padded_len,
            groups: batch.groups.clone(),
        };
        self.presentable.then(|| self.batches.iter().filter(unheard).map(work).collect())
    }

    /// Answers that earlier leaders may not have heard or passed on.
    pub(super) fn answered_before(&self, leader: Term) -> Vec<BatchDone> {
        let earlier = self.batches.iter().filter(|batch| batch.lease.term < leader && batch.is_of_use());
        earlier.filter_map(|batch| batch.answer.as_ref().map(|(_, done)| done.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{Digest, WorkerId};
    use domain::manifest::NumericProfile;

    use super::*;

    const FIRST: Term = Term { incarnation: 1, n: 1 };
    const SECOND: Term = Term { incarnation: 1, n: 2 };

    fn model() -> ModelRef {
        ModelRef { digest: Digest([1; 32]), profile: NumericProfile::Double }
    }

    fn lease(batch: u64) -> BatchLease {
        BatchLease { batch, attempt: 1, term: FIRST, epoch: 1 }
    }

    fn take(hands: &mut Hands, batch: u64) {
        hands.took(&RunBatch { lease: lease(batch), model: model(), groups: Vec::new() });
    }

    fn answer(hands: &mut Hands, batch: u64) {
        hands.answered(&BatchDone { worker: WorkerId(1), lease: lease(batch), elapsed_us: 1, groups: Vec::new() });
    }

    fn held(hands: &Hands, leader: Term) -> Vec<u64> {
        hands.held_for(leader).unwrap().iter().map(|work| work.lease.batch).collect()
    }

    #[test]
    fn an_answer_is_kept_until_it_must_have_been_heard() {
        let mut hands = Hands::default();
        hands.may_be_presented();
        take(&mut hands, 1);
        take(&mut hands, 2);
        answer(&mut hands, 1);
        assert_eq!(held(&hands, SECOND), [1, 2], "the leader may have gone before it heard of the first");
        assert_eq!(hands.answered_before(SECOND).len(), 1);
        // It gave a third one for two credits: so it had heard.
        take(&mut hands, 3);
        assert_eq!(held(&hands, SECOND), [2, 3]);
        assert_eq!(hands.running(), [lease(2), lease(3)]);
    }

    #[test]
    fn the_leader_that_was_answered_is_not_told_again() {
        let mut hands = Hands::default();
        hands.may_be_presented();
        take(&mut hands, 1);
        answer(&mut hands, 1);
        assert!(held(&hands, FIRST).is_empty());
        assert!(hands.answered_before(FIRST).is_empty());
    }

    #[test]
    fn what_was_given_back_is_in_nobodys_hands() {
        let mut hands = Hands::default();
        hands.may_be_presented();
        take(&mut hands, 1);
        hands.gave_back(lease(1));
        assert!(held(&hands, SECOND).is_empty());
    }

    #[test]
    fn without_a_model_there_is_nothing_to_present() {
        assert!(Hands::default().held_for(SECOND).is_none());
    }
}
