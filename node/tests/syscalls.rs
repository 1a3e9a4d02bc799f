//! What the node asks of the kernel before it answers. A page cache survives a kill, so a kill can't show that
//! something is on the disk: the order of the system calls does.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::http::{finished, get, request};
use common::{ENGLISH, Server, sample};

/// What is looked at: reading and writing sockets, writing and syncing files, renaming.
const TRACED: &str = "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write,writev,sendto,sendmsg,\
    read,readv,recvfrom,recvmsg,linkat";

/// A call that has ended, and where in the trace it began and ended.
#[derive(Clone, Debug)]
struct Call {
    name: String,
    /// Arguments as strace writes them, descriptors with their paths.
    text: String,
    began: usize,
    ended: usize,
}

/// A node under strace.
struct Traced {
    server: Server,
    trace: std::path::PathBuf,
    data: std::path::PathBuf,
}

impl Traced {
    /// `None` where processes can't be traced.
    fn start(folder: &Path) -> Option<Self> {
        let may = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        if !may.is_ok_and(|ran| ran.status.success()) {
            println!("skipped: strace is not installed, or this process may not trace another one");
            return None;
        }
        let (trace, data) = (folder.join("trace"), folder.join("data"));
        let mut command = Command::new("strace");
        // Long strings: a page of the database shows which row is on it.
        command.args(["-f", "-y", "-s", "4200", "-e", "signal=none", "-e", TRACED, "-o"]).arg(&trace);
        command.arg(env!("CARGO_BIN_EXE_visiobook")).env("VISIOBOOK__MODEL__PATH", "double");
        command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
        Some(Self { server: Server::start_with(&data, &mut command), trace, data })
    }

    /// Stops the node; all that it asked of the kernel.
    fn stop(self) -> Vec<Call> {
        // Of strace and the node it is the node that is to be stopped: the lock says which that is.
        let lock = std::fs::read_to_string(self.data.join("LOCK")).unwrap();
        let pid: i32 = lock.lines().next().unwrap().strip_prefix("pid ").unwrap().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut running = self.server.running;
        running.0.wait().unwrap();
        calls(&std::fs::read_to_string(self.trace).unwrap())
    }
}

/// Reads a trace: calls of several threads are cut into their beginning and their end.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: HashMap<&str, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let (began, text) = if let Some(cut) = rest.strip_suffix(" <unfinished ...>") {
            open.insert(thread, (at, cut.to_owned()));
            continue;
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((began, first)) = open.remove(thread) else { continue };
            (began, format!("{first}{}", resumed.split_once("resumed>").map_or("", |(_, rest)| rest)))
        } else {
            (at, rest.to_owned())
        };
        let Some((name, _)) = text.split_once('(') else { continue };
        if !text.contains(" = -1 ") {
            calls.push(Call { name: name.to_owned(), text: text.clone(), began, ended: at });
        }
    }
    calls
}

impl Call {
    fn syncs(&self, path: &str) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync") && self.text.contains(path)
    }
}

/// The calls that a request led to: from its head's arrival until its answer begins to be written.
struct Served<'a> {
    calls: Vec<&'a Call>,
    answered: usize,
}

impl<'a> Served<'a> {
    /// The request that has a mark of its own among its headers.
    fn find(all: &'a [Call], mark: &str, answer: &str) -> Self {
        let is_read = |call: &&Call| ["read", "readv", "recvfrom", "recvmsg"].contains(&call.name.as_str());
        let is_marked = |call: &&Call| call.text.contains(&format!("x-mark: {mark}"));
        let came = all.iter().filter(is_read).find(is_marked).expect("the marked request").ended;
        let is_written = |call: &&Call| ["write", "writev", "sendto", "sendmsg"].contains(&call.name.as_str());
        let mut answers = all.iter().filter(is_written).filter(|call| call.began > came);
        let answered = answers.find(|call| call.text.contains("HTTP/1.1 ")).expect("an answer");
        assert!(answered.text.contains(answer), "{mark}: {}", &answered.text[..answered.text.len().min(300)]);
        let answered = answered.began;
        let calls = all.iter().filter(|call| call.began > came && call.ended < answered).collect();
        Self { calls, answered }
    }

    /// Where the first call that satisfies ended, after a place.
    fn after(&self, place: usize, what: &str, satisfies: impl Fn(&Call) -> bool) -> usize {
        let found = self.calls.iter().find(|call| call.began > place && satisfies(call));
        let names: Vec<&str> = self.calls.iter().map(|call| &call.text[..call.text.len().min(160)]).collect();
        found.unwrap_or_else(|| panic!("no {what} before the answer at {}: {names:#?}", self.answered)).ended
    }

    /// The log of the database holds a marker, and is synced after that.
    fn logs(&self, marker: &str) -> usize {
        let is_marked =
            |call: &&&Call| call.name == "pwrite64" && call.text.contains("-wal>") && call.text.contains(marker);
        let written = self.calls.iter().rfind(is_marked);
        let written = written.unwrap_or_else(|| panic!("`{marker}` is not written to the log before the answer")).ended;
        self.after(written, "sync of the log", |call| call.syncs("-wal>"))
    }

    /// A blob is synced, then renamed to where blobs lie, then that folder is synced.
    fn names_a_blob(&self) -> usize {
        let renames = |call: &Call| call.name.starts_with("rename") && call.text.contains("/blobs/objects/");
        let synced = self.after(0, "sync of a blob's file", |call| call.syncs("/blobs/incoming/"));
        let renamed = self.after(synced, "renaming of the blob", renames);
        self.after(renamed, "sync of its folder", |call| call.syncs("/blobs/objects/"))
    }

    /// The same, and the folders above that one are synced too.
    fn publishes(&self) -> usize {
        let named = self.names_a_blob();
        named.max(self.syncs_above())
    }

    /// The folder of blobs is synced, for the folder of a tenant may be new in it.
    fn syncs_above(&self) -> usize {
        self.after(0, "sync of the folder of blobs", |call| call.syncs("/blobs/objects>"))
    }
}

#[test]
fn what_is_answered_was_synced_before_file_folder_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let Some(traced) = Traced::start(folder.path()) else { return };
    let address = traced.server.address.clone();
    let book = std::fs::read(sample(ENGLISH)).unwrap();

    // An upload by tus: its row, then a part.
    let name = format!("filename {}", STANDARD.encode("marked-upload.epub"));
    let length = book.len().to_string();
    let head = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", name.as_str())];
    let head = [&head[..], &[("x-mark", "begin")]].concat();
    let upload = request(&address, "POST", "/api/v1/uploads", &head, &[]).header("location").unwrap().to_owned();
    let part = "application/offset+octet-stream";
    let head = [("tus-resumable", "1.0.0"), ("upload-offset", "0"), ("content-type", part), ("x-mark", "part")];
    assert_eq!(request(&address, "PATCH", &upload, &head, &book).status, 204);
    // A book in one piece, with its first run.
    let made = request(&address, "POST", "/api/v1/projects?name=marked-project.epub", &[("x-mark", "whole")], &book);
    assert_eq!(made.status, 201);
    let project = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&address, &project), "ready");
    // An edit, and another run.
    let run = get(&address, &format!("/api/v1/projects/{project}")).json()["run"]["id"].as_str().unwrap().to_owned();
    let edit = format!(r#"{{"run":"{run}","version":0,"edit":{{"do":"note","panel":0,"text":"marked-edit"}}}}"#);
    let json = |mark| [("content-type", "application/json"), ("x-mark", mark)];
    let edits = format!("/api/v1/projects/{project}/storyboard/edits");
    assert_eq!(request(&address, "POST", &edits, &json("edit"), edit.as_bytes()).status, 200);
    let runs = format!("/api/v1/projects/{project}/runs");
    let again = request(&address, "POST", &runs, &json("again"), b"{}");
    assert_eq!(again.status, 201);
    assert_eq!(finished(&address, &project), "ready");

    let calls = traced.stop();
    let begin = Served::find(&calls, "begin", "HTTP/1.1 201");
    begin.logs("marked-upload.epub");
    // Where the parts are to lie is synced along with the row, so that a part has less to do.
    begin.syncs_above();
    let tenant = format!("/blobs/objects/{}>", domain::id::TenantId::LOCAL);
    begin.after(0, "sync of the tenant's folder", |call| call.syncs(&tenant));
    let part = Served::find(&calls, "part", "HTTP/1.1 204");
    let (published, logged) = (part.names_a_blob(), part.logs("marked-upload.epub"));
    assert!(published < logged, "the row names a chunk only once that is durable");
    let whole = Served::find(&calls, "whole", "HTTP/1.1 201");
    assert!(whole.publishes() < whole.logs("marked-project.epub"));
    Served::find(&calls, "edit", "HTTP/1.1 200").logs("marked-edit");
    let begun = Served::find(&calls, "again", "HTTP/1.1 201");
    // The project's row names the run, and is written last.
    begun.logs("marked-project.epub");
}
