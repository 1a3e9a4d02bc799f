//! The protocol as tus-js-client speaks it: a client that others wrote.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::id::Digest;

use super::common::http::get;
use super::common::{Running, Server, repository};
use super::patterned;

/// Which release of the client is spoken with.
const CLIENT: &str = "tus-js-client@4.3.1";

/// The folder that holds the client, installed once for each build folder; `None` without Node.js.
fn client() -> Option<PathBuf> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
    if !there("node") || !there("npm") {
        println!("skipped: this test needs node and npm, which are not on the PATH");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(CLIENT);
    if !folder.join("node_modules/tus-js-client/package.json").is_file() {
        std::fs::create_dir_all(&folder).unwrap();
        let mut install = Command::new("npm");
        install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder).arg(CLIENT);
        let done = install.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    Some(folder)
}

#[test]
fn tus_js_client_breaks_off_goes_on_after_a_restart_and_takes_back() {
    let Some(client) = client() else { return };
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = patterned(20_000_000);
    std::fs::write(file.path(), &bytes).unwrap();
    let mut script = Command::new("node");
    script.arg(repository("node/tests/uploads/tus_client.mjs")).arg(&client).arg(&server.address).arg(file.path());
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let _ends_with_the_test = Running(script);
    let mut steps = BufReader::new(stdout).lines();
    let mut step = |wanted: &str| {
        let line = steps.next().unwrap_or_else(|| panic!("it ended before it was {wanted}")).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said["step"], wanted);
        let url = said["url"].as_str().unwrap();
        url[url.find("/api").unwrap()..].to_owned()
    };

    let upload = step("broken off");
    let kept = super::offset(&server.address, &upload);
    assert!((5_000_000..bytes.len()).contains(&kept), "{kept}");
    server.running.kill();
    let server = Server::start(data.path());
    assert!(super::offset(&server.address, &upload) >= kept, "what was said is there");
    writeln!(stdin, "{}", server.address).unwrap();
    assert_eq!(step("complete"), upload);
    let view = get(&server.address, &upload).json();
    assert_eq!((view["name"].as_str(), view["offset"].as_u64()), (Some("winter.bin"), Some(20_000_000)));
    assert_eq!(view["digest"], Digest::of(&bytes).to_string());
    let given_up = step("given up");
    assert_ne!(given_up, upload);
    assert_eq!(get(&server.address, &given_up).status, 404);
}
