//! Uploads that were begun and not finished, as this browser remembers them: which file, and where it goes on.

use domain::id::{ProjectId, UploadId};
use serde::{Deserialize, Serialize};

use crate::browser;

const KEY: &str = "visiobook.uploads";
/// More than this many are not remembered: the oldest go.
const MAX: usize = 16;

/// What a file of this machine is told by: no page may know its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub name: String,
    pub size: u64,
    /// When it was last changed, milliseconds since 1970 UTC.
    pub modified_ms: u64,
}

/// An upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub upload: UploadId,
    pub file: Fingerprint,
    /// The project that it is to be the next file of; none for a book of its own.
    pub project: Option<ProjectId>,
}

/// All that are remembered, oldest first.
pub fn all() -> Vec<Kept> {
    browser::recall(KEY).map(|text| parse(&text)).unwrap_or_default()
}

/// Remembers one. Other tabs may have written meanwhile: the list is read anew each time.
pub fn remember(kept: Kept) {
    write(&with(all(), kept));
}

/// Forgets one.
pub fn forget(upload: UploadId) {
    write(&without(all(), upload));
}

/// The upload of a file, if one was begun.
pub fn find(list: &[Kept], file: &Fingerprint) -> Option<UploadId> {
    list.iter().rev().find(|kept| kept.file == *file).map(|kept| kept.upload)
}

fn write(list: &[Kept]) {
    // Ids, numbers and names can always be written.
    browser::remember(KEY, &serde_json::to_string(list).unwrap_or_default());
}

/// What another version wrote, or nobody, is as good as nothing.
fn parse(text: &str) -> Vec<Kept> {
    serde_json::from_str(text).unwrap_or_default()
}

fn with(list: Vec<Kept>, kept: Kept) -> Vec<Kept> {
    let mut list: Vec<Kept> = list.into_iter().filter(|other| other.file != kept.file).collect();
    list.push(kept);
    let excess = list.len().saturating_sub(MAX);
    list.split_off(excess)
}

fn without(list: Vec<Kept>, upload: UploadId) -> Vec<Kept> {
    list.into_iter().filter(|kept| kept.upload != upload).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, modified_ms: u64) -> Fingerprint {
        Fingerprint { name: name.into(), size: 9, modified_ms }
    }

    fn kept(upload: u128, name: &str) -> Kept {
        Kept { upload: UploadId(upload), file: file(name, 1), project: None }
    }

    #[test]
    fn the_same_file_is_found_again_and_a_changed_one_is_not() {
        let list = with(Vec::new(), kept(1, "a.epub"));
        let list = parse(&serde_json::to_string(&list).unwrap_or_default());
        assert_eq!(find(&list, &file("a.epub", 1)), Some(UploadId(1)));
        assert_eq!(find(&list, &file("a.epub", 2)), None);
        assert_eq!(find(&without(list, UploadId(1)), &file("a.epub", 1)), None);
    }

    #[test]
    fn a_file_that_is_begun_again_is_remembered_once_and_the_list_stays_short() {
        let list = with(with(Vec::new(), kept(1, "a.epub")), kept(2, "a.epub"));
        assert_eq!(list, [kept(2, "a.epub")]);
        let many = (0..40).fold(Vec::new(), |list, n| with(list, kept(n, &n.to_string())));
        assert_eq!((many.len(), &many[MAX - 1]), (MAX, &kept(39, "39")));
    }

    #[test]
    fn what_can_not_be_read_is_nothing() {
        assert_eq!(parse("{"), []);
        assert_eq!(parse("[{\"upload\": 1}]"), []);
    }
}
