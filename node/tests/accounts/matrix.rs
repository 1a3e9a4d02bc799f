//! Every route against every kind of caller: `matrix.txt` says what each is told.
//!
//! A probe announces a body that no route takes: whoever may use the route is told so (`ok` in the matrix), and nothing
//! is done; everybody else is told why they may not, before that. What belongs to another tenant is asked for in
//! earnest.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use node::gateway::routes::{Permission, Route, table};
use serde_json::{Value, json};

use super::common::http::request;
use super::people::{ADMIN, PASSWORD, Person, Site, refusal};

const MATRIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/accounts/matrix.txt");
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

/// A row for each route: its id, and a word for each column.
fn matrix() -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let text = std::fs::read_to_string(MATRIX).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let columns = words(lines.next().unwrap())[1..].to_vec();
    let rows = lines.map(|line| {
        let mut row = words(line);
        let id = row.remove(0);
        assert_eq!(row.len(), columns.len(), "{id} has a word for each column");
        (id, row)
    });
    let rows = rows.collect();
    (columns, rows)
}

/// What a caller is told of a route: `ok`, or a code.
fn probe(address: &str, method: &str, path: &str, headers: &[(String, String)]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 99999999999\r\n");
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text:?}"));
    let said: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{method} {path}: {e}: {text}"));
    match said["code"].as_str().unwrap() {
        "too-large" => "ok".to_owned(),
        code => code.to_owned(),
    }
}

struct Callers {
    /// A node that nobody has claimed.
    local: Site,
    site: Site,
    owner: Person,
    people: Vec<(&'static str, Person)>,
    /// Tokens of keys, each for one thing.
    keys: Vec<(&'static str, String)>,
    project: String,
    run: String,
    upload: String,
    webhook: String,
    analysis: String,
    /// What the cookie of a share link says.
    visit: String,
}

impl Callers {
    fn gather() -> Self {
        let (local, site) = (Site::start(), Site::start());
        let admin = site.claim();
        let (owner, other) = (site.join("owner@example.org"), site.join("other@example.org"));
        let operator = site.join("operator@example.org");
        let role = format!("/api/v1/accounts/{}/role", operator.account["id"].as_str().unwrap());
        assert_eq!(admin.ask(&site, "PUT", &role, json!({ "role": "operator" })).status, 200);
        assert_eq!(site.sign_up("unconfirmed@example.org").status, 202);
        site.letter("unconfirmed@example.org", 1);
        let unconfirmed = Person::of(&site.sign_in("unconfirmed@example.org", PASSWORD));
        let ended = Person::of(&site.sign_in(ADMIN, PASSWORD));
        assert_eq!(ended.ask(&site, "POST", "/api/v1/auth/sign-out", Value::Null).status, 204);
        let made = owner.upload(&site, "the matrix").json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        let (project, run) = (text(&made["id"]), text(&made["run"]["id"]));
        let hook = owner.ask(&site, "POST", "/api/v1/webhooks", json!({ "url": "https://receiver.example.org/" }));
        let of = owner.ask(&site, "POST", "/api/v1/analysis/summarize", json!({ "project": project }));
        let mut headers = owner.headers().to_vec();
        headers.extend([("tus-resumable", "1.0.0"), ("upload-length", "10"), ("upload-metadata", "filename YS50eHQ=")]);
        let upload = request(site.address(), "POST", "/api/v1/uploads", &headers, &[]).json();
        let people = vec![
            ("ended", ended),
            ("unconfirmed", unconfirmed),
            ("owner", owner.clone()),
            ("other", other),
            ("operator", operator),
            ("admin", admin),
        ];
        let key = |person: &Person, scope: &str| person.key(&site, &[scope]);
        let keys = vec![
            ("key-read", key(&owner, "read")),
            ("key-write", key(&owner, "write")),
            ("key-operate", key(&people[4].1, "operate")),
            ("key-administer", key(&people[5].1, "administer")),
        ];
        let member = |email: &str, role: &str| {
            let person = site.join(email);
            owner.share(&site, &project, &person, email, role);
            person
        };
        let (viewer, editor) = (member("viewer@example.org", "viewer"), member("editor@example.org", "editor"));
        let removed = member("removed@example.org", "owner");
        let gone = format!("/api/v1/projects/{project}/members/{}", removed.account["id"].as_str().unwrap());
        assert_eq!(owner.ask(&site, "DELETE", &gone, Value::Null).status, 204);
        let visit = owner.visit(&site, &project, Value::Null);
        let people: Vec<_> =
            people.into_iter().chain([("viewer", viewer), ("editor", editor), ("removed", removed)]).collect();
        let (upload, webhook, analysis) = (text(&upload["id"]), text(&hook.json()["id"]), text(&of.json()["id"]));
        Self { local, site, owner, people, keys, project, run, upload, webhook, analysis, visit }
    }

    /// A path with the owner's ids in it, or with ids of nothing.
    fn path(&self, template: &str, owners: bool) -> String {
        let id = |of: &str| if owners { of.to_owned() } else { NOBODYS.to_owned() };
        // An analysis' id names its project and run.
        let analysis = match owners {
            true => self.analysis.clone(),
            false => self.analysis.replace(&self.project, NOBODYS),
        };
        let filled = template.replace("{project}", &id(&self.project)).replace("{run}", &id(&self.run));
        let filled = filled.replace("{upload}", &id(&self.upload)).replace("{webhook}", &id(&self.webhook));
        let filled = filled.replace("{analysis}", &analysis).replace("{revision}", "1").replace("{token}", "x");
        let filled = filled.replace("{name}", "book.json").replace("{file}", "index.html");
        let filled = filled.replace("{invitation}", NOBODYS).replace("{link}", NOBODYS);
        let filled = filled.replace("{session}", NOBODYS).replace("{key}", NOBODYS);
        filled.replace("{account}", NOBODYS).replace("{tenant}", NOBODYS)
    }

    /// What another tenant is told of the owner's: the same as of nothing.
    fn asked_in_earnest(&self, person: &Person, id: &str, method: &str, template: &str) -> String {
        let tell = |owners: bool| {
            let query = match id {
                "addRevision" => "?name=lamp.txt",
                _ => "",
            };
            let path = self.path(template, owners) + query;
            let mut headers = person.headers().to_vec();
            if template.contains("{upload}") {
                headers.extend([("tus-resumable", "1.0.0"), ("upload-offset", "0")]);
                headers.push(("content-type", "application/offset+octet-stream"));
            }
            let run = if owners { self.run.clone() } else { NOBODYS.to_owned() };
            let body = match id {
                "editStoryboard" => {
                    json!({ "run": run, "version": 0, "edit": { "do": "caption", "panel": 0, "text": "Later." } })
                }
                "undoEdit" | "redoEdit" => json!({ "run": run, "version": 1 }),
                "changeProject" => json!({ "description": "Mine." }),
                "changeWebhook" => json!({ "active": false }),
                "changeMember" => json!({ "role": "viewer" }),
                "inviteMember" => json!({ "email": "mallory@example.org", "role": "owner" }),
                "makeShareLink" => json!({ "name": "mine", "valid_s": 3600 }),
                "addRevision" | "appendUpload" => json!("ten bytes."),
                _ => Value::Null,
            };
            let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            request(self.site.address(), method, &path, &headers, &bytes)
        };
        let (theirs, none) = (tell(true), tell(false));
        assert_eq!(refusal(&theirs), refusal(&none), "{id}: another tenant's is like what is not there");
        if method == "HEAD" { theirs.status.to_string() } else { theirs.code() }
    }

    fn told(&self, column: &str, route: &Route) -> String {
        let (id, method, template) = (route.id, route.method.as_str(), route.path);
        let path = self.path(template, true);
        match column {
            "nobody" => probe(self.site.address(), method, &path, &[]),
            "local" => probe(self.local.address(), method, &path, &[]),
            "share" => probe(self.site.address(), method, &path, &[("cookie".into(), self.visit.clone())]),
            name if name.starts_with("key-") => {
                let (_, token) = self.keys.iter().find(|(known, _)| *known == name).unwrap();
                let bearer = ("authorization".to_owned(), format!("Bearer {token}"));
                probe(self.site.address(), method, &path, &[bearer])
            }
            name => {
                let (_, person) = self.people.iter().find(|(known, _)| *known == name).unwrap();
                let belongs = route.permission != Permission::Public
                    && ["{project}", "{upload}", "{webhook}", "{analysis}"].iter().any(|of| template.contains(of));
                let is_own = ["{upload}", "{webhook}"].iter().any(|of| template.contains(of));
                // Whoever runs the node is another tenant like any other.
                match name {
                    "other" | "operator" | "admin" | "removed" if belongs => {
                        self.asked_in_earnest(person, id, method, template)
                    }
                    "viewer" | "editor" if belongs && is_own => self.asked_in_earnest(person, id, method, template),
                    _ => probe(self.site.address(), method, &path, &of(person)),
                }
            }
        }
    }
}

fn of(person: &Person) -> Vec<(String, String)> {
    person.headers().iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_route_has_a_row_and_tells_every_caller_what_it_says() {
    let (columns, rows) = matrix();
    let routes = table();
    for route in &routes {
        assert!(rows.iter().any(|(id, _)| id == route.id), "{} has no row in {MATRIX}: who may use it?", route.id);
    }
    for (id, _) in &rows {
        assert!(routes.iter().any(|route| route.id == id), "{id} has a row, and is no route");
    }
    let callers = Callers::gather();
    let path = format!("/api/v1/projects/{}", callers.project);
    let before = callers.owner.get(&callers.site, &path).json();
    let mut wrong = Vec::new();
    for route in &routes {
        let (_, row) = rows.iter().find(|(id, _)| id == route.id).unwrap();
        for (column, wanted) in columns.iter().zip(row) {
            let told = callers.told(column, route);
            if told != *wanted {
                wrong.push(format!("{} for {column}: {told}, not {wanted}", route.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nothing of it was done.
    let there = callers.owner.get(&callers.site, &path).json();
    assert_eq!((&there["version"], &there["description"]), (&before["version"], &json!("")));
    println!("{} routes, {} callers", routes.len(), columns.len());
}

#[test]
fn what_is_public_is_so_on_purpose() {
    let public: Vec<&str> =
        table().iter().filter(|route| route.permission == Permission::Public).map(|route| route.id).collect();
    let meant = [
        "healthLive",
        "healthReady",
        "health",
        "openapi",
        "reference",
        "referenceFile",
        "node",
        "uploadOptions",
        "uploadOptionsOfOne",
        "signedFile",
        "claimNode",
        "signUp",
        "confirmAddress",
        "signIn",
        "forgotPassword",
        "resetPassword",
        "openShareLink",
        "beginFlow",
        "endFlow",
    ];
    assert_eq!(public, meant);
}
