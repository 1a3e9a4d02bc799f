//! The last things that happened, kept as numbers and written out only when something is broken.

use std::collections::VecDeque;
use std::fmt;

/// How many are kept.
const KEPT: usize = 160;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    at_us: u64,
    what: &'static str,
    numbers: [u64; 3],
}

/// What happened lately.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log(VecDeque<Entry>);

impl Log {
    /// Notes what happened. `what` names the three numbers behind a colon.
    #[inline]
    pub(super) fn note(&mut self, at_us: u64, what: &'static str, numbers: [u64; 3]) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Entry { at_us, what, numbers });
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { at_us, what, numbers } in &self.0 {
            let (what, names) = what.split_once(": ").unwrap_or((what, ""));
            write!(f, "{:>14.3} ms  {what}", *at_us as f64 / 1e3)?;
            for (name, number) in names.split(", ").filter(|name| !name.is_empty()).zip(numbers) {
                write!(f, "  {name} {number}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
