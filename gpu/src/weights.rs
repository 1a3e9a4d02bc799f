//! Tensors out of a safetensors file, a little at a time, so that loading needs no second copy of them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use tch::{Kind, Tensor};

use crate::error::GpuError;
use crate::model::{open_file, unreadable};

/// Bytes that are read and copied at once: whole weights, whatever their width.
const CHUNK_BYTES: usize = 4 << 20;
/// Longest header that is read into memory; real ones are some kilobytes.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// An open safetensors file whose header was checked against its size.
pub(crate) struct Weights {
    path: PathBuf,
    file: File,
    data_start: u64,
    metadata: Metadata,
}

impl Weights {
    pub(crate) fn open(path: &Path) -> Result<Self, GpuError> {
        let mut file = open_file(path)?;
        let bad = |reason: &dyn ToString| unreadable(path, reason.to_string());
        let len = file.metadata().map_err(|e| bad(&e))?.len();
        let mut header_len = [0; 8];
        file.read_exact(&mut header_len).map_err(|e| bad(&e))?;
        let header_len = u64::from_le_bytes(header_len);
        if header_len > MAX_HEADER_BYTES.min(len) {
            return Err(bad(&"it is no safetensors file, or it is cut"));
        }
        let mut header = vec![0; header_len as usize];
        file.read_exact(&mut header).map_err(|e| bad(&e))?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| bad(&e))?;
        let data_start = 8 + header_len;
        let tensors = metadata.tensors();
        let data_end = tensors.values().map(|info| info.data_offsets.1).max().unwrap_or(0);
        if data_start + data_end as u64 != len || tensors.values().any(|i| i.data_offsets.0 > i.data_offsets.1) {
            return Err(bad(&"its size is not what its header says: it is cut or altered"));
        }
        Ok(Self { path: path.to_owned(), file, data_start, metadata })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// Shape of the tensor `name`, if there is one.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.metadata.info(name).map(|info| info.shape.iter().map(|n| *n as i64).collect())
    }

    /// The tensor `name`, which must have this shape, in the host's memory, as floats of the file's kind.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[i64]) -> Result<Tensor, GpuError> {
        let unsupported = |reason: String| GpuError::ModelUnsupported { reason };
        let info = self.metadata.info(name).ok_or_else(|| unsupported(format!("there is no tensor {name}")))?;
        if !info.shape.iter().map(|n| *n as i64).eq(shape.iter().copied()) {
            return Err(unsupported(format!("tensor {name} has shape {:?}, not {shape:?}", info.shape)));
        }
        let (kind, width) = match info.dtype {
            Dtype::F32 => (Kind::Float, 4),
            Dtype::F16 => (Kind::Half, 2),
            Dtype::BF16 => (Kind::BFloat16, 2),
            other => return Err(unsupported(format!("tensor {name} holds {other:?}, not 16- or 32-bit floats"))),
        };
        let (start, end) = info.data_offsets;
        if Some(end - start) != info.shape.iter().try_fold(width, |bytes: usize, n| bytes.checked_mul(*n)) {
            return Err(unreadable(&self.path, format!("the size of tensor {name} contradicts its shape")));
        }
        let io = |error: std::io::Error| unreadable(&self.path, error);
        self.file.seek(SeekFrom::Start(self.data_start + start as u64)).map_err(io)?;

        let tensor = Tensor::f_empty(shape, (kind, tch::Device::Cpu))?;
        let flat = tensor.f_view([-1])?;
        let mut chunk = vec![0; CHUNK_BYTES.min(end - start)];
        let mut at = start;
        while at < end {
            let part = &mut chunk[..CHUNK_BYTES.min(end - at)];
            self.file.read_exact(part).map_err(io)?;
            let weights = (part.len() / width) as i64;
            let source = Tensor::f_from_data_size(part, &[weights], kind)?;
            flat.f_narrow(0, ((at - start) / width) as i64, weights)?.f_copy_(&source)?;
            at += part.len();
        }
        Ok(tensor)
    }
}
