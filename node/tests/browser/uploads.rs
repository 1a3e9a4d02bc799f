//! An upload whose node is killed, and one whose page is loaded again: both go on from where they were.

use serde_json::json;

use super::common::browser::Browser;
use super::common::http::get;
use super::common::{ENGLISH, FRENCH, Server, repository, visiobook};
use super::{looks, watch, with_picture};

/// The line: a part of 4 MiB takes a second.
const BYTES_PER_S: u32 = 4 << 20;
/// The picture makes the book as large.
const PICTURE_BYTES: usize = 20 << 20;
/// What the node keeps for certain before the upload is broken off.
const KEPT_BYTES: f64 = (4 << 20) as f64;

fn serve_at(data: &std::path::Path, port: u16) -> Server {
    assert!(repository("web/dist/index.html").is_file(), "run `cargo xtask web`");
    Server::start_at(data, &mut visiobook(), port)
}

/// Waits until more than a part is there.
async fn wait_for_more_than_a_part(browser: &Browser) {
    let wait = "const done = arguments[arguments.length - 1];
        const look = () => document.querySelector('#upload-progress')?.value > arguments[0] ? done(true) : requestAnimationFrame(look);
        look()";
    browser.script_async(wait, vec![json!(KEPT_BYTES * 1.5)]).await;
}

async fn progress(browser: &Browser) -> f64 {
    browser.script("return document.querySelector('#upload-progress')?.value ?? 0", vec![]).await.as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_when_its_killed_node_is_back() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let book = with_picture(files.path(), ENGLISH, PICTURE_BYTES);
    let server = serve_at(data.path(), 0);
    let port: u16 = server.address.rsplit(':').next().unwrap().parse().unwrap();
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;
    watch(&browser).await;
    browser.limit_upload(Some(BYTES_PER_S)).await;
    browser.choose_file(&book, "#file-input").await;
    wait_for_more_than_a_part(&browser).await;
    looks::it_looks_well(&browser, "sending").await;
    server.running.kill();
    browser.wait("#upload-waiting").await;
    browser.wait("#connection-lost").await;
    looks::it_looks_well(&browser, "waiting").await;
    browser.script("window.shown.upload = []", vec![]).await;

    let _server = serve_at(data.path(), port);
    browser.wait("#run, #storyboard").await;
    let shown = browser.script("return window.shown.upload", vec![]).await;
    let least = shown.as_array().unwrap().iter().filter_map(|value| value.as_f64()).fold(f64::MAX, f64::min);
    assert!((KEPT_BYTES..f64::MAX).contains(&least), "it began anew, or was never seen: {shown}");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("net::ERR_")), "{complaints:?}");
    let kept = browser.script("return localStorage.getItem('visiobook.uploads')", vec![]).await;
    assert_eq!(kept, json!("[]"), "what has arrived is not remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_when_its_page_was_loaded_again_and_can_be_given_up() {
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let book = with_picture(files.path(), FRENCH, PICTURE_BYTES);
    let server = serve_at(data.path(), 0);
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.limit_upload(Some(BYTES_PER_S)).await;
    browser.choose_file(&book, "#file-input").await;
    wait_for_more_than_a_part(&browser).await;
    browser.reload().await;
    browser.wait("#upload-pending").await;
    assert!(browser.text("#upload-pending").await.contains(FRENCH));
    looks::it_looks_well(&browser, "pending").await;

    browser.limit_upload(Some(BYTES_PER_S)).await;
    browser.choose_file(&book, "#file-input").await;
    browser.wait("#upload-progress[value]:not([value='0'])").await;
    assert!(progress(&browser).await >= KEPT_BYTES, "it goes on from where it was");
    browser.limit_upload(None).await;
    browser.wait("#run, #storyboard").await;
    // The node may still have been busy with the part that the reload broke off.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("status of 4")), "{complaints:?}");

    let other = with_picture(files.path(), ENGLISH, PICTURE_BYTES);
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.limit_upload(Some(BYTES_PER_S)).await;
    browser.choose_file(&other, "#file-input").await;
    wait_for_more_than_a_part(&browser).await;
    browser.reload().await;
    browser.click("#upload-pending .give-up").await;
    browser.wait("body:not(:has(#upload-pending))").await;
    browser.reload().await;
    browser.wait("#file-input").await;
    assert_eq!(browser.count("#upload-pending").await, 0);

    // It goes on while something else is looked at.
    browser.limit_upload(Some(BYTES_PER_S)).await;
    browser.choose_file(&other, "#file-input").await;
    wait_for_more_than_a_part(&browser).await;
    browser.click(".book-link").await;
    browser.wait("#upload-bar").await;
    looks::it_looks_well(&browser, "elsewhere").await;
    browser.click("#toast-action").await;
    let list = get(&server.address, "/api/v1/projects").json();
    let made = list["projects"].as_array().unwrap().iter().find(|project| project["book"]["name"] == ENGLISH);
    browser.wait(&format!("#project[data-project={}]", made.unwrap()["id"])).await;
}
