//! How fast a device multiplies matrices, and how near to that an encoder comes.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use tch::{Kind, TchError, Tensor};

use crate::device::Device;
use crate::encoder::Ask;
use crate::error::{EncodeError, GpuError};
use crate::lanes::Lane;
use crate::model::ModelFolder;

/// Rows, inner dimension and columns that are tried: the best counts. Squares, and the products of a small encoder.
const CPU_SHAPES: [[i64; 3]; 4] = [[512, 384, 1536], [512, 1536, 384], [1024, 1024, 1024], [2048, 2048, 2048]];
const GPU_SHAPES: [[i64; 3]; 2] = [[8192, 8192, 8192], [16384, 4096, 4096]];

/// Floating-point operations a second of the best large matrix product, on `lanes` threads at once; a multiplication
/// and an addition count two. Takes about `spend`.
///
/// # Errors
/// Where libtorch refuses.
pub fn matmul_rate(device: Device, profile: NumericProfile, lanes: usize, spend: Duration) -> Result<f64, GpuError> {
    let kind = if profile == NumericProfile::Bf16 { Kind::BFloat16 } else { Kind::Float };
    let shapes: &[[i64; 3]] = if device == Device::Cpu { &CPU_SHAPES } else { &GPU_SHAPES };
    let each = spend / shapes.len() as u32;
    let mut best = 0.0f64;
    for shape in shapes {
        let start = Barrier::new(lanes);
        let rates: Result<Vec<f64>, TchError> = std::thread::scope(|scope| {
            let measure = || product_rate(device, kind, shape, each, &start);
            // All are started before the first is waited for.
            let threads: Vec<_> = (0..lanes).map(|_| scope.spawn(measure)).collect();
            threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(lost()))).collect()
        });
        best = best.max(rates?.iter().sum());
    }
    Ok(best)
}

fn lost() -> TchError {
    TchError::Torch("a measuring thread panicked".to_owned())
}

fn product_rate(
    device: Device,
    kind: Kind,
    [rows, inner, columns]: &[i64; 3],
    spend: Duration,
    start: &Barrier,
) -> Result<f64, TchError> {
    // Of this thread: the products of a new one would use every core.
    tch::set_num_threads(1);
    let _no_grad = tch::no_grad_guard();
    let random = |a, b| Tensor::f_randn([a, b], (Kind::Float, device.to_tch()))?.f_to_kind(kind);
    let made = random(*rows, *inner).and_then(|x| Ok((x, random(*columns, *inner)?)));
    // All wait for all, whatever went wrong, or the others would wait for ever.
    start.wait();
    let (x, weight) = made?;
    // A number on the host can only be there when all before it was computed.
    let finish = |y: Tensor| y.f_select(0, 0)?.f_select(0, 0)?.f_to_kind(Kind::Float)?.f_double_value(&[]).map(|_| ());
    finish(x.f_linear(&weight, None::<Tensor>)?)?;
    let (began, mut done) = (Instant::now(), 0u32);
    let burst = if device == Device::Cpu { 1 } else { 8 };
    while done == 0 || began.elapsed() < spend {
        for _ in 1..burst {
            let _queued = x.f_linear(&weight, None::<Tensor>)?;
        }
        finish(x.f_linear(&weight, None::<Tensor>)?)?;
        done += burst;
    }
    let flop = 2.0 * (rows * inner * columns) as f64;
    Ok(flop * f64::from(done) / began.elapsed().as_secs_f64())
}

/// How an encoder stands against its device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Tokens a second, all lanes together.
    pub tokens_per_s: f64,
    /// Of the matrix products among them, floating-point operations a second.
    pub flops: f64,
    /// The device's own rate, from [`matmul_rate`].
    pub ceiling_flops: f64,
}

impl Standing {
    /// Share of the device's own rate.
    pub fn share(&self) -> f64 {
        self.flops / self.ceiling_flops.max(1.0)
    }
}

/// Encodes `batch` over and over on all lanes, which are of one device, for about `spend`, beside the device's own
/// matrix rate, measured for half as long just before.
///
/// # Errors
/// Where the device refuses; an encoder that fails.
pub fn standing(
    model: &ModelFolder,
    lanes: &mut [Lane],
    batch: &[PassageInput],
    spend: Duration,
) -> Result<Standing, GpuError> {
    let (device, profile) = match lanes.first() {
        Some(lane) => (lane.device, lane.encoder.profile()),
        None => return Err(GpuError::DeviceMissing { reason: "there is no lane to measure".into() }),
    };
    let ceiling_flops = matmul_rate(device, profile, lanes.len(), spend / 2)?;
    let refused = |error: EncodeError| GpuError::Torch { reason: error.to_string() };
    let start = Barrier::new(lanes.len());
    let rates: Result<Vec<f64>, EncodeError> = std::thread::scope(|scope| {
        let threads: Vec<_> = lanes
            .iter_mut()
            .map(|lane| {
                let start = &start;
                scope.spawn(move || {
                    // The first batch pays for warming up.
                    let warm = lane.encoder.run(batch, &Ask::vectors());
                    start.wait();
                    warm?;
                    let (began, mut done) = (Instant::now(), 0usize);
                    while done == 0 || began.elapsed() < spend {
                        lane.encoder.run(batch, &Ask::vectors())?;
                        done += 1;
                    }
                    Ok(done as f64 / began.elapsed().as_secs_f64())
                })
            })
            .collect();
        let lost = || EncodeError::Broken { reason: "a measuring thread panicked".into() };
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect()
    });
    let batches_per_s: f64 = rates.map_err(refused)?.iter().sum();
    let tokens: usize = batch.iter().map(|input| input.tokens.len()).sum();
    let flop: f64 = batch.iter().map(|input| model.matmul_flop(input.tokens.len())).sum();
    Ok(Standing { tokens_per_s: batches_per_s * tokens as f64, flops: batches_per_s * flop, ceiling_flops })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_own_rate_is_measured_and_more_threads_are_not_slower_by_much() {
        let rate = |lanes| matmul_rate(Device::Cpu, NumericProfile::F32, lanes, Duration::from_millis(200)).unwrap();
        let (one, two) = (rate(1), rate(2));
        assert!(one > 1e8 && two > 0.3 * one, "{one:e}, {two:e}");
    }
}
