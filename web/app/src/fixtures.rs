//! What tests of several modules show.

use domain::api::{BookFile, RunView};
use domain::id::{Digest, ProjectId};
use domain::project::Project;

/// A project of a file of one byte.
pub fn project(id: u128, run: Option<RunView>) -> Project {
    let book = BookFile { name: "a.txt".into(), digest: Digest::of(b""), bytes: 1, format: None };
    Project {
        id: ProjectId(id),
        version: 1,
        name: "A".into(),
        named: false,
        description: String::new(),
        archived: false,
        title: "A".into(),
        authors: Vec::new(),
        language: None,
        created_ms: 0,
        changed_ms: 0,
        demo: false,
        deleted: None,
        book,
        revision: 1,
        run,
    }
}
