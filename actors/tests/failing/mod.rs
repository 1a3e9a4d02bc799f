//! A core on stores that fail by plan, and whoever repeats what failed.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::sync::Arc;
use std::time::Duration;

use actors::accounts::letters::{Mail, MailError, Mailer};
use actors::accounts::{AccountPolicy, Accounts};
use actors::analysis::Analyses;
use actors::edits::Boards;
use actors::entrance::Leader;
use actors::keeping::Keeping;
use actors::relay::Bells;
use actors::room::UploadPolicy;
use actors::run::{Beginning, RunContext};
use actors::webhooks::policy::Policy;
use actors::webhooks::{Courier, Letter, Webhooks};
use cluster::body::Fault as Refusal;
use cluster::link::Wire;
use domain::account::Secret;
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::project::Act;
use store::{DataFolder, Faults, Faulty, Keyring, MemoryCache, Records};
use tokio::sync::{Semaphore, watch};

/// Carries nothing: no webhook is looked after here.
struct Nobody;

#[async_trait::async_trait]
impl Courier for Nobody {
    fn check(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }

    async fn post(&self, _: Letter) -> Result<u16, Refusal> {
        Err(Refusal::new("webhook-unreachable", "nobody is there"))
    }
}

#[async_trait::async_trait]
impl Mailer for Nobody {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError::Refused("nobody is there".into()))
    }
}

/// Who claims the node of a test.
pub const CLAIM_CODE: &str = "0123456789ABCDEFGHJKMNPQRS";

/// How accounts are in tests.
pub fn account_policy() -> AccountPolicy {
    AccountPolicy {
        site: "https://books.example".into(),
        mail_pause: Duration::from_millis(1),
        hashing_threads: 2,
        attempts_scale: 1,
        leave_grace: Duration::from_secs(7 * 24 * 3_600),
        unconfirmed: Duration::from_secs(7 * 24 * 3_600),
        claim_code: Secret(CLAIM_CODE.into()),
    }
}

const PATIENCE: Policy = Policy {
    first_pause: Duration::from_secs(1),
    longest_pause: Duration::from_secs(1),
    give_up_after: Duration::from_secs(1),
    attempt: Duration::from_secs(1),
};
pub const WHO: Principal = Principal::LOCAL;
/// Tries of whoever repeats what failed. One write fails, so the second one succeeds.
const TRIES: usize = 3;

/// A core's context on a folder whose records fail by plan.
pub fn context(folder: &DataFolder, faults: Faults) -> RunContext {
    let records: Arc<dyn Records> = Arc::new(Faulty::new(folder.records(), faults));
    RunContext {
        records,
        blobs: folder.blobs(),
        keys: Arc::new(Keyring::generate().unwrap()),
        bells: Bells::default(),
        scheduler: Leader { scope: "nobody".into(), wire: Wire::Memory },
        model: watch::channel(None).1,
        uploads: UploadPolicy::new(1 << 30, Duration::from_secs(3_600)),
        analyses: Analyses::default(),
        webhooks: Webhooks::new(Arc::new(Nobody), PATIENCE),
        accounts: Accounts::new(Arc::new(Nobody), account_policy()),
        boards: Boards::default(),
        keeping: keeping(),
        undo_delete: Duration::from_secs(3_600),
        limits: book::Limits::default(),
        core: 1,
        heavy: Arc::new(Semaphore::new(1)),
        beginning: Beginning::default(),
        trouble: watch::channel(None).0,
    }
}

fn keeping() -> Keeping {
    let (cache, hour) = (Arc::new(MemoryCache::new(0)), Duration::from_secs(3_600));
    Keeping::new(cache, hour, hour, Duration::ZERO)
}

/// Repeats what failed, as whoever asked would.
pub async fn settle<T>(mut work: impl AsyncFnMut() -> Result<T, Refusal>) -> T {
    let mut last = None;
    for _ in 0..TRIES {
        match work().await {
            Ok(done) => return done,
            Err(refusal) => last = Some(refusal),
        }
    }
    panic!("{TRIES} tries failed, the last one with {last:?}");
}

/// The acts on a project, oldest first, by what they are.
pub async fn acts(records: &dyn Records, project: ProjectId) -> Vec<&'static str> {
    let mut acts = records.activity(WHO.tenant, project, u64::MAX, 100).await.unwrap();
    acts.reverse();
    let kind = |what: &Act| match what {
        Act::Changed { .. } => "changed",
        Act::Deleted => "deleted",
        Act::Restored => "restored",
        Act::RunStarted { .. } => "run-started",
        Act::Created { .. } => "created",
        Act::Revised { .. } => "revised",
        _ => "other",
    };
    acts.iter().map(|act| kind(&act.what)).collect()
}
