//! Who has a project: found, kept at hand for a moment, and changed by compare-and-set.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use domain::id::{ProjectId, TenantId};
use moka::sync::Cache;
use store::Cas;
use store::rows::AccessRow;

use super::super::Result;
use super::super::rows::MAX_TRIES;
use crate::run::RunContext;
use crate::store_fault;

/// Rows kept at hand.
const ROWS_MAX: u64 = 10_000;
/// How long another core's change may go unseen here: what is ended has to end within a second.
const AT_HAND: Duration = Duration::from_millis(800);

/// A project's row, or that it has none.
type Found = Arc<Option<AccessRow>>;

/// Rows that were read or written lately, also that there was none: this is asked with each request of a project. A
/// change that is made here is seen here at once.
#[derive(Clone)]
pub(super) struct AtHand(Cache<ProjectId, Found>);

impl Default for AtHand {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ROWS_MAX).time_to_live(AT_HAND).build())
    }
}

fn version(row: &Option<AccessRow>) -> u64 {
    row.as_ref().map_or(0, |row| row.version)
}

impl AtHand {
    /// Keeps a row, unless a newer one is kept: a read that was slow must not bring back what was ended meanwhile.
    fn keep(&self, project: ProjectId, row: Option<AccessRow>) -> Found {
        let row = Arc::new(row);
        let newer = |there: Option<moka::Entry<ProjectId, Found>>| {
            let there = there.map(moka::Entry::into_value).filter(|there| version(there) > version(&row));
            there.unwrap_or_else(|| row.clone())
        };
        self.0.entry(project).and_upsert_with(newer).into_value()
    }

    /// Forgets a project that is gone.
    pub(super) fn forget(&self, project: ProjectId) {
        self.0.invalidate(&project);
    }
}

/// Who has a project, as it stood within the last second.
pub(super) async fn at_hand(context: &RunContext, project: ProjectId) -> Result<Found> {
    let rows = &context.accounts.sharing.rows;
    if let Some(row) = rows.0.get(&project) {
        return Ok(row);
    }
    Ok(rows.keep(project, read(context, project).await?))
}

/// Who has a project, as it stands.
pub(super) async fn read(context: &RunContext, project: ProjectId) -> Result<Option<AccessRow>> {
    context.records.access_get(project).await.map_err(|e| store_fault(&e))
}

fn busy() -> Fault {
    Fault::new("conflict", "somebody else is changing who has this project; try again").retry_after(200)
}

/// Changes who has a project by compare-and-set. `change` may be asked several times; where it changes nothing,
/// nothing is written.
///
/// # Errors
/// What `change` says, `conflict` where it changes all the time.
pub(super) async fn change(
    context: &RunContext,
    tenant: TenantId,
    project: ProjectId,
    change: impl Fn(&mut AccessRow) -> Result<()>,
) -> Result<AccessRow> {
    let (rows, mut wanted) = (&context.accounts.sharing.rows, None);
    for _ in 0..MAX_TRIES {
        let row = read(context, project).await?.unwrap_or_else(|| AccessRow::alone(tenant, project));
        // An outcome that was not known: what was wanted stands there.
        if wanted.take().is_some_and(|wanted| wanted == row) {
            rows.keep(project, Some(row.clone()));
            return Ok(row);
        }
        let mut changed = row.clone();
        change(&mut changed)?;
        if changed == row {
            return Ok(row);
        }
        let written = context.records.access_update(changed.clone(), row.version).await;
        match written.map_err(|e| store_fault(&e))? {
            Cas::Applied(changed) => {
                rows.keep(project, Some(changed.clone()));
                return Ok(changed);
            }
            Cas::Conflict(_) => {}
            Cas::Unknown(_) => wanted = Some(AccessRow { version: row.version + 1, ..changed }),
        }
    }
    Err(busy())
}
