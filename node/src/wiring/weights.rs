//! One model's weights on one device, shared by the device's workers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actors::worker::{LoadEncoder, Loaded};
use cluster::body::Fault;
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::{Answers, Ask, Device, EncodeError, Encoder, HeadInfo, MemoryReport, ModelFolder, TchEncoder, WarmUp};

/// Weights that are loaded once however many workers a device has, and that go with the last encoder on them.
#[derive(Clone)]
pub(super) struct Weights(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// To share from, while anybody uses it.
    kept: Option<(TchEncoder, WarmUp)>,
    users: usize,
}

impl Weights {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads and warms the model for who comes first, and shares it with the others.
    pub(super) fn loader(
        &self,
        folder: Arc<ModelFolder>,
        device: Device,
        profile: NumericProfile,
        padded_tokens: usize,
    ) -> LoadEncoder {
        let weights = self.clone();
        Box::new(move || {
            // Others wait here, so that nothing else is loaded while memory is measured.
            let mut state = weights.state();
            let (encoder, warm) = match &state.kept {
                Some((encoder, warm)) => (encoder.share(), *warm),
                None => {
                    let fault = |error: gpu::GpuError| Fault::new(error.code(), error.to_string());
                    let mut encoder = TchEncoder::load(&folder, device, profile).map_err(fault)?;
                    let warm = gpu::warm_up(&mut encoder, folder.max_tokens(), padded_tokens);
                    let warm = warm.map_err(|error| Fault::new(error.code(), error.to_string()))?;
                    tracing::info!(%device, ?warm, model = %folder.digest(), "a model is loaded and warm");
                    state.kept = Some((encoder.share(), warm));
                    (encoder, warm)
                }
            };
            state.users += 1;
            drop(state);
            Ok(Loaded { encoder: Box::new(Shared { encoder, weights: weights.clone() }), warm })
        })
    }
}

/// One worker's encoder.
struct Shared {
    encoder: TchEncoder,
    weights: Weights,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut state = self.weights.state();
        state.users = state.users.saturating_sub(1);
        if state.users == 0 {
            state.kept = None;
        }
    }
}

impl Encoder for Shared {
    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn profile(&self) -> NumericProfile {
        self.encoder.profile()
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.encoder.heads()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        self.encoder.run(batch, ask)
    }

    fn packs(&self) -> bool {
        self.encoder.packs()
    }

    fn memory(&self) -> MemoryReport {
        self.encoder.memory()
    }
}
