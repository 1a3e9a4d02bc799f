//! Identities and accounts that go, over real rows, with a provider that says what a test wants.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

mod failing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::accounts::flows::{self, Departure, IdentityProvider, Kept, Vouched};
use actors::accounts::leaving::{self, Due};
use actors::accounts::letters::{Mail, MailError, Mailer};
use actors::accounts::{AccountPolicy, Accounts, identities, joining, open, sessions};
use actors::run::RunContext;
use cluster::body::Fault;
use cluster::body::accounts::{BeginSession, ClaimNode, SessionReply, SignUpAccount, Visitor};
use cluster::body::identities::{BeginFlow, EndFlow, FlowEnded, FlowPurpose, ListIdentities};
use cluster::body::leaving::LeaveAccount;
use domain::account::{Claim, Secret, SignIn, SignUp};
use domain::belongings::DeletionRequest;
use domain::id::AccountId;
use domain::principal::Principal;
use failing::{CLAIM_CODE, account_policy, context};
use store::rows::{AccountRow, INTENT_SHARDS, IntentBody, IntentRow, identity_key};
use store::{Cas, DataFolder, Faults};

const PASSWORD: &str = "a lamp upon the ferry";
const ANNA: &str = "anna@example.org";
const ISSUER: &str = "https://login.example";
/// Tries of whoever repeats what failed: one write fails.
const TRIES: usize = 3;

/// Vouches for whoever it is told to.
struct Voucher {
    says: Mutex<Vouched>,
    /// The state of the flow that began last.
    state: Mutex<Secret>,
}

#[async_trait::async_trait]
impl IdentityProvider for Voucher {
    fn name(&self) -> &str {
        "Voucher"
    }

    async fn begin(&self, fresh: bool) -> Result<Departure, Fault> {
        let kept = Kept { nonce: secret("n"), verifier: secret("v"), fresh_since_s: fresh.then_some(0) };
        let state = Secret(uuid::Uuid::new_v4().to_string());
        *self.state.lock().unwrap() = state.clone();
        Ok(Departure { url: ISSUER.into(), state, kept })
    }

    async fn end(&self, _: &Kept, _: &Secret) -> Result<Vouched, Fault> {
        Ok(self.says.lock().unwrap().clone())
    }
}

struct World {
    context: Arc<RunContext>,
    voucher: Arc<Voucher>,
    _data: tempfile::TempDir,
}

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

fn visitor() -> Visitor {
    // Each from elsewhere: attempts are counted in tests of their own.
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0x0b00_0001);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Visitor { address: std::net::Ipv4Addr::from(number).to_string(), agent: "test".into() }
}

fn anna() -> Vouched {
    let (issuer, subject, email) = (ISSUER.to_owned(), "7".to_owned(), Some(ANNA.to_owned()));
    Vouched { issuer, subject, email, email_verified: true, name: Some("Anna".into()) }
}

impl World {
    /// A core that is claimed, whose records fail by plan from then on.
    async fn claimed(faults: Faults, policy: AccountPolicy) -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(data.path()).unwrap();
        let voucher = Arc::new(Voucher { says: Mutex::new(anna()), state: Mutex::default() });
        let plain = context(&folder, Faults::Never);
        let claim = Claim {
            code: secret(CLAIM_CODE),
            email: "admin@example.org".into(),
            password: secret(PASSWORD),
            name: "Admin".into(),
            language: None,
        };
        open(&plain).await.unwrap();
        joining::claim(&plain, &ClaimNode { visitor: visitor(), request: claim }).await.unwrap();
        let failing = context(&folder, faults);
        let accounts = Accounts::new(Arc::new(Silent), policy).with_provider(voucher.clone());
        let context = Arc::new(RunContext { accounts, ..failing });
        open(&context).await.unwrap();
        Self { context, voucher, _data: data }
    }

    async fn flow(&self) -> Result<FlowEnded, Fault> {
        let ask =
            BeginFlow { principal: Principal::NOBODY, visitor: visitor(), purpose: FlowPurpose::SignIn, to: None };
        let began = flows::begin(&self.context, &ask).await?;
        let state = self.voucher.state.lock().unwrap().clone();
        let (binding, code) = (Some(began.binding), Some(secret("c")));
        let ask = EndFlow { visitor: visitor(), state, binding, code, error: None, session: None };
        flows::end(&self.context, &ask).await
    }

    /// The same, again and again where it fails.
    async fn arrives(&self) -> FlowEnded {
        let mut last = None;
        for _ in 0..TRIES {
            match self.flow().await {
                Ok(ended) => return ended,
                Err(fault) => last = Some(fault),
            }
        }
        panic!("{last:?}");
    }

    async fn sign_up(&self, email: &str) {
        let request = SignUp { email: email.into(), password: secret(PASSWORD), name: "Anna".into(), language: None };
        joining::sign_up(&self.context, &SignUpAccount { visitor: visitor(), request }).await.unwrap();
        self.context.accounts.settled().await;
    }

    async fn sign_in(&self, email: &str) -> Result<SessionReply, Fault> {
        let request = SignIn { email: email.into(), password: secret(PASSWORD), code: None };
        sessions::begin(&self.context, &BeginSession { visitor: visitor(), request, instead_of: None }).await
    }

    async fn row_of(&self, email: &str) -> Option<AccountRow> {
        let whose = self.context.records.email_get(email).await.unwrap()?;
        self.context.records.account_get(whose.account).await.unwrap()
    }

    /// Intents to erase accounts.
    async fn erasures(&self) -> Vec<(IntentRow, AccountId, u64)> {
        let mut found = Vec::new();
        for shard in 0..INTENT_SHARDS {
            for intent in self.context.records.intent_list(shard, 100).await.unwrap() {
                if let IntentBody::EraseAccount { account, not_before_ms } = intent.body {
                    found.push((intent, account, not_before_ms));
                }
            }
        }
        found
    }
}

/// Carries letters nowhere.
struct Silent;

#[async_trait::async_trait]
impl Mailer for Silent {
    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_an_identity_ends_with_one_account() {
    for fault in [store::Fault::Refuse, store::Fault::Lose, store::Fault::Doubt] {
        for nth in 0..=4 {
            let world = World::claimed(Faults::Nth { nth, fault }, account_policy()).await;
            let first = world.arrives().await;
            assert_eq!((first.account.email.as_str(), first.account.confirmed), (ANNA, true));
            let again = world.arrives().await;
            assert_eq!(again.account.id, first.account.id, "{fault:?}, {nth}");
            let row = world.row_of(ANNA).await.unwrap();
            assert_eq!((row.account, row.identities().count()), (first.account.id, 1));
            let whose = world.context.records.identity_get(identity_key(ISSUER, "7")).await.unwrap().unwrap();
            assert_eq!(whose.account, first.account.id);
            let who = sessions::authenticate(&world.context, &again.token.unwrap()).await.unwrap();
            let list = identities::list(&world.context, &ListIdentities { principal: who }).await.unwrap();
            assert_eq!((list.identities.len(), list.has_password), (1, false));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_set_up_a_strangers_address_has_nothing_of_it_once_the_stranger_comes() {
    let world = World::claimed(Faults::Never, account_policy()).await;
    world.sign_up(ANNA).await;
    let planted = world.sign_in(ANNA).await.unwrap();
    let arrived = world.flow().await.unwrap();
    assert_eq!(arrived.account.id, planted.account.id);
    assert_eq!(world.sign_in(ANNA).await.unwrap_err().code, "sign-in-refused");
    assert_eq!(sessions::authenticate(&world.context, &planted.token).await.unwrap_err().code, "session-ended");
    // Another identity with the same address is somebody else.
    *world.voucher.says.lock().unwrap() = Vouched { subject: "8".into(), ..anna() };
    assert_eq!(world.flow().await.unwrap_err().code, "oidc-unknown");
    for says in [Vouched { email: None, ..anna() }, Vouched { email_verified: false, ..anna() }] {
        *world.voucher.says.lock().unwrap() = Vouched { subject: "9".into(), ..says };
        assert_eq!(world.flow().await.unwrap_err().code, "oidc-unknown");
    }
    *world.voucher.says.lock().unwrap() = Vouched { subject: "a\0b".into(), ..anna() };
    assert_eq!(world.flow().await.unwrap_err().code, "oidc-answer-invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_due_when_its_time_is_over_and_taken_back_by_signing_in() {
    let policy = AccountPolicy { leave_grace: Duration::ZERO, ..account_policy() };
    let world = World::claimed(Faults::Never, policy).await;
    let arrived = world.flow().await.unwrap();
    let who = sessions::authenticate(&world.context, &arrived.token.unwrap()).await.unwrap();
    let request = DeletionRequest { email: ANNA.into(), password: None, code: None };
    let ask = LeaveAccount { principal: who, visitor: visitor(), request };
    leaving::leave(&world.context, &ask).await.unwrap();
    let (intent, account, at_ms) = world.erasures().await.remove(0);
    let early = leaving::due(&world.context, &intent, account, u64::MAX).await.unwrap();
    assert!(matches!(early, Due::NotYet));
    // She signs in before anybody looks.
    let back = world.flow().await.unwrap();
    assert!(matches!(leaving::due(&world.context, &intent, account, at_ms).await.unwrap(), Due::Never));
    let who = sessions::authenticate(&world.context, &back.token.unwrap()).await.unwrap();
    leaving::leave(&world.context, &LeaveAccount { principal: who, ..ask }).await.unwrap();
    let found = world.erasures().await;
    let (intent, ..) = found.iter().find(|(one, ..)| one.id != intent.id).unwrap();
    let Due::Erase(row) = leaving::due(&world.context, intent, account, at_ms).await.unwrap() else { panic!() };
    // From here on nothing brings it back.
    assert_eq!(world.flow().await.unwrap_err().code, "oidc-unknown");
    leaving::finish(&world.context, &row).await.unwrap();
    leaving::finish(&world.context, &row).await.unwrap();
    assert!(world.row_of(ANNA).await.is_none());
    assert_ne!(world.flow().await.unwrap().account.id, account, "a new account, for it is nobody's now");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_confirmed_is_cleared_away_and_the_address_is_free() {
    let policy = AccountPolicy { unconfirmed: Duration::ZERO, ..account_policy() };
    let world = World::claimed(Faults::Never, policy).await;
    world.sign_up(ANNA).await;
    leaving::clear_unconfirmed(&world.context).await;
    assert_eq!(world.erasures().await.len(), 0, "the link still works");
    let row = world.row_of(ANNA).await.unwrap();
    let stale = AccountRow { links: vec![], ..row.clone() };
    assert!(matches!(world.context.records.account_update(stale, row.version, None).await, Ok(Cas::Applied(_))));
    leaving::clear_unconfirmed(&world.context).await;
    let (intent, account, at_ms) = world.erasures().await.remove(0);
    assert_eq!(account, row.account);
    let Due::Erase(row) = leaving::due(&world.context, &intent, account, at_ms).await.unwrap() else { panic!() };
    leaving::finish(&world.context, &row).await.unwrap();
    assert_eq!(world.context.records.email_get(ANNA).await, Ok(None));
    assert!(world.context.records.account_get(account).await.unwrap().is_none());
    assert!(world.row_of("admin@example.org").await.is_some());
}
