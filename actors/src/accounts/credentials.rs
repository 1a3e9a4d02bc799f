//! Passwords and addresses that change.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::accounts::{AskAddress, AskReset, ChangePassword, ResetPassword, SessionReply};
use domain::account::AccountAct;
use store::rows::{AccountRow, Credential, LinkPurpose};

use super::joining::{CONFIRM_VALID, address, link_of, no_link, put_link};
use super::letters::Letter;
use super::rows::{at_hand, change, find, read};
use super::sessions::{NewSession, prove};
use super::token::{Token, TokenKind};
use super::{Result, after, attempts, ended, second, send, signed};
use crate::clock::wall_ms;
use crate::run::RunContext;

/// How long another password can be set by a mailed link.
const RESET_VALID: Duration = Duration::from_secs(3_600);

fn set_password(row: &mut AccountRow, phc: &str) {
    row.credentials.retain(|credential| !matches!(credential, Credential::Password { .. }));
    row.credentials.push(Credential::Password { phc: phc.to_owned(), set_ms: wall_ms() });
}

/// Tells an account's owner that the password is another one.
fn tell_changed(context: &Arc<RunContext>, row: &AccountRow) {
    let (then, email, language) = (context.clone(), row.email.clone(), row.language);
    let told = after(context, async move {
        send(&then, &Letter::PasswordChanged, &email, language).await;
        Ok(())
    });
    if let Err(fault) = told {
        tracing::warn!(%fault, "nobody was told of a changed password");
    }
}

/// Mails a link to set another password, if an account has this address. That is looked at after the answer.
///
/// # Errors
/// `bad-email`, `too-many-attempts`, `unavailable`.
pub async fn ask_reset(context: &Arc<RunContext>, ask: &AskReset) -> Result<()> {
    let email = address(&ask.request.email)?;
    attempts::mail(context, email.as_str(), &ask.visitor).await?;
    let (then, visitor) = (context.clone(), ask.visitor.clone());
    after(context, async move {
        let Some(row) = find(&then, &email).await? else { return Ok(()) };
        let token = Token::draw(row.account)?;
        change(&then, row.account, &visitor.address, |now| {
            put_link(now, &token, LinkPurpose::Reset, &email, RESET_VALID);
            Ok(Some(AccountAct::ResetAsked))
        })
        .await?;
        send(&then, &Letter::Reset(&token.text(TokenKind::Link)), email.as_str(), row.language).await;
        Ok(())
    })
}

/// Sets another password by a mailed link. Who reads the address' mail has it: it is confirmed, and everybody is signed
/// out.
///
/// # Errors
/// `mailed-link-invalid`, `password-weak`, `too-many-attempts`.
pub async fn reset(context: &Arc<RunContext>, ask: &ResetPassword) -> Result<()> {
    attempts::secret(context, &ask.visitor).await?;
    let token = Token::parse(TokenKind::Link, &ask.request.token).ok_or_else(no_link)?;
    let row = read(context, token.account).await?.ok_or_else(no_link)?;
    let is_reset = |row: &AccountRow| link_of(row, &token).is_some_and(|link| link.purpose == LinkPurpose::Reset);
    if !is_reset(&row) {
        return Err(no_link());
    }
    let about = [row.email.as_str(), &row.name];
    let phc = context.accounts.hashing.hash(&ask.request.password, &about).await?;
    let set = change(context, row.account, &ask.visitor.address, |now| {
        if !is_reset(now) {
            return Err(no_link());
        }
        // The link was mailed to the address that the account had when it was asked for.
        now.confirmed |= link_of(now, &token).is_some_and(|link| link.email == now.email);
        set_password(now, &phc);
        now.sessions.clear();
        now.links.clear();
        Ok(Some(AccountAct::PasswordReset))
    });
    tell_changed(context, &set.await?);
    Ok(())
}

/// Sets another password, knowing the one so far: a session of its own begins, and every other one ends.
///
/// # Errors
/// `password-wrong`, `second-factor-needed`, `second-factor-wrong`, `password-weak`, `too-many-attempts`.
pub async fn change_password(context: &Arc<RunContext>, ask: &ChangePassword) -> Result<SessionReply> {
    let signed = signed(&ask.principal)?;
    let row = at_hand(context, signed.account).await?.ok_or_else(ended)?;
    prove(context, &row, (&ask.request.current, ask.request.code.as_ref()), &ask.visitor).await?;
    let about = [row.email.as_str(), &row.name];
    let phc = context.accounts.hashing.hash(&ask.request.password, &about).await?;
    let session = NewSession::draw(row.account, &ask.visitor)?;
    let changed = change(context, row.account, &ask.visitor.address, |now| {
        if !second::same(now, &row) {
            return Err(ended());
        }
        set_password(now, &phc);
        now.sessions.clear();
        now.links.clear();
        session.add_to(now);
        Ok(Some(AccountAct::PasswordChanged))
    });
    let changed = changed.await?;
    tell_changed(context, &changed);
    Ok(session.reply(&changed))
}

/// Mails a link to another address that makes it the account's, and warns the one so far. Whether another account has
/// it is looked at after the answer.
///
/// # Errors
/// `bad-email`, `too-many-attempts`, `unavailable`.
pub async fn ask_address(context: &Arc<RunContext>, ask: &AskAddress) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let email = address(&ask.request.email)?;
    let row = at_hand(context, signed.account).await?.ok_or_else(ended)?;
    attempts::mail(context, email.as_str(), &ask.visitor).await?;
    let (then, visitor) = (context.clone(), ask.visitor.clone());
    after(context, async move {
        if find(&then, &email).await?.is_some_and(|other| other.confirmed) {
            // Its owner learns that somebody typed it, and whoever typed it learns nothing.
            send(&then, &Letter::Known, email.as_str(), row.language).await;
            return Ok(());
        }
        let token = Token::draw(row.account)?;
        change(&then, row.account, &visitor.address, |now| {
            put_link(now, &token, LinkPurpose::ChangeAddress, &email, CONFIRM_VALID);
            Ok(Some(AccountAct::AddressAsked { email: email.as_str().to_owned() }))
        })
        .await?;
        send(&then, &Letter::NewAddress(&token.text(TokenKind::Link)), email.as_str(), row.language).await;
        if row.confirmed {
            send(&then, &Letter::AddressAsked, &row.email, row.language).await;
        }
        Ok(())
    })
}
