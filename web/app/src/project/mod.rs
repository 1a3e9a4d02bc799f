//! A project: its words, its run while there is one, and its parts one at a time.

mod activity;
mod files;
mod header;
mod names;
mod nav;
mod rights;
mod run_panel;
mod runs;
mod sharing;
mod state;
mod visit;
mod words;

pub use activity::ActivityFeed;
pub use files::Files;
pub use header::Header;
pub use names::actor_id;
pub use nav::Nav;
pub use rights::{Rights, use_rights};
pub use run_panel::RunPanel;
pub use runs::Runs;
pub use sharing::Sharing;
pub use state::{Change, Known, use_project};
pub use visit::{SharePage, VisitGate};
