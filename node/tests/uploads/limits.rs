//! How much may be kept, and for how long.

use std::time::{Duration, Instant};

use super::common::http::{get, request, upload};
use super::common::{ENGLISH, Server, files_below, sample, visiobook};
use super::{begin, offset, patterned, send, try_begin};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_upload_that_nobody_goes_on_with_is_cleared_away() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__STORE__UPLOAD_EXPIRY_S", "1");
    let server = Server::start_with(data.path(), &mut command);
    let until = Instant::now() + PATIENCE;
    // On a busy machine an upload may be over before its first part comes.
    let upload = loop {
        let upload = begin(&server.address, "a.bin", 20, "");
        match send(&server.address, &upload, 0, b"ten bytes.", &[]).status {
            204 => break upload,
            status => assert!([404, 410].contains(&status) && Instant::now() < until, "{status}"),
        }
    };
    let mut seen = Vec::new();
    while seen.last() != Some(&404) {
        assert!(Instant::now() < until, "{seen:?}");
        let answer = get(&server.address, &upload);
        if seen.last() != Some(&answer.status) {
            seen.push(answer.status);
        }
    }
    let ends = [&[200, 410, 404][..], &[410, 404], &[200, 404], &[404]];
    assert!(ends.contains(&seen.as_slice()), "{seen:?}");
    let late = send(&server.address, &upload, 10, b"ten bytes.", &[]);
    assert_eq!((late.status, late.code().as_str()), (404, "upload-not-found"));
    let until = Instant::now() + PATIENCE;
    while !files_below(&data.path().join("blobs")).is_empty() {
        assert!(Instant::now() < until, "its bytes are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_tenants_books_and_uploads_have_a_quota_that_deleting_frees() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__STORE__QUOTA_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let first = begin(&server.address, "a.bin", 700_000, "");
    let second = try_begin(&server.address, "b.bin", 700_000, "");
    assert_eq!((second.status, second.code().as_str()), (413, "quota-exceeded"), "what is announced counts");
    let other = begin(&server.address, "c.bin", 300_000, "");
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let padded = format!("{}\n", "The lamp burned low while they talked of the ferry. ".repeat(2_000));
    let refused = upload(&server.address, "whole.txt", padded.as_bytes());
    assert_eq!((refused.status, refused.code().as_str()), (413, "quota-exceeded"), "a book in one piece counts too");
    assert!(files_below(&data.path().join("blobs")).is_empty(), "and leaves nothing");
    for freed in [&first, &other] {
        assert_eq!(request(&server.address, "DELETE", freed, &[("tus-resumable", "1.0.0")], &[]).status, 204);
    }
    assert_eq!(upload(&server.address, "winter.epub", &book).status, 201);
    assert_eq!(upload(&server.address, "again.epub", &book).status, 201);
    begin(&server.address, "d.bin", (1 << 20) - book.len(), "");
    assert_eq!(try_begin(&server.address, "e.bin", 1, "").status, 413, "the book counts, and it counts once");
}

/// A file system of a few megabytes, where this process may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(dir.path()).output();
        mounted.is_ok_and(|mount| mount.status.success()).then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.path().display());
    }
}

/// A folder of blobs that can be made read-only while the node runs: bound to itself, so that it is a mount.
struct Bound(std::path::PathBuf);

impl Bound {
    fn mount(folder: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let bound = std::process::Command::new("mount").arg("--bind").arg(&folder).arg(&folder).output();
        bound.is_ok_and(|mount| mount.status.success()).then(|| Self(folder))
    }

    /// `ro` or `rw`.
    fn remount(&self, how: &str) {
        let mut mount = std::process::Command::new("mount");
        let done = mount.args(["-o", &format!("remount,bind,{how}")]).arg(&self.0).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.display());
    }
}

#[test]
fn while_the_folder_takes_no_writes_uploads_are_told_so_and_go_on_by_themselves_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let Some(blobs) = Bound::mount(data.path().join("blobs")) else {
        println!("skipped: this process may not mount anything");
        return;
    };
    let server = Server::start(data.path());
    let address = &server.address;
    let file = patterned(2 << 20);
    let path = begin(address, "a.bin", file.len(), "");
    assert_eq!(send(address, &path, 0, &file[..1 << 20], &[]).status, 204);
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    blobs.remount("ro");
    let part = send(address, &path, 1 << 20, &file[1 << 20..], &[]);
    assert_eq!((part.status, part.code().as_str()), (503, "store-read-only"), "{part:?}");
    let whole = upload(address, "winter.epub", &book);
    assert_eq!((whole.status, whole.code().as_str()), (503, "store-read-only"), "{whole:?}");
    assert_eq!(offset(address, &path), 1 << 20, "reading goes on");
    assert_eq!(get(address, "/api/v1/projects").json()["total"], 0);
    blobs.remount("rw");
    assert_eq!(send(address, &path, 1 << 20, &file[1 << 20..], &[]).status, 204);
    assert_eq!(get(address, &path).json()["digest"], domain::id::Digest::of(&file).to_string());
    assert_eq!(upload(address, "winter.epub", &book).status, 201);
    drop(server);
}

/// A node's database and its log, which can be kept from changing while the node has them open: what a file system is
/// like that takes no writes any more. The log's index is left out: it is memory that the node shares with nobody.
struct Frozen(Vec<std::path::PathBuf>);

impl Frozen {
    /// `None` where this process, or the file system, can't.
    fn freeze(data: &std::path::Path) -> Option<Self> {
        let mut frozen = Self(Vec::new());
        for name in ["records.sqlite", "records.sqlite-wal"] {
            let path = data.join(name);
            let chattr = std::process::Command::new("chattr").arg("+i").arg(&path).output();
            if !chattr.is_ok_and(|chattr| chattr.status.success()) {
                return None;
            }
            frozen.0.push(path);
        }
        Some(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for path in &self.0 {
            let thawed = std::process::Command::new("chattr").arg("-i").arg(path).status();
            assert!(thawed.is_ok_and(|status| status.success()), "{} still can't change", path.display());
        }
    }
}

#[test]
fn while_the_database_takes_no_writes_changes_are_told_so_and_go_on_by_themselves_afterwards() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let project = upload(address, "winter.epub", &book).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(super::common::http::finished(address, &project), "ready");
    let file = patterned(2 << 20);
    let path = begin(address, "a.bin", file.len(), "");
    assert_eq!(send(address, &path, 0, &file[..1 << 20], &[]).status, 204);
    let project = format!("/api/v1/projects/{project}");
    let rename = || request(address, "PATCH", &project, &[], br#"{"name":"Winter"}"#);
    let Some(frozen) = Frozen::freeze(data.path()) else {
        println!("skipped: files can't be kept from changing here");
        return;
    };
    let refused = [
        send(address, &path, 1 << 20, &file[1 << 20..], &[]),
        upload(address, "winter.epub", &book),
        rename(),
        request(address, "POST", &format!("{project}/runs"), &[], b"{}"),
        request(address, "DELETE", &project, &[], &[]),
    ];
    for answer in &refused {
        assert_eq!((answer.status, answer.code().as_str()), (503, "store-read-only"), "{answer:?}");
    }
    assert_eq!(offset(address, &path), 1 << 20, "what was acknowledged is there, and no more");
    let view = get(address, &project).json();
    assert_eq!((&view["named"], &view["run"]["state"]["state"]), (&false.into(), &"ready".into()), "{view}");
    assert_eq!(get(address, &format!("{project}/files/storyboard.json")).status, 200, "reading goes on");
    // Within the second that a measurement is told for.
    let health = |wanted: u16| {
        let until = Instant::now() + PATIENCE;
        while get(address, "/health").status != wanted {
            assert!(Instant::now() < until, "{:?}", get(address, "/health"));
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    health(503);
    let trouble = get(address, "/api/v1/health/databases").json()["records"]["trouble"].clone();
    assert!(trouble.as_str().unwrap().contains("store-read-only"), "{trouble}");
    drop(frozen);
    health(200);
    assert_eq!(send(address, &path, 1 << 20, &file[1 << 20..], &[]).status, 204);
    assert_eq!(get(address, &path).json()["digest"], domain::id::Digest::of(&file).to_string());
    assert_eq!((rename().status, &get(address, &project).json()["name"]), (200, &"Winter".into()));
    let another = upload(address, "winter.epub", &book);
    assert_eq!(another.status, 201, "{another:?}");
    let another = another.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(super::common::http::finished(address, &another), "ready");
}

#[test]
fn on_a_folder_that_takes_no_writes_a_node_does_not_start_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data");
    drop(Server::start(&folder));
    let Some(bound) = Bound::mount(folder.clone()) else {
        println!("skipped: this process may not mount anything");
        return;
    };
    bound.remount("ro");
    let refused = visiobook().args(["serve", "--port", "0", "--data-dir"]).arg(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("the store is read-only") && said.contains("opening the data folder"), "{said}");
    bound.remount("rw");
    Server::start(&folder);
}

#[test]
fn on_a_full_disk_an_upload_stands_still_and_goes_on_by_itself_once_there_is_space() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this process may not mount a small file system");
        return;
    };
    let file = patterned(4 << 20);
    let server = Server::start(&disk.0.path().join("data"));
    let upload = begin(&server.address, "a.bin", file.len(), "");
    assert_eq!(send(&server.address, &upload, 0, &file[..1 << 20], &[]).status, 204);
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 16 << 20]).expect_err("the disk is smaller than that");
    let full = send(&server.address, &upload, 1 << 20, &file[1 << 20..], &[]);
    assert_eq!((full.status, full.code().as_str()), (507, "store-full"));
    assert_eq!(offset(&server.address, &upload), 1 << 20, "what was acknowledged is there, and no more");
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(send(&server.address, &upload, 1 << 20, &file[1 << 20..2 << 20], &[]).status, 204);
    assert_eq!(send(&server.address, &upload, 2 << 20, &file[2 << 20..], &[]).status, 204);
    assert_eq!(get(&server.address, &upload).json()["digest"], domain::id::Digest::of(&file).to_string());
}
