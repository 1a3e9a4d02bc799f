//! What one has, on the page: a picture, a file of everything, and deleting the account.

use super::accounts::{BEN, OTHER, claim, fill, sign_up_ben, start};
use super::common::browser::{Browser, ESCAPE};
use super::common::{ENGLISH, sample};
use super::looks;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_chooses_a_picture_takes_their_data_along_and_deletes_their_account_until_they_come_back() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    browser.goto(&format!("http://{}/account/data", server.address)).await;
    browser.wait("#deletion-hand-over").await;
    assert_eq!(browser.count("#deletion-open").await, 0, "an admin is told beforehand what the node would refuse");
    sign_up_ben(&server, data.path()).await;
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    fill(&browser, &[("#sign-in-email", BEN), ("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button .account-initial").await;

    browser.goto(&format!("http://{}/account", server.address)).await;
    browser.wait("#picture-input").await;
    let files = tempfile::tempdir().unwrap();
    let picture = files.path().join("me.png");
    image::RgbImage::from_pixel(300, 200, image::Rgb([120, 40, 40])).save(&picture).unwrap();
    browser.choose_file(&picture, "#picture-input").await;
    browser.wait("#account-button img.face").await;
    browser.wait("#picture-remove").await;
    looks::it_looks_well(&browser, "picture").await;
    browser.choose_file(&sample(ENGLISH), "#picture-input").await;
    browser.wait(".toast-bad").await;
    browser.click("#picture-remove").await;
    browser.wait("#account-button .account-initial").await;

    browser.goto(&format!("http://{}/account/data", server.address)).await;
    browser.click("#export-begin").await;
    browser.wait("#export-ready").await;
    looks::it_looks_well(&browser, "data").await;

    browser.click("#deletion-open").await;
    browser.wait("#delete-account[open]").await;
    looks::it_looks_well(&browser, "delete-account").await;
    fill(&browser, &[("#deletion-email", "anna@example.org"), ("#deletion-password", OTHER)]).await;
    browser.click("#deletion-submit").await;
    browser.wait("#deletion-email-fault").await;
    browser.keys(ESCAPE).await;
    browser.wait("body:not(:has(#delete-account))").await;
    browser.click("#deletion-open").await;
    fill(&browser, &[("#deletion-email", BEN), ("#deletion-password", OTHER)]).await;
    browser.click("#deletion-submit").await;
    browser.wait("#sign-in-form").await;
    assert!(browser.wait("#toast").await.text().await.unwrap().contains("unless you sign in before"));
    fill(&browser, &[("#sign-in-email", BEN), ("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button").await;
    browser.wait("#shelf-empty").await;
}
