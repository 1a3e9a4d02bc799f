//! Which devices this machine has, and how each computes best.

use std::fmt;

use domain::manifest::NumericProfile;

use crate::memory::host_memory;
use crate::native;

/// A device to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor. Each encoder uses one core: a worker thread for each.
    Cpu,
    /// A GPU, by its CUDA index.
    Cuda(u32),
}

impl Device {
    pub(crate) fn to_tch(self) -> tch::Device {
        match self {
            Self::Cpu => tch::Device::Cpu,
            Self::Cuda(index) => tch::Device::Cuda(index as usize),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// A device, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Which one.
    pub device: Device,
    /// As its maker calls it.
    pub name: String,
    /// Encoders that can compute side by side without slowing one another: cores of a processor that this
    /// process may use, 1 for a GPU.
    pub lanes: usize,
    /// All memory that it has; 0 where it does not tell.
    pub memory_bytes: u64,
    /// It multiplies bfloat16 matrices natively.
    pub bf16: bool,
}

/// Every device of this machine: the processor, then the GPUs that libtorch can use.
pub fn devices() -> Vec<DeviceInfo> {
    let mut out = vec![DeviceInfo {
        device: Device::Cpu,
        name: cpu_name(),
        lanes: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: host_memory().1,
        bf16: cpu_bf16(),
    }];
    if native::cuda().is_ok() {
        let count = u32::try_from(tch::Cuda::device_count()).unwrap_or(0);
        out.extend((0..count).map(|index| {
            let gpu = native::gpu(index);
            DeviceInfo {
                device: Device::Cuda(index),
                name: gpu.name,
                lanes: 1,
                memory_bytes: gpu.memory_bytes,
                // From Ampere (8.0) on; before, it is emulated.
                bf16: gpu.compute_major >= 8,
            }
        }));
    }
    out
}

/// bfloat16 where the device computes it natively, since it doubles the speed at a cosine of 0.999 to
/// single precision; else single precision.
pub fn best_profile(device: &DeviceInfo) -> NumericProfile {
    if device.bf16 { NumericProfile::Bf16 } else { NumericProfile::F32 }
}

/// Version of the libtorch that this process runs on, such as `2.11.0`.
pub fn libtorch_version() -> String {
    native::libtorch_version().unwrap_or_else(|| "unknown".to_owned())
}

/// Whether GPUs can be used, and if not, why: for people.
pub fn cuda_status() -> Result<(), String> {
    native::cuda()
}

fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Processors with AMX tiles for bfloat16 have AVX-512 for it too, so this one flag tells.
fn cpu_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_a_device() {
        let devices = devices();
        let cpu = &devices[0];
        assert_eq!(cpu.device, Device::Cpu);
        assert!(cpu.lanes >= 1 && !cpu.name.is_empty() && cpu.memory_bytes > 0, "{cpu:?}");
        assert_eq!(devices.len() > 1, cuda_status().is_ok());
    }

    #[test]
    fn the_profile_follows_what_the_device_computes_natively() {
        let mut device = devices().remove(0);
        device.bf16 = false;
        assert_eq!(best_profile(&device), NumericProfile::F32);
        device.bf16 = true;
        assert_eq!(best_profile(&device), NumericProfile::Bf16);
    }

    #[test]
    fn libtorch_is_the_version_that_the_build_is_pinned_to() {
        assert_eq!(libtorch_version(), "2.11.0");
    }

    #[test]
    fn where_there_is_no_gpu_the_reason_is_one_line() {
        if let Err(reason) = cuda_status() {
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
        }
    }
}
