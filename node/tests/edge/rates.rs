//! Who asks too much is told when to come again, and nobody else is.

use super::common::http::{Answer, get, request};
use super::common::{Server, visiobook};

const FEW: [(&str, &str); 3] = [("LIGHT_BURST", "5"), ("LIGHT_PER_S", "0.01"), ("ADDRESS_FACTOR", "2")];

fn few() -> std::process::Command {
    let mut command = visiobook();
    for (key, value) in FEW {
        command.env(format!("VISIOBOOK__RATES__{key}"), value);
    }
    command
}

#[test]
fn an_address_that_asks_too_much_is_told_when_to_come_again() {
    let data = tempfile::tempdir().unwrap();
    let mut command = few();
    command.env("VISIOBOOK__EDGE__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]");
    command.env("VISIOBOOK__EDGE__HOSTS", "[\"books.example\"]");
    let server = Server::start_with(data.path(), &mut command);
    let ask = |path: &str, client: &str| -> Answer {
        let told = [("x-forwarded-for", client), ("x-forwarded-proto", "https"), ("host", "books.example")];
        request(&server.address, "GET", path, &told, &[])
    };
    for count in 0..10 {
        assert_ne!(ask("/api/v1/projects", "203.0.113.7").status, 429, "{count}");
    }
    // Whatever it says that it came from.
    for client in ["203.0.113.7", "198.51.100.1, 203.0.113.7"] {
        let refused = ask("/api/v1/projects", client);
        assert_eq!((refused.status, refused.code().as_str()), (429, "rate-limited"), "{refused:?}");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=50).contains(&wait), "{wait}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    // What is not there counts too; whether the node is well may always be asked.
    assert_eq!(ask("/api/v1/nothing", "203.0.113.7").status, 429);
    assert_ne!(ask("/health/live", "203.0.113.7").status, 429);
    assert_ne!(ask("/api/v1/projects", "203.0.113.8").status, 429);
    // A household of IPv6 is one.
    for host in 0..10 {
        assert_ne!(ask("/api/v1/projects", &format!("2001:db8::{host}")).status, 429);
    }
    assert_eq!(ask("/api/v1/projects", "2001:db8::ffff").status, 429);
}

#[test]
fn whoever_sits_at_the_machine_is_not_counted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &mut few());
    for _ in 0..40 {
        assert_eq!(get(&server.address, "/api/v1/projects").status, 200);
    }
}
