//! The API's document as a page, in a real Chromium.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use common::Server;
use common::browser::Browser;
use common::http::get;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_shows_every_operation_and_needs_nothing_from_elsewhere() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let moved = get(&server.address, "/api/v1/reference");
    assert_eq!((moved.status, moved.header("location")), (308, Some("/api/v1/reference/index.html")));
    let missing = get(&server.address, "/api/v1/reference/Cargo.toml");
    assert_eq!((missing.status, missing.code().as_str()), (404, "not-found"));
    let page = get(&server.address, "/api/v1/reference/index.html");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");

    let document = get(&server.address, "/api/v1/openapi.json").json();
    let paths = document["paths"].as_object().unwrap();
    let methods = ["get", "post", "put", "patch", "delete", "options", "head"];
    let of_path = |path: &serde_json::Value| methods.iter().filter(|method| path.get(method).is_some()).count();
    let operations: usize = paths.values().map(of_path).sum();

    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/api/v1/reference", server.address)).await;
    browser.wait(".opblock").await;
    assert_eq!(browser.count(".opblock").await, operations);
    browser.screenshot("reference").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}
