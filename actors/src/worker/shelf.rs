//! The models of one device: which are on it, and what is known of each.
//!
//! A model is loaded by the first batch that wants it. What must go to make room, the scheduler says, which knows the
//! queues; where loading fails all the same for want of memory, the one that was used least lately goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use cluster::body::Fault;
use cluster::body::runs::ModelRef;
use cluster::body::workers::OfferedModel;
use gpu::{Encoder, WarmUp};

/// Makes a model's encoder, on the device's thread: when it is first wanted, after it was let go, and anew when it broke.
pub type LoadEncoder = Box<dyn Fn() -> Result<Loaded, Fault> + Send>;

/// An encoder, ready to run.
pub struct Loaded {
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// What warming it up told.
    pub warm: WarmUp,
}

/// A model that a worker offers.
pub struct ServedModel {
    /// Which one.
    pub model: ModelRef,
    /// Items × longest length that the device may take at once.
    pub max_padded_tokens: u32,
    /// About what its weights take, while it was never loaded; 0 when unknown.
    pub weights_bytes: u64,
    /// Loads it.
    pub load: LoadEncoder,
}

struct Slot {
    served: ServedModel,
    loaded: Option<Loaded>,
    /// Of the last time that it was loaded.
    warm: WarmUp,
    load_ms: u32,
    used: u64,
}

/// All of them, in the order in which they are offered.
pub(super) struct Shelf {
    slots: Vec<Slot>,
    used: u64,
}

impl Shelf {
    pub(super) fn new(models: Vec<ServedModel>) -> Self {
        let slot = |served| Slot { served, loaded: None, warm: WarmUp::default(), load_ms: 0, used: 0 };
        Self { slots: models.into_iter().map(slot).collect(), used: 0 }
    }

    /// Loads the first model, so that the worker has something to offer at once.
    pub(super) fn load_first(&mut self) -> Result<(), Fault> {
        let Some(model) = self.slots.first().map(|slot| slot.served.model) else {
            return Err(Fault::new("model-missing", "this worker was given no model"));
        };
        self.encoder(model).map(|_| ())
    }

    /// The encoder of a model, which is loaded if it isn't yet.
    pub(super) fn encoder(&mut self, model: ModelRef) -> Result<&mut dyn Encoder, Fault> {
        let at = self.slots.iter().position(|slot| slot.served.model == model);
        let at = at.ok_or_else(|| Fault::new("model-unknown", "this worker does not offer that model"))?;
        self.used += 1;
        self.slots[at].used = self.used;
        while self.slots[at].loaded.is_none() {
            match self.slots[at].load() {
                Ok(()) => {}
                // It may have been memory: one model less is worth another try.
                Err(fault) if fault.code == "device-torch" || fault.code == "encode-out-of-memory" => {
                    if !self.drop_least_used(at) {
                        return Err(fault);
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        match &mut self.slots[at].loaded {
            Some(loaded) => Ok(loaded.encoder.as_mut()),
            None => Err(Fault::new("model-broken", "the model was not loaded")),
        }
    }

    fn drop_least_used(&mut self, but: usize) -> bool {
        let others = self.slots.iter_mut().enumerate().filter(|(at, slot)| *at != but && slot.loaded.is_some());
        let Some((_, least)) = others.min_by_key(|(_, slot)| slot.used) else { return false };
        least.loaded = None;
        tracing::info!(model = %least.served.model.digest, "a model was let go to make room");
        true
    }

    /// Lets a model's weights go; the next batch that wants it loads it again.
    pub(super) fn unload(&mut self, model: ModelRef) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.served.model == model) {
            slot.loaded = None;
        }
    }

    /// What the scheduler is told of each model.
    pub(super) fn offers(&self) -> Vec<OfferedModel> {
        self.slots.iter().map(Slot::offer).collect()
    }

    /// Memory of the device: free and all of it, as any encoder on it tells.
    pub(super) fn memory(&self) -> (u64, u64) {
        let loaded = self.slots.iter().find_map(|slot| slot.loaded.as_ref());
        loaded.map_or((0, 0), |loaded| {
            let memory = loaded.encoder.memory();
            (memory.free_bytes, memory.total_bytes)
        })
    }
}

impl Slot {
    fn load(&mut self) -> Result<(), Fault> {
        let began = Instant::now();
        // A panic in native code's wrapper must not take the device down with it.
        let loaded = catch_unwind(AssertUnwindSafe(&self.served.load))
            .unwrap_or_else(|_| Err(Fault::new("model-broken", "the model's loader failed")))?;
        self.load_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        self.warm = loaded.warm;
        self.loaded = Some(loaded);
        Ok(())
    }

    fn offer(&self) -> OfferedModel {
        let ServedModel { model, max_padded_tokens, weights_bytes, .. } = self.served;
        let warm = self.warm;
        OfferedModel {
            model,
            resident: self.loaded.is_some(),
            load_ms: self.load_ms,
            max_padded_tokens: match warm.padded_tokens {
                0 => max_padded_tokens,
                fitting => fitting.min(max_padded_tokens),
            },
            weights_bytes: if warm.weights_bytes > 0 { warm.weights_bytes } else { weights_bytes },
            bytes_per_padded_token: warm.bytes_per_padded_token,
            ns_per_token: warm.ns_per_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use domain::id::Digest;
    use domain::manifest::NumericProfile;
    use gpu::DoubleEncoder;

    use super::*;

    fn model(number: u8) -> ModelRef {
        ModelRef { digest: Digest([number; 32]), profile: NumericProfile::Double }
    }

    /// Models of which `room` fit at once.
    fn shelf(count: u8, room: i64) -> Shelf {
        struct Held(DoubleEncoder, Arc<AtomicI64>);
        impl Drop for Held {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::Relaxed);
            }
        }
        impl Encoder for Held {
            fn dim(&self) -> usize {
                self.0.dim()
            }
            fn profile(&self) -> NumericProfile {
                self.0.profile()
            }
            fn heads(&self) -> Vec<gpu::HeadInfo> {
                self.0.heads()
            }
            fn run(
                &mut self,
                batch: &[domain::passage::PassageInput],
                ask: &gpu::Ask,
            ) -> Result<gpu::Answers, gpu::EncodeError> {
                self.0.run(batch, ask)
            }
            fn memory(&self) -> gpu::MemoryReport {
                self.0.memory()
            }
        }
        let room = Arc::new(AtomicI64::new(room));
        let served = |number| {
            let room = Arc::clone(&room);
            let load = move || match room.fetch_sub(1, Ordering::Relaxed) {
                1.. => {
                    let encoder = Box::new(Held(DoubleEncoder::new(), Arc::clone(&room)));
                    Ok(Loaded { encoder, warm: WarmUp { weights_bytes: 70, padded_tokens: 600, ..WarmUp::default() } })
                }
                _ => {
                    room.fetch_add(1, Ordering::Relaxed);
                    Err(Fault::new("device-torch", "out of memory"))
                }
            };
            ServedModel { model: model(number), max_padded_tokens: 1_024, weights_bytes: 50, load: Box::new(load) }
        };
        Shelf::new((0..count).map(served).collect())
    }

    fn resident(shelf: &Shelf) -> Vec<bool> {
        shelf.offers().iter().map(|offer| offer.resident).collect()
    }

    #[test]
    fn a_model_is_loaded_by_the_first_batch_that_wants_it_and_let_go_when_asked() {
        let mut shelf = shelf(3, 3);
        shelf.load_first().unwrap();
        assert_eq!(resident(&shelf), [true, false, false]);
        shelf.encoder(model(2)).unwrap();
        assert_eq!(resident(&shelf), [true, false, true]);
        let offers = shelf.offers();
        assert_eq!((offers[1].weights_bytes, offers[1].max_padded_tokens), (50, 1_024), "never loaded");
        assert_eq!((offers[2].weights_bytes, offers[2].max_padded_tokens), (70, 600), "warmed up");
        shelf.unload(model(0));
        assert_eq!(resident(&shelf), [false, false, true]);
        assert_eq!(shelf.offers()[0].weights_bytes, 70, "what is known stays known");
    }

    #[test]
    fn what_was_used_least_lately_goes_where_memory_is_short() {
        let mut shelf = shelf(3, 2);
        for wanted in [0, 1, 0, 2] {
            shelf.encoder(model(wanted)).unwrap();
        }
        assert_eq!(resident(&shelf), [true, false, true]);
        let mut none = self::shelf(1, 0);
        assert_eq!(none.load_first().unwrap_err().code, "device-torch");
    }

    #[test]
    fn a_model_that_is_not_offered_is_refused() {
        let fault = shelf(1, 1).encoder(model(9)).err().unwrap();
        assert_eq!(fault.code, "model-unknown");
    }
}
