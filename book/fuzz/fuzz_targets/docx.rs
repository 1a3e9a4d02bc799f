#![no_main]
//! See `checks::docx`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::docx(bytes));
