//! Warming up: the first batches on a device, by which its memory and its speed become known.

use std::time::Instant;

use domain::passage::PassageInput;

use crate::encoder::{Ask, Encoder};
use crate::error::EncodeError;
use crate::memory;

/// Share of what is free that is ever planned with.
pub const MEMORY_SHARE: f64 = 0.9;
/// Batches that are timed.
const TIMED: u32 = 3;

/// What warming up told of an encoder on its device; zeros where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// Memory of the weights.
    pub weights_bytes: u64,
    /// Memory of a batch's activations, for each of its padded tokens.
    pub bytes_per_padded_token: u32,
    /// Time that a token takes.
    pub ns_per_token: u32,
    /// Padded tokens that fit, at most those that were wanted.
    pub padded_tokens: u32,
}

/// Runs the largest batch that is wanted and that fits, of inputs as long as the model takes: `longest` tokens. What
/// does not fit is halved, and what is left must be predicted to stay within [`MEMORY_SHARE`] of what is free.
///
/// # Errors
/// Where not even one input fits, or the encoder breaks.
pub fn warm_up(encoder: &mut dyn Encoder, longest: usize, padded_tokens: usize) -> Result<WarmUp, EncodeError> {
    let one = || PassageInput { tokens: vec![0; longest], spans: vec![(0, longest as u16)] };
    let weights_bytes = encoder.memory().weights_bytes;
    let fits = |encoder: &dyn Encoder, count: usize, bytes: u64| {
        let free = encoder.memory().free_bytes;
        free == 0 || (count * longest) as f64 * bytes as f64 <= free as f64 * MEMORY_SHARE
    };
    // One input first: it makes libtorch's own buffers, and tells what more of them would need.
    let mut bytes = cell(encoder, &[one()])?;
    let wanted = (padded_tokens / longest).max(1);
    let mut count = wanted;
    while count > 1 {
        if fits(encoder, count, bytes) {
            match cell(encoder, &vec![one(); count]) {
                Ok(found) => bytes = found,
                Err(EncodeError::OutOfMemory { .. }) => {
                    count /= 2;
                    continue;
                }
                Err(other) => return Err(other),
            }
            if fits(encoder, count, bytes) {
                break;
            }
        }
        count /= 2;
    }
    let batch = vec![one(); count];
    let began = Instant::now();
    for _ in 0..TIMED {
        encoder.run(&batch, &Ask::vectors())?;
    }
    let tokens = count * longest;
    let fitting = if count == wanted { padded_tokens.max(longest) } else { tokens };
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(WarmUp {
        weights_bytes,
        bytes_per_padded_token: narrow(bytes),
        ns_per_token: narrow(began.elapsed().as_nanos() as u64 / (u64::from(TIMED) * tokens as u64)).max(1),
        padded_tokens: narrow(fitting as u64),
    })
}

/// Bytes that a batch took for each padded token: as far as the device or the kernel tells, and no less than its
/// widest layer needs.
fn cell(encoder: &mut dyn Encoder, batch: &[PassageInput]) -> Result<u64, EncodeError> {
    let tokens: u64 = batch.iter().map(|input| input.tokens.len() as u64).sum();
    let before = encoder.memory();
    let resident = memory::resident().filter(|_| before.host && memory::forget_peak());
    encoder.run(batch, &Ask::vectors())?;
    let grown = match resident {
        Some(resident) => memory::peak().unwrap_or(0).saturating_sub(resident),
        // A GPU's allocator keeps what a batch took.
        None if !before.host => before.free_bytes.saturating_sub(encoder.memory().free_bytes),
        None => 0,
    };
    Ok(grown.div_ceil(tokens).max(before.least_bytes_per_token))
}

#[cfg(test)]
mod tests {
    use domain::manifest::NumericProfile;

    use super::*;
    use crate::double::DoubleEncoder;
    use crate::encoder::{Answers, MemoryReport};
    use crate::head::HeadInfo;

    /// A device on which a token of a batch takes this much, of that which is free.
    struct Device {
        bytes_per_token: u64,
        free: u64,
        claims_free: u64,
    }

    impl Encoder for Device {
        fn dim(&self) -> usize {
            DoubleEncoder::new().dim()
        }

        fn profile(&self) -> NumericProfile {
            NumericProfile::Double
        }

        fn heads(&self) -> Vec<HeadInfo> {
            Vec::new()
        }

        fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
            let tokens: usize = batch.iter().map(|input| input.tokens.len()).sum();
            if tokens as u64 * self.bytes_per_token > self.free {
                return Err(EncodeError::OutOfMemory { reason: "it is full".into() });
            }
            DoubleEncoder::new().run(batch, ask)
        }

        fn memory(&self) -> MemoryReport {
            MemoryReport {
                weights_bytes: 7,
                free_bytes: self.claims_free,
                total_bytes: self.claims_free,
                least_bytes_per_token: self.bytes_per_token,
                host: false,
            }
        }
    }

    #[test]
    fn what_fits_is_found_by_prediction_or_by_trying() {
        let warmed = |mut device: Device| warm_up(&mut device, 128, 4_096).unwrap().padded_tokens;
        assert_eq!(warmed(Device { bytes_per_token: 10, free: 1 << 20, claims_free: 1 << 20 }), 4_096);
        // Predicted: 0.9 of what is free holds 1,843 tokens of 10 bytes.
        assert_eq!(warmed(Device { bytes_per_token: 10, free: 1 << 20, claims_free: 20_480 }), 1_024);
        // Tried: it said that more was free than was.
        assert_eq!(warmed(Device { bytes_per_token: 10, free: 6_000, claims_free: 1 << 20 }), 512);
        let mut full = Device { bytes_per_token: 10, free: 1_000, claims_free: 1 << 20 };
        assert_eq!(warm_up(&mut full, 128, 4_096).unwrap_err().code(), "encode-out-of-memory");
    }

    #[test]
    fn a_token_takes_no_less_memory_than_its_widest_layer_and_some_time() {
        let mut device = Device { bytes_per_token: 10, free: 1 << 20, claims_free: 1 << 20 };
        let found = warm_up(&mut device, 64, 640).unwrap();
        assert_eq!((found.weights_bytes, found.bytes_per_padded_token, found.padded_tokens), (7, 10, 640));
        assert!(found.ns_per_token > 0);
    }
}
