//! What is known of an account without asking anybody: never more than is so.

use actors::accounts::{keys, leaving};
use actors::hand::AtHand;
use cluster::body::credentials::{MakeKey, RevokeKey};
use cluster::body::leaving::LeaveAccount;
use domain::api_key::{ApiKeyRequest, KeyScope};
use domain::belongings::DeletionRequest;
use store::rows::{AccountRow, Credential};

use super::*;

const HOUR_MS: u64 = 3_600 * 1_000;

impl World {
    fn at_hand(&self) -> AtHand {
        AtHand::of(self.context.clone())
    }

    /// Who has a session, known from memory since it was asked for.
    async fn known(&self, session: &SessionReply) -> Principal {
        let who = self.who(session).await.unwrap();
        assert_eq!(self.at_hand().authenticate(&session.token), Some(who), "asked for, it is at hand");
        who
    }

    /// Writes a session's row as it would stand another day.
    async fn age(&self, who: Principal, change: impl Fn(&mut AccountRow)) {
        let row = self.context.records.account_get(account(who)).await.unwrap().unwrap();
        let (mut changed, version) = (row.clone(), row.version);
        change(&mut changed);
        let aged = self.context.records.account_update(changed, version, None).await.unwrap();
        assert!(aged.applied().is_some());
        // Found, so that it would be at hand.
        self.context.records.account_get(account(who)).await.unwrap();
    }

    async fn end(&self, who: &Principal, which: WhichSessions) {
        sessions::end(&self.context, who, &visitor(), which).await.unwrap();
    }

    async fn change_role(&self, admin: Principal, of: Principal, role: SystemRole) {
        let request = RoleChange { role };
        let ask = ChangeRole { principal: admin, visitor: visitor(), account: account(of), request };
        views::change_role(&self.context, &ask).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_is_known_no_more() {
    let (world, _) = World::claimed().await;
    let at_hand = world.at_hand();
    let (one, other) = (world.join(ANNA).await, world.sign_in(ANNA, PASSWORD).await.unwrap());
    let (anna, again) = (world.known(&one).await, world.known(&other).await);

    world.end(&anna, WhichSessions::One(again.signed().unwrap().session)).await;
    assert_eq!(at_hand.authenticate(&other.token), None);
    world.known(&one).await;

    // Another password, by the one session; it goes on, and all others end.
    let other = world.sign_in(ANNA, PASSWORD).await.unwrap();
    world.known(&other).await;
    let request = PasswordChange { current: secret(PASSWORD), password: secret(OTHER), code: None };
    let ask = ChangePassword { principal: anna, visitor: visitor(), request };
    let changed = credentials::change_password(&world.context, &ask).await.unwrap();
    assert_eq!((at_hand.authenticate(&other.token), at_hand.authenticate(&one.token)), (None, None));
    world.known(&changed).await;

    // A reset by mail.
    world.forgot(ANNA).await.unwrap();
    let count = world.letters(ANNA).await.len();
    world.reset(&world.link(ANNA, count).await, PASSWORD).await.unwrap();
    assert_eq!(at_hand.authenticate(&changed.token), None);

    // The same browser signs in anew.
    let old = world.sign_in(ANNA, PASSWORD).await.unwrap();
    world.known(&old).await;
    let new = world.sign_in_with(ANNA, PASSWORD, Some(&old.token)).await.unwrap();
    assert_eq!(at_hand.authenticate(&old.token), None);

    // All of them.
    let anna = world.known(&new).await;
    world.end(&anna, WhichSessions::All).await;
    assert_eq!(at_hand.authenticate(&new.token), None);

    // Whoever has no session, or half of one, is known by nothing.
    let cut = Secret(new.token.0[..new.token.0.len() - 1].into());
    for none in [Secret::default(), secret("vs_"), cut, secret("vk_")] {
        assert_eq!(at_hand.authenticate(&none), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_known_no_more_and_one_that_is_to_be_written_down_is_asked_about() {
    let (world, _) = World::claimed().await;
    let session = world.join(ANNA).await;
    let anna = world.known(&session).await;
    let set = |began_ago_ms: u64, seen_ago_ms: u64| {
        move |row: &mut AccountRow| {
            let now_ms = actors::clock::wall_ms();
            for session in &mut row.sessions {
                (session.began_ms, session.seen_ms) = (now_ms - began_ago_ms, now_ms - seen_ago_ms);
            }
        }
    };
    world.age(anna, set(24 * HOUR_MS, 24 * HOUR_MS)).await;
    assert_eq!(world.at_hand().authenticate(&session.token), None, "idle for a day");
    assert_eq!(code(world.who(&session).await), "session-ended");
    world.age(anna, set(14 * 24 * HOUR_MS, 1)).await;
    assert_eq!(world.at_hand().authenticate(&session.token), None, "two weeks old");
    assert_eq!(code(world.who(&session).await), "session-ended");
    world.age(anna, set(HOUR_MS, HOUR_MS / 2)).await;
    assert_eq!(world.at_hand().authenticate(&session.token), None, "that it is used is to be written down");
    assert_eq!(world.who(&session).await, Ok(anna));
    world.context.accounts.settled().await;
    world.known(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_holds_at_once_and_who_leaves_is_known_no_more() {
    let (world, admin) = World::claimed().await;
    let session = world.join(ANNA).await;
    let anna = world.known(&session).await;
    for role in [SystemRole::Operator, SystemRole::User] {
        world.change_role(admin, anna, role).await;
        let known = world.at_hand().authenticate(&session.token);
        assert!(known.is_none_or(|who| who.signed().unwrap().role == role), "{known:?}");
        assert_eq!(world.known(&session).await.signed().unwrap().role, role);
    }
    let request = DeletionRequest { email: ANNA.into(), password: Some(secret(PASSWORD)), code: None };
    leaving::leave(&world.context, &LeaveAccount { principal: anna, visitor: visitor(), request }).await.unwrap();
    assert_eq!(world.at_hand().authenticate(&session.token), None);
    // Who takes it back is known again, until nothing of the account is left.
    let session = world.sign_in(ANNA, PASSWORD).await.unwrap();
    let anna = world.known(&session).await;
    let row = world.context.records.account_get(account(anna)).await.unwrap().unwrap();
    leaving::finish(&world.context, &row).await.unwrap();
    assert_eq!(world.at_hand().authenticate(&session.token), None);
    assert_eq!(code(world.who(&session).await), "session-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_any_more_is_known_no_more() {
    let (world, admin) = World::claimed().await;
    let anna = world.who(&world.join(ANNA).await).await.unwrap();
    let make = async || {
        let request = ApiKeyRequest { name: "ferry".into(), scopes: vec![KeyScope::Read], valid_s: None };
        let ask = MakeKey { principal: anna, visitor: visitor(), request };
        let made = keys::make(&world.context, &ask).await.unwrap();
        let at_hand = world.at_hand();
        assert_eq!(at_hand.authenticate(&made.token), None, "that it is used is to be written down");
        let who = keys::authenticate(&world.context, &made.token).await.unwrap();
        world.context.accounts.settled().await;
        assert_eq!(keys::authenticate(&world.context, &made.token).await, Ok(who));
        assert_eq!(at_hand.authenticate(&made.token), Some(who));
        made
    };
    let made = make().await;
    world.change_role(admin, anna, SystemRole::Operator).await;
    let known = world.at_hand().authenticate(&made.token);
    assert!(known.is_none_or(
        |who| matches!(who.proof, domain::principal::Proof::Key(keyed) if keyed.role == SystemRole::Operator)
    ));
    keys::revoke(&world.context, &RevokeKey { principal: anna, visitor: visitor(), key: made.key.id }).await.unwrap();
    assert_eq!(world.at_hand().authenticate(&made.token), None);

    let made = make().await;
    let end = |row: &mut AccountRow| {
        for credential in &mut row.credentials {
            if let Credential::Key(key) = credential {
                key.ends_ms = actors::clock::wall_ms();
            }
        }
    };
    world.age(anna, end).await;
    assert_eq!(world.at_hand().authenticate(&made.token), None, "its time is over");

    let made = make().await;
    let request = DeletionRequest { email: ANNA.into(), password: Some(secret(PASSWORD)), code: None };
    leaving::leave(&world.context, &LeaveAccount { principal: anna, visitor: visitor(), request }).await.unwrap();
    assert_eq!(world.at_hand().authenticate(&made.token), None, "its account is being deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_was_told_that_a_session_ended_finds_it_nowhere_however_many_ask_meanwhile() {
    let (world, _) = World::claimed().await;
    world.join(ANNA).await;
    for _ in 0..20 {
        let session = world.sign_in(ANNA, PASSWORD).await.unwrap();
        let anna = world.known(&session).await;
        let askers: Vec<_> = (0..4)
            .map(|_| {
                let (context, token) = (world.context.clone(), session.token.clone());
                // Each looks it up again and again, until it is over.
                tokio::spawn(async move { while sessions::authenticate(&context, &token).await.is_ok() {} })
            })
            .collect();
        tokio::task::yield_now().await;
        world.end(&anna, WhichSessions::One(anna.signed().unwrap().session)).await;
        assert_eq!(world.at_hand().authenticate(&session.token), None);
        assert_eq!(code(world.who(&session).await), "session-ended");
        for asker in askers {
            asker.await.unwrap();
        }
        assert_eq!(world.at_hand().authenticate(&session.token), None, "none of them brought it back");
    }
}
