#![no_main]
//! See `checks::archive`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::archive(bytes));
