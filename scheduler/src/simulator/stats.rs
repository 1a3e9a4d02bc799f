//! Counting without keeping: quantiles within one per cent, and load over time in a bounded number of samples.

/// A histogram of microseconds: 128 steps an octave, so that a quantile is right within 0.8 %.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
    most_us: u64,
}

const STEPS: u64 = 128;

impl Histogram {
    /// Takes in one value.
    pub fn add(&mut self, us: u64) {
        let index = if us < STEPS {
            us
        } else {
            let octave = u64::from(us.ilog2());
            (octave - 6) * STEPS + (us >> (octave - 7)) - STEPS
        } as usize;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
        self.most_us = self.most_us.max(us);
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The value below or at which `share` of all lie, in milliseconds; 0 of none.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil() as u64;
        let mut sum = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            sum += u64::from(count);
            if sum >= rank && count > 0 {
                let index = index as u64;
                let us = if index < STEPS {
                    index
                } else {
                    let octave = index / STEPS + 6;
                    (index % STEPS + STEPS + 1) << (octave - 7)
                };
                return us.min(self.most_us) as f64 / 1e3;
            }
        }
        self.most_us as f64 / 1e3
    }
}

/// The load at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// When, in microseconds.
    pub at_us: u64,
    /// Devices that run a batch.
    pub busy: u32,
    /// Devices that could.
    pub alive: u32,
    /// Items that wait at the scheduler, of each class: interactive, bulk.
    pub waiting: [u32; 2],
}

/// Something worth a mark on the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// When, in microseconds.
    pub at_us: u64,
    /// What.
    pub what: &'static str,
}

const MOST_SAMPLES: usize = 1_200;
const MOST_MARKS: usize = 2_000;

/// Load over time. When it grows too long, every second sample goes and the pace halves.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// In order of time.
    pub samples: Vec<Sample>,
    /// In order of time.
    pub marks: Vec<Mark>,
    /// Time between samples.
    pub every_us: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self { samples: Vec::new(), marks: Vec::new(), every_us: 20_000 }
    }
}

impl Load {
    /// Takes in a sample.
    pub fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
        if self.samples.len() >= MOST_SAMPLES {
            let mut place = 0;
            self.samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.every_us = self.every_us.saturating_mul(2);
        }
    }

    /// Takes in a mark, while there is room for more.
    pub fn mark(&mut self, at_us: u64, what: &'static str) {
        if self.marks.len() < MOST_MARKS {
            self.marks.push(Mark { at_us, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_one_per_cent() {
        let mut histogram = Histogram::default();
        (1..=1_000_000).for_each(|us| histogram.add(us));
        for share in [0.0001, 0.01, 0.5, 0.99, 1.0] {
            let ratio = histogram.quantile_ms(share) / (share * 1_000.0);
            assert!((0.99..1.01).contains(&ratio), "{share}: {ratio}");
        }
        assert_eq!(Histogram::default().quantile_ms(0.5), 0.0);
    }

    #[test]
    fn load_keeps_a_bounded_number_of_samples_over_the_whole_time() {
        let mut load = Load::default();
        for at_us in 0..100_000 {
            load.add(Sample { at_us, ..Sample::default() });
        }
        assert!(load.samples.len() < MOST_SAMPLES);
        assert!(load.samples.is_sorted_by_key(|sample| sample.at_us));
    }
}
