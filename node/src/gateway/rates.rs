//! How many requests somebody may make: buckets of tokens that refill, one for each address and class of routes, and
//! one for each account.
//!
//! Whoever sits at the machine of a node that nobody else reaches is not counted. Where the buckets can't be reached
//! requests are let through: they keep the node from being worn out, and nobody's secrets.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::id::TenantId;

use super::edge::caller::Caller;
use super::edge::places::Neighbourhood;
use super::problem::ApiError;

/// What a route costs the node, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Not counted: whoever looks whether the node is well.
    Free,
    /// Looking at something, a part of an upload.
    Light,
    /// Changing something.
    Change,
    /// Reading a book, computing for a text, going over everything.
    Costly,
}

/// How many requests of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// At once, after a pause.
    pub burst: u32,
    /// On the whole.
    pub per_s: f64,
}

/// How many requests of each class an account may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowances {
    /// [`Rate::Light`].
    pub light: Allowance,
    /// [`Rate::Change`].
    pub change: Allowance,
    /// [`Rate::Costly`].
    pub costly: Allowance,
    /// An address may make so many times as many: several people may share it.
    pub address_factor: u32,
}

/// Buckets of tokens, kept somewhere.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// Takes a token from a bucket that holds `burst` and gets one more each `refill`; how long to wait if there is
    /// none. `None` too where the buckets can't be reached.
    async fn take(&self, name: &str, burst: u32, refill: Duration) -> Option<Duration>;
}

/// Counts requests.
pub struct Rates {
    buckets: Arc<dyn Buckets>,
    allowances: Allowances,
}

impl Rates {
    /// Counts in `buckets`.
    pub fn new(buckets: Arc<dyn Buckets>, allowances: Allowances) -> Self {
        Self { buckets, allowances }
    }

    /// Counts a request of whoever asks, before it is known who that is.
    ///
    /// # Errors
    /// `rate-limited`.
    pub async fn address(&self, caller: &Caller, rate: Rate) -> Result<(), ApiError> {
        if caller.local {
            return Ok(());
        }
        let factor = self.allowances.address_factor;
        self.count(format!("address/{}", Neighbourhood::of(caller.address)), rate, factor).await
    }

    /// Counts a request of an account; not that of whoever sits at the machine.
    ///
    /// # Errors
    /// `rate-limited`.
    pub async fn account(&self, caller: &Caller, tenant: TenantId, rate: Rate) -> Result<(), ApiError> {
        if caller.local {
            return Ok(());
        }
        self.count(format!("account/{tenant}"), rate, 1).await
    }

    async fn count(&self, who: String, rate: Rate, factor: u32) -> Result<(), ApiError> {
        let (class, allowance) = match rate {
            Rate::Free => return Ok(()),
            Rate::Light => ("light", self.allowances.light),
            Rate::Change => ("change", self.allowances.change),
            Rate::Costly => ("costly", self.allowances.costly),
        };
        let refill = Duration::from_secs_f64(1.0 / (allowance.per_s * f64::from(factor)));
        let name = format!("rate/{class}/{who}");
        let burst = allowance.burst.saturating_mul(factor);
        match self.buckets.take(&name, burst, refill).await {
            None => Ok(()),
            Some(wait) => Err(limited(wait)),
        }
    }
}

fn limited(wait: Duration) -> ApiError {
    let detail = format!("too many requests at a time: come again in {} s", wait.as_secs().saturating_add(1));
    let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
    ApiError { retry_after_ms: Some(wait_ms), ..ApiError::new("rate-limited", detail) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use warp::http::{HeaderMap, Uri};

    use super::super::edge::caller::Policy;
    use super::*;

    /// Buckets that never refill, and remember how they were to.
    #[derive(Default)]
    struct Counted(Mutex<HashMap<String, (u32, Duration)>>);

    #[async_trait]
    impl Buckets for Counted {
        async fn take(&self, name: &str, burst: u32, refill: Duration) -> Option<Duration> {
            let mut buckets = self.0.lock().unwrap();
            let (left, _) = buckets.entry(name.to_owned()).or_insert((burst, refill));
            if *left == 0 {
                return Some(refill);
            }
            *left -= 1;
            None
        }
    }

    const FEW: Allowance = Allowance { burst: 3, per_s: 0.5 };

    fn rates() -> (Arc<Counted>, Rates) {
        let buckets = Arc::new(Counted::default());
        let allowances = Allowances { light: FEW, change: FEW, costly: FEW, address_factor: 2 };
        (buckets.clone(), Rates::new(buckets, allowances))
    }

    fn caller(address: &str) -> Caller {
        let uri = Uri::from_static("/");
        Policy::default().caller(address.parse().unwrap(), true, &uri, &HeaderMap::new())
    }

    #[tokio::test]
    async fn addresses_and_accounts_have_buckets_of_their_own_for_each_class() {
        let (buckets, rates) = rates();
        for _ in 0..6 {
            rates.address(&caller("2001:db8::1"), Rate::Light).await.unwrap();
        }
        // The same household.
        let refused = rates.address(&caller("2001:db8::2"), Rate::Light).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code.as_str()), (429, "rate-limited"));
        assert_eq!(refused.retry_after_ms, Some(1_000));
        rates.address(&caller("2001:db8::2"), Rate::Free).await.unwrap();
        rates.address(&caller("2001:db8::2"), Rate::Change).await.unwrap();
        rates.address(&caller("2001:db8:0:1::1"), Rate::Light).await.unwrap();
        for _ in 0..3 {
            rates.account(&caller("192.0.2.1"), TenantId(7), Rate::Costly).await.unwrap();
        }
        assert!(rates.account(&caller("192.0.2.2"), TenantId(7), Rate::Costly).await.is_err());
        rates.account(&caller("192.0.2.2"), TenantId(8), Rate::Costly).await.unwrap();
        assert_eq!(buckets.0.lock().unwrap().len(), 5);
    }

    #[tokio::test]
    async fn whoever_sits_at_the_machine_is_not_counted() {
        let (buckets, rates) = rates();
        for _ in 0..20 {
            rates.address(&caller("127.0.0.1"), Rate::Costly).await.unwrap();
            rates.account(&caller("127.0.0.1"), TenantId::LOCAL, Rate::Costly).await.unwrap();
        }
        assert!(buckets.0.lock().unwrap().is_empty());
    }
}
