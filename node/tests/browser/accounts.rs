//! Accounts on the page: the first one, signing out and in, where one is signed in, mailed links.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::common::browser::{Browser, ESCAPE};
use super::common::http::{Answer, request};
use super::common::{Server, visiobook};
use super::{looks, serve};

pub const CODE: &str = "TESTTESTTESTTESTTESTTESTTEST";
pub const EMAIL: &str = "anna@example.org";
/// Somebody else's address.
pub const BEN: &str = "ben@example.org";
pub const PASSWORD: &str = "a lamp upon the ferry";
pub const OTHER: &str = "nine keepers of the door";
/// How long a letter may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The next request to this address is refused as from somebody who signed in long ago; later ones are not.
pub const LONG_AGO: &str = "
    const real = window.fetch;
    window.fetch = (...all) => {
        const to = String(all[0].url ?? all[0]);
        if (!to.endsWith(arguments_path)) return real(...all);
        window.fetch = real;
        const problem = { type: 'urn:visiobook:problem:sign-in-again', title: 'T', status: 403, code: 'sign-in-again', detail: 'd' };
        return Promise.resolve(new Response(JSON.stringify(problem), { status: 403 }));
    };
";

pub fn start(data: &Path) -> Server {
    let mut command = visiobook();
    command.env("VISIOBOOK__AUTH__CLAIM_CODE", CODE);
    serve(data, command)
}

pub async fn fill(browser: &Browser, fields: &[(&str, &str)]) {
    for (css, text) in fields {
        browser.write(css, text).await;
    }
}

pub async fn path(browser: &Browser) -> String {
    let at = browser.script("return location.pathname + location.hash", vec![]).await;
    at.as_str().unwrap().to_owned()
}

/// Waits until an element says this.
pub async fn says(browser: &Browser, css: &str, text: &str) {
    let until = Instant::now() + PATIENCE;
    while browser.of_each(css, "e.textContent").await != [text] {
        assert!(Instant::now() < until, "{css} never says {text:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Only refusals that the visitor is shown, and that there is no picture.
pub async fn assert_no_complaints(browser: &Browser) {
    let complaints = browser.complaints().await;
    let refused = |complaint: &&String| {
        let is = |status: &str| complaint.contains(&format!("status of {status}"));
        is("401") || is("403") || (is("404") && complaint.contains("/account/avatar"))
    };
    assert!(complaints.iter().all(|complaint| refused(&complaint)), "{complaints:?}");
}

pub async fn claim(browser: &Browser, server: &Server) {
    browser.goto(&format!("http://{}/", server.address)).await;
    browser.click("#trust-banner a").await;
    browser.wait("#claim-form").await;
    let fields =
        [("#claim-code", CODE), ("#claim-email", EMAIL), ("#claim-name", "Anna"), ("#claim-password", PASSWORD)];
    fill(browser, &fields).await;
    browser.click("#claim-submit").await;
    browser.wait("#account-button").await;
}

/// Signs in as another program would.
pub fn sign_in(server: &Server) -> Answer {
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", "curl/8.11.0")];
    let answer = request(&server.address, "POST", "/api/v1/auth/sign-in", &headers, body.as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

pub fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_says_what_is_wrong_where_it_is_and_takes_the_focus_there() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/claim", server.address)).await;
    browser.click("#claim-submit").await;
    browser.wait("#claim-code[aria-invalid=true]").await;
    assert_eq!(browser.in_focus("e.id").await, "claim-code");
    assert_eq!(browser.count("#claim-form [aria-invalid=true]").await, 4);
    looks::it_looks_well(&browser, "claim").await;

    let fields = [
        ("#claim-code", "NOT-THIS-ONE"),
        ("#claim-email", "anna"),
        ("#claim-name", "Anna"),
        ("#claim-password", "short"),
    ];
    fill(&browser, &fields).await;
    browser.click("#claim-submit").await;
    browser.wait("#claim-form:has(#claim-password[aria-invalid=true]):not(:has(#claim-code[aria-invalid=true]))").await;
    assert_eq!(browser.in_focus("e.id").await, "claim-email");

    browser.click("#claim-form .password button").await;
    browser.wait("#claim-password[type=text]").await;
    fill(&browser, &[("#claim-email", EMAIL), ("#claim-password", PASSWORD)]).await;
    browser.click("#claim-submit").await;
    browser.wait("#claim-code[aria-invalid=true]").await;
    assert_eq!(browser.in_focus("e.id + ' ' + e.value").await, "claim-code NOT-THIS-ONE", "what was typed stays");
    assert_eq!(browser.count("#claim-password[type=password]").await, 1, "what is sent is hidden again");
    assert_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_is_made_and_signed_out_of_and_in_to_where_one_was() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    assert_eq!(browser.count("#trust-banner").await, 0);
    browser.wait("#shelf-empty").await;
    browser.click("#account-button").await;
    browser.wait("#account-menu:not([hidden])").await;
    browser.screenshot("account-menu").await;
    browser.keys(ESCAPE).await;
    browser.wait("#account-menu[hidden]").await;
    assert_eq!(browser.in_focus("e.id").await, "account-button");
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    browser.wait("#sign-in-form").await;
    assert_eq!(browser.count("#account-button, #cut-off, .shelf").await, 0);
    looks::it_looks_well(&browser, "sign-in").await;

    browser.goto(&format!("http://{}/account/security", server.address)).await;
    fill(&browser, &[("#sign-in-email", EMAIL), ("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#sign-in-password-fault").await;
    fill(&browser, &[("#sign-in-password", PASSWORD)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait(".session[data-current=true]").await;
    assert_eq!(path(&browser).await, "/account/security");
    looks::it_looks_well(&browser, "security").await;

    let other = cookie(&sign_in(&server));
    browser.reload().await;
    browser.wait(".session[data-current=false]").await;
    assert!(browser.text(".session[data-current=false]").await.starts_with("curl"));
    browser.click(".session[data-current=false] .session-end").await;
    browser.wait("#sessions:not(:has(.session[data-current=false]))").await;
    assert_eq!(request(&server.address, "GET", "/api/v1/account", &[("cookie", &other)], b"").status, 401);

    browser.click(".sections li:nth-child(4) a").await;
    browser.wait("#account-log .feed-bad").await;
    looks::it_looks_well(&browser, "account-activity").await;

    // Ended from elsewhere: what one was looking at is there again after signing in.
    let answer = sign_in(&server);
    let said = answer.json();
    let headers = [("cookie", &*cookie(&answer)), ("x-csrf-token", said["csrf_token"].as_str().unwrap())];
    assert_eq!(request(&server.address, "DELETE", "/api/v1/account/sessions", &headers, b"").status, 204);
    browser.click(".sections li:nth-child(2) a").await;
    browser.wait("#cut-off").await;
    fill(&browser, &[("#sign-in-email", EMAIL), ("#sign-in-password", PASSWORD)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait(".session[data-current=true]").await;
    assert_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_asks_for_the_password_once_more_and_another_password_signs_others_out() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    browser.click("#account-button").await;
    browser.click("#menu-account a").await;
    browser.wait("#profile-form").await;
    assert_eq!(browser.of_each("#profile-name", "e.value").await, ["Anna"]);
    fill(&browser, &[("#profile-name", "Anna Lamp")]).await;
    browser.click("#profile-submit").await;
    browser.wait("#toast").await;
    says(&browser, "#account-name", "Anna Lamp").await;

    let refuse = LONG_AGO.replace("arguments_path", "'/api/v1/account/email'");
    for (said, shown) in [(false, "#address-problem"), (true, "#address-asked")] {
        browser.script(&refuse, vec![]).await;
        fill(&browser, &[("#address-email", "lamp@example.org")]).await;
        browser.click("#address-submit").await;
        browser.wait("#again[open]").await;
        assert_eq!(browser.in_focus("e.id").await, "again-password");
        if said {
            looks::it_looks_well(&browser, "again").await;
            fill(&browser, &[("#again-password", OTHER)]).await;
            browser.click("#again-submit").await;
            browser.wait("#again-password-fault").await;
            fill(&browser, &[("#again-password", PASSWORD)]).await;
            browser.click("#again-submit").await;
        } else {
            browser.keys(ESCAPE).await;
        }
        browser.wait(shown).await;
        assert_eq!(browser.count("#again").await, 0);
    }
    letter(data.path(), "lamp@example.org").await;

    browser.click(".sections li:nth-child(2) a").await;
    let other = cookie(&sign_in(&server));
    fill(&browser, &[("#password-current", OTHER), ("#password-password", OTHER)]).await;
    browser.click("#password-submit").await;
    browser.wait("#password-current-fault").await;
    fill(&browser, &[("#password-current", PASSWORD)]).await;
    browser.click("#password-submit").await;
    says(&browser, "#toast p", "Your password was changed, and everybody else was signed out.").await;
    browser.wait(".session[data-current=true]").await;
    assert_eq!(request(&server.address, "GET", "/api/v1/account", &[("cookie", &other)], b"").status, 401);
    assert_eq!(browser.of_each("#password-form input:not([readonly])", "e.value").await, ["", ""]);
    browser.click("#sessions-end").await;
    browser.wait("#sign-in-form").await;
    assert_no_complaints(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_up_follows_a_mailed_link_that_leaves_no_trace_in_the_address() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    browser.goto(&format!("http://{}/sign-up", server.address)).await;
    browser.wait("#entrance-told").await;
    claim(&browser, &server).await;
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    browser.click(".ways a").await;

    fill(&browser, &[("#sign-up-email", "ben@example.org"), ("#sign-up-name", "Ben"), ("#sign-up-password", OTHER)])
        .await;
    browser.click("#sign-up-submit").await;
    browser.wait("#mailed").await;
    looks::it_looks_well(&browser, "mailed").await;
    browser.click("#mail-again").await;
    browser.wait("#mailed-again").await;

    browser.click(".ways a").await;
    fill(&browser, &[("#sign-in-email", "ben@example.org"), ("#sign-in-password", OTHER)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#unconfirmed").await;

    let letter = newest_letter(data.path(), "ben@example.org", 2).await;
    let token = token_for("confirm", &letter);
    browser.goto(&format!("http://{}/confirm#{token}", server.address)).await;
    browser.wait("#confirm-form").await;
    assert_eq!(path(&browser).await, "/confirm");
    fill(&browser, &[("#confirm-password", OTHER)]).await;
    browser.click("#confirm-submit").await;
    browser.wait("#shelf-empty").await;
    assert_eq!(browser.text("#account-name").await, "Ben");

    browser.goto(&format!("http://{}/confirm", server.address)).await;
    browser.wait("#entrance-told").await;
    assert_no_complaints(&browser).await;
}

pub async fn letter(data: &Path, to: &str) -> String {
    newest_letter(data, to, 1).await
}

/// Asks as a program would, and gives the status.
pub fn post(server: &Server, path: &str, body: &serde_json::Value) -> u16 {
    let headers = [("content-type", "application/json")];
    request(&server.address, "POST", path, &headers, body.to_string().as_bytes()).status
}

/// What a letter's link to a page carries.
pub fn token_for<'a>(page: &str, letter: &'a str) -> &'a str {
    let (_, token) = letter.split_once(&format!("/{page}#")).unwrap_or_else(|| panic!("no link in {letter}"));
    token.split_whitespace().next().unwrap()
}

/// Somebody else, whose address is confirmed, and who is signed in nowhere that a browser shows.
pub async fn sign_up_ben(server: &Server, data: &Path) {
    let ben = json!({ "email": BEN, "password": OTHER, "name": "Ben" });
    assert_eq!(post(server, "/api/v1/auth/sign-up", &ben), 202);
    let letter = newest_letter(data, BEN, 1).await;
    let link = json!({ "token": token_for("confirm", &letter), "password": OTHER });
    assert_eq!(post(server, "/api/v1/auth/confirm", &link), 201);
}

/// The newest letter to somebody, once there are so many.
pub async fn newest_letter(data: &Path, to: &str, count: usize) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let entries = std::fs::read_dir(data.join("outbox")).map(|entries| entries.flatten().map(|entry| entry.path()));
        let mut files: Vec<_> = entries.map(Iterator::collect).unwrap_or_default();
        files.retain(|path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "eml"));
        files.sort();
        // Long lines were broken for the way (quoted-printable, RFC 2045).
        let read =
            |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap().replace("=\r\n", "").replace("=3D", "=");
        let letters: Vec<String> =
            files.iter().map(read).filter(|text| text.contains(&format!("To: {to}\r\n"))).collect();
        if letters.len() >= count {
            return letters.last().unwrap().clone();
        }
        assert!(Instant::now() < until, "letter {count} to {to} never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
