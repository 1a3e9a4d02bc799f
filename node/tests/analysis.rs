//! Texts that are analysed by themselves, and projects' revisions: over real sockets, on a real process.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use common::http::{self, Answer};
use common::{ENGLISH, Server, files_below, sample, visiobook};
use serde_json::{Value, json};

const FERRY: &str = "Marie took the last ferry home. The water was black, and nobody spoke. At the landing Marie met \
    Paul. “You came back,” said Paul. Marie laughed. They walked up to the house together, and it began to snow.";

fn ask(server: &Server, what: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/analysis/{what}");
    http::request(&server.address, "POST", &path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A node that has its model.
fn started(data: &Path, command: &mut Command) -> Server {
    let server = Server::start_with(data, command);
    let waiting = Instant::now();
    while http::get(&server.address, "/health/ready").status != 204 {
        assert!(waiting.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// Prose of about so many words.
fn prose(words: usize) -> String {
    let mut text = String::new();
    for at in 0..words / 12 {
        let gap = if at % 6 == 5 { "\n\n" } else { " " };
        write!(text, "The keeper of lamp {at} walked slowly along the wall and waited.{gap}").unwrap();
    }
    text
}

/// Asks how an analysis stands until it is ready.
fn ready(server: &Server, location: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = http::get(&server.address, location);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let found = answer.json();
        match found["state"]["state"].as_str().unwrap() {
            "ready" => return found,
            "failed" | "cancelled" => panic!("{found}"),
            _ => assert!(found["result"].is_null() && Instant::now() < until, "{found}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Each quotation stands in the text that was sent at the bytes that it names.
fn stands_in(text: &str, evidence: &Value) {
    let at = |name: &str| evidence[name].as_u64().unwrap() as usize;
    let source = &text[at("source_start")..at("source_end")];
    let folded = source.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(folded, evidence["text"].as_str().unwrap());
}

#[test]
fn a_small_text_is_answered_at_once_and_nothing_of_it_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let server = started(data.path(), &mut visiobook());
    let answer = ask(&server, "semantic", &json!({ "text": FERRY }));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let found = answer.json();
    let result = &found["result"];
    assert_eq!((&found["id"], &result["kind"], &result["language"]), (&Value::Null, &json!("semantic"), &json!("en")));
    let dim = result["dim"].as_u64().unwrap() as usize;
    let vector = |of: &Value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(of["vector"].as_str().unwrap()).unwrap();
        let values: Vec<f32> = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(values.len(), dim);
        let norm: f32 = values.iter().map(|value| value * value).sum();
        assert!((norm - 1.0).abs() < 1e-3, "{norm}");
    };
    let sentences = result["sentences"].as_array().unwrap();
    assert_eq!(sentences.len(), 6);
    for sentence in sentences {
        vector(sentence);
        stands_in(FERRY, &sentence["evidence"]);
    }
    result["passages"].as_array().unwrap().iter().for_each(vector);

    let scenes = ask(&server, "extract-scenes", &json!({ "text": FERRY, "language": "en" })).json();
    let scene = &scenes["result"]["scenes"][0];
    assert!(scene["names"].as_array().unwrap().contains(&json!("Paul")), "{scene}");
    assert_eq!(scene["range"]["source_end"], FERRY.len());
    let summary = ask(&server, "summarize", &json!({ "text": FERRY })).json();
    let sentences = summary["result"]["sentences"].as_array().unwrap();
    assert!(!sentences.is_empty());
    sentences.iter().for_each(|sentence| stands_in(FERRY, &sentence["evidence"]));

    assert_eq!(http::get(&server.address, "/api/v1/projects").json()["projects"], json!([]));
    let blobs = data.path().join("blobs");
    let left: Vec<_> = files_below(&blobs).into_iter().filter(|path| path.extension().is_none()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_crash_leaves_of_a_small_text_is_cleared_away() {
    let data = tempfile::tempdir().unwrap();
    let blobs = data.path().join("blobs");
    let kept = || files_below(&blobs).into_iter().filter(|path| path.extension().is_none()).count();
    let mut command = visiobook();
    let server = started(data.path(), command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "5000"));
    let address = server.address.clone();
    let asking = std::thread::spawn(move || {
        let body = json!({ "text": FERRY }).to_string();
        let path = "/api/v1/analysis/semantic";
        http::request(&address, "POST", path, &[("content-type", "application/json")], body.as_bytes()).status
    });
    while kept() == 0 {
        assert!(!asking.is_finished(), "the inputs lie there while they are encoded");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.running.kill();
    assert_eq!(asking.join().unwrap(), 0, "nobody answered");
    let _server = started(data.path(), &mut visiobook());
    let begun = Instant::now();
    while kept() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", files_below(&blobs));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_larger_text_becomes_a_project_whose_run_answers() {
    let data = tempfile::tempdir().unwrap();
    let server = started(data.path(), &mut visiobook());
    for (what, words) in [("summarize", 8_000), ("semantic", 250_000)] {
        let text = prose(words);
        let answer = ask(&server, what, &json!({ "text": text }));
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        let location = answer.header("location").unwrap().to_owned();
        assert_eq!(location, format!("/api/v1/analysis/status/{}", answer.json()["id"].as_str().unwrap()));
        let found = ready(&server, &location);
        match what {
            "summarize" => {
                let sentences = found["result"]["sentences"].as_array().unwrap();
                assert!(sentences.len() > 3);
                sentences.iter().for_each(|sentence| stands_in(&text, &sentence["evidence"]));
            }
            _ => {
                // Larger than a message may be: it comes as a file, and the second time as the same one.
                let passages = found["result"]["passages"].as_array().unwrap();
                assert!(found.to_string().len() > 256 << 10, "{} passages", passages.len());
                assert_eq!(passages[0]["nearest"].as_array().unwrap().len(), 3);
                let first = http::get(&server.address, &location);
                let etag = first.header("etag").unwrap().to_owned();
                let again = http::request(&server.address, "GET", &location, &[("if-none-match", &etag)], &[]);
                assert_eq!(again.status, 304);
            }
        }
        let project = http::get(&server.address, &format!("/api/v1/projects/{}", found["project"].as_str().unwrap()));
        assert_eq!(project.json()["name"], format!("Text for analysis ({what})"));
    }
}

#[test]
fn a_project_is_answered_from_the_run_that_is_there() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let created = http::upload(&server.address, ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    let project = created.json()["id"].as_str().unwrap().to_owned();
    let first = ask(&server, "extract-scenes", &json!({ "project": project }));
    let found = match first.status {
        202 => ready(&server, first.header("location").unwrap()),
        _ => first.json(),
    };
    let run = http::get(&server.address, &format!("/api/v1/projects/{project}")).json()["run"]["id"].clone();
    assert_eq!(found["run"], run, "the run of the upload answers, no other one is begun");
    let board = http::get(&server.address, &format!("/api/v1/projects/{project}/files/storyboard.json")).json();
    let (scenes, of_board) = (found["result"]["scenes"].as_array().unwrap(), board["scenes"].as_array().unwrap());
    assert_eq!(scenes.len(), of_board.len());
    for (scene, of_board) in scenes.iter().zip(of_board) {
        assert_eq!(scene["summary"], of_board["summary"]);
        assert_eq!(scene["range"]["start"], of_board["start"]);
    }
    let again = ask(&server, "summarize", &json!({ "project": project, "revision": 1 }));
    assert_eq!((again.status, again.json()["run"].clone()), (200, run));
    assert_eq!(ask(&server, "summarize", &json!({ "project": project, "revision": 2 })).code(), "revision-not-found");
}

#[test]
fn what_is_no_text_is_refused_with_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let server = started(data.path(), &mut visiobook());
    let other = "00000000-0000-0000-0000-000000000007";
    let german = "Der alte Mann ging langsam durch die dunkle Straße und dachte an seine Kinder, die er lange nicht \
        gesehen hatte. Es war kalt, und der Schnee fiel leise auf die Dächer der kleinen Häuser. "
        .repeat(4);
    for (body, status, code) in [
        (json!({}), 400, "bad-request"),
        (json!({ "text": "Some.", "project": other }), 400, "bad-request"),
        (json!({ "text": "Some.", "revision": 1 }), 400, "bad-request"),
        (json!({ "txt": "Some." }), 400, "bad-request"),
        (json!({ "text": "  \n" }), 422, "text-empty"),
        (json!({ "text": "12 34 !" }), 422, "text-empty"),
        (json!({ "text": FERRY, "language": "de" }), 422, "language-unsupported"),
        (json!({ "text": german }), 422, "language-unsupported"),
        (json!({ "text": prose(20_000), "language": "fr" }), 422, "language-unsupported"),
        (json!({ "text": "a ".repeat(3 << 20) }), 413, "text-too-long"),
        (json!({ "text": "a ".repeat(5 << 20) }), 413, "too-large"),
        (json!({ "project": other }), 404, "project-not-found"),
    ] {
        let answer = ask(&server, "summarize", &body);
        let said: String = body.to_string().chars().take(60).collect();
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{said}");
    }
    for (id, code) in [("nothing", "not-found"), (&format!("summarize.{other}.{other}"), "project-not-found")] {
        assert_eq!(http::get(&server.address, &format!("/api/v1/analysis/status/{id}")).code(), code);
    }
    assert_eq!(http::get(&server.address, "/api/v1/projects").json()["projects"], json!([]), "nothing is left behind");
}

#[test]
fn a_text_that_somebody_waits_for_overtakes_a_book() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    // One device, a fifth of a second a batch: the book takes a minute, five texts a few seconds.
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1").env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "200");
    let server = Server::start_with(data.path(), &mut command);
    let created = http::upload(&server.address, "long.txt", prose(120_000).as_bytes());
    assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    let project = created.json()["id"].as_str().unwrap().to_owned();
    let begun =
        http::events(&server.address, &project, 0, |event| event["progress"]["passages_done"].as_u64().unwrap() > 0);
    let total = begun.last().unwrap()["progress"]["passages_total"].as_u64().unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let asked = Instant::now();
        let answer = ask(&server, "semantic", &json!({ "text": FERRY }));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        slowest = slowest.max(asked.elapsed());
    }
    let run = http::get(&server.address, &format!("/api/v1/projects/{project}")).json()["run"].clone();
    assert_eq!(run["state"]["state"], "working", "the book was done before the texts were");
    let done = run["progress"]["passages_done"].as_u64().unwrap();
    println!("slowest of five texts: {slowest:?}; of the book {done} of {total} passages are done");
    // Behind the book, the first text would have waited for all of it.
    assert!(done < total, "{slowest:?}, {done} of {total}");
}

#[test]
fn a_text_that_cannot_be_answered_in_time_is_told_when_to_come_again() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    // A batch takes longer than anybody waits.
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1").env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "120000");
    let server = started(data.path(), &mut command);
    let asked = Instant::now();
    let answer = ask(&server, "semantic", &json!({ "text": FERRY }));
    assert_eq!((answer.status, answer.code()), (503, "analysis-busy".to_owned()));
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    assert!(asked.elapsed() < Duration::from_secs(60), "before the batch is done: {:?}", asked.elapsed());
}
