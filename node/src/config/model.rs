use std::path::PathBuf;

use domain::manifest::NumericProfile;
use serde::{Deserialize, Serialize};

/// The name that stands for the deterministic double in place of a model's folder.
const DOUBLE: &str = "double";
/// The folder of heads, beside or above the program.
const HEADS: &str = "models";

/// The encoder's model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// A folder in Hugging Face layout (`config.json`, `model.safetensors`, `tokenizer.json`); empty for the one that
    /// set-up made. `double` stands for a deterministic stand-in that understands nothing, for tests of everything else.
    pub path: PathBuf,
    /// Further models that this node's devices run for whoever wants them: folders as in `path`. They are loaded when
    /// they are first wanted, and the ones used least lately go when memory is short.
    pub also: Vec<PathBuf>,
    /// How floats are computed.
    pub profile: Profile,
    /// A folder with a folder for each trained head; empty for `models` in the working folder, else in one of those
    /// that hold the program.
    pub heads: PathBuf,
}

/// How floats are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// bfloat16 where a device multiplies it natively, else f32.
    #[default]
    Auto,
    /// IEEE single precision.
    F32,
    /// bfloat16.
    Bf16,
}

impl ModelConfig {
    /// The deterministic double is wanted, not a model.
    pub fn is_double(&self) -> bool {
        self.path.as_os_str() == DOUBLE
    }

    /// The model's folder.
    pub fn folder(&self) -> PathBuf {
        if !self.path.as_os_str().is_empty() {
            return self.path.clone();
        }
        let cache = std::env::var_os("VISIOBOOK_CACHE").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|| super::store::user_folder("XDG_CACHE_HOME", ".cache"));
        cache.join("models/multilingual-e5-small")
    }

    /// The numeric profile of a node with these devices: all of them compute alike, or results would differ by where
    /// they were computed.
    pub fn profile_on(&self, devices: &[gpu::DeviceInfo]) -> NumericProfile {
        let best = devices.iter().max_by_key(|info| info.device != gpu::Device::Cpu).map(gpu::best_profile);
        self.profile_for(best.unwrap_or(NumericProfile::F32))
    }

    /// The folder of the head of that name.
    pub fn head(&self, name: &str) -> PathBuf {
        if !self.heads.as_os_str().is_empty() {
            return self.heads.join(name);
        }
        let program = std::env::current_exe().ok();
        let above = program.iter().flat_map(|program| program.ancestors().skip(1)).map(|folder| folder.join(HEADS));
        let mut near = std::iter::once(PathBuf::from(HEADS)).chain(above).map(|folder| folder.join(name));
        near.find(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from(HEADS).join(name))
    }

    /// The numeric profile for a device whose best one is `best`.
    pub fn profile_for(&self, best: NumericProfile) -> NumericProfile {
        match self.profile {
            Profile::Auto => best,
            Profile::F32 => NumericProfile::F32,
            Profile::Bf16 => NumericProfile::Bf16,
        }
    }
}
