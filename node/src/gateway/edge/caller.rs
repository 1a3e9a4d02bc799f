//! Who asks, as far as the connection and proxies that are trusted tell.

use std::net::IpAddr;

use ipnet::IpNet;
use warp::http::{HeaderMap, Uri, header};

/// Headers that a proxy adds: with one in place, "from loopback" says nothing about who asks.
const FORWARDING: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];
/// Proxies in a row that are looked at.
const MAX_HOPS: usize = 32;

/// Which headers a trusted proxy sets. One kind only: it would hand on the other as a stranger sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// What a node holds callers against.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Proxies whose word is taken.
    pub proxies: Vec<IpNet>,
    /// Which headers they set.
    pub forwarded_by: ForwardedBy,
    /// Names, lower case, that the node is reached by besides those of loopback; any port where none is said.
    pub hosts: Vec<String>,
    /// Other machines reach it.
    pub exposed: bool,
}

/// What the node was called in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name of loopback, with its port.
    Loopback(String),
    /// One of its configured names, with the port.
    Named(String),
    /// Anything else, nothing, or two things at once.
    Foreign,
}

/// What proxies said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// Nothing.
    No,
    /// A trusted proxy handed it on.
    Trusted,
    /// Something that is not believed: the other end is no trusted proxy.
    Unasked,
}

/// The facts of a request that its sender can't make up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Who asks: the other end, or what trusted proxies say in its place.
    pub address: IpAddr,
    /// Nobody on the way could read it: TLS here, or at a trusted proxy.
    pub secure: bool,
    /// What the node was called.
    pub host: Host,
    /// What proxies said.
    pub forwarded: Forwarded,
    /// Sits at this machine, and nobody else can: loopback, no listener beyond it, no proxy.
    pub local: bool,
    /// The node listens beyond loopback or trusts a proxy: it is there for others than who sits at its machine.
    pub invited: bool,
}

impl Caller {
    /// The origin of our own pages for this caller, such as `https://books.example`; `None` where it named no host of
    /// ours.
    pub fn origin(&self) -> Option<String> {
        let (Host::Loopback(host) | Host::Named(host)) = &self.host else { return None };
        Some(format!("{}://{host}", if self.secure { "https" } else { "http" }))
    }

    /// What it sent can be read by nobody on the way: it is secure, or never left this machine.
    pub fn is_private(&self) -> bool {
        self.secure || (self.peer.is_loopback() && self.forwarded != Forwarded::Trusted)
    }
}

impl Policy {
    /// The facts of a request that came over a connection with `peer`, with TLS if it is `secure`.
    pub fn caller(&self, peer: IpAddr, secure: bool, uri: &Uri, headers: &HeaderMap) -> Caller {
        let peer = peer.to_canonical();
        let told = FORWARDING.iter().any(|name| headers.contains_key(*name));
        let direct = Caller {
            peer,
            address: peer,
            secure,
            host: self.host(named(uri, headers).as_deref()),
            forwarded: if told { Forwarded::Unasked } else { Forwarded::No },
            local: peer.is_loopback() && !told && !self.serves_others(),
            invited: self.serves_others(),
        };
        if !self.trusts(peer) {
            return direct;
        }
        let said = match self.forwarded_by {
            ForwardedBy::XForwarded => Said::of_x_forwarded(headers),
            ForwardedBy::Forwarded => Said::of_forwarded(headers),
        };
        Caller {
            address: self.client(peer, &said.hops),
            secure: said.proto.as_deref() == Some("https"),
            host: said.host.map_or(direct.host, |host| self.host(Some(&host))),
            forwarded: Forwarded::Trusted,
            ..direct
        }
    }

    fn serves_others(&self) -> bool {
        self.exposed || !self.proxies.is_empty()
    }

    /// Whether an address is a trusted proxy's.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(&address))
    }

    /// The right-most address that no trusted proxy has; what is left of it anybody can have written. One that can't
    /// be read ends the list: who handed it on is then taken for who asks.
    fn client(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev().take(MAX_HOPS) {
            let Some(address) = hop else { return client };
            client = *address;
            if !self.trusts(client) {
                return client;
            }
        }
        client
    }

    fn host(&self, named: Option<&str>) -> Host {
        let Some(authority) = named.map(str::to_ascii_lowercase) else { return Host::Foreign };
        let name = without_port(&authority);
        if name == "localhost" || name == "127.0.0.1" || name == "[::1]" {
            return Host::Loopback(authority);
        }
        let known = self.hosts.iter().any(|host| host == name || *host == authority);
        if known { Host::Named(authority) } else { Host::Foreign }
    }
}

/// What the node is called: the target's authority (HTTP/2) or `Host`; nothing where they contradict one another.
fn named(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().ok()?),
        (Some(_), Some(_)) => return None,
    };
    let authority = uri.authority().map(|authority| authority.as_str());
    match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host).then(|| host.to_owned()),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    }
}

/// What a proxy says of whom it serves.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// From the client on; `None` for what is no address.
    hops: Vec<Option<IpAddr>>,
    proto: Option<String>,
    host: Option<String>,
}

impl Said {
    fn of_x_forwarded(headers: &HeaderMap) -> Self {
        let last = |name| elements(headers, name).pop().filter(|text| !text.is_empty());
        Self {
            hops: elements(headers, "x-forwarded-for").iter().map(|text| address(text)).collect(),
            proto: last("x-forwarded-proto").map(|text| text.to_ascii_lowercase()),
            host: last("x-forwarded-host"),
        }
    }

    fn of_forwarded(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        for element in elements(headers, "forwarded") {
            let (mut hop, mut proto, mut host) = (None, None, None);
            for pair in element.split(';') {
                let Some((name, value)) = pair.split_once('=') else { continue };
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => hop = address(value),
                    "proto" => proto = Some(value.to_ascii_lowercase()),
                    "host" => host = Some(value.to_owned()),
                    _ => {}
                }
            }
            said.hops.push(hop);
            // The last element is the proxy's own.
            (said.proto, said.host) = (proto, host);
        }
        said
    }
}

/// The elements of a list in headers, those of several lines one after the other.
fn elements(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(|text| text.trim().to_owned()).collect()
}

/// An address as proxies write it: plain, with a port, in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let inner = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, port)) if port.is_empty() || port.starts_with(':') => inner,
        Some(_) => return None,
        None if text.matches(':').count() == 1 => without_port(text),
        None => text,
    };
    inner.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn behind_a_proxy(forwarded_by: ForwardedBy) -> Policy {
        let proxies = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        Policy { proxies, forwarded_by, hosts: vec!["books.example".to_owned()], exposed: true }
    }

    fn told(policy: &Policy, peer: &str, lines: &[(&'static str, &'static str)]) -> Caller {
        policy.caller(peer.parse().unwrap(), false, &Uri::from_static("/"), &headers(lines))
    }

    #[test]
    fn the_right_most_address_that_is_no_proxys_wins() {
        let policy = behind_a_proxy(ForwardedBy::XForwarded);
        for (lines, wanted) in [
            (vec![("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            (vec![("x-forwarded-for", "198.51.100.1, 203.0.113.9, 10.1.1.1")], "203.0.113.9"),
            (vec![("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9:4711")], "203.0.113.9"),
            (vec![("x-forwarded-for", "203.0.113.9, [2001:db8::7]:80")], "2001:db8::7"),
            (vec![("x-forwarded-for", "203.0.113.9, ::ffff:198.51.100.1")], "198.51.100.1"),
            // Of what can't be read nothing is made up, and nothing behind it is believed.
            (vec![("x-forwarded-for", "203.0.113.9, unknown")], "10.0.0.1"),
            (vec![("x-forwarded-for", "203.0.113.9, ")], "10.0.0.1"),
            (vec![("x-forwarded-for", "203.0.113.9, unknown, 10.1.1.1")], "10.1.1.1"),
            (vec![("x-forwarded-for", "10.2.2.2, 10.1.1.1")], "10.2.2.2"),
            (vec![], "10.0.0.1"),
            // The proxy sets the other kind: this one may be a stranger's.
            (vec![("forwarded", "for=203.0.113.9")], "10.0.0.1"),
        ] {
            let caller = told(&policy, "10.0.0.1", &lines);
            assert_eq!(caller.address, wanted.parse::<IpAddr>().unwrap(), "{lines:?}");
            assert_eq!(caller.forwarded, Forwarded::Trusted);
        }
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        let policy = behind_a_proxy(ForwardedBy::Forwarded);
        let line = "for=198.51.100.1;proto=http, For=\"[2001:db8:cafe::17]:4711\";PROTO=HTTPS;host=books.example";
        let caller = told(&policy, "fd00::1", &[("forwarded", line), ("x-forwarded-for", "192.0.2.1")]);
        assert_eq!(caller.address, "2001:db8:cafe::17".parse::<IpAddr>().unwrap());
        assert_eq!((caller.secure, caller.host), (true, Host::Named("books.example".to_owned())));
        let caller = told(&policy, "10.0.0.1", &[("forwarded", "for=_hidden;proto=https, by=10.0.0.1")]);
        assert_eq!((caller.address, caller.secure), ("10.0.0.1".parse().unwrap(), false));
    }

    #[test]
    fn a_stranger_who_plays_the_proxy_is_not_believed() {
        let policy = behind_a_proxy(ForwardedBy::XForwarded);
        let lines =
            [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "books.example")];
        let caller = told(&policy, "203.0.113.9", &lines);
        assert_eq!(caller.address, caller.peer);
        assert_eq!((caller.forwarded, caller.secure, caller.local), (Forwarded::Unasked, false, false));
        assert_eq!((caller.host.clone(), caller.is_private()), (Host::Foreign, false));
    }

    #[test]
    fn scheme_and_host_are_what_the_proxy_says() {
        let policy = behind_a_proxy(ForwardedBy::XForwarded);
        let said = [("host", "backend:8420"), ("x-forwarded-host", "Books.Example"), ("x-forwarded-proto", "https")];
        let caller = told(&policy, "10.0.0.1", &said);
        assert_eq!(caller.origin().as_deref(), Some("https://books.example"));
        // The last one is the proxy's own word.
        let caller = told(&policy, "10.0.0.1", &[("x-forwarded-proto", "https, http"), ("host", "books.example")]);
        assert_eq!((caller.origin().as_deref(), caller.is_private()), (Some("http://books.example"), false));
    }

    #[test]
    fn only_a_machine_of_its_own_is_local() {
        let lone = Policy::default();
        assert!(told(&lone, "127.0.0.1", &[("host", "127.0.0.1:8420")]).local);
        assert!(told(&lone, "::ffff:127.0.0.1", &[]).local);
        assert!(!told(&lone, "192.0.2.1", &[]).local);
        for name in FORWARDING {
            assert!(!told(&lone, "127.0.0.1", &[(name, "1")]).local, "{name}");
        }
        let exposed = Policy { exposed: true, ..Policy::default() };
        assert!(!told(&exposed, "127.0.0.1", &[("host", "localhost")]).local);
        let proxied = Policy { proxies: vec!["192.0.2.1/32".parse().unwrap()], ..Policy::default() };
        assert!(!told(&proxied, "127.0.0.1", &[("host", "localhost")]).local);
    }

    #[test]
    fn a_host_is_ours_or_foreign() {
        let policy = Policy { hosts: vec!["books.example".into(), "other.example:81".into()], ..Policy::default() };
        let host = |uri: &'static str, lines: &[(&'static str, &'static str)]| {
            policy.caller("127.0.0.1".parse().unwrap(), true, &Uri::from_static(uri), &headers(lines)).host
        };
        assert_eq!(host("/", &[("host", "LOCALHOST:1")]), Host::Loopback("localhost:1".into()));
        assert_eq!(host("/", &[("host", "[::1]:1")]), Host::Loopback("[::1]:1".into()));
        assert_eq!(host("/", &[("host", "books.example:8443")]), Host::Named("books.example:8443".into()));
        assert_eq!(host("https://books.example/", &[]), Host::Named("books.example".into()));
        assert_eq!(host("/", &[("host", "other.example:81")]), Host::Named("other.example:81".into()));
        for foreign in ["other.example", "127.0.0.1.evil.example", "evil.example", "books.example.", "localhost:x", ""]
        {
            assert_eq!(host("/", &[("host", foreign)]), Host::Foreign, "{foreign}");
        }
        assert_eq!(host("/", &[]), Host::Foreign);
        assert_eq!(host("/", &[("host", "localhost"), ("host", "localhost")]), Host::Foreign);
        assert_eq!(host("https://books.example/", &[("host", "evil.example")]), Host::Foreign);
    }
}
