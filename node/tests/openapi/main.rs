//! The served document against the node that serves it, by schemathesis: nothing that the document allows leads to a
//! server error or to an answer that the document does not describe, and every operation succeeds at least once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::http::{get, request};
use common::{Server, repository, visiobook};
use domain::id::Digest;
use serde_json::{Value, json};

/// Cases of an operation, at most.
const EXAMPLES: &str = "12";
/// Everything is checked.
const ALL: &[&str] = &["--checks", "all", "--max-examples", EXAMPLES];
/// What is refused to those who may not is as it should be: what is asked is whether it is answered as described.
const DESCRIBED: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                         response_headers_conformance,response_schema_conformance";
/// Replays the same cases.
const SEED: &str = "20";

/// The interpreter of an environment that holds schemathesis, made once for each build folder and list of packages;
/// `None` without pip.
fn python() -> Option<PathBuf> {
    // Of several tests that want it one makes it.
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(environment).clone()
}

fn environment() -> Option<PathBuf> {
    let there = Command::new("python3").args(["-c", "import pip, ensurepip"]).output();
    if !there.is_ok_and(|said| said.status.success()) {
        println!("skipped: this test needs python3 with pip and venv, which are not on the PATH");
        return None;
    }
    let requirements = repository("node/tests/openapi/requirements.txt");
    let wanted = Digest::of(&std::fs::read(&requirements).unwrap()).to_string();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{}", &wanted[..16]));
    let (python, made) = (folder.join("bin/python"), folder.join("made"));
    if !made.is_file() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements));
        std::fs::write(made, "").unwrap();
    }
    Some(python)
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Runs schemathesis against a node, with what it is to be told beyond the usual; its report.
fn schemathesis(python: &Path, server: &Server, data: &Path, arguments: &[&str], told: &[(&str, &str)]) -> String {
    let report = data.join("report.ndjson");
    let (base, folder) = (format!("http://{}", server.address), repository("node/tests/openapi"));
    let mut schemathesis = Command::new(python);
    schemathesis.args(["-m", "schemathesis.cli", "--config-file"]).arg(folder.join("schemathesis.toml"));
    schemathesis.args(["run", "--phases", "examples,coverage,fuzzing", "--workers", "1"]);
    schemathesis.args(["--continue-on-failure", "--seed", SEED, "--no-shrink"]);
    schemathesis.args(["--report", "ndjson", "--report-ndjson-path"]).arg(&report).args(arguments);
    schemathesis.arg(format!("{base}/api/v1/openapi.json")).env("VISIOBOOK_BASE", &base).envs(told.iter().copied());
    schemathesis.env("SCHEMATHESIS_HOOKS", folder.join("hooks.py")).current_dir(data);
    let ran = schemathesis.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    std::fs::read_to_string(report).unwrap()
}

/// Holds a report against the document: each operation that is `meant` succeeded once. How many there are.
fn each_succeeded(server: &Server, report: &str, meant: impl Fn(&Value) -> bool) -> usize {
    let mut succeeded = successes(report);
    // Where it took the document from it does not ask again: that it has one is the success.
    succeeded.insert("GET /api/v1/openapi.json".to_owned(), 1);
    let meant: Vec<_> = operations(server).into_iter().filter(|(_, operation)| meant(operation)).collect();
    for (label, _) in &meant {
        assert!(succeeded.get(label).is_some_and(|count| *count > 0), "{label} never succeeded: {succeeded:?}");
    }
    meant.len()
}

/// The operations of the served document, each with the label that a report gives it.
fn operations(server: &Server) -> Vec<(String, Value)> {
    let document = get(&server.address, "/api/v1/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, one)| (format!("{} {path}", method.to_uppercase()), one.clone()))
    });
    all.collect()
}

#[test]
fn a_program_with_a_key_is_told_what_the_document_says() {
    const CODE: &str = "OPENOPENOPENOPENOPENOPENOPEN";
    let Some(python) = python() else { return };
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", CODE).env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "100");
    let server = Server::start_with(data.path(), &mut command);
    let claim = json!({ "code": CODE, "email": "a@b.org", "password": "a lamp upon the ferry", "name": "A" });
    let post = |path: &str, headers: &[(&str, &str)], body: &Value| {
        let answer = request(&server.address, "POST", path, headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer
    };
    let claimed = post("/api/v1/auth/claim", &[], &claim);
    let cookie = claimed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = claimed.json()["csrf_token"].as_str().unwrap().to_owned();
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let wanted = json!({ "name": "k", "scopes": ["read", "write", "operate", "administer"] });
    let key = post("/api/v1/account/keys", &headers, &wanted).json()["token"].as_str().unwrap().to_owned();
    const TAGS: [&str; 3] = ["projects", "webhooks", "node"];
    let tags = TAGS.map(|tag| ["--include-tag", tag]).concat();
    let report = schemathesis(&python, &server, data.path(), &tags, &[("VISIOBOOK_KEY", &key)]);
    let count = each_succeeded(&server, &report, |one| TAGS.contains(&one["tags"][0].as_str().unwrap()));
    println!("{count} operations by key, each with a success");
}

fn is_of_accounts(operation: &Value) -> bool {
    operation["tags"][0] == "accounts"
}

#[test]
fn what_the_document_says_of_accounts_is_kept_to() {
    let Some(python) = python() else { return };
    let data = tempfile::tempdir().unwrap();
    let (server, told) = for_people(data.path());
    let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
    let of_accounts = [ALL, &["--include-tag", "accounts"]].concat();
    let report = schemathesis(&python, &server, data.path(), &of_accounts, &told);
    // A node is claimed once, which the preparation does; and `node/tests/accounts/oidc.rs` has an identity provider.
    let elsewhere = ["claimNode", "beginFlow", "endFlow", "flowAgain", "linkIdentity", "unlinkIdentity"];
    let is_meant = |one: &Value| is_of_accounts(one) && !elsewhere.iter().any(|id| one["operationId"] == *id);
    let count = each_succeeded(&server, &report, is_meant);
    println!("{count} operations of accounts, each with a success");
}

/// A node that people sign up to, and what schemathesis is told of it.
fn for_people(data: &Path) -> (Server, [(&'static str, String); 2]) {
    const CODE: &str = "OPENOPENOPENOPENOPENOPENOPEN";
    let mut command = visiobook();
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", CODE).env("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "1000");
    // Long enough for a run to be cancelled before it is done.
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "100");
    let server = Server::start_with(data, &mut command);
    let outbox = data.join("outbox").to_str().unwrap().to_owned();
    (server, [("VISIOBOOK_CLAIM_CODE", CODE.to_owned()), ("VISIOBOOK_OUTBOX", outbox)])
}

#[test]
fn what_the_document_says_of_sharing_is_kept_to() {
    let Some(python) = python() else { return };
    let data = tempfile::tempdir().unwrap();
    let (server, told) = for_people(data.path());
    let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
    let of_sharing = [ALL, &["--include-tag", "sharing"]].concat();
    let report = schemathesis(&python, &server, data.path(), &of_sharing, &told);
    let count = each_succeeded(&server, &report, |one| one["tags"][0] == "sharing");
    println!("{count} operations of sharing, each with a success");
}

#[test]
fn a_viewer_an_editor_and_a_visitor_get_answers_that_the_document_describes_and_no_more_than_they_may() {
    let Some(python) = python() else { return };
    for (who, may) in [
        ("viewer", &["project:read", "project:member"][..]),
        ("editor", &["project:read", "project:member", "project:write"]),
        ("share", &["project:read"]),
    ] {
        let data = tempfile::tempdir().unwrap();
        let (server, told) = for_people(data.path());
        let [code, outbox] = told.each_ref().map(|(name, value)| (*name, value.as_str()));
        let project =
            ["--checks", DESCRIBED, "--include-path-regex", "^/api/v1/projects/.project.", "--max-examples", "4"];
        // Whoever leaves has nothing more to ask for, and a stream is held open for as long as it is heard.
        let but = ["--exclude-operation-id", "removeMember", "--exclude-operation-id", "events"];
        let arguments = [&project[..], &but].concat();
        let report = schemathesis(&python, &server, data.path(), &arguments, &[code, outbox, ("VISIOBOOK_AS", who)]);
        let succeeded = successes(&report);
        for (label, operation) in operations(&server) {
            let count = succeeded.get(&label).copied().unwrap_or_default();
            let is_theirs = may.iter().any(|permission| operation["x-permission"] == *permission);
            assert!(is_theirs || count == 0, "{who}: {label} succeeded {count} times");
        }
        let reads = succeeded["GET /api/v1/projects/{project}"] + succeeded["GET /api/v1/projects/{project}/runs"];
        assert!(reads > 0, "{who} reads nothing: {succeeded:?}");
        println!("{who}: {succeeded:?}");
    }
}

#[test]
fn an_operator_gets_answers_that_the_document_describes_and_nothing_of_an_admins() {
    let Some(python) = python() else { return };
    let data = tempfile::tempdir().unwrap();
    let (server, told) = for_people(data.path());
    let [code, outbox] = told.each_ref().map(|(name, value)| (*name, value.as_str()));
    let admins: Vec<_> = operations(&server).into_iter().filter(|(_, one)| one["x-permission"] == "admin").collect();
    let ids = admins.iter().flat_map(|(_, one)| ["--include-operation-id", one["operationId"].as_str().unwrap()]);
    let mut asked =
        vec!["--checks", DESCRIBED, "--max-examples", "4", "--include-tag", "node", "--include-tag", "projects"];
    asked.extend(ids);
    let report = schemathesis(&python, &server, data.path(), &asked, &[code, outbox, ("VISIOBOOK_ROLE", "operator")]);
    let is_of_these = |one: &Value| one["tags"][0] == "node" || one["tags"][0] == "projects";
    let meant = |one: &Value| is_of_these(one) && one["operationId"] != "followEvents";
    let count = each_succeeded(&server, &report, meant);
    let (succeeded, refused) = (successes(&report), answers(&report, |status| status == 403));
    assert!(admins.len() > 3);
    for (label, _) in admins {
        let of = |counts: &BTreeMap<String, u64>| counts.get(&label).copied().unwrap_or_default();
        assert!(of(&refused) > 0 && of(&succeeded) == 0, "an operator: {label}: {succeeded:?} {refused:?}");
    }
    println!("{count} operations as an operator, each with a success");
}

#[test]
fn the_served_document_is_kept_to_and_every_operation_succeeds_once() {
    let Some(python) = python() else { return };
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    // Long enough for a run to be cancelled before it is done.
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "100");
    let server = Server::start_with(data.path(), &mut command);
    let began = Instant::now();
    while get(&server.address, "/health/ready").status != 204 {
        assert!(began.elapsed() < Duration::from_secs(60), "the node does not get ready");
    }
    let others = [ALL, &["--exclude-tag", "accounts", "--exclude-tag", "sharing"]].concat();
    let report = schemathesis(&python, &server, data.path(), &others, &[]);
    // A WebSocket is no request that it can make: `node/tests/follow.rs` has it.
    let meant =
        |one: &Value| !is_of_accounts(one) && one["tags"][0] != "sharing" && one["operationId"] != "followEvents";
    let operations = each_succeeded(&server, &report, meant);
    println!("{operations} operations, each with a success, in {:.0} s", began.elapsed().as_secs_f64());
}

/// How often each operation was answered by a 2xx or sent on for good, by schemathesis' own report.
fn successes(report: &str) -> BTreeMap<String, u64> {
    answers(report, |status| (200..300).contains(&status) || status == 308)
}

/// How often each operation was answered by some statuses.
fn answers(report: &str, by: impl Fn(u64) -> bool) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(label) = recorder["label"].as_str() else { continue };
        let interactions = recorder["interactions"].as_object().into_iter().flat_map(|all| all.values());
        let is_one = |one: &&Value| one["response"]["status_code"].as_u64().is_some_and(&by);
        *counts.entry(label.to_owned()).or_default() += interactions.filter(is_one).count() as u64;
    }
    counts
}
