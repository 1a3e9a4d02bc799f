//! Projects, their revisions, runs and storyboards, over real sockets to a real process.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use common::http::{Answer, events, finished, get, request, upload};
use common::{ENGLISH, FRENCH, Server, files_below, sample, visiobook};
use serde_json::{Value, json};

fn put_in(address: &str, name: &str) -> String {
    let answer = upload(address, name, &std::fs::read(sample(name)).unwrap());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    request(address, method, path, headers, &serde_json::to_vec(body).unwrap())
}

fn post(address: &str, path: &str) -> Answer {
    request(address, "POST", path, &[], &[])
}

/// Waits until the project's newest run has ended.
fn ended(address: &str, project: &str) -> Value {
    let path = format!("/api/v1/projects/{project}");
    let seq = |view: &Value| view["run"]["seq"].as_u64().unwrap();
    let mut view = get(address, &path).json();
    let run = view["run"]["id"].clone();
    let is_final = |state: &Value| matches!(state.as_str(), Some("ready" | "failed" | "cancelled"));
    while !is_final(&view["run"]["state"]["state"]) {
        events(address, project, seq(&view), |event| event["run"] == run && is_final(&event["state"]["state"]));
        view = get(address, &path).json();
    }
    view
}

#[test]
fn a_project_is_named_described_and_put_aside_by_whoever_saw_it_last() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    ended(address, &project);
    let path = format!("/api/v1/projects/{project}");
    let first = get(address, &path);
    let etag = first.header("etag").unwrap().to_owned();
    assert_eq!(request(address, "GET", &path, &[("if-none-match", &etag)], &[]).status, 304);
    assert_eq!(
        (first.json()["named"].clone(), first.json()["name"].clone()),
        (json!(false), first.json()["title"].clone())
    );

    let patch = json!({ "name": " My winter ", "description": "for the spring list", "archived": true });
    let changed = send(address, "PATCH", &path, &[("if-match", &etag)], &patch);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["name"], "My winter");
    assert_eq!(changed.json()["title"], first.json()["title"], "the book keeps its own");
    let late = send(address, "PATCH", &path, &[("if-match", &etag)], &json!({ "name": "Mine" }));
    assert_eq!((late.status, late.code().as_str()), (412, "precondition-failed"));
    let fresh = changed.header("etag").unwrap();
    let back = send(address, "PATCH", &path, &[("if-match", fresh)], &json!({ "name": null, "archived": false }));
    assert_eq!((back.json()["named"].clone(), back.json()["archived"].clone()), (json!(false), json!(false)));
    assert_eq!(back.json()["description"], "for the spring list", "what is left out stays");
    for (patch, code) in [
        (json!({ "name": "" }), "bad-name"),
        (json!({ "name": "x".repeat(201) }), "bad-name"),
        (json!({ "description": "\u{1}" }), "bad-description"),
        (json!({ "titel": "x" }), "bad-request"),
    ] {
        let refused = send(address, "PATCH", &path, &[], &patch);
        assert_eq!(refused.code(), code, "{patch}");
    }
    let acts = get(address, &format!("{path}/activity")).json();
    let whats: Vec<&str> = acts["activity"].as_array().unwrap().iter().map(|a| a["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["changed", "changed", "created"]);
    assert_eq!(acts["activity"][1]["name"], "My winter");
    assert_eq!(acts["activity"][2]["by"], "local");
    let page = get(address, &format!("{path}/activity?limit=1")).json();
    let rest = get(address, &format!("{path}/activity?before={}", page["next"])).json();
    assert_eq!(rest["activity"].as_array().unwrap()[..], acts["activity"].as_array().unwrap()[1..]);
}

#[test]
fn a_deleted_project_comes_back_until_the_time_to_undo_is_over() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__PROJECTS__UNDO_DELETE_S", "3600");
    let server = Server::start_with(data.path(), &mut command);
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    ended(address, &project);
    let path = format!("/api/v1/projects/{project}");
    let etag = get(address, &path).header("etag").unwrap().to_owned();
    send(address, "PATCH", &path, &[], &json!({ "name": "Other" }));
    let late = request(address, "DELETE", &path, &[("if-match", &etag)], &[]);
    assert_eq!((late.status, late.code().as_str()), (412, "precondition-failed"));
    assert_eq!(request(address, "DELETE", &path, &[], &[]).status, 204);
    assert_eq!(request(address, "DELETE", &path, &[], &[]).status, 204, "it is deleted already");
    assert_eq!(get(address, &path).status, 404);
    assert_eq!(get(address, &format!("{path}/storyboard")).status, 404);
    assert_eq!(get(address, "/api/v1/projects").json()["total"], 0);
    let bin = get(address, "/api/v1/projects?shown=deleted").json();
    assert_eq!(bin["projects"][0]["id"], project.as_str());
    let deleted = &bin["projects"][0]["deleted"];
    assert_eq!(deleted["erased_after_ms"].as_u64().unwrap() - deleted["at_ms"].as_u64().unwrap(), 3_600_000);

    // The time to undo is kept over a restart.
    assert!(server.running.interrupt().success());
    let server = Server::start(data.path());
    let address = &server.address;
    let back = post(address, &format!("{path}/restore"));
    assert_eq!((back.status, back.json()["name"].as_str()), (200, Some("Other")), "{back:?}");
    assert_eq!(get(address, &format!("{path}/storyboard")).status, 200);
    assert_eq!(post(address, &format!("{path}/restore")).status, 200, "it is there already");

    assert_eq!(request(address, "DELETE", &format!("{path}?erase=now"), &[], &[]).status, 204);
    assert_eq!(post(address, &format!("{path}/restore")).status, 404);
    assert_eq!(files_below(&data.path().join("blobs")), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_deleted_project_is_erased_by_itself_when_its_time_is_over() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__PROJECTS__UNDO_DELETE_S", "1");
    let server = Server::start_with(data.path(), &mut command);
    let project = put_in(&server.address, ENGLISH);
    assert_eq!(request(&server.address, "DELETE", &format!("/api/v1/projects/{project}"), &[], &[]).status, 204);
    let began = std::time::Instant::now();
    let patience = std::time::Duration::from_secs(60);
    // Asked over HTTP each time: the node works meanwhile.
    while get(&server.address, "/api/v1/projects?shown=deleted").json()["total"] != 0 {
        assert!(began.elapsed() < patience, "it was never erased");
    }
    while !files_below(&data.path().join("blobs")).is_empty() {
        assert!(began.elapsed() < patience, "it was never erased");
        std::thread::yield_now();
    }
    assert_eq!(post(&server.address, &format!("/api/v1/projects/{project}/restore")).status, 404);
}

#[test]
fn the_list_is_filtered_searched_sorted_and_paged_by_cursors_that_can_not_be_made_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let french = put_in(address, FRENCH);
    let english = put_in(address, ENGLISH);
    for project in [&french, &english] {
        ended(address, project);
    }
    let ids = |query: &str| -> Vec<String> {
        let page = get(address, &format!("/api/v1/projects?{query}"));
        assert_eq!(page.status, 200, "{query}: {page:?}");
        page.json()["projects"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(""), [english.clone(), french.clone()]);
    assert_eq!(ids("language=fr"), std::slice::from_ref(&french));
    assert_eq!(ids("search=OMBRE%20louer"), std::slice::from_ref(&french));
    assert_eq!(ids("state=ready&sort=created&reversed=true"), [french.clone(), english.clone()]);
    assert_eq!(ids("state=failed"), [] as [String; 0]);
    let first = get(address, "/api/v1/projects?limit=1").json();
    assert_eq!((first["total"].clone(), first["projects"][0]["id"].clone()), (json!(2), json!(english)));
    let cursor = first["next"].as_str().unwrap();
    let second = get(address, &format!("/api/v1/projects?limit=1&cursor={cursor}")).json();
    assert_eq!((second["projects"][0]["id"].clone(), second.get("next")), (json!(french), None));
    let mut touched = cursor.to_owned();
    let last = if touched.pop() == Some('0') { '1' } else { '0' };
    touched.push(last);
    for query in [format!("cursor={touched}"), format!("language=fr&cursor={cursor}"), "cursor=x".to_owned()] {
        let refused = get(address, &format!("/api/v1/projects?{query}"));
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad-cursor"), "{query}");
    }
    for query in ["limit=0", "limit=many", "sort=size", "shown=none", "language=de", "reversed=perhaps"] {
        assert_eq!(get(address, &format!("/api/v1/projects?{query}")).status, 400, "{query}");
    }
    send(address, "PATCH", &format!("/api/v1/projects/{french}"), &[], &json!({ "archived": true }));
    assert_eq!(ids(""), [english]);
    assert_eq!(ids("shown=archived"), [french]);
}

#[test]
fn a_run_with_other_settings_takes_over_what_is_the_same_and_composes_otherwise() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    let first = ended(address, &project)["run"].clone();
    let path = format!("/api/v1/projects/{project}");
    let panels = |file: &Answer| -> usize {
        file.json()["scenes"].as_array().unwrap().iter().map(|s| s["panels"].as_array().unwrap().len()).sum()
    };
    let before = panels(&get(address, &format!("{path}/storyboard")));
    let body = json!({ "settings": { "panel_words": 60 } });
    let begun = send(address, "POST", &format!("{path}/runs"), &[], &body);
    assert_eq!((begun.status, begun.json()["of"].clone()), (201, first["id"].clone()), "{begun:?}");
    assert_eq!(begun.json()["settings"]["panel_words"], 60);
    assert_eq!(begun.json()["settings"]["scene_max_words"], 1_800, "what is left out keeps its default");
    let second = ended(address, &project)["run"].clone();
    assert_eq!(second["state"]["state"], "ready", "{second}");
    assert_eq!(second["progress"]["passages_done"], second["progress"]["passages_total"]);
    assert!(panels(&get(address, &format!("{path}/storyboard"))) > before);
    // Nothing was encoded for it.
    let accepted = get(address, "/api/v1/scheduling").json()["totals"]["accepted"].clone();
    assert_eq!(accepted.as_u64(), first["progress"]["passages_total"].as_u64());
    let audit = get(address, &format!("{path}/runs/{}/audit", second["id"].as_str().unwrap())).json();
    assert_eq!((audit["clean"].clone(), audit["missing"].clone()), (json!(true), json!(0)), "{audit}");
    // The first run's own files are still there, as it made them.
    let old = get(address, &format!("{path}/runs/{}/files/storyboard.json", first["id"].as_str().unwrap()));
    assert_eq!(panels(&old), before);

    // Shorter passages are other items: they are encoded.
    let begun = send(address, "POST", &format!("{path}/runs"), &[], &json!({ "settings": { "passage_tokens": 128 } }));
    assert_eq!(begun.status, 201, "{begun:?}");
    let third = ended(address, &project)["run"].clone();
    assert!(third["progress"]["passages_total"].as_u64() > first["progress"]["passages_total"].as_u64());
    let runs = get(address, &format!("{path}/runs")).json();
    let listed: Vec<&Value> = runs["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(listed, [&third["id"], &second["id"], &first["id"]]);
    assert!(runs["runs"][2]["ended_ms"].as_u64() >= runs["runs"][2]["created_ms"].as_u64());
    let odd = send(address, "POST", &format!("{path}/runs"), &[], &json!({ "settings": { "panel_words": 1 } }));
    assert_eq!((odd.status, odd.code().as_str()), (422, "run-settings-invalid"));
    let odd = send(address, "POST", &format!("{path}/runs"), &[], &json!({ "revision": 9 }));
    assert_eq!((odd.status, odd.code().as_str()), (404, "revision-not-found"));
}

#[test]
fn a_cancelled_run_is_tried_again_from_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "300").env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    let server = Server::start_with(data.path(), &mut command);
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    let done = |event: &Value| event["progress"]["passages_done"].as_u64() > Some(0);
    let run = events(address, &project, 0, done).pop().unwrap()["run"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/projects/{project}/runs/{run}");
    let early = post(address, &format!("{path}/retry"));
    assert_eq!((early.status, early.code().as_str()), (409, "run-in-progress"));
    let cancelled = post(address, &format!("{path}/cancel")).json();
    let had = cancelled["progress"]["passages_done"].as_u64().unwrap();
    assert!(had > 0, "{cancelled}");
    let again = post(address, &format!("{path}/retry"));
    assert_eq!((again.status, again.json()["of"].as_str()), (201, Some(run.as_str())), "{again:?}");
    let second = again.json()["id"].as_str().unwrap().to_owned();
    let view = ended(address, &project);
    assert_eq!(view["run"]["state"]["state"], "ready", "{view}");
    let all = events(address, &project, 0, |e| e["run"] == second.as_str() && e["state"]["state"] == "ready");
    let first_done = all.iter().filter(|e| e["run"] == second.as_str() && e["state"]["stage"] == "understanding");
    assert_eq!(first_done.map(|e| e["progress"]["passages_done"].as_u64().unwrap()).next(), Some(had));
    let audit = get(address, &format!("/api/v1/projects/{project}/runs/{second}/audit")).json();
    assert_eq!(audit["clean"], true, "{audit}");
    let refused = post(address, &format!("/api/v1/projects/{project}/runs/{second}/retry"));
    assert_eq!((refused.status, refused.code().as_str()), (409, "run-not-failed"));
    let acts = get(address, &format!("/api/v1/projects/{project}/activity")).json();
    let whats: Vec<&str> = acts["activity"].as_array().unwrap().iter().map(|a| a["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["run-started", "run-cancelled", "created"]);
}

#[test]
fn another_file_becomes_the_next_revision_and_the_earlier_one_can_still_be_analysed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    let first = ended(address, &project);
    let path = format!("/api/v1/projects/{project}");
    let blobs = || files_below(&data.path().join("blobs")).len();
    let had = blobs();
    let revise =
        |name: &str, bytes: &[u8]| request(address, "POST", &format!("{path}/revisions?name={name}"), &[], bytes);
    let same = revise(ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    assert_eq!((same.status, same.code().as_str()), (409, "revision-unchanged"));
    let bad = revise("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01");
    assert_eq!((bad.status, bad.code().as_str()), (422, "book-not-a-book"));
    assert_eq!(blobs(), had, "what is refused leaves nothing");
    let added = revise(FRENCH, &std::fs::read(sample(FRENCH)).unwrap());
    assert_eq!((added.status, added.json()["revision"].clone()), (201, json!(2)), "{added:?}");
    let view = ended(address, &project);
    assert_eq!((view["language"].as_str(), view["run"]["state"]["state"].as_str()), (Some("fr"), Some("ready")));
    assert_eq!(get(address, &format!("{path}/storyboard")).json()["language"], "fr");
    let revisions = get(address, &format!("{path}/revisions")).json();
    let numbers: Vec<&Value> = revisions["revisions"].as_array().unwrap().iter().map(|r| &r["number"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    assert_eq!(revisions["revisions"][1]["book"], first["book"]);
    let file = |number: u32, headers: &[(&str, &str)]| {
        request(address, "GET", &format!("{path}/revisions/{number}/file"), headers, &[])
    };
    let whole = file(1, &[]);
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("application/epub+zip")));
    assert_eq!(whole.header("content-disposition"), Some(format!("attachment; filename=\"{ENGLISH}\"").as_str()));
    assert!(whole.body == std::fs::read(sample(ENGLISH)).unwrap(), "the file as it was given");
    let part = file(2, &[("range", "bytes=0-3")]);
    assert_eq!((part.status, part.body.as_slice()), (206, b"PK\x03\x04".as_slice()));
    assert_eq!((file(3, &[]).status, file(3, &[]).code().as_str()), (404, "revision-not-found"));
    let begun = send(address, "POST", &format!("{path}/runs"), &[], &json!({ "revision": 1 }));
    assert_eq!((begun.status, begun.json()["revision"].clone()), (201, json!(1)), "{begun:?}");
    ended(address, &project);
    assert_eq!(get(address, &format!("{path}/storyboard")).json()["language"], "en");
    let acts = get(address, &format!("{path}/activity")).json();
    assert_eq!(acts["activity"][1]["what"], "revised");
}

#[test]
fn a_storyboard_is_edited_undone_and_redone_and_what_is_downloaded_says_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = put_in(address, ENGLISH);
    assert_eq!(finished(address, &project), "ready");
    let path = format!("/api/v1/projects/{project}");
    let composed = get(address, &format!("{path}/storyboard"));
    let state = get(address, &format!("{path}/storyboard/edits")).json();
    assert_eq!((state["version"].clone(), state["can_undo"].clone()), (json!(0), json!(false)));
    let run = state["run"].clone();
    let edit = |version: u64, edit: Value| {
        let body = json!({ "run": run, "version": version, "edit": edit });
        send(address, "POST", &format!("{path}/storyboard/edits"), &[], &body)
    };
    let step = |what: &str, version: u64| {
        send(address, "POST", &format!("{path}/storyboard/{what}"), &[], &json!({ "run": run, "version": version }))
    };
    let caption = json!({ "do": "caption", "panel": 1, "text": "The editor was here" });
    let made = edit(0, caption.clone());
    assert_eq!((made.status, made.json()["version"].clone()), (200, json!(1)), "{made:?}");
    let late = edit(0, json!({ "do": "hide", "panel": 2, "hidden": true }));
    assert_eq!((late.status, late.code().as_str()), (409, "storyboard-changed"));
    assert_eq!(edit(1, json!({ "do": "move", "panel": 1, "before": 0 })).json()["version"], 2);
    let board = get(address, &format!("{path}/storyboard")).json();
    assert_eq!(board["edits"]["version"], 2);
    let first = &board["scenes"][0]["panels"][0];
    assert_eq!((&first["index"], &first["editor"]["id"]), (&json!(0), &json!(1)));
    assert_eq!(first["editor"]["caption"], "The editor was here");
    assert_eq!(first["evidence"], composed.json()["scenes"][0]["panels"][1]["evidence"]);
    let html = get(address, &format!("{path}/files/storyboard.html"));
    let html = String::from_utf8(html.body).unwrap();
    assert!(html.contains("The editor was here") && html.contains("the editor’s words"));
    for (odd, code) in [
        (json!({ "do": "hide", "panel": 90_000, "hidden": true }), "edit-no-panel"),
        (json!({ "do": "caption", "panel": 1, "text": "" }), "edit-bad-text"),
        (json!({ "do": "split", "panel": 0, "at": 50 }), "edit-bad-split"),
        (json!({ "do": "quote", "panel": 0 }), "bad-request"),
    ] {
        assert_eq!(edit(2, odd).code(), code);
    }

    assert_eq!(step("undo", 2).json()["version"], 3);
    let undone = step("undo", 3).json();
    assert_eq!((undone["version"].clone(), undone["can_undo"].clone()), (json!(4), json!(false)));
    assert_eq!(step("undo", 4).code(), "nothing-to-undo");
    let quotes = |board: &Value| board["scenes"][0]["panels"][0]["evidence"].clone();
    assert_eq!(quotes(&get(address, &format!("{path}/storyboard")).json()), quotes(&composed.json()));
    assert_eq!(step("redo", 4).json()["version"], 5);
    assert_eq!(get(address, &format!("{path}/storyboard?version=0")).body, composed.body);
    let second = get(address, &format!("{path}/storyboard?version=2")).json();
    assert_eq!(second["scenes"], board["scenes"], "a version is never taken back");
    assert_eq!(get(address, &format!("{path}/storyboard?version=6")).code(), "version-not-found");

    // Edits are there after a kill, and are the run's: another run begins without any.
    server.running.kill();
    let server = Server::start(data.path());
    let address = &server.address;
    let log = get(address, &format!("{path}/storyboard/edits")).json();
    assert_eq!((log["version"].clone(), log["entries"].as_array().unwrap().len()), (json!(5), 5));
    assert_eq!(log["entries"][0]["edit"], caption);
    assert_eq!(log["entries"][2]["entry"], "undo");
    post(address, &format!("{path}/runs"));
    ended(address, &project);
    assert_eq!(get(address, &format!("{path}/storyboard/edits")).json()["version"], 0);
    let old = format!("{path}/storyboard?run={}", run.as_str().unwrap());
    assert_eq!(get(address, &old).json()["edits"]["version"], 5);
}
