//! The node dies while an account is erased; when it is back, all of the account goes, once.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use store::failpoint;

use super::accounts::CODE;
use super::common::Server;
use super::common::http::{Answer, try_request};
use super::{died, slow};

const PASSWORD: &str = "a lamp upon the ferry";
const ADMIN: &str = "admin@example.org";
const ANNA: &str = "anna@example.org";
/// How long something may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A node that dies the how manieth time that it passes a point, or not at all.
pub fn node(data: &Path, point: Option<(&str, u64)>) -> Server {
    let mut command = slow();
    command.env("VISIOBOOK__AUTH__LEAVE_GRACE_S", "0").env("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "100");
    if let Some((point, nth)) = point {
        command.env(failpoint::POINT_VARIABLE, point).env(failpoint::NTH_VARIABLE, nth.to_string());
    }
    Server::start_with(data, &mut command)
}

fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Answer> {
    try_request(address, "POST", path, headers, body.to_string().as_bytes())
}

/// The token in the `count`th link that was mailed to Anna.
fn token(data: &Path, count: usize) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let entries = std::fs::read_dir(data.join("outbox")).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "eml"));
        paths.sort();
        let letters = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok());
        let letters = letters.map(|text| text.replace("=\r\n", "").replace("=3D", "="));
        let letters = letters.filter(|text| text.contains(&format!("To: {ANNA}\r\n")) && text.contains("#vl_"));
        if let Some(letter) = letters.collect::<Vec<_>>().get(count - 1) {
            return letter.split_once('#').unwrap().1.split_whitespace().next().unwrap().to_owned();
        }
        assert!(Instant::now() < until, "letter {count} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Cookie and CSRF token of whom an answer signed in.
fn person(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    (cookie, answer.json()["csrf_token"].as_str().unwrap().to_owned())
}

fn join(address: &str, data: &Path, count: usize) -> (String, String) {
    let sign_up = json!({ "email": ANNA, "password": PASSWORD, "name": "Anna" });
    assert_eq!(post(address, "/api/v1/auth/sign-up", &[], &sign_up).unwrap().status, 202);
    let confirm = json!({ "token": token(data, count), "password": PASSWORD });
    person(&post(address, "/api/v1/auth/confirm", &[], &confirm).unwrap())
}

/// An admin, and Anna with a book: her cookie and CSRF token, her project, and the book's text.
pub fn begun(address: &str, data: &Path) -> (String, String, String, String) {
    let claim = json!({ "code": CODE, "email": ADMIN, "password": PASSWORD, "name": "Admin" });
    person(&post(address, "/api/v1/auth/claim", &[], &claim).unwrap());
    let (cookie, csrf) = join(address, data, 1);
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let book = format!("Chapter One\n\n{}", "“Where is the lamp?” asked Anna. The ferry left at nine. ".repeat(30));
    let made = try_request(address, "POST", "/api/v1/projects?name=lamp.txt", &headers, book.as_bytes()).unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let project = made.json()["id"].as_str().unwrap().to_owned();
    (cookie, csrf, project, book)
}

pub fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn play(point: &str) {
    let data = tempfile::tempdir().unwrap();
    let mut server = node(data.path(), Some((point, 1)));
    let address = server.address.clone();
    let (cookie, csrf, ..) = begun(&address, data.path());
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let leave = json!({ "email": ANNA, "password": PASSWORD });
    assert_eq!(post(&address, "/api/v1/account/deletion", &headers, &leave).unwrap().status, 200);
    assert!(died(&mut server, &AtomicBool::new(false)), "{point} was never passed");

    let server = node(data.path(), None);
    let sign_in = |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        post(&server.address, "/api/v1/auth/sign-in", &[], &body).unwrap()
    };
    assert_eq!(sign_in(ANNA).status, 401, "{point}: once it has begun nobody takes it back");
    let (admin, _) = person(&sign_in(ADMIN));
    let until = Instant::now() + PATIENCE;
    let erased = loop {
        let log = try_request(&server.address, "GET", "/api/v1/audit", &[("cookie", &admin)], &[]).unwrap().json();
        let entries = log["entries"].as_array().unwrap().clone();
        let books = files(&data.path().join("blobs"));
        if entries.iter().any(|entry| entry["what"] == "account-erased") && books == 0 {
            break entries;
        }
        assert!(Instant::now() < until, "{point}: {log}, {books} files are left");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(erased.len(), 1, "{point}: it is written down once: {erased:?}");
    // And the address is anybody's: another account, with nothing in it.
    let (cookie, _) = join(&server.address, data.path(), 2);
    let list = try_request(&server.address, "GET", "/api/v1/projects", &[("cookie", &cookie)], &[]).unwrap().json();
    assert_eq!(list["total"], 0, "{point}");
    server.running.kill();
}

#[test]
fn an_account_that_goes_is_gone_whatever_happens_on_the_way() {
    let only = std::env::var("VISIOBOOK_KILL_ONLY").ok();
    for point in failpoint::of_going() {
        if only.as_ref().is_none_or(|only| point.contains(only)) {
            play(&point);
        }
    }
}
