//! People with accounts on a node that a proxy stands in front of, so that nothing is let through for being local.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Server;
use super::load::{Connection, Load, request};

const CODE: &str = "BENCHBENCHBENCHBENCHBENCHBENCH";
const PASSWORD: &str = "a lamp upon the ferry";
/// Signing up at a time: what is done after the answer has a bound, which is not what is measured.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(120);

/// Whoever asks, as the proxy tells it.
fn from(nth: usize) -> String {
    let (high, low) = (nth / 250, nth % 250 + 1);
    format!("x-forwarded-for: 198.18.{high}.{low}\r\nx-forwarded-proto: https\r\nx-forwarded-host: localhost\r\n")
}

fn json_post(path: &str, nth: usize, body: &Value) -> Vec<u8> {
    named_post(path, &from(nth), body)
}

fn named_post(path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let headers = format!("{headers}content-type: application/json\r\n");
    request(&format!("POST {path}"), &headers, body.to_string().as_bytes())
}

/// Headers of requests by whoever was answered so when they signed in.
fn in_name_of(nth: usize, head: &str, body: &[u8]) -> Result<String> {
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("a cookie")?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let said: Value = serde_json::from_slice(body)?;
    let csrf = said["csrf_token"].as_str().context("a token")?;
    Ok(format!("{}cookie: {cookie}\r\nx-csrf-token: {csrf}\r\n", from(nth)))
}

fn email(nth: usize) -> String {
    format!("reader-{nth}@example.org")
}

/// A node with an admin.
pub struct Site {
    pub server: Server,
    /// Headers of requests in the admin's name.
    pub admin: String,
}

impl Site {
    /// Starts and claims one.
    ///
    /// # Errors
    /// What it says.
    pub fn start() -> Result<Self> {
        let server = Server::product_with(&[
            ("EDGE__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#),
            ("EDGE__HOSTS", r#"["localhost"]"#),
            ("AUTH__PUBLIC_URL", "https://localhost"),
            ("AUTH__CLAIM_CODE", CODE),
            // Requests are counted as ever; an account asks for as much as a node can take.
            ("RATES__LIGHT_BURST", "1000000"),
            ("RATES__LIGHT_PER_S", "1000"),
            ("RATES__ADDRESS_FACTOR", "1"),
        ])?;
        let claim = json!({ "code": CODE, "email": "admin@example.org", "password": PASSWORD, "name": "Admin" });
        let mut connection = Connection::open(&server.address)?;
        let (status, head, body) = connection.ask_all(&json_post("/api/v1/auth/claim", 0, &claim))?;
        ensure!(status == 201, "claiming: {status} {}", String::from_utf8_lossy(&body));
        let admin = in_name_of(0, &head, &body)?;
        Ok(Self { server, admin })
    }

    /// A project of the admin's whose first run has ended: its path, and its view.
    ///
    /// # Errors
    /// What the node says.
    pub fn project(&self) -> Result<(String, Vec<u8>)> {
        let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ".repeat(40);
        let book = format!("Chapter One\n\n{said}\n\nChapter Two\n\n{said}\n");
        let mut connection = Connection::open(&self.server.address)?;
        let make = request("POST /api/v1/projects?name=lamp.txt", &self.admin, book.as_bytes());
        let (status, _, body) = connection.ask_all(&make)?;
        ensure!(status == 201, "a project: {status} {}", String::from_utf8_lossy(&body));
        let made: Value = serde_json::from_slice(&body)?;
        let path = format!("/api/v1/projects/{}", made["id"].as_str().context("an id")?);
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, body) = connection.ask(&request(&format!("GET {path}"), &self.admin, &[]))?;
            let view: Value = serde_json::from_slice(&body)?;
            if view["run"]["state"]["state"] == "ready" {
                return Ok((path, body));
            }
            ensure!(Instant::now() < until, "the first run does not end: {view}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Has somebody join a project of the admin's, to look at it: headers of requests in their name.
    ///
    /// # Errors
    /// What the node says; a letter that never comes.
    pub fn member(&self, nth: usize, path: &str) -> Result<String> {
        let sign_in = self.people(nth..=nth)?.pop().context("somebody")?;
        let mut connection = Connection::open(&self.server.address)?;
        let (status, head, body) = connection.ask_all(&sign_in)?;
        ensure!(status == 201, "signing in: {status} {}", String::from_utf8_lossy(&body));
        let member = in_name_of(nth, &head, &body)?;
        let invitation = json!({ "email": email(nth), "role": "viewer" });
        let invite = named_post(&format!("{path}/invitations"), &self.admin, &invitation);
        let (status, body) = connection.ask(&invite)?;
        ensure!(status == 201, "inviting: {status} {}", String::from_utf8_lossy(&body));
        // The letter that invites, and not the one that confirmed the address.
        let token = self.letters(&[email(nth)], "vi_")?.pop().context("an invitation")?;
        let accept = named_post("/api/v1/invitations/accept", &member, &json!({ "token": token }));
        let (status, body) = connection.ask(&accept)?;
        ensure!(status == 200, "joining: {status} {}", String::from_utf8_lossy(&body));
        Ok(member)
    }

    /// Has those sign up and confirm; what each says to sign in, from an address of their own.
    ///
    /// # Errors
    /// What the node says; a letter that never comes.
    pub fn people(&self, numbers: RangeInclusive<usize>) -> Result<Vec<Vec<u8>>> {
        let numbers: Vec<usize> = numbers.collect();
        for some in numbers.chunks(AT_ONCE) {
            let sign_up = |&nth: &usize| {
                let body = json!({ "email": email(nth), "password": PASSWORD, "name": "Reader" });
                json_post("/api/v1/auth/sign-up", nth, &body)
            };
            self.each(some.iter().map(sign_up).collect(), 202)?;
            let addresses: Vec<String> = some.iter().map(|&nth| email(nth)).collect();
            let tokens = self.letters(&addresses, "vl_")?;
            let confirm = |(&nth, token): (&usize, &String)| {
                let body = json!({ "token": token, "password": PASSWORD });
                json_post("/api/v1/auth/confirm", nth, &body)
            };
            self.each(some.iter().zip(&tokens).map(confirm).collect(), 201)?;
        }
        let sign_in =
            |nth| json_post("/api/v1/auth/sign-in", nth, &json!({ "email": email(nth), "password": PASSWORD }));
        Ok(numbers.into_iter().map(sign_in).collect())
    }

    fn each(&self, requests: Vec<Vec<u8>>, status: u16) -> Result<()> {
        let load = Load { address: self.server.address.clone(), requests: Arc::new(requests), connections: 4, status };
        load.once().map(drop)
    }

    /// The tokens of one kind that were mailed to those addresses.
    fn letters(&self, to: &[String], kind: &str) -> Result<Vec<String>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = tokens(&self.server.data().join("outbox"), kind)?;
            let mine: Option<Vec<String>> = to.iter().map(|address| found.get(address).cloned()).collect();
            if let Some(tokens) = mine {
                return Ok(tokens);
            }
            ensure!(Instant::now() < until, "letters that never came");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A token of one kind that was mailed to each address.
fn tokens(outbox: &Path, kind: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    // It is made with the first letter.
    let Ok(entries) = std::fs::read_dir(outbox) else { return Ok(found) };
    for entry in entries.flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        // Long lines are broken for the way (quoted-printable, RFC 2045).
        let letter = std::fs::read_to_string(entry.path())?.replace("=\r\n", "").replace("=3D", "=");
        let to = letter.lines().find_map(|line| line.strip_prefix("To: ")).context("an address")?;
        let link = letter.split_once('#').and_then(|(_, rest)| rest.split_whitespace().next());
        if let Some(link) = link.filter(|link| link.starts_with(kind)) {
            found.insert(to.to_owned(), link.to_owned());
        }
    }
    Ok(found)
}
