//! Addresses that are told of what happens to runs, at least once and in the order of each project.
//!
//! Projects' event logs say what is to be told; a webhook's row and marks say how far it was. Nothing else is kept, so
//! a crash repeats at most one attempt. An attempt is claimed by compare-and-set of the row before it is made, so of
//! several cores one makes it. Who has a webhook to look after is found by its intent, like runs are.
//!
//! | module | holds |
//! |---|---|
//! | here | making, listing, changing, removing; what the node hands in |
//! | [`deliver`] | the loop that tells one webhook what is new |
//! | [`policy`] | pauses, giving up, and what an attempt makes of a row: pure |
//! | [`sign`] | what deliveries are signed with |

pub mod deliver;
pub mod policy;
pub mod sign;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cluster::body::Fault;
use cluster::body::keyed::CreateWebhookAs;
use cluster::body::webhooks::{CreateWebhook, PatchWebhook, WebhookReply, WebhooksReply};
use domain::id::{TenantId, WebhookId};
use domain::principal::Principal;
use domain::webhook::{OffReason, WEBHOOK_PROJECTS_MAX, WEBHOOKS_MAX, Webhook, WebhookStanding};
use store::rows::{IntentBody, LIST_MAX, WebhookMark, WebhookRow};
use store::{Cas, StoreError};
use tokio::sync::watch;

use crate::clock::wall_ms;
use crate::projects::{self, drop_intent, put_intent};
use crate::run::RunContext;
use crate::store_fault;
use policy::Policy;

/// Tries of a compare-and-set that somebody else was faster at.
const MAX_TRIES: u32 = 8;
/// Webhooks that one core looks after at a time.
const MAX_DRIVEN: usize = 1_024;

type Result<T> = std::result::Result<T, Fault>;

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

fn no_webhook() -> Fault {
    Fault::new("webhook-not-found", "there is no such webhook")
}

/// A message to somebody else's server.
pub struct Letter {
    /// Where to.
    pub url: String,
    /// Headers besides the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

/// Who carries letters: the node hands it in, for nothing here knows HTTP.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether letters may be sent to an address at all, as far as its text tells.
    ///
    /// # Errors
    /// `webhook-url-refused`, with the reason.
    fn check(&self, url: &str) -> Result<()>;

    /// Posts a letter, and says what status it was answered with. It ends within the courier's own deadline, follows
    /// no redirect, and reads no body.
    ///
    /// # Errors
    /// `webhook-url-refused` where the address leads to what may not be reached, `webhook-unreachable`,
    /// `webhook-timeout`.
    async fn post(&self, letter: Letter) -> Result<u16>;
}

/// What webhooks share.
#[derive(Clone)]
pub struct Webhooks {
    courier: Arc<dyn Courier>,
    policy: Policy,
    driven: Arc<Mutex<HashSet<WebhookId>>>,
    /// Changes when somebody changed a webhook.
    changed: watch::Sender<u64>,
}

impl Webhooks {
    /// Webhooks whose letters `courier` carries.
    pub fn new(courier: Arc<dyn Courier>, policy: Policy) -> Self {
        Self { courier, policy, driven: Arc::default(), changed: watch::channel(0).0 }
    }

    /// Marks a webhook as looked after until the guard is dropped; `None` if it is already, or too many are.
    pub fn drive(&self, webhook: WebhookId) -> Option<Driven> {
        let mut driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        if driven.len() >= MAX_DRIVEN || !driven.insert(webhook) {
            return None;
        }
        Some(Driven { of: self.driven.clone(), webhook })
    }

    fn tell_changed(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Keeps a webhook marked as looked after.
#[must_use = "the mark goes with the guard"]
pub struct Driven {
    of: Arc<Mutex<HashSet<WebhookId>>>,
    webhook: WebhookId,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.webhook);
    }
}

/// A webhook as its tenant sees it.
fn view(row: WebhookRow) -> Webhook {
    let standing = match (row.off, row.failing_since_ms, row.pending) {
        (Some((since_ms, reason)), ..) => WebhookStanding::Off { since_ms, reason },
        (None, Some(since_ms), Some(pending)) => {
            WebhookStanding::Failing { since_ms, attempts: pending.attempts, next_attempt_ms: pending.not_before_ms }
        }
        _ => WebhookStanding::Active,
    };
    Webhook {
        id: row.webhook,
        url: row.url,
        projects: row.projects,
        events: row.events,
        created_ms: row.created_ms,
        standing,
        deliveries: row.log,
    }
}

/// Makes a webhook; it is told of what happens from now on.
///
/// # Errors
/// `webhook-url-refused`, `too-many-webhooks`, `project-not-found`, `bad-request` for too many projects.
pub async fn create(context: &RunContext, ask: &CreateWebhook) -> Result<(WebhookId, WebhookReply)> {
    insert(context, ask, WebhookId(uuid::Uuid::now_v7().as_u128())).await
}

/// The same by a given id. One that is there already is answered with, if it is what is asked for.
///
/// # Errors
/// `idempotency-mismatch`, and as [`create`].
pub async fn create_as(context: &RunContext, ask: &CreateWebhookAs) -> Result<WebhookReply> {
    let CreateWebhookAs { webhook, ask } = ask;
    let Some(row) = context.records.webhook_get(ask.principal.tenant, *webhook).await.map_err(fault)? else {
        return insert(context, ask, *webhook).await.map(|(_, reply)| reply);
    };
    let request = &ask.request;
    let is_same = (&row.url, &row.projects, row.events) == (&request.url, &request.projects, request.events);
    if is_same { Ok(WebhookReply { webhook: view(row) }) } else { Err(crate::keyed::other_request()) }
}

async fn insert(context: &RunContext, ask: &CreateWebhook, webhook: WebhookId) -> Result<(WebhookId, WebhookReply)> {
    let (principal, request) = (ask.principal, &ask.request);
    let tenant = principal.tenant;
    context.webhooks.courier.check(&request.url)?;
    let named = request.projects.as_ref();
    if named.is_some_and(|projects| projects.len() > WEBHOOK_PROJECTS_MAX || projects.is_empty()) {
        let detail = format!("name 1 to {WEBHOOK_PROJECTS_MAX} projects, or leave `projects` out for all");
        return Err(Fault::new("bad-request", detail));
    }
    for project in named.into_iter().flatten() {
        projects::find(context, principal, *project).await?;
    }
    let _beginning = context.beginning.mark(webhook.0)?;
    if context.records.webhook_list(tenant, LIST_MAX).await.map_err(fault)?.len() >= WEBHOOKS_MAX {
        return Err(Fault::new("too-many-webhooks", format!("there are {WEBHOOKS_MAX} webhooks: remove one first")));
    }
    let row = WebhookRow {
        tenant,
        webhook,
        version: 0,
        url: request.url.clone(),
        projects: request.projects.clone(),
        events: request.events,
        created_ms: wall_ms(),
        off: None,
        failing_since_ms: None,
        pending: None,
        log: Vec::new(),
    };
    // What has happened so far is nobody's news. A project that comes later has no mark, and is told from its start.
    let mut marks = Vec::new();
    for project in context.records.project_list(tenant, LIST_MAX).await.map_err(fault)? {
        if named.is_none_or(|named| named.contains(&project.project)) {
            let head = context.records.events_head(project.project).await.map_err(fault)?;
            marks.push((project.project, WebhookMark { seq: head.next_seq - 1, last: None }));
        }
    }
    put_intent(context, webhook.0, IntentBody::Webhook { tenant, webhook }).await?;
    match context.records.webhook_insert(row, marks).await.map_err(fault)? {
        Cas::Applied(row) => Ok((webhook, WebhookReply { webhook: view(row) })),
        Cas::Conflict(_) => Err(Fault::new("conflict", "two webhooks drew one id; try again").retry_after(0)),
        Cas::Unknown(error) => match context.records.webhook_get(tenant, webhook).await.map_err(fault)? {
            Some(row) => Ok((webhook, WebhookReply { webhook: view(row) })),
            None => Err(fault(error)),
        },
    }
}

/// All webhooks of a tenant.
///
/// # Errors
/// Whatever the store says.
pub async fn list(context: &RunContext, principal: Principal) -> Result<WebhooksReply> {
    let rows = context.records.webhook_list(principal.tenant, LIST_MAX).await.map_err(fault)?;
    Ok(WebhooksReply { webhooks: rows.into_iter().map(view).collect() })
}

async fn find(context: &RunContext, tenant: TenantId, webhook: WebhookId) -> Result<WebhookRow> {
    context.records.webhook_get(tenant, webhook).await.map_err(fault)?.ok_or_else(no_webhook)
}

/// One webhook.
///
/// # Errors
/// `webhook-not-found`.
pub async fn read(context: &RunContext, principal: Principal, webhook: WebhookId) -> Result<WebhookReply> {
    find(context, principal.tenant, webhook).await.map(|row| WebhookReply { webhook: view(row) })
}

/// Changes a webhook.
///
/// # Errors
/// `webhook-not-found`, `webhook-url-refused`, `conflict` where it changes all the time.
pub async fn patch(context: &RunContext, ask: &PatchWebhook) -> Result<WebhookReply> {
    if let Some(url) = &ask.patch.url {
        context.webhooks.courier.check(url)?;
    }
    let now_ms = wall_ms();
    let changed = change(context, ask.principal.tenant, ask.webhook, |row| {
        if let Some(url) = &ask.patch.url {
            row.url.clone_from(url);
        }
        if let Some(events) = ask.patch.events {
            row.events = events;
        }
        match (ask.patch.active, row.off) {
            (Some(false), None) => row.off = Some((now_ms, OffReason::Asked)),
            (Some(true), Some(_)) => {
                // A fresh start: what waits is tried at once, and has all the time again.
                (row.off, row.failing_since_ms) = (None, None);
                if let Some(pending) = &mut row.pending {
                    (pending.attempts, pending.not_before_ms) = (0, now_ms);
                }
            }
            _ => {}
        }
        true
    });
    let row = changed.await?;
    context.webhooks.tell_changed();
    Ok(WebhookReply { webhook: view(row) })
}

/// Changes a row by compare-and-set; `change` says whether there is anything to write.
async fn change(
    context: &RunContext,
    tenant: TenantId,
    webhook: WebhookId,
    change: impl Fn(&mut WebhookRow) -> bool,
) -> Result<WebhookRow> {
    for _ in 0..MAX_TRIES {
        let row = find(context, tenant, webhook).await?;
        let mut changed = row.clone();
        if !change(&mut changed) || changed == row {
            return Ok(row);
        }
        // After an outcome that is not known the change is made again: it finds itself made.
        if let Cas::Applied(row) = context.records.webhook_update(changed, row.version, None).await.map_err(fault)? {
            return Ok(row);
        }
    }
    Err(Fault::new("conflict", "this webhook changes all the time; try again").retry_after(500))
}

/// Removes a webhook: nothing more is sent, but for an attempt that is under way.
///
/// # Errors
/// `webhook-not-found`.
pub async fn remove(context: &RunContext, principal: Principal, webhook: WebhookId) -> Result<()> {
    find(context, principal.tenant, webhook).await?;
    context.records.webhook_remove(principal.tenant, webhook).await.map_err(fault)?;
    context.webhooks.tell_changed();
    drop_intent(context, webhook.0).await
}

/// What a webhook's intent calls for: whether it is to be looked after. One that is gone, or never came to be, leaves
/// no intent.
///
/// # Errors
/// Whatever the store says; the next look finds it again.
pub async fn mend(context: &RunContext, tenant: TenantId, webhook: WebhookId) -> Result<bool> {
    match context.records.webhook_get(tenant, webhook).await.map_err(fault)? {
        Some(row) => Ok(row.off.is_none()),
        None => drop_intent(context, webhook.0).await.map(|()| false),
    }
}
