//! Keys: what programs do by them, and what they are never good for.

use std::time::Duration;

use serde_json::{Value, json};

use super::common::http::{Answer, request};
use super::people::{Person, Site, book, refusal};
use super::streams::{AT_ONCE, Events};

fn by(site: &Site, token: &str, method: &str, path: &str, body: Value) -> Answer {
    site.ask(method, path, &[("authorization", &format!("Bearer {token}"))], &body)
}

fn make(person: &Person, site: &Site, body: Value) -> Answer {
    person.ask(site, "POST", "/api/v1/account/keys", body)
}

#[test]
fn a_program_works_by_a_key_until_it_is_revoked_and_open_streams_end_too() {
    let site = Site::start();
    site.claim();
    let anna = site.join("anna@example.org");
    let made = make(&anna, &site, json!({ "name": "ferry", "scopes": ["write", "read"] })).json();
    let (token, id) = (made["token"].as_str().unwrap(), made["key"]["id"].as_str().unwrap());
    assert_eq!(made["key"]["scopes"], json!(["read", "write"]));
    // No CSRF token: no browser sends a key by itself. With one, a cookie is not looked at.
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("cookie", "visiobook-session=vs_x")];
    let created = request(site.address(), "POST", "/api/v1/projects?name=a.txt", &headers, book("by key").as_bytes());
    assert_eq!(created.status, 201, "{}", created.text());
    let project = format!("/api/v1/projects/{}", created.json()["id"].as_str().unwrap());
    assert_eq!(anna.get(&site, &project).status, 200, "it is hers");
    let activity = by(&site, token, "GET", &format!("{project}/activity"), Value::Null).json();
    assert_eq!(activity["activity"][0]["by"]["account"], anna.account["id"]);

    let listed = anna.get(&site, "/api/v1/account/keys");
    assert!(!listed.text().contains(&token[3..]), "the token is told once");
    assert_eq!(listed.json()["keys"][0]["name"], "ferry");
    let stream = Events::follow(site.address(), &project, &format!("authorization: {bearer}"));
    let revoked = anna.ask(&site, "DELETE", &format!("/api/v1/account/keys/{id}"), Value::Null);
    assert_eq!(revoked.status, 204);
    stream.ends_at_once();
    let refused = by(&site, token, "GET", &project, Value::Null);
    assert_eq!((refused.status, refused.code()), (401, "key-invalid".into()));
    assert_eq!(refused.header("set-cookie"), None);
    let log = anna.get(&site, "/api/v1/account/activity?limit=1").json();
    assert_eq!((&log["events"][0]["what"], &log["events"][0]["key"]), (&json!("key-revoked"), &json!(id)));

    // It is so after a restart too, and a key that was not revoked goes on.
    let other = anna.key(&site, &["read"]);
    let site = site.again();
    assert_eq!(by(&site, token, "GET", &project, Value::Null).code(), "key-invalid");
    assert_eq!(by(&site, &other, "GET", &project, Value::Null).status, 200);
}

#[test]
fn what_a_key_opened_ends_when_the_key_does() {
    let site = Site::start();
    let admin = site.claim();
    let path = format!("/api/v1/projects/{}", admin.project(&site, "brief"));
    let made = make(&admin, &site, json!({ "name": "brief", "scopes": ["read"], "valid_s": 20 })).json();
    let token = made["token"].as_str().unwrap();
    let stream = Events::follow(site.address(), &path, &format!("authorization: Bearer {token}"));
    let over_ms = made["key"]["ends_ms"].as_u64().unwrap();
    let left = Duration::from_millis(over_ms.saturating_sub(actors::clock::wall_ms()));
    let took = stream.end();
    // A key that ends by itself is asked after every ten seconds.
    const ASKED_AFTER: Duration = Duration::from_secs(10);
    assert!(left < took + AT_ONCE && took < left + ASKED_AFTER + AT_ONCE, "{took:?} instead of {left:?}");
    assert_eq!(by(&site, token, "GET", &path, Value::Null).code(), "key-invalid");
}

#[test]
fn a_key_allows_no_more_than_its_account_and_never_the_account_itself() {
    let site = Site::start();
    let admin = site.claim();
    let (anna, ben) = (site.join("anna@example.org"), site.join("ben@example.org"));
    let all = anna.key(&site, &["read", "write", "operate", "administer"]);
    for path in ["/metrics", "/api/v1/scheduling", "/api/v1/storage/jobs"] {
        assert_eq!(by(&site, &all, "GET", path, Value::Null).code(), "forbidden", "{path}");
    }
    assert_eq!(by(&site, &all, "POST", "/api/v1/backup", json!({})).code(), "forbidden");
    // A key makes no keys, changes no password, and sees no sessions: whoever has it has nothing that lasts.
    for (method, path, body) in [
        ("GET", "/api/v1/account", Value::Null),
        ("GET", "/api/v1/account/sessions", Value::Null),
        ("POST", "/api/v1/account/keys", json!({ "name": "more", "scopes": ["read"] })),
        ("POST", "/api/v1/account/second-factor", Value::Null),
        ("PUT", "/api/v1/account/email", json!({ "email": "mallory@example.org" })),
    ] {
        let told = by(&site, &all, method, path, body);
        assert_eq!((told.status, told.code()), (403, "key-not-enough".into()), "{path}");
    }
    let admins = admin.key(&site, &["read", "write", "operate", "administer"]);
    let role = format!("/api/v1/accounts/{}/role", anna.account["id"].as_str().unwrap());
    assert_eq!(by(&site, &admins, "PUT", &role, json!({ "role": "admin" })).code(), "key-not-enough");
    assert_eq!(by(&site, &admins, "GET", "/metrics", Value::Null).status, 200);
    // Another tenant's project is like none, and another account's key too.
    let theirs = ben.project(&site, "ben's");
    let (told, nobodys) = (
        by(&site, &all, "GET", &format!("/api/v1/projects/{theirs}"), Value::Null),
        by(&site, &all, "GET", "/api/v1/projects/00000000-0000-4000-8000-000000000000", Value::Null),
    );
    assert_eq!(told.status, 404);
    assert_eq!(refusal(&told), refusal(&nobodys));
    let id = anna.get(&site, "/api/v1/account/keys").json()["keys"][0]["id"].as_str().unwrap().to_owned();
    let end = |id: &str| ben.ask(&site, "DELETE", &format!("/api/v1/account/keys/{id}"), Value::Null);
    let (theirs, none) = (end(&id), end("00000000-0000-4000-8000-000000000000"));
    assert_eq!(theirs.status, 404);
    assert_eq!(refusal(&theirs), refusal(&none));
    // Who is an operator no longer has no key of one.
    let made_operator = admin.ask(&site, "PUT", &role, json!({ "role": "operator" }));
    assert_eq!(made_operator.status, 200);
    assert_eq!(by(&site, &all, "GET", "/metrics", Value::Null).status, 200);
    assert_eq!(admin.ask(&site, "PUT", &role, json!({ "role": "user" })).status, 200);
    assert_eq!(by(&site, &all, "GET", "/metrics", Value::Null).code(), "forbidden");
}

#[test]
fn a_key_is_asked_for_as_it_may_be_and_its_token_kept_nowhere() {
    let site = Site::start();
    site.claim();
    let anna = site.join("anna@example.org");
    for (body, code) in [
        (json!({ "name": "a", "scopes": [] }), "key-settings-invalid"),
        (json!({ "name": "a", "scopes": ["read"], "valid_s": 99_999_999 }), "key-settings-invalid"),
        (json!({ "name": " ", "scopes": ["read"] }), "bad-name"),
        (json!({ "name": "a", "scopes": ["everything"] }), "bad-request"),
        (json!({ "name": "a", "scopes": ["read"], "role": "admin" }), "bad-request"),
        (json!({ "name": "a", "scopes": ["read"], "account": "x" }), "bad-request"),
    ] {
        assert_eq!(make(&anna, &site, body.clone()).code(), code, "{body}");
    }
    // Sent again under one key for requests, another one is made: an answer that shows a token is kept for nobody.
    let mut headers = anna.headers().to_vec();
    headers.push(("idempotency-key", "8e03978e"));
    let body = json!({ "name": "a", "scopes": ["read"] });
    let made: Vec<Answer> = (0..2).map(|_| site.ask("POST", "/api/v1/account/keys", &headers, &body)).collect();
    assert!(made.iter().all(|made| made.status == 201 && made.header("idempotency-replayed").is_none()));
    assert_eq!(made[0].header("cache-control"), Some("no-store"));
    let tokens: Vec<String> = made.iter().map(|made| made.json()["token"].as_str().unwrap().to_owned()).collect();
    assert_ne!(tokens[0], tokens[1]);
    for wrong in ["vk_", "vk_AAAA", &tokens[0][..tokens[0].len() - 1], &format!("{}A", tokens[0])] {
        assert_eq!(by(&site, wrong, "GET", "/api/v1/projects", Value::Null).code(), "key-invalid", "{wrong}");
    }
    // Nothing that is kept holds it.
    drop(anna);
    let secret = tokens[0].trim_start_matches("vk_").as_bytes();
    for file in site.files() {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", file.display());
    }
}
