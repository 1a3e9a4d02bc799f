//! What the reader does with books and with what is none. One binary, so that it links once.

mod fixture;
mod pages;
mod plain_text;
mod properties;
mod refusals;
mod shared_data;
mod windows;
