//! Who signed in to which node from this machine: sessions, in a file of the user's own.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Failure;

/// Largest file that is read.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// A session, as the node's cookie has it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub email: String,
    /// Name and value of its cookie.
    pub cookie: String,
    /// What a request that changes something says besides.
    pub csrf_token: String,
}

/// The file: `visiobook/sessions.json` in the user's folder for configuration.
fn file() -> Result<PathBuf, Failure> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    let none = || Failure::new("it is not known where sessions are kept: set HOME or XDG_CONFIG_HOME");
    Ok(folder.ok_or_else(none)?.join("visiobook").join("sessions.json"))
}

fn read(path: &Path) -> Result<BTreeMap<String, Kept>, Failure> {
    let bad = |why: &str| Failure::bad_input(format!("the sessions in {} can't be used: {why}", path.display()));
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(bad(&e.to_string())),
    };
    if found.permissions().mode() & 0o077 != 0 {
        return Err(bad("others on this machine may read them: chmod 600, sign out and in again"));
    }
    if found.len() > FILE_MAX_BYTES {
        return Err(bad("the file is too long; remove it, and sign in again"));
    }
    let text = std::fs::read(path).map_err(|e| bad(&e.to_string()))?;
    serde_json::from_slice(&text).map_err(|e| bad(&format!("{e}; remove the file, and sign in again")))
}

/// Replaces the file whole, for its owner only: a crash leaves the old one or the new one.
fn write(path: &Path, kept: &BTreeMap<String, Kept>) -> Result<(), Failure> {
    let bad = |e: std::io::Error| Failure::new(format!("the session can't be kept in {}: {e}", path.display()));
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(bad)?;
    let beside = folder.join(format!("sessions.json.{}", std::process::id()));
    let mut new = std::fs::OpenOptions::new();
    let mut new = new.write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(bad)?;
    new.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(bad)?;
    new.write_all(serde_json::to_string_pretty(kept).unwrap_or_default().as_bytes()).map_err(bad)?;
    new.sync_all().map_err(bad)?;
    std::fs::rename(&beside, path).map_err(bad)
}

/// Who signed in to the node at an address.
///
/// # Errors
/// Exit code 2 for a file that others may read, or that is none.
pub fn kept(base: &str) -> Result<Option<Kept>, Failure> {
    // Who has no folder of their own has signed in nowhere.
    let Ok(path) = file() else { return Ok(None) };
    Ok(read(&path)?.remove(base))
}

/// Keeps a session, in place of another one with the same node; `None` forgets it.
///
/// # Errors
/// What keeps it from that.
pub fn keep(base: &str, session: Option<Kept>) -> Result<(), Failure> {
    let path = file()?;
    let mut all = read(&path)?;
    let before = all.remove(base).is_some();
    if session.is_none() && !before {
        return Ok(());
    }
    all.extend(session.map(|session| (base.to_owned(), session)));
    write(&path, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(email: &str) -> Kept {
        Kept { email: email.into(), cookie: "a=b".into(), csrf_token: "c".into() }
    }

    #[test]
    fn sessions_are_kept_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("visiobook/sessions.json");
        assert!(read(&path).unwrap().is_empty());
        let mut all = BTreeMap::from([("http://a".to_owned(), session("anna@example.org"))]);
        write(&path, &all).unwrap();
        all.insert("http://b".into(), session("ben@example.org"));
        write(&path, &all).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(read(&path).unwrap()["http://b"].email, "ben@example.org");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&path).err().map(|failure| failure.exit), Some(super::super::BAD_INPUT));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "{").unwrap();
        assert_eq!(read(&path).err().map(|failure| failure.exit), Some(super::super::BAD_INPUT));
    }
}
