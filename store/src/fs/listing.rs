//! What lies where: folders of tenants, in them folders of projects and uploads, in them blobs.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::str::FromStr;

use domain::id::{Digest, ProjectId, TenantId};

use crate::blobs::{BlobEntry, BlobInfo, BlobScope};
use crate::error::StoreError;

pub(super) const OPERATION: &str = "listing blobs";

/// Scopes in order behind `after`. Blocks.
pub(super) fn scopes(objects: &Path, after: Option<BlobScope>, limit: u32) -> Result<Vec<BlobScope>, StoreError> {
    let mut found = Vec::new();
    for tenant in sorted::<TenantId>(objects)? {
        if after.is_some_and(|after| tenant < after.tenant) {
            continue;
        }
        let projects = sorted::<ProjectId>(&objects.join(tenant.to_string()))?;
        let scopes = projects.into_iter().map(|project| BlobScope { tenant, project });
        found.extend(scopes.filter(|scope| after.is_none_or(|after| *scope > after)));
        if found.len() >= limit as usize {
            break;
        }
    }
    found.truncate(limit as usize);
    Ok(found)
}

/// Blobs of a scope in order behind `after`. Blocks.
pub(super) fn blobs(folder: &Path, after: Option<Digest>, limit: u32) -> Result<Vec<BlobEntry>, StoreError> {
    let names = sorted::<Digest>(folder)?;
    let behind = names.into_iter().filter(|digest| after.is_none_or(|after| *digest > after));
    let mut found = Vec::new();
    for digest in behind {
        if found.len() == limit as usize {
            break;
        }
        match std::fs::symlink_metadata(folder.join(digest.to_string())) {
            Ok(meta) if meta.is_file() => {
                found.push(BlobEntry { info: BlobInfo { digest, bytes: meta.len() }, changed_ms: changed_ms(&meta) });
            }
            Ok(_) => {}
            // Removed since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::from_io_at(OPERATION, folder, &error)),
        }
    }
    Ok(found)
}

/// The change of the inode, not of its bytes: a link to an old file is new.
fn changed_ms(meta: &std::fs::Metadata) -> u64 {
    let ms = meta.ctime().saturating_mul(1_000).saturating_add(meta.ctime_nsec() / 1_000_000);
    u64::try_from(ms).unwrap_or(0)
}

/// Removes a file that has not changed since; whether it did. The caller keeps others from naming it. Blocks.
pub(super) fn remove_older(path: &Path, before_ms: u64) -> Result<bool, StoreError> {
    let io = |e: std::io::Error| StoreError::from_io_at("removing an old blob", path, &e);
    match std::fs::symlink_metadata(path) {
        Ok(meta) if changed_ms(&meta) < before_ms => std::fs::remove_file(path).map(|()| true).map_err(io),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io(error)),
    }
}

/// The entries of a folder that are named like a `T`; none where there is no folder.
fn sorted<T: FromStr + Ord>(folder: &Path) -> Result<Vec<T>, StoreError> {
    let io = |e: std::io::Error| StoreError::from_io_at(OPERATION, folder, &e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(io)?.file_name().to_str().and_then(|name| name.parse().ok()));
    }
    names.sort_unstable();
    Ok(names)
}
