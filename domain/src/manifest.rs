//! What a run has to do, fixed once at reading, and segments of what is done.
//!
//! The manifest and segments are content-addressed blobs: bincode of the types below.

use bincode::{Decode, Encode};

use crate::id::{Digest, ItemId};
use crate::passage::{Encoded, Passage};

/// bincode configuration of every stored blob: little-endian, variable-length integers.
pub const BLOB_CONFIG: bincode::config::Configuration = bincode::config::standard();

/// Version of the reading stage: a node that lacks the version in a manifest does not take the run.
pub const PIPELINE_VERSION: u32 = 3;

/// Scheme by which item ids are made.
const ITEM_SCHEME: &[u8] = b"visiobook-item-1";

/// How floats are computed. Part of an item's id: results of two profiles don't mix within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum NumericProfile {
    /// IEEE single precision.
    F32,
    /// bfloat16 weights and activations.
    Bf16,
    /// The deterministic double that tests use: no model at all.
    Double,
}

impl NumericProfile {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Double => "double",
        }
    }
}

/// Everything that a run's later stages need to know of its input.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Manifest {
    /// [`PIPELINE_VERSION`] of the node that read the book.
    pub pipeline: u32,
    /// How floats are computed.
    pub profile: NumericProfile,
    /// Digest of the model's weights.
    pub model: Digest,
    /// Blob: bincode of [`crate::book::Book`].
    pub book: Digest,
    /// Blob: concatenated bincode of [`crate::passage::PassageInput`], found by [`ManifestPassage::offset`].
    pub inputs: Digest,
    /// In reading order.
    pub passages: Vec<ManifestPassage>,
}

/// One passage of a manifest.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ManifestPassage {
    /// Equal for passages with equal input; such items are encoded once.
    pub item: ItemId,
    /// What the passage holds.
    pub passage: Passage,
    /// Length of its input, special tokens included.
    pub tokens: u32,
    /// Byte offset of its record in the inputs blob.
    pub offset: u64,
    /// Length of its record, bytes.
    pub len: u32,
}

/// A few hundred finished items, content-addressed. A result is accepted when a compare-and-set of the
/// run row names the segment that holds it, and not before.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Segment {
    /// Each item stands in exactly one named segment of its run.
    pub items: Vec<(ItemId, Encoded)>,
}

/// Identity of the `encode` stage's item over `input` (the bytes of its record in the inputs blob).
///
/// The digest covers the scheme, the stage and its version, the model, the numeric profile and the
/// input; pooling and prefix are fixed by the stage's version.
pub fn item_id(model: Digest, profile: NumericProfile, input: &[u8]) -> ItemId {
    let mut bytes = Vec::with_capacity(input.len() + 96);
    for part in [ITEM_SCHEME, b"encode-1", profile.name().as_bytes(), &model.0, input] {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    ItemId(Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_named_by_all_that_decides_its_result() {
        let model = Digest::of(b"weights");
        let base = item_id(model, NumericProfile::F32, b"input");
        assert_eq!(base, item_id(model, NumericProfile::F32, b"input"));
        assert_ne!(base, item_id(model, NumericProfile::Bf16, b"input"));
        assert_ne!(base, item_id(Digest::of(b"other"), NumericProfile::F32, b"input"));
        assert_ne!(base, item_id(model, NumericProfile::F32, b"inputs"));
    }

    #[test]
    fn the_item_scheme_is_frozen() {
        // Golden: a change here would make every stored segment useless. Make a new scheme instead.
        let id = item_id(Digest([7; 32]), NumericProfile::Bf16, b"golden");
        assert_eq!(id.0.to_string(), GOLDEN);
    }

    const GOLDEN: &str = "fd773351f7cc3584682d548d8b9856473392dff9912004364433410ab126011c";
}
