//! Backups while uploads, edits and runs are under way, and nodes that are restored from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::id::Digest;
use serde_json::{Value, json as value};

use super::common::http::{Answer, events, finished, get, request};
use super::common::{ENGLISH, FRENCH, Server, files_below, sample, succeed, until, visiobook};
use super::{analysed, json, on_folder, on_server, put_in, said};

const WORDS: &str = "the lamp was out of oil";

fn backup(server: &Server, file: &Path) -> Value {
    let mut command = on_server(&["backup", "--json"], server);
    command.arg(file).env("VISIOBOOK_PASSPHRASE", WORDS);
    json(&succeed(&mut command))
}

fn restored(file: &Path, folder: &Path) -> Value {
    let mut command = on_folder(&["restore", "--json"], folder);
    json(&succeed(command.arg(file).env("VISIOBOOK_PASSPHRASE", WORDS)))
}

fn slow() -> std::process::Command {
    let mut command = visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "150").env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    command
}

fn post(address: &str, path: &str, body: &Value) -> Answer {
    request(address, "POST", path, &[], body.to_string().as_bytes())
}

/// Every blob by place, held against its name.
fn blobs(data: &Path) -> BTreeMap<PathBuf, u64> {
    let root = data.join("blobs/objects");
    let files = files_below(&root).into_iter().filter(|path| !path.starts_with(root.join(u128_max())));
    files
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(Digest::of(&bytes).to_string(), path.file_name().unwrap().to_string_lossy());
            (path.strip_prefix(&root).unwrap().to_owned(), bytes.len() as u64)
        })
        .collect()
}

/// The tenant of probes of health.
fn u128_max() -> String {
    domain::id::TenantId(u128::MAX).to_string()
}

/// An upload with half of its bytes; its address.
fn half_an_upload(address: &str, book: &[u8]) -> String {
    let length = book.len().to_string();
    let tus =
        [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", "filename YS5lcHVi")];
    let upload = request(address, "POST", "/api/v1/uploads", &tus, &[]).header("location").unwrap().to_owned();
    assert_eq!(send(address, &upload, 0, &book[..book.len() / 2]), 204);
    upload
}

fn send(address: &str, upload: &str, from: usize, bytes: &[u8]) -> u16 {
    let from = from.to_string();
    let kind = ("content-type", "application/offset+octet-stream");
    request(address, "PATCH", upload, &[("tus-resumable", "1.0.0"), ("upload-offset", &from), kind], bytes).status
}

/// Edits the storyboard of a run, for the version that it stands at.
fn edit(address: &str, project: &str, run: &Value, version: u64) -> u16 {
    let edit = value!({ "do": "caption", "panel": 1, "text": format!("caption {version}") });
    let path = format!("/api/v1/projects/{project}/storyboard/edits");
    post(address, &path, &value!({ "run": run, "version": version, "edit": edit })).status
}

fn edits(address: &str, project: &str) -> Value {
    get(address, &format!("/api/v1/projects/{project}/storyboard/edits")).json()
}

/// Three backups, each of which can be restored, while edits, projects and deletions go on; what the last one said, and
/// how many edits there are.
fn backups_of_a_busy_node(server: &Server, dir: &Path, edited: &str) -> (Value, u64) {
    let address = &server.address;
    let run = edits(address, edited)["run"].clone();
    assert_eq!(edit(address, edited, &run, 0), 200);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let editing = scope.spawn(|| {
            let mut version = 1;
            while !ended.load(Ordering::Relaxed) {
                assert_eq!(edit(address, edited, &run, version), 200);
                version += 1;
            }
            version
        });
        let coming = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let project = put_in(address, ENGLISH);
                let path = format!("/api/v1/projects/{project}?erase=now");
                assert_eq!(request(address, "DELETE", &path, &[], &[]).status, 204);
            }
        });
        let mut last = Value::Null;
        for n in 0..3 {
            let file = dir.join(format!("{n}.visiobook"));
            last = backup(server, &file);
            restored(&file, &dir.join(format!("try-{n}")));
        }
        ended.store(true, Ordering::Relaxed);
        coming.join().unwrap();
        (last, editing.join().unwrap())
    })
}

#[test]
fn a_node_that_is_restored_from_a_backup_of_a_busy_one_goes_on_where_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(&dir.path().join("old"), &mut slow());
    let done = analysed(&server.address, ENGLISH);
    // A run that is in the middle of its passages, an upload that has half of its bytes.
    let working = put_in(&server.address, FRENCH);
    events(&server.address, &working, 0, |event| event["progress"]["passages_done"].as_u64() > Some(0));
    let book = std::fs::read(sample(FRENCH)).unwrap();
    let upload = half_an_upload(&server.address, &book);
    let (last, made) = backups_of_a_busy_node(&server, dir.path(), &done);
    assert_eq!((&last["event"], &last["keys"]), (&"done".into(), &true.into()), "{last}");
    server.running.kill();

    let new = dir.path().join("new");
    let there = restored(&dir.path().join("2.visiobook"), &new);
    assert_eq!((&there["keys"], &there["digest"]), (&"restored".into(), &last["digest"]), "{there}");
    assert!(there["incarnation"].as_u64() > Some(1_600_000_000_000), "{there}");
    let server = Server::start_with(&new, &mut slow());
    let address = &server.address;
    assert_eq!(finished(address, &working), "ready", "what was under way finishes there");
    for project in [&done, &working] {
        let run = get(address, &format!("/api/v1/projects/{project}")).json()["run"]["id"].as_str().unwrap().to_owned();
        let audit = get(address, &format!("/api/v1/projects/{project}/runs/{run}/audit")).json();
        assert_eq!((&audit["clean"], &audit["missing"]), (&true.into(), &0.into()), "{audit}");
        for name in ["storyboard.json", "storyboard.html", "book.json"] {
            assert_eq!(get(address, &format!("/api/v1/projects/{project}/files/{name}")).status, 200);
        }
    }
    let kept = edits(address, &done)["version"].as_u64().unwrap();
    assert!((1..=made).contains(&kept), "{kept} of {made}");
    let half = book.len() / 2;
    assert_eq!(send(address, &upload, half, &book[half..]), 204, "the upload goes on from its half");
    let id = upload.rsplit('/').next().unwrap();
    let project = request(address, "POST", &format!("/api/v1/projects?upload={id}"), &[], &[]);
    assert_eq!(project.status, 201, "{project:?}");
    let incarnation = get(address, "/api/v1/health/databases").json()["incarnation"].as_str().unwrap().to_owned();
    assert_eq!(incarnation, there["incarnation"].to_string());
}

#[test]
fn a_backup_of_a_folder_that_nobody_serves_holds_each_blob_with_the_same_digest() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new, file) = (dir.path().join("old"), dir.path().join("new"), dir.path().join("b.visiobook"));
    let server = Server::start(&old);
    let project = analysed(&server.address, ENGLISH);
    let same = analysed(&server.address, ENGLISH);
    let storyboard = get(&server.address, &format!("/api/v1/projects/{project}/storyboard")).body;
    assert!(server.running.interrupt().success());
    let without = succeed(on_folder(&["backup"], &old).arg(&file));
    assert!(said(&without).contains("without the signing keys"), "{}", said(&without));
    let again = on_folder(&["backup"], &old).arg(&file).output().unwrap();
    assert_eq!(again.status.code(), Some(4), "{}", said(&again));
    succeed(on_folder(&["backup", "--force"], &old).arg(&file));
    // It is what the usual tools read.
    let mut listed = tar::Archive::new(zstd::Decoder::new(std::fs::File::open(&file).unwrap()).unwrap());
    let names: Vec<String> =
        listed.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    assert!(names.contains(&"manifest.json".to_owned()) && !names.contains(&"keys".to_owned()), "{names:?}");
    assert_eq!(restored(&file, &new)["keys"], "none");
    assert_eq!(blobs(&new), blobs(&old));
    let server = Server::start(&new);
    for project in [&project, &same] {
        let board = get(&server.address, &format!("/api/v1/projects/{project}/storyboard"));
        assert_eq!(board.body, storyboard, "the same bytes");
    }
    // Over a folder that holds something nothing is restored, whoever has it.
    let over = on_folder(&["restore"], &new).arg(&file).output().unwrap();
    assert_eq!(over.status.code(), Some(2));
    assert!(said(&over).contains("backup-folder-not-empty"), "{}", said(&over));
    assert_eq!(get(&server.address, &format!("/api/v1/projects/{project}")).status, 200);
}

#[test]
fn what_is_no_whole_backup_is_refused_with_the_reason_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new, file) = (dir.path().join("old"), dir.path().join("new"), dir.path().join("b.visiobook"));
    let server = Server::start(&old);
    analysed(&server.address, ENGLISH);
    backup(&server, &file);
    let whole = std::fs::read(&file).unwrap();
    let refused = |bytes: &[u8], words: &str, code: &str| {
        std::fs::write(&file, bytes).unwrap();
        let output = on_folder(&["restore"], &new).arg(&file).env("VISIOBOOK_PASSPHRASE", words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(code), "{code}: {}", said(&output));
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    };
    refused(&whole[..whole.len() / 2], WORDS, "backup-truncated");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 4;
    refused(&changed, WORDS, "backup-damaged");
    refused(b"PK\x03\x04 an EPUB", WORDS, "backup-not-one");
    let mut newer = whole.clone();
    newer[25] = b'7';
    refused(&newer, WORDS, "backup-newer");
    refused(&whole, "another passphrase", "backup-passphrase-wrong");
    refused(&whole, "short", "backup-passphrase-short");
    let missing = on_folder(&["restore"], &new).arg(dir.path().join("nothing")).output().unwrap();
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
}

#[test]
fn a_backup_that_nobody_takes_to_its_end_leaves_no_file_and_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let address = &server.address;
    let project = analysed(address, ENGLISH);
    let short = post(address, "/api/v1/backup", &value!({ "passphrase": "short" }));
    assert_eq!((short.status, short.code().as_str()), (422, "backup-passphrase-short"));
    // A client that goes away after the first bytes.
    for _ in 0..3 {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!("POST /api/v1/backup HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
    }
    let path = format!("/api/v1/projects/{project}?erase=now");
    assert_eq!(request(address, "DELETE", &path, &[], &[]).status, 204);
    let scope = dir.path().join("data/blobs/objects/00000000-0000-0000-0000-000000000000").join(&project);
    // Erased at once, or by its intent once nothing is held any more.
    until("the blobs are held no more", || files_below(&scope).is_empty());
    let nowhere = on_server(&["backup"], &server).arg("/nowhere/at/all").output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2), "{}", said(&nowhere));
}

/// Bytes that nothing compresses.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    // Xorshift (Marsaglia 2003).
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..len / 8).flat_map(|_| next()).collect()
}

#[test]
fn a_backup_that_breaks_off_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("b.visiobook"));
    let server = Server::start(&data);
    let address = &server.address;
    assert_eq!(get(address, "/api/v1/storage/jobs").json(), value!({ "backup": null, "sweep": null }));
    for seed in [3, 5] {
        let bytes = noise(2 << 20, seed);
        let length = bytes.len().to_string();
        let tus =
            [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", "filename YQ==")];
        let upload = request(address, "POST", "/api/v1/uploads", &tus, &[]).header("location").unwrap().to_owned();
        assert_eq!(send(address, &upload, 0, &bytes), 204);
    }
    // What the disk damages is met after the other one has gone out.
    let last = blobs(&data).into_keys().next_back().unwrap();
    let path = data.join("blobs/objects").join(&last);
    let whole = std::fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[1_000_000] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let broken = on_server(&["backup"], &server).arg(&file).output().unwrap();
    assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
    let digest = last.file_name().unwrap().to_str().unwrap();
    assert!(said(&broken).contains("store-corrupt-blob") && said(&broken).contains(digest), "{}", said(&broken));
    let jobs = get(address, "/api/v1/storage/jobs").json();
    let (job, trouble) = (&jobs["backup"], &jobs["backup"]["trouble"]);
    assert_eq!((&job["state"], &trouble["code"]), (&"failed".into(), &"store-corrupt-blob".into()), "{jobs}");
    assert!(job["bytes"].as_u64() > Some(1 << 20) && job["ended_ms"].as_u64() >= job["began_ms"].as_u64(), "{jobs}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "no half of an archive is left");

    std::fs::write(&path, &whole).unwrap();
    succeed(on_server(&["backup"], &server).arg(&file));
    let job = get(address, "/api/v1/storage/jobs").json()["backup"].clone();
    let bytes = std::fs::metadata(&file).unwrap().len();
    assert_eq!((&job["state"], &job["trouble"], &job["bytes"]), (&"done".into(), &Value::Null, &bytes.into()), "{job}");
}

#[test]
fn a_restoration_that_is_killed_at_any_step_leaves_nothing_or_all_and_is_done_again() {
    use std::os::unix::process::ExitStatusExt as _;

    use store::failpoint::{NTH_VARIABLE, POINT_VARIABLE, staged};

    let dir = tempfile::tempdir().unwrap();
    let (old, new, file) = (dir.path().join("old"), dir.path().join("new"), dir.path().join("b.visiobook"));
    let server = Server::start(&old);
    let project = analysed(&server.address, ENGLISH);
    let made = backup(&server, &file);
    let storyboard = get(&server.address, &format!("/api/v1/projects/{project}/storyboard")).body;
    assert!(server.running.interrupt().success());
    let of_blobs = ["a blob's first bytes are written", "a blob is synced", "a blob is renamed"].map(str::to_owned);
    let points = staged().into_iter().map(|point| (point, 1)).chain(of_blobs.map(|point| (point, 2)));
    for (point, nth) in points {
        let mut command = on_folder(&["restore"], &new);
        command.arg(&file).env("VISIOBOOK_PASSPHRASE", WORDS).env(POINT_VARIABLE, &point);
        let killed = command.env(NTH_VARIABLE, nth.to_string()).output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{point} is not passed: {}", said(&killed));
        let is_named = point == "a restored folder has its name";
        assert_eq!(new.exists(), is_named, "{point}");
        if !is_named {
            assert_eq!(restored(&file, &new)["digest"], made["digest"], "{point}");
        }
        assert_eq!(blobs(&new), blobs(&old), "{point}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "{point}: {left:?}");
        let server = Server::start(&new);
        let board = get(&server.address, &format!("/api/v1/projects/{project}/storyboard"));
        assert_eq!(board.body, storyboard, "{point}");
        assert!(server.running.interrupt().success());
        std::fs::remove_dir_all(&new).unwrap();
    }
}
