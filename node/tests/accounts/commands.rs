//! The commands against a node with accounts, as somebody at a shell uses them.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::codes::guarded;
use super::common::visiobook;
use super::people::{ADMIN, CODE, OTHER, PASSWORD, Site, book};

/// A machine of somebody's: their folder for configuration, and a node that they speak to.
struct Shell<'a> {
    home: tempfile::TempDir,
    site: &'a Site,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    exit: i32,
    out: String,
    err: String,
}

impl Said {
    fn done(self) -> String {
        assert_eq!(self.exit, 0, "{self:?}");
        self.out
    }

    fn json(self) -> Value {
        let text = self.done();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
}

fn run(command: &mut Command, lines: &[&str]) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who asks for nothing may be gone already.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes());
    let said = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { exit: said.status.code().unwrap(), out: text(said.stdout), err: text(said.stderr) }
}

impl<'a> Shell<'a> {
    fn at(site: &'a Site) -> Self {
        Self { home: tempfile::tempdir().unwrap(), site }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = visiobook();
        command.args(arguments).args(["--server", &format!("http://{}", self.site.address())]);
        command.env("XDG_CONFIG_HOME", self.home.path()).env_remove("VISIOBOOK_KEY");
        command
    }

    fn run(&self, arguments: &[&str], lines: &[&str]) -> Said {
        run(&mut self.command(arguments), lines)
    }

    fn sessions(&self) -> std::path::PathBuf {
        self.home.path().join("visiobook/sessions.json")
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn somebody_makes_the_first_account_signs_in_works_and_signs_out() {
    let site = Site::start();
    let shell = Shell::at(&site);
    let create = ["user", "create", "--claim", "--email", ADMIN, "--name", "Admin"];
    let wrong = shell.run(&create, &["TESTTESTTESTTESTTESTTESTTESX", PASSWORD]);
    assert!(wrong.exit == 2 && wrong.err.contains("(claim-code-wrong)"), "{wrong:?}");
    let made = shell.run(&create, &[CODE, PASSWORD]).done();
    assert!(made.contains("first account"), "{made}");
    assert_eq!((mode(&shell.sessions()), mode(shell.sessions().parent().unwrap())), (0o600, 0o700));

    // What is kept is used, and nobody else's.
    let file = shell.home.path().join("lamp.txt");
    std::fs::write(&file, book("commands")).unwrap();
    let added = shell.run(&["project", "add", file.to_str().unwrap(), "--json"], &[]).json();
    let project = added["id"].as_str().unwrap().to_owned();
    assert!(shell.run(&["project", "list"], &[]).done().contains(&project));
    let stranger = Shell::at(&site).run(&["project", "list"], &[]);
    assert!(stranger.exit == 2 && stranger.err.contains("visiobook sign-in"), "{stranger:?}");

    // Somebody else signs up, and is given a role.
    let asked = shell.run(&["user", "create", "--email", "anna@example.org", "--name", "Anna"], &[PASSWORD]).done();
    assert!(asked.contains("mailed to anna@example.org"), "{asked}");
    site.letter("anna@example.org", 1);
    let role = shell.run(&["user", "role", "anna@example.org", "operator", "--json"], &[]).json();
    assert_eq!(role["role"], "operator");
    let table = shell.run(&["user", "list"], &[]).done();
    let anna = table.lines().find(|line| line.starts_with("anna@example.org")).unwrap();
    assert!(anna.contains("operator") && anna.contains(" no "), "{table}");
    assert_eq!(shell.run(&["user", "list", "--json"], &[]).json().as_array().map(Vec::len), Some(2));
    let activity = shell.run(&["user", "activity", "anna@example.org"], &[]).done();
    assert!(activity.contains("role-changed") && activity.contains("signed-up"), "{activity}");
    assert_eq!(shell.run(&["user", "show", "nobody@example.org"], &[]).exit, 3);

    // A file that others may read is not used; signing out forgets it.
    std::fs::set_permissions(shell.sessions(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = shell.run(&["project", "list"], &[]);
    assert!(exposed.exit == 2 && exposed.err.contains("chmod 600"), "{exposed:?}");
    std::fs::set_permissions(shell.sessions(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let before = std::fs::read(shell.sessions()).unwrap();
    shell.run(&["sign-out"], &[]).done();
    assert_eq!(shell.run(&["project", "list"], &[]).exit, 2);
    std::fs::write(shell.sessions(), before).unwrap();
    let ended = shell.run(&["project", "list"], &[]);
    assert!(ended.err.contains("(session-ended)"), "the node ended it too: {ended:?}");
    shell.run(&["sign-in", "--email", ADMIN], &[PASSWORD]).done();
    shell.run(&["project", "show", &project], &[]).done();
}

#[test]
fn programs_work_by_keys() {
    let site = Site::start();
    site.claim();
    let shell = Shell::at(&site);
    let none = shell.run(&["key", "list"], &[]);
    assert!(none.exit == 2 && none.err.contains("(sign-in-needed)"), "{none:?}");
    let refused = shell.run(&["sign-in", "--email", ADMIN], &[OTHER]);
    assert!(refused.exit == 2 && refused.err.contains("(sign-in-refused)"), "{refused:?}");
    let silent = shell.run(&["sign-in", "--email", ADMIN], &[]);
    assert!(silent.exit == 2 && silent.err.contains("no line of input"), "{silent:?}");
    shell.run(&["sign-in"], &[ADMIN, PASSWORD]).done();

    let made = shell.run(&["key", "create", "--name", "look", "--scope", "read", "--days", "2"], &[]);
    assert!(made.err.contains("this once"), "{made:?}");
    let token = made.done().trim().to_owned();
    assert!(token.starts_with("vk_"), "{token}");
    let listed = shell.run(&["key", "list", "--json"], &[]).json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let table = shell.run(&["key", "list"], &[]).done();
    assert!(table.contains(&id) && table.contains("look") && table.contains("never") && !table.contains(&token));

    // Elsewhere, where nobody signed in.
    let other = Shell::at(&site);
    let by_key = |arguments: &[&str]| run(other.command(arguments).env("VISIOBOOK_KEY", &token), &[]);
    assert_eq!(by_key(&["project", "list", "--json"]).json(), serde_json::json!([]));
    let more = by_key(&["storage", "health"]);
    assert!(more.exit == 2 && more.err.contains("(key-not-enough)"), "{more:?}");
    let keys = by_key(&["key", "list"]);
    assert!(keys.exit == 2 && keys.err.contains("(key-not-enough)"), "{keys:?}");
    let file = other.home.path().join("key.txt");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    other.run(&["project", "list", "--key-file", file.to_str().unwrap()], &[]).done();

    // A backup takes a key for it, and a whole one is made.
    let made = shell.run(&["key", "create", "--name", "nightly", "--scope", "administer"], &[]).done();
    let archive = other.home.path().join("all.visiobook");
    let backup = ["backup", archive.to_str().unwrap()];
    assert_eq!(by_key(&backup).exit, 2);
    run(other.command(&backup).env("VISIOBOOK_KEY", made.trim()), &[]).done();
    assert!(archive.metadata().unwrap().len() > 0);

    shell.run(&["key", "revoke", &id], &[]).done();
    let revoked = by_key(&["project", "list"]);
    assert!(revoked.exit == 2 && revoked.err.contains("(key-invalid)"), "{revoked:?}");
    assert_eq!(shell.run(&["key", "revoke", &id], &[]).exit, 3);
    // It goes to no other machine in the clear.
    let mut away = visiobook();
    away.args(["project", "list", "--server", "http://books.example"]).env("VISIOBOOK_KEY", &token);
    let away = run(&mut away, &[]);
    assert!(away.exit == 2 && away.err.contains("use https"), "{away:?}");
}

#[test]
fn a_second_factor_is_asked_for_at_the_shell_too() {
    let site = Site::start();
    let (_, _, codes) = guarded(&site);
    let shell = Shell::at(&site);
    let silent = shell.run(&["sign-in", "--email", "anna@example.org"], &[PASSWORD]);
    assert!(silent.exit == 2 && silent.err.contains("Code of the second factor"), "{silent:?}");
    let wrong = shell.run(&["sign-in", "--email", "anna@example.org"], &[PASSWORD, "not a code"]);
    assert!(wrong.exit == 2 && wrong.err.contains("(second-factor-wrong)"), "{wrong:?}");
    shell.run(&["sign-in", "--email", "anna@example.org"], &[PASSWORD, &codes[0]]).done();
    shell.run(&["project", "list"], &[]).done();
}

#[test]
fn a_node_under_tls_is_spoken_to_by_whom_its_certificate_is_signed_by() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let certificate = certificate.to_str().unwrap();
    let site = Site::start_with(&[
        ("VISIOBOOK__EDGE__CERTIFICATE", certificate),
        ("VISIOBOOK__EDGE__KEY", key.to_str().unwrap()),
    ]);
    let home = tempfile::tempdir().unwrap();
    let server = format!("https://localhost:{}", site.address().rsplit(':').next().unwrap());
    let run = |arguments: &[&str], lines: &[&str]| {
        let mut command = visiobook();
        command.args(arguments).args(["--server", &server]).env("XDG_CONFIG_HOME", home.path());
        run(&mut command, lines)
    };
    let create = ["user", "create", "--claim", "--email", ADMIN, "--name", "Admin", "--ca", certificate];
    run(&create, &[CODE, PASSWORD]).done();
    run(&["project", "list", "--ca", certificate], &[]).done();
    let unknown = run(&["project", "list"], &[]);
    assert!(unknown.exit == 1 && unknown.err.to_lowercase().contains("certificate"), "{unknown:?}");
    let none = run(&["project", "list", "--ca", "/nowhere.pem"], &[]);
    assert!(none.exit == 2 && none.err.contains("/nowhere.pem"), "{none:?}");
}
