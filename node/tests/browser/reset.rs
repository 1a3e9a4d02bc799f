//! Another password by a mailed link, on the page.

use super::accounts::{EMAIL, OTHER, PASSWORD, claim, cookie, fill, letter, path, says, sign_in, start, token_for};
use super::common::browser::Browser;
use super::common::http::request;
use super::looks;

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_their_password_sets_another_by_a_mailed_link_that_works_once() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    let elsewhere = cookie(&sign_in(&server));
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    browser.click(".ways li:nth-child(2) a").await;
    browser.wait("#forgot-form").await;
    looks::it_looks_well(&browser, "forgot").await;
    fill(&browser, &[("#forgot-email", EMAIL)]).await;
    browser.click("#forgot-submit").await;
    browser.wait("#mailed").await;

    let letter = letter(data.path(), EMAIL).await;
    let link = format!("http://{}/reset#{}", server.address, token_for("reset", &letter));
    browser.goto(&link).await;
    browser.wait("#reset-form").await;
    assert_eq!(path(&browser).await, "/reset", "what the link carries leaves no trace in the address");
    looks::it_looks_well(&browser, "reset").await;
    fill(&browser, &[("#reset-password", "password1234")]).await;
    browser.click("#reset-submit").await;
    browser.wait("#reset-password-fault").await;
    assert_eq!(browser.in_focus("e.id").await, "reset-password");
    fill(&browser, &[("#reset-password", OTHER)]).await;
    browser.click("#reset-submit").await;
    browser.wait("#sign-in-form").await;
    says(&browser, "#toast p", "Your password was changed.").await;
    assert_eq!(request(&server.address, "GET", "/api/v1/account", &[("cookie", &elsewhere)], b"").status, 401);

    fill(&browser, &[("#sign-in-email", EMAIL), ("#sign-in-password", PASSWORD)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#sign-in-password-fault").await;
    fill(&browser, &[("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button").await;

    browser.goto("about:blank").await;
    browser.goto(&link).await;
    browser.wait("#reset-form").await;
    fill(&browser, &[("#reset-password", PASSWORD)]).await;
    browser.click("#reset-submit").await;
    browser.wait("#reset-problem").await;
    browser.click(".ways a").await;
    browser.wait("#forgot-form").await;
    let complaints = browser.complaints().await;
    let refused = |complaint: &String| {
        ["401", "403", "404", "422"].iter().any(|status| complaint.contains(&format!("status of {status}")))
    };
    assert!(complaints.iter().all(refused), "{complaints:?}");
}
