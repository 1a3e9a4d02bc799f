use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The longest passage must fit a device by itself.
const MIN_PADDED_TOKENS: u32 = 512;

/// The devices.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Workers on the processor, a core each; 0 for as many as there are cores (and none beside a GPU).
    pub cpu_workers: usize,
    /// Items × longest length that a core takes at once.
    pub cpu_padded_tokens: u32,
    /// The same for a GPU.
    pub gpu_padded_tokens: u32,
    /// Of the deterministic double only: how long each batch takes, milliseconds.
    pub double_delay_ms: u64,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { cpu_workers: 0, cpu_padded_tokens: 512, gpu_padded_tokens: 65_536, double_delay_ms: 0 }
    }
}

impl WorkerConfig {
    /// Encoders a device, and what each takes at once.
    pub fn lanes(&self) -> gpu::LanePlan {
        gpu::LanePlan {
            cpu_workers: self.cpu_workers,
            cpu_padded_tokens: self.cpu_padded_tokens as usize,
            gpu_padded_tokens: self.gpu_padded_tokens as usize,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let devices = [
            ("worker.cpu_padded_tokens", self.cpu_padded_tokens),
            ("worker.gpu_padded_tokens", self.gpu_padded_tokens),
        ];
        for (key, found) in devices {
            if found < MIN_PADDED_TOKENS {
                return Err(ConfigError::OutOfRange { key, found: found.into(), wanted: "at least 512" });
            }
        }
        Ok(())
    }
}
