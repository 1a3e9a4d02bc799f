//! What a device has done and has left, for the scheduler and for whoever watches.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cluster::body::workers::OfferedModel;
use domain::passage::PassageInput;

use super::shelf::Shelf;

/// Sums since the device began, and how it stands.
#[derive(Default)]
pub(super) struct Gauge(Mutex<Reading>);

/// What a gauge shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// Free while nothing runs, and all there is; bytes, zeros where the device does not tell.
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) offers: Vec<OfferedModel>,
    pub(super) batches: u64,
    pub(super) tokens: u64,
    /// With padding, where the device computes it.
    pub(super) computed_tokens: u64,
    pub(super) busy: Duration,
    /// Between the end of a batch and the start of the next.
    pub(super) gaps: Duration,
    ended: Option<Instant>,
}

impl Gauge {
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it stands.
    pub(super) fn read(&self) -> Reading {
        self.reading().clone()
    }

    /// Which models are on the device, and what memory that leaves; to be called while nothing runs.
    pub(super) fn shelf(&self, shelf: &Shelf) {
        let (offers, (free_bytes, total_bytes)) = (shelf.offers(), shelf.memory());
        let mut reading = self.reading();
        (reading.offers, reading.free_bytes, reading.total_bytes) = (offers, free_bytes, total_bytes);
    }

    /// A batch ran for so long, until now.
    pub(super) fn ran(&self, inputs: &[PassageInput], packed: bool, elapsed: Duration) {
        let now = Instant::now();
        let lengths = inputs.iter().map(|input| input.tokens.len() as u64);
        let (tokens, longest) = (lengths.clone().sum::<u64>(), lengths.max().unwrap_or(0));
        let mut reading = self.reading();
        reading.batches += 1;
        reading.tokens += tokens;
        reading.computed_tokens += if packed { tokens } else { longest * inputs.len() as u64 };
        reading.busy += elapsed;
        if let Some(ended) = reading.ended {
            reading.gaps += now.saturating_duration_since(ended).saturating_sub(elapsed);
        }
        reading.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_counts_where_it_is_computed() {
        let inputs = [3usize, 5].map(|len| PassageInput { tokens: vec![0; len], spans: Vec::new() });
        let gauge = Gauge::default();
        gauge.ran(&inputs, false, Duration::from_millis(2));
        gauge.ran(&inputs, true, Duration::from_millis(3));
        let reading = gauge.read();
        assert_eq!((reading.batches, reading.tokens, reading.computed_tokens), (2, 16, 18));
        assert_eq!(reading.busy, Duration::from_millis(5));
    }
}
