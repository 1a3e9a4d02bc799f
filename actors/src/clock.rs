//! Time since boot: it never jumps, and it goes on while the machine sleeps, as leases need it.

use std::time::Duration;

/// Time since the machine booted.
pub fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// A time in whole milliseconds; what is too long for them is as long as they can say.
pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the machine booted.
pub fn since_boot_ms() -> u64 {
    ms(since_boot())
}

/// The wall clock, for people only: milliseconds since 1970 UTC. Nothing is decided by it.
pub fn wall_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    ms(since)
}
