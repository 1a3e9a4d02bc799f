//! What was recorded on a node replays as it was, and says so where it doesn't.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod support;

use scheduler::trace::{Recorder, TraceError, replay};
use scheduler::{Action, Config, Event, State, step};
use support::{TERM, bulk, ready, run};

/// Two workers run three hundred items of three tenants.
fn recorded(max_bytes: u64) -> (Vec<u8>, Vec<Action>) {
    let mut state = State::new(Config::default(), TERM);
    let mut recorder = Recorder::begin(Vec::new(), &state, max_bytes).unwrap();
    let items = (0..300).map(|n| bulk(n, n % 3, 20 + (n as u32 * 37) % 400)).collect();
    let mut events = std::collections::VecDeque::from([
        Event::Submit { run: run(1), term: TERM, items },
        ready(1, 1, 2),
        ready(2, 1, 2),
        Event::Tick,
    ]);
    let (mut now_ms, mut all, mut actions) = (1_000, Vec::new(), Vec::new());
    while let Some(event) = events.pop_front() {
        now_ms += 7;
        recorder.event(now_ms, &event).unwrap();
        step(&mut state, event, now_ms, &mut actions);
        recorder.acted(&actions).unwrap();
        for action in &actions {
            if let Action::Run { worker, lease, .. } = action {
                events.push_back(Event::BatchDone { worker: *worker, lease: *lease, elapsed_us: 40_000 });
            }
        }
        all.append(&mut actions);
    }
    (recorder.finish().unwrap(), all)
}

#[test]
fn a_trace_replays_to_the_same_actions() {
    let (bytes, actions) = recorded(u64::MAX);
    let mut again = Vec::new();
    let replayed = replay(bytes.as_slice(), |_, _, actions| again.extend_from_slice(actions)).unwrap();
    assert_eq!(again, actions);
    assert_eq!(replayed.actions, actions.len() as u64);
    assert_eq!(replayed.state.snapshot().totals.completed, 300);
    assert!(replayed.checks >= 1 && !replayed.cut_off);
}

#[test]
fn a_trace_of_a_node_that_died_counts_up_to_its_last_whole_record() {
    let (bytes, _) = recorded(u64::MAX);
    let whole = replay(bytes.as_slice(), |_, _, _| {}).unwrap().events;
    let replayed = replay(&bytes[..bytes.len() - 40], |_, _, _| {}).unwrap();
    assert!(replayed.cut_off && replayed.events < whole);
}

#[test]
fn actions_other_than_the_recorded_ones_are_noticed_at_the_next_check() {
    let (mut bytes, _) = recorded(u64::MAX);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let error = replay(bytes.as_slice(), |_, _, _| {}).unwrap_err();
    assert!(matches!(error, TraceError::Diverged { .. }), "{error}");
}

#[test]
fn what_is_no_trace_is_refused() {
    for bytes in [&b""[..], b"VISITRC", b"PK\x03\x04 a book", b"VISITRC2\xff\xff\xff\xff", b"VISITRC2\x01\0\0\0\0"] {
        let error = replay(bytes, |_, _, _| {}).unwrap_err();
        assert_eq!(error.code(), "trace.malformed", "{error}");
    }
}

#[test]
fn a_recording_stops_at_its_bound() {
    let (whole, actions) = recorded(u64::MAX);
    let bound = whole.len() - 200;
    let (bytes, _) = recorded(bound as u64);
    assert!(bytes.len() <= bound + 8, "the magic bytes come on top");
    let replayed = replay(bytes.as_slice(), |_, _, _| {}).unwrap();
    assert!(replayed.actions < actions.len() as u64 && !replayed.cut_off);
}
