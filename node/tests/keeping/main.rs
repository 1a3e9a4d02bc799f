//! Looking after what is kept, with real processes: backups, restorations, sweeps, health, covers, compression.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod backups;
#[path = "../common/mod.rs"]
mod common;
mod covers;
mod sweeps;
mod wire;

use std::path::Path;
use std::process::{Command, Output};

use common::http::{finished, request, upload};
use common::{Server, sample, visiobook};
use serde_json::Value;

/// Puts a sample in; its project.
fn put_in(address: &str, name: &str) -> String {
    let made = upload(address, name, &std::fs::read(sample(name)).unwrap());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The same, analysed.
fn analysed(address: &str, name: &str) -> String {
    let project = put_in(address, name);
    assert_eq!(finished(address, &project), "ready");
    project
}

/// A command on a folder that nobody serves.
fn on_folder(command: &[&str], data: &Path) -> Command {
    let mut program = visiobook();
    program.args(command).arg("--data-dir").arg(data);
    program
}

/// A command that speaks to a node.
fn on_server(command: &[&str], server: &Server) -> Command {
    let mut program = visiobook();
    program.args(command).args(["--server", &format!("http://{}", server.address)]);
    program
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The last line of what a command said with `--json`.
fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("nothing was said: {}", said(output)));
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {last}"))
}

#[test]
fn a_node_says_how_it_and_its_stores_stand() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let get = |path: &str| common::http::get(&server.address, path);
    let health = get("/health");
    // Strained where the disk has much to do.
    const UP: [&str; 2] = ["good", "strained"];
    let stands = |state: &Value| UP.contains(&state.as_str().unwrap_or_default());
    assert!(health.status == 200 && stands(&health.json()["stores"]), "{health:?}");
    let databases = get("/api/v1/health/databases").json();
    for store in ["records", "blobs", "cache"] {
        assert!(stands(&databases[store]["state"]), "{databases}");
        assert!(databases[store]["write_latency_us"].as_u64() > Some(0) || store == "cache", "{databases}");
    }
    assert!(databases["records"]["schema_version"].as_u64() >= Some(3));
    assert_eq!((&databases["records"]["queue_max"], &databases["records"]["pool_max"]), (&1_024.into(), &4.into()));
    assert_eq!(databases["incarnation"], "1");
    let version = databases["records"]["schema_version"].clone();
    for _ in 0..2 {
        let run = request(&server.address, "POST", "/api/v1/migrations/run", &[], &[]);
        assert_eq!((run.status, &run.json()["from"], &run.json()["to"]), (200, &version, &version));
    }
    let metrics = String::from_utf8(get("/metrics").body).unwrap();
    for line in ["visiobook_store_up{store=\"records\"} 1", "visiobook_store_up{store=\"cache\"} 1"] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    let table = common::succeed(&mut on_server(&["storage", "health"], &server));
    assert!(UP.iter().any(|state| said(&table).contains(&format!("records  {state}"))), "{}", said(&table));
}

#[test]
fn however_many_ask_how_the_stores_stand_they_are_measured_once_a_second() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let began = std::time::Instant::now();
    let (mut measured, mut asked) = (std::collections::BTreeSet::new(), 0);
    // Until it has been measured again at least once, however long that takes here.
    while measured.len() < 2 {
        let health = common::http::get(&server.address, "/api/v1/health/databases").json();
        assert!(health["age_ms"].as_u64() < Some(1_000), "{health}");
        measured.insert(health["records"].to_string() + &health["blobs"].to_string());
        for path in ["/health", "/metrics"] {
            assert_eq!(common::http::get(&server.address, path).status, 200);
        }
        asked += 3;
    }
    let most = 2 + began.elapsed().as_secs() as usize;
    assert!(measured.len() <= most && asked > measured.len(), "{} of {asked}, at most {most}", measured.len());
}

#[test]
fn a_folder_is_migrated_once_and_checking_only_says() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data");
    let missing = on_folder(&["migrate"], &folder).output().unwrap();
    assert_eq!(missing.status.code(), Some(3), "{}", said(&missing));
    std::fs::create_dir(&folder).unwrap();
    let migrate = |more: &[&str]| {
        let output = on_folder(&[&["migrate", "--json"][..], more].concat(), &folder).output().unwrap();
        (output.status.code(), json(&output))
    };
    let (code, said) = migrate(&["--check"]);
    assert_eq!((code, &said["from"], &said["to"]), (Some(1), &0.into(), &0.into()));
    assert!(!folder.join("records.sqlite").exists(), "checking makes nothing");
    let (code, said) = migrate(&[]);
    assert_eq!((code, &said["from"]), (Some(0), &0.into()));
    let newest = said["to"].clone();
    assert_eq!(newest, said["known"]);
    for more in [&["--check"][..], &[]] {
        let (code, said) = migrate(more);
        assert_eq!((code, &said["from"], &said["to"]), (Some(0), &newest, &newest));
    }
    let server = Server::start(&folder);
    let busy = on_folder(&["migrate"], &folder).output().unwrap();
    assert_eq!(busy.status.code(), Some(2), "a node holds it");
    drop(server);
}
