//! What an encoder is: the trait, its limits, and the checks that every encoder makes.

use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};

use crate::error::EncodeError;

/// Tokens of one batch, padding included, above which it is refused: 512 passages of 512 tokens. A bound
/// for what a wrong plan could ask of a device, far above what any plan should.
pub const MAX_BATCH_TOKENS: usize = 512 * 512;

/// Turns passages into vectors, one padded batch a call.
///
/// One value serves one thread. `encode` blocks while the device computes.
pub trait Encoder: Send {
    /// Length of every vector.
    fn dim(&self) -> usize;

    /// How floats are computed; part of every item's identity.
    fn profile(&self) -> NumericProfile;

    /// Encodes a batch; the answers are in its order. All of it or nothing: an error leaves no results,
    /// and only [`EncodeError::Broken`] makes the encoder unusable. An empty batch is answered by nothing.
    fn encode(&mut self, batch: &[PassageInput]) -> Result<Vec<Encoded>, EncodeError>;

    /// Memory of the device, now.
    fn memory(&self) -> MemoryReport;
}

/// Memory of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Held by the weights; encoders that share them report the same ones.
    pub weights_bytes: u64,
    /// Free for activations, as far as the device tells; 0 where it does not.
    pub free_bytes: u64,
    /// All that the device has; 0 where it does not tell.
    pub total_bytes: u64,
}

/// Refuses what no encoder can encode. `vocabulary` is one more than the largest id.
pub(crate) fn check_batch(batch: &[PassageInput], vocabulary: u32, max_tokens: usize) -> Result<(), EncodeError> {
    let longest = batch.iter().map(|input| input.tokens.len()).max().unwrap_or(0);
    for (index, input) in batch.iter().enumerate() {
        let bad = |reason: String| Err(EncodeError::BadInput { index, reason });
        let len = input.tokens.len();
        if len == 0 {
            return bad("it has no tokens".into());
        }
        if len > max_tokens {
            return bad(format!("it has {len} tokens, more than {max_tokens}"));
        }
        if let Some(id) = input.tokens.iter().find(|id| **id >= vocabulary) {
            return bad(format!("token {id} is not among the model's {vocabulary}"));
        }
        if let Some((start, end)) = input.spans.iter().find(|(start, end)| start >= end || usize::from(*end) > len) {
            return bad(format!("span {start}..{end} is empty or lies outside of its {len} tokens"));
        }
        if input.spans.len() > len {
            return bad(format!("it has {} spans, more than tokens", input.spans.len()));
        }
    }
    let padded = longest * batch.len();
    if padded > MAX_BATCH_TOKENS {
        let reason = format!("a batch of {padded} padded tokens is above the limit of {MAX_BATCH_TOKENS}");
        return Err(EncodeError::OutOfMemory { reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(tokens: &[u32], spans: &[(u16, u16)]) -> PassageInput {
        PassageInput { tokens: tokens.to_vec(), spans: spans.to_vec() }
    }

    #[test]
    fn each_bad_input_is_named_by_its_place_in_the_batch() {
        let good = input(&[1, 2, 3], &[(1, 2)]);
        assert_eq!(check_batch(&[], 10, 512), Ok(()));
        assert_eq!(check_batch(&[good.clone(), good.clone()], 10, 512), Ok(()));
        let bad = [
            input(&[], &[]),
            input(&[1; 513], &[]),
            input(&[1, 10], &[]),
            input(&[1, 2], &[(1, 1)]),
            input(&[1, 2], &[(0, 3)]),
            input(&[1, 2], &[(0, 1), (0, 1), (0, 1)]),
        ];
        for bad in bad {
            match check_batch(&[good.clone(), bad.clone()], 10, 512) {
                Err(EncodeError::BadInput { index: 1, .. }) => {}
                other => panic!("{bad:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn a_batch_beyond_every_plan_is_answered_as_too_large() {
        let batch = vec![input(&[1; 512], &[]); 513];
        assert_eq!(check_batch(&batch, 10, 512).unwrap_err().code(), "encode-out-of-memory");
    }
}
