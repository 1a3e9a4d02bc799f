//! An archive into a data folder: all of it, or nothing.
//!
//! The archive is held against its digest as a whole first. It is then unpacked into a folder beside the one that is
//! wanted, each member held against the manifest, and only when all of it is there and durable does that folder get
//! its name.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use domain::id::Digest;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::frame::{Checked, check};
use super::{
    ABOUT, About, BLOBS, BackupError, FORMAT, KEYS, MANIFEST, Manifest, Member, Passphrase, Progress, RECORDS, codec,
    sealed,
};
use crate::blobs::{BlobScope, Blobs};
use crate::error::StoreError;
use crate::failpoint;
use crate::folder::{DataFolder, make_folder, sync_folder};
use crate::records::Records;
use crate::rows::{Credential, KeptRow};

/// Members that are held in memory: the manifest names every blob in a line.
const MANIFEST_MAX_BYTES: u64 = 1 << 30;
const SMALL_MAX_BYTES: u64 = 64 << 10;
const PIECE_BYTES: usize = 256 << 10;
/// Pieces between reading the archive and writing a blob.
const PIECES_AHEAD: usize = 4;

/// What became of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFound {
    /// The archive has none: the node makes new ones.
    None,
    /// The archive has some, and no passphrase was given: the node makes new ones.
    LeftSealed,
    /// They are in the folder.
    Restored,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store's id, as in the backup.
    pub store_id: u128,
    /// Incarnation of the store that was backed up.
    pub from_incarnation: u64,
    /// The new one.
    pub incarnation: u64,
    /// When the backup was made, milliseconds since 1970 UTC.
    pub made_ms: u64,
    /// Version of the program that made it.
    pub program: String,
    /// Rows.
    pub rows: u64,
    /// Blobs, copies included.
    pub blobs: u64,
    /// What became of the keys.
    pub keys: KeysFound,
    /// SHA-256 of the archive but for its end.
    pub digest: Digest,
}

/// Restores an archive into a folder that is not there or empty. `now_ms` is the time of day; the new incarnation is
/// at least that number, so that a backup that is restored twice gives two, the later one above. Blocks: for a
/// blocking thread of the runtime that `runtime` is of.
///
/// # Errors
/// Why the archive or the folder can't be used; then nothing is left behind, unless the process is killed, and then the
/// next call removes it.
pub fn restore(
    archive: &Path,
    folder: &Path,
    passphrase: Option<&Passphrase>,
    now_ms: u64,
    progress: &Progress,
    runtime: &Handle,
) -> Result<Restored, BackupError> {
    refuse_unless_empty(folder)?;
    let checked = check(archive, progress)?;
    let stage = stage(folder)?;
    let restored = unpack(archive, &checked, &stage, passphrase, now_ms, progress, runtime);
    let shown = restored.and_then(|restored| {
        // The only step that anybody sees; it fails if something came into the folder meanwhile.
        fs::rename(&stage, folder).map_err(|e| in_the_way(folder, &e))?;
        failpoint::pass("a restored folder has its name");
        Ok(restored)
    });
    match shown {
        Ok(restored) => {
            sync_folder(parent(folder))?;
            Ok(restored)
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&stage);
            Err(error)
        }
    }
}

fn in_the_way(folder: &Path, error: &io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
            BackupError::FolderNotEmpty { path: folder.to_owned() }
        }
        _ => BackupError::Io { operation: "naming the restored folder", detail: error.to_string() },
    }
}

fn parent(folder: &Path) -> &Path {
    folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refuse_unless_empty(folder: &Path) -> Result<(), BackupError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::FolderNotEmpty { path: folder.to_owned() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(StoreError::PathIsFile { path: folder.to_owned() }.into())
        }
        Err(error) => Err(StoreError::from_io_at("looking at the data folder", folder, &error).into()),
    }
}

/// An empty folder beside the one that is wanted; what a killed restoration left there is removed.
fn stage(folder: &Path) -> Result<PathBuf, BackupError> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(name) = name else {
        let detail = "name the folder itself".to_owned();
        return Err(StoreError::Unwritable { path: folder.to_owned(), detail }.into());
    };
    make_folder(parent(folder))?;
    let stage = parent(folder).join(format!(".{name}.restoring"));
    if stage.exists() {
        // Refused while another process unpacks there.
        drop(DataFolder::open(&stage)?);
        fs::remove_dir_all(&stage).map_err(|e| BackupError::io("removing what a killed restoration left", &e))?;
    }
    Ok(stage)
}

fn unpack(
    archive: &Path,
    checked: &Checked,
    stage: &Path,
    passphrase: Option<&Passphrase>,
    now_ms: u64,
    progress: &Progress,
    runtime: &Handle,
) -> Result<Restored, BackupError> {
    let io = |e: io::Error| BackupError::io("reading the backup", &e);
    let mut file = File::open(archive).map_err(io)?;
    file.seek(SeekFrom::Start(checked.body.start)).map_err(io)?;
    let body = Counted { from: file.take(checked.body.end - checked.body.start), progress };
    let data = DataFolder::open(stage)?;
    let mut unpacking = Unpacking {
        runtime,
        records: data.records(),
        blobs: data.blobs(),
        about: None,
        sealed: None,
        manifest: None,
        found: HashMap::new(),
        rows: 0,
    };
    let mut tar = tar::Archive::new(zstd::Decoder::new(body).map_err(broken)?);
    for entry in tar.entries().map_err(broken)? {
        unpacking.member(entry.map_err(broken)?)?;
    }
    let blobs = unpacking.finish()?;
    let about = unpacking.about.take().ok_or_else(|| BackupError::damaged("it does not say what it is"))?;
    let store_id = u128::from_str_radix(&about.store_id, 16);
    let store_id = store_id.map_err(|_| BackupError::damaged("it does not say of which store it is"))?;
    let keys = match (&unpacking.sealed, passphrase) {
        (None, _) => KeysFound::None,
        (Some(_), None) => KeysFound::LeftSealed,
        (Some(sealed), Some(passphrase)) => {
            sealed::open(sealed, passphrase)?.save(&data.keys_path())?;
            KeysFound::Restored
        }
    };
    let incarnation = now_ms.max(about.incarnation.saturating_add(1));
    runtime.block_on(unpacking.records.adopt(store_id, incarnation))?;
    let rows = unpacking.rows;
    // Closed, so that the log is folded into the database before the folder gets its name.
    drop(unpacking);
    drop(data);
    Ok(Restored {
        store_id,
        from_incarnation: about.incarnation,
        incarnation,
        made_ms: about.made_ms,
        program: about.program,
        rows,
        blobs,
        keys,
        digest: checked.digest,
    })
}

/// What tar or zstd say of bytes that are not theirs.
fn broken(error: io::Error) -> BackupError {
    match StoreError::from_io("restoring a backup", &error) {
        full @ (StoreError::Full { .. } | StoreError::ReadOnly { .. }) => BackupError::Store(full),
        _ => BackupError::damaged(error.to_string()),
    }
}

struct Unpacking<'a> {
    runtime: &'a Handle,
    records: Arc<dyn Records>,
    blobs: Arc<dyn Blobs>,
    about: Option<About>,
    sealed: Option<Vec<u8>>,
    manifest: Option<Manifest>,
    /// Size and digest of each member that came.
    found: HashMap<String, (u64, Digest)>,
    rows: u64,
}

/// What let somebody in when the backup was made, and may have been ended since, lets nobody in here.
fn sign_out(row: &mut KeptRow) {
    match row {
        KeptRow::Account(row) => {
            row.sessions.clear();
            row.links.clear();
            row.credentials.retain(|credential| !matches!(credential, Credential::Key(_)));
        }
        KeptRow::Access(row) => {
            row.invitations.clear();
            row.links.clear();
        }
        _ => {}
    }
}

impl Unpacking<'_> {
    fn member(&mut self, entry: tar::Entry<'_, impl Read>) -> Result<(), BackupError> {
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let path = path.map_err(|_| BackupError::damaged("a member's name is no text"))?;
        if !entry.header().entry_type().is_file() || self.manifest.is_some() || self.found.contains_key(&path) {
            return Err(BackupError::damaged(format!("{path} does not belong there")));
        }
        if self.about.is_none() != (path == ABOUT) {
            return Err(BackupError::damaged(format!("{path} stands in another place than {ABOUT}")));
        }
        let bytes = entry.size();
        let digest = match path.split('/').collect::<Vec<_>>()[..] {
            [BLOBS, tenant, project, digest] => self.blob(entry, tenant, project, digest)?,
            [RECORDS, _] => {
                let page = whole(entry, codec::PAGE_MAX_BYTES as u64)?;
                let mut rows = codec::decode_page(&page)?;
                rows.iter_mut().for_each(sign_out);
                self.rows += rows.len() as u64;
                self.runtime.block_on(self.records.import(rows))?;
                Digest::of(&page)
            }
            [ABOUT] => {
                let bytes = whole(entry, SMALL_MAX_BYTES)?;
                let about: About = parsed(&bytes)?;
                if about.format > FORMAT {
                    return Err(BackupError::Newer { found: about.format, known: FORMAT });
                }
                self.about = Some(about);
                Digest::of(&bytes)
            }
            [KEYS] => {
                let bytes = whole(entry, SMALL_MAX_BYTES)?;
                let digest = Digest::of(&bytes);
                self.sealed = Some(bytes);
                digest
            }
            [MANIFEST] => {
                self.manifest = Some(parsed(&whole(entry, MANIFEST_MAX_BYTES)?)?);
                return Ok(());
            }
            _ => return Err(BackupError::damaged(format!("{path} is no member that this version knows"))),
        };
        self.found.insert(path, (bytes, digest));
        Ok(())
    }

    /// Writes a blob under the name that its path says, if that is the digest of its bytes.
    fn blob(&self, mut entry: impl Read, tenant: &str, project: &str, digest: &str) -> Result<Digest, BackupError> {
        let (scope, digest) = place(tenant, project, digest)?;
        let (pieces, mut received) = mpsc::channel::<io::Result<Bytes>>(PIECES_AHEAD);
        let blobs = Arc::clone(&self.blobs);
        let source = Box::pin(futures_util::stream::poll_fn(move |context| received.poll_recv(context)));
        let put = self.runtime.spawn(async move { blobs.put(scope, source, u64::MAX, Some(digest)).await });
        let mut reading = Ok(());
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let read = match entry.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => {
                    // The put is to fail too: what came is not the blob.
                    let _ = pieces.blocking_send(Err(io::Error::other("the backup broke off")));
                    reading = Err(broken(error));
                    break;
                }
            };
            piece.truncate(read);
            if pieces.blocking_send(Ok(piece.into())).is_err() {
                break;
            }
        }
        drop(pieces);
        let put = self.runtime.block_on(put);
        reading?;
        match put {
            Ok(Ok(_)) => Ok(digest),
            Ok(Err(StoreError::DigestMismatch { found, .. })) => {
                Err(BackupError::damaged(format!("blob {digest} has digest {found}")))
            }
            Ok(Err(error)) => Err(error.into()),
            Err(join) => Err(BackupError::Io { operation: "writing a blob", detail: join.to_string() }),
        }
    }

    /// Holds what came against the manifest, and makes the copies; how many blobs there are.
    fn finish(&mut self) -> Result<u64, BackupError> {
        let manifest = self.manifest.take().ok_or_else(|| BackupError::damaged("its manifest is missing"))?;
        for Member { path, bytes, sha256 } in &manifest.members {
            match self.found.remove(path) {
                Some(found) if found == (*bytes, *sha256) => {}
                Some(_) => return Err(BackupError::damaged(format!("{path} is not what the manifest says"))),
                None => return Err(BackupError::damaged(format!("{path} is missing"))),
            }
        }
        if let Some(path) = self.found.keys().next() {
            return Err(BackupError::damaged(format!("{path} does not stand in the manifest")));
        }
        let is_blob = |member: &&Member| member.path.starts_with(BLOBS);
        let blobs = manifest.members.iter().filter(is_blob).count() + manifest.copies.len();
        for copied in &manifest.copies {
            let ((to, digest), (from, same)) = (placed(&copied.path)?, placed(&copied.of)?);
            if digest != same {
                return Err(BackupError::damaged(format!("{} is no copy of {}", copied.path, copied.of)));
            }
            self.runtime.block_on(self.blobs.link(from, to, digest))?;
        }
        Ok(blobs as u64)
    }
}

fn placed(path: &str) -> Result<(BlobScope, Digest), BackupError> {
    match path.split('/').collect::<Vec<_>>()[..] {
        [BLOBS, tenant, project, digest] => place(tenant, project, digest),
        _ => Err(BackupError::damaged(format!("{path} is no blob's place"))),
    }
}

fn place(tenant: &str, project: &str, digest: &str) -> Result<(BlobScope, Digest), BackupError> {
    let strange = || BackupError::damaged(format!("{tenant}/{project}/{digest} is no blob's place"));
    let scope =
        BlobScope { tenant: tenant.parse().map_err(|_| strange())?, project: project.parse().map_err(|_| strange())? };
    Ok((scope, digest.parse().map_err(|_| strange())?))
}

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, BackupError> {
    serde_json::from_slice(bytes).map_err(|e| BackupError::damaged(e.to_string()))
}

fn whole(entry: tar::Entry<'_, impl Read>, limit_bytes: u64) -> Result<Vec<u8>, BackupError> {
    let size = entry.size();
    if size > limit_bytes {
        return Err(BackupError::damaged(format!("a member of {size} bytes")));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    entry.take(limit_bytes).read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// Tells how much of the archive was read.
struct Counted<'a, R> {
    from: R,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(out)?;
        Progress::add(&self.progress.unpacked_bytes, read);
        Ok(read)
    }
}
