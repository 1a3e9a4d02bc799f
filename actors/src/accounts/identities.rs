//! Those that a provider vouches for: who they are here, and how an account comes by them.
//!
//! An identity is (issuer, subject). It stands in two places: in its account's row as a credential, and in a row of its
//! own that it is found by. It is the account's where both say so; what a crash leaves of one of them is nobody's, and
//! whoever comes next with that identity takes it over. Mail addresses decide nothing of it.

use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::accounts::Visitor;
use cluster::body::identities::{EndFlow, FlowEnded, ListIdentities, UnlinkIdentity};
use domain::account::{AccountAct, Email, PERSON_NAME_MAX_CHARS, Secret, SystemRole};
use domain::id::{AccountId, SessionId, TenantId};
use domain::identity::{IDENTITIES_MAX, IDENTITY_MAX_BYTES, IdentityList, LinkedIdentity};
use domain::language::Language;
use store::Cas;
use store::rows::{AccountRow, Credential, EmailRow, Identity, IdentityRow};

use super::flows::Vouched;
use super::joining::new_account;
use super::letters::Letter;
use super::rows::{busy, change, event, read};
use super::sessions::{NewSession, authenticate, end_other, end_same};
use super::token::{Token, TokenKind};
use super::views::account;
use super::{Result, ended, signed, tell, unconfirmed};
use crate::clock::wall_ms;
use crate::run::RunContext;
use crate::store_fault;

/// What is said of an identity that no account has, whatever its address is: whether that has an account is nobody's
/// business but its owner's.
fn unknown() -> Fault {
    let detail = "no account is linked with this identity: sign in and add it to your account, or sign up";
    Fault::new("oidc-unknown", detail)
}

fn taken() -> Fault {
    Fault::new("oidc-taken", "this identity is another account's: remove it there first")
}

/// What is kept of whom a provider vouches for.
fn identity(vouched: &Vouched) -> Result<Identity> {
    let fits = |text: &str| !text.is_empty() && text.len() <= IDENTITY_MAX_BYTES && !text.contains('\0');
    if !fits(&vouched.issuer) || !fits(&vouched.subject) {
        return Err(Fault::new("oidc-answer-invalid", "the provider names somebody in a way that can't be kept"));
    }
    let known = vouched.email.as_deref().or(vouched.name.as_deref()).unwrap_or(&vouched.subject);
    let mut label: String = known.chars().filter(|c| !c.is_control()).collect();
    label.truncate(label.floor_char_boundary(IDENTITY_MAX_BYTES));
    let (issuer, subject) = (vouched.issuer.clone(), vouched.subject.clone());
    Ok(Identity { issuer, subject, label, linked_ms: wall_ms() })
}

fn has(row: &AccountRow, identity: &Identity) -> bool {
    !row.is_going() && row.identities().any(|one| one.issuer == identity.issuer && one.subject == identity.subject)
}

/// The account that has an identity, and the version of the identity's row.
async fn owner(context: &RunContext, identity: &Identity) -> Result<(Option<AccountRow>, u64)> {
    let Some(row) = context.records.identity_get(identity.key()).await.map_err(|e| store_fault(&e))? else {
        return Ok((None, 0));
    };
    let account = read(context, row.account).await?;
    Ok((account.filter(|account| has(account, identity)), row.version))
}

/// Signs in whom the provider vouches for; who has no account gets one, where the provider says that their address is
/// theirs and nobody else has it.
///
/// # Errors
/// `oidc-unknown`, `oidc-answer-invalid`, `claim-needed`.
pub(super) async fn sign_in(
    context: &Arc<RunContext>,
    vouched: &Vouched,
    ask: &EndFlow,
    to: String,
) -> Result<FlowEnded> {
    let (identity, visitor) = (identity(vouched)?, &ask.visitor);
    // One at a time: of two first flows of one identity, the second finds what the first has made.
    let _one = context.accounts.claiming.lock().await;
    let (owner, version) = owner(context, &identity).await?;
    let row = match owner {
        Some(row) => row,
        None => join(context, vouched, &identity, version, visitor).await?,
    };
    let session = NewSession::draw(row.account, visitor)?;
    let old = ask.session.as_ref().and_then(|token| Token::parse(TokenKind::Session, token));
    let signed_in = change(context, row.account, &visitor.address, |now| {
        if !has(now, &identity) {
            return Err(unknown());
        }
        end_same(now, old.as_ref());
        session.add_to(now);
        Ok(Some(AccountAct::SignedIn { session: session.row.session }))
    });
    let signed_in = signed_in.await?;
    if let Some(old) = old.filter(|old| old.account != row.account) {
        end_other(context, &old, visitor).await;
    }
    let token = Some(session.token.text(TokenKind::Session));
    Ok(FlowEnded { to, token, account: account(&signed_in) })
}

/// Makes an account of an identity: whose the address is, whose the identity is, then the account. What a crash leaves
/// on the way is taken over by the next flow.
async fn join(
    context: &RunContext,
    vouched: &Vouched,
    identity: &Identity,
    version: u64,
    visitor: &Visitor,
) -> Result<AccountRow> {
    if !*context.accounts.claimed.borrow() {
        let detail = "this node has no first account yet: it is made with the code that the node printed at its start";
        return Err(Fault::new("claim-needed", detail));
    }
    let email = vouched.email.as_deref().filter(|_| vouched.email_verified).and_then(Email::parse);
    let email = email.ok_or_else(unknown)?;
    let store = |e| store_fault(&e);
    let whose = context.records.email_get(email.as_str()).await.map_err(store)?;
    let there = match &whose {
        Some(row) => read(context, row.account).await?.filter(|row| row.email == email.as_str()),
        None => None,
    };
    if there.as_ref().is_some_and(|row| row.confirmed) {
        return Err(unknown());
    }
    let fresh = newcomer(vouched, identity, &email);
    let account = there.as_ref().map_or(fresh.account, |row| row.account);
    if there.is_none() {
        let claim = EmailRow { email: email.as_str().to_owned(), version: 0, account };
        let expected = whose.map_or(0, |row| row.version);
        if !matches!(context.records.email_claim(claim, expected).await.map_err(store)?, Cas::Applied(_)) {
            return Err(busy());
        }
    }
    claim(context, identity, version, account).await?;
    let made = AccountAct::SignedUpAs { issuer: identity.issuer.clone() };
    if there.is_some() {
        // Its address was never confirmed: it was nobody's, and what somebody set it up with is worth nothing.
        let changed = change(context, account, &visitor.address, |now| {
            if now.confirmed {
                return Err(unknown());
            }
            (now.name, now.confirmed) = (fresh.name.clone(), true);
            now.credentials.clone_from(&fresh.credentials);
            now.sessions.clear();
            now.links.clear();
            Ok(Some(made.clone()))
        });
        return changed.await;
    }
    match context.records.account_insert(fresh, Some(event(&visitor.address, made))).await.map_err(store)? {
        Cas::Applied(row) => Ok(row),
        Cas::Conflict(_) => Err(busy()),
        Cas::Unknown(error) => read(context, account).await?.ok_or_else(|| store_fault(&error)),
    }
}

/// The account of somebody that a provider vouches for.
fn newcomer(vouched: &Vouched, identity: &Identity, email: &Email) -> AccountRow {
    let called = vouched.name.as_deref().unwrap_or_default().trim();
    let plain: String = called.chars().filter(|c| !c.is_control()).take(PERSON_NAME_MAX_CHARS).collect();
    let before_at = email.as_str().split('@').next().unwrap_or_default().to_owned();
    AccountRow {
        account: new_account(),
        version: 0,
        tenant: TenantId(uuid::Uuid::new_v4().as_u128()),
        email: email.as_str().to_owned(),
        confirmed: true,
        name: if plain.is_empty() { before_at } else { plain },
        language: Language::En,
        role: SystemRole::User,
        created_ms: wall_ms(),
        credentials: vec![Credential::Identity(identity.clone())],
        sessions: Vec::new(),
        links: Vec::new(),
        leaving: None,
        avatar: None,
        export: None,
    }
}

/// Writes whose an identity is.
async fn claim(context: &RunContext, identity: &Identity, expected: u64, account: AccountId) -> Result<()> {
    let row = IdentityRow { identity: identity.key(), version: 0, account };
    match context.records.identity_claim(row, expected).await.map_err(|e| store_fault(&e))? {
        Cas::Applied(_) => Ok(()),
        Cas::Conflict(_) => Err(busy()),
        Cas::Unknown(error) => {
            let there = context.records.identity_get(identity.key()).await.map_err(|e| store_fault(&e))?;
            there.filter(|row| row.account == account).map(drop).ok_or_else(|| store_fault(&error))
        }
    }
}

/// Makes sure that the browser that came back is still signed in as it was when it left.
///
/// # Errors
/// `session-ended`.
pub(super) async fn still_signed_in(
    context: &Arc<RunContext>,
    token: Option<&Secret>,
    account: AccountId,
    session: SessionId,
) -> Result<()> {
    let principal = authenticate(context, token.ok_or_else(ended)?).await?;
    let signed = signed(&principal)?;
    if (signed.account, signed.session) == (account, session) { Ok(()) } else { Err(ended()) }
}

/// Adds an identity to the account of somebody who is signed in; every other session ends.
///
/// # Errors
/// `oidc-taken`, `too-many-identities`, `address-unconfirmed`, `oidc-answer-invalid`.
pub(super) async fn link(
    context: &Arc<RunContext>,
    vouched: &Vouched,
    (id, session): (AccountId, SessionId),
    visitor: &Visitor,
    to: String,
) -> Result<FlowEnded> {
    let identity = identity(vouched)?;
    let _one = context.accounts.claiming.lock().await;
    let row = read(context, id).await?.ok_or_else(ended)?;
    if !row.confirmed {
        // Who signs up with the address anew would find a stranger's identity there.
        return Err(unconfirmed());
    }
    if has(&row, &identity) {
        return Ok(FlowEnded { to, token: None, account: account(&row) });
    }
    let (owner, version) = owner(context, &identity).await?;
    if owner.is_some_and(|other| other.account != id) {
        return Err(taken());
    }
    claim(context, &identity, version, id).await?;
    let linked = change(context, id, &visitor.address, |now| {
        if !now.confirmed || !now.sessions.iter().any(|one| one.session == session) {
            return Err(ended());
        }
        if now.identities().count() >= IDENTITIES_MAX {
            let detail = format!("an account has at most {IDENTITIES_MAX} identities: remove one first");
            return Err(Fault::new("too-many-identities", detail));
        }
        if !has(now, &identity) {
            now.credentials.push(Credential::Identity(identity.clone()));
        }
        now.sessions.retain(|one| one.session == session);
        Ok(Some(AccountAct::IdentityLinked { issuer: identity.issuer.clone() }))
    });
    let linked = linked.await?;
    tell(context, &linked, Letter::WaysChanged);
    Ok(FlowEnded { to, token: None, account: account(&linked) })
}

/// Takes the provider's word, given anew, as the password said again.
///
/// # Errors
/// `oidc-unknown` for an identity that is not the account's.
pub(super) async fn again(
    context: &RunContext,
    vouched: &Vouched,
    (id, session): (AccountId, SessionId),
    visitor: &Visitor,
    to: String,
) -> Result<FlowEnded> {
    let identity = identity(vouched)?;
    let (owner, _) = owner(context, &identity).await?;
    if owner.is_none_or(|row| row.account != id) {
        return Err(unknown());
    }
    let proved = change(context, id, &visitor.address, |now| {
        if !has(now, &identity) {
            return Err(unknown());
        }
        let one = now.sessions.iter_mut().find(|one| one.session == session).ok_or_else(ended)?;
        one.proved_ms = wall_ms();
        Ok(Some(AccountAct::SaidAgain { session }))
    });
    Ok(FlowEnded { to, token: None, account: account(&proved.await?) })
}

/// The identities of the asker's account.
///
/// # Errors
/// `account-needed`, `session-ended`.
pub async fn list(context: &RunContext, ask: &ListIdentities) -> Result<IdentityList> {
    let row = read(context, signed(&ask.principal)?.account).await?.ok_or_else(ended)?;
    Ok(linked(&row))
}

/// The identities of an account, as its owner sees them.
pub(super) fn linked(row: &AccountRow) -> IdentityList {
    let view = |one: &Identity| LinkedIdentity {
        id: one.key(),
        issuer: one.issuer.clone(),
        label: one.label.clone(),
        linked_ms: one.linked_ms,
    };
    IdentityList { identities: row.identities().map(view).collect(), has_password: row.password().is_some() }
}

/// Removes an identity from the asker's account; every other session ends.
///
/// # Errors
/// `identity-not-found`, `last-credential`.
pub async fn unlink(context: &Arc<RunContext>, ask: &UnlinkIdentity) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let changed = change(context, signed.account, &ask.visitor.address, |now| {
        let gone = now.identities().find(|one| one.key() == ask.identity).cloned();
        let none = || Fault::new("identity-not-found", "the account has no such identity");
        let gone = gone.ok_or_else(none)?;
        if now.password().is_none() && now.identities().count() == 1 {
            let detail = "this is the only way into the account: set a password first, by a mailed link";
            return Err(Fault::new("last-credential", detail));
        }
        now.credentials.retain(|one| !matches!(one, Credential::Identity(one) if one.key() == ask.identity));
        now.sessions.retain(|one| one.session == signed.session);
        Ok(Some(AccountAct::IdentityUnlinked { issuer: gone.issuer }))
    });
    tell(context, &changed.await?, Letter::WaysChanged);
    // If this fails, the row names an account without such a credential: it is nobody's, and taken over.
    context.records.identity_release(ask.identity, signed.account).await.map_err(|e| store_fault(&e))
}
