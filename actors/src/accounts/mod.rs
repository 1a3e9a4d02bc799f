//! Accounts: who signs up and in, and what that is worth.
//!
//! An account is one row ([`store::rows::AccountRow`]), and each deed is one compare-and-set of it: what ends sessions
//! and what it ends them for are never seen apart. Two rows stand beside: whose an address is, where two who want it
//! meet, and the node's own, which says that it was claimed. Nothing else is kept; what a crash leaves half-made is an
//! address that names an account which is not there, and whoever signs up next takes it over.
//!
//! What is asked about an address that may be anybody's is answered first and looked up afterwards (`after`): an
//! answer that was given before anybody looked tells nothing.
//!
//! | module | holds |
//! |---|---|
//! | here | what the node hands in; local trust |
//! | [`sessions`] | signing in and out, and who it is that asks |
//! | [`joining`] | claiming the node, signing up, following mailed links |
//! | [`keys`] | keys, for programs |
//! | [`second`], `totp` | the second factor; codes of apps |
//! | [`credentials`] | passwords and addresses that change |
//! | [`identities`] | those that a provider vouches for: found, added, removed |
//! | [`flows`] | ways to the provider and back |
//! | [`leaving`] | accounts that are deleted, and those that were never confirmed |
//! | [`exports`], `archive` | an archive of all that an account has |
//! | [`avatar`] | somebody's picture |
//! | [`audit`] | what is written down of the node as a whole |
//! | [`views`] | accounts and their logs as they are shown; roles |
//! | [`password`], `hashing` | which passwords will do; Argon2id, and its threads |
//! | [`token`] | what shows whose a session is |
//! | [`attempts`] | how often somebody may try |
//! | [`letters`] | mail |
//! | [`sharing`] | projects of several people: members, invitations, share links |
//! | `rows` | rows found, changed |

mod archive;
pub mod attempts;
pub mod audit;
pub mod avatar;
pub mod credentials;
pub mod exports;
pub mod flows;
mod hashing;
pub mod identities;
pub mod joining;
pub mod keys;
pub mod leaving;
pub mod letters;
pub mod password;
mod rows;
pub mod second;
pub mod sessions;
pub mod sharing;
pub mod token;
mod totp;
pub mod views;

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use domain::account::Secret;
use domain::id::{AccountId, ProjectId};
use domain::language::Language;
use domain::principal::{Principal, Signed};
use store::Cas;
use store::rows::SiteRow;
use tokio::sync::{Mutex, Semaphore, broadcast, watch};

use crate::run::RunContext;
use crate::store_fault;
use exports::Exports;
use flows::{Flows, IdentityProvider};
use letters::{Letter, Mailer, post};
use password::Hashing;
use sharing::Sharing;

/// Things that are looked up after they were answered, letters that wait for another try among them.
const AFTER_MAX: usize = 256;

/// Whom a node was claimed by whose first account has gone since: no account has this id.
const NOBODY: AccountId = AccountId(0);

/// Revocations that somebody may be behind before they have to ask.
const REVOKED_MAX: usize = 256;

type Result<T> = std::result::Result<T, Fault>;

/// How accounts are to be.
#[derive(Clone)]
pub struct AccountPolicy {
    /// Where people find the node: what mailed links begin with, without a slash at the end.
    pub site: String,
    /// Pause before a letter is sent again for the first time.
    pub mail_pause: Duration,
    /// Passwords hashed at a time.
    pub hashing_threads: usize,
    /// So many times as often may somebody try as `attempts` says.
    pub attempts_scale: u32,
    /// How long the deletion of an account can be taken back.
    pub leave_grace: Duration,
    /// How long an address may stay unconfirmed.
    pub unconfirmed: Duration,
    /// Who says this makes the first account.
    pub claim_code: Secret,
}

/// What accounts share.
#[derive(Clone)]
pub struct Accounts {
    mailer: Arc<dyn Mailer>,
    policy: AccountPolicy,
    hashing: Hashing,
    after: Arc<Semaphore>,
    /// One claims at a time.
    claiming: Arc<Mutex<()>>,
    claimed: watch::Sender<bool>,
    revoked: broadcast::Sender<AccountId>,
    sharing: Sharing,
    /// Who vouches for people, if anybody does.
    provider: Option<Arc<dyn IdentityProvider>>,
    flows: Flows,
    exports: Exports,
}

impl Accounts {
    /// Accounts whose letters `mailer` carries. Whether the node is claimed is not known before [`open`].
    pub fn new(mailer: Arc<dyn Mailer>, policy: AccountPolicy) -> Self {
        let hashing = Hashing::new(policy.hashing_threads);
        let (after, claiming) = (Arc::new(Semaphore::new(AFTER_MAX)), Arc::default());
        // Until it is known, nobody is trusted for sitting at the machine.
        let claimed = watch::channel(true).0;
        let revoked = broadcast::channel(REVOKED_MAX).0;
        let (provider, flows) = (None, Flows::default());
        let (exports, sharing) = (Exports::default(), Sharing::default());
        Self { mailer, policy, hashing, after, claiming, claimed, revoked, sharing, provider, flows, exports }
    }

    /// The same, where somebody vouches for people.
    #[must_use]
    pub fn with_provider(self, provider: Arc<dyn IdentityProvider>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// What whoever vouches for people is called.
    pub fn provider_name(&self) -> Option<&str> {
        self.provider.as_deref().map(IdentityProvider::name)
    }

    /// Accounts of which something was revoked: whoever has streams open for one asks anew who that is. Who missed some
    /// asks, too.
    pub fn revoked(&self) -> broadcast::Sender<AccountId> {
        self.revoked.clone()
    }

    /// Projects of which somebody may have lost something: whoever has a stream of one open asks anew whether they may.
    /// Who missed some asks, too.
    pub fn unshared(&self) -> broadcast::Sender<ProjectId> {
        self.sharing.changed.clone()
    }

    /// The code that makes the first account; `None` once there is one.
    pub fn claim_code(&self) -> Option<&Secret> {
        (!*self.claimed.borrow()).then_some(&self.policy.claim_code)
    }

    /// Waits until all that was answered is looked up and done, letters sent.
    pub async fn settled(&self) {
        let _ = self.after.acquire_many(AFTER_MAX as u32).await;
    }

    /// Whether the node has a first account: then whoever sits at its machine is trusted no more. It never turns back.
    pub fn claimed(&self) -> watch::Receiver<bool> {
        self.claimed.subscribe()
    }
}

/// Finds out whether the node is claimed. A claim that a crash cut off before its account was there is taken back: it
/// was never answered.
///
/// # Errors
/// Whatever the store says.
pub async fn open(context: &RunContext) -> Result<()> {
    let store = |e| store_fault(&e);
    let site = context.records.site_get().await.map_err(store)?;
    let claimed = match site.claimed {
        None => false,
        // Its first account has gone since, and the node stays claimed.
        Some((NOBODY, _)) => true,
        Some((account, _)) => context.records.account_get(account).await.map_err(store)?.is_some(),
    };
    if site.claimed.is_some() && !claimed {
        unclaim(context, &site).await?;
    }
    context.accounts.claimed.send_replace(claimed);
    Ok(())
}

async fn unclaim(context: &RunContext, site: &SiteRow) -> Result<()> {
    let row = SiteRow { claimed: None, ..site.clone() };
    match context.records.site_update(row, site.version).await.map_err(|e| store_fault(&e))? {
        Cas::Applied(_) => Ok(()),
        Cas::Conflict(_) => Err(rows::busy()),
        Cas::Unknown(error) => Err(store_fault(&error)),
    }
}

/// Does work after the answer to what asked for it. It is lost if the node stops: nobody was promised anything.
///
/// # Errors
/// `unavailable` if too much of it is being done.
fn after(context: &Arc<RunContext>, work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let Ok(permit) = context.accounts.after.clone().try_acquire_owned() else {
        return Err(Fault::new("unavailable", "too much mail is on its way; try again").retry_after(5_000));
    };
    tokio::spawn(async move {
        if let Err(fault) = work.await {
            tracing::warn!(%fault, "what was asked about an account was not done");
        }
        drop(permit);
    });
    Ok(())
}

/// Tells an account's owner something, after the answer to what is told. Nobody waits for it.
fn tell(context: &RunContext, row: &store::rows::AccountRow, letter: Letter<'static>) {
    let accounts = context.accounts.clone();
    let Ok(permit) = accounts.after.clone().try_acquire_owned() else {
        tracing::warn!("too much mail is on its way: somebody was not told");
        return;
    };
    let mail = letter.to(&row.email, row.language, &accounts.policy.site);
    tokio::spawn(async move {
        if let Err(why) = post(accounts.mailer.as_ref(), &mail, accounts.policy.mail_pause).await {
            tracing::warn!(?why, "a letter was not taken");
        }
        drop(permit);
    });
}

/// Sends a letter. Who can't be reached is not told so: there is nobody to tell.
async fn send(context: &RunContext, letter: &Letter<'_>, email: &str, language: Language) {
    let accounts = &context.accounts;
    let mail = letter.to(email, language, &accounts.policy.site);
    if let Err(why) = post(accounts.mailer.as_ref(), &mail, accounts.policy.mail_pause).await {
        tracing::warn!(?why, "a letter was not taken");
    }
}

/// The session that asks.
///
/// # Errors
/// `account-needed`: whoever sits at the machine, and the node itself, have no account.
fn signed(principal: &Principal) -> Result<Signed> {
    let none = || Fault::new("account-needed", "this is about an account, and nobody is signed in to one");
    principal.signed().ok_or_else(none)
}

/// What is said of a session that is over, or never was.
fn ended() -> Fault {
    Fault::new("session-ended", "this session is over: sign in again")
}

/// What is said to an account whose address nobody has confirmed.
fn unconfirmed() -> Fault {
    Fault::new("address-unconfirmed", "confirm your address first: a link was mailed to it")
}
