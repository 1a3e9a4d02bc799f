//! What whoever runs a node sees of its scheduling, and a trace that a node records.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use common::http::{finished, get, request, upload};
use common::{ENGLISH, Server, analyze, sample, succeed};
use scheduler::trace::replay;

#[test]
fn a_trace_of_an_analysis_replays_without_a_difference() {
    let (out, traces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = analyze(&sample(ENGLISH), out.path());
    command.env("VISIOBOOK__SCHEDULER__TRACE_FILE", traces.path().join("run.trace"));
    // Small batches, so that there is something to decide.
    command.env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512");
    succeed(&mut command);
    let files: Vec<PathBuf> = std::fs::read_dir(traces.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [path] = files.as_slice() else { panic!("one trace for one term: {files:?}") };
    assert_eq!(path.file_name().unwrap(), "run.trace.1-1");
    let replayed = replay(BufReader::new(File::open(path).unwrap()), |_, _, _| {}).unwrap();
    let totals = replayed.state.snapshot().totals;
    assert!(!replayed.cut_off && replayed.checks > 0);
    assert!(totals.completed > 0 && totals.completed == totals.accepted, "{totals:?}");
    println!("{} events, {} actions, {} checks agree", replayed.events, replayed.actions, replayed.checks);
}

#[test]
fn a_bound_that_holds_no_trace_is_refused_at_start() {
    let out = tempfile::tempdir().unwrap();
    let mut command = analyze(&sample(ENGLISH), out.path());
    command.env("VISIOBOOK__SCHEDULER__TRACE_MAX_MIB", "0");
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("scheduler.trace_max_mib"));
}

#[test]
fn an_operator_reads_how_the_scheduling_stands() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let bytes = std::fs::read(sample(ENGLISH)).unwrap();
    let project = upload(&server.address, ENGLISH, &bytes).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&server.address, &project), "ready");

    let view = get(&server.address, "/api/v1/scheduling").json();
    // More than one where the store stood still for longer than a lease holds.
    let term = view["term"]["n"].as_u64().unwrap();
    assert!(term >= 1);
    assert_eq!(view["outstanding_items"], 0);
    assert!(view["totals"]["completed"].as_u64().unwrap() > 0, "{view}");
    assert!(!view["workers"].as_array().unwrap().is_empty(), "{view}");
    assert_eq!(view["terms"].as_array().unwrap().len() as u64, term);

    let metrics = get(&server.address, "/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(metrics.body).unwrap();
    let completed =
        text.lines().find_map(|l| l.strip_prefix("visiobook_scheduler_items_total{outcome=\"completed\"} "));
    assert_eq!(completed.unwrap().parse::<u64>().unwrap(), view["totals"]["completed"].as_u64().unwrap());
    let waits = get(&server.address, "/api/v1/scheduling/waits").json();
    let bulk = &waits["models"][0]["bulk"];
    assert!(bulk["items"].as_u64().unwrap() >= view["totals"]["completed"].as_u64().unwrap(), "{waits}");
    assert_eq!(waits["models"][0]["tenants"][0]["bulk"], *bulk, "one tenant waited for all of it");
    assert!(text.contains("visiobook_scheduler_tenant_wait_seconds_count{"), "{text}");
    for line in ["visiobook_scheduler_items_outstanding 0".to_owned(), format!("visiobook_scheduler_term {term}")] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[test]
fn an_operator_sets_what_a_tenant_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let put = |query: &str| {
        let path = format!("/api/v1/scheduling/tenants/00000000-0000-0000-0000-000000000007{query}");
        request(&server.address, "PUT", &path, &[], &[])
    };
    let set = put("?weight=200&device_ms_per_s=500");
    assert_eq!(set.status, 200);
    assert_eq!(set.json(), serde_json::json!({ "weight": 200, "device_ms_per_s": 500 }));
    assert_eq!(put("").json(), serde_json::json!({ "weight": 100, "device_ms_per_s": null }), "back to normal");
    for refused in ["?weight=0", "?weight=10001", "?weight=many", "?device_ms_per_s=-1"] {
        assert_eq!((put(refused).status, put(refused).code().as_str()), (400, "bad-request"), "{refused}");
    }
    let other = request(&server.address, "PUT", "/api/v1/scheduling/tenants/nobody", &[], &[]);
    assert_eq!(other.status, 404);
}
