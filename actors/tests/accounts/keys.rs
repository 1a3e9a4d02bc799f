//! Keys, for programs.

use actors::accounts::keys;
use cluster::body::credentials::{KeyReply, MakeKey, RevokeKey};
use domain::api_key::{ApiKeyRequest, KEY_VALID_MAX_S, KEYS_MAX, KeyScope};
use domain::id::ApiKeyId;
use domain::principal::{Keyed, Proof};
use store::rows::Credential;

use super::*;

impl World {
    async fn make_key(&self, principal: Principal, request: ApiKeyRequest) -> Result<KeyReply, Fault> {
        keys::make(&self.context, &MakeKey { principal, visitor: visitor(), request }).await
    }

    async fn revoke(&self, principal: Principal, key: ApiKeyId) -> Result<(), Fault> {
        keys::revoke(&self.context, &RevokeKey { principal, visitor: visitor(), key }).await
    }

    async fn by_key(&self, token: &Secret) -> Result<Keyed, Fault> {
        match keys::authenticate(&self.context, token).await?.proof {
            Proof::Key(keyed) => Ok(keyed),
            other => panic!("{other:?}"),
        }
    }
}

fn wanted(scopes: &[KeyScope]) -> ApiKeyRequest {
    ApiKeyRequest { name: " ferry ".into(), scopes: scopes.to_vec(), valid_s: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_worth_its_account_until_it_is_revoked() {
    let (world, admin) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let principal = world.who(&anna).await.unwrap();
    let made = world.make_key(principal, wanted(&[KeyScope::Write, KeyScope::Read])).await.unwrap();
    assert_eq!((made.key.name.as_str(), made.key.used_ms), ("ferry", None));
    assert_eq!(made.key.scopes, [KeyScope::Read, KeyScope::Write]);
    let proof = keys::authenticate(&world.context, &made.token).await.unwrap();
    assert_eq!((proof.tenant, proof.signed()), (principal.tenant, None), "it is no session");
    let keyed = world.by_key(&made.token).await.unwrap();
    assert_eq!((keyed.account, keyed.key, keyed.role), (account(principal), made.key.id, SystemRole::User));
    world.context.accounts.settled().await;
    let listed = keys::list(&world.context, &principal).await.unwrap();
    assert!(listed.len() == 1 && listed[0].used_ms.is_some(), "{listed:?}");
    // A role holds for its keys from the next request on.
    let ask = ChangeRole {
        principal: admin,
        visitor: visitor(),
        account: account(principal),
        request: RoleChange { role: SystemRole::Operator },
    };
    views::change_role(&world.context, &ask).await.unwrap();
    assert_eq!(world.by_key(&made.token).await.unwrap().role, SystemRole::Operator);
    // Another account has no such key; its owner revokes it once, and whoever follows something by it is told.
    assert_eq!(code(world.revoke(admin, made.key.id).await), "key-not-found");
    let mut revoked = world.context.accounts.revoked().subscribe();
    world.revoke(principal, made.key.id).await.unwrap();
    assert_eq!(revoked.recv().await, Ok(account(principal)));
    assert_eq!(code(world.by_key(&made.token).await), "key-invalid");
    assert_eq!(code(world.revoke(principal, made.key.id).await), "key-not-found");
    assert_eq!(keys::list(&world.context, &principal).await.unwrap(), []);
    let log = world.log(world.who(&anna).await.unwrap()).await;
    let key = made.key.id;
    assert!(log.contains(&AccountAct::KeyMade { key }) && log.contains(&AccountAct::KeyRevoked { key }), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_altered_or_is_for_something_else_is_no_key() {
    let (world, admin) = World::claimed().await;
    let made = world.make_key(admin, wanted(&[KeyScope::Read])).await.unwrap();
    let anna = world.join(ANNA).await;
    assert_eq!(code(sessions::authenticate(&world.context, &made.token).await), "session-ended");
    let session = format!("vk_{}", anna.token.0.strip_prefix("vs_").unwrap());
    let mut altered = made.token.0.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'E' } else { 'A' });
    for text in [anna.token.0.as_str(), &session, &altered, "vk_", ""] {
        assert_eq!(code(world.by_key(&secret(text)).await), "key-invalid", "{text}");
    }
    world.by_key(&made.token).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_says_what_it_is_for_and_ends() {
    let (world, admin) = World::claimed().await;
    let ask = |name: &str, scopes: &[KeyScope], valid_s| ApiKeyRequest {
        name: name.into(),
        scopes: scopes.to_vec(),
        valid_s,
    };
    let read = [KeyScope::Read];
    for (request, told) in [
        (ask("", &read, None), "bad-name"),
        (ask("a\nb", &read, None), "bad-name"),
        (ask("a", &[], None), "key-settings-invalid"),
        (ask("a", &read, Some(0)), "key-settings-invalid"),
        (ask("a", &read, Some(KEY_VALID_MAX_S + 1)), "key-settings-invalid"),
    ] {
        assert_eq!(code(world.make_key(admin, request.clone()).await), told, "{request:?}");
    }
    let brief = world.make_key(admin, ask("a", &read, Some(1))).await.unwrap();
    assert_eq!(brief.key.ends_ms - brief.key.made_ms, 1_000);
    while world.by_key(&brief.token).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(actors::clock::wall_ms() >= brief.key.ends_ms);
    assert_eq!(keys::list(&world.context, &admin).await.unwrap(), [], "what has ended is not shown");
    // Many at a time, up to a bound; what has ended makes room.
    for _ in 0..KEYS_MAX {
        world.make_key(admin, wanted(&read)).await.unwrap();
    }
    assert_eq!(code(world.make_key(admin, wanted(&read)).await), "too-many-keys");
    let row = world.context.records.account_get(account(admin)).await.unwrap().unwrap();
    assert_eq!(row.keys().count(), KEYS_MAX);
    let mut older = row.clone();
    let ended = older.credentials.iter_mut().find_map(|credential| match credential {
        Credential::Key(key) => Some(key),
        _ => None,
    });
    ended.unwrap().ends_ms = 1;
    let _ = world.context.records.account_update(older, row.version, None).await.unwrap().applied().unwrap();
    world.make_key(admin, wanted(&read)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_address_is_not_confirmed_has_no_keys() {
    let (world, _) = World::claimed().await;
    world.sign_up(ANNA, PASSWORD).await.unwrap();
    world.link(ANNA, 1).await;
    let principal = world.who(&world.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
    assert_eq!(code(world.make_key(principal, wanted(&[KeyScope::Read])).await), "address-unconfirmed");
    assert_eq!(code(world.make_key(Principal::LOCAL, wanted(&[KeyScope::Read])).await), "account-needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_a_key_is_made_or_not_and_revoked_or_not() {
    for kind in [store::Fault::Refuse, store::Fault::Lose, store::Fault::Doubt] {
        for nth in 1..=12 {
            let world = World::failing(Faults::Nth { nth, fault: kind }).await;
            life(&world).await;
            let anna = failing::settle(async || world.sign_in(ANNA, PASSWORD).await).await;
            let principal = world.who(&anna).await.unwrap();
            let made = failing::settle(async || world.make_key(principal, wanted(&[KeyScope::Read])).await).await;
            world.by_key(&made.token).await.unwrap();
            failing::settle(async || match world.revoke(principal, made.key.id).await {
                // The answer was lost, not the deed.
                Err(fault) if fault.code == "key-not-found" => Ok(()),
                done => done,
            })
            .await;
            assert_eq!(code(world.by_key(&made.token).await), "key-invalid");
        }
    }
}
