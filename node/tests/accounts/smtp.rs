//! Letters to a real mail server (aiosmtpd), which takes some, refuses some, and takes some later.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use domain::id::Digest;
use serde_json::{Value, json};

use super::common::{Running, repository};
use super::people::{PASSWORD, Person, Site, token};

/// The interpreter of an environment that holds aiosmtpd, made once for each build folder and list of packages; `None`
/// without pip.
fn python() -> Option<PathBuf> {
    let there = Command::new("python3").args(["-c", "import pip, ensurepip"]).output();
    if !there.is_ok_and(|said| said.status.success()) {
        println!("skipped: this test needs python3 with pip and venv, which are not on the PATH");
        return None;
    }
    let requirements = repository("node/tests/accounts/requirements.txt");
    let wanted = Digest::of(&std::fs::read(&requirements).unwrap()).to_string();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("aiosmtpd-{}", &wanted[..16]));
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

struct MailServer {
    said: Lines<BufReader<ChildStdout>>,
    port: u64,
    _running: Running,
}

impl MailServer {
    fn start() -> Option<Self> {
        let mut command = Command::new(python()?);
        command.arg(repository("node/tests/accounts/smtp_server.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child: Child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = said.next().unwrap().unwrap().parse().unwrap();
        Some(Self { said, port, _running: Running(child) })
    }

    /// What it says next.
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.said.next().unwrap().unwrap()).unwrap()
    }
}

#[test]
fn letters_go_to_a_mail_server_again_where_it_is_busy_and_never_where_it_refuses() {
    let Some(mut mail) = MailServer::start() else { return };
    let port = mail.port.to_string();
    let site = Site::start_with(&[
        ("VISIOBOOK__MAIL__SMTP_HOST", "127.0.0.1"),
        ("VISIOBOOK__MAIL__SMTP_PORT", &port),
        ("VISIOBOOK__MAIL__SMTP_TLS", "none"),
        ("VISIOBOOK__MAIL__FROM", "Books <books@example.org>"),
        ("VISIOBOOK__MAIL__RETRY_FIRST_MS", "50"),
    ]);
    site.claim();
    // Taken: confirm by it, and set another password by the next one.
    assert_eq!(site.sign_up("anna@example.org").status, 202);
    let letter = mail.next();
    assert_eq!((&letter["to"], &letter["from"]), (&json!(["anna@example.org"]), &json!("books@example.org")));
    let link = token(letter["text"].as_str().unwrap());
    let anna = Person::of(&site.post("/api/v1/auth/confirm", json!({ "token": link, "password": PASSWORD })));
    assert_eq!(anna.account["confirmed"], true);
    assert_eq!(site.post("/api/v1/auth/forgot", json!({ "email": "anna@example.org" })).status, 202);
    let link = token(mail.next()["text"].as_str().unwrap());
    let reset = json!({ "token": link, "password": super::OTHER });
    assert_eq!(site.post("/api/v1/auth/reset", reset).status, 204);
    assert_eq!(mail.next()["to"], json!(["anna@example.org"]), "that it was changed");

    // An invitation goes the same way, and opens what it is for.
    let anna = Person::of(&site.sign_in("anna@example.org", super::OTHER));
    let project = anna.project(&site, "by post");
    assert_eq!(site.sign_up("dora@example.org").status, 202);
    let link = token(mail.next()["text"].as_str().unwrap());
    let dora = Person::of(&site.post("/api/v1/auth/confirm", json!({ "token": link, "password": PASSWORD })));
    let invite = json!({ "email": "dora@example.org", "role": "editor" });
    assert_eq!(anna.ask(&site, "POST", &format!("/api/v1/projects/{project}/invitations"), invite).status, 201);
    let letter = mail.next();
    assert_eq!(letter["to"], json!(["dora@example.org"]));
    let invitation = json!({ "token": token(letter["text"].as_str().unwrap()) });
    let joined = dora.ask(&site, "POST", "/api/v1/invitations/accept", invitation);
    assert_eq!(joined.json(), json!({ "project": project, "role": "editor" }));

    // Busy twice, and then taken.
    assert_eq!(site.sign_up("later@example.org").status, 202);
    for _ in 0..2 {
        assert_eq!(mail.next(), json!({ "later": "later@example.org" }));
    }
    assert_eq!(mail.next()["to"], json!(["later@example.org"]));

    // Refused: once. Whoever asked is told what everybody is told.
    assert_eq!(site.sign_up("refused@example.org").status, 202);
    assert_eq!(mail.next(), json!({ "refused": "refused@example.org" }));
    assert_eq!(site.sign_up("ben@example.org").status, 202);
    assert_eq!(mail.next()["to"], json!(["ben@example.org"]));
    assert_eq!(site.sign_up("cora@example.org").status, 202);
    assert_eq!(mail.next()["to"], json!(["cora@example.org"]), "and no second try in between");
}
