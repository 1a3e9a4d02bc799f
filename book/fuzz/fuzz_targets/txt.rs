#![no_main]
//! See `checks::txt`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::txt(bytes));
