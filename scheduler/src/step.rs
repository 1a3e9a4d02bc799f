//! The one door: an event comes in, actions come out.

use crate::event::{Action, Event};
use crate::fleet::Life;
use crate::invariants;
use crate::state::State;

/// Takes one event and appends to `actions` what is to be done, in order.
///
/// `now_ms` is a monotonic clock of the shell's; a value that goes back counts as the latest one seen. The same state,
/// event and time always give the same actions. O(log n) in what is queued for each item that moves; one batch is
/// formed in time linear in its items. `actions` is not cleared, so that a shell can reuse it.
pub fn step(state: &mut State, event: Event, now_ms: u64, actions: &mut Vec<Action>) {
    state.now_ms = state.now_ms.max(now_ms);
    state.wake_workers();
    state.end_pauses();
    state.find_late();
    state.unpark();
    state.expire_leases(actions);
    state.expire_deadlines(actions);
    state.end_collection();
    match event {
        Event::Submit { run, term, items } => state.submit(run, term, items, actions),
        Event::TakeOver { past } => state.take_over(past),
        Event::WorkerReady { worker, node, epoch, credits, models, free_memory_bytes, held } => {
            let life = Life { worker, node, epoch };
            state.worker_ready(life, credits, &models, free_memory_bytes, held, actions);
        }
        Event::BatchDone { worker, lease, elapsed_us } => state.batch_done(worker, lease, elapsed_us, actions),
        Event::BatchFailed { worker, lease, failure } => state.batch_failed(worker, lease, failure, actions),
        Event::WorkerLost { worker, epoch } => state.worker_lost(worker, epoch, actions),
        Event::CancelRun { run, term } => state.cancel_run(run, term, actions),
        Event::SetWeight { tenant, weight } => state.set_weight(tenant, weight),
        Event::SetLimit { tenant, device_ms_per_s } => state.set_limit(tenant, device_ms_per_s),
        Event::Drain { worker } => state.drain(worker, actions),
        Event::Tick => {}
    }
    state.dispatch(actions);
    debug_assert!(invariants::check_sums(state).is_ok(), "{:?}", invariants::check_sums(state));
}
