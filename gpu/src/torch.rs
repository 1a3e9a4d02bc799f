//! The encoder on libtorch: the same code on CPU and CUDA.

use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};
use half::f16;
use tch::{Kind, Tensor};

use crate::bert::Bert;
use crate::device::{Device, host_memory};
use crate::encoder::{Encoder, MemoryReport, check_batch};
use crate::error::{EncodeError, GpuError};
use crate::model::ModelFolder;
use crate::native;
use crate::weights::Weights;

/// An encoder for one thread. [`TchEncoder::share`] gives further ones for the same weights.
#[derive(Debug)]
pub struct TchEncoder {
    bert: Bert,
    device: Device,
    profile: NumericProfile,
    dim: usize,
    max_tokens: usize,
    vocabulary: u32,
    weights_bytes: u64,
}

impl TchEncoder {
    /// Loads the weights onto a device. Takes about a second; do it once a device and share the rest.
    pub fn load(model: &ModelFolder, device: Device, profile: NumericProfile) -> Result<Self, GpuError> {
        let kind = match profile {
            NumericProfile::F32 => Kind::Float,
            NumericProfile::Bf16 => Kind::BFloat16,
            NumericProfile::Double => {
                let reason = "the profile \"double\" is computed without a model".to_owned();
                return Err(GpuError::ModelUnsupported { reason });
            }
        };
        if let Device::Cuda(index) = device {
            native::cuda().map_err(|why| GpuError::DeviceMissing { reason: format!("{device}: {why}") })?;
            let count = tch::Cuda::device_count();
            if i64::from(index) >= count {
                let reason = format!("{device}: this machine has {count} GPUs, counted from 0");
                return Err(GpuError::DeviceMissing { reason });
            }
        }
        // One core a worker: libtorch's own threads would spin against one another on a shared machine.
        tch::set_num_threads(1);
        let _no_grad = tch::no_grad_guard();
        let mut weights = Weights::open(&model.path().join("model.safetensors"))?;
        let bert = Bert::load(&mut weights, model.config(), kind, device.to_tch())?;
        Ok(Self {
            weights_bytes: bert.bytes(),
            bert,
            device,
            profile,
            dim: model.dim(),
            max_tokens: model.max_tokens(),
            vocabulary: u32::try_from(model.config().vocab_size).unwrap_or(u32::MAX),
        })
    }

    /// A further encoder for another thread, on the same weights: it costs next to no memory.
    ///
    /// Sharing is sound because nothing ever writes to a weight after loading, reference counts are
    /// atomic, and no gradient bookkeeping hangs on them.
    pub fn share(&self) -> Self {
        Self { bert: self.bert.share(), ..*self }
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Vectors of every passage and span, `[batch, vectors, dim]` half floats in the host's memory: for
    /// each passage, itself first, then its spans, then padding.
    fn vectors(&self, batch: &[PassageInput], tokens: usize, vectors: usize) -> Result<Tensor, tch::TchError> {
        let device = self.device.to_tch();
        let (b, s, v) = (batch.len() as i64, tokens as i64, vectors as i64);
        let mut ids = vec![0i64; batch.len() * tokens];
        let mut there = vec![false; batch.len() * tokens];
        // Row by row, the weights of the mean that makes each vector: 1/n at its n tokens, else 0.
        let mut means = vec![0f32; batch.len() * vectors * tokens];
        for (i, input) in batch.iter().enumerate() {
            let row = i * tokens..i * tokens + input.tokens.len();
            ids[row.clone()].iter_mut().zip(&input.tokens).for_each(|(slot, id)| *slot = i64::from(*id));
            there[row].fill(true);
            let whole = (0, input.tokens.len());
            let spans = input.spans.iter().map(|(start, end)| (usize::from(*start), usize::from(*end)));
            for (j, (start, end)) in std::iter::once(whole).chain(spans).enumerate() {
                let at = (i * vectors + j) * tokens;
                means[at + start..at + end].fill(1.0 / (end - start) as f32);
            }
        }
        let padded = there.contains(&false);
        let ids = Tensor::f_from_slice(&ids)?.f_view([b, s])?.f_to_device(device)?;
        let mask = if padded { Some(Tensor::f_from_slice(&there)?.f_view([b, s])?.f_to_device(device)?) } else { None };
        let means = Tensor::f_from_slice(&means)?.f_view([b, v, s])?.f_to_device(device)?;

        let hidden = self.bert.forward(&ids, mask.as_ref(), s)?.f_to_kind(Kind::Float)?;
        let pooled = means.f_bmm(&hidden)?;
        let norms = pooled.f_norm_scalaropt_dim(2, [2i64], true)?.f_clamp_min(1e-12)?;
        pooled.f_div(&norms)?.f_to_kind(Kind::Half)?.f_to_device(tch::Device::Cpu)?.f_contiguous()
    }
}

impl Encoder for TchEncoder {
    fn dim(&self) -> usize {
        self.dim
    }

    fn profile(&self) -> NumericProfile {
        self.profile
    }

    fn encode(&mut self, batch: &[PassageInput]) -> Result<Vec<Encoded>, EncodeError> {
        check_batch(batch, self.vocabulary, self.max_tokens)?;
        let (Some(tokens), Some(spans)) =
            (batch.iter().map(|input| input.tokens.len()).max(), batch.iter().map(|input| input.spans.len()).max())
        else {
            return Ok(Vec::new());
        };
        // Whether gradients are kept is a setting of the thread, and this may be any thread.
        let _no_grad = tch::no_grad_guard();
        let vectors = spans + 1;
        let tensor = self.vectors(batch, tokens, vectors)?;
        let mut floats = vec![f16::ZERO; batch.len() * vectors * self.dim];
        let len = floats.len();
        tensor.f_copy_data(&mut floats, len)?;

        let rows = floats.chunks_exact(vectors * self.dim).zip(batch).enumerate();
        rows.map(|(index, (row, input))| {
            let row = &row[..(input.spans.len() + 1) * self.dim];
            if row.iter().any(|float| !float.is_finite()) {
                return Err(EncodeError::BadInput { index, reason: "its vectors are not finite".into() });
            }
            let (passage, sentences) = row.split_at(self.dim);
            let bits = |floats: &[f16]| floats.iter().map(|float| float.to_bits()).collect();
            Ok(Encoded { passage: bits(passage), sentences: bits(sentences) })
        })
        .collect()
    }

    fn memory(&self) -> MemoryReport {
        let (free_bytes, total_bytes) = match self.device {
            Device::Cpu => host_memory(),
            Device::Cuda(index) => (native::gpu_free_bytes().unwrap_or(0), native::gpu(index).memory_bytes),
        };
        MemoryReport { weights_bytes: self.weights_bytes, free_bytes, total_bytes }
    }
}
