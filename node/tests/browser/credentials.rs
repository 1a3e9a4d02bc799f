//! What shows who one is beside the password, on the page: the second factor, and keys for programs.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use totp_rs::{Builder, Totp};

use super::accounts::{EMAIL, LONG_AGO, PASSWORD, assert_no_complaints, claim, fill, says, start};
use super::common::browser::{Browser, ESCAPE};
use super::common::http::request;
use super::looks;

const STEP_S: u64 = 30;
/// How long a file may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An authenticator app, which knows a secret and which of its codes were said.
struct App {
    totp: Totp,
    said: u64,
}

impl App {
    /// An app that was told a secret by hand.
    fn new(secret: &str) -> Self {
        let secret: String = secret.split_whitespace().collect();
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        let totp = Builder::new().with_step_duration(STEP_S).with_secret(secret).with_account_name("anna").build();
        Self { totp: totp.unwrap(), said: 0 }
    }

    /// A code that was not said yet, waited for where the clock is not there yet.
    async fn code(&mut self) -> String {
        let now_s = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let step = (now_s() / STEP_S).max(self.said + 1);
        while now_s() / STEP_S + 1 < step {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.said = step;
        self.totp.generate(step * STEP_S).to_string()
    }
}

async fn sign_out(browser: &Browser) {
    browser.click("#account-button").await;
    browser.click("#sign-out").await;
    browser.wait("#sign-in-form").await;
}

/// Says the address and the password; the node wants a code too.
async fn sign_in(browser: &Browser) {
    fill(browser, &[("#sign-in-email", EMAIL), ("#sign-in-password", PASSWORD)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#sign-in-one-time").await;
}

async fn open_security(browser: &Browser) {
    browser.click("#account-button").await;
    browser.click("#menu-security a").await;
    browser.wait("#second-factor .button").await;
}

/// What is shown once stays until its button is pressed: browsers close a dialog at the second Escape, whatever it says.
async fn it_stays(browser: &Browser, dialog: &str) {
    for _ in 0..3 {
        browser.keys(ESCAPE).await;
        browser.wait(dialog).await;
    }
}

/// What the file holds that the codes are kept in.
async fn kept_as_file(browser: &Browser) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let allow = json!({ "behavior": "allow", "downloadPath": folder.path() });
    browser.devtools("Browser.setDownloadBehavior", allow).await;
    browser.click("#recovery-codes-file").await;
    let path = folder.path().join("visiobook-recovery-codes.txt");
    let until = Instant::now() + PATIENCE;
    while !path.is_file() {
        assert!(Instant::now() < until, "no file came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Sets the second factor up; gives the app and the codes to recover with.
async fn set_up(browser: &Browser) -> (App, Vec<String>) {
    browser.click("#second-factor-begin").await;
    browser.wait("#set-up[open]").await;
    let drawn = "String(e.complete && e.naturalWidth > 0)";
    assert_eq!(browser.of_each("#set-up-picture", drawn).await, ["true"], "the picture is one that the browser draws");
    looks::it_looks_well(browser, "set-up").await;
    browser.click("#set-up summary").await;
    let mut app = App::new(&browser.text("#set-up-secret code").await);
    fill(browser, &[("#set-up-one-time", "12345")]).await;
    browser.click("#set-up-submit").await;
    browser.wait("#set-up-one-time[aria-invalid=true]").await;
    assert_eq!(browser.in_focus("e.id").await, "set-up-one-time");
    fill(browser, &[("#set-up-one-time", &app.code().await)]).await;
    browser.click("#set-up-submit").await;
    browser.wait("#recovery[open]").await;
    let codes = browser.of_each("#recovery-codes code", "e.textContent").await;
    assert_eq!(codes.len(), 10);
    assert_eq!(browser.in_focus("e.id").await, "recovery-title", "what had the focus is gone");
    looks::it_looks_well(browser, "recovery").await;
    it_stays(browser, "#recovery[open]").await;
    assert_eq!(kept_as_file(browser).await, codes);
    browser.click("#recovery-kept").await;
    browser.wait("#second-factor-on").await;
    assert_eq!(browser.in_focus("e.id").await, "second-factor-title");
    (app, codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_is_asked_for_where_it_is_needed_and_recovered_from() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    open_security(&browser).await;
    let (mut app, codes) = set_up(&browser).await;
    says(&browser, "#recovery-left", "10 recovery codes are left.").await;
    looks::it_looks_well(&browser, "second-factor").await;

    sign_out(&browser).await;
    sign_in(&browser).await;
    let of_field = "[e.id, e.inputMode, e.autocomplete].join(' ')";
    assert_eq!(browser.in_focus(of_field).await, "sign-in-one-time numeric one-time-code");
    assert_eq!(
        browser.count("#sign-in-form [aria-invalid=true], #sign-in-problem").await,
        0,
        "nothing is wrong so far"
    );
    looks::it_looks_well(&browser, "sign-in-code").await;
    fill(&browser, &[("#sign-in-one-time", "12345")]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#sign-in-one-time-fault").await;
    assert_eq!(browser.of_each("#sign-in-email", "e.value").await, [EMAIL], "what was typed stays");
    fill(&browser, &[("#sign-in-one-time", &app.code().await)]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button").await;

    sign_out(&browser).await;
    sign_in(&browser).await;
    browser.click("#sign-in-form .other-code").await;
    assert_eq!(browser.in_focus("e.id + e.inputMode").await, "sign-in-one-time", "it has letters");
    fill(&browser, &[("#sign-in-one-time", &codes[0])]).await;
    browser.click("#sign-in-submit").await;
    browser.wait("#account-button").await;

    browser.click("#account-button").await;
    browser.click("#menu-account a").await;
    browser.wait("#address-form").await;
    browser.script(&LONG_AGO.replace("arguments_path", "'/api/v1/account/email'"), vec![]).await;
    fill(&browser, &[("#address-email", "lamp@example.org")]).await;
    browser.click("#address-submit").await;
    browser.wait("#again[open]").await;
    fill(&browser, &[("#again-password", PASSWORD)]).await;
    browser.click("#again-submit").await;
    browser.wait("#again-one-time").await;
    looks::it_looks_well(&browser, "again-code").await;
    fill(&browser, &[("#again-one-time", &codes[1])]).await;
    browser.click("#again-submit").await;
    browser.wait("#address-asked").await;

    open_security(&browser).await;
    says(&browser, "#recovery-left", "8 recovery codes are left.").await;
    codes_are_renewed_and_the_factor_switched_off(&browser, &codes[2..]).await;
    assert_no_complaints(&browser).await;
}

/// By recovery codes, of which the older are worth nothing once there are newer ones.
async fn codes_are_renewed_and_the_factor_switched_off(browser: &Browser, codes: &[String]) {
    browser.click("#recovery-renew").await;
    browser.wait("#renew[open]").await;
    assert_eq!(browser.in_focus("e.id").await, "renew-one-time");
    fill(browser, &[("#renew-one-time", &codes[0])]).await;
    browser.click("#renew-submit").await;
    browser.wait("#recovery[open]").await;
    let newer = browser.of_each("#recovery-codes code", "e.textContent").await;
    browser.click("#recovery-kept").await;
    browser.click("#toast-close").await;
    browser.click("#second-factor-off").await;
    fill(browser, &[("#switch-off-one-time", &codes[1])]).await;
    browser.click("#switch-off-submit").await;
    browser.wait("#switch-off-one-time-fault").await;
    fill(browser, &[("#switch-off-one-time", &newer[0])]).await;
    browser.click("#switch-off-submit").await;
    browser.wait("#second-factor-begin").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_for_a_program_shown_once_and_revoked() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let browser = Browser::start().await;
    claim(&browser, &server).await;
    open_security(&browser).await;
    browser.wait("#keys-none").await;
    browser.click("#key-new").await;
    browser.wait("#new-key[open]").await;
    assert_eq!(browser.in_focus("e.id").await, "key-name");
    looks::it_looks_well(&browser, "new-key").await;
    browser.click("#key-scopes-read").await;
    browser.click("#key-submit").await;
    browser.wait("#key-scopes-read[aria-invalid=true]").await;
    assert_eq!(browser.in_focus("e.id").await, "key-name");

    browser.click("#key-scopes-read").await;
    browser.choose("#key-span", "7").await;
    fill(&browser, &[("#key-name", "Backups of the shelf")]).await;
    browser.click("#key-submit").await;
    browser.wait("#made-key[open]").await;
    looks::it_looks_well(&browser, "made-key").await;
    let bearer = format!("Bearer {}", browser.text("#key-token code").await);
    it_stays(&browser, "#made-key[open]").await;
    browser.click("#key-kept").await;
    browser.wait("#keys .session").await;
    let list = |bearer: &str| request(&server.address, "GET", "/api/v1/projects", &[("authorization", bearer)], b"");
    assert_eq!(list(&bearer).status, 200);
    browser.reload().await;
    let shown = browser.wait("#keys .session").await.text().await.unwrap();
    assert!(shown.contains("Backups of the shelf") && shown.contains("last used"), "{shown}");
    looks::it_looks_well(&browser, "keys").await;

    browser.click("#keys .key-revoke").await;
    browser.wait("#confirm[open]").await;
    browser.keys(ESCAPE).await;
    browser.wait("body:not(:has(#confirm))").await;
    assert_eq!(list(&bearer).status, 200);
    browser.click("#keys .key-revoke").await;
    browser.click("#confirm-do").await;
    browser.wait("#keys-none").await;
    assert_eq!(browser.in_focus("e.id").await, "keys-title");
    assert_eq!(list(&bearer).status, 401);
    assert_no_complaints(&browser).await;
}
