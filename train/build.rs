//! Tells the linker where libtorch lies, so that this package's tests find it at run time.
//!
//! The same file stands in every package that links a test or a program against libtorch: a link
//! argument is not handed on to dependents. Each of them also names `torch-sys` among its direct
//! dependencies, or cargo does not set the variable below.

fn main() {
    // torch-sys has `links = "tch"` and prints `cargo:libtorch_lib=…`.
    let lib = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys, a direct dependency, tells where libtorch is");
    // DT_RUNPATH, not DT_RPATH: LD_LIBRARY_PATH (a CUDA libtorch of the same version) still goes first.
    println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{lib}");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
}
