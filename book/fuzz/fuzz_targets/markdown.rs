#![no_main]
//! See `checks::markdown`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::markdown(bytes));
