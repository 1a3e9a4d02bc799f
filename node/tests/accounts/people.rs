//! A node that people sign up to, and those people.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::http::{Answer, request};
use super::common::{Server, visiobook};

pub const CODE: &str = "TESTTESTTESTTESTTESTTESTTEST";
pub const PASSWORD: &str = "a lamp upon the ferry";
pub const OTHER: &str = "nine keepers of the door";
pub const ADMIN: &str = "admin@example.org";
/// How long a letter may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub server: Server,
    data: tempfile::TempDir,
}

impl Site {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self { server: serve(data.path(), settings), data }
    }

    /// Ends it as a power cut would, and starts it again.
    pub fn again(self) -> Self {
        self.again_after(|_| {})
    }

    /// The same, with something done to its data folder in between.
    pub fn again_after(self, change: impl FnOnce(&Path)) -> Self {
        self.server.running.kill();
        change(self.data.path());
        Self { server: serve(self.data.path(), &[]), data: self.data }
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        request(self.address(), method, path, headers, &bytes)
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path, &[], &body)
    }

    pub fn claim(&self) -> Person {
        let body = json!({ "code": CODE, "email": ADMIN, "password": PASSWORD, "name": "Admin" });
        Person::of(&self.post("/api/v1/auth/claim", body))
    }

    pub fn sign_up(&self, email: &str) -> Answer {
        self.post("/api/v1/auth/sign-up", json!({ "email": email, "password": PASSWORD, "name": "Anna" }))
    }

    pub fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/sign-in", json!({ "email": email, "password": password }))
    }

    /// Somebody who has signed up and confirmed.
    pub fn join(&self, email: &str) -> Person {
        assert_eq!(self.sign_up(email).status, 202);
        let link = token(&self.letter(email, 1));
        Person::of(&self.post("/api/v1/auth/confirm", json!({ "token": link, "password": PASSWORD })))
    }

    /// The token of the newest invitation of an address.
    pub fn invitation(&self, email: &str) -> String {
        let mut count = 1;
        loop {
            let letter = self.letter(email, count);
            if letter.contains("#vi_") {
                return token(&letter);
            }
            count += 1;
        }
    }

    /// The cookie that opening a share link gives.
    pub fn open(&self, token: &str, password: &Value) -> String {
        let opened = self.post("/api/v1/links/open", json!({ "token": token, "password": password }));
        assert_eq!(opened.status, 200, "{}", opened.text());
        opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// Every file that it keeps.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.data.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        assert!(files.len() > 3, "{files:?}");
        files
    }

    pub fn outbox(&self) -> PathBuf {
        self.data.path().join("outbox")
    }

    /// The `count`th letter to an address, once it is there.
    pub fn letter(&self, to: &str, count: usize) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut files: Vec<PathBuf> = std::fs::read_dir(self.outbox())
                .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
                .unwrap_or_default();
            files.retain(|path| path.extension().is_some_and(|e| e == "eml"));
            files.sort();
            let letters = files.iter().map(|path| unquoted(&std::fs::read_to_string(path).unwrap()));
            let mut letters = letters.filter(|text| text.contains(&format!("To: {to}\r\n")));
            if let Some(letter) = letters.nth(count - 1) {
                return letter;
            }
            assert!(Instant::now() < until, "letter {count} to {to} never came");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn serve(data: &std::path::Path, settings: &[(&str, &str)]) -> Server {
    let mut command = visiobook();
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", CODE).envs(settings.iter().copied());
    Server::start_with(data, &mut command)
}

/// A letter whose long lines were broken for the way (quoted-printable, RFC 2045).
pub fn unquoted(letter: &str) -> String {
    letter.replace("=\r\n", "").replace("=3D", "=")
}

/// The token in a letter's link.
pub fn token(letter: &str) -> String {
    let (_, rest) = letter.split_once('#').unwrap_or_else(|| panic!("no link in {letter}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Somebody who is signed in, as their browser knows it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The cookie as it goes back.
    pub cookie: String,
    pub csrf: String,
    pub account: Value,
}

impl Person {
    /// Whom an answer signed in.
    pub fn of(answer: &Answer) -> Self {
        assert!([200, 201].contains(&answer.status), "{} {}", answer.status, answer.text());
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let said = answer.json();
        Self { cookie, csrf: said["csrf_token"].as_str().unwrap().to_owned(), account: said["account"].clone() }
    }

    /// Headers of a request that changes something.
    pub fn headers(&self) -> [(&str, &str); 2] {
        [("cookie", &self.cookie), ("x-csrf-token", &self.csrf)]
    }

    pub fn ask(&self, site: &Site, method: &str, path: &str, body: Value) -> Answer {
        site.ask(method, path, &self.headers(), &body)
    }

    pub fn get(&self, site: &Site, path: &str) -> Answer {
        site.ask("GET", path, &[("cookie", &self.cookie)], &Value::Null)
    }

    /// The token of a key of theirs.
    pub fn key(&self, site: &Site, scopes: &[&str]) -> String {
        let made = self.ask(site, "POST", "/api/v1/account/keys", json!({ "name": "key", "scopes": scopes }));
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// A book of theirs.
    pub fn upload(&self, site: &Site, text: &str) -> Answer {
        request(site.address(), "POST", "/api/v1/projects?name=lamp.txt", &self.headers(), book(text).as_bytes())
    }

    /// Gives somebody a project of theirs.
    pub fn share(&self, site: &Site, project: &str, whom: &Person, email: &str, role: &str) {
        let path = format!("/api/v1/projects/{project}/invitations");
        let invited = self.ask(site, "POST", &path, json!({ "email": email, "role": role }));
        assert_eq!(invited.status, 201, "{}", invited.text());
        let joined = whom.ask(site, "POST", "/api/v1/invitations/accept", json!({ "token": site.invitation(email) }));
        assert_eq!(joined.json(), json!({ "project": project, "role": role }));
    }

    /// A share link of a project of theirs: its id, and its token.
    pub fn link(&self, site: &Site, project: &str, password: &Value) -> (String, String) {
        let mut body = json!({ "name": "for the printer", "valid_s": 3600 });
        if !password.is_null() {
            body["password"] = password.clone();
        }
        let made = self.ask(site, "POST", &format!("/api/v1/projects/{project}/links"), body);
        assert_eq!(made.status, 201, "{}", made.text());
        let (made, text) = (made.json(), |value: &Value| value.as_str().unwrap().to_owned());
        (text(&made["link"]["id"]), token(&text(&made["url"])))
    }

    /// The cookie of one that was opened.
    pub fn visit(&self, site: &Site, project: &str, password: Value) -> String {
        let (_, token) = self.link(site, project, &password);
        site.open(&token, &password)
    }

    /// The id of one.
    pub fn project(&self, site: &Site, text: &str) -> String {
        let made = self.upload(site, text);
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }
}

/// What a refusal says, its request's id aside.
pub fn refusal(answer: &Answer) -> (u16, Value) {
    let mut said = if answer.body.is_empty() { Value::Null } else { answer.json() };
    if let Some(said) = said.as_object_mut() {
        said.remove("instance");
    }
    (answer.status, said)
}

pub fn book(text: &str) -> String {
    let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ".repeat(20);
    format!("Chapter One\n\nThe keeper wrote {text} on the door. {said}\n\nChapter Two\n\n{said}\n")
}
