//! Blobs that nothing names go, and nothing that is named does, whenever the node was killed.

use std::path::{Path, PathBuf};

use domain::id::Digest;
use serde_json::{Value, json as value};

use super::common::http::{events, finished, get, request};
use super::common::{ENGLISH, FRENCH, Server, files_below, sample, succeed, visiobook};
use super::{analysed, json, on_folder, on_server, put_in, said};

const TENANT: &str = "blobs/objects/00000000-0000-0000-0000-000000000000";

/// A blob that nothing names, where it would lie.
fn orphan(data: &Path, project: &str, bytes: &[u8]) -> PathBuf {
    let folder = data.join(TENANT).join(project);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(Digest::of(bytes).to_string());
    std::fs::write(&path, bytes).unwrap();
    path
}

fn sweep(data: &Path, more: &[&str]) -> Value {
    json(&succeed(&mut on_folder(&[&["storage", "sweep", "--json"][..], more].concat(), data)))
}

/// All that can be fetched of a project: its runs' files, its audits.
fn fetched(address: &str, project: &str) -> Vec<Vec<u8>> {
    let path = format!("/api/v1/projects/{project}");
    let mut all = Vec::new();
    for run in get(address, &format!("{path}/runs")).json()["runs"].as_array().unwrap() {
        let run_path = format!("{path}/runs/{}", run["id"].as_str().unwrap());
        if run["state"]["state"] != "ready" {
            continue;
        }
        for name in ["storyboard.json", "storyboard.html", "book.json"] {
            let file = get(address, &format!("{run_path}/files/{name}"));
            assert_eq!(file.status, 200, "{run_path}/files/{name}");
            all.push(file.body);
        }
        let audit = get(address, &format!("{run_path}/audit")).json();
        assert_eq!((&audit["clean"], &audit["missing"]), (&true.into(), &0.into()), "{audit}");
    }
    all
}

#[test]
fn what_nothing_names_goes_once_it_is_old_enough_and_is_told_of_before() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let project = analysed(&server.address, ENGLISH);
    let (stray, lost) = (orphan(data.path(), &project, b"a stray"), orphan(data.path(), &uuid(7), b"an upload"));
    // While the node runs, and somebody may be about to name it, what is young stays.
    let young = json(&succeed(&mut on_server(&["storage", "sweep", "--json"], &server)));
    assert_eq!((&young["orphans"], &young["young"]), (&0.into(), &2.into()), "{young}");
    let early = on_server(&["storage", "sweep", "--grace", "0"], &server).output().unwrap();
    assert_eq!(early.status.code(), Some(2), "{}", said(&early));
    let before = fetched(&server.address, &project);
    let job = get(&server.address, "/api/v1/storage/jobs").json()["sweep"].clone();
    assert_eq!((&job["state"], &job["scopes"]), (&"done".into(), &young["scopes"]), "{job}");
    assert!(job["blobs"].as_u64() > Some(2), "{job}");
    assert!(server.running.interrupt().success());

    let looked = sweep(data.path(), &["--dry-run", "--grace", "0"]);
    assert_eq!(
        (&looked["orphans"], &looked["orphan_bytes"], &looked["dry_run"]),
        (&2.into(), &16.into(), &true.into())
    );
    assert!(stray.exists() && lost.exists(), "it only looked");
    assert_eq!(sweep(data.path(), &["--grace", "3600"])["young"], 2);
    let swept = sweep(data.path(), &["--grace", "0"]);
    assert_eq!((&swept["orphans"], &swept["left_alone"]), (&2.into(), &0.into()), "{swept}");
    assert!(!stray.exists() && !lost.exists());
    assert_eq!(sweep(data.path(), &["--grace", "0"])["orphans"], 0);
    let server = Server::start(data.path());
    assert_eq!(fetched(&server.address, &project), before, "what is named is untouched");
}

fn uuid(n: u128) -> String {
    domain::id::ProjectId(n).to_string()
}

/// SplitMix64 (Steele, Lea and Flood 2014, figure 15).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn slow() -> std::process::Command {
    let mut command = visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "40").env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    command
}

/// Something that a client does; what it begins may be cut off by the kill that follows.
fn act(random: &mut Random, address: &str, projects: &mut Vec<String>) {
    let book = |name: &str| std::fs::read(sample(name)).unwrap();
    match random.below(6) {
        0 => projects.push(put_in(address, ENGLISH)),
        1 => projects.push(put_in(address, FRENCH)),
        2 => {
            // An upload that stays half.
            let bytes = book(ENGLISH);
            let length = bytes.len().to_string();
            let head = [
                ("tus-resumable", "1.0.0"),
                ("upload-length", length.as_str()),
                ("upload-metadata", "filename YS5lcHVi"),
            ];
            let upload = request(address, "POST", "/api/v1/uploads", &head, &[]).header("location").unwrap().to_owned();
            let kind = ("content-type", "application/offset+octet-stream");
            let part = &bytes[..1 + random.below(bytes.len() as u64 - 1) as usize];
            request(address, "PATCH", &upload, &[("tus-resumable", "1.0.0"), ("upload-offset", "0"), kind], part);
        }
        3 if !projects.is_empty() => {
            let at = random.below(projects.len() as u64) as usize;
            let erase = if random.below(2) == 0 { "?erase=now" } else { "" };
            let path = format!("/api/v1/projects/{}{erase}", projects.swap_remove(at));
            request(address, "DELETE", &path, &[], &[]);
        }
        _ => {
            // Another run, if none is under way.
            if let Some(project) = projects.last() {
                let body = value!({ "settings": { "panel_words": 30 + random.below(60) } }).to_string();
                request(address, "POST", &format!("/api/v1/projects/{project}/runs"), &[], body.as_bytes());
            }
        }
    }
}

#[test]
fn whenever_the_node_is_killed_a_sweep_takes_all_that_nothing_names_and_nothing_else() {
    let seed = std::env::var("VISIOBOOK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261);
    println!("VISIOBOOK_SEED={seed}");
    let mut random = Random(seed);
    let data = tempfile::tempdir().unwrap();
    let mut projects = Vec::new();
    for round in 0..6 {
        let server = Server::start_with(data.path(), &mut slow());
        for _ in 0..1 + random.below(3) {
            act(&mut random, &server.address, &mut projects);
        }
        if let Some(project) = projects.last().filter(|_| random.below(2) == 0) {
            let passages = random.below(4);
            let is_there = |event: &Value| {
                let done = event["progress"]["passages_done"].as_u64() >= Some(passages);
                done || event["state"]["state"] == "ready"
            };
            events(&server.address, project, 0, is_there);
        }
        // A client that sends a book, cut off at any moment.
        let address = server.address.clone();
        let sending = std::thread::spawn(move || {
            let bytes = std::fs::read(sample(FRENCH)).unwrap();
            let _ = std::panic::catch_unwind(|| super::common::http::upload(&address, "cut.epub", &bytes));
        });
        std::thread::sleep(std::time::Duration::from_millis(random.below(60)));
        server.running.kill();
        sending.join().unwrap();
        let stray = orphan(data.path(), &uuid(1 + u128::from(random.below(3))), &random.below(u64::MAX).to_le_bytes());

        let swept = sweep(data.path(), &["--grace", "0"]);
        assert!(!stray.exists(), "round {round}: {swept}");
        let again = sweep(data.path(), &["--grace", "0", "--dry-run"]);
        assert_eq!((&again["orphans"], &again["young"]), (&0.into(), &0.into()), "round {round}: {again}");
        let named = again["named"].as_u64().unwrap();
        let left = files_below(&data.path().join("blobs/objects")).len() as u64;
        assert!(left >= named, "round {round}: {left} files, {named} named");
    }
    // Everything that is left still finishes, and can be read.
    let server = Server::start(data.path());
    for project in &projects {
        let state = finished(&server.address, project);
        assert!(["ready", "cancelled"].contains(&state.as_str()), "{project}: {state}");
        fetched(&server.address, project);
    }
}

/// Does to a project what beginning its 102nd run does to the oldest one.
#[tokio::main]
async fn forget_oldest_run(data: &Path, project: &str) {
    let folder = store::DataFolder::open(data).unwrap();
    let (records, tenant) = (folder.records(), domain::id::TenantId::LOCAL);
    let mut row = records.project_get(tenant, project.parse().unwrap()).await.unwrap().unwrap();
    let (version, oldest) = (row.version, row.earlier_runs.remove(0));
    records.run_remove(oldest).await.unwrap();
    records.project_update(row, version, None).await.unwrap().applied().unwrap();
}

#[test]
fn what_a_run_that_is_kept_no_more_left_goes_and_what_it_shared_stays() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let project = analysed(&server.address, ENGLISH);
    let body = value!({ "settings": { "panel_words": 40 } }).to_string();
    let path = format!("/api/v1/projects/{project}/runs");
    let begun = request(&server.address, "POST", &path, &[], body.as_bytes());
    assert_eq!(begun.status, 201, "{begun:?}");
    let second = begun.json()["id"].as_str().unwrap().to_owned();
    events(&server.address, &project, 0, |e| e["run"] == second.as_str() && e["state"]["state"] == "ready");
    let both = fetched(&server.address, &project);
    assert!(server.running.interrupt().success());
    forget_oldest_run(data.path(), &project);
    let swept = sweep(data.path(), &["--grace", "0"]);
    // Its storyboard, as JSON and as a page. The book, its canonical text, manifest, inputs and segments are the
    // second run's too.
    assert_eq!(swept["orphans"], 2, "{swept}");
    let server = Server::start(data.path());
    assert_eq!(fetched(&server.address, &project), both[..3], "the newest run comes first");
}
