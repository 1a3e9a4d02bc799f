//! Where a node may listen, and whom it believes.

use super::common::http::request;
use super::common::{Server, visiobook};

fn refused(settings: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    for (key, value) in settings {
        command.env(format!("VISIOBOOK__EDGE__{key}"), value);
    }
    let output = command.args(["serve", "--port", "0", "--data-dir"]).arg(data.path()).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    message
}

#[test]
fn a_node_does_not_start_where_its_listeners_would_not_be_safe() {
    let message = refused(&[("LISTEN", "[\"0.0.0.0\"]"), ("HOSTS", "[\"books.example\"]")]);
    assert!(message.contains("0.0.0.0") && message.contains("edge.trusted_proxies"), "{message}");
    let message = refused(&[("LISTEN", "[\"0.0.0.0\"]"), ("TRUSTED_PROXIES", "[\"10.0.0.0/8\"]")]);
    assert!(message.contains("edge.hosts"), "{message}");
    let message = refused(&[("TRUSTED_PROXIES", "[\"::/0\"]"), ("HOSTS", "[\"books.example\"]")]);
    assert!(message.contains("::/0"), "{message}");
    let message =
        refused(&[("LISTEN", "[\"192.0.2.1\"]"), ("TRUSTED_PROXIES", "[\"10.0.0.0/8\"]"), ("HOSTS", "[\"a\"]")]);
    assert!(message.contains("192.0.2.1") && message.contains("can't be opened"), "{message}");
}

#[test]
fn nobody_is_trusted_for_sitting_at_the_machine_once_others_can_be_there_too() {
    let code = |server: &Server, headers: &[(&str, &str)]| {
        let answer = request(&server.address, "GET", "/api/v1/projects", headers, &[]);
        (answer.status, if answer.status == 200 { String::new() } else { answer.code() })
    };
    let data = tempfile::tempdir().unwrap();
    let mut behind = visiobook();
    behind.env("VISIOBOOK__EDGE__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]");
    behind.env("VISIOBOOK__EDGE__HOSTS", "[\"books.example\"]");
    let server = Server::start_with(data.path(), &mut behind);
    let https = ("x-forwarded-proto", "https");
    assert_eq!(code(&server, &[]), (403, "tls-required".to_owned()));
    assert_eq!(code(&server, &[("x-forwarded-for", "203.0.113.9")]), (403, "tls-required".to_owned()));
    let local = [("x-forwarded-for", "127.0.0.1"), https, ("host", "localhost")];
    assert_eq!(code(&server, &local), (401, "sign-in-needed".to_owned()));
    let named = |host| [("x-forwarded-for", "203.0.113.9"), https, ("host", host)];
    assert_eq!(code(&server, &named("books.example")), (401, "sign-in-needed".to_owned()));
    assert_eq!(code(&server, &named("other.example")), (403, "foreign-host".to_owned()));
}

#[test]
fn several_addresses_are_listened_on() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__EDGE__LISTEN", "[\"127.0.0.1\", \"127.0.0.2\"]");
    command.args(["serve", "--port", "0", "--data-dir"]).arg(data.path()).stdout(std::process::Stdio::piped());
    let mut child = super::common::Running(command.spawn().unwrap());
    let lines = super::common::wait_for_line(child.0.stdout.take().unwrap(), |line| line.contains("http://"));
    let urls: Vec<&str> = lines[0].split_whitespace().filter_map(|word| word.strip_prefix("http://")).collect();
    assert_eq!(urls.len(), 2, "{lines:?}");
    for url in urls {
        assert_eq!(request(url, "GET", "/health/live", &[("host", "localhost")], &[]).status, 204, "{url}");
    }
}
