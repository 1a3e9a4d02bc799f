//! Runs and files of a project: repeated otherwise, checked, and looked at again.

use super::common::browser::Browser;
use super::common::http::get;
use super::common::{ENGLISH, FRENCH, sample, visiobook};
use super::shelf::shelved;
use super::{looks, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_with_other_settings_and_both_stay_in_the_history() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let project = shelved(&server.address, ENGLISH);
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/p/{project}", server.address)).await;
    browser.click("#section-runs").await;
    browser.wait(".run-entry .chip-good").await;
    browser.click("#run-new").await;
    browser.wait("#run-form[open]").await;
    looks::it_looks_well(&browser, "run-form").await;
    browser.write("#setting-4", "400").await;
    browser.click("#run-start").await;
    browser.wait("#run-form-problem").await;
    browser.write("#setting-4", "1800").await;
    browser.write("#setting-1", "90").await;
    browser.click("#run-start").await;
    browser.wait(".run-entry:nth-child(2)").await;
    browser.wait(".run-entry:first-child .chip-good").await;
    assert_eq!(browser.count(".run-entry").await, 2);
    browser.choose("#runs-state", "failed").await;
    browser.wait("#runs-none").await;
    looks::it_looks_well(&browser, "runs-none").await;
    browser.choose("#runs-state", "ready").await;
    browser.wait(".run-entry:nth-child(2)").await;
    browser.choose("#runs-state", "").await;
    assert!(browser.text(".run-entry:first-child .run-settings").await.contains("90"));
    browser.click(".run-entry:first-child .check").await;
    browser.wait(".run-entry:first-child .audit-good").await;
    looks::it_looks_well(&browser, "runs").await;
    let files = browser.of_each(".run-entry .downloads a", "e.getAttribute('href')").await;
    assert_eq!(files.len(), 6);
    for path in files {
        assert_eq!(get(&server.address, &path).status, 200, "{path}");
    }
    browser.click(".run-entry:nth-child(2) a.button").await;
    browser.wait("#old-storyboard").await;
    browser.wait("#storyboard .panel").await;
    looks::it_looks_well(&browser, "old-board").await;
    browser.click("#old-storyboard a").await;
    browser.wait("body:not(:has(#old-storyboard)) #storyboard .panel").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_is_added_and_what_was_done_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let project = shelved(&server.address, ENGLISH);
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/p/{project}/files", server.address)).await;
    browser.wait(".card[data-revision='1']").await;
    browser.choose_file(&sample(FRENCH), "#file-input").await;
    browser.wait(".card[data-revision='2']").await;
    browser.wait("#toast").await;
    browser.wait("#run-progress[value]").await;
    browser.screenshot("files-run").await;
    browser.click("#section-storyboard").await;
    browser.wait("#earlier-storyboard").await;
    browser.wait("#storyboard .panel").await;
    browser.click("#run-cancel").await;
    browser.wait("#run-cancelled").await;
    browser.click("#section-files").await;
    browser.wait(".card[data-revision='2']").await;
    looks::it_looks_well(&browser, "files").await;
    browser.click("#section-activity").await;
    browser.wait("#activity li:nth-child(3)").await;
    looks::it_looks_well(&browser, "activity").await;
    let told = browser.of_each("#activity li p:first-child", "e.textContent").await;
    assert_eq!(told[0], "Run cancelled");
    assert_eq!(told[1], format!("File 2 added: “{FRENCH}”"));
    assert_eq!(told[2], format!("Project made of “{ENGLISH}”"));

    // The same file again is refused in words.
    browser.click("#section-files").await;
    browser.choose_file(&sample(FRENCH), "#file-input").await;
    browser.wait("#upload-problem").await;
    browser.screenshot("file-refused").await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("status of 409")), "{complaints:?}");
}
