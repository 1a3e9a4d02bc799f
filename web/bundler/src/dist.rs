//! The folder that a node serves.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

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
    pub fn finish(self) -> Result<()> {
        remove(&self.dist)?;
        fs::rename(&self.making, &self.dist).with_context(|| format!("{} can't be put in place", self.dist.display()))
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
    fn a_folder_is_swapped_in_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("dist");
        for body in [[b'a'; 900], [b'b'; 900]] {
            let mut dist = Dist::begin(&path).unwrap();
            dist.put("index.html", &body).unwrap();
            dist.put_hashed("a.txt", &body).unwrap();
            dist.finish().unwrap();
        }
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 6, "each file with its two compressed forms, none of the first making: {names:?}");
        assert_eq!(fs::read(path.join("index.html")).unwrap(), [b'b'; 900]);
    }

    #[test]
    fn what_compression_does_not_shrink_is_served_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("dist");
        let mut dist = Dist::begin(&path).unwrap();
        dist.put("tiny.txt", b"a").unwrap();
        dist.finish().unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }
}
