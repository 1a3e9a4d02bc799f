//! libtorch for processors, out of the pinned torch wheel: three libraries, the headers, and stand-ins for CUDA's.
//!
//! The wheel's libtorch_cpu.so wants libcudart.so.13 and libcupti.so.13, though only for its profiler. Stand-ins of
//! the same names, sonames and symbol versions answer "no CUDA" to every call. A real libtorch_cuda.so never goes
//! into this folder: on a GPU machine `LD_LIBRARY_PATH` names another libtorch 2.11.0 in front of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::wheel::{self, Wheel};
use crate::partial::{self, Partial};
use crate::process;

/// The version that the bindings are written for.
pub const VERSION: &str = "2.11.0";

/// The pinned wheel.
pub const WHEEL: Wheel = Wheel {
    name: "torch",
    version: VERSION,
    sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    bytes: 531_000_000,
    platform: "manylinux_2_28_x86_64",
};

/// Raised when what is made from the same wheel changes.
const LAYOUT: u32 = 1;
const UNPACKED_BYTES: u64 = 520_000_000;
const LIBRARIES: [&str; 3] = ["libtorch_cpu.so", "libc10.so", "libgomp.so.1"];
const CUDA_LIBRARIES: [&str; 2] = ["libcudart.so.13", "libcupti.so.13"];

/// Where it lies in the cache.
pub fn place(cache: &Path) -> PathBuf {
    cache.join(format!("libtorch-{VERSION}"))
}

/// What a finished folder is stamped with.
pub fn made_from() -> String {
    format!("{}=={VERSION} sha256:{} layout {LAYOUT}", WHEEL.name, WHEEL.sha256)
}

/// Whether the cache holds it, whole.
pub fn is_ready(cache: &Path) -> bool {
    partial::is_made_from(&place(cache), &made_from())
}

/// Downloads and lays it out; the wheel is deleted afterwards unless `keep`.
///
/// # Errors
/// One sentence; nothing half-made stays.
pub fn install(cache: &Path, keep: bool) -> Result<()> {
    let downloads = cache.join("downloads");
    partial::need_space(cache, WHEEL.download_bytes(&downloads) + UNPACKED_BYTES, "libtorch, while it is unpacked,")?;
    let file = WHEEL.fetch(&downloads)?;
    let folder = place(cache);
    eprintln!("libtorch {VERSION}: unpacking");
    let partial = Partial::beside(&folder)?;
    let count = wheel::unpack(&file, partial.path(), wanted)?;
    if count < 1_000 {
        bail!("the torch wheel held {count} files of libtorch where thousands are expected");
    }
    stand_ins(&partial.path().join("lib"))?;
    fs::write(partial.path().join("build-version"), format!("{VERSION}\n")).context("can't write build-version")?;
    partial.finish(&made_from())?;
    super::put_away(&file, keep)
}

/// Where an entry of the wheel goes; `None` for what is not needed.
fn wanted(name: &str) -> Option<String> {
    let inner = name.strip_prefix("torch/")?;
    let library = inner.strip_prefix("lib/").is_some_and(|name| LIBRARIES.contains(&name));
    (library || inner.starts_with("include/")).then(|| inner.to_owned())
}

/// Writes and compiles the stand-ins beside the libraries.
fn stand_ins(lib: &Path) -> Result<()> {
    let undefined =
        process::answer(process::command("nm").args(["-D", "--undefined-only"]).arg(lib.join(LIBRARIES[0])))
            .context("`nm` can't read libtorch_cpu.so: install binutils")?;
    let functions = functions_wanted(&undefined);
    let work = Partial::beside(&lib.join("stand-ins"))?;
    for library in CUDA_LIBRARIES {
        let names = functions.get(library).with_context(|| format!("libtorch_cpu.so asks nothing of {library}"))?;
        let source = work.path().join("stand-in.c");
        let map = work.path().join("stand-in.map");
        fs::write(&source, stand_in_source(names)).context("can't write a stand-in's source")?;
        fs::write(&map, format!("{library} {{ global: *; }};\n")).context("can't write a version script")?;
        compile(&source, &lib.join(library), library, Some(&map))?;
    }
    // `-ltorch` is only an umbrella: an empty one, so that no libtorch_cuda.so is pulled in.
    let source = work.path().join("empty.c");
    fs::write(&source, "\n").context("can't write a stand-in's source")?;
    compile(&source, &lib.join("libtorch.so"), "libtorch.so", None)
}

/// Undefined functions by the library whose symbol version they carry, from `nm`'s lines (`  U name@library`).
fn functions_wanted(undefined: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in undefined.lines() {
        let Some((_, symbol)) = line.split_once(" U ") else { continue };
        if let Some((name, library)) = symbol.split_once('@') {
            wanted.entry(library).or_default().push(name);
        }
    }
    wanted
}

/// C functions that answer "no CUDA": 100 is cudaErrorNoDevice, 999 cudaErrorUnknown (and no success of CUPTI's).
fn stand_in_source(names: &[&str]) -> String {
    let mut source = String::new();
    for name in names {
        let function = match *name {
            "cudaGetErrorString" => {
                "const char *cudaGetErrorString(int e) { return \"no CUDA (stand-in)\"; }".to_owned()
            }
            "cudaGetDeviceCount" => "int cudaGetDeviceCount(int *n) { if (n) *n = 0; return 100; }".to_owned(),
            name if name.ends_with("String") => {
                format!("int {name}(int e, const char **p) {{ *p = \"no CUDA (stand-in)\"; return 999; }}")
            }
            name => format!("int {name}(void) {{ return 999; }}"),
        };
        // Writing to a String can't fail.
        let _ = writeln!(source, "{function}");
    }
    source
}

fn compile(source: &Path, library: &Path, soname: &str, versions: Option<&Path>) -> Result<()> {
    let mut cc = process::command("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-w", "-o"]).arg(library).arg(source).arg(format!("-Wl,-soname,{soname}"));
    if let Some(map) = versions {
        cc.arg(format!("-Wl,--version-script,{}", map.display()));
    }
    match cc.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            bail!("`cc` can't build the stand-in {soname}: {}", String::from_utf8_lossy(&output.stderr).trim())
        }
        Err(error) => Err(error).context("can't start `cc`: install a C compiler"),
    }
}

/// Checks a libtorch that the user names.
///
/// # Errors
/// Says what is missing in it, or which version it is.
pub fn check_named(folder: &Path) -> Result<()> {
    for needed in ["lib/libtorch_cpu.so", "lib/libc10.so", "include/torch"] {
        if !folder.join(needed).exists() {
            bail!("{} is no libtorch folder: it has no {needed}", folder.display());
        }
    }
    let version = fs::read_to_string(folder.join("build-version")).ok().or_else(|| {
        let python = fs::read_to_string(folder.join("version.py")).ok()?;
        Some(python.split("__version__ = '").nth(1)?.split('\'').next()?.to_owned())
    });
    match version {
        Some(version) if version.trim().split('+').next() != Some(VERSION) => {
            bail!("{} is libtorch {}, and {VERSION} is needed", folder.display(), version.trim())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_libraries_and_headers_are_taken_from_the_wheel() {
        assert_eq!(wanted("torch/lib/libc10.so").as_deref(), Some("lib/libc10.so"));
        assert_eq!(wanted("torch/include/torch/all.h").as_deref(), Some("include/torch/all.h"));
        for other in ["torch/lib/libtorch_cuda.so", "torch/nn/functional.py", "torch-2.11.0.dist-info/RECORD"] {
            assert_eq!(wanted(other), None);
        }
    }

    #[test]
    fn a_stand_in_answers_for_each_function_that_is_asked_of_its_library() {
        let nm = "                 U cudaGetDeviceCount@libcudart.so.13\n                 U cudaMalloc@libcudart.so.13\n                 U memcpy@GLIBC_2.14\n                 w __gmon_start__\n";
        let wanted = functions_wanted(nm);
        assert_eq!(wanted["libcudart.so.13"], ["cudaGetDeviceCount", "cudaMalloc"]);
        let source = stand_in_source(&wanted["libcudart.so.13"]);
        assert!(source.contains("return 100") && source.contains("int cudaMalloc(void) { return 999; }"), "{source}");
    }

    #[test]
    fn a_named_folder_of_another_version_is_refused_in_one_sentence() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let text = check_named(scratch.path()).expect_err("empty").to_string();
        assert!(text.contains("is no libtorch folder"), "{text}");
        fs::create_dir_all(scratch.path().join("include/torch")).expect("made");
        fs::create_dir_all(scratch.path().join("lib")).expect("made");
        fs::write(scratch.path().join("lib/libtorch_cpu.so"), "").expect("written");
        fs::write(scratch.path().join("lib/libc10.so"), "").expect("written");
        fs::write(scratch.path().join("version.py"), "__version__ = '2.9.1+cu128'\n").expect("written");
        let text = check_named(scratch.path()).expect_err("old").to_string();
        assert!(text.contains("2.9.1+cu128") && text.contains(VERSION), "{text}");
        fs::write(scratch.path().join("version.py"), "__version__ = '2.11.0+cu130'\n").expect("written");
        check_named(scratch.path()).expect("a CUDA build of the right version");
    }
}
