//! Clients that use a node until it dies. What is to be asked is noted before it is asked, what was answered after.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::Digest;
use serde_json::{Value, json};

use super::common::http::{Answer, try_request};
use super::ledger::{Ledger, Life, Stand, Told, UploadEntry};

/// How long a run of a small book may take on a busy machine.
const RUN: Duration = Duration::from_secs(60);

/// The port of a receiver of webhooks that takes whatever comes.
fn receiver() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
                let mut lines = BufReader::new(&stream);
                let (mut line, mut length) = (String::new(), 0);
                while lines.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap_or(0);
                    }
                    line.clear();
                }
                let _ = lines.read_exact(&mut vec![0; length]);
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
            }
        });
        port
    })
}

pub struct Client<'a> {
    pub address: &'a str,
    pub ledger: &'a Ledger,
    /// Draws what no two books share.
    pub numbers: &'a AtomicU64,
    /// Set when the node is to be left alone.
    pub enough: &'a AtomicBool,
}

impl Client<'_> {
    /// A book that nobody else has.
    fn book(&self) -> Vec<u8> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ";
        format!("Chapter One\n\nThe keeper wrote {number} on the door. {0}\n\nChapter Two\n\n{0}\n", said.repeat(40))
            .into_bytes()
    }

    /// An answer that says yes; `None` once the node is gone.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        if self.enough.load(Ordering::SeqCst) {
            return None;
        }
        let answer = try_request(self.address, method, path, headers, body)?;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        Some(answer)
    }

    fn ask_json(&self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        self.ask(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Follows a project until its newest run is ready; that run.
    fn ready(&self, project: &str) -> Option<String> {
        let until = Instant::now() + RUN;
        loop {
            let view = self.ask("GET", &format!("/api/v1/projects/{project}"), &[], &[])?.json();
            match view["run"]["state"]["state"].as_str() {
                Some("ready") => return view["run"]["id"].as_str().map(str::to_owned),
                state => assert!(Instant::now() < until && state != Some("failed"), "{view}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Projects, one after the other, with all that is done to one.
    pub fn projects(&self) {
        while self.one_project().is_some() {}
    }

    fn one_project(&self) -> Option<()> {
        let (ledger, book) = (self.ledger, self.book());
        let place = ledger.ask_project(Digest::of(&book).to_string());
        let made = self.ask("POST", "/api/v1/projects?name=lamp.txt", &[], &book)?.json();
        let id = made["id"].as_str()?.to_owned();
        let path = format!("/api/v1/projects/{id}");
        let run = made["run"]["id"].as_str()?.to_owned();
        ledger.project(place, |entry| {
            entry.id = Some(id.clone());
            entry.known_runs.push(run.clone());
        });
        self.ready(&id)?;
        self.edits(place, &path, &run)?;

        let name = format!("The lamp, {place}");
        ledger.project(place, |entry| entry.name.asked = Some(Some(name.clone())));
        self.ask_json("PATCH", &path, &json!({ "name": name }))?;
        ledger.project(place, |entry| entry.name = Told::new(Some(name)));

        let book = self.book();
        let digest = Digest::of(&book).to_string();
        ledger.project(place, |entry| (entry.book.asked, entry.runs.asked) = (Some(digest.clone()), Some(2)));
        let revised = self.ask("POST", &format!("{path}/revisions?name=lamp2.txt"), &[], &book)?.json();
        let run = revised["run"]["id"].as_str()?.to_owned();
        ledger.project(place, |entry| {
            (entry.book, entry.runs) = (Told::new(digest), Told::new(2));
            entry.known_runs.push(run);
        });
        self.ready(&id)?;

        ledger.project(place, |entry| entry.runs.asked = Some(3));
        let again = self.ask_json("POST", &format!("{path}/runs"), &json!({ "settings": { "panel_words": 60 } }))?;
        let run = again.json()["id"].as_str()?.to_owned();
        ledger.project(place, |entry| {
            entry.runs = Told::new(3);
            entry.known_runs.push(run);
        });
        self.ready(&id)?;
        self.end(place, &path)
    }

    /// Two changes, and the second one taken back.
    fn edits(&self, place: usize, path: &str, run: &str) -> Option<()> {
        for version in 0..3u64 {
            let told = if version < 2 { format!("note {version} of {place}") } else { "undo".to_owned() };
            self.ledger.project(place, |entry| {
                let mut asked = entry.edits.answered.clone();
                asked.push(told.clone());
                entry.edits.asked = Some(asked);
            });
            let edit = json!({ "do": "note", "panel": 0, "text": told });
            let (what, body) = match version {
                0 | 1 => ("edits", json!({ "run": run, "version": version, "edit": edit })),
                _ => ("undo", json!({ "run": run, "version": version })),
            };
            self.ask_json("POST", &format!("{path}/storyboard/{what}"), &body)?;
            self.ledger.project(place, |entry| entry.edits = Told::new(entry.edits.asked.take().unwrap()));
        }
        Some(())
    }

    /// Deletes a project, brings it back, and erases every other one.
    fn end(&self, place: usize, path: &str) -> Option<()> {
        let mut steps = vec![("DELETE", path.to_owned(), Life::Deleted)];
        steps.push(("POST", format!("{path}/restore"), Life::Live));
        if place.is_multiple_of(2) {
            steps.push(("DELETE", format!("{path}?erase=now"), Life::Erased));
        }
        for (method, path, life) in steps {
            self.ledger.project(place, |entry| entry.life.asked = Some(life));
            self.ask(method, &path, &[], &[])?;
            self.ledger.project(place, |entry| entry.life = Told::new(life));
        }
        Some(())
    }

    /// Webhooks, one after the other: each is removed once it was told something, but the first, which is told of all
    /// projects that come and go.
    pub fn webhooks(&self) {
        let mut made = 0;
        while self.one_webhook(made).is_some() {
            made += 1;
        }
    }

    fn one_webhook(&self, made: usize) -> Option<()> {
        let url = format!("http://127.0.0.1:{}/{made}", receiver());
        let place = self.ledger.ask_webhook(url.clone());
        let begun = self.ask_json("POST", "/api/v1/webhooks", &json!({ "url": url }))?.json();
        let path = format!("/api/v1/webhooks/{}", begun["id"].as_str()?);
        self.ledger.webhook(place, |entry| entry.there = Told::new(true));
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            let view = self.ask("GET", &path, &[], &[])?.json();
            if view["deliveries"].as_array().is_some_and(|tried| !tried.is_empty()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if made > 0 {
            self.ledger.webhook(place, |entry| entry.there.asked = Some(false));
            self.ask("DELETE", &path, &[], &[])?;
            self.ledger.webhook(place, |entry| entry.there = Told::new(false));
        }
        Some(())
    }

    /// Uploads, one after the other: some are given up, of the others projects are made.
    pub fn uploads(&self) {
        let mut count = 0;
        while self.one_upload(count).is_some() {
            count += 1;
        }
    }

    fn one_upload(&self, count: usize) -> Option<()> {
        let (tus, bytes) = (("tus-resumable", "1.0.0"), self.book());
        let metadata = format!("filename {}", STANDARD.encode("lamp.txt"));
        let length = bytes.len().to_string();
        let head = [tus, ("upload-length", &length), ("upload-metadata", &metadata)];
        let begun = self.ask("POST", "/api/v1/uploads", &head, &[])?;
        let path = begun.header("location")?.to_owned();
        let place = {
            let mut uploads = self.ledger.uploads.lock().unwrap();
            let stand = Told::new(Stand::Open(0));
            uploads.push(UploadEntry { path: path.clone(), bytes: bytes.clone(), stand, project: None });
            uploads.len() - 1
        };
        let half = bytes.len() / 2;
        for (from, to) in [(0, half), (half, bytes.len())] {
            self.ledger.upload(place, |entry| entry.stand.asked = Some(Stand::Open(to)));
            let offset = from.to_string();
            let head = [tus, ("upload-offset", &offset), ("content-type", "application/offset+octet-stream")];
            self.ask("PATCH", &path, &head, &bytes[from..to])?;
            self.ledger.upload(place, |entry| entry.stand = Told::new(Stand::Open(to)));
            if count % 3 == 1 {
                self.ledger.upload(place, |entry| entry.stand.asked = Some(Stand::Removed));
                self.ask("DELETE", &path, &[tus], &[])?;
                self.ledger.upload(place, |entry| entry.stand = Told::new(Stand::Removed));
                return Some(());
            }
        }
        let project = self.ledger.ask_project(Digest::of(&bytes).to_string());
        self.ledger.upload(place, |entry| {
            entry.stand.asked = Some(Stand::Taken);
            entry.project = Some(project);
        });
        let upload = path.rsplit('/').next()?;
        let made = self.ask("POST", &format!("/api/v1/projects?upload={upload}"), &[], &[])?.json();
        self.ledger.upload(place, |entry| entry.stand = Told::new(Stand::Taken));
        let (id, run) = (made["id"].as_str()?.to_owned(), made["run"]["id"].as_str()?.to_owned());
        self.ledger.project(project, |entry| {
            entry.id = Some(id);
            entry.known_runs.push(run);
        });
        Some(())
    }
}
