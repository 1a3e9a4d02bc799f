//! After the restart: everything that was answered is there, nothing is there twice, and every run ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::id::Digest;
use serde_json::Value;

use super::common::http::{get, request};
use super::ledger::{Ledger, Life, ProjectEntry, Stand, Told, UploadEntry};

/// Holds a node against the ledger of what it was asked before it died. Uploads are gone on with, and the ledger told.
pub fn verify(address: &str, ledger: &Ledger) {
    let mut projects = ledger.projects.lock().unwrap().clone();
    let found = get(address, "/api/v1/webhooks").json();
    let found: Vec<&Value> = found["webhooks"].as_array().unwrap().iter().map(|webhook| &webhook["url"]).collect();
    for entry in ledger.webhooks.lock().unwrap().iter() {
        let count = found.iter().filter(|url| **url == entry.url.as_str()).count();
        assert!(count <= 1 && entry.there.allows(&(count == 1)), "{count}: {entry:?}");
    }
    for upload in ledger.uploads.lock().unwrap().iter_mut() {
        check_upload(address, upload, &mut projects);
    }
    let (live, deleted) = (listed(address, "all"), listed(address, "deleted"));
    let mut first_books: BTreeMap<String, String> = BTreeMap::new();
    for (id, _) in live.iter().chain(&deleted) {
        let revisions = match life(id, &live) {
            Life::Live => get(address, &format!("/api/v1/projects/{id}/revisions")).json()["revisions"].clone(),
            _ => continue,
        };
        let first = revisions.as_array().unwrap().last().unwrap()["book"]["digest"].as_str().unwrap().to_owned();
        let twice = first_books.insert(first.clone(), id.clone());
        assert_eq!(twice, None, "two projects of one file that was sent once");
        assert!(projects.iter().any(|entry| entry.first_book == first), "a project that nobody asked for: {id}");
    }
    for entry in &mut projects {
        let answered = entry.id.is_some();
        let Some(id) = entry.id.clone().or_else(|| first_books.get(&entry.first_book).cloned()) else { continue };
        let found = match (live.contains_key(&id), deleted.contains_key(&id)) {
            (true, _) => Life::Live,
            (false, true) => Life::Deleted,
            (false, false) => Life::Erased,
        };
        assert!(entry.life.allows(&found), "{id} is {found:?}: {entry:?}");
        match found {
            Life::Live => check_project(address, &id, entry, answered),
            Life::Deleted | Life::Erased => {
                assert_eq!(get(address, &format!("/api/v1/projects/{id}")).status, 404);
            }
        }
    }
}

fn life(id: &str, live: &BTreeMap<String, Value>) -> Life {
    if live.contains_key(id) { Life::Live } else { Life::Deleted }
}

/// The projects of a list, by id.
fn listed(address: &str, shown: &str) -> BTreeMap<String, Value> {
    let page = get(address, &format!("/api/v1/projects?shown={shown}&limit=500")).json();
    let projects = page["projects"].as_array().unwrap();
    assert_eq!(page["total"].as_u64().unwrap() as usize, projects.len(), "more than a page");
    projects.iter().map(|project| (project["id"].as_str().unwrap().to_owned(), project.clone())).collect()
}

fn check_project(address: &str, id: &str, entry: &ProjectEntry, answered: bool) {
    let path = format!("/api/v1/projects/{id}");
    let view = ready(address, &path);
    let named = view["named"].as_bool().unwrap().then(|| view["name"].as_str().unwrap().to_owned());
    assert!(entry.name.allows(&named), "{view} {entry:?}");
    assert!(entry.book.allows(&view["book"]["digest"].as_str().unwrap().to_owned()), "{view} {entry:?}");

    let runs = get(address, &format!("{path}/runs")).json()["runs"].clone();
    let mut ids: Vec<&str> = runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert!(entry.runs.allows(&(ids.len() as u64)), "{ids:?} {entry:?}");
    for run in &ids {
        let audit = get(address, &format!("{path}/runs/{run}/audit")).json();
        assert_eq!((&audit["clean"], audit["items"].as_u64() > Some(0)), (&Value::Bool(true), true), "{audit}");
    }
    assert!(entry.known_runs.iter().all(|run| ids.contains(&run.as_str())), "{ids:?} {entry:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), runs.as_array().unwrap().len(), "a run twice");

    if let Some(first) = entry.known_runs.first() {
        let page = get(address, &format!("{path}/storyboard/edits?run={first}")).json();
        let entries = page["entries"].as_array().unwrap();
        let said = |entry: &Value| entry["edit"]["text"].as_str().unwrap_or("undo").to_owned();
        let edits: Vec<String> = entries.iter().map(said).collect();
        assert!(entry.edits.allows(&edits), "{page} {entry:?}");
        assert!(entries.iter().zip(1u64..).all(|(entry, version)| entry["version"] == version), "{page}");
    }
    let made = check_acts(address, &path, entry);
    assert!(!answered || made == 1, "an answered project has its beginning in its activity");
    let storyboard = get(address, &format!("{path}/files/storyboard.json"));
    assert_eq!((storyboard.status, storyboard.json().is_object()), (200, true), "{storyboard:?}");
}

/// The project, once its newest run is ready.
fn ready(address: &str, path: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let view = get(address, path).json();
        let state = view["run"]["state"]["state"].as_str().unwrap();
        if state == "ready" {
            return view;
        }
        assert!(!["failed", "cancelled"].contains(&state) && Instant::now() < until, "it does not get ready: {view}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What was done stands in the activity as often as it was done; how often the making does.
fn check_acts(address: &str, path: &str, entry: &ProjectEntry) -> usize {
    let acts = get(address, &format!("{path}/activity?limit=200")).json()["activity"].clone();
    let count = |what: &str| acts.as_array().unwrap().iter().filter(|act| act["what"] == what).count();
    let once_if = |answered: bool, asked: bool| usize::from(answered)..=usize::from(answered || asked);
    let named = once_if(entry.name.answered.is_some(), entry.name.asked.is_some());
    assert!(named.contains(&count("changed")), "{acts} {entry:?}");
    let revised = once_if(entry.book.answered != entry.first_book, entry.book.asked.is_some());
    assert!(revised.contains(&count("revised")), "{acts} {entry:?}");
    assert!(count("created") <= 1 && count("deleted") <= 1 && count("restored") <= 1, "{acts}");
    count("created")
}

/// An upload stands where it was said to, goes on from there, and becomes the project that it was said to become.
fn check_upload(address: &str, entry: &mut UploadEntry, projects: &mut [ProjectEntry]) {
    let tus = ("tus-resumable", "1.0.0");
    let answer = get(address, &entry.path);
    if answer.status == 404 {
        assert!(entry.stand.allows(&Stand::Removed), "{} is gone: {:?}", entry.path, entry.stand);
        return;
    }
    let view = answer.json();
    let offset = view["offset"].as_u64().unwrap() as usize;
    match (&entry.stand.answered, view["project"].is_string()) {
        (Stand::Removed, _) => panic!("{} was removed, and is there: {view}", entry.path),
        (Stand::Taken, taken) => assert!(taken, "{view}"),
        (Stand::Open(_), true) => assert!(entry.stand.allows(&Stand::Taken), "{view} {:?}", entry.stand),
        (Stand::Open(answered), false) => {
            let allowed = offset == *answered || entry.stand.allows(&Stand::Open(offset));
            assert!(allowed, "{view} {:?}", entry.stand);
            let at = offset.to_string();
            let head = [tus, ("upload-offset", &at), ("content-type", "application/offset+octet-stream")];
            let sent = request(address, "PATCH", &entry.path, &head, &entry.bytes[offset..]);
            assert_eq!(sent.status, 204, "{sent:?}");
            entry.stand.answered = Stand::Open(entry.bytes.len());
            let whole = get(address, &entry.path).json();
            assert_eq!(whole["digest"], Digest::of(&entry.bytes).to_string());
        }
    }
    if let Some(project) = entry.project {
        let upload = entry.path.rsplit('/').next().unwrap();
        let made = request(address, "POST", &format!("/api/v1/projects?upload={upload}"), &[], &[]);
        assert_eq!(made.status, 201, "{made:?}");
        entry.stand = Told::new(Stand::Taken);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let known = projects[project].id.get_or_insert(id.clone());
        assert_eq!(*known, id, "an upload became two projects");
    }
}
