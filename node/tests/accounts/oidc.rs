//! Signing in with the word of a real provider (oidc-provider, from npm) on loopback, driven as a browser would; and
//! that provider when it is down, slow, or lies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::common::http::{Answer, request};
use super::common::{Running, repository};
use super::people::{PASSWORD, Person, Site};

/// Which release of the provider is spoken with.
const PROVIDER: &str = "oidc-provider@9.13.3";
/// Pages and redirects on the way through the provider, at most.
const STEPS_MAX: usize = 12;

/// The folder that holds the provider, installed once for each build folder; `None` without Node.js.
fn installed() -> Option<PathBuf> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
    if !there("node") || !there("npm") {
        println!("skipped: this test needs node and npm, which are not on the PATH");
        return None;
    }
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PROVIDER);
    let made = folder.join("made");
    if !made.is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder).arg(PROVIDER);
        let done = install.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::write(made, "").unwrap();
    }
    Some(folder)
}

struct Provider {
    said: Lines<BufReader<ChildStdout>>,
    ask: ChildStdin,
    address: String,
    running: Running,
}

impl Provider {
    fn start() -> Option<Self> {
        let mut command = Command::new("node");
        command.arg(repository("node/tests/accounts/oidc_provider.mjs")).arg(installed()?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (ask, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut said = BufReader::new(said).lines();
        let address = format!("127.0.0.1:{}", said.next().unwrap().unwrap());
        Some(Self { said, ask, address, running: Running(child) })
    }

    fn tell(&mut self, what: Value) {
        writeln!(self.ask, "{what}").unwrap();
        assert_eq!(self.said.next().unwrap().unwrap(), "ready");
    }
}

/// A node that relies on a provider, and is claimed.
struct World {
    site: Site,
    provider: Provider,
}

impl World {
    /// `alg` signs; with `conform`, tokens say nothing of addresses, and the provider has to be asked.
    fn start(alg: &str, conform: bool) -> Option<Self> {
        let mut provider = Provider::start()?;
        let site = Site::start_with(&[
            ("VISIOBOOK__AUTH__OIDC__ISSUER", &format!("http://{}", provider.address)),
            ("VISIOBOOK__AUTH__OIDC__NAME", "The Lamp"),
            ("VISIOBOOK__AUTH__OIDC__CLIENT_ID", "visiobook"),
            ("VISIOBOOK__AUTH__OIDC__CLIENT_SECRET", "sekret"),
            ("VISIOBOOK__AUTH__OIDC__TIMEOUT_MS", "5000"),
        ]);
        let redirect = format!("http://{}/api/v1/auth/oidc/return", site.address());
        provider.tell(json!({ "redirect": redirect, "alg": alg, "conform": conform }));
        site.claim();
        Some(Self { site, provider })
    }

    /// Begins a visit as a page would: where the browser is sent to, and what it has to keep.
    fn begin(&self, to: &str) -> (String, String) {
        let path = format!("/api/v1/auth/oidc/begin?to={to}");
        let answer = self.site.ask("GET", &path, &[], &Value::Null);
        assert_eq!(answer.status, 303, "{}", answer.text());
        (answer.header("location").unwrap().to_owned(), cookie(&answer, "visiobook-oidc"))
    }

    /// Goes through the provider as somebody: the path that it sends the browser back to.
    fn visit(&self, url: &str, login: &str) -> String {
        let mut jar = BTreeMap::new();
        let mut url = url.to_owned();
        for _ in 0..STEPS_MAX {
            if let Some(path) = url.strip_prefix(&format!("http://{}", self.site.address())) {
                return path.to_owned();
            }
            let page = self.step(&mut jar, "GET", &url, "");
            url = match page.header("location") {
                Some(place) => self.absolute(place),
                None => {
                    let html = page.text();
                    let prompt = if html.contains("value=\"login\"") { "login" } else { "consent" };
                    let action = html.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
                    let action = self.absolute(action.unwrap_or_else(|| panic!("{} {html}", page.status)));
                    let form = format!("prompt={prompt}&login={login}&password=x");
                    let sent = self.step(&mut jar, "POST", &action, &form);
                    self.absolute(sent.header("location").unwrap_or_else(|| panic!("{}", sent.text())))
                }
            };
        }
        panic!("it never came back: {url}");
    }

    fn absolute(&self, place: &str) -> String {
        if place.starts_with('/') { format!("http://{}{place}", self.provider.address) } else { place.to_owned() }
    }

    fn step(&self, jar: &mut BTreeMap<String, String>, method: &str, url: &str, form: &str) -> Answer {
        let path = url.strip_prefix(&format!("http://{}", self.provider.address)).unwrap();
        let kept: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kept = kept.join("; ");
        let headers = [("cookie", kept.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = request(&self.provider.address, method, path, &headers, form.as_bytes());
        for (_, value) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Comes back with cookies.
    fn back(&self, path: &str, cookies: &[&str]) -> Answer {
        self.site.ask("GET", path, &[("cookie", &cookies.join("; "))], &Value::Null)
    }

    /// The whole way.
    fn sign_in(&self, login: &str) -> Answer {
        let (url, kept) = self.begin("/");
        self.back(&self.visit(&url, login), &[&kept])
    }

    /// Whom an answer that sends a browser on has signed in.
    fn person(&self, answer: &Answer) -> Person {
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = cookie(answer, "visiobook-session");
        let said = self.site.ask("GET", "/api/v1/account", &[("cookie", &cookie)], &Value::Null).json();
        let csrf = said["csrf_token"].as_str().unwrap().to_owned();
        Person { cookie, csrf, account: said["account"].clone() }
    }

    /// Begins to add an identity, or to say the password again, as somebody who is signed in.
    fn begin_as(&self, person: &Person, path: &str) -> (String, String) {
        let answer = person.ask(&self.site, "POST", path, json!({ "to": "/account" }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        (answer.json()["url"].as_str().unwrap().to_owned(), cookie(&answer, "visiobook-oidc"))
    }

    fn link(&self, person: &Person, login: &str) -> Answer {
        let (url, kept) = self.begin_as(person, "/api/v1/account/identities");
        self.back(&self.visit(&url, login), &[&kept, &person.cookie])
    }
}

/// A cookie that an answer sets, as it goes back.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.iter().filter(|(key, _)| key == "set-cookie").map(|(_, value)| value);
    let set = set.filter(|value| value.starts_with(&format!("{name}=")) && value.contains("HttpOnly; SameSite=Lax"));
    let set: Vec<&str> = set.map(|value| value.split(';').next().unwrap()).collect();
    assert_eq!(set.len(), 1, "{name}: {:?}", answer.headers);
    set[0].to_owned()
}

#[test]
fn whom_a_provider_vouches_for_has_an_account_and_comes_back_to_it() {
    for (alg, conform) in [("RS256", true), ("ES256", false)] {
        let Some(world) = World::start(alg, conform) else { return };
        assert_eq!(world.site.ask("GET", "/api/v1/node", &[], &Value::Null).json()["identity_provider"], "The Lamp");
        let (url, kept) = world.begin("/account");
        assert!(
            url.contains("code_challenge_method=S256") && url.contains("nonce=") && url.contains("state="),
            "{url}"
        );
        let path = world.visit(&url, "alice");
        let answer = world.back(&path, &[&kept]);
        assert_eq!(answer.header("location"), Some("/account"));
        assert_eq!(cookie(&answer, "visiobook-oidc"), "visiobook-oidc=", "it works once");
        let alice = world.person(&answer);
        let (email, name) = (alice.account["email"].as_str(), alice.account["name"].as_str());
        assert_eq!((email, name), (Some("alice@example.org"), Some("The alice")));
        assert_eq!((&alice.account["confirmed"], &alice.account["role"]), (&json!(true), &json!("user")));
        alice.project(&world.site, "a lamp");

        // Once more, from the same browser: the same account, another session, and the one before ends.
        let (url, kept) = world.begin("/");
        let again = world.person(&world.back(&world.visit(&url, "alice"), &[&kept, &alice.cookie]));
        assert_eq!(again.account["id"], alice.account["id"]);
        assert_ne!(again.cookie, alice.cookie);
        assert_eq!(alice.get(&world.site, "/api/v1/account").code(), "session-ended");
        let log = again.get(&world.site, "/api/v1/account/activity").json();
        let what: Vec<&str> = log["events"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
        assert_eq!(what, ["signed-in", "signed-in", "signed-up-as"]);
        let bob = world.person(&world.sign_in("bob"));
        assert_ne!(bob.account["id"], alice.account["id"]);
    }
}

#[test]
fn an_identity_is_added_by_whoever_is_signed_in_and_never_by_its_address() {
    let Some(world) = World::start("RS256", true) else { return };
    let site = &world.site;
    let alice = site.join("alice@example.org");
    // The provider says that alice@example.org is theirs, and that decides nothing.
    let unknown = world.sign_in("alice");
    assert_eq!((unknown.status, unknown.code()), (403, "oidc-unknown".into()));
    let unverified = world.sign_in("unverified-carol");
    assert_eq!(unverified.json()["detail"], unknown.json()["detail"], "whether an address is taken is not told");
    assert_eq!(site.post("/api/v1/account/identities", json!({})).code(), "sign-in-needed");

    let elsewhere = Person::of(&site.sign_in("alice@example.org", PASSWORD));
    let (url, kept) = world.begin_as(&alice, "/api/v1/account/identities");
    let path = world.visit(&url, "alice");
    // Signed out meanwhile, or signed in as somebody else: whose browser it is by now gets nothing.
    let (other_url, other_kept) = world.begin_as(&elsewhere, "/api/v1/account/identities");
    let other_path = world.visit(&other_url, "alice");
    assert_eq!(world.back(&other_path, &[&other_kept]).code(), "session-ended");
    let (other_url, other_kept) = world.begin_as(&elsewhere, "/api/v1/account/identities");
    let mallory = site.join("mallory@example.org");
    let planted = world.back(&world.visit(&other_url, "alice"), &[&other_kept, &mallory.cookie]);
    assert_eq!(planted.code(), "session-ended");

    let linked = world.back(&path, &[&kept, &alice.cookie]);
    assert_eq!((linked.status, linked.header("location")), (303, Some("/account")));
    assert_eq!(elsewhere.get(site, "/api/v1/account").code(), "session-ended", "every other session ends");
    assert!(site.letter("alice@example.org", 2).contains("identity of another service"));
    let list = alice.get(site, "/api/v1/account/identities").json();
    assert_eq!((&list["identities"][0]["label"], &list["has_password"]), (&json!("alice@example.org"), &json!(true)));
    assert_eq!(world.person(&world.sign_in("alice")).account["id"], alice.account["id"]);
    assert_eq!(world.link(&mallory, "alice").code(), "oidc-taken");
    assert_eq!(world.link(&mallory, "mallory").status, 303);

    let id = list["identities"][0]["id"].as_str().unwrap();
    let remove = |person: &Person, id: &str| {
        person.ask(site, "DELETE", &format!("/api/v1/account/identities/{id}"), Value::Null)
    };
    assert_eq!(remove(&mallory, id).code(), "identity-not-found");
    assert_eq!(remove(&alice, id).status, 204);
    assert_eq!(world.sign_in("alice").code(), "oidc-unknown");
    assert_eq!(world.link(&mallory, "alice").status, 303, "nobody has it by now");
    // Who has no password keeps the one way in that they have.
    let bob = world.person(&world.sign_in("bob"));
    let list = bob.get(site, "/api/v1/account/identities").json();
    let last = remove(&bob, list["identities"][0]["id"].as_str().unwrap());
    assert_eq!((last.status, last.code()), (409, "last-credential".into()));
    // In place of saying a password again, the provider is told to ask anew.
    let (url, kept) = world.begin_as(&bob, "/api/v1/auth/oidc/again");
    assert!(url.contains("max_age=0"), "{url}");
    assert_eq!(world.back(&world.visit(&url, "bob"), &[&kept, &bob.cookie]).status, 303);
    let (url, kept) = world.begin_as(&bob, "/api/v1/auth/oidc/again");
    assert_eq!(world.back(&world.visit(&url, "alice"), &[&kept, &bob.cookie]).code(), "oidc-unknown", "another's word");
    let log = bob.get(site, "/api/v1/account/activity?limit=1").json();
    assert_eq!(log["events"][0]["what"], "said-again");
}

#[test]
fn what_comes_back_is_used_once_in_the_browser_that_began_and_leads_nowhere_else() {
    let Some(world) = World::start("RS256", true) else { return };
    let (url, kept) = world.begin("/");
    let path = world.visit(&url, "alice");
    let (_, others) = world.begin("/");
    let planted = world.back(&path, &[&others]);
    assert_eq!((planted.status, planted.code()), (403, "oidc-state-unknown".into()), "a link made by somebody else");
    assert_eq!(world.back(&path, &[&kept]).code(), "oidc-state-unknown", "and it is used up");

    let (url, kept) = world.begin("/");
    let path = world.visit(&url, "alice");
    assert_eq!(world.back(&path, &[&kept]).status, 303);
    assert_eq!(world.back(&path, &[&kept]).code(), "oidc-state-unknown");
    // The code of that visit, in another one that was begun properly.
    let code = path.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let (url, kept) = world.begin("/");
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let replayed = world.back(&format!("/api/v1/auth/oidc/return?state={state}&code={code}"), &[&kept]);
    assert_eq!((replayed.status, replayed.code()), (403, "oidc-refused".into()));
    let (url, kept) = world.begin("/");
    let state = url.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let denied = format!("/api/v1/auth/oidc/return?state={state}&error=access_denied%3Cscript%3E");
    let headers = [("cookie", kept.as_str()), ("accept", "text/html"), ("accept-language", "fr")];
    let page = world.site.ask("GET", &denied, &headers, &Value::Null);
    assert_eq!((page.status, page.header("content-type")), (403, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("Recommencez") && page.text().contains("oidc-refused"), "{}", page.text());
    assert!(!page.text().contains("script") && page.header("content-security-policy").is_some());

    for to in ["//evil.example", "https%3A%2F%2Fevil.example", "/%5Cevil.example", "/%09/evil.example", "/api/v1/node"]
    {
        let answer = world.site.ask("GET", &format!("/api/v1/auth/oidc/begin?to={to}"), &[], &Value::Null);
        assert_eq!((answer.status, answer.code()), (400, "bad-request".into()), "{to}");
    }
}

#[test]
fn a_provider_that_lies_is_not_believed() {
    for (alg, conform) in [("RS256", true), ("ES256", false)] {
        let Some(mut world) = World::start(alg, conform) else { return };
        let lies =
            ["nonce", "audience", "audiences", "issuer", "expired", "signature", "key", "unsigned", "secret", "broken"];
        for lie in lies.into_iter().chain(["large", "redirect"]) {
            world.provider.tell(json!({ "mode": lie }));
            let answer = world.sign_in("alice");
            let wanted = if lie == "large" { (503, "oidc-unavailable") } else { (502, "oidc-answer-invalid") };
            assert_eq!((answer.status, answer.code().as_str()), wanted, "{alg}, {lie}");
            assert!(!answer.headers.iter().any(|(_, value)| value.starts_with("visiobook-session=")), "{lie}");
        }
        world.provider.tell(json!({ "mode": "honest" }));
        assert_eq!(world.sign_in("alice").status, 303);
    }
}

#[test]
fn without_the_provider_people_get_in_with_their_passwords() {
    let Some(mut world) = World::start("RS256", true) else { return };
    let alice = world.site.join("alice@example.org");
    world.provider.tell(json!({ "mode": "slow" }));
    let slow = world.sign_in("bob");
    assert_eq!((slow.status, slow.code()), (503, "oidc-unavailable".into()));
    assert!(slow.header("retry-after").is_some());
    world.provider.tell(json!({ "mode": "honest" }));
    let (url, kept) = world.begin("/");
    let path = world.visit(&url, "bob");
    world.provider.running.0.kill().unwrap();
    world.provider.running.0.wait().unwrap();
    assert_eq!(world.back(&path, &[&kept]).code(), "oidc-unavailable");
    assert_eq!(world.site.sign_in("alice@example.org", PASSWORD).status, 201);
    assert_eq!(alice.get(&world.site, "/api/v1/account").status, 200);

    // A node that never spoke with it.
    let site = Site::start_with(&[
        ("VISIOBOOK__AUTH__OIDC__ISSUER", "http://127.0.0.1:9"),
        ("VISIOBOOK__AUTH__OIDC__CLIENT_ID", "visiobook"),
        ("VISIOBOOK__AUTH__OIDC__CLIENT_SECRET", "sekret"),
    ]);
    let begin = |headers: &[(&str, &str)]| site.ask("GET", "/api/v1/auth/oidc/begin", headers, &Value::Null);
    assert_eq!((begin(&[]).status, begin(&[]).code()), (503, "oidc-unavailable".into()));
    assert!(begin(&[("accept", "text/html")]).text().contains("sign in with a password"));
    let off = Site::start();
    let none = off.ask("GET", "/api/v1/auth/oidc/begin", &[], &Value::Null);
    assert_eq!((none.status, none.code()), (404, "oidc-off".into()));
}
