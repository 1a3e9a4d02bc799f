//! The shelf: found, named, put aside, deleted and brought back.

use serde_json::json;

use super::common::browser::{Browser, ENTER};
use super::common::http::{finished, get, request, upload};
use super::common::{ENGLISH, FRENCH, sample, visiobook};
use super::{looks, serve};

/// A book whose analysis is done.
pub fn shelved(address: &str, name: &str) -> String {
    let answer = upload(address, name, &std::fs::read(sample(name)).unwrap());
    let project = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(address, &project), "ready");
    project
}

/// All rows of the shelf, by their names.
async fn rows(browser: &Browser) -> Vec<String> {
    browser.of_each(".book h3", "e.textContent").await
}

/// Waits until the shelf has so many rows.
async fn wait_for_rows(browser: &Browser, count: usize) {
    browser.wait(&format!("#project-list[aria-busy=false] .book:nth-child({count}):last-child")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_named_and_somebody_elses_words_are_not_overruled_unseen() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let project = shelved(&server.address, ENGLISH);
    let path = format!("/api/v1/projects/{project}");
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/p/{project}", server.address)).await;

    browser.click("#project-edit").await;
    browser.wait("#words[open]").await;
    looks::it_looks_well(&browser, "words").await;
    browser.write("#words-name", "My winter").await;
    browser.write("#words-description", "For the spring list").await;
    browser.click("#words-save").await;
    browser.wait("#book-title").await;
    assert_eq!(browser.text("#project-title").await, "My winter");
    assert_eq!(browser.text("#project-description").await, "For the spring list");
    assert_eq!(browser.in_focus("e.id").await, "project-edit", "the focus is back where it was");
    assert_eq!(browser.complaints().await, [""; 0]);

    browser.click("#project-edit").await;
    browser.write("#words-name", "Mine").await;
    let theirs = json!({"name": "Theirs"}).to_string();
    assert_eq!(request(&server.address, "PATCH", &path, &[], theirs.as_bytes()).status, 200);
    browser.click("#words-save").await;
    browser.wait("#words-problem").await;
    assert!(browser.text("#words-problem").await.contains("“Theirs”"));
    browser.screenshot("words-conflict").await;
    assert_eq!(get(&server.address, &path).json()["name"], "Theirs", "nothing is overruled unseen");
    browser.click("#words-save").await;
    browser.wait("body:not(:has(#words))").await;
    assert_eq!(get(&server.address, &path).json()["name"], "Mine");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("status of 412")), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_or_archived_project_comes_back_by_the_toast_and_from_where_it_waits() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let (english, french) = (shelved(&server.address, ENGLISH), shelved(&server.address, FRENCH));
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/", server.address)).await;
    wait_for_rows(&browser, 2).await;
    looks::it_looks_well(&browser, "books").await;
    looks::its_focus_shows(&browser, 12).await;

    browser.choose("#shelf-language", "fr").await;
    wait_for_rows(&browser, 1).await;
    assert_eq!(browser.count(&format!(".book[data-project='{french}']")).await, 1);
    browser.choose("#shelf-state", "failed").await;
    browser.wait("#shelf-none").await;
    looks::it_looks_well(&browser, "filtered-none").await;
    browser.reload().await;
    browser.wait("#shelf-none").await;
    browser.click("#shelf-none button").await;
    wait_for_rows(&browser, 2).await;
    assert_eq!(browser.in_focus("e.id").await, "shelf-state");
    browser.choose("#shelf-state", "ready").await;
    browser.wait("#project-list[aria-busy=false]").await;
    wait_for_rows(&browser, 2).await;
    browser.choose("#shelf-state", "").await;

    let row = format!(".book[data-project='{english}']");
    browser.click(&format!("{row} .delete")).await;
    wait_for_rows(&browser, 1).await;
    browser.wait("#toast-action").await;
    browser.screenshot("toast").await;
    assert_eq!(browser.in_focus("e.id").await, "toast-action", "the way back is under the finger");
    browser.keys(ENTER).await;
    wait_for_rows(&browser, 2).await;
    assert_eq!(get(&server.address, &format!("/api/v1/projects/{english}")).status, 200);

    browser.click(&format!("{row} .delete")).await;
    wait_for_rows(&browser, 1).await;
    browser.choose("#shelf-shown", "deleted").await;
    browser.wait(".book .restore").await;
    looks::it_looks_well(&browser, "deleted").await;
    browser.reload().await;
    browser.click(".book .restore").await;
    browser.wait("#shelf-none").await;
    looks::it_looks_well(&browser, "deleted-none").await;
    browser.choose("#shelf-shown", "active").await;
    wait_for_rows(&browser, 2).await;

    browser.click(&format!(".book[data-project='{french}'] .archive")).await;
    wait_for_rows(&browser, 1).await;
    browser.choose("#shelf-shown", "archived").await;
    browser.click(".book .unarchive").await;
    browser.wait("#shelf-none").await;
    browser.click("#toast-action").await;
    wait_for_rows(&browser, 1).await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_shelf_is_searched_sorted_and_shown_page_by_page() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    for n in 0..53 {
        let book = format!(
            "Chapter 1\n\nThe lamp number {n} went out before the letter was read. {}",
            "It was late. ".repeat(40)
        );
        assert_eq!(upload(&server.address, &format!("book-{n:02}.txt"), book.as_bytes()).status, 201);
    }
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/?sort=name", server.address)).await;
    wait_for_rows(&browser, 50).await;
    assert!(browser.text("#shelf-count").await.starts_with("53"));
    browser.click("#more-projects").await;
    wait_for_rows(&browser, 53).await;
    let names = rows(&browser).await;
    assert!(names.is_sorted() && names.len() == 53, "{names:?}");
    assert_eq!(browser.count("#more-projects").await, 0);

    browser.write("#shelf-search", "BOOK-07").await;
    wait_for_rows(&browser, 1).await;
    assert!(browser.script("return location.search", vec![]).await.as_str().unwrap().contains("search=BOOK-07"));
    browser.click(".book-link").await;
    browser.wait("#project").await;
    browser.script("history.back()", vec![]).await;
    wait_for_rows(&browser, 1).await;
    browser.write("#shelf-search", "no such book").await;
    browser.wait("#shelf-none").await;
    looks::it_looks_well(&browser, "found-none").await;
    browser.click("#shelf-none button").await;
    wait_for_rows(&browser, 50).await;
    assert_eq!(browser.in_focus("e.id").await, "shelf-search");
    browser.choose("#shelf-sort", "namedown").await;
    browser.wait("#project-list[aria-busy=false]").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}
