//! Which scopes' folders are durable: made by this process or an earlier one, and synced since into the folders above.
//!
//! Only what a put of this process has synced counts, so nothing is known at a start, and a scope that is being
//! removed, or was, counts no more: whoever puts there afterwards makes the folder anew, and has to sync it anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::blobs::BlobScope;

/// Scopes that are remembered; one more, and all are forgotten, which costs two syncs each.
const PLACES_MAX: usize = 8_192;

/// The scopes whose folders need no more syncing than of what is put in them.
#[derive(Default)]
pub(super) struct Places(Mutex<Known>);

#[derive(Default)]
struct Known {
    durable: HashSet<BlobScope>,
    /// How many removals of a scope are under way.
    going: HashMap<BlobScope, usize>,
    /// Rises with each removal.
    removals: u64,
}

/// What was known of a scope at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its folder is there for good.
    pub(super) is_durable: bool,
    removals: u64,
}

/// A removal of a scope that is under way.
pub(super) struct Going<'a> {
    places: &'a Places,
    scope: BlobScope,
}

impl Places {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a scope, after something was named in it.
    pub(super) fn look(&self, scope: BlobScope) -> Seen {
        let known = self.known();
        Seen { is_durable: known.durable.contains(&scope), removals: known.removals }
    }

    /// The folders above a scope that was `seen` before are synced.
    pub(super) fn learn(&self, scope: BlobScope, seen: Seen) {
        let mut known = self.known();
        if known.removals != seen.removals || known.going.contains_key(&scope) {
            return;
        }
        if known.durable.len() >= PLACES_MAX {
            known.durable.clear();
        }
        known.durable.insert(scope);
    }

    /// Forgets a scope that is about to be removed.
    pub(super) fn going(&self, scope: BlobScope) -> Going<'_> {
        let mut known = self.known();
        known.durable.remove(&scope);
        *known.going.entry(scope).or_default() += 1;
        Going { places: self, scope }
    }
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        let mut known = self.places.known();
        known.removals += 1;
        if let Some(count) = known.going.get_mut(&self.scope) {
            *count -= 1;
            if *count == 0 {
                known.going.remove(&self.scope);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ProjectId, TenantId};

    use super::*;

    const SCOPE: BlobScope = BlobScope { tenant: TenantId(1), project: ProjectId(2) };

    #[test]
    fn a_place_is_known_once_it_was_synced_and_until_it_is_removed() {
        let places = Places::default();
        let seen = places.look(SCOPE);
        assert!(!seen.is_durable);
        places.learn(SCOPE, seen);
        assert!(places.look(SCOPE).is_durable);
        let going = places.going(SCOPE);
        assert!(!places.look(SCOPE).is_durable);
        drop(going);
        assert!(!places.look(SCOPE).is_durable);
    }

    #[test]
    fn what_was_seen_before_a_removal_says_nothing_of_the_place_after_it() {
        let places = Places::default();
        let before = places.look(SCOPE);
        let going = places.going(SCOPE);
        let during = places.look(SCOPE);
        places.learn(SCOPE, during);
        assert!(!places.look(SCOPE).is_durable, "it may go in a moment");
        drop(going);
        for seen in [before, during] {
            places.learn(SCOPE, seen);
            assert!(!places.look(SCOPE).is_durable);
        }
        places.learn(SCOPE, places.look(SCOPE));
        assert!(places.look(SCOPE).is_durable);
    }
}
