//! The folder that a node serves.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Names what a folder was made from. It lies beside the folder, so that it is never served.
pub struct Stamp(String);

impl Stamp {
    /// Of the input, and of this program's own version.
    pub fn of(wasm: &[u8], assets: &[(String, Vec<u8>)]) -> Self {
        let mut hash = Sha256::new();
        hash.update(concat!("bundler ", env!("CARGO_PKG_VERSION")));
        for body in std::iter::once(wasm).chain(assets.iter().flat_map(|(name, body)| [name.as_bytes(), body])) {
            hash.update((body.len() as u64).to_le_bytes());
            hash.update(body);
        }
        Self(hex(&hash.finalize()))
    }

    /// The folder is there and was made from this.
    pub fn is_on(&self, dist: &Path) -> bool {
        dist.join("index.html").is_file() && fs::read_to_string(Self::path(dist)).is_ok_and(|found| found == self.0)
    }

    fn path(dist: &Path) -> PathBuf {
        dist.with_extension("stamp")
    }
}

/// A folder in the making, beside the one that it will replace.
pub struct Dist {
    dist: PathBuf,
    making: PathBuf,
}

impl Dist {
    /// Begins; what an earlier, interrupted making left is thrown away.
    pub fn begin(dist: &Path) -> Result<Self> {
        let making = dist.with_extension("new");
        remove(&making)?;
        fs::create_dir_all(&making).with_context(|| format!("{} can't be made", making.display()))?;
        Ok(Self { dist: dist.to_owned(), making })
    }

    /// Puts a file under `stem-<16 hexadecimal digits>.ending`, and gives that name.
    pub fn put_hashed(&mut self, name: &str, body: &[u8]) -> Result<String> {
        let name = hashed(name, body);
        self.put(&name, body)?;
        Ok(name)
    }

    /// Puts a file, and its compressed forms where they are smaller.
    pub fn put(&mut self, name: &str, body: &[u8]) -> Result<()> {
        let (br, gz) = (brotli(body)?, gzip(body)?);
        self.write(name, body)?;
        for (ending, packed) in [("br", &br), ("gz", &gz)] {
            if packed.len() < body.len() {
                self.write(&format!("{name}.{ending}"), packed)?;
            }
        }
        println!("{name:32} {:>9} bytes, gzip {:>8}, brotli {:>8}", body.len(), gz.len(), br.len());
        Ok(())
    }

    /// Swaps the folder in.
    pub fn finish(self, stamp: &Stamp) -> Result<()> {
        remove(&self.dist)?;
        fs::rename(&self.making, &self.dist)
            .with_context(|| format!("{} can't be put in place", self.dist.display()))?;
        fs::write(Stamp::path(&self.dist), &stamp.0).context("the stamp can't be written")
    }

    fn write(&self, name: &str, body: &[u8]) -> Result<()> {
        let path = self.making.join(name);
        fs::write(&path, body).with_context(|| format!("{} can't be written", path.display()))
    }
}

fn hashed(name: &str, body: &[u8]) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "bin"));
    format!("{stem}-{}.{ending}", &hex(&Sha256::digest(body))[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn brotli(body: &[u8]) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: body.len(), ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &body[..], &mut out, &params)?;
    Ok(out)
}

fn gzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body)?;
    Ok(encoder.finish()?)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} can't be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_changes_with_its_content_and_keeps_its_ending() {
        let name = hashed("style.css", b"a");
        assert!(name.starts_with("style-") && name.ends_with(".css"));
        assert_eq!(name.len(), "style-.css".len() + 16);
        assert_ne!(name, hashed("style.css", b"b"));
    }

    #[test]
    fn a_folder_is_swapped_in_whole_and_known_by_its_stamp() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("dist");
        let make = |body: &[u8]| {
            let stamp = Stamp::of(body, &[]);
            let mut dist = Dist::begin(&path).unwrap();
            dist.put("index.html", body).unwrap();
            dist.put_hashed("a.txt", body).unwrap();
            dist.finish(&stamp).unwrap();
            stamp
        };
        let first = make(&[b'a'; 900]);
        assert!(first.is_on(&path));
        let second = make(&[b'b'; 900]);
        assert!(second.is_on(&path) && !first.is_on(&path));
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names.len(), 6, "each file with its two compressed forms, none of the first making: {names:?}");
    }

    #[test]
    fn what_compression_does_not_shrink_is_served_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("dist");
        let mut dist = Dist::begin(&path).unwrap();
        dist.put("tiny.txt", b"a").unwrap();
        dist.finish(&Stamp::of(b"", &[])).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }
}
