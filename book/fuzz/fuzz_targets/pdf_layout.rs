#![no_main]
//! See `checks::pdf_layout`.

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::pdf_layout(bytes));
