//! What the reader does with books and with what is none. One binary, so that it links once.

#![allow(clippy::unwrap_used, reason = "a test may panic, helpers included")]

mod docx;
mod editions;
mod epub_editions;
mod fixture;
mod pages;
mod pdf;
mod pdf_file;
mod plain_text;
mod properties;
mod quotations;
mod refusals;
mod shared_data;
mod snapshot;
mod windows;
