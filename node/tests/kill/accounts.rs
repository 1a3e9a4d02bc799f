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
const WRITES: [&str; 5] =
    ["adding an account", "updating an account", "claiming an address", "releasing an address", "claiming the node"];
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

    /// The token of the newest letter to an address; `None` once the node is gone.
    fn token(&self, to: &str) -> Option<String> {
        let until = Instant::now() + LETTER;
        loop {
            let entries = std::fs::read_dir(self.data.join("outbox")).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|e| e == "eml"));
            paths.sort();
            let letters = paths.iter().rev().filter_map(|path| std::fs::read_to_string(path).ok());
            let mut letters = letters.filter(|text| text.contains(&format!("To: {to}\r\n")));
            if let Some(letter) = letters.next() {
                // Long lines are broken for the way.
                let letter = letter.replace("=\r\n", "");
                return letter.split_once('#')?.1.split_whitespace().next().map(str::to_owned);
            }
            try_request(self.address, "GET", "/health/live", &[], &[])?;
            assert!(Instant::now() < until && !self.enough.load(Ordering::SeqCst), "no letter to {to}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn live(&self) {
        self.told.claimed.lock().unwrap().asked = Some(true);
        if self.ask("POST", "/api/v1/auth/claim", &[], &claim()).is_none() {
            return;
        }
        *self.told.claimed.lock().unwrap() = Told::new(true);
        for n in 0.. {
            if self.one(n).is_none() {
                return;
            }
        }
    }

    fn one(&self, n: u32) -> Option<()> {
        let (first, then) = (format!("anna{n}@example.org"), format!("lamp{n}@example.org"));
        let sign_up = json!({ "email": first, "password": PASSWORD, "name": "Anna" });
        self.ask("POST", "/api/v1/auth/sign-up", &[], &sign_up)?;
        let confirm = |token| json!({ "token": token, "password": PASSWORD });
        let confirmed = self.ask("POST", "/api/v1/auth/confirm", &[], &confirm(self.token(&first)?))?;
        let place = {
            let mut emails = self.told.emails.lock().unwrap();
            emails.push(Told::new(first));
            emails.len() - 1
        };
        let cookie = confirmed.header("set-cookie")?.split(';').next()?.to_owned();
        let csrf = confirmed.json()["csrf_token"].as_str()?.to_owned();
        let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
        self.key(&headers)?;
        self.ask("PUT", "/api/v1/account/email", &headers, &json!({ "email": then }))?;
        let token = self.token(&then)?;
        self.told.emails.lock().unwrap()[place].asked = Some(then.clone());
        self.ask("POST", "/api/v1/auth/confirm", &[], &confirm(token))?;
        self.told.emails.lock().unwrap()[place] = Told::new(then);
        Some(())
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
}
