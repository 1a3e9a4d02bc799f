//! Downloads: one wheel each from the Python package index, by pip, pinned by version and SHA-256.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::partial::{self, Partial};
use crate::process;

/// A file of the package index that can be no other.
pub struct Wheel {
    /// Name in the package index.
    pub name: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// Of the wheel, in hexadecimal.
    pub sha256: &'static str,
    /// Size of the wheel.
    pub bytes: u64,
    /// The platform that its file name ends with.
    pub platform: &'static str,
}

impl Wheel {
    /// What a download will take in `downloads` at its peak: nothing where the wheel is kept there. pip writes it to
    /// its temporary folder first and copies it from there.
    pub fn download_bytes(&self, downloads: &Path) -> u64 {
        if partial::is_made_from(&self.place(downloads), self.sha256) { 0 } else { 2 * self.bytes }
    }

    fn place(&self, downloads: &Path) -> PathBuf {
        downloads.join(format!("{}-{}", self.name, self.version))
    }

    /// The pinned wheel in `downloads`: the one kept there, else a new one.
    ///
    /// # Errors
    /// One sentence: no pip, no network, a wrong digest or a full disk. Nothing half-made stays.
    pub fn fetch(&self, downloads: &Path) -> Result<PathBuf> {
        let place = self.place(downloads);
        let file = place.join(format!("{}.whl", self.name));
        if partial::is_made_from(&place, self.sha256) && sha256(&file).is_ok_and(|digest| digest == self.sha256) {
            eprintln!("{} {}: taken from {}", self.name, self.version, place.display());
            return Ok(file);
        }
        eprintln!("{} {}: downloading {} with pip", self.name, self.version, partial::megabytes(self.bytes));
        let partial = Partial::beside(&place)?;
        self.download(partial.path())?;
        let loaded = only_wheel(partial.path())?;
        let digest = sha256(&loaded)?;
        if digest != self.sha256 {
            bail!("{} {} has SHA-256 {digest} where {} is expected: refused", self.name, self.version, self.sha256);
        }
        fs::rename(&loaded, partial.path().join(format!("{}.whl", self.name))).context("can't name the download")?;
        partial.finish(self.sha256)?;
        Ok(file)
    }

    fn download(&self, folder: &Path) -> Result<()> {
        let wanted = folder.join("requirement.txt");
        let temporary = folder.join("tmp");
        fs::create_dir(&temporary).context("can't make a temporary folder")?;
        fs::write(&wanted, format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.sha256))
            .context("can't write pip's requirement file")?;
        let mut pip = process::command("python3");
        pip.args(["-m", "pip", "download", "--disable-pip-version-check", "--require-hashes", "--no-deps"])
            .args(["--only-binary=:all:", "--no-cache-dir", "--retries", "3"])
            .args(["--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--platform", self.platform])
            .arg("--dest")
            .arg(folder)
            .arg("--requirement")
            .arg(&wanted)
            .env("TMPDIR", &temporary)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = pip.spawn().context("can't start `python3 -m pip`: install python3 and python3-pip")?;
        // Its progress bar goes straight to our output; what it complains of becomes one sentence below.
        let mut complaints = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut complaints).context("can't read what pip says")?;
        }
        if !child.wait().context("pip did not end")?.success() {
            bail!("{}", self.sentence(&complaints));
        }
        fs::remove_dir_all(&temporary).and_then(|()| fs::remove_file(&wanted)).context("can't tidy up after pip")
    }

    /// What pip's complaints mean to someone who wants a download.
    fn sentence(&self, complaints: &str) -> String {
        let (name, version) = (self.name, self.version);
        let has = |marks: &[&str]| marks.iter().any(|mark| complaints.contains(mark));
        let last = complaints.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim();
        if has(&["No space left on device", "Errno 28"]) {
            format!("the disk filled up while pip downloaded {name} {version}: free some space and run this again")
        } else if has(&["THESE PACKAGES DO NOT MATCH THE HASHES"]) {
            format!("the package index gave another {name} {version} than the pinned one: refused")
        } else if has(&["NewConnectionError", "NameResolutionError", "ConnectTimeout", "ProxyError", "ConnectionError"])
        {
            format!(
                "no network: pip can't reach the package index for {name} {version}; connect and run this again, or copy the cache folder from another machine"
            )
        } else if has(&["ReadTimeout", "IncompleteRead", "ProtocolError", "Connection broken"]) {
            format!("the download of {name} {version} was cut: run this again")
        } else {
            format!("pip can't download {name} {version} ({last})")
        }
    }
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    let mut wheels = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "whl"));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => bail!("pip ended well but left no single wheel"),
    }
}

/// The digest of a file, in hexadecimal.
///
/// # Errors
/// The file can't be read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("can't open {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("can't read {}", path.display()))?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Unpacks the entries that `place` gives a place to (relative to `destination`), and counts them.
///
/// # Errors
/// A broken wheel, or a disk that fills up.
pub fn unpack(wheel: &Path, destination: &Path, place: impl Fn(&str) -> Option<String>) -> Result<usize> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?).context("the wheel is no zip file")?;
    let mut count = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).context("the wheel is damaged")?;
        let Some(target) = entry.enclosed_name().and_then(|name| place(name.to_str()?)).filter(|_| entry.is_file())
        else {
            continue;
        };
        let target = destination.join(target);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        }
        let mut out = File::create(&target).with_context(|| format!("can't write {}", target.display()))?;
        io::copy(&mut entry, &mut out)
            .and_then(|_| out.flush())
            .with_context(|| format!("can't unpack to {}", target.display()))?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: Wheel = Wheel { name: "torch", version: "2.11.0", sha256: "00", bytes: 1, platform: "any" };

    #[test]
    fn what_pip_complains_of_becomes_one_sentence() {
        for (complaint, start) in [
            (
                "WARNING: Retrying after connection broken by 'NewConnectionError('…\nERROR: Could not find a version",
                "no network",
            ),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n Expected …", "the package index gave another"),
            (
                "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
                "the disk filled up",
            ),
            ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "the download of torch 2.11.0 was cut"),
            ("ERROR: something new\n\n", "pip can't download torch 2.11.0 (ERROR: something new)"),
        ] {
            let sentence = WHEEL.sentence(complaint);
            assert!(sentence.starts_with(start) && !sentence.contains('\n'), "{sentence}");
        }
    }
}
