#![no_main]
//! See `checks::epub`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::epub(bytes));
