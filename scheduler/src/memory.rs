//! A device's memory: the weights of the models on it, and the activations of the batch that runs.
//!
//! Batches on a device run one after the other, so the largest of them counts, and the weights of all models that are
//! resident. Before a model is loaded that finds no room, others go that no batch needs, least recently used first.

use crate::event::ModelOffer;
use crate::worker::{Offer, Worker};

/// What a device has left for a batch of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Padded tokens that fit.
    pub(crate) tokens: u32,
    /// Offers whose weights go first.
    pub(crate) unload: Vec<usize>,
}

/// Bytes that a device has for loading and running: a share of what is free.
pub(crate) fn spare_bytes(free_bytes: u64, share: f64) -> Option<i64> {
    (free_bytes > 0).then(|| (free_bytes as f64 * share).min(i64::MAX as f64) as i64)
}

/// What is left for the model of `index` beside activations of `running_bytes`, with items of up to `longest` tokens;
/// `None` if it can't be brought in while what is `in_use` stays.
pub(crate) fn room(
    worker: &Worker,
    index: usize,
    longest: u32,
    running_bytes: i64,
    in_use: impl Fn(u32) -> bool,
) -> Option<Room> {
    let offer = &worker.offers[index];
    let Some(spare) = worker.spare_bytes else { return Some(Room { tokens: u32::MAX, unload: Vec::new() }) };
    let mut left = spare - if offer.resident { 0 } else { offer.weights_bytes };
    // What runs already has its activations in memory while the weights are loaded.
    let least = offer.activation_bytes(u64::from(longest)).max(if offer.resident { 0 } else { running_bytes });
    let mut unload = Vec::new();
    if left < least {
        let mut others: Vec<usize> = (0..worker.offers.len())
            .filter(|&other| other != index && worker.offers[other].resident && !in_use(worker.offers[other].model))
            .collect();
        others.sort_unstable_by_key(|&other| worker.offers[other].last_used);
        for other in others {
            if left >= least {
                break;
            }
            left += worker.offers[other].weights_bytes;
            unload.push(other);
        }
    }
    let tokens = match offer.bytes_per_token {
        0 => u32::MAX,
        bytes => u32::try_from(left.max(0) / i64::from(bytes)).unwrap_or(u32::MAX),
    };
    (left >= least).then_some(Room { tokens, unload })
}

/// Whether a model could run here with all others gone.
pub(crate) fn could_run(offer: &ModelOffer, offers: &[ModelOffer], spare: Option<i64>, longest: u32) -> bool {
    let Some(spare) = spare else { return true };
    let others = offers.iter().filter(|other| other.resident && other.model != offer.model);
    let freed: u64 = others.map(|other| other.weights_bytes).sum();
    let weights = if offer.resident { 0 } else { offer.weights_bytes };
    let needs = weights.saturating_add(u64::from(longest) * u64::from(offer.bytes_per_padded_token));
    (spare.max(0) as u64).saturating_add(freed) >= needs
}

impl Offer {
    pub(crate) fn activation_bytes(&self, padded_tokens: u64) -> i64 {
        i64::try_from(padded_tokens.saturating_mul(u64::from(self.bytes_per_token))).unwrap_or(i64::MAX)
    }
}

impl Worker {
    /// A model's weights come onto the device with the batch of this number.
    pub(crate) fn load(&mut self, index: usize, batch: u64) {
        let offer = &mut self.offers[index];
        offer.last_used = batch;
        if !std::mem::replace(&mut offer.resident, true)
            && let Some(spare) = &mut self.spare_bytes
        {
            *spare -= offer.weights_bytes;
        }
    }

    /// A model's weights go.
    pub(crate) fn unload(&mut self, index: usize) {
        let offer = &mut self.offers[index];
        if std::mem::replace(&mut offer.resident, false)
            && let Some(spare) = &mut self.spare_bytes
        {
            *spare += offer.weights_bytes;
        }
    }
}
