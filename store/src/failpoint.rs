//! Places where a test kills the process, to see what a power cut at that very place leaves.
//!
//! [`pass`] stands right after each step that changes what a crash leaves behind, here and in the actors that call
//! the ports. It does nothing without the feature `failpoints`, which no release build can have. With it, a process
//! whose environment names a point kills itself the n-th time that it passes there. A name that is not in the list
//! can't be passed in a debug build, so no write comes in that no test kills.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("failpoints are for tests: a release build can't have them");

/// Names the point at which the process is to kill itself.
pub const POINT_VARIABLE: &str = "VISIOBOOK_FAILPOINT";
/// Says the how manieth time; the first unless it is set.
pub const NTH_VARIABLE: &str = "VISIOBOOK_FAILPOINT_NTH";

/// Writes of records. Each is two points: just before its transaction commits, and just after.
pub const WRITES: &[&str] = &[
    "adding a project",
    "updating a project",
    "removing a project",
    "adding a run",
    "updating a run",
    "removing a run",
    "trimming an outbox",
    "appending an edit",
    "appending to an event log",
    "removing an event log",
    "adding an upload",
    "updating an upload",
    "removing an upload",
    "taking a lease",
    "renewing a lease",
    "releasing a lease",
    "putting an intent",
    "removing an intent",
    "adding a webhook",
    "updating a webhook",
    "removing a webhook",
    "removing what a webhook was told",
    "adding an account",
    "updating an account",
    "claiming an address",
    "releasing an address",
    "claiming the node",
    "changing who has a project",
    "removing who has a project",
    "changing what was shared",
];

/// Writes of accounts that come by an identity provider, and of accounts that go.
const OF_GOING: [&str; 5] = [
    "claiming an identity",
    "releasing an identity",
    "removing an account",
    "removing what was shared",
    "writing the node's log",
];

/// Steps of an account that goes.
const GOING_STEPS: [&str; 4] = [
    "an account is marked to be erased",
    "an account's projects are erased",
    "an account's uploads and webhooks are erased",
    "an account's names are released",
];

/// Writes into a store that no node serves and nobody sees until it is whole: what a restore is cut off at is
/// removed with all that it made.
const STAGED: [&str; 2] = ["importing the records", "taking another store's identity"];

/// The step after these, which makes it seen.
const STAGED_STEP: &str = "a restored folder has its name";

/// A write that only says how the store feels, and leaves nothing that matters.
pub(crate) const PROBE: &str = "probing the store";

const BEFORE: &str = "before the commit of ";
const AFTER: &str = "after the commit of ";

/// Steps between and beside the writes of records.
pub const STEPS: &[&str] = &[
    // Of a blob.
    "a blob's first bytes are written",
    "a blob is synced",
    "a blob is renamed",
    "a blob's folders are synced",
    "a blob has a second name",
    "a blob is removed",
    "a blob's removal is synced",
    "a scope of blobs is removed",
    "a scope's removal is synced",
    // Of an upload.
    "an upload's chunks are one blob",
    "an upload is complete",
    "an upload is a project's",
    "an upload's bytes are linked",
    // Of a project.
    "a project is marked deleted",
    "a project is restored",
    "a project is marked to be erased",
    "a project's runs are erased",
    "a project's blobs are erased",
    "a revision is linked",
    // Of a run.
    "a run is begun",
    "a run's manifest is stored",
    "a run's segment is stored",
    "a run's files are stored",
    "a run's events are relayed",
];

/// Which side of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    Before,
    After,
}

/// Every point that a node can pass, by name, as the environment names it.
pub fn all() -> Vec<String> {
    let writes = WRITES.iter().flat_map(|write| [format!("{BEFORE}{write}"), format!("{AFTER}{write}")]);
    writes.chain(STEPS.iter().map(|step| (*step).to_owned())).collect()
}

/// Every point that a restoration passes and a node does not.
pub fn staged() -> Vec<String> {
    let writes = STAGED.iter().flat_map(|write| [format!("{BEFORE}{write}"), format!("{AFTER}{write}")]);
    writes.chain([STAGED_STEP.to_owned()]).collect()
}

/// Every point that a node passes where an account is erased, and nowhere else.
pub fn of_going() -> Vec<String> {
    let writes = OF_GOING.iter().filter(|write| !write.contains("identity"));
    let writes = writes.flat_map(|write| [format!("{BEFORE}{write}"), format!("{AFTER}{write}")]);
    writes.chain(GOING_STEPS.map(str::to_owned)).collect()
}

/// Passes a step, which is in the list.
#[inline]
pub fn pass(step: &'static str) {
    let is_listed = STEPS.contains(&step) || GOING_STEPS.contains(&step) || step == STAGED_STEP;
    debug_assert!(is_listed, "`{step}` is not in the list of failpoints");
    armed::pass("", step);
}

/// Whether a write is in the list: every one that the records port makes has to be.
pub(crate) fn lists(write: &str) -> bool {
    write == PROBE || WRITES.contains(&write) || STAGED.contains(&write) || OF_GOING.contains(&write)
}

/// Passes a commit of a write.
#[inline]
pub(crate) fn commit(side: Commit, write: &'static str) {
    armed::pass(if side == Commit::Before { BEFORE } else { AFTER }, write);
}

#[cfg(not(feature = "failpoints"))]
mod armed {
    #[inline(always)]
    pub(super) fn pass(_: &str, _: &str) {}
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What the environment asks for: a point, and how often it may still be passed.
    static ARMED: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let point = std::env::var(super::POINT_VARIABLE).ok()?;
        let is_one =
            super::all().contains(&point) || super::staged().contains(&point) || super::of_going().contains(&point);
        assert!(is_one, "there is no point `{point}`");
        let nth = std::env::var(super::NTH_VARIABLE).ok().and_then(|nth| nth.parse().ok()).unwrap_or(1);
        Some((point, AtomicU64::new(nth)))
    });

    pub(super) fn pass(prefix: &str, name: &str) {
        let Some((point, left)) = ARMED.as_ref() else { return };
        if point.strip_prefix(prefix) == Some(name) && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
            // Nothing of this process does another step before the signal is there.
            loop {
                std::thread::park();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_point_has_a_name_of_its_own() {
        let mut points = [super::all(), super::staged()].concat();
        points.sort();
        points.dedup();
        assert_eq!(points.len(), 2 * (super::WRITES.len() + super::STAGED.len()) + super::STEPS.len() + 1);
    }
}
