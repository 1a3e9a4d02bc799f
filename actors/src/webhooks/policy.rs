//! Pauses, giving up, and what an attempt makes of a webhook's row. Pure: times and chance are handed in.

use std::time::Duration;

use domain::id::{ProjectId, RunId};
use domain::run::{RunEvent, RunState};
use domain::webhook::{Delivery, OffReason, WEBHOOK_LOG_MAX, WebhookEvent, WebhookEvents};
use store::rows::{PendingEvent, WebhookMark, WebhookRow};

use crate::clock::ms;

/// The status that says that there will be nothing any more.
const GONE: u16 = 410;

/// How patient a node is with other people's servers.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// A webhook that failed for so long is switched off.
    pub give_up_after: Duration,
    /// An attempt that was begun is over by then, whatever became of it.
    pub attempt: Duration,
}

impl Policy {
    /// The pause after so many attempts: half of it fixed, half by chance, so that many that failed together do not
    /// come back together.
    pub fn pause_ms(&self, attempts: u32, chance: u64) -> u64 {
        let doubled = ms(self.first_pause).saturating_mul(1 << attempts.saturating_sub(1).min(32));
        let whole = doubled.min(ms(self.longest_pause)).max(1);
        whole / 2 + chance % (whole.div_ceil(2) + 1)
    }

    /// Begins an attempt at an event.
    pub fn claim(&self, row: &mut WebhookRow, project: ProjectId, seq: u64, now_ms: u64) -> PendingEvent {
        let known = row.pending.filter(|pending| (pending.project, pending.seq) == (project, seq));
        let before = known.unwrap_or(PendingEvent { project, seq, first_ms: now_ms, attempts: 0, not_before_ms: 0 });
        let not_before_ms = now_ms.saturating_add(ms(self.attempt));
        let claimed = PendingEvent { attempts: before.attempts.saturating_add(1), not_before_ms, ..before };
        row.pending = Some(claimed);
        claimed
    }

    /// Writes down what became of an attempt. Says whether the event was delivered; an attempt that is not the row's
    /// any more only goes into its log.
    pub fn record(&self, row: &mut WebhookRow, claimed: PendingEvent, attempt: Delivery, chance: u64) -> bool {
        let now_ms = attempt.at_ms.saturating_add(u64::from(attempt.took_ms));
        let (status, ended) = (attempt.status, row.pending == Some(claimed));
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        row.log.insert(0, attempt);
        row.log.truncate(WEBHOOK_LOG_MAX);
        if !ended {
            return false;
        }
        if delivered {
            (row.pending, row.failing_since_ms) = (None, None);
            return true;
        }
        let since_ms = *row.failing_since_ms.get_or_insert(now_ms);
        let not_before_ms = now_ms.saturating_add(self.pause_ms(claimed.attempts, chance));
        row.pending = Some(PendingEvent { not_before_ms, ..claimed });
        if status == Some(GONE) {
            row.off = row.off.or(Some((now_ms, OffReason::Gone)));
        } else if now_ms.saturating_sub(since_ms) >= ms(self.give_up_after) {
            row.off = row.off.or(Some((now_ms, OffReason::Failing)));
        }
        false
    }
}

/// A number for a state, by which a change is told from progress.
fn state_number(state: &RunState) -> u8 {
    match state {
        RunState::Received => 0,
        RunState::Working { stage } => 1 + *stage as u8,
        RunState::Ready => 100,
        RunState::Failed { .. } => 101,
        RunState::Cancelled => 102,
    }
}

/// The mark behind an event.
pub fn mark_after(event: &RunEvent) -> WebhookMark {
    WebhookMark { seq: event.seq, last: Some((event.run, state_number(&event.state))) }
}

/// Whether an event is told, after those up to a mark.
pub fn is_told(events: WebhookEvents, mark: WebhookMark, event: &RunEvent) -> bool {
    let says_more = |last: (RunId, u8)| last != (event.run, state_number(&event.state));
    events == WebhookEvents::All || mark.last.is_none_or(says_more)
}

/// The type of an event, after those up to a mark.
pub fn kind_of(mark: WebhookMark, event: &RunEvent) -> &'static str {
    match is_told(WebhookEvents::States, mark, event) {
        true => WebhookEvent::kind_of(&event.state),
        false => "run.progress",
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{TenantId, WebhookId};
    use domain::run::{Progress, Stage};
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy {
        first_pause: Duration::from_secs(5),
        longest_pause: Duration::from_secs(3_600),
        give_up_after: Duration::from_secs(3 * 86_400),
        attempt: Duration::from_secs(15),
    };
    const PROJECT: ProjectId = ProjectId(2);

    fn row() -> WebhookRow {
        WebhookRow {
            tenant: TenantId(1),
            webhook: WebhookId(1),
            version: 1,
            url: "https://example.org/".into(),
            projects: None,
            events: WebhookEvents::States,
            created_ms: 0,
            off: None,
            failing_since_ms: None,
            pending: None,
            log: Vec::new(),
        }
    }

    fn attempt(at_ms: u64, status: Option<u16>) -> Delivery {
        Delivery { event: "e".into(), kind: "k".into(), at_ms, attempt: 1, took_ms: 0, status, problem: None }
    }

    fn event(seq: u64, state: RunState) -> RunEvent {
        RunEvent { seq, project: PROJECT, run: RunId(3), state, progress: Progress::default() }
    }

    #[test]
    fn a_delivery_forgets_what_failed_before_it() {
        let mut row = row();
        let first = POLICY.claim(&mut row, PROJECT, 4, 1_000);
        assert!(!POLICY.record(&mut row, first, attempt(1_000, Some(500)), 0));
        assert_eq!((row.failing_since_ms, row.pending.unwrap().not_before_ms), (Some(1_000), 1_000 + 2_500));
        let second = POLICY.claim(&mut row, PROJECT, 4, 4_000);
        assert_eq!((second.attempts, second.first_ms, second.not_before_ms), (2, 1_000, 19_000));
        assert!(POLICY.record(&mut row, second, attempt(4_000, Some(204)), 0));
        assert_eq!((row.failing_since_ms, row.pending, row.off), (None, None, None));
        assert_eq!(row.log.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(204), Some(500)]);
    }

    #[test]
    fn an_address_that_is_gone_is_left_at_once_and_one_that_fails_after_three_days() {
        let mut gone = row();
        let claimed = POLICY.claim(&mut gone, PROJECT, 1, 10);
        POLICY.record(&mut gone, claimed, attempt(10, Some(410)), 0);
        assert_eq!(gone.off, Some((10, OffReason::Gone)));
        let (mut failing, day) = (row(), 86_400_000);
        for at_ms in [0, day, 2 * day, 3 * day - 1] {
            let claimed = POLICY.claim(&mut failing, PROJECT, 1, at_ms);
            POLICY.record(&mut failing, claimed, attempt(at_ms, None), 0);
            assert_eq!(failing.off, None, "{at_ms}");
        }
        let claimed = POLICY.claim(&mut failing, PROJECT, 1, 3 * day);
        POLICY.record(&mut failing, claimed, attempt(3 * day, Some(302)), 0);
        assert_eq!(failing.off, Some((3 * day, OffReason::Failing)));
    }

    #[test]
    fn an_attempt_that_came_too_late_moves_nothing() {
        let mut row = row();
        let late = POLICY.claim(&mut row, PROJECT, 1, 0);
        let other = POLICY.claim(&mut row, PROJECT, 1, 20_000);
        assert!(!POLICY.record(&mut row, late, attempt(0, Some(204)), 0));
        assert_eq!((row.pending, row.log.len()), (Some(other), 1));
    }

    #[test]
    fn states_are_told_once_and_progress_to_who_wants_it() {
        let working = RunState::Working { stage: Stage::Understanding };
        let first = event(1, working.clone());
        let mark = mark_after(&first);
        let second = event(2, working);
        assert!(is_told(WebhookEvents::States, WebhookMark::default(), &first));
        assert!(!is_told(WebhookEvents::States, mark, &second));
        assert!(is_told(WebhookEvents::All, mark, &second));
        assert_eq!(kind_of(mark, &second), "run.progress");
        assert_eq!(kind_of(mark, &event(3, RunState::Ready)), "run.ready");
        let other_run = RunEvent { run: RunId(9), ..second };
        assert!(is_told(WebhookEvents::States, mark, &other_run));
    }

    proptest! {
        #[test]
        fn pauses_grow_and_stay_within_their_bounds(attempts in 1_u32..1_000, chance: u64) {
            let pause = POLICY.pause_ms(attempts, chance);
            let whole = (5_000_u64 << attempts.min(20).saturating_sub(1)).min(3_600_000);
            prop_assert!(pause >= whole / 2 && pause <= whole + 1, "{pause} of {whole}");
        }

        #[test]
        fn a_row_remembers_no_more_than_it_may(statuses in prop::collection::vec(prop::option::of(100_u16..600), 0..60)) {
            let mut row = row();
            for (at, status) in (0..).zip(&statuses) {
                let claimed = POLICY.claim(&mut row, PROJECT, 1, at);
                POLICY.record(&mut row, claimed, attempt(at, *status), 0);
                prop_assert!(row.check().is_ok());
            }
            prop_assert_eq!(row.log.len(), statuses.len().min(WEBHOOK_LOG_MAX));
        }
    }
}
