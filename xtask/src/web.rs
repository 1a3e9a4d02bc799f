//! The web app: wasm by whichever toolchain is here, then the bundler, into `web/dist`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::setup::wheel::hex;
use crate::{process, workspace};

/// The platform of the app.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's own toolchain for the web, which builds the standard library from its sources.
pub const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Raised when the same sources would be built another way.
const RECIPE: &str = "1";
/// What is looked through when the inputs are hashed; more means that something else lies there.
const MAX_INPUTS: usize = 10_000;

/// `cargo xtask web`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Build fast and unoptimised
    #[arg(long)]
    pub dev: bool,
}

/// A way to build for wasm.
#[derive(Clone, Debug)]
pub enum Toolchain {
    /// The toolchain of the project has the target installed.
    Installed,
    /// Another rustc comes with its sources and builds the standard library itself.
    FromSource {
        /// That rustc.
        rustc: PathBuf,
        /// The cargo of the same release.
        cargo: PathBuf,
        /// The linker for wasm.
        linker: PathBuf,
    },
}

/// The toolchain for wasm that is here, if any: an installed target, else Debian's packages.
pub fn toolchain() -> Option<Toolchain> {
    let libraries = process::answer(process::command("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    if libraries.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Some(Toolchain::Installed);
    }
    let (rustc, cargo) = (PathBuf::from("/usr/bin/rustc"), PathBuf::from("/usr/bin/cargo"));
    let sysroot = process::answer(foreign(&rustc).args(["--print", "sysroot"]))?;
    let sources = Path::new(&sysroot).join("lib/rustlib/src/rust/library");
    (sources.is_dir() && cargo.is_file()).then_some(())?;
    Some(Toolchain::FromSource { linker: linker()?, rustc, cargo })
}

/// A program of another Rust than the one that runs us: rustup's and cargo's hints would lead it astray.
fn foreign(program: &Path) -> Command {
    let mut command = process::command(program);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
    command
}

fn linker() -> Option<PathBuf> {
    let sysroot = process::answer(process::command("rustc").args(["--print", "sysroot"]))?;
    let version = process::answer(process::command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
    let own = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    let others = ["wasm-ld-22", "wasm-ld-19", "wasm-ld"].map(|name| Path::new("/usr/bin").join(name));
    std::iter::once(own).chain(others).find(|path| path.is_file())
}

impl Toolchain {
    /// A cargo command for the app (`build`, `clippy`), with its own target folder.
    pub fn cargo(&self, command: &str) -> Command {
        let web = workspace::root().join("web");
        let mut cargo = match self {
            Self::Installed => process::cargo(),
            Self::FromSource { rustc, cargo, linker } => {
                let mut command = foreign(cargo);
                command
                    .env("RUSTC", rustc)
                    .env("RUSTDOC", rustc.with_file_name("rustdoc"))
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        cargo.current_dir(web).args([command, "--locked", "--package", "app", "--target", TARGET]);
        if matches!(self, Self::FromSource { .. }) {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        cargo.arg("--target-dir").arg(self.target());
        cargo
    }

    fn target(&self) -> PathBuf {
        workspace::web_target().join(match self {
            Self::Installed => "wasm",
            Self::FromSource { .. } => "wasm-buildstd",
        })
    }
}

/// Where cargo builds what the app's workspace runs on this machine: the bundler and the host tests.
pub fn host_target() -> PathBuf {
    workspace::web_target().join("host")
}

/// Builds `web/dist`, or leaves it where its inputs have not changed.
///
/// # Errors
/// No toolchain for wasm, or the build's own failure.
pub fn build(options: &Options) -> Result<PathBuf> {
    let root = workspace::root();
    let dist = root.join("web/dist");
    let stamp = dist.join(".inputs");
    let inputs = inputs(&root, options.dev)?;
    if dist.join("index.html").is_file() && fs::read_to_string(&stamp).is_ok_and(|made| made.trim() == inputs) {
        return Ok(dist);
    }
    let toolchain =
        toolchain().with_context(|| format!("no Rust toolchain for {TARGET} is here: run `cargo xtask setup`"))?;
    let profile = if options.dev { "dev" } else { "release" };
    process::run(toolchain.cargo("build").args(["--profile", profile])).context("the web app does not build")?;
    let wasm = toolchain.target().join(TARGET).join(if options.dev { "debug" } else { "release" }).join("app.wasm");
    bundle(&wasm, &dist)?;
    workspace::write_whole(&stamp, inputs.as_bytes())?;
    Ok(dist)
}

fn bundle(wasm: &Path, dist: &Path) -> Result<()> {
    let mut bundler = process::cargo();
    bundler.current_dir(workspace::root().join("web")).args(["run", "--quiet", "--locked", "--package", "bundler"]);
    bundler.arg("--target-dir").arg(host_target()).arg("--").arg(wasm).arg("app/static").arg(dist);
    process::run(&mut bundler).context("the bundler failed")
}

/// A digest of everything that the app is made from.
fn inputs(root: &Path, dev: bool) -> Result<String> {
    let mut files = BTreeMap::new();
    for folder in ["web/app", "web/bundler", "domain"] {
        collect(root, &root.join(folder), &mut files)?;
    }
    // The root manifest too: `domain` takes its dependencies' versions from there.
    for file in ["web/Cargo.toml", "web/Cargo.lock", "Cargo.toml"] {
        files.insert(file.to_owned(), root.join(file));
    }
    let mut hasher = Sha256::new();
    hasher.update(format!("{RECIPE} {dev} "));
    hasher.update(process::answer(process::command("rustc").arg("-vV")).unwrap_or_default());
    for (name, path) in files {
        let body = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        hasher.update(format!("{} {name} {} ", name.len(), body.len()));
        hasher.update(body);
    }
    Ok(hex(&hasher.finalize()))
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).context("a file outside the checkout")?;
            files.insert(name.to_string_lossy().into_owned(), path.clone());
        }
        if files.len() > MAX_INPUTS {
            bail!("{} holds more than {MAX_INPUTS} files", folder.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_an_input_changes_the_digest() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let root = scratch.path();
        for file in [
            "web/app/src/main.rs",
            "web/bundler/Cargo.toml",
            "domain/src/lib.rs",
            "web/Cargo.toml",
            "web/Cargo.lock",
            "Cargo.toml",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, file).expect("written");
        }
        let before = inputs(root, false).expect("hashed");
        assert_eq!(before, inputs(root, false).expect("hashed"));
        assert_ne!(before, inputs(root, true).expect("hashed"), "another profile");
        fs::write(root.join("domain/src/lib.rs"), "changed").expect("written");
        assert_ne!(before, inputs(root, false).expect("hashed"));
    }
}
