//! Accounts over real sockets to a real process: signing up and in, what ends what, and those who try to get round it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod attacks;
mod belongings;
mod codes;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod leaving;
mod matrix;
mod oidc;
mod people;
mod sharing;
mod smtp;
mod streams;

use common::http::{get, request};
use people::{ADMIN, CODE, OTHER, PASSWORD, Person, Site, book, refusal, token};
use serde_json::json;

#[test]
fn local_trust_ends_with_the_first_account_which_inherits_what_was_made() {
    let site = Site::start();
    let node = get(site.address(), "/api/v1/node").json();
    assert_eq!((&node["local_trust"], &node["claimed"]), (&json!(true), &json!(false)));
    let made = request(site.address(), "POST", "/api/v1/projects?name=lamp.txt", &[], book("one").as_bytes());
    let project = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(site.sign_up("anna@example.org").code(), "claim-needed");
    let wrong = json!({ "code": "TESTTESTTESTTESTTESTTESTTESX", "email": ADMIN, "password": PASSWORD, "name": "A" });
    assert_eq!(site.post("/api/v1/auth/claim", wrong).code(), "claim-code-wrong");

    let admin = site.claim();
    assert_eq!((&admin.account["role"], &admin.account["confirmed"]), (&json!("admin"), &json!(true)));
    let refused = get(site.address(), "/api/v1/projects");
    assert_eq!((refused.status, refused.code()), (401, "sign-in-needed".into()));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"visiobook\""));
    let found = admin.get(&site, &format!("/api/v1/projects/{project}"));
    assert_eq!((found.status, found.header("cache-control")), (200, Some("private, no-cache")));
    let node = get(site.address(), "/api/v1/node").json();
    assert_eq!((&node["local_trust"], &node["claimed"]), (&json!(false), &json!(true)));
    let again = json!({ "code": CODE, "email": "b@example.org", "password": PASSWORD, "name": "B" });
    assert_eq!(site.post("/api/v1/auth/claim", again).code(), "claimed-already");

    let site = site.again();
    assert_eq!(get(site.address(), "/api/v1/projects").status, 401, "it ended for good");
    assert_eq!(admin.get(&site, &format!("/api/v1/projects/{project}")).status, 200, "and she is still signed in");
}

#[test]
fn somebody_signs_up_confirms_works_and_signs_out() {
    let site = Site::start();
    site.claim();
    assert_eq!(site.sign_up("Anna@Example.org").status, 202);
    let letter = site.letter("anna@example.org", 1);
    let link = format!("http://{}/confirm#", site.address());
    assert!(letter.contains(&link), "{letter}");
    let confirm = json!({ "token": token(&letter), "password": PASSWORD });
    let anna = Person::of(&site.post("/api/v1/auth/confirm", confirm.clone()));
    assert_eq!(site.post("/api/v1/auth/confirm", confirm).code(), "mailed-link-invalid");
    let project = anna.project(&site, "two");
    let list = anna.get(&site, "/api/v1/projects").json();
    assert_eq!((list["total"].as_u64(), list["projects"][0]["id"].as_str()), (Some(1), Some(&*project)));
    let activity = anna.get(&site, &format!("/api/v1/projects/{project}/activity")).json();
    assert_eq!(activity["activity"][0]["by"]["account"], anna.account["id"]);

    let named = anna.ask(&site, "PATCH", "/api/v1/account", json!({ "name": "Anna Lamp", "language": "fr" }));
    assert_eq!((&named.json()["name"], &named.json()["language"]), (&json!("Anna Lamp"), &json!("fr")));
    let sessions = anna.get(&site, "/api/v1/account/sessions").json();
    assert_eq!(sessions["sessions"][0]["current"], true);
    assert_eq!(sessions["sessions"][0]["address"], "127.0.0.1");
    let out = anna.ask(&site, "POST", "/api/v1/auth/sign-out", json!(null));
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    let ended = anna.get(&site, "/api/v1/projects");
    assert_eq!((ended.status, ended.code()), (401, "session-ended".into()));
    assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"), "the browser forgets it");
}

#[test]
fn a_forgotten_password_is_set_by_mail_and_everybody_is_signed_out() {
    // She says more passwords than one person would in a minute.
    let site = Site::start_with(&[("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "10")]);
    site.claim();
    let anna = site.join("anna@example.org");
    assert_eq!(site.post("/api/v1/auth/forgot", json!({ "email": "anna@example.org" })).status, 202);
    let link = token(&site.letter("anna@example.org", 2));
    let weak = site.post("/api/v1/auth/reset", json!({ "token": link, "password": "anna@example.org" }));
    assert_eq!((weak.status, weak.code()), (422, "password-weak".into()));
    let reset = json!({ "token": link, "password": OTHER });
    assert_eq!(site.post("/api/v1/auth/reset", reset.clone()).status, 204);
    assert_eq!(site.post("/api/v1/auth/reset", reset).code(), "mailed-link-invalid");
    assert_eq!(anna.get(&site, "/api/v1/account").code(), "session-ended");
    assert_eq!(site.sign_in("anna@example.org", PASSWORD).code(), "sign-in-refused");
    let anna = Person::of(&site.sign_in("anna@example.org", OTHER));
    let there = Person::of(&site.sign_in("anna@example.org", OTHER));

    let change = json!({ "current": OTHER, "password": PASSWORD });
    let changed = Person::of(&anna.ask(&site, "PUT", "/api/v1/account/password", change));
    for ended in [&anna, &there] {
        assert_eq!(ended.get(&site, "/api/v1/account").code(), "session-ended");
    }
    assert_eq!(changed.get(&site, "/api/v1/account").status, 200);
    assert_eq!(changed.ask(&site, "DELETE", "/api/v1/account/sessions", json!(null)).status, 204);
    assert_eq!(changed.get(&site, "/api/v1/account").code(), "session-ended");
    let anna = Person::of(&site.sign_in("anna@example.org", PASSWORD));
    let log = anna.get(&site, "/api/v1/account/activity?limit=3").json();
    let what: Vec<&str> = log["events"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["signed-in", "sessions-ended", "password-changed"]);
    assert!(log["next"].as_u64().is_some());
}

#[test]
fn an_admin_says_who_runs_the_node_and_operators_read_no_books() {
    let site = Site::start();
    let admin = site.claim();
    let (anna, ben) = (site.join("anna@example.org"), site.join("ben@example.org"));
    let project = anna.project(&site, "three");
    let of = ben.account["id"].as_str().unwrap();
    let role = format!("/api/v1/accounts/{of}/role");
    assert_eq!(ben.ask(&site, "PUT", &role, json!({ "role": "admin" })).code(), "forbidden");
    assert_eq!(ben.get(&site, "/metrics").code(), "forbidden");
    let found = admin.get(&site, "/api/v1/accounts?email=BEN@example.org");
    assert_eq!(found.json()["id"], of);
    assert_eq!(admin.ask(&site, "PUT", &role, json!({ "role": "operator" })).json()["role"], "operator");
    assert_eq!(ben.get(&site, "/metrics").status, 200, "from the next request on");
    assert_eq!(ben.ask(&site, "POST", "/api/v1/backup", json!({})).code(), "forbidden", "it holds every book");
    for other in [&ben, &admin] {
        let path = format!("/api/v1/projects/{project}");
        let (theirs, nobodys) =
            (other.get(&site, &path), other.get(&site, "/api/v1/projects/00000000-0000-4000-8000-000000000000"));
        assert_eq!(theirs.status, 404);
        assert_eq!(refusal(&theirs), refusal(&nobodys), "like one that is not there");
    }
    let log = admin.get(&site, &format!("/api/v1/accounts/{of}/activity?limit=2")).json();
    assert_eq!(log["events"][0]["what"], "seen-by-admin", "that she looks");
    assert_eq!((&log["events"][1]["what"], &log["events"][1]["by"]), (&json!("role-changed"), &admin.account["id"]));
    let own = format!("/api/v1/accounts/{}/role", admin.account["id"].as_str().unwrap());
    assert_eq!(admin.ask(&site, "PUT", &own, json!({ "role": "user" })).code(), "own-role");
}

#[test]
fn an_account_moves_to_another_address() {
    let site = Site::start();
    site.claim();
    let anna = site.join("anna@example.org");
    let to = json!({ "email": "lamp@example.org" });
    assert_eq!(anna.ask(&site, "PUT", "/api/v1/account/email", to).status, 202);
    let link = token(&site.letter("lamp@example.org", 1));
    site.letter("anna@example.org", 2);
    let moved = Person::of(&site.post("/api/v1/auth/confirm", json!({ "token": link, "password": PASSWORD })));
    assert_eq!(moved.account["email"], "lamp@example.org");
    assert_eq!(site.sign_in("anna@example.org", PASSWORD).code(), "sign-in-refused");
    assert_eq!(site.sign_in("lamp@example.org", PASSWORD).status, 201);
}
