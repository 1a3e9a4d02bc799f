//! The session's cookie.
//!
//! Under TLS its name begins with `__Host-`: browsers then take it from this very host only, for all of its paths, and
//! over TLS alone, so that no neighbour can plant one. Over plain HTTP, which is loopback, they would drop such a
//! cookie; there it has a plain name.

use actors::accounts::sessions::LONGEST;
use domain::account::Secret;
use warp::http::{HeaderMap, header};

const SECURE_NAME: &str = "__Host-visiobook";
const PLAIN_NAME: &str = "visiobook-session";

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// The token in a request's cookie. Of several cookies of one name the first counts.
pub fn session(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name(secure)).map(|(_, value)| Secret(value.to_owned()))
}

fn set(secure: bool, value: &str, max_age_s: u64) -> String {
    let tls = if secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{tls}", name(secure))
}

/// What has a browser keep a session.
pub fn keep(secure: bool, token: &Secret) -> String {
    set(secure, &token.0, LONGEST.as_secs())
}

/// What has a browser forget its session.
pub fn forget(secure: bool) -> String {
    set(secure, "", 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_says_all_that_keeps_it_where_it_belongs() {
        let token = Secret("vs_a".into());
        let secure = keep(true, &token);
        assert_eq!(secure, "__Host-visiobook=vs_a; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure");
        assert!(!secure.contains("Domain"));
        let plain = keep(false, &token);
        assert_eq!(plain, "visiobook-session=vs_a; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax");
        assert!(forget(true).starts_with("__Host-visiobook=; Path=/; Max-Age=0;"));
    }
}
