//! How often somebody may try: token buckets in the cache. A cache that is lost gives everybody a fresh start, one
//! that can't be reached holds up nobody.

use std::net::IpAddr;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::accounts::Visitor;
use domain::id::{AccountId, Digest};
use store::cache::{Bucket, Taken};

use crate::run::RunContext;

const fn bucket(capacity: u32, refill_s: u64) -> Bucket {
    Bucket { capacity, refill: Duration::from_secs(refill_s) }
}

/// Passwords for one account from one network address.
const PASSWORD_PAIR: Bucket = bucket(10, 30);
/// Passwords for one account, from anywhere.
const PASSWORD_ACCOUNT: Bucket = bucket(50, 10);
/// Passwords, codes and links from one network address.
const SECRET_ADDRESS: Bucket = bucket(100, 1);
/// Mail to one address.
const MAIL_TO: Bucket = bucket(3, 600);
/// Invitations of one account.
const INVITATIONS: Bucket = bucket(20, 60);
/// Mail asked for from one network address.
const MAIL_ADDRESS: Bucket = bucket(20, 30);

/// A password is said for an account, named as it was typed, whether it exists or not.
///
/// # Errors
/// `too-many-attempts`.
pub async fn password(context: &RunContext, account: &str, visitor: &Visitor) -> Result<(), Fault> {
    let from = network(visitor);
    take(context, "secret from", &[&from], SECRET_ADDRESS).await?;
    take(context, "password pair", &[account, &from], PASSWORD_PAIR).await?;
    take(context, "password of", &[account], PASSWORD_ACCOUNT).await
}

/// A code is said, or a mailed link followed.
///
/// # Errors
/// `too-many-attempts`.
pub async fn secret(context: &RunContext, visitor: &Visitor) -> Result<(), Fault> {
    take(context, "secret from", &[&network(visitor)], SECRET_ADDRESS).await
}

/// Mail is asked for, to an address as it was typed.
///
/// # Errors
/// `too-many-attempts`.
pub async fn mail(context: &RunContext, email: &str, visitor: &Visitor) -> Result<(), Fault> {
    take(context, "mail from", &[&network(visitor)], MAIL_ADDRESS).await?;
    take(context, "mail to", &[email], MAIL_TO).await
}

/// An account invites an address to a project.
///
/// # Errors
/// `too-many-attempts`.
pub async fn invite(context: &RunContext, account: AccountId, email: &str, visitor: &Visitor) -> Result<(), Fault> {
    take(context, "invitations of", &[&account.to_string()], INVITATIONS).await?;
    take(context, "mail from", &[&network(visitor)], MAIL_ADDRESS).await?;
    take(context, "invitation to", &[email], MAIL_TO).await
}

/// What a provider gives one customer: all of an IPv4 address, the first 64 bits of an IPv6 one.
fn network(visitor: &Visitor) -> String {
    match visitor.address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => format!("{:x}", u128::from(address) >> 64),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => String::new(),
    }
}

async fn take(context: &RunContext, what: &str, who: &[&str], bucket: Bucket) -> Result<(), Fault> {
    // A digest: names have a bound, and what people type is not kept.
    let name = format!("{what} {}", Digest::of(who.join("\n").to_ascii_lowercase().as_bytes()));
    let scale = context.accounts.policy.attempts_scale.max(1);
    let bucket = Bucket { capacity: bucket.capacity.saturating_mul(scale), refill: bucket.refill / scale };
    match context.keeping.cache.take(&name, 1, bucket).await {
        Ok(Taken::Granted { .. }) => Ok(()),
        Ok(Taken::Wait { retry_after }) => {
            let wait_ms = u32::try_from(retry_after.as_millis()).unwrap_or(u32::MAX);
            tracing::info!(what, wait_ms, "too many attempts");
            let detail = format!("too many attempts: try again in {} s", wait_ms.div_ceil(1_000));
            Err(Fault::new("too-many-attempts", detail).retry_after(wait_ms))
        }
        Err(error) => {
            tracing::warn!(%error, what, "attempts can't be counted");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_one_whatever_address_of_theirs_they_use() {
        let of = |address: &str| network(&Visitor { address: address.into(), agent: String::new() });
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
