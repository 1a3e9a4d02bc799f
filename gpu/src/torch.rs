//! The encoder on libtorch: the same code on CPU and CUDA.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};
use half::f16;
use tch::{Kind, TchError, Tensor};

use crate::ballast;
use crate::bert::Bert;
use crate::device::Device;
use crate::encoder::{Answers, Ask, Encoder, MemoryReport, Scores, check_ask, check_batch};
use crate::error::{EncodeError, GpuError};
use crate::head::{Head, HeadId, HeadInfo};
use crate::hidden::Hidden;
use crate::layout::{Layout, Packing, indices};
use crate::memory::host_memory;
use crate::model::ModelFolder;
use crate::native;
use crate::weights::Weights;

/// An encoder for one thread. [`TchEncoder::share`] gives further ones for the same weights.
#[derive(Debug)]
pub struct TchEncoder {
    bert: Bert,
    heads: Vec<Box<dyn Head>>,
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
            heads: Vec::new(),
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
        Self { bert: self.bert.share(), heads: self.heads.iter().map(|head| head.share()).collect(), ..*self }
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.device
    }

    /// A further head on the shared body, asked for by the id that it gets here.
    pub fn attach(&mut self, head: Box<dyn Head>) -> HeadId {
        self.heads.push(head);
        HeadId(self.heads.len() - 1)
    }

    /// Layers of the shared body: what a head on top of it taps.
    pub fn layers(&self) -> usize {
        self.bert.layers()
    }

    /// All that is asked for, 32-bit floats one after the other in the host's memory: first each input's
    /// vector and those of its spans, then each head's scores.
    fn compute(&self, batch: &[PassageInput], ask: &Ask) -> Result<Vec<f32>, TchError> {
        let device = self.device.to_tch();
        let layout = Layout::new(batch, packing(self.device, self.profile), device)?;
        let (ids, positions) = layout.ids_and_positions(batch);
        let (ids, positions) = (indices(&ids, device)?, indices(&positions, device)?);

        let tap = |head: &HeadId| self.heads[head.0].tap().min(self.bert.layers());
        let last = if ask.vectors { self.bert.layers() } else { ask.heads.iter().map(tap).max().unwrap_or(0) };
        let mut scores: Vec<Option<Tensor>> = ask.heads.iter().map(|_| None).collect();
        let mut hidden = Hidden::new(self.bert.embed(&ids, &positions)?, &layout, batch, ask);
        for layer in 0..=last {
            for (slot, head) in scores.iter_mut().zip(&ask.heads).filter(|(_, head)| tap(head) == layer) {
                *slot = Some(self.heads[head.0].run(&hidden)?);
            }
            if layer < last {
                hidden = hidden.with_states(self.bert.layer(layer, hidden.states(), &layout)?);
            }
        }
        let vectors = if ask.vectors { Some(unit(&hidden.passages_and_spans()?)?) } else { None };
        let parts = vectors.into_iter().chain(scores.into_iter().flatten());
        let parts = parts.map(|part| part.f_to_kind(Kind::Float)?.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        // One copy off the device, whatever was asked for.
        let all = Tensor::f_cat(&parts, 0)?.f_to_device(tch::Device::Cpu)?;
        let mut floats = vec![0f32; all.numel()];
        let len = floats.len();
        all.f_copy_data(&mut floats, len)?;
        Ok(floats)
    }
}

fn packing(device: Device, profile: NumericProfile) -> Packing {
    match (device, profile) {
        (Device::Cuda(_), _) => Packing::Padded,
        (Device::Cpu, NumericProfile::Bf16) => Packing::Stepped,
        (Device::Cpu, _) => Packing::Exact,
    }
}

/// The words of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a call panicked: {}", text.unwrap_or("no reason given"))
}

/// Rows of length one.
fn unit(rows: &Tensor) -> Result<Tensor, TchError> {
    let norms = rows.f_norm_scalaropt_dim(2, [1i64], true)?.f_clamp_min(1e-12)?;
    rows.f_div(&norms)
}

/// Half floats of one input's vectors, `dim` to a vector, its own first.
fn encoded(index: usize, floats: &[f32], dim: usize) -> Result<Encoded, EncodeError> {
    if floats.iter().any(|float| !float.is_finite()) {
        return Err(EncodeError::BadInput { index, reason: "its vectors are not finite".into() });
    }
    let (passage, sentences) = floats.split_at(dim);
    let bits = |floats: &[f32]| floats.iter().map(|float| f16::from_f32(*float).to_bits()).collect();
    Ok(Encoded { passage: bits(passage), sentences: bits(sentences) })
}

impl Encoder for TchEncoder {
    fn dim(&self) -> usize {
        self.dim
    }

    fn profile(&self) -> NumericProfile {
        self.profile
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.heads.iter().map(|head| head.info().clone()).collect()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        check_batch(batch, self.vocabulary, self.max_tokens)?;
        check_ask(batch, ask, self.heads.len())?;
        if batch.is_empty() {
            return Ok(Answers::default());
        }
        ballast::keep();
        // Whether gradients are kept is a setting of the thread, and this may be any thread.
        let _no_grad = tch::no_grad_guard();
        // tch panics where what it can't return as an error fails, for want of memory too. Computing changes nothing
        // that the next batch would find half done.
        let computed = std::panic::catch_unwind(AssertUnwindSafe(|| self.compute(batch, ask)));
        let floats = computed.unwrap_or_else(|panic| Err(TchError::Torch(said(&*panic))))?;
        let mut rest = floats.as_slice();
        let mut take = |len: usize| {
            let (head, tail) = rest.split_at_checked(len)?;
            rest = tail;
            Some(head)
        };
        let short = || EncodeError::Broken { reason: "the device gave fewer numbers than were asked for".into() };
        let mut answers = Answers::default();
        for (index, input) in batch.iter().enumerate().filter(|_| ask.vectors) {
            let floats = take((input.spans.len() + 1) * self.dim).ok_or_else(short)?;
            answers.vectors.push(encoded(index, floats, self.dim)?);
        }
        for head in &ask.heads {
            let info = self.heads[head.0].info();
            let rows: Vec<usize> = batch.iter().enumerate().map(|(i, input)| info.rows(ask, i, input)).collect();
            let values = take(rows.iter().sum::<usize>() * info.labels.len()).ok_or_else(short)?.to_vec();
            let scores = Scores::new(info.labels.len(), rows.into_iter(), values).ok_or_else(short)?;
            answers.scores.push(scores);
        }
        Ok(answers)
    }

    fn packs(&self) -> bool {
        packing(self.device, self.profile) != Packing::Padded
    }

    fn memory(&self) -> MemoryReport {
        let (free_bytes, total_bytes) = match self.device {
            Device::Cpu => host_memory(),
            Device::Cuda(index) => (native::gpu_free_bytes().unwrap_or(0), native::gpu(index).memory_bytes),
        };
        MemoryReport {
            weights_bytes: self.weights_bytes,
            free_bytes,
            total_bytes,
            least_bytes_per_token: self.bert.widest_bytes(),
            host: self.device == Device::Cpu,
        }
    }
}
