//! The actors of a node, started and stopped in order. Today a node has all three roles.

pub mod buckets;
mod devices;
mod weights;

use std::sync::Arc;
use std::time::Duration;

use actors::accounts::letters::MailError;
use actors::accounts::token::draw_code;
use actors::accounts::{self, AccountPolicy, Accounts};
use actors::analysis::Analyses;
use actors::core::{Core, CoreMessage};
use actors::edits::Boards;
use actors::entrance::{self, Leader};
use actors::hand::AtHand;
use actors::keeping::Keeping;
use actors::model::ModelSlot;
use actors::relay::Bells;
use actors::room::UploadPolicy;
use actors::run::{Beginning, RunContext};
use actors::scheduler::leadership::{Lead, StoredLease, lead};
use actors::scheduler::recording::TraceSettings;
use actors::scheduler::shares::Shares;
use actors::storage::StorageBulk;
use actors::webhooks::Webhooks;
use cluster::body::Fault;
use cluster::bulk::BulkPlane;
use cluster::link::{Address, Wire};
use ractor::{Actor, ActorRef};
use store::{DataFolder, MemoryCache};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::config::{self, Config};
use crate::outbound::courier::HttpCourier;
use crate::outbound::mail::PostOffice;
use crate::outbound::oidc::OidcProvider;

/// How long the core may take to give its leases back.
const STOP: Duration = Duration::from_secs(5);
/// How long letters that are being sent may take.
const MAIL: Duration = Duration::from_secs(3);
/// How long devices may take to finish what they run.
const DRAIN: Duration = Duration::from_secs(3);
/// Books read or composed at a time.
const HEAVY: usize = 2;

/// The shortest grace for blobs that nothing names, while somebody may be about to name them.
const SWEEP_GRACE_MIN: Duration = Duration::from_secs(config::SWEEP_GRACE_MIN_S);

/// Environment variable that may hold the signing keys, in place of the data folder's file.
pub const KEYS_VARIABLE: &str = "VISIOBOOK_KEYS";

/// A running node.
pub struct Node {
    /// The core's entrance.
    pub core: Address,
    /// What the core can say at once, where it is asked as a part of the same node.
    pub at_hand: Option<AtHand>,
    /// Uploads and downloads.
    pub bulk: Arc<dyn BulkPlane>,
    /// The model, once it is loaded.
    pub model: ModelSlot,
    /// A worker is ready for work.
    pub ready: watch::Receiver<bool>,
    /// Turns true when the node stops.
    pub stopping: watch::Receiver<bool>,
    /// Why a run last had to wait for better times.
    pub trouble: watch::Receiver<Option<Fault>>,
    /// Who signs up and in.
    pub accounts: Accounts,
    stop: watch::Sender<bool>,
    core_actor: ActorRef<CoreMessage>,
    step_down: watch::Sender<bool>,
    leading: JoinHandle<()>,
    devices: devices::Devices,
    data: DataFolder,
}

/// Why a node can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stores.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The mail server that was named.
    #[error("mail can't be sent as it is configured: {0}")]
    Mail(String),
    /// What a core is made of.
    #[error("{0}")]
    Core(String),
    /// The actor runtime.
    #[error("an actor could not be started: {0}")]
    Actor(#[from] ractor::SpawnErr),
}

impl Node {
    /// Starts a node on a data folder. The model is loaded beside: the node answers before it is there.
    ///
    /// # Errors
    /// If the stores can't be used.
    pub async fn start(data: DataFolder, config: &Config, wire: Wire) -> Result<Self, StartError> {
        let (stop, stopping) = watch::channel(false);
        let id = uuid::Uuid::new_v4().as_u128();
        let scope = format!("visiobook-{id:032x}");
        let leader = Leader { scope: scope.clone(), wire };
        let context = quiet_context(config, &data, id, leader.clone())?;
        let swept = context.blobs.sweep_temporary().await?;
        if swept > 0 {
            tracing::info!(swept, "uploads that broke off were cleared away");
        }
        let bulk: Arc<dyn BulkPlane> = Arc::new(bulk(&context));
        let (step_down, leaving) = watch::channel(false);
        let (shares, trace) = (Shares::default(), trace(config));
        let with = Lead { scope: scope.clone(), wire, config: scheduler::Config::default(), trace, shares };
        let leading = tokio::spawn(lead(Arc::new(StoredLease(context.records.clone())), with, leaving));
        let devices = devices::start(config, id, &scope, leader, bulk.clone());
        let (tell_trouble, trouble) = watch::channel(None);
        let context = Arc::new(RunContext {
            model: devices.model.clone(),
            keeping: context.keeping.with_grace_min(SWEEP_GRACE_MIN),
            trouble: tell_trouble,
            ..context
        });
        accounts::open(&context).await.map_err(|fault| StartError::Core(fault.to_string()))?;
        let accounts = context.accounts.clone();
        let at_hand = (wire == Wire::Memory).then(|| AtHand::of(context.clone()));
        let (core_actor, _) = Actor::spawn(None, Core, context).await?;
        let core = entrance::open(&scope, entrance::CORE, entrance::core_name(id), &core_actor, wire).await?;
        Ok(Self {
            accounts,
            core,
            at_hand,
            bulk,
            model: devices.model.clone(),
            ready: devices.ready.clone(),
            stopping,
            trouble,
            stop,
            core_actor,
            step_down,
            leading,
            devices,
            data,
        })
    }

    /// The data folder that the node has locked.
    pub fn data(&self) -> &DataFolder {
        &self.data
    }

    /// Stops in order: mail that is being sent is sent, runs give their leases back, the devices drain, then the scheduler hands leadership over. What
    /// was not finished goes on when the node starts again.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(MAIL, self.accounts.settled()).await;
        let _ = self.core_actor.call(CoreMessage::Stop, Some(STOP)).await;
        self.core_actor.stop(None);
        self.devices.drain(DRAIN).await;
        let _ = self.step_down.send(true);
        let _ = tokio::time::timeout(STOP, self.leading).await;
    }
}

/// A core on a data folder that nothing is driven on: it answers what commands ask, while no node serves.
pub struct Quiet {
    /// The core's entrance.
    pub core: Address,
    /// Uploads and downloads.
    pub bulk: Arc<dyn BulkPlane>,
    /// Who signs up and in.
    pub accounts: Accounts,
    core_actor: ActorRef<CoreMessage>,
    /// Until it is gone, nobody else has the folder.
    data: DataFolder,
}

impl Quiet {
    /// Opens a core on a data folder.
    ///
    /// # Errors
    /// If the stores can't be used.
    pub async fn open(data: DataFolder, config: &Config) -> Result<Self, StartError> {
        let id = uuid::Uuid::new_v4().as_u128();
        let (scope, wire) = (format!("visiobook-{id:032x}"), Wire::Memory);
        let context = Arc::new(quiet_context(config, &data, id, Leader { scope: scope.clone(), wire })?);
        let bulk: Arc<dyn BulkPlane> = Arc::new(bulk(&context));
        accounts::open(&context).await.map_err(|fault| StartError::Core(fault.to_string()))?;
        let accounts = context.accounts.clone();
        let (core_actor, _) = Actor::spawn(None, Core, context).await?;
        // A core that stops drives nothing more, and answers.
        let _ = core_actor.call(CoreMessage::Stop, Some(STOP)).await;
        let core = entrance::open(&scope, entrance::CORE, entrance::core_name(id), &core_actor, wire).await?;
        Ok(Self { core, bulk, accounts, core_actor, data })
    }

    /// Lets the folder go.
    pub async fn close(self) {
        let _ = self.core_actor.stop_and_wait(None, Some(STOP)).await;
        drop(self.data);
    }
}

/// Accounts, and who carries their mail.
fn accounts(config: &Config, data: &DataFolder) -> Result<Accounts, StartError> {
    let (auth, mail) = (&config.auth, &config.mail);
    let office = PostOffice::new(&mail.from, mail.post(data.path()));
    let office = office.map_err(|error| match error {
        MailError::Refused(why) | MailError::Later(why) => StartError::Mail(why),
    })?;
    let claim_code = match auth.claim_code.0.as_str() {
        "" => draw_code().map_err(|fault| StartError::Core(fault.detail))?,
        _ => auth.claim_code.clone(),
    };
    let policy = AccountPolicy {
        site: auth.site(&format!("http://127.0.0.1:{}", config.gateway.port)),
        mail_pause: Duration::from_millis(mail.retry_first_ms),
        hashing_threads: auth.threads(),
        attempts_scale: auth.attempts_scale,
        leave_grace: Duration::from_secs(auth.leave_grace_s),
        unconfirmed: Duration::from_secs(auth.unconfirmed_s),
        claim_code,
    };
    let (site, accounts) = (policy.site.clone(), Accounts::new(Arc::new(office), policy));
    let settings = auth.oidc.settings(&site).map_err(|error| StartError::Core(error.to_string()))?;
    let Some(settings) = settings else { return Ok(accounts) };
    let provider = OidcProvider::new(settings);
    let provider = provider.map_err(|why| StartError::Core(format!("the identity provider can't be used: {why}")))?;
    Ok(accounts.with_provider(Arc::new(provider)))
}

/// Webhooks, and who carries their letters.
fn webhooks(config: &Config) -> Webhooks {
    let courier = HttpCourier::new(config.webhooks.rules(), config.webhooks.timeout());
    Webhooks::new(Arc::new(courier), config.webhooks.policy())
}

/// What a core is given on a data folder where nothing is driven: it has no model, its sweeps need not spare what is
/// young, and its troubles are nobody's.
fn quiet_context(config: &Config, data: &DataFolder, core: u128, scheduler: Leader) -> Result<RunContext, StartError> {
    Ok(RunContext {
        records: data.records(),
        blobs: data.blobs(),
        keys: Arc::new(data.keyring(environment_keys()?.as_deref())?),
        bells: Bells::default(),
        scheduler,
        model: watch::channel(None).1,
        uploads: upload_policy(config),
        analyses: Analyses::default(),
        webhooks: webhooks(config),
        accounts: accounts(config, data)?,
        boards: Boards::default(),
        keeping: keeping(config),
        undo_delete: Duration::from_secs(config.projects.undo_delete_s),
        limits: limits(config),
        core,
        heavy: Arc::new(Semaphore::new(HEAVY)),
        beginning: Beginning::default(),
        trouble: watch::channel(None).0,
    })
}

/// The bulk plane of a core, backups included.
fn bulk(context: &RunContext) -> StorageBulk {
    let RunContext { records, blobs, keys, keeping, .. } = context;
    let program = env!("CARGO_PKG_VERSION");
    StorageBulk::new(blobs.clone()).with_backups(records.clone(), keys.clone(), program, keeping.jobs.clone())
}

fn keeping(config: &Config) -> Keeping {
    let store = &config.store;
    let cache = Arc::new(MemoryCache::new(store.cache_mib << 20));
    let (every, grace) = (Duration::from_secs(store.sweep_every_s), Duration::from_secs(store.sweep_grace_s));
    Keeping::new(cache, every, grace, Duration::ZERO)
}

fn upload_policy(config: &Config) -> UploadPolicy {
    UploadPolicy::new(config.store.quota_mib.saturating_mul(1 << 20), Duration::from_secs(config.store.upload_expiry_s))
}

/// The signing keys that the environment holds, if it does.
fn environment_keys() -> Result<Option<String>, store::StoreError> {
    match std::env::var(KEYS_VARIABLE) {
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(store::StoreError::KeysMalformed { detail: format!("{KEYS_VARIABLE} is not text") })
        }
    }
}

/// Limits against hostile books, with the node's own upload limit.
pub fn limits(config: &Config) -> book::Limits {
    book::Limits { file_bytes: config.gateway.upload_limit_mib << 20, ..book::Limits::default() }
}

fn trace(config: &Config) -> Option<TraceSettings> {
    let (path, max_bytes) = (config.scheduler.trace_file.clone(), config.scheduler.trace_max_mib << 20);
    (!path.as_os_str().is_empty()).then_some(TraceSettings { path, max_bytes })
}
