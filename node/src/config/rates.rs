use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::gateway::rates::{Allowance, Allowances};

/// What a bucket holds at most.
const BURST_MAX: u64 = 1_000_000;
/// What a bucket gets at most, a second.
const PER_S_MAX: f64 = 1_000.0;
/// And at least: one a day.
const PER_S_MIN: f64 = 1.0 / 86_400.0;

/// How many requests an account may make: so many at once, and so many a second on the whole. An address may make
/// several times as many. Whoever sits at the machine of a node that nobody else reaches is not counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatesConfig {
    /// Count at all.
    pub enabled: bool,
    /// Looking at something, a part of an upload.
    pub light_burst: u32,
    /// The same.
    pub light_per_s: f64,
    /// Changing something.
    pub change_burst: u32,
    /// The same.
    pub change_per_s: f64,
    /// Reading a book, computing for a text, going over everything.
    pub costly_burst: u32,
    /// The same.
    pub costly_per_s: f64,
    /// How many times as many an address may make: several people may share it.
    pub address_factor: u32,
}

impl Default for RatesConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            light_burst: 2_000,
            light_per_s: 200.0,
            change_burst: 300,
            change_per_s: 10.0,
            costly_burst: 60,
            costly_per_s: 1.0,
            address_factor: 4,
        }
    }
}

impl RatesConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let factor = self.address_factor;
        if !(1..=1_000).contains(&factor) {
            let found = factor.into();
            return Err(ConfigError::OutOfRange { key: "rates.address_factor", found, wanted: "1 to 1000" });
        }
        for (key, burst) in [
            ("rates.light_burst", self.light_burst),
            ("rates.change_burst", self.change_burst),
            ("rates.costly_burst", self.costly_burst),
        ] {
            let found = u64::from(burst);
            if found == 0 || found * u64::from(factor) > BURST_MAX {
                let wanted = "1 to 1000000 divided by rates.address_factor";
                return Err(ConfigError::OutOfRange { key, found, wanted });
            }
        }
        for (key, per_s) in [
            ("rates.light_per_s", self.light_per_s),
            ("rates.change_per_s", self.change_per_s),
            ("rates.costly_per_s", self.costly_per_s),
        ] {
            // What is no number is in no range.
            if !(per_s >= PER_S_MIN && per_s * f64::from(factor) <= PER_S_MAX) {
                let found = per_s as u64;
                let wanted = "at least one a day, and at most 1000 divided by rates.address_factor";
                return Err(ConfigError::OutOfRange { key, found, wanted });
            }
        }
        Ok(())
    }

    /// What requests are counted against.
    pub fn allowances(&self) -> Allowances {
        let allowance = |burst, per_s| Allowance { burst, per_s };
        Allowances {
            light: allowance(self.light_burst, self.light_per_s),
            change: allowance(self.change_burst, self.change_per_s),
            costly: allowance(self.costly_burst, self.costly_per_s),
            address_factor: self.address_factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_that_no_bucket_can_hold_are_refused() {
        assert!(RatesConfig::default().check().is_ok());
        for wrong in [
            RatesConfig { light_burst: 0, ..RatesConfig::default() },
            RatesConfig { light_burst: 500_000, ..RatesConfig::default() },
            RatesConfig { costly_per_s: 0.0, ..RatesConfig::default() },
            RatesConfig { costly_per_s: f64::NAN, ..RatesConfig::default() },
            RatesConfig { change_per_s: 300.0, ..RatesConfig::default() },
            RatesConfig { address_factor: 0, ..RatesConfig::default() },
        ] {
            assert!(matches!(wrong.check(), Err(ConfigError::OutOfRange { .. })), "{wrong:?}");
        }
    }
}
