//! The second factor, and those who try to get round it.

use serde_json::{Value, json};
use totp_rs::Totp;

use super::common::http::Answer;
use super::people::{OTHER, PASSWORD, Person, Site, token};

const ANNA: &str = "anna@example.org";
const STEP_S: u64 = 30;

fn now_step() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / STEP_S
}

/// An authenticator app, which says each code once: the node takes none twice.
pub struct App {
    totp: Totp,
    said: u64,
}

impl App {
    fn code(&mut self) -> String {
        self.said = now_step().max(self.said + 1);
        while now_step() + 1 < self.said {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        self.totp.generate(self.said * STEP_S).to_string()
    }

    fn wrong(&self) -> String {
        let near: Vec<String> =
            (now_step() - 3..now_step() + 4).map(|step| self.totp.generate(step * STEP_S).to_string()).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

/// Anna, whose second factor is on; her app, and codes to recover with.
pub fn guarded(site: &Site) -> (Person, App, Vec<String>) {
    site.claim();
    let anna = site.join(ANNA);
    let begun = anna.ask(site, "POST", "/api/v1/account/second-factor", Value::Null).json();
    let (uri, svg) = (begun["uri"].as_str().unwrap(), begun["qr_svg"].as_str().unwrap());
    assert!(uri.contains(begun["secret"].as_str().unwrap()) && svg.contains("<svg"), "{uri}");
    let mut app = App { totp: Totp::from_url(uri).unwrap(), said: 0 };
    let on = anna.ask(site, "PUT", "/api/v1/account/second-factor", json!({ "code": app.code() }));
    assert_eq!((on.status, on.header("cache-control")), (200, Some("no-store")), "{}", on.text());
    let told = on.json();
    let codes = told["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
    (anna, app, codes.collect())
}

fn sign_in(site: &Site, password: &str, code: &str) -> Answer {
    site.post("/api/v1/auth/sign-in", json!({ "email": ANNA, "password": password, "code": code }))
}

#[test]
fn a_code_signs_in_once_and_nothing_is_told_before_the_password_is_right() {
    let site = Site::start_with(&[("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "10")]);
    let (anna, mut app, codes) = guarded(&site);
    let needed = site.sign_in(ANNA, PASSWORD);
    assert_eq!((needed.status, needed.code()), (401, "second-factor-needed".into()));
    assert_eq!(needed.header("set-cookie"), None);
    let said = app.code();
    // A wrong password is answered as ever, whatever code comes along, and uses none up.
    let told = |answer: Answer| (answer.status, answer.json()["detail"].clone());
    let nobody = told(site.sign_in("nobody@example.org", OTHER));
    assert_eq!(told(site.sign_in(ANNA, OTHER)), nobody);
    assert_eq!(told(sign_in(&site, OTHER, &said)), nobody);
    assert_eq!(told(sign_in(&site, OTHER, "000000")), nobody);
    let wrong = sign_in(&site, PASSWORD, &app.wrong());
    assert_eq!((wrong.status, wrong.code()), (403, "second-factor-wrong".into()));
    let there = Person::of(&sign_in(&site, PASSWORD, &said));
    assert_eq!(sign_in(&site, PASSWORD, &said).code(), "second-factor-wrong", "said again");
    // After a restart too: what was taken is written down.
    let site = site.again();
    assert_eq!(sign_in(&site, PASSWORD, &said).code(), "second-factor-wrong");
    assert_eq!(there.get(&site, "/api/v1/account").status, 200);
    let by_recovery = Person::of(&sign_in(&site, PASSWORD, &codes[0]));
    assert_eq!(sign_in(&site, PASSWORD, &codes[0]).code(), "second-factor-wrong");
    let stands = by_recovery.get(&site, "/api/v1/account/second-factor").json();
    assert_eq!((&stands["on"], &stands["recovery_codes_left"]), (&json!(true), &json!(9)));
    // Whatever takes the password takes a code too.
    let again = anna.ask(&site, "POST", "/api/v1/auth/again", json!({ "password": PASSWORD }));
    assert_eq!(again.code(), "second-factor-needed");
    let change = json!({ "current": PASSWORD, "password": OTHER });
    assert_eq!(anna.ask(&site, "PUT", "/api/v1/account/password", change).code(), "second-factor-needed");
    let off = anna.ask(&site, "POST", "/api/v1/account/second-factor/remove", json!({ "code": codes[1] }));
    assert_eq!(off.status, 204, "{}", off.text());
    assert!(site.letter(ANNA, 2).contains("takes a code") && site.letter(ANNA, 3).contains("the password alone"));
    assert_eq!(there.get(&site, "/api/v1/account").code(), "session-ended", "every other session");
    assert_eq!(anna.get(&site, "/api/v1/account").status, 200);
    Person::of(&site.sign_in(ANNA, PASSWORD));
}

#[test]
fn codes_are_not_guessed_however_many_addresses_guess_and_whatever_the_mail_says() {
    let site = Site::start_with(&[("VISIOBOOK__AUTH__ATTEMPTS_SCALE", "1000")]);
    let (_, mut app, codes) = guarded(&site);
    let mut told = Vec::new();
    for _ in 0..12 {
        told.push(sign_in(&site, PASSWORD, &app.wrong()).code());
    }
    assert!(told[..10].iter().all(|code| code == "second-factor-wrong"), "{told:?}");
    assert!(told[10..].iter().all(|code| code == "too-many-attempts"), "{told:?}");
    let right = app.code();
    let refused = sign_in(&site, PASSWORD, &right);
    assert_eq!((refused.status, refused.code()), (429, "too-many-attempts".into()));
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 3_000);
    // Who reads the mail sets another password, and stands before the same door.
    assert_eq!(site.post("/api/v1/auth/forgot", json!({ "email": ANNA })).status, 202);
    let reset = json!({ "token": token(&site.letter(ANNA, 3)), "password": OTHER });
    assert_eq!(site.post("/api/v1/auth/reset", reset).status, 204);
    assert_eq!(site.sign_in(ANNA, OTHER).code(), "second-factor-needed");
    assert_eq!(sign_in(&site, OTHER, &right).code(), "too-many-attempts");
    // Its owner has codes to recover with; from then on the app's are looked at again.
    Person::of(&sign_in(&site, OTHER, &codes[3]));
    Person::of(&sign_in(&site, OTHER, &app.code()));
}

#[test]
fn what_an_app_knows_is_kept_sealed_and_codes_as_digests() {
    let site = Site::start();
    let (anna, app, codes) = guarded(&site);
    assert_eq!(anna.get(&site, "/api/v1/account/second-factor").json()["on"], true);
    let mut secrets: Vec<Vec<u8>> = codes.iter().map(|code| code.as_bytes().to_vec()).collect();
    secrets.extend(codes.iter().map(|code| code.replace('-', "").into_bytes()));
    secrets.push(app.totp.secret().as_bytes().to_vec());
    secrets.push(app.totp.secret().to_base32().into_bytes());
    for file in site.files() {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", file.display());
        }
    }
}
