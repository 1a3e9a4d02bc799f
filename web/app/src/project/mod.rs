//! A project: its words, its run while there is one, and its parts one at a time.

mod activity;
mod files;
mod header;
mod nav;
mod run_panel;
mod runs;
mod state;
mod words;

pub use activity::ActivityFeed;
pub use files::Files;
pub use header::Header;
pub use nav::Nav;
pub use run_panel::RunPanel;
pub use runs::Runs;
pub use state::{Change, Known, use_project};
