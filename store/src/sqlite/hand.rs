//! Rows at hand: those that were read lately, kept in memory.
//!
//! One process has a data folder and one thread of it writes there, so it is known when a row in memory is no longer
//! what stands on the disk. The writer takes away what its jobs touched once their commit is done, well or badly, and
//! before any of them is answered: whoever is told that something was applied finds it, or finds nothing here and reads.
//!
//! A reader that looked before that commit must not bring back what it saw then. So it takes a [`Ticket`] before it
//! looks, and a ticket is worth nothing once something of its shard was taken away.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::{AccountId, ProjectId, RunId, TenantId};
use moka::sync::Cache;

use super::payload::{Payload, encode};
use crate::rows::{AccessRow, AccountRow, EventHead, ProjectRow, RunRow};

/// What the rows of one table may take, as far as is counted, bytes.
const TABLE_MAX_BYTES: u64 = 16 << 20;
/// What a row costs beside its own bytes.
const OVERHEAD_BYTES: usize = 256;
/// Rows of one shard share a count of what was taken away.
const SHARDS: usize = 64;

/// What a write may change of rows that are kept at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// None of them.
    Nothing,
    /// A project's row.
    Project(TenantId, ProjectId),
    /// A run's row.
    Run(RunId),
    /// The head of a project's log.
    Head(ProjectId),
    /// An account's row.
    Account(AccountId),
    /// Who has a project.
    Access(ProjectId),
    /// Any of them.
    All,
}

/// The rows that are kept at hand.
pub(super) struct Hand {
    pub(super) projects: Table<(TenantId, ProjectId), ProjectRow>,
    pub(super) runs: Table<RunId, RunRow>,
    pub(super) heads: Table<ProjectId, EventHead>,
    pub(super) accounts: Table<AccountId, AccountRow>,
    /// Also that there is none: most projects are shared with nobody.
    pub(super) access: Table<ProjectId, Option<AccessRow>>,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self {
            projects: Table::new(bytes),
            runs: Table::new(bytes),
            heads: Table::new(bytes),
            accounts: Table::new(bytes),
            access: Table::new(|row| row.as_ref().map_or(0, bytes)),
        }
    }

    /// Takes away what a write touched, whether or not it came to anything.
    pub(super) fn forget(&self, touched: Touched) {
        match touched {
            Touched::Nothing => {}
            Touched::Project(tenant, project) => self.projects.forget(&(tenant, project)),
            Touched::Run(run) => self.runs.forget(&run),
            Touched::Head(project) => self.heads.forget(&project),
            Touched::Account(account) => self.accounts.forget(&account),
            Touched::Access(project) => self.access.forget(&project),
            Touched::All => {
                self.projects.forget_all();
                self.runs.forget_all();
                self.heads.forget_all();
                self.accounts.forget_all();
                self.access.forget_all();
            }
        }
    }

    /// How many rows there are, and what they take, as far as is counted, bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        let sizes =
            [self.projects.size(), self.runs.size(), self.heads.size(), self.accounts.size(), self.access.size()];
        sizes.iter().fold((0, 0), |(rows, bytes), (more, their)| (rows + more, bytes + their))
    }
}

/// What a row takes on the disk; in memory it is of that order.
fn bytes<R: Payload>(row: &R) -> usize {
    // What can't be encoded can't have been read; it would be kept for what it costs at least.
    encode(row).map_or(0, |bytes| bytes.len())
}

/// When somebody began to look for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Rows of one kind.
pub(super) struct Table<K, R> {
    rows: Cache<K, Arc<R>>,
    /// How often something of a shard was taken away. Held while a row is put in or taken away; finding one needs none.
    taken: Box<[Mutex<u64>]>,
    hasher: RandomState,
}

impl<K, R> Table<K, R>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    fn new(bytes: fn(&R) -> usize) -> Self {
        let weigh = move |_: &K, row: &Arc<R>| u32::try_from(bytes(row) + OVERHEAD_BYTES).unwrap_or(u32::MAX);
        Self {
            rows: Cache::builder().max_capacity(TABLE_MAX_BYTES).weigher(weigh).build(),
            taken: (0..SHARDS).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// A row, if it is here: then it is what a reader would find now.
    pub(super) fn get(&self, key: &K) -> Option<Arc<R>> {
        self.rows.get(key)
    }

    /// To be taken before a row is looked for that is to be kept.
    pub(super) fn ticket(&self, key: &K) -> Ticket {
        Ticket(*self.shard(key).lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a row that was looked for since the ticket was taken, unless it may be another one by now.
    pub(super) fn keep(&self, key: K, ticket: Ticket, row: Arc<R>) {
        let taken = self.shard(&key).lock().unwrap_or_else(PoisonError::into_inner);
        if *taken == ticket.0 {
            self.rows.insert(key, row);
        }
    }

    fn forget(&self, key: &K) {
        let mut taken = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        self.rows.invalidate(key);
    }

    fn forget_all(&self) {
        let mut shards: Vec<_> =
            self.taken.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        shards.iter_mut().for_each(|taken| **taken += 1);
        self.rows.invalidate_all();
    }

    fn size(&self) -> (u64, u64) {
        (self.rows.entry_count(), self.rows.weighted_size())
    }

    fn shard(&self, key: &K) -> &Mutex<u64> {
        &self.taken[self.hasher.hash_one(key) as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<u128, u64> {
        Table::new(|_| 0)
    }

    /// Looks for a row as a reader does; `read` is what it finds, and what happens meanwhile.
    fn look(table: &Table<u128, u64>, key: u128, read: impl FnOnce() -> u64) {
        let ticket = table.ticket(&key);
        table.keep(key, ticket, Arc::new(read()));
    }

    #[test]
    fn a_row_is_kept_until_it_is_taken_away() {
        let table = table();
        assert_eq!(table.get(&7), None);
        look(&table, 7, || 1);
        assert_eq!(table.get(&7).as_deref(), Some(&1));
        table.forget(&7);
        assert_eq!(table.get(&7), None);
        look(&table, 7, || 2);
        look(&table, 8, || 3);
        table.forget_all();
        assert_eq!((table.get(&7), table.get(&8)), (None, None));
        look(&table, 7, || 4);
        assert_eq!(table.get(&7).as_deref(), Some(&4));
    }

    #[test]
    fn a_reader_that_looked_before_a_change_brings_nothing_back() {
        let table = table();
        let old = || {
            table.forget(&7);
            1
        };
        look(&table, 7, old);
        assert_eq!(table.get(&7), None, "changed while it was read");
        let old = || {
            table.forget_all();
            1
        };
        look(&table, 7, old);
        assert_eq!(table.get(&7), None, "all of them were");
        look(&table, 7, || 2);
        assert_eq!(table.get(&7).as_deref(), Some(&2));
    }

    #[test]
    fn rows_never_take_more_than_they_may() {
        let table: Table<u128, u64> = Table::new(|_| 64 << 10);
        for key in 0..1_000 {
            look(&table, key, || 1);
        }
        table.rows.run_pending_tasks();
        let (rows, bytes) = table.size();
        assert!(rows > 100 && bytes <= TABLE_MAX_BYTES, "{rows} rows of {bytes} bytes");
    }
}
