//! Signing in with an identity provider's word, on the page, where the provider can't be reached.

use super::accounts::{CODE, claim};
use super::common::browser::Browser;
use super::common::visiobook;
use super::{looks, serve};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_told_of_and_leads_back_to_the_form() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", CODE);
    let oidc = [
        ("ISSUER", "http://127.0.0.1:1"),
        ("NAME", "Lighthouse"),
        ("CLIENT_ID", "visiobook"),
        ("CLIENT_SECRET", "a secret of nobody's"),
    ];
    for (key, value) in oidc {
        command.env(format!("VISIOBOOK__AUTH__OIDC__{key}"), value);
    }
    let server = serve(data.path(), command);
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    browser.goto(&format!("http://{}/account/security", server.address)).await;
    browser.wait("#identities-none").await;
    looks::it_looks_well(&browser, "identities").await;
    browser.click("#identity-link").await;
    browser.wait("#toast").await;
    assert_eq!(browser.count("#identities").await, 1, "the page stays where the provider can't be reached");

    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    browser.wait("#provider-sign-in").await;
    assert_eq!(browser.text("#provider-sign-in").await, "Sign in with Lighthouse");
    looks::it_looks_well(&browser, "sign-in-provider").await;
    browser.click("#provider-sign-in").await;
    browser.wait("a[href='/']").await;
    assert!(browser.text("body").await.contains("oidc-unavailable"));
    browser.screenshot("provider-down").await;
    browser.click("a[href='/']").await;
    browser.wait("#sign-in-form").await;
    let complaints = browser.complaints().await;
    let refused = |complaint: &String| {
        let is = |status: &str| complaint.contains(&format!("status of {status}"));
        is("401") || is("503") || (is("404") && complaint.contains("/account/avatar"))
    };
    assert!(complaints.iter().all(refused), "{complaints:?}");
}
