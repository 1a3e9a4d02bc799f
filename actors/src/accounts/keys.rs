//! Keys of accounts, for programs.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::credentials::{KeyReply, MakeKey, RevokeKey};
use domain::account::{AccountAct, Secret};
use domain::api_key::{ApiKey, KEY_VALID_MAX_S, KEY_VALID_S, KEYS_MAX, KeyScopes};
use domain::id::{AccountId, ApiKeyId};
use domain::principal::{Keyed, Principal, Proof};
use store::rows::{AccountRow, ApiKeyRow, Credential};

use super::joining::person;
use super::rows::{at_hand, change, read, touch};
use super::token::{Token, TokenKind};
use super::{Result, after, ended, signed, unconfirmed};
use crate::clock::{ms, wall_ms};
use crate::run::RunContext;

/// That a key is used is written down no more often than this.
const USED_EVERY: Duration = Duration::from_secs(5 * 60);

/// What is said of a key that is none.
fn no_key() -> Fault {
    Fault::new("key-invalid", "this key was revoked, has ended, or never was: make another one")
}

/// A key as its owner sees it.
fn view(row: &ApiKeyRow) -> ApiKey {
    ApiKey {
        id: row.key,
        name: row.name.clone(),
        scopes: row.scopes.list(),
        made_ms: row.made_ms,
        used_ms: row.used_ms,
        ends_ms: row.ends_ms,
    }
}

/// Leaves out the keys that are not `wanted`.
fn retain(row: &mut AccountRow, wanted: impl Fn(&ApiKeyRow) -> bool) {
    row.credentials.retain(|credential| match credential {
        Credential::Key(key) => wanted(key),
        _ => true,
    });
}

/// Makes a key of the asker's account. What has ended makes room.
///
/// # Errors
/// `account-needed`, `address-unconfirmed`, `bad-name`, `key-settings-invalid`, `too-many-keys`.
pub async fn make(context: &RunContext, ask: &MakeKey) -> Result<KeyReply> {
    let signed = signed(&ask.principal)?;
    let (request, name) = (&ask.request, person(&ask.request.name)?);
    let valid_s = request.valid_s.unwrap_or(KEY_VALID_S);
    if request.scopes.is_empty() || !(1..=KEY_VALID_MAX_S).contains(&valid_s) {
        let detail = format!("a key is for one thing at least, and good for 1 to {KEY_VALID_MAX_S} seconds");
        return Err(Fault::new("key-settings-invalid", detail));
    }
    let (token, now_ms) = (Token::draw(signed.account)?, wall_ms());
    let made = ApiKeyRow {
        key: ApiKeyId(token.id),
        secret: token.digest(),
        name,
        scopes: KeyScopes::of(&request.scopes),
        made_ms: now_ms,
        used_ms: None,
        ends_ms: now_ms.saturating_add(valid_s.saturating_mul(1_000)),
    };
    let changed = change(context, signed.account, &ask.visitor.address, |row| {
        if !row.confirmed {
            return Err(unconfirmed());
        }
        retain(row, |key| now_ms < key.ends_ms && key.key != made.key);
        if row.keys().count() >= KEYS_MAX {
            return Err(Fault::new("too-many-keys", format!("there are {KEYS_MAX} keys: revoke one first")));
        }
        row.credentials.push(Credential::Key(made.clone()));
        Ok(Some(AccountAct::KeyMade { key: made.key }))
    });
    changed.await?;
    Ok(KeyReply { key: view(&made), token: token.text(TokenKind::Key) })
}

/// The keys of the asker's account, oldest first; those that have ended are left out.
///
/// # Errors
/// `account-needed`, `session-ended`.
pub async fn list(context: &RunContext, principal: &Principal) -> Result<Vec<ApiKey>> {
    let signed = signed(principal)?;
    let row = read(context, signed.account).await?.ok_or_else(ended)?;
    let now_ms = wall_ms();
    Ok(row.keys().filter(|key| now_ms < key.ends_ms).map(view).collect())
}

/// Revokes a key of the asker's account: it is worth nothing from now on, and streams that it opened end.
///
/// # Errors
/// `account-needed`, `key-not-found`.
pub async fn revoke(context: &RunContext, ask: &RevokeKey) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let revoked = change(context, signed.account, &ask.visitor.address, |row| {
        let before = row.credentials.len();
        retain(row, |key| key.key != ask.key);
        match row.credentials.len() < before {
            true => Ok(Some(AccountAct::KeyRevoked { key: ask.key })),
            false => Err(Fault::new("key-not-found", "the account has no such key")),
        }
    });
    revoked.await.map(drop)
}

/// Who has a key's token.
///
/// # Errors
/// `key-invalid` where nobody has, or no more.
pub async fn authenticate(context: &Arc<RunContext>, token: &Secret) -> Result<Principal> {
    let token = Token::parse(TokenKind::Key, token).ok_or_else(no_key)?;
    let row = at_hand(context, token.account).await?.ok_or_else(no_key)?;
    let now_ms = wall_ms();
    let (principal, due) = told(&row, &token, now_ms).ok_or_else(no_key)?;
    if let Some(id) = due {
        let (then, account) = (context.clone(), row.account);
        // Nobody waits for it; where too much is being done already, a later request writes it.
        let _ = after(context, async move { used(&then, account, id, now_ms).await });
    }
    Ok(principal)
}

/// Who has a token of a key, by its account's row; and the key, if that it is used is to be written down.
fn told(row: &AccountRow, token: &Token, now_ms: u64) -> Option<(Principal, Option<ApiKeyId>)> {
    // Of an account that is being deleted nothing is used but the sign-in that takes that back.
    if row.leaving.is_some() {
        return None;
    }
    let is_it = |key: &&ApiKeyRow| key.key.0 == token.id && token.is(&key.secret) && now_ms < key.ends_ms;
    let key = row.keys().find(is_it)?;
    let keyed =
        Keyed { account: row.account, key: key.key, role: row.role, confirmed: row.confirmed, scopes: key.scopes };
    let principal = Principal { tenant: row.tenant, proof: Proof::Key(keyed) };
    Some((principal, due(key, now_ms).then_some(key.key)))
}

/// The same as [`authenticate`] from memory; `None` where that can't be said from there, or is to be refused.
pub(crate) fn at_once(context: &RunContext, token: &Secret) -> Option<Principal> {
    let token = Token::parse(TokenKind::Key, token)?;
    let (principal, due) = told(&*context.records.account_at_hand(token.account)?, &token, wall_ms())?;
    due.is_none().then_some(principal)
}

/// Whether it is to be written down that a key is used.
fn due(key: &ApiKeyRow, now_ms: u64) -> bool {
    key.used_ms.is_none_or(|used_ms| now_ms.saturating_sub(used_ms) >= ms(USED_EVERY))
}

/// Writes down that a key is used, unless somebody just did.
async fn used(context: &RunContext, account: AccountId, id: ApiKeyId, now_ms: u64) -> Result<()> {
    touch(context, account, |row| {
        for credential in &mut row.credentials {
            if let Credential::Key(key) = credential
                && key.key == id
                && due(key, now_ms)
            {
                key.used_ms = Some(now_ms);
            }
        }
    })
    .await
}
