//! A storyboard that is worked on: by keyboard, by buttons, and by two at once.

use serde_json::{Value, json};

use super::common::browser::{Browser, CONTROL, ENTER, SHIFT};
use super::common::http::{get, request};
use super::common::{ENGLISH, visiobook};
use super::shelf::shelved;
use super::{looks, serve};

struct Desk {
    browser: Browser,
    address: String,
    project: String,
}

impl Desk {
    fn path(&self) -> String {
        format!("/api/v1/projects/{}/storyboard", self.project)
    }

    /// The first scene's panels, as the node has them.
    fn panels(&self) -> Vec<Value> {
        let board = get(&self.address, &self.path()).json();
        board["scenes"][0]["panels"].as_array().unwrap().clone()
    }

    /// Waits until that many changes are made, and nothing is on its way.
    async fn at_version(&self, version: u64) {
        self.browser.wait(&format!("#edit-bar[data-version='{version}'][data-busy=false]")).await;
    }

    /// What the page shows of the first scene is what the node has.
    async fn shows_what_is(&self) {
        let ids = self.browser.of_each(".scene:first-of-type .panel", "e.dataset.panel").await;
        let is: Vec<String> = self.panels().iter().map(id_of).collect();
        assert_eq!(ids, is);
    }
}

fn id_of(panel: &Value) -> String {
    panel["editor"]["id"].as_u64().or(panel["index"].as_u64()).unwrap().to_string()
}

async fn desk(server: &super::Server) -> Desk {
    let project = shelved(&server.address, ENGLISH);
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/p/{project}", server.address)).await;
    browser.wait("#storyboard .panel").await;
    Desk { browser, address: server.address.clone(), project }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_changed_and_the_change_undone_by_keyboard_alone() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let desk = desk(&server).await;
    let browser = &desk.browser;

    browser.keys("j").await;
    browser.keys("h").await;
    desk.at_version(1).await;
    browser.wait(".panel-hidden[data-panel='0']").await;
    assert_eq!(browser.in_focus("e.dataset.panel").await, "0", "the focus stays on the panel");
    browser.keys(&format!("{CONTROL}z")).await;
    desk.at_version(2).await;
    assert_eq!(browser.count(".panel-hidden").await, 0);
    browser.keys(&format!("{CONTROL}{SHIFT}z")).await;
    desk.at_version(3).await;
    browser.wait(".panel-hidden[data-panel='0']").await;
    browser.keys(&format!("{CONTROL}z")).await;
    desk.at_version(4).await;

    browser.keys("e").await;
    browser.wait(".panel-form").await;
    assert_eq!(browser.in_focus("e.id").await, "panel-caption");
    browser.write("#panel-caption", "Snow, and a light behind it.").await;
    // In a field undo is the field's own.
    browser.keys(&format!("{CONTROL}z")).await;
    browser.write("#panel-caption", "Snow, and a light behind it.").await;
    browser.write("#panel-note", "Ask about the lamp").await;
    browser.choose("#panel-shot", "1").await;
    browser.write("#panel-seconds", "4,5").await;
    browser.keys(&format!("{CONTROL}{ENTER}")).await;
    desk.at_version(8).await;
    looks::it_looks_well(browser, "panel-form").await;
    let mark = desk.panels()[0]["editor"].clone();
    assert_eq!((mark["caption"].as_str(), mark["shot"].as_str()), (Some("Snow, and a light behind it."), Some("wide")));
    assert_eq!((desk.panels()[0]["duration_ms"].clone(), mark["timed"].clone()), (json!(4_500), json!(true)));
    assert!(browser.text(".panel .caption").await.starts_with("Snow, and a light behind it."));
    browser.keys("\u{e00c}").await;
    browser.wait("body:not(:has(.panel-form))").await;
    assert_eq!(browser.in_focus("e.dataset.panel").await, "0", "back on the panel");
    looks::it_looks_well(browser, "edited").await;
    browser.click("#edit-history summary").await;
    browser.wait("#edit-history li:nth-child(8)").await;
    looks::it_looks_well(browser, "edit-history").await;

    // As it stood after its fifth change, and as it was composed: to be looked at, not changed.
    browser.click("#edit-history .see[data-version='5']").await;
    browser.wait("#past-version[data-version='5']").await;
    browser.wait("#storyboard:not(:has(.panel .note))").await;
    assert!(browser.text(".panel .caption").await.starts_with("Snow, and a light behind it."));
    assert_eq!(browser.in_focus("e.id").await, "past-back");
    assert_eq!((browser.count("#edit-bar").await, browser.count(".panel-edit").await), (0, 0));
    looks::it_looks_well(browser, "past-version").await;
    browser.keys("jhe").await;
    browser.keys(&format!("{CONTROL}z")).await;
    browser.click("#edit-history .see[data-version='0']").await;
    browser.wait("#past-version[data-version='0']").await;
    browser.wait("#storyboard:not(:has(.panel .caption))").await;
    browser.click("#past-back").await;
    desk.at_version(8).await;
    assert!(browser.text(".panel .note").await.contains("Ask about the lamp"));
    assert_eq!(get(&desk.address, &format!("{}/edits", desk.path())).json()["version"], 8, "nothing was changed");
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn panels_are_moved_joined_and_divided_and_a_second_editor_is_not_overruled() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), visiobook());
    let desk = desk(&server).await;
    let browser = &desk.browser;
    let before: Vec<String> = desk.panels().iter().map(id_of).collect();
    assert!(before.len() > 2, "the sample's first scene has some panels: {before:?}");

    browser.click("[data-panel='0'] .panel-edit").await;
    browser.click("[data-act=later]").await;
    desk.at_version(1).await;
    desk.shows_what_is().await;
    assert_eq!(browser.in_focus("e.dataset.act").await, "later", "to be pressed again");
    browser.click("[data-act=earlier]").await;
    desk.at_version(2).await;
    browser.click("[data-act=merge]").await;
    desk.at_version(3).await;
    desk.shows_what_is().await;
    assert_eq!(desk.panels().len(), before.len() - 1);
    browser.click("[data-act=split]").await;
    desk.at_version(4).await;
    desk.shows_what_is().await;
    assert_eq!(desk.panels().len(), before.len());
    browser.click("#edit-undo").await;
    desk.at_version(5).await;
    assert_eq!(browser.in_focus("e.id").await, "edit-undo");
    assert_eq!(browser.complaints().await, [""; 0]);

    let run = get(&desk.address, &format!("/api/v1/projects/{}", desk.project)).json()["run"]["id"].clone();
    let theirs = json!({"run": run, "version": 5, "edit": {"do": "hide", "panel": 0, "hidden": true}}).to_string();
    let answer = request(&desk.address, "POST", &format!("{}/edits", desk.path()), &[], theirs.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.click("[data-act=later]").await;
    browser.wait("#toast.toast-bad").await;
    assert!(browser.text("#toast").await.contains("meanwhile"));
    browser.screenshot("edit-conflict").await;
    desk.at_version(6).await;
    browser.wait(".panel-hidden[data-panel='0']").await;
    desk.shows_what_is().await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("status of 409")), "{complaints:?}");
}
