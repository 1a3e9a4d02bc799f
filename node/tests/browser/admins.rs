//! The node's accounts on the page, for admins.

use serde_json::json;

use super::accounts::{BEN, OTHER, claim, fill, newest_letter, post, says, start, token_for};
use super::common::browser::Browser;
use super::looks;

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_finds_an_account_and_gives_it_a_role_and_nobody_else_sees_the_list() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    let ben = json!({ "email": BEN, "password": OTHER, "name": "Ben" });
    assert_eq!(post(&server, "/api/v1/auth/sign-up", &ben), 202);
    let letter = newest_letter(data.path(), BEN, 1).await;

    browser.click("#account-button").await;
    browser.click("#menu-accounts a").await;
    browser.wait(&format!("#accounts [data-account='{BEN}']")).await;
    assert_eq!(browser.count("#accounts .session").await, 2);
    looks::it_looks_well(&browser, "admin").await;

    fill(&browser, &[("#find-email", "nobody@example.org")]).await;
    browser.click("#find-submit").await;
    browser.wait("#find-email-fault").await;
    fill(&browser, &[("#find-email", BEN)]).await;
    browser.click("#find-submit").await;
    browser.wait(&format!("#found [data-account='{BEN}']")).await;
    assert_eq!(browser.count("#accounts").await, 0);

    browser.choose("#found .choose", "operator").await;
    browser.wait("#confirm[open]").await;
    assert_eq!(browser.of_each("#found .choose", "e.value").await, ["user"], "it is so once it is confirmed");
    looks::it_looks_well(&browser, "admin-role").await;
    browser.click("#confirm-do").await;
    says(&browser, "#toast p", "Ben has the role Operator now.").await;
    assert_eq!(browser.of_each("#found .choose", "e.value").await, ["operator"]);
    browser.click("#found .account-activity").await;
    browser.wait("#activity-of .feed li").await;
    looks::it_looks_well(&browser, "admin-activity").await;
    browser.click("#activity-close").await;

    let link = json!({ "token": token_for("confirm", &letter), "password": OTHER });
    assert_eq!(post(&server, "/api/v1/auth/confirm", &link), 201);
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    fill(&browser, &[("#sign-in-email", BEN), ("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button").await;
    assert_eq!(browser.count("#menu-accounts").await, 0);
    browser.goto(&format!("http://{}/accounts", server.address)).await;
    browser.wait("#not-found").await;
    let complaints = browser.complaints().await;
    let refused =
        |complaint: &String| ["401", "404"].iter().any(|status| complaint.contains(&format!("status of {status}")));
    assert!(complaints.iter().all(refused), "{complaints:?}");
}
