//! Those who claim the node, sign up and move to another address until it dies; and what is there of them after.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::http::{Answer, try_request};
use super::ledger::Told;

/// Names of the writes that accounts make. A node that dies at one of them is used by nobody else: the first account
/// ends what others do without one.
const WRITES: [&str; 7] = [
    "adding an account",
    "updating an account",
    "claiming an address",
    "releasing an address",
    "claiming the node",
    "changing who has a project",
    "changing what was shared",
];
pub const CODE: &str = "KILLKILLKILLKILLKILLKILLKILL";
const PASSWORD: &str = "a lamp upon the ferry";
const ADMIN: &str = "admin@example.org";
/// How long a letter may take on a busy machine.
const LETTER: Duration = Duration::from_secs(60);

/// Whether a point is one of accounts.
pub fn concerns(point: &str) -> bool {
    WRITES.iter().any(|write| point.ends_with(write))
}

/// What they were told.
#[derive(Default)]
pub struct TheirLedger {
    claimed: Mutex<Told<bool>>,
    /// The address of each account whose confirmation was answered.
    emails: Mutex<Vec<Told<String>>>,
    /// The project that is shared.
    project: Mutex<Option<String>>,
    /// Whether the account of an address is a member of it.
    members: Mutex<Vec<(String, Told<bool>)>>,
    /// Tokens of keys, and whether each is good.
    keys: Mutex<Vec<(String, Told<bool>)>>,
}

/// Uses a node until it dies.
pub struct People<'a> {
    pub address: &'a str,
    pub data: &'a Path,
    pub told: &'a TheirLedger,
    /// Set when the node is to be left alone.
    pub enough: &'a AtomicBool,
}

impl People<'_> {
    /// An answer that says yes; `None` once the node is gone.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Answer> {
        if self.enough.load(Ordering::SeqCst) {
            return None;
        }
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = try_request(self.address, method, path, headers, &bytes)?;
        if answer.status == 429 {
            // Nobody signs up so often: it has been used enough.
            return None;
        }
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        Some(answer)
    }

    /// The token of this kind in the newest letter to an address; `None` once the node is gone.
    fn token(&self, to: &str, kind: &str) -> Option<String> {
        let until = Instant::now() + LETTER;
        loop {
            let entries = std::fs::read_dir(self.data.join("outbox")).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|e| e == "eml"));
            paths.sort();
            let letters = paths.iter().rev().filter_map(|path| std::fs::read_to_string(path).ok());
            // Long lines are broken for the way.
            let letters = letters.map(|text| text.replace("=\r\n", ""));
            let is_it = |text: &String| text.contains(&format!("To: {to}\r\n")) && text.contains(&format!("#{kind}"));
            if let Some(letter) = letters.into_iter().find(is_it) {
                return letter.split_once('#')?.1.split_whitespace().next().map(str::to_owned);
            }
            try_request(self.address, "GET", "/health/live", &[], &[])?;
            assert!(Instant::now() < until && !self.enough.load(Ordering::SeqCst), "no letter to {to}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn live(&self) {
        self.told.claimed.lock().unwrap().asked = Some(true);
        let Some(claimed) = self.ask("POST", "/api/v1/auth/claim", &[], &claim()) else { return };
        *self.told.claimed.lock().unwrap() = Told::new(true);
        let admin = session(&claimed);
        let book =
            "Chapter One\n\n".to_owned() + &"“Where is the lamp?” asked Anna. The ferry left at nine. ".repeat(20);
        let path = "/api/v1/projects?name=lamp.txt";
        let Some(made) = try_request(self.address, "POST", path, &of(&admin), book.as_bytes()) else { return };
        let project = made.json()["id"].as_str().unwrap().to_owned();
        *self.told.project.lock().unwrap() = Some(project.clone());
        for n in 0.. {
            if self.one(n, &of(&admin), &project).is_none() {
                return;
            }
        }
    }

    /// Somebody is given the project, and every other one loses it again.
    fn shared(&self, n: u32, owner: &[(&str, &str)], project: &str, (email, member): (&str, &Answer)) -> Option<()> {
        let headers = session(member);
        let invite = json!({ "email": email, "role": "editor" });
        self.ask("POST", &format!("/api/v1/projects/{project}/invitations"), owner, &invite)?;
        let invitation = json!({ "token": self.token(email, "vi_")? });
        let place = {
            let mut members = self.told.members.lock().unwrap();
            members.push((email.to_owned(), Told { answered: false, asked: Some(true) }));
            members.len() - 1
        };
        self.ask("POST", "/api/v1/invitations/accept", &of(&headers), &invitation)?;
        self.told.members.lock().unwrap()[place].1 = Told::new(true);
        if n.is_multiple_of(2) {
            self.told.members.lock().unwrap()[place].1.asked = Some(false);
            let id = member.json()["account"]["id"].as_str()?.to_owned();
            self.ask("DELETE", &format!("/api/v1/projects/{project}/members/{id}"), owner, &Value::Null)?;
            self.told.members.lock().unwrap()[place].1 = Told::new(false);
        }
        Some(())
    }

    fn one(&self, n: u32, owner: &[(&str, &str)], project: &str) -> Option<()> {
        let (first, then) = (format!("anna{n}@example.org"), format!("lamp{n}@example.org"));
        let sign_up = json!({ "email": first, "password": PASSWORD, "name": "Anna" });
        self.ask("POST", "/api/v1/auth/sign-up", &[], &sign_up)?;
        let confirm = |token| json!({ "token": token, "password": PASSWORD });
        let confirmed = self.ask("POST", "/api/v1/auth/confirm", &[], &confirm(self.token(&first, "vl_")?))?;
        let place = {
            let mut emails = self.told.emails.lock().unwrap();
            emails.push(Told::new(first));
            emails.len() - 1
        };
        let session = session(&confirmed);
        self.key(&of(&session))?;
        self.ask("PUT", "/api/v1/account/email", &of(&session), &json!({ "email": then }))?;
        let token = self.token(&then, "vl_")?;
        self.told.emails.lock().unwrap()[place].asked = Some(then.clone());
        self.ask("POST", "/api/v1/auth/confirm", &[], &confirm(token))?;
        self.told.emails.lock().unwrap()[place] = Told::new(then.clone());
        self.shared(n, owner, project, (&then, &confirmed))
    }
}

/// What an answer signed in: cookie and token.
fn session(answer: &Answer) -> (String, String) {
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    (cookie, answer.json()["csrf_token"].as_str().unwrap().to_owned())
}

fn of((cookie, csrf): &(String, String)) -> [(&str, &str); 2] {
    [("cookie", cookie), ("x-csrf-token", csrf)]
}

/// Holds it against what members of the project were told: who is one sees it, in its place and in their list.
fn verify_members(address: &str, told: &TheirLedger) {
    let Some(project) = told.project.lock().unwrap().clone() else { return };
    for (email, stands) in told.members.lock().unwrap().iter_mut() {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let signed_in = try_request(address, "POST", "/api/v1/auth/sign-in", &[], body.as_bytes()).unwrap();
        let session = session(&signed_in);
        let ask = |path: &str| try_request(address, "GET", path, &of(&session), &[]).unwrap();
        let is_member = match ask(&format!("/api/v1/projects/{project}")) {
            answer if answer.status == 200 => true,
            answer => {
                assert_eq!(answer.code(), "project-not-found", "{email}");
                false
            }
        };
        assert!(stands.allows(&is_member), "{email}: {stands:?}, and is {is_member}");
        let listed = ask("/api/v1/projects?shown=shared").json()["total"].as_u64();
        assert_eq!(listed, Some(u64::from(is_member)), "{email}: what is listed is what is true");
        *stands = Told::new(is_member);
    }
}

impl People<'_> {
    /// Makes a key, and another one that is revoked.
    fn key(&self, headers: &[(&str, &str)]) -> Option<()> {
        for revoked in [false, true] {
            let made =
                self.ask("POST", "/api/v1/account/keys", headers, &json!({ "name": "k", "scopes": ["read"] }))?;
            let (made, place) = (made.json(), self.told.keys.lock().unwrap().len());
            self.told.keys.lock().unwrap().push((made["token"].as_str()?.to_owned(), Told::new(true)));
            if revoked {
                self.told.keys.lock().unwrap()[place].1.asked = Some(false);
                let path = format!("/api/v1/account/keys/{}", made["key"]["id"].as_str()?);
                self.ask("DELETE", &path, headers, &Value::Null)?;
                self.told.keys.lock().unwrap()[place].1 = Told::new(false);
            }
        }
        Some(())
    }
}

fn claim() -> Value {
    json!({ "code": CODE, "email": ADMIN, "password": PASSWORD, "name": "Admin" })
}

/// Whether somebody can sign in.
fn gets_in(address: &str, email: &str) -> bool {
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let answer = try_request(address, "POST", "/api/v1/auth/sign-in", &[], body.as_bytes()).unwrap();
    assert!([201, 401].contains(&answer.status), "{email}: {}", answer.text());
    answer.status == 201
}

/// Holds a node against what its people were told before it died.
pub fn verify(address: &str, told: &TheirLedger) {
    let node = try_request(address, "GET", "/api/v1/node", &[], &[]).unwrap().json();
    let claimed = node["claimed"].as_bool().unwrap();
    let mut stands = told.claimed.lock().unwrap();
    assert!(stands.allows(&claimed), "{stands:?}: {node}");
    if !claimed {
        // What a claim without an answer left is in nobody's way.
        let answer = try_request(address, "POST", "/api/v1/auth/claim", &[], claim().to_string().as_bytes()).unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    *stands = Told::new(true);
    assert!(gets_in(address, ADMIN), "the first account");
    for (token, stands) in told.keys.lock().unwrap().iter_mut() {
        let bearer = format!("Bearer {token}");
        let answer = try_request(address, "GET", "/api/v1/projects", &[("authorization", &bearer)], &[]).unwrap();
        assert!([200, 401].contains(&answer.status), "{}", answer.text());
        let good = answer.status == 200;
        assert!(stands.allows(&good), "{stands:?}: a key that was made is good, and one that was revoked is not");
        *stands = Told::new(good);
    }
    for email in told.emails.lock().unwrap().iter_mut() {
        let at: Vec<String> = std::iter::once(&email.answered).chain(&email.asked).cloned().collect();
        let works: Vec<&String> = at.iter().filter(|email| gets_in(address, email)).collect();
        assert_eq!(works.len(), 1, "{email:?}: an account has one address");
        *email = Told::new(works[0].clone());
    }
    verify_members(address, told);
}
