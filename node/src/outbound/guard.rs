//! Which addresses may be sent to. Pure: names are resolved elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Longest address, bytes.
const MAX_URL_BYTES: usize = domain::webhook::WEBHOOK_URL_MAX_BYTES;

/// What is allowed.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `http` too, where nobody can read along: within a machine, or a network of one's own.
    pub http: bool,
    /// Ports; any where none is named.
    pub ports: Vec<u16>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<IpNet>,
}

/// An address whose text is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address as it was understood.
    pub url: Url,
    /// A name to resolve, or the address itself.
    pub host: Host,
    /// The port, that of the scheme where none is given.
    pub port: u16,
}

/// Why an address is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none.
    #[error("this is no address: {0}")]
    NoUrl(String),
    /// It has too many characters.
    #[error("an address has at most {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Another protocol, or one that anybody can read along.
    #[error("the address must begin with {wanted}")]
    Scheme {
        /// What would do.
        wanted: &'static str,
    },
    /// It holds a user's name or a password.
    #[error("the address must hold no user name and no password: they would stand in logs")]
    Credentials,
    /// Its port is not among those that are allowed.
    #[error("port {0} is not among those that this node sends to")]
    Port(u16),
    /// It leads to what is not public.
    #[error("the address leads to {ip}, which is {what}: only public addresses are sent to")]
    Address {
        /// Where it leads.
        ip: IpAddr,
        /// What that is.
        what: &'static str,
    },
}

/// Networks of the first version of the protocol that are not public, and what they are: IANA's registry of special
/// purposes (RFC 6890 and later), and multicast.
const SPECIAL_V4: [(Ipv4Addr, u8, &str); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "no address"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a provider's customers"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "this machine"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local, where clouds keep their metadata"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documents"),
    (Ipv4Addr::new(192, 31, 196, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 52, 193, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documents"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documents"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// Of the sixth version only global unicast is public, and of that these are not.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u8, &str); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "for protocols, Teredo among them"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for documents"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for documents"),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, "reserved"),
];

/// Where an address of the sixth version holds one of the fourth, which is where it leads: mapped (RFC 4291),
/// compatible, NAT64 (RFC 6052).
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b] = ip.segments();
    let low = Ipv4Addr::new((a >> 8) as u8, a as u8, (b >> 8) as u8, b as u8);
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low),
        // Translated (RFC 2765) and compatible; `::` and `::1` are neither.
        [0, 0, 0, 0, 0xffff, 0, ..] => Some(low),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => Some(low),
        _ => None,
    }
}

/// What an address is, if it is not public.
pub fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => {
            let holds = |net: Ipv4Addr, len: u8| Ipv4Net::new_assert(net, len).contains(&ip);
            SPECIAL_V4.iter().find(|(net, len, _)| holds(*net, *len)).map(|(.., what)| *what)
        }
        IpAddr::V6(ip) => {
            if let Some(low) = within(ip) {
                return special(IpAddr::V4(low)).or(Some("another way to write an IPv4 address"));
            }
            let holds = |net: Ipv6Addr, len: u8| Ipv6Net::new_assert(net, len).contains(&ip);
            if ip.is_loopback() {
                return Some("this machine");
            }
            if !holds(GLOBAL_V6.0, GLOBAL_V6.1) {
                return Some("not public");
            }
            SPECIAL_V6.iter().find(|(net, len, _)| holds(*net, *len)).map(|(.., what)| *what)
        }
    }
}

impl Rules {
    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// [`Refused::Address`].
    pub fn admit(&self, ip: IpAddr) -> Result<(), Refused> {
        // An address that is written in another version is judged by where it leads, never by its spelling.
        if self.networks.iter().any(|network| network.contains(&ip)) {
            return Ok(());
        }
        special(ip).map_or(Ok(()), |what| Err(Refused::Address { ip, what }))
    }

    /// Understands an address, and says whether its text is allowed. A name in it is still to be resolved.
    ///
    /// # Errors
    /// Why it is not.
    pub fn understand(&self, text: &str) -> Result<Target, Refused> {
        if text.len() > MAX_URL_BYTES {
            return Err(Refused::TooLong);
        }
        let url = Url::parse(text).map_err(|e| Refused::NoUrl(e.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            _ if self.http => return Err(Refused::Scheme { wanted: "https:// or http://" }),
            _ => return Err(Refused::Scheme { wanted: "https://" }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let nowhere = || Refused::NoUrl("it names no host".to_owned());
        let host = url.host().ok_or_else(nowhere)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(nowhere)?;
        if !self.ports.is_empty() && !self.ports.contains(&port) {
            return Err(Refused::Port(port));
        }
        match &host {
            Host::Ipv4(ip) => self.admit(IpAddr::V4(*ip))?,
            Host::Ipv6(ip) => self.admit(IpAddr::V6(*ip))?,
            Host::Domain(_) => {}
        }
        Ok(Target { url, host, port })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> Option<Refused> {
        Rules { http: true, ..Rules::default() }.understand(text).err()
    }

    #[test]
    fn public_addresses_are_sent_to() {
        for text in [
            "https://example.org/hook?a=b",
            "https://93.184.216.34/",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/",
            "http://xn--bcher-kva.example:8080/",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
        let target = Rules::default().understand("https://Example.ORG/a#b").unwrap();
        assert_eq!((target.host, target.port), (Host::Domain("example.org".to_owned()), 443));
    }

    #[test]
    fn whatever_spelling_leads_inwards_is_refused() {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://10.0.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:0:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[ff02::1]/",
            "http://[100::1]/",
        ] {
            assert!(matches!(refused(text), Some(Refused::Address { .. })), "{text}: {:?}", refused(text));
        }
    }

    #[test]
    fn only_plain_https_addresses_are_addresses() {
        let strict = Rules { ports: vec![443], ..Rules::default() };
        let said = |text: &str| strict.understand(text).unwrap_err();
        assert_eq!(said("http://example.org/"), Refused::Scheme { wanted: "https://" });
        assert_eq!(said("file:///etc/passwd"), Refused::Scheme { wanted: "https://" });
        assert_eq!(said("gopher://example.org/"), Refused::Scheme { wanted: "https://" });
        assert_eq!(said("https://user@example.org/"), Refused::Credentials);
        assert_eq!(said("https://:pass@example.org/"), Refused::Credentials);
        assert_eq!(said("https://example.org:22/"), Refused::Port(22));
        assert_eq!(said(&format!("https://example.org/{}", "a".repeat(MAX_URL_BYTES))), Refused::TooLong);
        for text in ["", "example.org", "https://", "https://exa mple.org/", "https://[::1"] {
            assert!(matches!(strict.understand(text), Err(Refused::NoUrl(_) | Refused::Scheme { .. })), "{text}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_let_through_and_no_other() {
        let rules = Rules { http: true, ports: vec![], networks: vec!["127.0.0.0/8".parse().unwrap()] };
        assert_eq!(rules.admit("127.9.9.9".parse().unwrap()), Ok(()));
        assert!(rules.admit("10.0.0.1".parse().unwrap()).is_err());
        assert!(rules.admit("::1".parse().unwrap()).is_err(), "another machine's word for it is another network");
        assert!(rules.admit("::ffff:127.0.0.1".parse().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_ipv4_address_is_public_in_one_spelling_and_not_in_another(bits: u32) {
            let ip = Ipv4Addr::from_bits(bits);
            let rules = Rules { http: true, ..Rules::default() };
            let plain = rules.understand(&format!("http://{ip}/"));
            for text in [format!("http://{bits}/"), format!("http://0x{bits:x}/"), format!("http://0{bits:o}/")] {
                let spelt = rules.understand(&text);
                match &plain {
                    Ok(target) => prop_assert_eq!(&spelt.unwrap().host, &target.host),
                    Err(refused) => prop_assert_eq!(&spelt.unwrap_err(), refused),
                }
            }
            // However it is wrapped, an address of the other version is never a way to it.
            for wrapped in [ip.to_ipv6_mapped(), ip.to_ipv6_compatible()] {
                prop_assert!(rules.admit(IpAddr::V6(wrapped)).is_err());
            }
            let [a, b, c, d] = ip.octets().map(u16::from);
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            prop_assert!(rules.admit(IpAddr::V6(nat64)).is_err());
        }

        #[test]
        fn what_the_standard_library_calls_private_is_never_public(bits: u128, short: u32) {
            let (four, six) = (Ipv4Addr::from_bits(short), Ipv6Addr::from_bits(bits));
            let inward = four.is_private() || four.is_loopback() || four.is_link_local() || four.is_multicast()
                || four.is_unspecified() || four.is_broadcast() || four.is_documentation();
            prop_assert!(!inward || special(IpAddr::V4(four)).is_some(), "{four}");
            let inward = six.is_loopback() || six.is_multicast() || six.is_unspecified() || six.is_unique_local()
                || six.is_unicast_link_local();
            prop_assert!(!inward || special(IpAddr::V6(six)).is_some(), "{six}");
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,200}") {
            let _ = Rules::default().understand(&text);
        }
    }
}
