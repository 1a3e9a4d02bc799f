//! Killed half-way, a run goes on from what was done, and ends as if nothing had happened.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;

use actors::run::audit::audit;
use common::{ENGLISH, Running, analyze, results, sample, succeed, wait_for_line};
use domain::id::{ItemId, RunId};
use domain::manifest::{BLOB_CONFIG, Segment};
use domain::principal::Principal;
use store::{BlobScope, DataFolder};

fn passages(line: &str, key: &str) -> u64 {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line[key].as_u64().unwrap_or(0)
}

/// Starts an analysis whose batches take a while, and kills it once half of its passages are done.
fn kill_half_way(book: &Path, out: &Path) -> u64 {
    let mut command = analyze(book, out);
    command.arg("--json").env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "250");
    // Small batches, so that half-way is a place that can be hit.
    command.env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512").env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pipe = child.stdout.take().unwrap();
    let running = Running(child);
    let half = |line: &str| {
        let total = passages(line, "passages_total");
        total > 0 && passages(line, "passages_done") * 2 >= total
    };
    let lines = wait_for_line(pipe, half);
    running.kill();
    passages(lines.last().unwrap(), "passages_done")
}

/// The items in the named segments of the one run below `out`, each as often as it stands there.
async fn items_done(out: &Path) -> (RunId, Vec<ItemId>) {
    let data = DataFolder::open(out.join(".visiobook")).unwrap();
    let records = data.records();
    let projects = records.project_list(Principal::NODE.tenant, 10).await.unwrap();
    let project = &projects[0];
    let run = project.run.unwrap();
    let scope = BlobScope { tenant: project.tenant, project: project.project };
    let mut items = Vec::new();
    for row in records.segments(run).await.unwrap() {
        let bytes = data.blobs().get(scope, row.segment.digest, 1 << 30).await.unwrap();
        let (segment, _): (Segment, usize) = bincode::decode_from_slice(&bytes, BLOB_CONFIG).unwrap();
        items.extend(segment.items.into_iter().map(|(item, _)| item));
    }
    (run, items)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_remainder_is_done_anew_and_the_bytes_are_the_same() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeed(&mut analyze(&sample(ENGLISH), whole.path()));
    let seen = kill_half_way(&sample(ENGLISH), killed.path());
    assert!(!killed.path().join("storyboard.json").exists());

    let (run, before) = items_done(killed.path()).await;
    assert!(before.len() as u64 >= seen, "what was told as done is durable");
    succeed(&mut analyze(&sample(ENGLISH), killed.path()));
    let (same_run, after) = items_done(killed.path()).await;
    assert_eq!(run, same_run);
    // Nothing that a segment held was done again, for then it would stand in two.
    assert_eq!(after[..before.len()], before);
    assert_eq!(after.iter().collect::<HashSet<_>>().len(), after.len());

    let data = DataFolder::open(killed.path().join(".visiobook")).unwrap();
    let found = audit(data.records().as_ref(), data.blobs().as_ref(), run).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    let (_, never_killed) = items_done(whole.path()).await;
    assert_eq!(after.iter().collect::<HashSet<_>>(), never_killed.iter().collect::<HashSet<_>>());
    assert_eq!(results(killed.path()).json, results(whole.path()).json);
    assert_eq!(results(killed.path()).html, results(whole.path()).html);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_still_ends_the_same() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeed(&mut analyze(&sample(ENGLISH), whole.path()));
    for delay_ms in [150, 600, 1_200, 2_600] {
        let mut command = analyze(&sample(ENGLISH), killed.path());
        command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "120").stdout(Stdio::null()).stderr(Stdio::null());
        command.env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512");
        let running = Running(command.spawn().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        running.kill();
    }
    succeed(&mut analyze(&sample(ENGLISH), killed.path()));
    assert_eq!(results(killed.path()).json, results(whole.path()).json);
}
