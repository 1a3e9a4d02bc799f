//! The session's cookie.
//!
//! Under TLS its name begins with `__Host-`: browsers then take it from this very host only, for all of its paths, and
//! over TLS alone, so that no neighbour can plant one. Over plain HTTP, which is loopback, they would drop such a
//! cookie; there it has a plain name.

use actors::accounts::sessions::LONGEST;
use domain::account::Secret;
use domain::id::ProjectId;
use warp::http::{HeaderMap, header};

const SECURE_NAME: &str = "__Host-visiobook";
const PLAIN_NAME: &str = "visiobook-session";

/// The cookie of a flow to the identity provider, and how long it is kept, seconds.
const FLOW_SECURE_NAME: &str = "__Host-visiobook-oidc";
const FLOW_PLAIN_NAME: &str = "visiobook-oidc";
const FLOW_S: u64 = 600;

fn flow_name(secure: bool) -> &'static str {
    if secure { FLOW_SECURE_NAME } else { FLOW_PLAIN_NAME }
}

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// The token in a request's cookie. Of several cookies of one name the first counts.
pub fn session(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    named(headers, name(secure))
}

fn named(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| Secret(value.to_owned()))
}

/// The cookie of an opened share link. Its path is that of its project: so it goes along with nothing else, and several
/// can be open. (`__Host-` would want it for all paths; `__Secure-` still keeps it to TLS.)
fn opened_name(secure: bool) -> &'static str {
    if secure { "__Secure-visiobook-share" } else { "visiobook-share" }
}

/// What shows that a share link was opened.
pub fn opened(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    named(headers, opened_name(secure))
}

/// What has a browser show that a share link of a project was opened, for so many seconds.
pub fn keep_opened(secure: bool, visit: &Secret, project: ProjectId, max_age_s: u64) -> String {
    let (name, tls) = (opened_name(secure), if secure { "; Secure" } else { "" });
    let path = format!("/api/v1/projects/{project}");
    format!("{name}={}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{tls}", visit.0)
}

/// What a browser has kept of a flow to the identity provider.
pub fn flow(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    named(headers, flow_name(secure))
}

fn set(secure: bool, value: &str, max_age_s: u64) -> String {
    set_named(secure, name(secure), value, max_age_s)
}

fn set_named(secure: bool, name: &str, value: &str, max_age_s: u64) -> String {
    let tls = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{tls}")
}

/// What has a browser keep what a flow to the identity provider ends with. It comes back from another site, by a link:
/// `Lax` lets it.
pub fn keep_flow(secure: bool, binding: &Secret) -> String {
    set_named(secure, flow_name(secure), &binding.0, FLOW_S)
}

/// What has a browser forget a flow.
pub fn forget_flow(secure: bool) -> String {
    set_named(secure, flow_name(secure), "", 0)
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
        let visit = keep_opened(true, &Secret("vv_a".into()), ProjectId(7), 60);
        let path = "/api/v1/projects/00000000-0000-0000-0000-000000000007";
        assert_eq!(
            visit,
            format!("__Secure-visiobook-share=vv_a; Path={path}; Max-Age=60; HttpOnly; SameSite=Lax; Secure")
        );
        assert!(forget(true).starts_with("__Host-visiobook=; Path=/; Max-Age=0;"));
    }
}
