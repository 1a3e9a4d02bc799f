#![no_main]
//! See `checks::sentences`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::sentences(bytes));
