//! The same encoder on a GPU, where there is one: `cargo test -p gpu --release --test cuda -- --nocapture`.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use std::time::Duration;

use common::{TINY_VOCABULARY, WIDE, model, model_of, uneven_batch, worst_cosine};
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::stream::{self, Kind, Limits, Wanted};
use gpu::{
    Cells, Device, DeviceInfo, EncodeError, Encoder, Lane, ModelFolder, TchEncoder, Tokenizer, ceiling, cuda_status,
    devices, warm_up,
};

fn gpu() -> Option<DeviceInfo> {
    if let Err(why) = cuda_status() {
        println!("skipped: no GPU can be used here ({why})");
        return None;
    }
    devices().into_iter().find(|info| info.device != Device::Cpu)
}

/// The real model, else one of its width with random weights.
fn any_model() -> (Option<tempfile::TempDir>, ModelFolder, u32) {
    match model() {
        Some(model) => (None, model, 250_000),
        None => {
            let (folder, model) = model_of(WIDE);
            (Some(folder), model, TINY_VOCABULARY)
        }
    }
}

fn long(count: u32, len: u32, vocabulary: u32) -> Vec<PassageInput> {
    let tokens = |at: u32| (0..len).map(|place| (place * 37 + at * 11) % vocabulary).collect();
    (0..count).map(|at| PassageInput { tokens: tokens(at), spans: vec![(1, len as u16 - 1)] }).collect()
}

#[test]
fn a_gpu_agrees_with_the_processor() {
    let Some(info) = gpu() else { return };
    let (_folder, model, vocabulary) = any_model();
    let mut batch = uneven_batch(vocabulary);
    batch.extend(long(3, 500, vocabulary));
    let encode = |device, profile| TchEncoder::load(&model, device, profile).unwrap().encode(&batch).unwrap();
    let reference = encode(Device::Cpu, NumericProfile::F32);
    for profile in [NumericProfile::F32, NumericProfile::Bf16] {
        let found = encode(info.device, profile);
        let worst = found.iter().zip(&reference).map(|(a, b)| worst_cosine(a, b)).fold(1.0, f64::min);
        println!("{}: {} against the processor: cosine at least {worst:.6}", info.name, profile.name());
        assert!(worst >= 0.999, "{}: {worst}", profile.name());
    }
}

#[test]
fn a_gpu_is_kept_busy_near_its_own_rate() {
    let Some(info) = gpu() else { return };
    let (_folder, model, vocabulary) = any_model();
    let encoder = TchEncoder::load(&model, info.device, NumericProfile::Bf16).unwrap();
    let mut lanes = [Lane { device: info.device, encoder: Box::new(encoder), cells: Cells::new(65_536) }];
    let found = ceiling::standing(&model, &mut lanes, &long(128, 500, vocabulary), Duration::from_secs(4)).unwrap();
    println!(
        "{}: {:.0} tokens/s in bf16, {:.1} of {:.1} TFLOP/s: {:.0} % of its own rate",
        info.name,
        found.tokens_per_s,
        found.flops / 1e12,
        found.ceiling_flops / 1e12,
        100.0 * found.share(),
    );
    let texts = (0..20_000).map(|at| Ok::<_, String>(format!("w{} of the sea and the w7 ", at % 40).repeat(20)));
    let wanted = Wanted { kind: Kind::Passage, vectors: true, heads: Vec::new() };
    let tokenizer = Tokenizer::open(&model).unwrap();
    let limits = Limits { texts: 65_536, tokens: 1 << 20 };
    let stats = stream::run(&tokenizer, &mut lanes, texts, &wanted, limits, &mut |_| Ok(())).unwrap();
    println!(
        "streamed: {:.0} tokens/s, busy {:.1} %, idle gap {:.2} ms, padding {:.1} %",
        stats.tokens_per_s(),
        100.0 * stats.busy_share(),
        stats.idle_gap.as_secs_f64() * 1e3,
        100.0 * stats.padding,
    );
    assert!(stats.texts == 20_000 && stats.padding < 0.05, "{stats:?}");
}

#[test]
fn a_gpu_that_runs_out_of_memory_says_so_and_goes_on() {
    let Some(info) = gpu() else { return };
    let (_folder, model, vocabulary) = any_model();
    let mut encoder = TchEncoder::load(&model, info.device, NumericProfile::F32).unwrap();
    let before = encoder.encode(&long(1, 500, vocabulary)).unwrap();
    // All but 1 GiB is taken by somebody else.
    let Device::Cuda(index) = info.device else { unreachable!("it is a GPU") };
    let ballast = encoder.memory().free_bytes.saturating_sub(1 << 30);
    let device = tch::Device::Cuda(index as usize);
    let ballast = tch::Tensor::f_empty([ballast as i64], (tch::Kind::Uint8, device)).unwrap();
    let batch = long(500, 500, vocabulary);
    assert!(matches!(encoder.encode(&batch), Err(EncodeError::OutOfMemory { .. })), "it was to run out of memory");
    let warm = warm_up(&mut encoder, 500, 500 * 500).unwrap();
    println!("{}: with 1 GiB left, {warm:?}", info.name);
    let fitting = warm.padded_tokens as usize / 500;
    assert!((1..500).contains(&fitting), "{warm:?}");
    let after = encoder.encode(&batch[..fitting]).unwrap();
    assert!(worst_cosine(&after[0], &before[0]) > 0.9999);
    drop(ballast);
}
