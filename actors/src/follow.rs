//! Events of many projects at a time, by long poll: nothing is subscribed, so nothing is lost with a connection.

use std::collections::HashMap;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::follow::{FOLLOWED_MAX, FollowEvents, FollowedEvents};
use domain::id::{ProjectId, TenantId};
use domain::run::RunEvent;
use store::rows::ProjectRow;
use store::{Records, StoreError};
use tokio::time::Instant;

use crate::run::RunContext;
use crate::store_fault;

/// Longest wait.
const MAX_WAIT_MS: u32 = 30_000;
/// Most events in one answer.
const MAX_EVENTS: u32 = 1_000;

type Result<T> = std::result::Result<T, Fault>;

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

fn too_many() -> Fault {
    let detail = format!("{FOLLOWED_MAX} projects can be followed at a time: name those that matter");
    Fault::new("too-many-projects", detail)
}

/// The events after those that are known, waiting for the first one.
///
/// # Errors
/// `too-many-projects`; `project-not-found` for one that was named and is none of the tenant's, to begin with.
pub async fn events(context: &RunContext, ask: &FollowEvents) -> Result<FollowedEvents> {
    if ask.known.len() > FOLLOWED_MAX || ask.named.as_ref().is_some_and(|named| named.len() > FOLLOWED_MAX) {
        return Err(too_many());
    }
    let until = Instant::now() + Duration::from_millis(u64::from(ask.wait_ms.min(MAX_WAIT_MS)));
    let rings = context.bells.rings();
    let mut since = ask.since;
    loop {
        // Noted before the logs are read: what rings meanwhile is looked at again.
        let mark = rings.mark();
        let rung = since.and_then(|since| rings.since(since)).map(|rung| rung.into_iter().collect::<Vec<_>>());
        let found = look(context, ask, since.is_none(), rung).await?;
        let nothing = found.events.is_empty() && found.begun.is_empty();
        if !nothing || since.is_none() || Instant::now() >= until {
            // What did not fit is found again from where this look began.
            let since = if found.cut_off { since } else { Some(mark) };
            return Ok(FollowedEvents { events: found.events, begun: found.begun, since });
        }
        since = Some(mark);
        rings.wait(mark, until).await;
    }
}

#[derive(Default)]
struct Found {
    events: Vec<RunEvent>,
    begun: Vec<(ProjectId, u64)>,
    cut_off: bool,
}

/// Looks at the logs of the projects that rang, or of all that are followed.
async fn look(
    context: &RunContext,
    ask: &FollowEvents,
    beginning: bool,
    rung: Option<Vec<ProjectId>>,
) -> Result<Found> {
    let records = context.records.as_ref();
    let known: HashMap<ProjectId, u64> = ask.known.iter().copied().collect();
    let limit = ask.limit.clamp(1, MAX_EVENTS);
    let mut found = Found::default();
    let projects = match (rung, &ask.named) {
        (Some(rung), Some(named)) => rung.into_iter().filter(|project| named.contains(project)).collect(),
        (Some(rung), None) => rung,
        (None, Some(named)) => named.clone(),
        (None, None) => all(records, ask.principal.tenant).await?,
    };
    for project in projects {
        let row = live(records, ask.principal.tenant, project).await?;
        if row.is_none() {
            match (beginning, &ask.named) {
                (true, Some(_)) => {
                    return Err(Fault::new("project-not-found", format!("there is no project {project}")));
                }
                // Another tenant's, or it went.
                _ => continue,
            }
        }
        let after = match known.get(&project) {
            Some(after) => *after,
            None if beginning => {
                let head = records.events_head(project).await.map_err(fault)?;
                found.begun.push((project, head.next_seq - 1));
                continue;
            }
            // It is new, or rang for the first time since.
            None => 0,
        };
        let room = limit.saturating_sub(found.events.len() as u32);
        if room == 0 {
            found.cut_off = true;
            break;
        }
        let events = records.events_after(project, after, room).await.map_err(fault)?;
        found.cut_off |= events.len() == room as usize;
        found.events.extend(events);
    }
    Ok(found)
}

async fn all(records: &dyn Records, tenant: TenantId) -> Result<Vec<ProjectId>> {
    let rows = records.project_list(tenant, FOLLOWED_MAX as u32 + 1).await.map_err(fault)?;
    let rows: Vec<ProjectRow> = rows.into_iter().filter(|row| row.trash.is_none()).collect();
    if rows.len() > FOLLOWED_MAX { Err(too_many()) } else { Ok(rows.iter().map(|row| row.project).collect()) }
}

async fn live(records: &dyn Records, tenant: TenantId, project: ProjectId) -> Result<Option<ProjectRow>> {
    let row = records.project_get(tenant, project).await.map_err(fault)?;
    Ok(row.filter(|row| !row.deleted && row.trash.is_none()))
}
