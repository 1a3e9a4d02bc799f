//! Who is let in. A one-machine node trusts whoever sits at its machine, and nobody else: it listens on
//! loopback only, and a page of another site must not be able to speak to it through the browser.

use domain::principal::Principal;
use warp::http::{HeaderMap, Method, header};

use super::edge::caller::{Caller, Host};
use super::problem::ApiError;

/// Makes sure that nobody on the way could read a request or its answer, that it names this node, and that it comes from
/// our own page (or from no page at all). Gives whoever sits at the machine where that is who asks, and nobody else can:
/// whether they are trusted is another question.
///
/// A `Host` that is not the node's is refused, which defeats DNS rebinding; `Origin` and `Sec-Fetch-Site`, where a
/// browser sends them, must be ours.
///
/// # Errors
/// `tls-required`, `not-local`, `foreign-host`, `foreign-origin`.
pub fn admit(caller: &Caller, method: &Method, headers: &HeaderMap) -> Result<Option<Principal>, ApiError> {
    if !caller.is_private() {
        let detail =
            "this node is spoken to over https only; behind a proxy, the proxy has to say so in what it forwards";
        return Err(ApiError::new("tls-required", detail));
    }
    if !caller.local && !caller.invited {
        let detail = "this node serves only the machine that it runs on, and no proxy; open it there";
        return Err(ApiError::new("not-local", detail));
    }
    if caller.host == Host::Foreign {
        let detail = "open this page as http://127.0.0.1 or http://localhost, or by a name of the node's (edge.hosts)";
        return Err(ApiError::new("foreign-host", detail));
    }
    own_page(caller, method, headers)?;
    Ok((caller.local && matches!(caller.host, Host::Loopback(_))).then_some(Principal::LOCAL))
}

/// Makes sure that no page of another site speaks through somebody's browser.
///
/// # Errors
/// `foreign-origin`.
fn own_page(caller: &Caller, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let foreign = || ApiError::new("foreign-origin", "another site may not use this node");
    if let Some(origin) = text(headers, header::ORIGIN.as_str())
        && caller.origin().as_deref() != Some(&origin.to_ascii_lowercase())
    {
        return Err(foreign());
    }
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        // A link from elsewhere may open the page, but not act on it.
        Some(_) if is_safe && text(headers, "sec-fetch-mode") == Some("navigate") => Ok(()),
        Some(_) => Err(foreign()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use warp::http::Uri;

    use super::super::edge::caller::Policy;
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";

    fn ask(peer: &str, method: Method, headers: &[(&'static str, &'static str)]) -> Result<(), String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let caller = Policy::default().caller(peer.parse().unwrap(), false, &Uri::from_static("/"), &map);
        admit(&caller, &method, &map).map(|_| ()).map_err(|e| e.code)
    }

    #[test]
    fn programs_and_our_own_page_are_let_in() {
        assert_eq!(ask(LOOPBACK, Method::POST, &[("host", "127.0.0.1:8420")]), Ok(()));
        assert_eq!(ask("::1", Method::GET, &[("host", "[::1]:8420")]), Ok(()));
        let page = [("host", "localhost:8420"), ("origin", "http://localhost:8420"), ("sec-fetch-site", "same-origin")];
        assert_eq!(ask(LOOPBACK, Method::DELETE, &page), Ok(()));
    }

    #[test]
    fn other_machines_and_proxies_are_not() {
        assert_eq!(ask("192.0.2.7", Method::GET, &[("host", "127.0.0.1")]), Err("tls-required".into()));
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
