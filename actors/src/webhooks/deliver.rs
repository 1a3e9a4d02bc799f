//! The loop that tells one webhook what is new.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::follow::RingMark;
use domain::id::{ProjectId, TenantId, WebhookId};
use domain::run::RunEvent;
use domain::webhook::{Delivery, WebhookEvent};
use store::Cas;
use store::rows::{LIST_MAX, PendingEvent, WebhookMark, WebhookRow};
use tokio::time::Instant;

use super::policy::{is_told, kind_of, mark_after};
use super::{Letter, MAX_TRIES, Result, fault, sign};
use crate::clock::{since_boot_ms, wall_ms};
use crate::run::RunContext;

/// Events looked at together.
const PAGE: u32 = 64;
/// How long nothing may happen before the row is looked at again.
const LOOK: Duration = Duration::from_secs(30);

/// Tells a webhook what is new, until it is off or gone.
///
/// # Errors
/// Whatever the store says; its intent has it looked after again.
pub async fn deliver(context: &RunContext, tenant: TenantId, webhook: WebhookId) -> Result<()> {
    let mut told = Told { tenant, webhook, seen: 0, marks: HashMap::new(), due: BTreeSet::new(), rung: None };
    let mut changed = context.webhooks.changed.subscribe();
    loop {
        changed.mark_unchanged();
        let Some(row) = context.records.webhook_get(tenant, webhook).await.map_err(fault)? else { return Ok(()) };
        if row.off.is_some() {
            return Ok(());
        }
        let until = match told.step(context, row).await? {
            Step::Again => continue,
            Step::Pause(pause) => Instant::now() + pause.min(LOOK),
            Step::Listen(heard) => {
                let rings = context.bells.rings();
                tokio::select! {
                    () = rings.wait(heard, Instant::now() + LOOK) => {}
                    _ = changed.changed() => {}
                }
                continue;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            _ = changed.changed() => {}
        }
    }
}

enum Step {
    /// There may be more to do.
    Again,
    /// An event waits to be tried again, for so long.
    Pause(Duration),
    /// Nothing to do until somebody rings; up to here they were heard.
    Listen(RingMark),
}

/// What a webhook was told.
struct Told {
    tenant: TenantId,
    webhook: WebhookId,
    /// Version of the row that the marks are as new as.
    seen: u64,
    marks: HashMap<ProjectId, WebhookMark>,
    /// Projects whose logs may have grown.
    due: BTreeSet<ProjectId>,
    /// Rings up to here are in `due`; `None` before every log was looked at.
    rung: Option<RingMark>,
}

impl Told {
    async fn step(&mut self, context: &RunContext, row: WebhookRow) -> Result<Step> {
        if self.seen != row.version {
            // Somebody else wrote: another core may have told what is new here.
            let marks = context.records.webhook_marks(self.tenant, self.webhook, LIST_MAX).await.map_err(fault)?;
            (self.marks, self.seen) = (marks.into_iter().collect(), row.version);
        }
        if let Some(pending) = row.pending {
            let now_ms = wall_ms();
            if pending.not_before_ms > now_ms {
                return Ok(Step::Pause(Duration::from_millis(pending.not_before_ms - now_ms)));
            }
            let event = self.event(context, pending).await?;
            return match event {
                Some(event) => self.attempt(context, row, event).await,
                None => self.give_up(context, row, pending).await,
            };
        }
        let heard = self.hear(context, &row).await?;
        while let Some(project) = self.due.first().copied() {
            match self.next(context, &row, project).await? {
                Some(event) => return self.attempt(context, row, event).await,
                None => {
                    self.due.remove(&project);
                }
            }
        }
        Ok(Step::Listen(heard))
    }

    /// Notes who rang since the last time; all, where that is not known.
    async fn hear(&mut self, context: &RunContext, row: &WebhookRow) -> Result<RingMark> {
        let rings = context.bells.rings();
        let mark = rings.mark();
        match self.rung.and_then(|rung| rings.since(rung)) {
            Some(rung) => self.due.extend(rung),
            None => {
                let rows = context.records.project_list(self.tenant, LIST_MAX).await.map_err(fault)?;
                self.due.extend(rows.into_iter().map(|project| project.project));
            }
        }
        self.rung = Some(mark);
        if let Some(named) = &row.projects {
            self.due.retain(|project| named.contains(project));
        }
        Ok(mark)
    }

    /// The next event of a project that is told; those before it are passed over.
    async fn next(&mut self, context: &RunContext, row: &WebhookRow, project: ProjectId) -> Result<Option<RunEvent>> {
        let found = context.records.project_get(self.tenant, project).await.map_err(fault)?;
        if found.is_none_or(|found| found.deleted) {
            if self.marks.remove(&project).is_some() {
                let removed = context.records.webhook_mark_remove(self.tenant, self.webhook, project).await;
                removed.map_err(fault)?;
            }
            return Ok(None);
        }
        loop {
            let mark = self.marks.get(&project).copied().unwrap_or_default();
            let events = context.records.events_after(project, mark.seq, PAGE).await.map_err(fault)?;
            if events.is_empty() {
                return Ok(None);
            }
            for event in events {
                let mark = self.marks.entry(project).or_default();
                if is_told(row.events, *mark, &event) {
                    return Ok(Some(event));
                }
                // Not written down: whoever begins anew passes it over again.
                *mark = mark_after(&event);
            }
        }
    }

    /// The event of an attempt that was begun before; `None` if its project is gone.
    async fn event(&self, context: &RunContext, pending: PendingEvent) -> Result<Option<RunEvent>> {
        let found = context.records.project_get(self.tenant, pending.project).await.map_err(fault)?;
        if found.is_none_or(|found| found.deleted) {
            return Ok(None);
        }
        let after = pending.seq.saturating_sub(1);
        let events = context.records.events_after(pending.project, after, 1).await.map_err(fault)?;
        Ok(events.into_iter().find(|event| event.seq == pending.seq))
    }

    async fn give_up(&mut self, context: &RunContext, row: WebhookRow, pending: PendingEvent) -> Result<Step> {
        tracing::info!(webhook = %self.webhook, project = %pending.project, "an event went with its project");
        let version = row.version;
        let changed = WebhookRow { pending: None, failing_since_ms: None, ..row };
        let _ = context.records.webhook_update(changed, version, None).await.map_err(fault)?;
        Ok(Step::Again)
    }

    async fn attempt(&mut self, context: &RunContext, mut row: WebhookRow, event: RunEvent) -> Result<Step> {
        let webhooks = &context.webhooks;
        let version = row.version;
        let claimed = webhooks.policy.claim(&mut row, event.project, event.seq, wall_ms());
        let claim = context.records.webhook_update(row, version, None).await.map_err(fault)?;
        let Cas::Applied(row) = claim else {
            // Somebody changed it, or another core was faster: the row tells.
            return Ok(Step::Again);
        };
        self.seen = row.version;
        let mark = self.marks.get(&event.project).copied().unwrap_or_default();
        let said = WebhookEvent {
            id: WebhookEvent::id_of(&event),
            kind: kind_of(mark, &event).to_owned(),
            timestamp: claimed.first_ms,
            data: event.clone(),
        };
        let (at_ms, begun) = (wall_ms(), since_boot_ms());
        let outcome = self.send(context, &row, &said, at_ms).await;
        let (status, problem) = match outcome {
            Ok(status) if (200..300).contains(&status) => (Some(status), None),
            Ok(status) => (Some(status), Some("webhook-status".to_owned())),
            Err(fault) => {
                tracing::info!(webhook = %self.webhook, %fault, "a webhook was not reached");
                (None, Some(fault.code))
            }
        };
        let attempt = Delivery {
            event: said.id,
            kind: said.kind,
            at_ms,
            attempt: claimed.attempts,
            took_ms: u32::try_from(since_boot_ms().saturating_sub(begun)).unwrap_or(u32::MAX),
            status,
            problem,
        };
        self.record(context, row, claimed, attempt, &event).await
    }

    async fn send(&self, context: &RunContext, row: &WebhookRow, said: &WebhookEvent, at_ms: u64) -> Result<u16> {
        let body = serde_json::to_vec(said)
            .map_err(|e| Fault::new("internal", format!("an event could not be written as JSON: {e}")))?;
        let headers = sign::headers(&context.keys, self.webhook, &said.id, at_ms / 1_000, &body);
        let letter = Letter { url: row.url.clone(), headers, body };
        let carried = tokio::time::timeout(context.webhooks.policy.attempt, context.webhooks.courier.post(letter));
        carried.await.unwrap_or_else(|_| Err(Fault::new("webhook-timeout", "the address took too long to answer")))
    }

    /// Writes down what became of an attempt, whoever changed the row meanwhile.
    async fn record(
        &mut self,
        context: &RunContext,
        mut row: WebhookRow,
        claimed: PendingEvent,
        attempt: Delivery,
        event: &RunEvent,
    ) -> Result<Step> {
        let chance = uuid::Uuid::new_v4().as_u128() as u64;
        let mark = mark_after(event);
        for _ in 0..MAX_TRIES {
            let version = row.version;
            let mut changed = row;
            let delivered = context.webhooks.policy.record(&mut changed, claimed, attempt.clone(), chance);
            let told = delivered.then_some((event.project, mark));
            match context.records.webhook_update(changed, version, told).await.map_err(fault)? {
                Cas::Applied(row) => {
                    self.seen = row.version;
                    if delivered {
                        self.marks.insert(event.project, mark);
                    }
                    return Ok(Step::Again);
                }
                Cas::Conflict(None) => return Ok(Step::Again),
                Cas::Conflict(Some(now)) => row = now,
                // If it was written, its event is not pending any more; if not, it is sent once more.
                Cas::Unknown(error) => return Err(fault(error)),
            }
        }
        Err(Fault::new("conflict", "this webhook changes all the time"))
    }
}
