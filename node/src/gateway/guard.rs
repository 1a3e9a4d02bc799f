//! Who is let in. A one-machine node trusts whoever sits at its machine, and nobody else: it listens on
//! loopback only, and a page of another site must not be able to speak to it through the browser.

use std::net::SocketAddr;

use domain::principal::Principal;
use warp::http::{HeaderMap, Method, header};

use super::problem::ApiError;

/// Headers that a proxy adds: with one in place, "from loopback" says nothing about who asks.
const FORWARDING: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// Makes sure that a request comes from this machine and from our own page (or from no page at all).
///
/// `Host` must name loopback, which defeats DNS rebinding; `Origin` and `Sec-Fetch-Site`, where a browser
/// sends them, must be ours.
///
/// # Errors
/// `not-local`, `foreign-host`, `foreign-origin`.
pub fn local(peer: Option<SocketAddr>, method: &Method, headers: &HeaderMap) -> Result<Principal, ApiError> {
    if !peer.is_some_and(|p| p.ip().is_loopback()) || FORWARDING.iter().any(|name| headers.contains_key(*name)) {
        let detail = "this node serves only the machine that it runs on, and no proxy; open it there";
        return Err(ApiError::new("not-local", detail));
    }
    let host = text(headers, header::HOST.as_str()).unwrap_or_default();
    if !is_loopback_host(host) {
        return Err(ApiError::new("foreign-host", "open this page as http://127.0.0.1 or http://localhost"));
    }
    let foreign = || ApiError::new("foreign-origin", "another site may not use this node");
    if let Some(origin) = text(headers, header::ORIGIN.as_str())
        && origin.strip_prefix("http://") != Some(host)
    {
        return Err(foreign());
    }
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(Principal::LOCAL),
        // A link from elsewhere may open the page, but not act on it.
        Some(_) if is_safe && text(headers, "sec-fetch-mode") == Some("navigate") => Ok(Principal::LOCAL),
        Some(_) => Err(foreign()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    };
    name == "localhost" || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1:4000";

    fn ask(peer: &str, method: Method, headers: &[(&'static str, &'static str)]) -> Result<(), String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        local(peer.parse().ok(), &method, &map).map(|_| ()).map_err(|e| e.code)
    }

    #[test]
    fn programs_and_our_own_page_are_let_in() {
        assert_eq!(ask(LOOPBACK, Method::POST, &[("host", "127.0.0.1:8420")]), Ok(()));
        assert_eq!(ask("[::1]:9", Method::GET, &[("host", "[::1]:8420")]), Ok(()));
        let page = [("host", "localhost:8420"), ("origin", "http://localhost:8420"), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask(LOOPBACK, Method::DELETE, &page), Ok(()));
    }

    #[test]
    fn other_machines_and_proxies_are_not() {
        assert_eq!(ask("192.0.2.7:4000", Method::GET, &[("host", "127.0.0.1")]), Err("not-local".into()));
        let proxied = [("host", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(ask(LOOPBACK, Method::GET, &proxied), Err("not-local".into()));
    }

    #[test]
    fn a_name_that_points_to_loopback_is_not_loopback() {
        assert_eq!(ask(LOOPBACK, Method::GET, &[("host", "evil.example:8420")]), Err("foreign-host".into()));
        assert_eq!(ask(LOOPBACK, Method::GET, &[]), Err("foreign-host".into()));
        assert_eq!(ask(LOOPBACK, Method::GET, &[("host", "127.0.0.1.evil.example")]), Err("foreign-host".into()));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let other = [("host", "127.0.0.1:8420"), ("origin", "http://127.0.0.1:9999")];
        assert_eq!(ask(LOOPBACK, Method::POST, &other), Err("foreign-origin".into()));
        let null = [("host", "127.0.0.1:8420"), ("origin", "null")];
        assert_eq!(ask(LOOPBACK, Method::POST, &null), Err("foreign-origin".into()));
        let cross = [("host", "127.0.0.1:8420"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(ask(LOOPBACK, Method::GET, &cross), Err("foreign-origin".into()));
        let link = [("host", "127.0.0.1:8420"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(ask(LOOPBACK, Method::GET, &link), Ok(()));
    }
}
