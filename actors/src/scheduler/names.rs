//! What the core's small numbers stand for.

use std::collections::HashMap;

use cluster::body::Scope;
use cluster::body::runs::{ModelRef, SubmitItems};
use domain::id::{Digest, RunId, Term};
use scheduler::ModelKey;

/// Models known at once.
const MAX_MODELS: usize = 64;
/// Runs known at once.
const MAX_RUNS: usize = 4_096;

/// The core's numbers for models.
#[derive(Default)]
pub(super) struct Models(Vec<ModelRef>);

impl Models {
    /// The number of a model; `None` if too many are known.
    pub(super) fn key(&mut self, model: ModelRef) -> Option<ModelKey> {
        let at = self.0.iter().position(|known| *known == model).or_else(|| {
            (self.0.len() < MAX_MODELS).then(|| {
                self.0.push(model);
                self.0.len() - 1
            })
        });
        at.map(|at| ModelKey(at as u32))
    }

    /// The model of a number.
    pub(super) fn get(&self, key: ModelKey) -> Option<ModelRef> {
        self.0.get(key.0 as usize).copied()
    }
}

/// Where a run's inputs lie, and who asked.
#[derive(Clone, Copy)]
pub(super) struct RunSource {
    pub(super) scope: Scope,
    pub(super) inputs: Digest,
    pub(super) core: u128,
    /// Of the coordinator that asked.
    pub(super) run_term: Term,
}

/// Runs with outstanding items.
#[derive(Default)]
pub(super) struct Runs(HashMap<RunId, RunSource>);

impl Runs {
    /// Keeps what a submission says of its run, unless a newer coordinator has spoken; false if too many
    /// runs are known.
    pub(super) fn remember(&mut self, submit: &SubmitItems) -> bool {
        let known = self.0.get(&submit.run);
        if self.0.len() >= MAX_RUNS && known.is_none() {
            return false;
        }
        if known.is_none_or(|source| source.run_term <= submit.run_term) {
            let SubmitItems { scope, inputs, core, run_term, .. } = *submit;
            self.0.insert(submit.run, RunSource { scope, inputs, core, run_term });
        }
        true
    }

    pub(super) fn get(&self, run: RunId) -> Option<&RunSource> {
        self.0.get(&run)
    }

    /// Forgets a run, unless a newer coordinator has spoken for it.
    pub(super) fn forget(&mut self, run: RunId, run_term: Term) {
        if self.0.get(&run).is_some_and(|source| source.run_term <= run_term) {
            self.0.remove(&run);
        }
    }
}

const LEN_BITS: u32 = 24;

/// An input's place as the core's opaque tag: 40 bits of offset, 24 of length.
pub(super) fn pack(offset: u64, len: u32) -> Option<u64> {
    let fits = offset < 1 << (64 - LEN_BITS) && len < 1 << LEN_BITS;
    fits.then_some(offset << LEN_BITS | u64::from(len))
}

/// The input's place of a tag.
pub(super) fn unpack(tag: u64) -> (u64, u32) {
    (tag >> LEN_BITS, (tag & ((1 << LEN_BITS) - 1)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inputs_place_survives_the_tag() {
        for (offset, len) in [(0, 0), (1, 2), ((1 << 40) - 1, (1 << 24) - 1)] {
            assert_eq!(pack(offset, len).map(unpack), Some((offset, len)));
        }
        assert_eq!(pack(1 << 40, 1), None);
        assert_eq!(pack(0, 1 << 24), None);
    }
}
