//! A node's address, and connections to it: plain ones on this machine, TLS to others.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use url::{Host, Url};

use super::Failure;

/// An address as it is kept and compared: without what browsers would leave away too, and without a slash at its end.
///
/// # Errors
/// Exit code 2 for what is no address of a node.
pub fn understood(text: &str) -> Result<String, Failure> {
    let bad = || Failure::bad_input(format!("{text} is no node's address, such as https://books.example"));
    let url = Url::parse(text).map_err(|_| bad())?;
    let is_one = ["http", "https"].contains(&url.scheme()) && url.host().is_some() && url.username().is_empty();
    if !is_one || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(bad());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Makes sure that what shows who asks goes over no network in the clear.
///
/// # Errors
/// Exit code 2 for plain HTTP to another machine.
pub fn private(base: &str) -> Result<(), Failure> {
    let is_here = |host: Host<&str>| match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => IpAddr::V4(ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::V6(ip).to_canonical().is_loopback(),
    };
    let url = Url::parse(base).ok();
    match url.as_ref().is_some_and(|url| url.scheme() == "https" || url.host().is_some_and(is_here)) {
        true => Ok(()),
        false => Err(Failure::bad_input(format!(
            "{base} is plain HTTP to another machine: keys and passwords would be read on the way; use https"
        ))),
    }
}

/// Connects to an address: over TLS, where that is https, under whom the machine trusts or under the authorities in a
/// file of one's own.
///
/// # Errors
/// Exit code 2 for a file that holds none; 1 where the machine has none.
pub fn connector(base: &str, ca: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| Failure::new(format!("there is no TLS here: {e}")))?;
    // They take a while to read, and plain HTTP has no use for them.
    let roots = match (ca, base.starts_with("https:")) {
        (Some(path), _) => named(path)?,
        (None, true) => of_the_machine()?,
        (None, false) => RootCertStore::empty(),
    };
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build())
}

fn named(path: &Path) -> Result<RootCertStore, Failure> {
    let bad = |why: String| Failure::bad_input(format!("{} holds no certificate authority: {why}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))? {
        let added = roots.add(certificate.map_err(|e| bad(e.to_string()))?);
        added.map_err(|e| bad(e.to_string()))?;
    }
    if roots.is_empty() { Err(bad("it has no certificate in PEM".into())) } else { Ok(roots) }
}

fn of_the_machine() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match added {
        0 => Err(Failure::new(
            "this machine has no certificate authorities: install ca-certificates, or name one (--ca)",
        )),
        _ => Ok(roots),
    }
}

/// Why a connection failed, with what lies behind it: the outermost error alone says nothing that helps.
pub fn why(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        words = format!("{words}: {error}");
        next = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (text, is) in [
            ("https://Books.example:443/", Some("https://books.example")),
            ("http://127.0.0.1:8321", Some("http://127.0.0.1:8321")),
            ("http://[::1]:80//", Some("http://[::1]")),
            ("https://a.example/books/", Some("https://a.example/books")),
            ("ftp://a.example", None),
            ("a.example", None),
            ("https://anna:lamp@a.example", None),
            ("https://a.example/?x", None),
            ("", None),
        ] {
            assert_eq!(understood(text).ok().as_deref(), is, "{text}");
        }
    }

    #[test]
    fn what_shows_who_asks_goes_in_the_clear_to_this_machine_only() {
        for (base, goes) in [
            ("https://a.example", true),
            ("http://localhost:8321", true),
            ("http://127.0.0.2:8321", true),
            ("http://[::1]:8321", true),
            ("http://a.example", false),
            ("http://192.168.1.2:8321", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(private(base).is_ok(), goes, "{base}");
        }
    }
}
