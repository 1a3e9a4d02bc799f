//! Places for connections: so many in all, so many from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Who is counted together: an IPv4 address, or the 64 leading bits of an IPv6 one, as households have so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// Whom an address is counted with.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        })
    }
}

impl std::fmt::Display for Neighbourhood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many connections as there may be.
    Node,
    /// As many from that address.
    Address,
}

/// The places of a node.
#[derive(Debug)]
pub struct Places {
    max: usize,
    max_by_address: usize,
    taken: Mutex<HashMap<Neighbourhood, usize>>,
    count: watch::Sender<usize>,
}

impl Places {
    /// So many in all, so many from one address.
    pub fn new(max: usize, max_by_address: usize) -> Arc<Self> {
        Arc::new(Self { max, max_by_address, taken: Mutex::default(), count: watch::channel(0).0 })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Neighbourhood, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `who`; `None` for those who are not counted by address, such as proxies.
    ///
    /// # Errors
    /// There is none.
    pub fn take(self: &Arc<Self>, who: Option<Neighbourhood>) -> Result<Place, Full> {
        let mut taken = self.taken();
        // Only here does it grow, and under the lock.
        if *self.count.borrow() >= self.max {
            return Err(Full::Node);
        }
        if let Some(who) = who {
            let here = taken.entry(who).or_insert(0);
            if *here >= self.max_by_address {
                return Err(Full::Address);
            }
            *here += 1;
        }
        self.count.send_modify(|count| *count += 1);
        Ok(Place { places: self.clone(), who })
    }

    /// Returns once no place is taken.
    pub async fn empty(&self) {
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    who: Option<Neighbourhood>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(who) = self.who
            && let Some(here) = taken.get_mut(&who)
        {
            *here -= 1;
            if *here == 0 {
                taken.remove(&who);
            }
        }
        self.places.count.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(address: &str) -> Option<Neighbourhood> {
        Some(Neighbourhood::of(address.parse().unwrap()))
    }

    #[test]
    fn a_household_of_ipv6_is_one_and_a_mapped_address_is_what_it_maps() {
        assert_eq!(who("2001:db8:1:2::1"), who("2001:db8:1:2:ffff::9"));
        assert_ne!(who("2001:db8:1:2::1"), who("2001:db8:1:3::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
        assert_eq!(who("2001:db8:1:2::1").unwrap().to_string(), "2001:db8:1:2::/64");
    }

    #[tokio::test]
    async fn places_are_bounded_in_all_and_by_address_and_given_back() {
        let places = Places::new(4, 2);
        let (one, other) = (who("192.0.2.1"), who("192.0.2.2"));
        let mut held = vec![places.take(one).unwrap(), places.take(one).unwrap()];
        assert_eq!(places.take(one).unwrap_err(), Full::Address);
        held.push(places.take(other).unwrap());
        held.push(places.take(None).unwrap());
        assert_eq!(places.take(None).unwrap_err(), Full::Node);
        held.remove(0);
        held.push(places.take(one).unwrap());
        drop(held);
        places.empty().await;
        assert!(places.taken().is_empty());
    }
}
