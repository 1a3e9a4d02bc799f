//! Projects of several people, and those who try to get into them.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::common::http::{Answer, request};
use super::leaving::leave;
use super::people::{PASSWORD, Person, Site, book, refusal};
use super::streams::{AT_ONCE, Events};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";
const BEN: &str = "ben@example.org";

/// Anna, who has a project, and Ben, who is given it.
struct Two {
    site: Site,
    anna: Person,
    ben: Person,
    project: String,
}

impl Two {
    fn start(role: &str) -> Self {
        Self::start_with(&[], role)
    }

    fn start_with(environment: &[(&str, &str)], role: &str) -> Self {
        let site = Site::start_with(environment);
        site.claim();
        let (anna, ben) = (site.join("anna@example.org"), site.join(BEN));
        let project = anna.project(&site, "a shared book");
        anna.share(&site, &project, &ben, BEN, role);
        Self { site, anna, ben, project }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/projects/{}{rest}", self.project)
    }

    fn id(person: &Person) -> &str {
        person.account["id"].as_str().unwrap()
    }

    fn remove(&self, by: &Person, whom: &Person) -> Answer {
        by.ask(&self.site, "DELETE", &self.path(&format!("/members/{}", Self::id(whom))), Value::Null)
    }

    /// What a share link's cookie is told.
    fn visited(&self, visit: &str, path: &str) -> Answer {
        self.site.ask("GET", path, &[("cookie", visit)], &Value::Null)
    }

    /// The project's events, for whom a cookie says.
    fn follow(&self, cookie: &str) -> Events {
        Events::follow(self.site.address(), &self.path(""), &format!("cookie: {cookie}"))
    }

    /// Waits until the project's run is done.
    fn settle(&self) {
        let until = Instant::now() + PATIENCE;
        while self.anna.get(&self.site, &self.path("")).json()["run"]["state"]["state"] != "ready" {
            assert!(Instant::now() < until, "the run is not done");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn an_editor_works_on_what_was_shared_and_the_log_says_who() {
    let two = Two::start("editor");
    let (site, ben) = (&two.site, &two.ben);
    let own = ben.get(site, "/api/v1/projects").json();
    assert_eq!(own["total"], 0, "it is not his");
    let shared = ben.get(site, "/api/v1/projects?shown=shared").json();
    assert_eq!((&shared["total"], &shared["projects"][0]["role"]), (&json!(1), &json!("editor")));
    assert_eq!(two.anna.get(site, &two.path("")).json()["role"], "owner");
    assert_eq!(two.anna.get(site, "/api/v1/projects").json()["projects"][0]["role"], "owner");

    let said = ben.ask(site, "PATCH", &two.path(""), json!({ "description": "Ben was here." }));
    assert_eq!((said.status, &said.json()["role"]), (200, &json!("editor")));
    two.settle();
    // A file of his own upload: it lies with him, and becomes hers.
    let text = book("another draft");
    let length = text.len().to_string();
    let mut headers = ben.headers().to_vec();
    headers.extend([("tus-resumable", "1.0.0"), ("upload-metadata", "filename bGFtcC50eHQ=")]);
    let mut made = headers.clone();
    made.push(("upload-length", &length));
    let upload = request(site.address(), "POST", "/api/v1/uploads", &made, &[]).json();
    let upload = upload["id"].as_str().unwrap();
    headers.extend([("upload-offset", "0"), ("content-type", "application/offset+octet-stream")]);
    let sent = request(site.address(), "PATCH", &format!("/api/v1/uploads/{upload}"), &headers, text.as_bytes());
    assert_eq!(sent.status, 204, "{}", sent.text());
    let taken = two.path(&format!("/revisions?upload={upload}"));
    assert_eq!(two.anna.ask(site, "POST", &taken, Value::Null).code(), "upload-not-found", "it is not hers");
    let revised = ben.ask(site, "POST", &taken, Value::Null);
    assert_eq!((revised.status, &revised.json()["revision"]), (201, &json!(2)), "{}", revised.text());

    let activity = two.anna.get(site, &two.path("/activity")).json()["activity"].clone();
    let by_ben = |what: &str| {
        let mut acts = activity.as_array().unwrap().iter();
        acts.any(|act| act["what"] == what && act["by"]["account"] == ben.account["id"])
    };
    assert!(by_ben("changed") && by_ben("revised") && by_ben("joined"), "{activity}");
    let log = two.anna.get(site, "/api/v1/account/activity").json()["events"].clone();
    assert!(log.as_array().unwrap().iter().any(|event| event["what"] == "invited" && event["email"] == BEN), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_is_out_at_once_also_from_open_streams() {
    let two = tokio::task::spawn_blocking(|| Two::start("viewer")).await.unwrap();
    let (address, cookie) = (two.site.address().to_owned(), two.ben.cookie.clone());
    let events = two.follow(&cookie);
    let mut hers = two.follow(&two.anna.cookie);
    let mut sockets = Vec::new();
    for follow in [json!({ "type": "follow", "projects": [two.project] }), json!({ "type": "follow" })] {
        let mut ask = format!("ws://{address}/api/v1/events/ws").into_client_request().unwrap();
        ask.headers_mut().insert("cookie", cookie.parse().unwrap());
        let mut socket = connect_async(ask).await.unwrap().0;
        socket.send(Message::text(follow.to_string())).await.unwrap();
        // It stands once all that is followed is named.
        loop {
            let said = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
            if said.is_text() && said.to_text().unwrap().contains(&two.project) {
                break;
            }
        }
        sockets.push(socket);
    }
    let two = tokio::task::spawn_blocking(move || {
        assert_eq!(two.remove(&two.anna, &two.ben).status, 204);
        events.ends_at_once();
        two
    })
    .await
    .unwrap();
    for mut socket in sockets {
        let closing = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => break frame,
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        let closed = tokio::time::timeout(AT_ONCE, closing).await.expect("the socket goes on");
        assert_eq!((u16::from(closed.code), closed.reason.as_str()), (4404, "project-not-found"));
    }
    tokio::task::spawn_blocking(move || {
        let (gone, none) = (two.ben.get(&two.site, &two.path("")), format!("/api/v1/projects/{NOBODYS}"));
        let none = two.ben.get(&two.site, &none);
        assert_eq!(refusal(&gone), refusal(&none), "like one that does not exist");
        assert_eq!(two.ben.get(&two.site, "/api/v1/projects?shown=shared").json()["total"], 0);
        assert_eq!(two.remove(&two.ben, &two.anna).code(), "project-not-found");
        assert!(hers.goes_on(), "hers");
    })
    .await
    .unwrap();
}

#[test]
fn a_share_link_shows_one_project_and_nobody_of_those_who_made_it() {
    let two = Two::start("editor");
    let site = &two.site;
    two.settle();
    let other = two.anna.project(site, "another book");
    let (link, token) = two.anna.link(site, &two.project, &Value::Null);
    let visit = site.open(&token, &Value::Null);
    let seen = two.visited(&visit, &two.path(""));
    assert_eq!((seen.status, &seen.json()["role"], &seen.json()["visits"]), (200, &json!("viewer"), &json!(true)));
    for readable in ["/storyboard", "/files/book.json", "/runs", "/revisions", "/storyboard/edits"] {
        let answer = two.visited(&visit, &two.path(readable));
        assert_eq!(answer.status, 200, "{readable}: {}", answer.text());
        for account in [&two.anna, &two.ben] {
            assert!(!answer.text().contains(Two::id(account)) && !answer.text().contains('@'), "{readable}");
        }
    }
    assert_eq!(two.visited(&visit, &two.path("/runs")).json()["runs"][0]["by"], "somebody");
    for closed in ["/activity", "/members", "/links"] {
        assert_eq!(two.visited(&visit, &two.path(closed)).code(), "sign-in-needed", "{closed}");
    }
    for path in [format!("/api/v1/projects/{other}"), "/api/v1/projects".into(), "/api/v1/account".into()] {
        assert_eq!(two.visited(&visit, &path).code(), "sign-in-needed", "{path}");
    }
    for (method, rest) in [("PATCH", ""), ("DELETE", ""), ("POST", "/runs"), ("POST", "/files/book.json/link")] {
        let answer = site.ask(method, &two.path(rest), &[("cookie", &visit)], &json!({}));
        assert_eq!(answer.code(), "sign-in-needed", "{method} {rest}");
    }
    // Somebody else who is signed in, and follows a link: the link shows it to them, as a visitor.
    let cora = site.join("cora@example.org");
    let both = format!("{}; {visit}", cora.cookie);
    let seen = two.visited(&both, &two.path("")).json();
    assert_eq!((&seen["role"], &seen["visits"]), (&json!("viewer"), &json!(true)));
    let seen = two.visited(&format!("{}; {visit}", two.ben.cookie), &two.path("")).json();
    assert_eq!((&seen["role"], &seen["visits"]), (&json!("editor"), &Value::Null), "who is a member stays one");

    let events = two.follow(&visit);
    let revoked = two.anna.ask(site, "DELETE", &two.path(&format!("/links/{link}")), Value::Null);
    assert_eq!(revoked.status, 204);
    events.ends_at_once();
    assert_eq!(two.visited(&visit, &two.path("")).code(), "sign-in-needed");
    assert_eq!(two.visited(&both, &two.path("")).code(), "project-not-found");
    assert_eq!(site.post("/api/v1/links/open", json!({ "token": token })).code(), "share-link-over");
}

/// Leaves the project's only share link no more time than this: until when, milliseconds since 1970 UTC.
#[tokio::main]
async fn set_link_end(data: &Path, project: &str, left: Duration) -> u64 {
    let folder = store::DataFolder::open(data).unwrap();
    let records = folder.records();
    let mut row = records.access_get(project.parse().unwrap()).await.unwrap().unwrap();
    let over_ms = actors::clock::wall_ms() + left.as_millis() as u64;
    let version = row.version;
    row.links[0].expires_ms = over_ms;
    records.access_update(row, version).await.unwrap().applied().unwrap();
    over_ms
}

#[test]
fn what_a_share_link_opened_ends_when_the_links_time_is_over() {
    const LEFT: Duration = Duration::from_secs(45);
    let two = Two::start("viewer");
    let (_, token) = two.anna.link(&two.site, &two.project, &Value::Null);
    let visit = two.site.open(&token, &Value::Null);
    // The shortest is an hour, of which all but this passes while the node is off.
    let mut over_ms = 0;
    let site = two.site.again_after(|data| over_ms = set_link_end(data, &two.project, LEFT));
    let two = Two { site, ..two };
    let events = two.follow(&visit);
    let left = Duration::from_millis(over_ms.saturating_sub(actors::clock::wall_ms()));
    let took = events.end();
    assert!(left < took + AT_ONCE && took < left + AT_ONCE, "{took:?} instead of {left:?}");
    assert_eq!(two.visited(&visit, &two.path("")).code(), "sign-in-needed");
    assert_eq!(two.site.post("/api/v1/links/open", json!({ "token": token })).code(), "share-link-over");
}

#[test]
fn what_somebody_gave_out_shows_nothing_while_they_leave() {
    let two = Two::start("viewer");
    let (_, token) = two.anna.link(&two.site, &two.project, &Value::Null);
    let visit = two.site.open(&token, &Value::Null);
    let events = two.follow(&visit);
    assert_eq!(leave(&two.site, &two.anna, "anna@example.org", PASSWORD).status, 200);
    events.ends_at_once();
    assert_eq!(two.visited(&visit, &two.path("")).code(), "sign-in-needed");
    assert_eq!(two.site.post("/api/v1/links/open", json!({ "token": token })).code(), "share-link-over");
    assert_eq!(two.ben.get(&two.site, &two.path("")).status, 200, "members keep it until it is erased");
    assert_eq!(two.site.sign_in("anna@example.org", PASSWORD).status, 201);
    assert_eq!(two.visited(&visit, &two.path("")).status, 200, "she stays");
}

#[test]
fn whoever_is_erased_is_nobodys_member_and_what_they_gave_out_is_over() {
    let two = Two::start_with(&[("VISIOBOOK__AUTH__LEAVE_GRACE_S", "0")], "owner");
    let site = &two.site;
    let (_, his) = two.ben.link(site, &two.project, &Value::Null);
    let (_, hers) = two.anna.link(site, &two.project, &Value::Null);
    let invited =
        two.ben.ask(site, "POST", &two.path("/invitations"), json!({ "email": "c@example.org", "role": "owner" }));
    assert_eq!(invited.status, 201, "{}", invited.text());
    assert_eq!(leave(site, &two.ben, BEN, PASSWORD).status, 200);
    assert!(site.letter(BEN, 4).contains("was erased"));
    let there = two.anna.get(site, &two.path("/members")).json();
    assert_eq!(there["members"].as_array().unwrap().len(), 1, "{there}");
    assert_eq!(there["invitations"], json!([]));
    assert_eq!(two.anna.get(site, &two.path("/links")).json()["links"].as_array().unwrap().len(), 1);
    let open = |token: &str| site.post("/api/v1/links/open", json!({ "token": token }));
    assert_eq!(open(&his).code(), "share-link-over");
    assert_eq!(open(&hers).status, 200);
    let acts = two.anna.get(site, &two.path("/activity")).json()["activity"].clone();
    assert_eq!((&acts[0]["what"], &acts[0]["by"]), (&json!("member-removed"), &json!("node")), "{acts}");
}

#[test]
fn a_share_links_cookie_goes_nowhere_else() {
    let two = Two::start("viewer");
    let (_, token) = two.anna.link(&two.site, &two.project, &Value::Null);
    let opened = two.site.post("/api/v1/links/open", json!({ "token": token }));
    let cookie = opened.header("set-cookie").unwrap();
    let path = format!("Path={};", two.path(""));
    for attribute in [path.as_str(), "HttpOnly", "SameSite=Lax", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains(&token));
    assert_eq!(opened.json()["project"], json!(two.project));
}

#[test]
fn a_share_links_password_is_not_guessed() {
    let two = Two::start("viewer");
    let site = &two.site;
    let (_, token) = two.anna.link(site, &two.project, &json!(PASSWORD));
    let open = |password: Value| site.post("/api/v1/links/open", json!({ "token": token, "password": password }));
    assert_eq!(open(Value::Null).code(), "share-password-needed");
    let answers: Vec<Answer> = (0..12).map(|number| open(json!(format!("a guess, number {number}")))).collect();
    let wrong = answers.iter().take_while(|answer| answer.code() == "share-password-wrong").count();
    assert!((9..=11).contains(&wrong), "{wrong}");
    let told = answers.last().unwrap();
    assert_eq!((told.status, told.code()), (429, "too-many-attempts".into()));
    assert!(told.header("retry-after").is_some());
    assert_eq!(open(json!(PASSWORD)).code(), "too-many-attempts", "the right one, too");
}

#[test]
fn nobody_gives_themselves_a_role_or_a_project() {
    let two = Two::start("viewer");
    let (site, ben) = (&two.site, &two.ben);
    let me = two.path(&format!("/members/{}", Two::id(ben)));
    assert_eq!(ben.ask(site, "PUT", &me, json!({ "role": "owner" })).code(), "forbidden");
    let invite = |body| ben.ask(site, "POST", &two.path("/invitations"), body).code();
    assert_eq!(invite(json!({ "email": BEN, "role": "owner" })), "forbidden");
    for more in ["tenant", "account", "project", "expires_ms", "confirmed"] {
        let mut body = json!({ "email": "cora@example.org", "role": "viewer" });
        body[more] = json!(NOBODYS);
        let refused = two.anna.ask(site, "POST", &two.path("/invitations"), body);
        assert_eq!(refused.code(), "bad-request", "{more}");
        let mut body = json!({ "role": "viewer" });
        body[more] = json!(NOBODYS);
        assert_eq!(two.anna.ask(site, "PUT", &me, body).code(), "bad-request", "{more}");
        let mut body = json!({ "name": "a", "valid_s": 3600 });
        body[more] = json!(NOBODYS);
        assert_eq!(two.anna.ask(site, "POST", &two.path("/links"), body).code(), "bad-request", "{more}");
        let mut body = json!({ "description": "mine" });
        body[more] = json!(NOBODYS);
        assert_eq!(two.anna.ask(site, "PATCH", &two.path(""), body).code(), "bad-request", "{more}");
    }
    assert_eq!(ben.ask(site, "PATCH", &two.path(""), json!({ "role": "owner" })).code(), "forbidden");
    assert_eq!(ben.ask(site, "DELETE", &two.path(""), Value::Null).code(), "forbidden");
    // In bodies: what starts work wants an editor; what is nothing to somebody is like nothing.
    let cora = site.join("cora@example.org");
    let analyse = |who: &Person, project: &str| {
        who.ask(site, "POST", "/api/v1/analysis/summarize", json!({ "project": project }))
    };
    assert_eq!(analyse(ben, &two.project).code(), "forbidden");
    let (theirs, none) = (analyse(&cora, &two.project), analyse(&cora, NOBODYS));
    assert_eq!((theirs.status, refusal(&theirs)), (404, refusal(&none)));
    let hook = |who: &Person, project: &str| {
        let body = json!({ "url": "https://receiver.example.org/", "projects": [project] });
        who.ask(site, "POST", "/api/v1/webhooks", body)
    };
    let (shared, none) = (hook(ben, &two.project), hook(ben, NOBODYS));
    assert_eq!((shared.status, refusal(&shared)), (404, refusal(&none)), "a member's webhook can't name it");
    let there = two.anna.get(site, &two.path("")).json();
    assert_eq!(there["description"], "");
}

#[test]
fn inviting_tells_nothing_of_whom_it_invites() {
    let two = Two::start("viewer");
    let invite = |email: &str| {
        let body = json!({ "email": email, "role": "viewer" });
        let said = two.anna.ask(&two.site, "POST", &two.path("/invitations"), body);
        let mut told = said.json();
        for own in ["id", "email", "invited_ms", "expires_ms"] {
            assert!(told.as_object_mut().unwrap().remove(own).is_some(), "{own}");
        }
        (said.status, told)
    };
    two.site.join("known@example.org");
    assert_eq!(invite("known@example.org"), invite("unknown@example.org"));
    let text = |email: &str, count| {
        let letter = two.site.letter(email, count);
        let (_, body) = letter.split_once("\r\n\r\n").unwrap();
        body.split_once('#').unwrap().0.to_owned()
    };
    assert_eq!(text("known@example.org", 2), text("unknown@example.org", 1));
    let wrong = two.anna.ask(&two.site, "POST", &two.path("/invitations"), json!({ "email": "x", "role": "viewer" }));
    assert_eq!(wrong.code(), "bad-email");
}

#[test]
fn somebody_elses_invitation_and_ids_of_others_are_worth_nothing() {
    let two = Two::start("owner");
    let (site, cora) = (&two.site, two.site.join("cora@example.org"));
    let invited =
        two.anna.ask(site, "POST", &two.path("/invitations"), json!({ "email": "dora@example.org", "role": "editor" }));
    let id = invited.json()["id"].as_str().unwrap().to_owned();
    let token = site.invitation("dora@example.org");
    let accept = |token: &str| cora.ask(site, "POST", "/api/v1/invitations/accept", json!({ "token": token }));
    let refused = accept(&token);
    assert_eq!((refused.status, refused.code()), (403, "invitation-for-another".into()));
    assert!(!refused.text().contains("dora"), "and is not told whose");
    for made_up in ["", "vi_", &token[..token.len() - 1], "vl_AAAA"] {
        assert_eq!(accept(made_up).code(), "mailed-link-invalid", "{made_up}");
    }
    // Of another project of somebody else.
    let theirs = cora.project(site, "hers");
    let withdraw = format!("/api/v1/projects/{theirs}/invitations/{id}");
    assert_eq!(cora.ask(site, "DELETE", &withdraw, Value::Null).code(), "invitation-not-found");
    let (link, _) = two.anna.link(site, &two.project, &Value::Null);
    let revoke = format!("/api/v1/projects/{theirs}/links/{link}");
    assert_eq!(cora.ask(site, "DELETE", &revoke, Value::Null).code(), "share-link-not-found");
    // The payer stays, and nobody is made to leave by whoever pays nothing.
    assert_eq!(two.remove(&two.ben, &two.anna).code(), "payer-stays");
    assert_eq!(two.remove(&two.anna, &two.anna).code(), "payer-stays");
    assert_eq!(two.remove(&two.ben, &two.ben).status, 204, "everybody else may leave");
}

#[test]
fn whoever_looks_at_accounts_and_makes_backups_leaves_a_trace() {
    let site = Site::start();
    let admin = site.claim();
    let anna = site.join("anna@example.org");
    assert_eq!(admin.get(&site, "/api/v1/accounts?email=anna@example.org").status, 200);
    let activity = format!("/api/v1/accounts/{}/activity", Two::id(&anna));
    assert_eq!(admin.get(&site, &activity).status, 200);
    assert_eq!(admin.ask(&site, "POST", "/api/v1/backup", Value::Null).status, 200);
    let acts = |person: &Person| {
        let events = person.get(&site, "/api/v1/account/activity").json()["events"].clone();
        let acts = events.as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap().to_owned());
        acts.collect::<Vec<_>>()
    };
    let count = |acts: &[String], what: &str| acts.iter().filter(|act| *act == what).count();
    let (of_admin, of_anna) = (acts(&admin), acts(&anna));
    assert_eq!((count(&of_admin, "looked-at"), count(&of_anna, "seen-by-admin")), (2, 2));
    assert_eq!(count(&of_admin, "backed-up"), 1);
}
