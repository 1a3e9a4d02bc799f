//! People who leave, take it back, or are gone with all that they had; and what the node writes down of itself.

use std::path::Path;

use serde_json::{Value, json};

use super::common::http::{Answer, get};
use super::people::{ADMIN, OTHER, PASSWORD, Person, Site};

pub fn leave(site: &Site, person: &Person, email: &str, password: &str) -> Answer {
    person.ask(site, "POST", "/api/v1/account/deletion", json!({ "email": email, "password": password }))
}

/// Files below a folder.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn audit(site: &Site, admin: &Person) -> Vec<Value> {
    let page = admin.get(site, "/api/v1/audit?limit=200");
    assert_eq!(page.status, 200, "{}", page.text());
    page.json()["entries"].as_array().unwrap().clone()
}

#[test]
fn an_account_is_erased_with_all_that_it_had_and_leaves_no_name() {
    let site = Site::start_with(&[("VISIOBOOK__AUTH__LEAVE_GRACE_S", "0"), ("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "10")]);
    let admin = site.claim();
    let blobs = site.outbox().with_file_name("blobs");
    let before = files(&blobs);
    let anna = site.join("anna@example.org");
    let project = anna.project(&site, "a lamp");
    let hook = anna.ask(&site, "POST", "/api/v1/webhooks", json!({ "url": "https://receiver.example.org/" }));
    assert_eq!(hook.status, 201, "{}", hook.text());
    let upload = [("tus-resumable", "1.0.0"), ("upload-length", "10"), ("upload-metadata", "filename YS50eHQ=")];
    let upload = site.ask("POST", "/api/v1/uploads", &[&upload[..], &anna.headers()].concat(), &Value::Null);
    assert_eq!(upload.status, 201, "{}", upload.text());
    assert!(files(&blobs) > before);

    assert_eq!(leave(&site, &anna, "ben@example.org", PASSWORD).code(), "address-differs");
    assert_eq!(leave(&site, &anna, "anna@example.org", OTHER).code(), "password-wrong");
    let without = anna.ask(&site, "POST", "/api/v1/account/deletion", json!({ "email": "anna@example.org" }));
    assert_eq!(without.code(), "password-wrong");
    assert_eq!(anna.get(&site, &format!("/api/v1/projects/{project}")).status, 200, "nothing was done");
    let planned = leave(&site, &anna, "Anna@Example.org", PASSWORD);
    assert_eq!(planned.status, 200, "{}", planned.text());
    assert!(planned.json()["erase_at_ms"].as_u64().is_some());
    assert!(planned.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(anna.get(&site, "/api/v1/account").code(), "session-ended", "at once");

    assert!(site.letter("anna@example.org", 2).contains("is being deleted"));
    assert!(site.letter("anna@example.org", 3).contains("was erased"));
    assert_eq!(site.sign_in("anna@example.org", PASSWORD).code(), "sign-in-refused");
    assert_eq!(files(&blobs), before, "her books are gone");
    let entry = audit(&site, &admin).remove(0);
    assert_eq!((&entry["what"], &entry["of"]), (&json!("account-erased"), &anna.account["id"]));
    assert!(!entry.to_string().contains("example.org"));
    let of = anna.account["id"].as_str().unwrap();
    assert_eq!(admin.get(&site, &format!("/api/v1/accounts/{of}/activity")).code(), "account-not-found");

    // The address is anybody's.
    assert_eq!(site.sign_up("anna@example.org").status, 202);
    let link = super::people::token(&site.letter("anna@example.org", 4));
    let again = Person::of(&site.post("/api/v1/auth/confirm", json!({ "token": link, "password": PASSWORD })));
    assert_ne!(again.account["id"], anna.account["id"]);
    assert_eq!(again.get(&site, "/api/v1/projects").json()["total"], 0);
}

#[test]
fn signing_in_takes_it_back_and_nothing_is_lost() {
    let site = Site::start_with(&[("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "10")]);
    let admin = site.claim();
    let anna = site.join("anna@example.org");
    let project = anna.project(&site, "a lamp");
    assert_eq!(leave(&site, &anna, "anna@example.org", PASSWORD).status, 200);
    assert!(site.letter("anna@example.org", 2).contains("In 7 days"));
    let role = format!("/api/v1/accounts/{}/role", anna.account["id"].as_str().unwrap());
    let promoted = admin.ask(&site, "PUT", &role, json!({ "role": "admin" }));
    assert_eq!((promoted.status, promoted.code()), (409, "account-leaving".into()));
    assert_eq!(site.sign_in("anna@example.org", OTHER).code(), "sign-in-refused");
    let anna = Person::of(&site.sign_in("anna@example.org", PASSWORD));
    assert!(site.letter("anna@example.org", 3).contains("is not deleted"));
    let site = site.again();
    assert_eq!(anna.get(&site, &format!("/api/v1/projects/{project}")).status, 200);
    let log = anna.get(&site, "/api/v1/account/activity?limit=3").json();
    let what: Vec<&str> = log["events"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["signed-in", "sign-in-refused", "deletion-asked"]);
}

#[test]
fn an_admin_hands_over_first_and_the_node_stays_claimed() {
    let site = Site::start_with(&[("VISIOBOOK__AUTH__LEAVE_GRACE_S", "0")]);
    let admin = site.claim();
    let refused = leave(&site, &admin, ADMIN, PASSWORD);
    assert_eq!((refused.status, refused.code()), (409, "admin-hands-over".into()));
    let anna = site.join("anna@example.org");
    let role = |of: &Person| format!("/api/v1/accounts/{}/role", of.account["id"].as_str().unwrap());
    assert_eq!(admin.ask(&site, "PUT", &role(&anna), json!({ "role": "admin" })).status, 200);
    assert_eq!(anna.ask(&site, "PUT", &role(&admin), json!({ "role": "user" })).status, 200);
    assert_eq!(leave(&site, &admin, ADMIN, PASSWORD).status, 200);
    assert!(site.letter(ADMIN, 2).contains("was erased"));
    let site = site.again();
    let node = get(site.address(), "/api/v1/node").json();
    assert_eq!((&node["claimed"], &node["local_trust"]), (&json!(true), &json!(false)));
    assert_eq!(get(site.address(), "/api/v1/projects").code(), "sign-in-needed");
    assert_eq!(anna.get(&site, "/api/v1/storage/jobs").status, 200);
}

#[test]
fn what_reaches_beyond_an_account_is_written_down_for_admins() {
    let site = Site::start();
    let admin = site.claim();
    let ben = site.join("ben@example.org");
    let of = ben.account["id"].as_str().unwrap();
    assert_eq!(admin.get(&site, "/api/v1/accounts?email=ben@example.org").status, 200);
    assert_eq!(admin.get(&site, &format!("/api/v1/accounts/{of}/activity")).status, 200);
    assert_eq!(admin.get(&site, "/api/v1/account/activity").status, 200, "one's own is nobody's business");
    assert_eq!(admin.get(&site, "/api/v1/accounts/all").status, 200);
    let role = format!("/api/v1/accounts/{of}/role");
    assert_eq!(admin.ask(&site, "PUT", &role, json!({ "role": "operator" })).status, 200);
    assert_eq!(admin.ask(&site, "POST", "/api/v1/backup", Value::Null).status, 200);
    let entries = audit(&site, &admin);
    let what: Vec<&str> = entries.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["backup-begun", "role-changed", "accounts-listed", "activity-read", "account-looked-up"]);
    assert!(entries.iter().all(|entry| entry["by"]["account"] == admin.account["id"]));
    assert!(entries.iter().filter(|entry| entry.get("of").is_some()).all(|entry| entry["of"] == of));
    assert_eq!(ben.get(&site, "/api/v1/audit").code(), "forbidden", "an operator sees nothing of it");
    // Page by page, it is the same.
    let (mut paged, mut path) = (Vec::new(), "/api/v1/audit?limit=3".to_owned());
    loop {
        let page = admin.get(&site, &path).json();
        paged.extend(page["entries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/audit?limit=3&before={next}");
    }
    assert_eq!(paged, entries);
    assert_eq!(admin.get(&site, "/api/v1/audit?before=x").code(), "bad-request");
}
