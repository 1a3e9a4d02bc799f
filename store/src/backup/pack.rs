//! A store into an archive.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use domain::id::{Digest, TenantId};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;

use super::frame::{Hashed, header};
use super::{
    ABOUT, About, BLOBS, BackupError, Copied, FORMAT, KEYS, MANIFEST, Manifest, Member, Passphrase, RECORDS, codec,
    sealed,
};
use crate::blobs::{BlobEntry, BlobScope, BlobStream, Blobs};
use crate::error::StoreError;
use crate::keyring::Keyring;
use crate::records::Records;

/// zstd's own default: books hardly compress, rows and segments do at any level.
const LEVEL: i32 = 3;
/// Scopes and blobs that are listed at once.
const LIST: u32 = 1_000;

/// What is packed.
pub struct Source {
    /// The rows.
    pub records: Arc<dyn Records>,
    /// The blobs.
    pub blobs: Arc<dyn Blobs>,
    /// The signing keys, and what they are sealed under; without it they are left out.
    pub keys: Option<(Arc<Keyring>, Passphrase)>,
    /// Version of this program.
    pub program: String,
    /// Now, milliseconds since 1970 UTC.
    pub now_ms: u64,
}

/// What was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Rows.
    pub rows: u64,
    /// Blobs, copies included.
    pub blobs: u64,
    /// Size of the archive.
    pub bytes: u64,
    /// SHA-256 of all but its end.
    pub digest: Digest,
}

/// Writes an archive of all that `source` keeps. Nothing is removed from the blobs meanwhile; all else goes on. Blocks:
/// for a blocking thread of the runtime that `runtime` is of.
///
/// # Errors
/// What the stores say, [`StoreError::CorruptBlob`] for a blob that is not what its name says; what `out` says.
pub fn pack(source: &Source, runtime: &Handle, out: impl Write) -> Result<Packed, BackupError> {
    let writing = |e: io::Error| BackupError::io("writing the backup", &e);
    // Before the rows are read: what they name is then there until the end.
    let _hold = source.blobs.hold();
    let mut out = Hashed::new(out);
    out.write_all(&header()).map_err(writing)?;
    let compressed = zstd::Encoder::new(out, LEVEL).map_err(writing)?;
    let mut packing = Packing { runtime, tar: tar::Builder::new(compressed), manifest: Manifest::default() };
    let identity = source.records.identity();
    let about = About {
        format: FORMAT,
        program: source.program.clone(),
        made_ms: source.now_ms,
        store_id: format!("{:032x}", identity.store_id),
        incarnation: identity.incarnation,
        schema_version: identity.schema_version,
    };
    packing.member(ABOUT.to_owned(), &json(&about)?)?;
    let rows = packing.rows(source.records.as_ref())?;
    if let Some((ring, passphrase)) = &source.keys {
        packing.member(KEYS.to_owned(), &sealed::seal(ring, passphrase)?)?;
    }
    let blobs = packing.blobs(source.blobs.as_ref())?;
    let manifest = json(&packing.manifest)?;
    packing.member(MANIFEST.to_owned(), &manifest)?;
    let out = packing.tar.into_inner().and_then(zstd::Encoder::finish).map_err(writing)?;
    let (bytes, digest) = out.end().map_err(writing)?;
    Ok(Packed { rows, blobs, bytes, digest })
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, BackupError> {
    serde_json::to_vec(value).map_err(|e| BackupError::Io { operation: "writing the backup", detail: e.to_string() })
}

struct Packing<'a, W: Write> {
    runtime: &'a Handle,
    tar: tar::Builder<W>,
    manifest: Manifest,
}

impl<W: Write> Packing<'_, W> {
    /// Appends a member that is in memory.
    fn member(&mut self, path: String, bytes: &[u8]) -> Result<(), BackupError> {
        self.append(path, bytes.len() as u64, bytes).map(|_| ())
    }

    /// Appends a member of exactly so many bytes; its digest.
    fn append(&mut self, path: String, bytes: u64, from: impl Read) -> Result<Digest, BackupError> {
        let mut head = tar::Header::new_ustar();
        head.set_size(bytes);
        head.set_mode(0o600);
        head.set_entry_type(tar::EntryType::Regular);
        let mut passing = Passing { from, hasher: Sha256::new(), bytes: 0 };
        let failed = |e: io::Error| match e.downcast::<StoreError>() {
            Ok(error) => BackupError::Store(error),
            Err(error) => BackupError::io("writing the backup", &error),
        };
        self.tar.append_data(&mut head, &path, &mut passing).map_err(failed)?;
        let sha256 = Digest(passing.hasher.finalize().into());
        if passing.bytes != bytes {
            let detail = format!("{path} has {} bytes and {bytes} were announced", passing.bytes);
            return Err(BackupError::Io { operation: "writing the backup", detail });
        }
        self.manifest.members.push(Member { path, bytes, sha256 });
        Ok(sha256)
    }

    fn rows(&mut self, records: &dyn Records) -> Result<u64, BackupError> {
        let mut pages = self.runtime.block_on(records.export())?;
        let mut count = 0;
        for at in 0_u64.. {
            let Some(page) = self.runtime.block_on(pages.next()).transpose()? else { break };
            count += page.len() as u64;
            self.member(format!("{RECORDS}/{at:08}"), &codec::encode_page(&page)?)?;
        }
        Ok(count)
    }

    fn blobs(&mut self, blobs: &dyn Blobs) -> Result<u64, BackupError> {
        let mut count = 0;
        // Scopes come sorted by tenant: what one tenant has is forgotten with the next one.
        let mut known: (Option<TenantId>, HashMap<Digest, String>) = (None, HashMap::new());
        let mut last = None;
        loop {
            let scopes = self.runtime.block_on(blobs.scopes(last, LIST))?;
            let Some(end) = scopes.last() else { return Ok(count) };
            last = Some(*end);
            for scope in scopes {
                if known.0 != Some(scope.tenant) {
                    known = (Some(scope.tenant), HashMap::new());
                }
                count += self.scope(blobs, scope, &mut known.1)?;
            }
        }
    }

    fn scope(
        &mut self,
        blobs: &dyn Blobs,
        scope: BlobScope,
        known: &mut HashMap<Digest, String>,
    ) -> Result<u64, BackupError> {
        let (mut count, mut last) = (0, None);
        loop {
            let entries = self.runtime.block_on(blobs.list(scope, last, LIST))?;
            let Some(end) = entries.last() else { return Ok(count) };
            last = Some(end.info.digest);
            for entry in entries {
                count += u64::from(self.blob(blobs, scope, entry, known)?);
            }
        }
    }

    /// Appends a blob, or says that it is another one's copy; `false` if it is gone.
    fn blob(
        &mut self,
        blobs: &dyn Blobs,
        scope: BlobScope,
        entry: BlobEntry,
        known: &mut HashMap<Digest, String>,
    ) -> Result<bool, BackupError> {
        let (digest, bytes) = (entry.info.digest, entry.info.bytes);
        let path = format!("{BLOBS}/{}/{}/{digest}", scope.tenant, scope.project);
        if let Some(of) = known.get(&digest) {
            self.manifest.copies.push(Copied { path, of: of.clone() });
            return Ok(true);
        }
        let pieces = match self.runtime.block_on(blobs.get_range(scope, digest, 0..bytes)) {
            Ok(pieces) => pieces,
            // Its removal was begun before the hold, so no row that was exported names it.
            Err(StoreError::BlobMissing { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let from = Pieces { runtime: self.runtime, pieces, rest: Bytes::new() };
        if self.append(path.clone(), bytes, from)? != digest {
            return Err(StoreError::CorruptBlob { digest }.into());
        }
        known.insert(digest, path);
        Ok(true)
    }
}

/// Counts and digests what is read.
struct Passing<R> {
    from: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        self.hasher.update(&out[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// A blob's pieces, waited for.
struct Pieces<'a> {
    runtime: &'a Handle,
    pieces: BlobStream,
    rest: Bytes,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.pieces.next()) {
                None => return Ok(0),
                Some(piece) => self.rest = piece.map_err(io::Error::other)?,
            }
        }
        let len = self.rest.len().min(out.len());
        out[..len].copy_from_slice(&self.rest.split_to(len));
        Ok(len)
    }
}
