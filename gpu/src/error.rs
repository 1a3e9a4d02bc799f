//! Everything that can go wrong, with stable codes.

use std::path::PathBuf;

use domain::id::Digest;

/// A model, a tokenizer or a device can't be used.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// A file of the model folder is not there.
    #[error("the model is missing: there is no {}; run `cargo xtask setup`, or name a folder that has it", .path.display())]
    ModelMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file of the model folder can't be read, or is not what its name says.
    #[error("the model can't be read: {}: {reason}", .path.display())]
    ModelUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder's files are not those that its `digest` names.
    #[error("the model in {} was altered: its digest is {found}, not {expected}; fetch it again", .path.display())]
    ModelAltered {
        /// The folder.
        path: PathBuf,
        /// What the file `digest` says.
        expected: Digest,
        /// What the files are.
        found: Digest,
    },
    /// The model is sound, but of a kind that this encoder can't run.
    #[error("this model can't be run here: {reason}")]
    ModelUnsupported {
        /// What is not supported.
        reason: String,
    },
    /// The tokenizer can't be made, or refused a text.
    #[error("the tokenizer failed: {reason}")]
    Tokenizer {
        /// In its own words.
        reason: String,
    },
    /// A device was asked for that this machine does not have.
    #[error("there is no such device: {reason}")]
    DeviceMissing {
        /// Which one, and why not.
        reason: String,
    },
    /// A file of a trained head is not there.
    #[error("the head is missing: there is no {}; name the folder that has it as model.heads", .path.display())]
    HeadMissing {
        /// The file.
        path: PathBuf,
    },
    /// A file of a trained head can't be read, or is not what a head's file is.
    #[error("the head can't be read: {}: {reason}", .path.display())]
    HeadUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A head's weights are not those that its card names.
    #[error("the head in {} was altered: its digest is {found}, its card says {expected}; fetch it again", .path.display())]
    HeadAltered {
        /// The file of weights.
        path: PathBuf,
        /// What the card says.
        expected: Digest,
        /// What the file is.
        found: Digest,
    },
    /// A head was trained on another encoder, whose hidden states mean something else.
    #[error(
        "the head {name} stands on the encoder {expected}, and this one is {found}; use that encoder, or train it anew"
    )]
    HeadForeign {
        /// The head.
        name: String,
        /// The encoder that its card names.
        expected: Digest,
        /// The encoder at hand.
        found: Digest,
    },
    /// libtorch failed while a model was being loaded.
    #[error("libtorch failed: {reason}")]
    Torch {
        /// In its own words, first line.
        reason: String,
    },
}

impl GpuError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ModelMissing { .. } => "model-missing",
            Self::ModelUnreadable { .. } => "model-unreadable",
            Self::ModelAltered { .. } => "model-altered",
            Self::ModelUnsupported { .. } => "model-unsupported",
            Self::Tokenizer { .. } => "model-tokenizer",
            Self::DeviceMissing { .. } => "device-missing",
            Self::HeadMissing { .. } => "head-missing",
            Self::HeadUnreadable { .. } => "head-unreadable",
            Self::HeadAltered { .. } => "head-altered",
            Self::HeadForeign { .. } => "head-foreign",
            Self::Torch { .. } => "device-torch",
        }
    }
}

impl From<tch::TchError> for GpuError {
    fn from(error: tch::TchError) -> Self {
        Self::Torch { reason: first_line(&error) }
    }
}

/// A batch was not encoded. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The device has not enough memory for a batch of this size: smaller ones may well pass.
    #[error("the device ran out of memory: {reason}")]
    OutOfMemory {
        /// In libtorch's words, first line.
        reason: String,
    },
    /// One input can't be encoded, now or ever; the others may be sound.
    #[error("input {index} of the batch can't be encoded: {reason}")]
    BadInput {
        /// Position in the batch.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// What is asked of the batch does not fit it.
    #[error("this can't be asked of the batch: {reason}")]
    BadAsk {
        /// What does not fit.
        reason: String,
    },
    /// The device or libtorch failed. Make the encoder anew before going on.
    #[error("the encoder broke: {reason}")]
    Broken {
        /// In libtorch's words, first line.
        reason: String,
    },
}

impl EncodeError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfMemory { .. } => "encode-out-of-memory",
            Self::BadInput { .. } => "encode-bad-input",
            Self::BadAsk { .. } => "encode-bad-ask",
            Self::Broken { .. } => "encode-broken",
        }
    }
}

/// What libtorch, which has no error codes, says where it has no memory: its allocators on the host and on GPUs; C++,
/// for all but tensors; oneDNN, which leaves its reasons out. Of a product that it can compute at all oneDNN says
/// so for want of memory alone, and of another it says so at the model's first input.
const OUT_OF_MEMORY: [&str; 7] = [
    "can't allocate memory",
    "out of memory",
    "bad_alloc",
    "could not create a memory",
    "could not create a primitive",
    "could not create a stream",
    "could not execute a primitive",
];

impl From<tch::TchError> for EncodeError {
    fn from(error: tch::TchError) -> Self {
        let text = error.to_string();
        let reason = first_line(&error);
        if OUT_OF_MEMORY.iter().any(|words| text.contains(words)) {
            Self::OutOfMemory { reason }
        } else {
            Self::Broken { reason }
        }
    }
}

/// libtorch's messages end in a stack trace, which is no use to a reader.
fn first_line(error: &tch::TchError) -> String {
    let text = match error {
        tch::TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_allocation_is_told_from_other_failures() {
        let huge = tch::Tensor::f_empty([1 << 50], (tch::Kind::Float, tch::Device::Cpu)).unwrap_err();
        let error = EncodeError::from(huge);
        assert_eq!(error.code(), "encode-out-of-memory", "{error}");
        assert!(!error.to_string().contains('\n'));
        let code = |words: &str| EncodeError::from(tch::TchError::Torch(words.to_owned())).code();
        for words in [
            "std::bad_alloc",
            "CUDA out of memory. Tried to allocate 2.00 GiB\nmore",
            "could not create a primitive",
            "could not create a memory object",
            "could not execute a primitive",
        ] {
            assert_eq!(code(words), "encode-out-of-memory", "{words}");
        }
        assert_eq!(code("CUDA error: an illegal memory access was encountered"), "encode-broken");

        let (a, b) = (tch::Tensor::from_slice(&[1f32; 6]).view([2, 3]), tch::Tensor::from_slice(&[1f32; 5]));
        assert_eq!(EncodeError::from(a.f_matmul(&b).unwrap_err()).code(), "encode-broken");
    }
}
