//! Accounts over real rows: signing up and in, links, passwords, addresses, and what a failing store leaves of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

#[path = "accounts/attempts.rs"]
mod attempts;
mod failing;
#[path = "accounts/hand.rs"]
mod hand;
#[path = "accounts/keys.rs"]
mod keys;
#[path = "accounts/second.rs"]
mod second;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::accounts::letters::{Mail, MailError, Mailer};
use actors::accounts::{Accounts, credentials, joining, open, sessions, views};
use actors::run::RunContext;
use cluster::body::Fault;
use cluster::body::accounts::{
    AskAddress, AskReset, BeginSession, ChangePassword, ChangeRole, ClaimNode, ConfirmAgain, FollowLink,
    ListAccountEvents, ResetPassword, SayPassword, SessionReply, SignUpAccount, Visitor, WhichSessions,
};
use domain::account::{
    AccountAct, Claim, LinkUse, MailAddress, PasswordAgain, PasswordChange, PasswordReset, RoleChange, Secret, SignIn,
    SignUp, SystemRole,
};
use domain::id::{AccountId, TenantId};
use domain::principal::Principal;
use failing::{CLAIM_CODE, account_policy, context};
use store::{DataFolder, Faults};

const PASSWORD: &str = "a lamp upon the ferry";
const OTHER: &str = "nine keepers of the door";
const ANNA: &str = "anna@example.org";

/// Keeps what it is given.
#[derive(Default)]
struct Outbox(Mutex<Vec<Mail>>);

#[async_trait::async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// A core with accounts, and its mail.
struct World {
    context: Arc<RunContext>,
    mail: Arc<Outbox>,
    _data: tempfile::TempDir,
}

fn visitor() -> Visitor {
    // Each from elsewhere: attempts are counted in tests of their own.
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0x0a00_0001);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Visitor { address: std::net::Ipv4Addr::from(number).to_string(), agent: "test".into() }
}

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

impl World {
    async fn new() -> Self {
        Self::failing(Faults::Never).await
    }

    async fn failing(faults: Faults) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (folder, mail) = (DataFolder::open(data.path()).unwrap(), Arc::new(Outbox::default()));
        let accounts = Accounts::new(mail.clone(), account_policy());
        let context = Arc::new(RunContext { accounts, ..context(&folder, faults) });
        open(&context).await.unwrap();
        Self { context, mail, _data: data }
    }

    /// The same, claimed by an admin.
    async fn claimed() -> (Self, Principal) {
        let world = Self::new().await;
        let admin = world.claim(CLAIM_CODE, "admin@example.org").await.unwrap();
        let admin = world.who(&admin).await.unwrap();
        (world, admin)
    }

    async fn claim(&self, code: &str, email: &str) -> Result<SessionReply, Fault> {
        let request = Claim {
            code: secret(code),
            email: email.into(),
            password: secret(PASSWORD),
            name: "Admin".into(),
            language: None,
        };
        joining::claim(&self.context, &ClaimNode { visitor: visitor(), request }).await
    }

    async fn sign_up(&self, email: &str, password: &str) -> Result<(), Fault> {
        let (email, password) = (email.to_owned(), secret(password));
        let request = SignUp { email, password, name: "Anna".into(), language: None };
        joining::sign_up(&self.context, &SignUpAccount { visitor: visitor(), request }).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Result<SessionReply, Fault> {
        self.sign_in_with(email, password, None).await
    }

    async fn sign_in_with(&self, email: &str, password: &str, old: Option<&Secret>) -> Result<SessionReply, Fault> {
        let request = SignIn { email: email.into(), password: secret(password), code: None };
        let ask = BeginSession { visitor: visitor(), request, instead_of: old.cloned() };
        sessions::begin(&self.context, &ask).await
    }

    async fn follow(&self, token: &Secret, password: &str) -> Result<SessionReply, Fault> {
        let request = LinkUse { token: token.clone(), password: secret(password), code: None };
        joining::follow_link(&self.context, &FollowLink { visitor: visitor(), request }).await
    }

    async fn forgot(&self, email: &str) -> Result<(), Fault> {
        let request = MailAddress { email: email.into() };
        credentials::ask_reset(&self.context, &AskReset { visitor: visitor(), request }).await
    }

    async fn reset(&self, token: &Secret, password: &str) -> Result<(), Fault> {
        let request = PasswordReset { token: token.clone(), password: secret(password) };
        credentials::reset(&self.context, &ResetPassword { visitor: visitor(), request }).await
    }

    /// Who has a session.
    async fn who(&self, session: &SessionReply) -> Result<Principal, Fault> {
        sessions::authenticate(&self.context, &session.token).await
    }

    /// Letters to an address, once all that was asked is done.
    async fn letters(&self, to: &str) -> Vec<Mail> {
        self.context.accounts.settled().await;
        self.mail.0.lock().unwrap().iter().filter(|mail| mail.to == to).cloned().collect()
    }

    /// The `count`th of them.
    async fn letter(&self, to: &str, count: usize) -> Mail {
        let found = self.letters(to).await;
        found.get(count - 1).cloned().unwrap_or_else(|| panic!("letter {count} to {to} never came"))
    }

    /// The token in it.
    async fn link(&self, to: &str, count: usize) -> Secret {
        let text = self.letter(to, count).await.text;
        let (_, rest) = text.split_once('#').unwrap_or_else(|| panic!("no link in {text}"));
        Secret(rest.split_whitespace().next().unwrap().to_owned())
    }

    /// Somebody who has signed up and confirmed.
    async fn join(&self, email: &str) -> SessionReply {
        self.sign_up(email, PASSWORD).await.unwrap();
        self.follow(&self.link(email, 1).await, PASSWORD).await.unwrap()
    }

    async fn log(&self, principal: Principal) -> Vec<AccountAct> {
        let ask = ListAccountEvents { principal, account: None, before: None, limit: 100 };
        let events = views::events(&self.context, &ask).await.unwrap().events;
        events.into_iter().rev().map(|event| event.what).collect()
    }
}

fn code<T>(result: Result<T, Fault>) -> String {
    result.err().map_or_else(|| "done".to_owned(), |fault| fault.code)
}

fn account(principal: Principal) -> AccountId {
    principal.signed().unwrap().account
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_account_takes_the_code_and_all_that_was_made_here() {
    let world = World::new().await;
    let claimed = world.context.accounts.claimed();
    assert!(!*claimed.borrow());
    assert_eq!(code(world.sign_up(ANNA, PASSWORD).await), "claim-needed");
    assert_eq!(code(world.claim("0123456789ABCDEFGHJKMNPQRT", ANNA).await), "claim-code-wrong");
    assert_eq!(code(world.claim("", ANNA).await), "claim-code-wrong");
    assert!(!*claimed.borrow());
    let session = world.claim(&CLAIM_CODE.to_lowercase(), "Admin@Example.org").await.unwrap();
    assert!(*claimed.borrow());
    let admin = world.who(&session).await.unwrap();
    assert_eq!(admin.tenant, TenantId::LOCAL);
    let signed = admin.signed().unwrap();
    assert_eq!((signed.role, signed.confirmed), (SystemRole::Admin, true));
    assert_eq!(session.account.email, "admin@example.org");
    assert_eq!(code(world.claim(CLAIM_CODE, "other@example.org").await), "claimed-already");
    // It is so after a restart too.
    open(&world.context).await.unwrap();
    assert!(*claimed.borrow());
    assert_eq!(code(world.claim(CLAIM_CODE, "other@example.org").await), "claimed-already");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_claim_at_once_one_does() {
    let world = World::new().await;
    let emails: Vec<String> = (0..4).map(|n| format!("admin{n}@example.org")).collect();
    let claims = futures_util::future::join_all(emails.iter().map(|email| world.claim(CLAIM_CODE, email))).await;
    assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
    for (email, claim) in emails.iter().zip(&claims) {
        assert_eq!(world.sign_in(email, PASSWORD).await.is_ok(), claim.is_ok(), "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_confirmed_by_who_reads_its_mail_and_knows_the_password() {
    let (world, admin) = World::claimed().await;
    world.sign_up(ANNA, PASSWORD).await.unwrap();
    let link = world.link(ANNA, 1).await;
    let before = world.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(!world.who(&before).await.unwrap().signed().unwrap().confirmed);
    assert_eq!(code(world.follow(&link, OTHER).await), "password-wrong");
    let joined = world.follow(&link, PASSWORD).await.unwrap();
    let anna = world.who(&joined).await.unwrap();
    assert!(anna.signed().unwrap().confirmed);
    assert_ne!(anna.tenant, admin.tenant);
    assert_eq!(anna.signed().unwrap().role, SystemRole::User);
    assert_eq!(code(world.follow(&link, PASSWORD).await), "mailed-link-invalid", "it works once");
    assert_eq!(code(world.follow(&joined.token, PASSWORD).await), "mailed-link-invalid", "a session is no link");
    let log = world.log(anna).await;
    assert_eq!(log[0], AccountAct::SignedUp);
    assert!(log.contains(&AccountAct::Confirmed));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_never_confirmed_is_nobodys() {
    let (world, _) = World::claimed().await;
    world.sign_up(ANNA, PASSWORD).await.unwrap();
    let first = world.link(ANNA, 1).await;
    let planted = world.sign_in(ANNA, PASSWORD).await.unwrap();
    // The one whose address it is signs up too, and everything of the first one ends.
    world.sign_up(ANNA, OTHER).await.unwrap();
    let second = world.link(ANNA, 2).await;
    assert_eq!(code(world.who(&planted).await), "session-ended");
    assert_eq!(code(world.sign_in(ANNA, PASSWORD).await), "sign-in-refused");
    assert_eq!(code(world.follow(&first, PASSWORD).await), "mailed-link-invalid");
    // Following a link that somebody else's sign-up mailed gives that somebody nothing.
    assert_eq!(code(world.follow(&second, PASSWORD).await), "password-wrong");
    let anna = world.follow(&second, OTHER).await.unwrap();
    world.who(&anna).await.unwrap();
    // Now it is hers: signing up tells her, and nobody else.
    world.sign_up(ANNA, PASSWORD).await.unwrap();
    let known = world.letter(ANNA, 3).await;
    assert!(known.subject.contains("already") && !known.text.contains('#'), "{}", known.text);
    assert_eq!(code(world.sign_in(ANNA, PASSWORD).await), "sign-in-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_sign_up_with_one_address_one_account_can_be_confirmed() {
    let (world, _) = World::claimed().await;
    let asked = futures_util::future::join_all((0..3).map(|_| world.sign_up(ANNA, PASSWORD))).await;
    assert!(asked.iter().all(Result::is_ok));
    let mut links = Vec::new();
    for count in 1..=3 {
        links.push(world.link(ANNA, count).await);
    }
    let mut confirmed = 0;
    for link in &links {
        confirmed += usize::from(world.follow(link, PASSWORD).await.is_ok());
    }
    assert_eq!(confirmed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_gets_the_answer_of_who_is_wrong() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let wrong = world.sign_in(ANNA, OTHER).await.unwrap_err();
    assert_eq!(world.sign_in("nobody@example.org", OTHER).await.unwrap_err(), wrong);
    assert_eq!(world.sign_in("no address", OTHER).await.unwrap_err(), wrong);
    assert_eq!(world.forgot("nobody@example.org").await, world.forgot(ANNA).await);
    assert_eq!(world.sign_up("somebody@example.org", PASSWORD).await, world.sign_up(ANNA, PASSWORD).await);
    world.context.accounts.settled().await;
    assert!(world.log(world.who(&anna).await.unwrap()).await.contains(&AccountAct::SignInRefused));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_a_session_of_its_own() {
    let (world, _) = World::claimed().await;
    let first = world.join(ANNA).await;
    let second = world.sign_in_with(ANNA, PASSWORD, Some(&first.token)).await.unwrap();
    assert_ne!(first.token, second.token);
    assert_eq!(code(world.who(&first).await), "session-ended", "the browser's session before");
    let anna = world.who(&second).await.unwrap();
    // A token that somebody made up, or altered, neither signs in nor ends anything.
    let mut forged = second.token.0.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'E' } else { 'A' });
    assert_eq!(code(sessions::authenticate(&world.context, &Secret(forged.clone())).await), "session-ended");
    let third = world.sign_in_with(ANNA, PASSWORD, Some(&Secret(forged))).await.unwrap();
    assert_eq!(world.who(&second).await, Ok(anna));
    assert_eq!(sessions::list(&world.context, &anna).await.unwrap().len(), 2);
    // One ends the other, then all.
    let id = world.who(&third).await.unwrap().signed().unwrap().session;
    sessions::end(&world.context, &anna, &visitor(), WhichSessions::One(id)).await.unwrap();
    assert_eq!(code(world.who(&third).await), "session-ended");
    let again = sessions::end(&world.context, &anna, &visitor(), WhichSessions::One(id)).await;
    assert_eq!(code(again), "session-not-found");
    sessions::end(&world.context, &anna, &visitor(), WhichSessions::All).await.unwrap();
    assert_eq!(code(world.who(&second).await), "session-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_works_once_and_signs_everybody_out() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    world.forgot(ANNA).await.unwrap();
    let link = world.link(ANNA, 2).await;
    assert_eq!(code(world.follow(&link, PASSWORD).await), "mailed-link-invalid", "it confirms nothing");
    assert_eq!(code(world.reset(&link, "password1").await), "password-weak");
    world.reset(&link, OTHER).await.unwrap();
    assert_eq!(code(world.reset(&link, PASSWORD).await), "mailed-link-invalid");
    assert_eq!(code(world.who(&anna).await), "session-ended");
    assert_eq!(code(world.sign_in(ANNA, PASSWORD).await), "sign-in-refused");
    let anna = world.sign_in(ANNA, OTHER).await.unwrap();
    assert!(world.letter(ANNA, 3).await.subject.contains("changed"));
    let log = world.log(world.who(&anna).await.unwrap()).await;
    assert!(log.contains(&AccountAct::ResetAsked) && log.contains(&AccountAct::PasswordReset), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_every_other_session_and_every_link() {
    let (world, _) = World::claimed().await;
    let (here, there) = (world.join(ANNA).await, world.sign_in(ANNA, PASSWORD).await.unwrap());
    world.forgot(ANNA).await.unwrap();
    let link = world.link(ANNA, 2).await;
    let principal = world.who(&here).await.unwrap();
    let change = async |current: &str, password: &str| {
        let request = PasswordChange { current: secret(current), password: secret(password), code: None };
        let ask = ChangePassword { principal, visitor: visitor(), request };
        credentials::change_password(&world.context, &ask).await
    };
    assert_eq!(code(change(OTHER, OTHER).await), "password-wrong");
    assert_eq!(code(change(PASSWORD, "anna@example.org").await), "password-weak", "what is about her");
    let after = change(PASSWORD, OTHER).await.unwrap();
    for ended in [&here, &there] {
        assert_eq!(code(world.who(ended).await), "session-ended");
    }
    assert_eq!(code(world.reset(&link, PASSWORD).await), "mailed-link-invalid");
    world.who(&after).await.unwrap();
    world.sign_in(ANNA, OTHER).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_moves_to_an_address_that_confirms_and_the_old_one_is_warned() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let principal = world.who(&anna).await.unwrap();
    let ask = async |email: &str| {
        let request = MailAddress { email: email.into() };
        credentials::ask_address(&world.context, &AskAddress { principal, visitor: visitor(), request }).await
    };
    // An address that somebody has tells its owner, and nobody else.
    ask("admin@example.org").await.unwrap();
    assert!(world.letter("admin@example.org", 1).await.subject.contains("already"));
    ask("lamp@example.org").await.unwrap();
    let link = world.link("lamp@example.org", 1).await;
    assert!(world.letter(ANNA, 2).await.subject.contains("another address"));
    assert_eq!(code(world.sign_in("lamp@example.org", PASSWORD).await), "sign-in-refused", "not before");
    assert_eq!(code(world.follow(&link, OTHER).await), "password-wrong", "a stranger reads that mail");
    let moved = world.follow(&link, PASSWORD).await.unwrap();
    assert_eq!(moved.account.email, "lamp@example.org");
    assert_eq!(code(world.sign_in(ANNA, PASSWORD).await), "sign-in-refused");
    world.sign_in("lamp@example.org", PASSWORD).await.unwrap();
    world.letter(ANNA, 3).await;
    // The old address can be somebody else's from now on.
    world.sign_up(ANNA, OTHER).await.unwrap();
    let other = world.follow(&world.link(ANNA, 4).await, OTHER).await.unwrap();
    assert_ne!(account(world.who(&other).await.unwrap()), account(principal));
    let log = world.log(world.who(&moved).await.unwrap()).await;
    let changed = AccountAct::AddressChanged { before: ANNA.into(), email: "lamp@example.org".into() };
    assert!(log.contains(&changed), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_said_again_counts_as_signing_in() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let before = world.who(&anna).await.unwrap();
    let say = async |password: &str| {
        let request = PasswordAgain { password: secret(password), code: None };
        sessions::say_password(&world.context, &SayPassword { principal: before, visitor: visitor(), request }).await
    };
    assert_eq!(code(say(OTHER).await), "password-wrong");
    assert_eq!(world.who(&anna).await.unwrap(), before);
    while actors::clock::wall_ms() <= before.signed().unwrap().proved_ms {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    say(PASSWORD).await.unwrap();
    assert!(world.who(&anna).await.unwrap().signed().unwrap().proved_ms > before.signed().unwrap().proved_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_holds_from_the_next_request_on_and_an_admin_keeps_their_own() {
    let (world, admin) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let of = account(world.who(&anna).await.unwrap());
    let change = async |account, role| {
        let ask = ChangeRole { principal: admin, visitor: visitor(), account, request: RoleChange { role } };
        views::change_role(&world.context, &ask).await
    };
    assert_eq!(change(of, SystemRole::Operator).await.unwrap().role, SystemRole::Operator);
    let principal = world.who(&anna).await.unwrap();
    assert_eq!(principal.signed().unwrap().role, SystemRole::Operator);
    assert_eq!(code(change(account(admin), SystemRole::User).await), "own-role");
    assert_eq!(code(change(AccountId(5), SystemRole::User).await), "account-not-found");
    let (by, role) = (account(admin), SystemRole::Operator);
    assert_eq!(world.log(principal).await.last(), Some(&AccountAct::RoleChanged { role, by }));
    assert_eq!(world.log(admin).await.last(), Some(&AccountAct::ChangedRole { of, role }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_confirm_is_mailed_again_until_it_is_confirmed() {
    let (world, _) = World::claimed().await;
    world.sign_up(ANNA, PASSWORD).await.unwrap();
    let first = world.link(ANNA, 1).await;
    let session = world.sign_in(ANNA, PASSWORD).await.unwrap();
    let principal = world.who(&session).await.unwrap();
    let again = async || joining::confirm_again(&world.context, &ConfirmAgain { principal, visitor: visitor() }).await;
    again().await.unwrap();
    let second = world.link(ANNA, 2).await;
    assert_eq!(code(world.follow(&first, PASSWORD).await), "mailed-link-invalid");
    world.follow(&second, PASSWORD).await.unwrap();
    again().await.unwrap();
    assert_eq!(world.letters(ANNA).await.len(), 2);
}

/// What a whole life of an account asks, each step repeated where a write failed, as whoever asked would.
async fn life(world: &World) {
    // A claim whose answer was lost stands: whoever asks again is told so, and signs in.
    let mut tries = 0;
    loop {
        match world.claim(CLAIM_CODE, "admin@example.org").await {
            Ok(_) => break,
            Err(fault) if fault.code == "claimed-already" => break,
            Err(_) => open(&world.context).await.unwrap_or_default(),
        }
        tries += 1;
        assert!(tries < 4, "the node can't be claimed");
    }
    failing::settle(async || world.sign_in("admin@example.org", PASSWORD).await).await;
    // Who gets no letter signs up again.
    for _ in 0..2 {
        if world.letters(ANNA).await.is_empty() {
            world.sign_up(ANNA, PASSWORD).await.unwrap();
        }
    }
    let link = world.link(ANNA, 1).await;
    let joined = failing::settle(async || match world.follow(&link, PASSWORD).await {
        // The answer was lost, not the deed.
        Err(fault) if fault.code == "mailed-link-invalid" => world.sign_in(ANNA, PASSWORD).await,
        followed => followed,
    });
    let joined = joined.await;
    let anna = world.who(&joined).await.unwrap();
    assert!(anna.signed().unwrap().confirmed);
    assert_eq!(
        account(anna),
        account(world.who(&failing::settle(async || world.sign_in(ANNA, PASSWORD).await).await).await.unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_whoever_asks_again_gets_there() {
    for kind in [store::Fault::Refuse, store::Fault::Lose, store::Fault::Doubt] {
        for nth in 1..=10 {
            let world = World::failing(Faults::Nth { nth, fault: kind }).await;
            life(&world).await;
        }
    }
}
