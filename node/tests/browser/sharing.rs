//! A project of several people on the page: members, invitations, share links, and what each may not do.

use std::time::{Duration, Instant};

use super::accounts::{BEN, OTHER, claim, fill, newest_letter, path, says, sign_up_ben, start, token_for};
use super::common::browser::Browser;
use super::common::{ENGLISH, sample};
use super::{looks, opened_project};

/// How long a name may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LINK_PASSWORD: &str = "seven herons at dusk";

/// Only refusals, and what is not there, that the visitor is shown.
async fn assert_no_complaints(browser: &Browser) {
    let complaints = browser.complaints().await;
    let told = |complaint: &String| {
        ["401", "403", "404"].iter().any(|status| complaint.contains(&format!("status of {status}")))
    };
    assert!(complaints.iter().all(told), "{complaints:?}");
}

/// Drops a book and waits for its storyboard; gives the project.
async fn make_project(browser: &Browser) -> String {
    browser.drop_file(&sample(ENGLISH), "#drop-zone").await;
    browser.wait("#storyboard .panel").await;
    opened_project(browser).await
}

/// What changes a project, wherever on its page.
const CONTROLS: &str = "#project-edit, #project-archive, #project-delete, #run-new, .repeat, .retry, .analyse, #drop-zone, \
    #edit-bar, .panel-edit, #invite, #links, .member-remove, #members .choose";

async fn controls(browser: &Browser, project: &str) -> usize {
    let mut found = 0;
    for (part, shown) in [("", "#storyboard .panel"), ("/runs", ".run-entry"), ("/files", "#files .card")] {
        let at = format!("return new URL('/p/{project}{part}', location.href).href");
        let url = browser.script(&at, vec![]).await;
        browser.goto(url.as_str().unwrap()).await;
        browser.wait(shown).await;
        found += browser.count(CONTROLS).await;
    }
    found
}

/// Waits until one of these begins with a name.
async fn until_named(browser: &Browser, css: &str, name: &str) {
    let until = Instant::now() + PATIENCE;
    while !browser.of_each(css, "e.textContent").await.iter().any(|text| text.starts_with(name)) {
        assert!(Instant::now() < until, "{css} never names {name}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_invited_joins_by_the_letter_sees_what_their_role_allows_and_is_removed() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let anna = Browser::start().await;
    claim(&anna, &server).await;
    sign_up_ben(&server, data.path()).await;
    let project = make_project(&anna).await;

    anna.click("#section-sharing").await;
    anna.wait("#members .member").await;
    looks::it_looks_well(&anna, "sharing").await;
    assert_eq!(anna.of_each("#invite-role", "e.value").await, ["viewer"], "nobody is given more than was chosen");
    fill(&anna, &[("#invite-email", "ben")]).await;
    anna.click("#invite-submit").await;
    anna.wait("#invite-email-fault").await;
    assert_eq!(anna.in_focus("e.id").await, "invite-email");
    fill(&anna, &[("#invite-email", BEN)]).await;
    anna.click("#invite-submit").await;
    anna.wait(&format!("#invitations [data-invitation='{BEN}']")).await;
    let letter = newest_letter(data.path(), BEN, 2).await;
    let link = format!("http://{}/invitation#{}", server.address, token_for("invitation", &letter));

    // Whoever has another account can't; with another account one stays on the page, and the link is not lost.
    anna.goto(&link).await;
    anna.wait("#invitation-accept").await;
    anna.click("#invitation-accept").await;
    anna.wait("#invitation-problem[data-code=invitation-for-another]").await;
    anna.goto(&format!("http://{}/p/{project}/sharing", server.address)).await;

    let other = Browser::start().await;
    other.goto(&link).await;
    other.wait("#invitation-sign-in").await;
    assert_eq!(path(&other).await, "/invitation", "what the link carries leaves no trace in the address");
    looks::it_looks_well(&other, "invitation-sign-in").await;
    fill(&other, &[("#sign-in-email", BEN), ("#sign-in-password", OTHER)]).await;
    other.click("#sign-in-submit").await;
    other.wait("#invitation-accept").await;
    looks::it_looks_well(&other, "invitation").await;
    other.click("#invitation-accept").await;
    other.wait("#storyboard .panel").await;
    assert_eq!(controls(&other, &project).await, 0, "a viewer is offered nothing that changes the project");
    other.goto(&format!("http://{}/?shown=shared", server.address)).await;
    other.wait(&format!(".book[data-project='{project}']")).await;
    assert_eq!(other.count(".book .archive, .book .delete").await, 0);
    looks::it_looks_well(&other, "shared-with-me").await;

    anna.reload().await;
    anna.choose(".member[data-you=false] .choose", "editor").await;
    says(&anna, "#toast p", "Ben has the role editor now.").await;
    assert!(controls(&other, &project).await > 0, "an editor changes what the project holds");
    other.click("#section-sharing").await;
    other.wait("#leave").await;
    assert_eq!(other.count("#invite, #links, .member-remove, #members .choose, #project-delete").await, 0);
    looks::it_looks_well(&other, "sharing-editor").await;

    other.click("#section-activity").await;
    other.wait("#activity .feed li").await;
    until_named(&other, "#activity .feed .meta", "Ben ·").await;

    anna.click(".member-remove").await;
    anna.wait("#confirm[open]").await;
    anna.click("#confirm-do").await;
    anna.wait("#members:not(:has(.member[data-you=false]))").await;
    other.reload().await;
    other.wait("#not-found").await;
    assert_no_complaints(&anna).await;
    assert_no_complaints(&other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_shows_the_project_without_an_account_until_it_is_revoked() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let anna = Browser::start().await;
    claim(&anna, &server).await;
    sign_up_ben(&server, data.path()).await;
    let project = make_project(&anna).await;
    anna.click("#section-sharing").await;
    anna.wait("#links-none").await;
    anna.click("#link-new").await;
    anna.wait("#new-link[open]").await;
    looks::it_looks_well(&anna, "new-link").await;
    fill(&anna, &[("#link-name", "For the reading group"), ("#link-password", LINK_PASSWORD)]).await;
    anna.click("#link-submit").await;
    anna.wait("#made-link[open]").await;
    looks::it_looks_well(&anna, "made-link").await;
    let link = anna.text("#link-url code").await;
    anna.click("#link-kept").await;
    anna.wait("#links .session").await;

    let visitor = Browser::start().await;
    visitor.goto(&format!("http://{}/p/{project}", server.address)).await;
    visitor.wait("#sign-in-form").await;
    visitor.goto(&link).await;
    visitor.wait("#share-password").await;
    assert_eq!(path(&visitor).await, "/shared", "what the link carries leaves no trace in the address");
    looks::it_looks_well(&visitor, "share-password").await;
    fill(&visitor, &[("#share-password", OTHER)]).await;
    visitor.click("#share-submit").await;
    visitor.wait("#share-password-fault").await;
    fill(&visitor, &[("#share-password", LINK_PASSWORD)]).await;
    visitor.click("#share-submit").await;
    visitor.wait("#visiting").await;
    visitor.wait("#storyboard .panel").await;
    looks::it_looks_well(&visitor, "visiting").await;
    assert_eq!(controls(&visitor, &project).await, 0, "a visitor is offered nothing that changes the project");
    assert_eq!(visitor.count("#section-activity, #section-sharing").await, 0);

    // Nor is somebody who has an account, and nothing of this project but the link.
    let ben = Browser::start().await;
    ben.goto(&format!("http://{}/", server.address)).await;
    ben.wait("#sign-in-form").await;
    fill(&ben, &[("#sign-in-email", BEN), ("#sign-in-password", OTHER)]).await;
    ben.click("#sign-in-submit").await;
    ben.wait("#account-button").await;
    ben.goto(&link).await;
    ben.wait("#share-password").await;
    fill(&ben, &[("#share-password", LINK_PASSWORD)]).await;
    ben.click("#share-submit").await;
    ben.wait("#storyboard .panel").await;
    assert_eq!(controls(&ben, &project).await, 0);
    assert_eq!(ben.count("#section-activity, #section-sharing").await, 0);
    assert_no_complaints(&ben).await;

    anna.click(".link-revoke").await;
    anna.click("#confirm-do").await;
    anna.wait("#links-none").await;
    visitor.reload().await;
    visitor.wait("#sign-in-form").await;
    visitor.goto("about:blank").await;
    visitor.goto(&link).await;
    visitor.wait("#share-refused[data-code=share-link-over]").await;
    looks::it_looks_well(&visitor, "share-over").await;
    assert_no_complaints(&anna).await;
    assert_no_complaints(&visitor).await;
}
