//! Who has a project: found, and changed by compare-and-set.

use std::sync::Arc;

use cluster::body::Fault;
use domain::id::{ProjectId, TenantId};
use store::Cas;
use store::rows::AccessRow;

use super::super::Result;
use super::super::rows::MAX_TRIES;
use crate::run::RunContext;
use crate::store_fault;

/// Who has a project, as it stands, from memory where it is at hand.
pub(super) async fn at_hand(context: &RunContext, project: ProjectId) -> Result<Arc<Option<AccessRow>>> {
    match context.records.access_at_hand(project) {
        Some(row) => Ok(row),
        None => Ok(Arc::new(read(context, project).await?)),
    }
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
    let mut wanted = None;
    for _ in 0..MAX_TRIES {
        let row = read(context, project).await?.unwrap_or_else(|| AccessRow::alone(tenant, project));
        // An outcome that was not known: what was wanted stands there.
        if wanted.take().is_some_and(|wanted| wanted == row) {
            return Ok(row);
        }
        let mut changed = row.clone();
        change(&mut changed)?;
        if changed == row {
            return Ok(row);
        }
        let written = context.records.access_update(changed.clone(), row.version).await;
        match written.map_err(|e| store_fault(&e))? {
            Cas::Applied(changed) => return Ok(changed),
            Cas::Conflict(_) => {}
            Cas::Unknown(_) => wanted = Some(AccessRow { version: row.version + 1, ..changed }),
        }
    }
    Err(busy())
}
