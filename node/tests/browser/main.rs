//! The page, in a real Chromium, on a real node: what a visitor does, sees and is told.
#![allow(clippy::unwrap_used, reason = "this is test code, helpers included")]

mod accounts;
mod admins;
#[path = "../common/mod.rs"]
mod common;
mod credentials;
mod data;
mod edits;
mod looks;
mod provider;
mod reset;
mod runs;
mod sharing;
mod shelf;
mod uploads;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::browser::{Browser, ESCAPE};
use common::http::{get, upload};
use common::{ENGLISH, Server, repository, sample, visiobook};
use domain::storyboard::{Scene, Storyboard};
use node::config::ModelConfig;
use serde::Deserialize;

/// What the page may do: nothing from elsewhere, no inline script or style.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// How fast the visitor's line is while a book goes up it.
const UPLOAD_BYTES_PER_S: u32 = 128 << 10;

/// A node on one slow device that takes a passage at a time, with the page that set-up built.
fn serve(data: &Path, mut command: Command) -> Server {
    let dist = repository("web/dist");
    assert!(dist.join("index.html").is_file(), "{} is not there: run `cargo xtask web`", dist.display());
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1").env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512");
    // Slow enough for a visitor to cancel, whatever else this machine does.
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "1500");
    Server::start_with(data, &mut command)
}

/// The program on the model that set-up made; on the double where there is none.
fn with_a_model() -> Command {
    let mut command = visiobook();
    if ModelConfig::default().folder().join("model.safetensors").is_file() {
        command.env_remove("VISIOBOOK__MODEL__PATH");
    } else {
        println!("on the deterministic double: set-up has made no model here");
    }
    command
}

/// The sample with a picture in it, so that there is something to send.
fn illustrated(folder: &Path) -> PathBuf {
    with_picture(folder, ENGLISH, 320 << 10)
}

/// A sample with a picture of so many bytes in it.
fn with_picture(folder: &Path, name: &str, bytes_of_picture: usize) -> PathBuf {
    let bytes = std::fs::read(sample(name)).unwrap();
    let mut zip = zip::ZipWriter::new_append(Cursor::new(bytes)).unwrap();
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("EPUB/plate.png", stored).unwrap();
    zip.write_all(&vec![0x5a; bytes_of_picture]).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
    path
}

/// What the two progress bars and the stage's heading have shown, in order.
#[derive(Debug, Deserialize)]
struct Shown {
    upload: Vec<f64>,
    run: Vec<f64>,
    stages: Vec<String>,
}

/// Notes each value as it shows, from before the first to after the last.
async fn watch(browser: &Browser) {
    let watch = "
        const shown = window.shown = { upload: [], run: [], stages: [] };
        const note = (list, value) => { if (value !== undefined && list.at(-1) !== value) list.push(value) };
        const look = () => {
            note(shown.upload, document.querySelector('#upload-progress[value]')?.value);
            note(shown.run, document.querySelector('#run-progress[value]')?.value);
            note(shown.stages, document.querySelector('#run-stage')?.textContent);
        };
        new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    ";
    browser.script(watch, vec![]).await;
}

fn assert_grows(what: &str, values: &[f64]) {
    assert!(values.len() > 2 && values.is_sorted(), "{what} does not grow: {values:?}");
}

async fn opened_project(browser: &Browser) -> String {
    browser.wait("#project").await;
    browser.of_each("#project", "e.dataset.project").await.remove(0)
}

#[test]
fn the_page_may_load_nothing_from_elsewhere() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    for path in ["/", "/projects/any", "/api/v1/node", "/nothing.js"] {
        let answer = get(&server.address, path);
        assert_eq!(answer.header("content-security-policy"), Some(CONTENT_SECURITY_POLICY), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_book_becomes_a_storyboard_before_its_readers_eyes() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), with_a_model());
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.wait("#shelf-empty").await;
    browser.wait("#trust-banner").await;
    browser.screenshot("shelf").await;

    let files = tempfile::tempdir().unwrap();
    watch(&browser).await;
    browser.limit_upload(Some(UPLOAD_BYTES_PER_S)).await;
    browser.drop_file(&illustrated(files.path()), "#drop-zone").await;
    browser.wait("#upload-progress[value]:not([value='0'])").await;
    browser.screenshot("upload").await;
    browser.wait("#run, #storyboard").await;
    browser.limit_upload(None).await;
    browser.wait("#storyboard .panel").await;

    let shown: Shown = serde_json::from_value(browser.script("return window.shown", vec![]).await).unwrap();
    println!("{shown:?}");
    assert_grows("the upload's progress", &shown.upload);
    assert_grows("the run's progress", &shown.run);
    let stages = ["Waiting to start", "Reading", "Understanding", "Composing"].map(str::to_owned);
    let seen = stages.iter().filter(|stage| shown.stages.contains(stage));
    assert!(shown.stages.contains(&stages[2]) && seen.eq(&shown.stages), "out of order: {:?}", shown.stages);

    let project = opened_project(&browser).await;
    let board = get(&server.address, &format!("/api/v1/projects/{project}/storyboard"));
    let board: Storyboard = serde_json::from_slice(&board.body).unwrap();
    the_board_is_shown(&browser, &server, &board).await;
    it_stays_and_speaks_french(&browser, &board).await;
    looks::it_looks_well(&browser, "board").await;
    assert_eq!(browser.complaints().await, [""; 0]);

    assert!(server.running.interrupt().success());
    let server = serve(data.path(), with_a_model());
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.click(&format!(".book[data-project='{project}'] .book-link")).await;
    browser.wait("#storyboard .panel").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

/// Chapters, scenes, panels in the book's words, where each stands, names to choose by, files to take away.
async fn the_board_is_shown(browser: &Browser, server: &Server, board: &Storyboard) {
    assert_eq!(browser.text("#project-title").await, board.title);
    assert_eq!(browser.count("#chapters a").await, board.chapters.len());
    the_chapter_is_shown(browser, board, 0).await;
    browser.screenshot("storyboard").await;

    let evidence = &board.scenes[0].panels[0].evidence[0];
    browser.click("details.evidence summary").await;
    let place = browser.text("details.evidence[open]").await;
    assert!(place.contains(&evidence.source_href), "{place}");
    assert!(place.contains(&format!("{}–{}", evidence.start, evidence.end)), "{place}");

    browser.click("#chapters li:nth-child(2) a").await;
    browser.wait("#chapters li:nth-child(2).here").await;
    the_chapter_is_shown(browser, board, 1).await;

    let in_chapter = scenes_of(board, 1).iter().flat_map(|scene| &scene.panels).flat_map(|panel| &panel.names).next();
    let name = &board.names[*in_chapter.expect("the sample names somebody in each chapter") as usize].name;
    browser.wait("#name-filter").await.send_keys(&name.to_lowercase()).await.unwrap();
    let offered = browser.of_each("#name-list .name", "e.textContent").await;
    let place = offered.iter().position(|offered| offered == name).expect("a name that is typed is offered");
    browser.click(&format!("#name-list li:nth-child({}) .name", place + 1)).await;
    browser.wait("#name-notice").await;
    let chosen = browser.of_each(".panel", "e.querySelector('.name[aria-pressed=true]')?.textContent ?? ''").await;
    assert!(!chosen.is_empty() && chosen.iter().all(|chosen| chosen == name), "{name}: {chosen:?}");
    browser.screenshot("name").await;
    browser.click("#name-clear").await;

    let files = browser.of_each("#downloads a", "e.getAttribute('href')").await;
    assert_eq!(files.len(), 3);
    for path in files {
        assert_eq!(get(&server.address, &path).status, 200, "{path}");
    }
}

fn scenes_of(board: &Storyboard, position: usize) -> &[Scene] {
    let chapter = &board.chapters[position];
    let first = chapter.first_scene as usize;
    &board.scenes[first..first + chapter.scenes as usize]
}

async fn the_chapter_is_shown(browser: &Browser, board: &Storyboard, position: usize) {
    let scenes = scenes_of(board, position);
    assert_eq!(browser.count(".scene").await, scenes.len());
    let quoted = scenes.iter().flat_map(|scene| &scene.panels).flat_map(|panel| &panel.evidence);
    let quoted: Vec<&str> = quoted.map(|evidence| evidence.text.as_str()).collect();
    assert_eq!(browser.of_each(".panel blockquote p", "e.textContent").await, quoted);
}

async fn it_stays_and_speaks_french(browser: &Browser, board: &Storyboard) {
    browser.reload().await;
    browser.wait("#storyboard .panel").await;
    browser.wait("#chapters li:nth-child(2).here").await;
    the_chapter_is_shown(browser, board, 1).await;

    browser.wait("html[lang=en]").await;
    browser.click("#language-fr").await;
    browser.wait("html[lang=fr]").await;
    let heading = browser.of_each("details:has(#chapters) > summary", "e.textContent").await;
    assert_eq!(heading, ["Chapitres"]);
    browser.reload().await;
    browser.wait("html[lang=fr] #storyboard .panel").await;
    browser.screenshot("french").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_begun_again_and_its_book_deleted() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__PROJECTS__UNDO_DELETE_S", "0");
    let server = serve(data.path(), command);
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.drop_file(&sample(ENGLISH), "#drop-zone").await;
    browser.wait("#run-progress[value]:not([value='0'])").await;
    looks::it_looks_well(&browser, "run").await;
    browser.click("#run-cancel").await;
    browser.wait("#run-cancelled").await;
    browser.screenshot("cancelled").await;
    browser.click("#run-again").await;
    browser.wait("#run-progress[value]").await;

    let project = opened_project(&browser).await;
    browser.click("#project-delete").await;
    browser.wait("#confirm-delete[open]").await;
    browser.screenshot("delete").await;
    browser.keys(ESCAPE).await;
    browser.wait("body:not(:has(#confirm-delete))").await;
    assert_eq!(browser.in_focus("e.id").await, "project-delete", "the focus is back where it was");
    browser.click("#project-delete").await;
    browser.click("#confirm-keep").await;
    browser.wait("body:not(:has(#confirm-delete))").await;
    assert_eq!(get(&server.address, &format!("/api/v1/projects/{project}")).status, 200);
    let address = browser.script("return location.href", vec![]).await;
    browser.click("#project-delete").await;
    browser.click("#confirm-yes").await;
    browser.wait("#shelf-empty").await;
    assert_eq!(get(&server.address, &format!("/api/v1/projects/{project}")).status, 404);
    assert_eq!(browser.complaints().await, [""; 0]);

    browser.goto(address.as_str().unwrap()).await;
    browser.wait("#not-found").await;
    browser.screenshot("not-found").await;
    assert!(browser.complaints().await.iter().all(|complaint| complaint.contains("status of 404")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_book_is_refused_in_words_and_a_book_is_taken_after_it() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;

    let files = tempfile::tempdir().unwrap();
    let picture = files.path().join("picture.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01").unwrap();
    browser.drop_file(&picture, "#drop-zone").await;
    browser.wait("#upload-problem").await;
    browser.screenshot("refused").await;
    let problem = upload(&server.address, "picture.png", &std::fs::read(&picture).unwrap()).json();
    assert_eq!(browser.text("#upload-problem").await, problem["detail"].as_str().unwrap());

    let empty = files.path().join("empty.txt");
    std::fs::write(&empty, b"").unwrap();
    browser.reload().await;
    browser.choose_file(&empty, "#file-input").await;
    browser.wait("#upload-problem").await;
    assert!(browser.text("#upload-problem").await.starts_with("This file is empty."));
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("status of 422")), "{complaints:?}");

    browser.choose_file(&sample(ENGLISH), "#file-input").await;
    browser.wait("#run-progress[value]").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}
