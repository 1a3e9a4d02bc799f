//! The second factor: turned on and off, and held against what somebody says.
//!
//! A code is taken by a compare-and-set of its own, before whatever it is said for: the step that it was for is used up
//! whatever comes of that, so of two who say one code one gets on.

use std::time::Duration;

use cluster::body::Fault;
use cluster::body::accounts::Visitor;
use cluster::body::credentials::{
    BeginSecondFactor, ConfirmSecondFactor, RemoveSecondFactor, RenewRecoveryCodes, SecondFactorBegun,
};
use domain::account::{AccountAct, Secret};
use domain::id::{AccountId, SessionId};
use domain::principal::Principal;
use domain::second_factor::SecondFactor;
use store::Keyring;
use store::rows::{AccountRow, SecondFactorRow};
use subtle::ConstantTimeEq as _;

use super::letters::Letter;
use super::rows::{change, read};
use super::token::code_digest;
use super::totp::{AppSecret, app_code, draw_recovery};
use super::{Result, attempts, ended, signed, tell, unconfirmed};
use crate::clock::{ms, wall_ms};
use crate::run::RunContext;

/// How long an app may take to learn its secret.
const BEGUN_VALID: Duration = Duration::from_secs(15 * 60);
/// Wrong codes in a row that are taken as they come.
const WRONG_MAX: u32 = 10;
/// Beyond them, one code of an app is looked at in so long: of a million codes three are good at a time, so whoever has
/// the password guesses one in 38 years on average.
const WRONG_PAUSE: Duration = Duration::from_secs(3_600);

fn is_on(factor: &&SecondFactorRow) -> bool {
    factor.on_ms.is_some()
}

fn needed() -> Fault {
    Fault::new("second-factor-needed", "say a code of your authenticator app too, or one to recover with")
}

fn wrong() -> Fault {
    let detail = "this code is wrong, or was used: wait for the app's next one, and see that its clock is right";
    Fault::new("second-factor-wrong", detail)
}

fn off() -> Fault {
    Fault::new("second-factor-off", "the account has no second factor")
}

/// What a code is worth.
enum Held {
    /// It was right: the factor since, and what is written down of it.
    Right(SecondFactorRow, AccountAct),
    /// It was not: the factor since.
    Wrong(SecondFactorRow),
    /// It is not looked at before so many milliseconds are over.
    Later(u64),
}

/// Holds a code against a factor that is on.
fn hold(keys: &Keyring, account: AccountId, factor: &SecondFactorRow, code: &Secret, now_ms: u64) -> Result<Held> {
    let rest = SecondFactorRow { wrong: 0, ..factor.clone() };
    let wrong_ago = now_ms.saturating_sub(factor.wrong_ms);
    let too_many = factor.wrong >= WRONG_MAX && wrong_ago < ms(WRONG_PAUSE);
    match app_code(code) {
        Some(_) if too_many => return Ok(Held::Later(ms(WRONG_PAUSE) - wrong_ago)),
        Some(code) => {
            // A secret whose key was dropped has no codes: those to recover with are left.
            if let Some((secret, is_newest)) = AppSecret::open(keys, account, &factor.sealed)
                && let Some(step) = secret.step_of(&code, now_ms).filter(|step| *step > factor.last_step)
            {
                let sealed = if is_newest { rest.sealed.clone() } else { secret.seal(keys, account)? };
                return Ok(Held::Right(SecondFactorRow { sealed, last_step: step, ..rest }, AccountAct::CodeTaken));
            }
        }
        None => {
            let said = code_digest(code);
            if let Some(at) = factor.recovery.iter().position(|kept| kept.ct_eq(&said).into()) {
                let mut recovery = rest.recovery.clone();
                recovery.remove(at);
                let left = u32::try_from(recovery.len()).unwrap_or(u32::MAX);
                return Ok(Held::Right(SecondFactorRow { recovery, ..rest }, AccountAct::RecoveryCodeTaken { left }));
            }
        }
    }
    let wrong = factor.wrong.saturating_add(1);
    Ok(Held::Wrong(SecondFactorRow { wrong, wrong_ms: now_ms, ..factor.clone() }))
}

/// Holds a code against an account's second factor, where it has one, and uses it up. What comes before, such as the
/// password, must have been right: whoever did not know that is told nothing of this.
///
/// # Errors
/// `second-factor-needed`, `second-factor-wrong`, `too-many-attempts`.
pub(super) async fn prove(
    context: &RunContext,
    row: &AccountRow,
    code: Option<&Secret>,
    visitor: &Visitor,
) -> Result<()> {
    if row.second_factor().filter(is_on).is_none() {
        return Ok(());
    }
    let code = code.filter(|code| !code.0.trim().is_empty()).ok_or_else(needed)?;
    let held = change(context, row.account, &visitor.address, |now| {
        let Some(factor) = now.second_factor().filter(is_on) else { return Ok(None) };
        let (factor, act) = match hold(&context.keys, now.account, factor, code, wall_ms())? {
            Held::Right(factor, act) => (factor, act),
            Held::Wrong(factor) => (factor, AccountAct::CodeRefused),
            Held::Later(wait_ms) => {
                let detail = format!("too many wrong codes: try again in {} s", wait_ms.div_ceil(1_000));
                let wait_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
                return Err(Fault::new("too-many-attempts", detail).retry_after(wait_ms));
            }
        };
        now.set_second_factor(Some(factor));
        Ok(Some(act))
    });
    match held.await?.second_factor() {
        Some(factor) if factor.wrong > 0 => Err(wrong()),
        _ => Ok(()),
    }
}

/// Whether what somebody has proved of an account's row still holds of a later one: the same password, and the same
/// second factor.
pub(super) fn same(now: &AccountRow, proved: &AccountRow) -> bool {
    let since = |row: &AccountRow| row.second_factor().and_then(|factor| factor.on_ms);
    now.password() == proved.password() && since(now) == since(proved)
}

/// Ends every session but one, which must go on.
fn end_others(row: &mut AccountRow, own: SessionId) -> Result<()> {
    row.sessions.retain(|session| session.session == own);
    if row.sessions.is_empty() { Err(ended()) } else { Ok(()) }
}

/// How the second factor of the asker's account stands.
///
/// # Errors
/// `account-needed`, `session-ended`.
pub async fn stands(context: &RunContext, principal: &Principal) -> Result<SecondFactor> {
    let row = read(context, signed(principal)?.account).await?.ok_or_else(ended)?;
    let on = row.second_factor().filter(is_on);
    Ok(SecondFactor {
        on: on.is_some(),
        since_ms: on.and_then(|factor| factor.on_ms),
        recovery_codes_left: on.map_or(0, |factor| u32::try_from(factor.recovery.len()).unwrap_or(u32::MAX)),
    })
}

/// Draws a secret for an authenticator app of the asker's, in place of one that was never confirmed.
///
/// # Errors
/// `account-needed`, `address-unconfirmed`, `second-factor-on`.
pub async fn begin(context: &RunContext, ask: &BeginSecondFactor) -> Result<SecondFactorBegun> {
    let account = signed(&ask.principal)?.account;
    let secret = AppSecret::draw()?;
    let sealed = secret.seal(&context.keys, account)?;
    let begun = change(context, account, &ask.visitor.address, |row| {
        if !row.confirmed {
            return Err(unconfirmed());
        }
        if row.second_factor().filter(is_on).is_some() {
            return Err(Fault::new("second-factor-on", "turn the second factor off first, to have another app"));
        }
        row.set_second_factor(Some(SecondFactorRow {
            sealed: sealed.clone(),
            begun_ms: wall_ms(),
            on_ms: None,
            last_step: 0,
            recovery: Vec::new(),
            wrong: 0,
            wrong_ms: 0,
        }));
        Ok(Some(AccountAct::SecondFactorBegun))
    });
    let (secret, uri) = secret.told(&begun.await?.email)?;
    Ok(SecondFactorBegun { secret, uri })
}

/// Turns the second factor on by a code of the app, and ends every other session. Codes to recover with, shown once.
///
/// # Errors
/// `account-needed`, `second-factor-off` where none was begun, or too long ago; `second-factor-on`,
/// `second-factor-wrong`, `too-many-attempts`, `session-ended`.
pub async fn confirm(context: &RunContext, ask: &ConfirmSecondFactor) -> Result<Vec<Secret>> {
    let signed = signed(&ask.principal)?;
    attempts::secret(context, &ask.visitor).await?;
    let code = app_code(&ask.request.code).ok_or_else(wrong)?;
    let (codes, digests) = draw_recovery()?;
    let confirmed = change(context, signed.account, &ask.visitor.address, |row| {
        let now_ms = wall_ms();
        let factor = row.second_factor().ok_or_else(off)?.clone();
        if factor.on_ms.is_some() {
            return Err(Fault::new("second-factor-on", "the second factor is on already"));
        }
        if now_ms.saturating_sub(factor.begun_ms) >= ms(BEGUN_VALID) {
            return Err(off());
        }
        let (secret, _) = AppSecret::open(&context.keys, row.account, &factor.sealed).ok_or_else(off)?;
        let last_step = secret.step_of(&code, now_ms).ok_or_else(wrong)?;
        end_others(row, signed.session)?;
        let recovery = digests.clone();
        row.set_second_factor(Some(SecondFactorRow { on_ms: Some(now_ms), last_step, recovery, ..factor }));
        Ok(Some(AccountAct::SecondFactorOn))
    });
    tell(context, &confirmed.await?, Letter::SecondFactorOn);
    Ok(codes)
}

/// Turns the second factor off by a code of it, and ends every other session.
///
/// # Errors
/// `account-needed`, `second-factor-off`, `second-factor-wrong`, `too-many-attempts`, `session-ended`.
pub async fn remove(context: &RunContext, ask: &RemoveSecondFactor) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let row = said(context, signed.account, &ask.request.code, &ask.visitor).await?;
    let removed = change(context, signed.account, &ask.visitor.address, |now| {
        if !same(now, &row) {
            return Err(ended());
        }
        end_others(now, signed.session)?;
        now.set_second_factor(None);
        Ok(Some(AccountAct::SecondFactorOff))
    });
    tell(context, &removed.await?, Letter::SecondFactorOff);
    Ok(())
}

/// Draws other codes to recover with, by a code of the second factor. Those before are worth nothing from now on.
///
/// # Errors
/// As [`remove`].
pub async fn renew(context: &RunContext, ask: &RenewRecoveryCodes) -> Result<Vec<Secret>> {
    let signed = signed(&ask.principal)?;
    let row = said(context, signed.account, &ask.request.code, &ask.visitor).await?;
    let (codes, digests) = draw_recovery()?;
    let renewed = change(context, signed.account, &ask.visitor.address, |now| {
        if !same(now, &row) {
            return Err(ended());
        }
        let factor = now.second_factor().ok_or_else(off)?.clone();
        now.set_second_factor(Some(SecondFactorRow { recovery: digests.clone(), ..factor }));
        Ok(Some(AccountAct::RecoveryCodesRenewed))
    });
    renewed.await?;
    Ok(codes)
}

/// The account whose second factor somebody has just said a code of.
async fn said(context: &RunContext, account: AccountId, code: &Secret, visitor: &Visitor) -> Result<AccountRow> {
    attempts::secret(context, visitor).await?;
    let row = read(context, account).await?.ok_or_else(ended)?;
    row.second_factor().filter(is_on).ok_or_else(off)?;
    prove(context, &row, Some(code), visitor).await?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(7);
    const NOW_MS: u64 = 1_700_000_000_000;

    /// A factor that is on, sealed under `keys`, and the code that its app says now.
    fn factor(keys: &Keyring) -> (SecondFactorRow, Secret) {
        let secret = AppSecret::draw().unwrap();
        let code = (0..1_000_000).map(|n| format!("{n:06}")).find(|code| secret.step_of(code, NOW_MS).is_some());
        let row = SecondFactorRow {
            sealed: secret.seal(keys, ACCOUNT).unwrap(),
            begun_ms: 0,
            on_ms: Some(1),
            last_step: 0,
            recovery: vec![code_digest(&Secret("ABC-DEF".into()))],
            wrong: 0,
            wrong_ms: 0,
        };
        (row, Secret(code.unwrap()))
    }

    #[test]
    fn after_a_rotation_a_code_seals_the_secret_anew_and_without_its_key_recovery_is_left() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let ring = |text: &str| Keyring::from_text(text).unwrap();
        let (row, code) = factor(&ring(&old));
        let held = hold(&ring(&format!("{new} {old}")), ACCOUNT, &row, &code, NOW_MS).unwrap();
        let Held::Right(since, AccountAct::CodeTaken) = held else { panic!("refused") };
        assert!(AppSecret::open(&ring(&new), ACCOUNT, &since.sealed).is_some(), "the older key can be dropped now");
        assert!(since.last_step > 0);
        let dropped = ring(&new);
        assert!(matches!(hold(&dropped, ACCOUNT, &row, &code, NOW_MS).unwrap(), Held::Wrong(_)));
        let recovery = Secret("abc def".into());
        let held = hold(&dropped, ACCOUNT, &row, &recovery, NOW_MS).unwrap();
        assert!(matches!(held, Held::Right(_, AccountAct::RecoveryCodeTaken { left: 0 })));
    }

    #[test]
    fn one_accounts_secret_is_worth_nothing_in_anothers_row() {
        let keys = Keyring::generate().unwrap();
        let (row, code) = factor(&keys);
        assert!(matches!(hold(&keys, ACCOUNT, &row, &code, NOW_MS).unwrap(), Held::Right(..)));
        assert!(matches!(hold(&keys, AccountId(8), &row, &code, NOW_MS).unwrap(), Held::Wrong(_)));
    }
}
