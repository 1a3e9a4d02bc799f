//! Signing in and out, and who it is that asks.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::accounts::{BeginSession, SayPassword, SessionReply, Visitor, WhichSessions};
use domain::account::{AGENT_MAX_BYTES, AccountAct, Email, SESSIONS_MAX, Secret, Session};
use domain::id::{AccountId, SessionId};
use domain::principal::{Principal, Proof, Signed};
use store::rows::{AccountRow, SessionRow};

use super::rows::{at_hand, change, find, touch};
use super::token::{Token, TokenKind};
use super::{Result, after, attempts, ended, second, signed, views};
use crate::clock::{ms, wall_ms};
use crate::run::RunContext;

/// A session that nobody used for so long is over.
pub const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// However much it is used, a session is over so long after it began.
pub const LONGEST: Duration = Duration::from_secs(14 * 24 * 3_600);
/// That a session is used is written down no more often than this.
const SEEN_EVERY: Duration = Duration::from_secs(5 * 60);

/// Whether a session goes on at a time. One that was used or began later than that goes on: a clock was set back.
fn alive(session: &SessionRow, now_ms: u64) -> bool {
    now_ms.saturating_sub(session.seen_ms) < ms(IDLE) && now_ms.saturating_sub(session.began_ms) < ms(LONGEST)
}

/// The session of an account that a token is for, if it goes on.
fn session_of<'a>(row: &'a AccountRow, token: &Token, now_ms: u64) -> Option<&'a SessionRow> {
    let session = row.sessions.iter().find(|session| session.session.0 == token.id)?;
    (token.is(&session.secret) && alive(session, now_ms)).then_some(session)
}

/// Who has a session's token.
///
/// # Errors
/// `session-ended` where nobody has, or no more.
pub async fn authenticate(context: &Arc<RunContext>, token: &Secret) -> Result<Principal> {
    let token = Token::parse(TokenKind::Session, token).ok_or_else(ended)?;
    let row = at_hand(context, token.account).await?.ok_or_else(ended)?;
    let (principal, due) = told(&row, &token, wall_ms()).ok_or_else(ended)?;
    if let Some(id) = due {
        let (context_then, account) = (context.clone(), row.account);
        // Nobody waits for it; where too much is being done already, a later request writes it.
        let _ = after(context, async move { seen(&context_then, account, id).await });
    }
    Ok(principal)
}

/// Who has a token of a session, by its account's row; and the session, if that it is used is to be written down.
fn told(row: &AccountRow, token: &Token, now_ms: u64) -> Option<(Principal, Option<SessionId>)> {
    let session = session_of(row, token, now_ms)?;
    let proof = Signed {
        account: row.account,
        session: session.session,
        role: row.role,
        confirmed: row.confirmed,
        proved_ms: session.proved_ms,
    };
    let due = now_ms.saturating_sub(session.seen_ms) >= ms(SEEN_EVERY);
    Some((Principal { tenant: row.tenant, proof: Proof::Session(proof) }, due.then_some(session.session)))
}

/// The same as [`authenticate`] from memory; `None` where that can't be said from there, or is to be refused.
pub(crate) fn at_once(context: &RunContext, token: &Secret) -> Option<Principal> {
    let token = Token::parse(TokenKind::Session, token)?;
    let (principal, due) = told(&*context.records.account_at_hand(token.account)?, &token, wall_ms())?;
    due.is_none().then_some(principal)
}

/// Writes down that a session is used, unless somebody just did.
async fn seen(context: &RunContext, account: AccountId, id: SessionId) -> Result<()> {
    let now_ms = wall_ms();
    let due = |session: &&mut SessionRow| {
        session.session == id && now_ms.saturating_sub(session.seen_ms) >= ms(SEEN_EVERY) && alive(session, now_ms)
    };
    touch(context, account, |row| {
        if let Some(session) = row.sessions.iter_mut().find(due) {
            session.seen_ms = now_ms;
        }
    })
    .await
}

/// A session to be, and its token.
pub(super) struct NewSession {
    pub(super) token: Token,
    pub(super) row: SessionRow,
}

impl NewSession {
    /// Draws one.
    pub(super) fn draw(account: AccountId, visitor: &Visitor) -> Result<Self> {
        let (token, now_ms) = (Token::draw(account)?, wall_ms());
        let mut agent: String = visitor.agent.chars().filter(|c| !c.is_control()).collect();
        agent.truncate(agent.floor_char_boundary(AGENT_MAX_BYTES));
        let row = SessionRow {
            session: SessionId(token.id),
            secret: token.digest(),
            began_ms: now_ms,
            seen_ms: now_ms,
            proved_ms: now_ms,
            agent,
            address: visitor.address.clone(),
        };
        Ok(Self { token, row })
    }

    /// Adds it to its account, in place of what is over, and of the one unused longest where there are too many.
    pub(super) fn add_to(&self, account: &mut AccountRow) {
        account.sessions.retain(|session| alive(session, self.row.began_ms) && session.session != self.row.session);
        while account.sessions.len() >= SESSIONS_MAX {
            let unused = account.sessions.iter().enumerate().min_by_key(|(_, session)| session.seen_ms);
            let Some((at, _)) = unused else { break };
            account.sessions.remove(at);
        }
        account.sessions.push(self.row.clone());
        // Who signs in wants to have it.
        account.leaving = None;
    }

    /// The answer to whoever it is for.
    pub(super) fn reply(&self, row: &AccountRow) -> SessionReply {
        SessionReply { token: self.token.text(TokenKind::Session), account: views::account(row) }
    }
}

/// What is said of a wrong password, and of an account that is not there.
pub(super) fn refused() -> Fault {
    Fault::new("sign-in-refused", "no account has this address and this password")
}

/// Signs somebody in.
///
/// # Errors
/// `sign-in-refused`, `second-factor-needed`, `second-factor-wrong`, `too-many-attempts`, `unavailable`.
pub async fn begin(context: &Arc<RunContext>, ask: &BeginSession) -> Result<SessionReply> {
    let (visitor, request) = (&ask.visitor, &ask.request);
    let email = Email::parse(&request.email);
    let typed = email.as_ref().map_or(request.email.as_str(), Email::as_str);
    attempts::password(context, typed, visitor).await?;
    let row = match &email {
        Some(email) => find(context, email).await?,
        None => None,
    };
    let phc = row.as_ref().and_then(AccountRow::password);
    let right = context.accounts.hashing.verify(&request.password, phc).await?;
    let Some(row) = row.filter(|_| right) else {
        if let Some(email) = email {
            note_refusal(context, email, visitor.clone());
        }
        return Err(refused());
    };
    second::prove(context, &row, request.code.as_ref(), visitor).await?;
    let session = NewSession::draw(row.account, visitor)?;
    let old = ask.instead_of.as_ref().and_then(|token| Token::parse(TokenKind::Session, token));
    let signed_in = change(context, row.account, &visitor.address, |now| {
        // The password that was right may be another one by now, or a code be needed.
        if !second::same(now, &row) {
            return Err(refused());
        }
        end_same(now, old.as_ref());
        session.add_to(now);
        Ok(Some(AccountAct::SignedIn { session: session.row.session }))
    });
    let signed_in = signed_in.await?;
    if let Some(old) = old.filter(|old| old.account != row.account) {
        end_other(context, &old, visitor).await;
    }
    Ok(session.reply(&signed_in))
}

/// Ends the session of the same browser, if it was this account's.
pub(super) fn end_same(row: &mut AccountRow, old: Option<&Token>) {
    if let Some(old) = old.filter(|old| old.account == row.account) {
        row.sessions.retain(|session| session.session.0 != old.id || !old.is(&session.secret));
    }
}

/// Ends the session of the same browser, if it was another account's: nobody has its token any more.
pub(super) async fn end_other(context: &RunContext, old: &Token, visitor: &Visitor) {
    let ending = change(context, old.account, &visitor.address, |row| {
        let before = row.sessions.len();
        end_same(row, Some(old));
        Ok((row.sessions.len() < before).then_some(AccountAct::SessionEnded { session: SessionId(old.id) }))
    });
    if let Err(fault) = ending.await {
        tracing::debug!(%fault, "a session that a browser dropped goes on until it is over");
    }
}

/// Writes down that somebody was refused: afterwards, for an address that nobody has gets no entry, and takes no time.
fn note_refusal(context: &Arc<RunContext>, email: Email, visitor: Visitor) {
    let then = context.clone();
    let noted = after(context, async move {
        let Some(row) = find(&then, &email).await? else { return Ok(()) };
        change(&then, row.account, &visitor.address, |_| Ok(Some(AccountAct::SignInRefused))).await.map(drop)
    });
    if let Err(fault) = noted {
        tracing::warn!(%fault, "a refused sign-in is missing from an account's log");
    }
}

/// Holds a password against an account's and against how often that may be tried, and then a code against its second
/// factor, where it has one. Whoever goes on from there makes sure that both are still the [`second::same`].
pub(super) async fn prove(
    context: &Arc<RunContext>,
    row: &AccountRow,
    (password, code): (&Secret, Option<&Secret>),
    visitor: &Visitor,
) -> Result<()> {
    attempts::password(context, &row.email, visitor).await?;
    if context.accounts.hashing.verify(password, row.password()).await? {
        return second::prove(context, row, code, visitor).await;
    }
    if let Some(email) = Email::parse(&row.email) {
        note_refusal(context, email, visitor.clone());
    }
    Err(Fault::new("password-wrong", "this is not the account's password"))
}

/// Says the password again: the session counts as signed in now.
///
/// # Errors
/// `password-wrong`, `second-factor-needed`, `second-factor-wrong`, `too-many-attempts`.
pub async fn say_password(context: &Arc<RunContext>, ask: &SayPassword) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let row = at_hand(context, signed.account).await?.ok_or_else(ended)?;
    prove(context, &row, (&ask.request.password, ask.request.code.as_ref()), &ask.visitor).await?;
    let proved = change(context, signed.account, &ask.visitor.address, |now| {
        if !second::same(now, &row) {
            return Err(ended());
        }
        let session = now.sessions.iter_mut().find(|session| session.session == signed.session).ok_or_else(ended)?;
        session.proved_ms = wall_ms();
        Ok(Some(AccountAct::SaidAgain { session: signed.session }))
    });
    proved.await.map(drop)
}

/// Ends sessions of the asker's account.
///
/// # Errors
/// `session-not-found` for one that the account has not.
pub async fn end(context: &RunContext, principal: &Principal, visitor: &Visitor, which: WhichSessions) -> Result<()> {
    let signed = signed(principal)?;
    let ended = change(context, signed.account, &visitor.address, |row| {
        let before = row.sessions.len();
        match which {
            WhichSessions::All => {
                row.sessions.clear();
                Ok(Some(AccountAct::SessionsEnded))
            }
            WhichSessions::One(id) => {
                row.sessions.retain(|session| session.session != id);
                match row.sessions.len() < before {
                    true => Ok(Some(AccountAct::SessionEnded { session: id })),
                    false => Err(Fault::new("session-not-found", "the account has no such session")),
                }
            }
        }
    });
    ended.await.map(drop)
}

/// The sessions of the asker's account that go on, the one used last first.
///
/// # Errors
/// `account-needed`, `session-ended`.
pub async fn list(context: &RunContext, principal: &Principal) -> Result<Vec<Session>> {
    let signed = signed(principal)?;
    let row = super::rows::read(context, signed.account).await?.ok_or_else(ended)?;
    let now_ms = wall_ms();
    let mut sessions: Vec<&SessionRow> = row.sessions.iter().filter(|session| alive(session, now_ms)).collect();
    sessions.sort_unstable_by_key(|session| std::cmp::Reverse((session.seen_ms, session.session)));
    Ok(sessions.iter().map(|session| view(session, Some(signed.session))).collect())
}

/// A session as its owner sees it.
pub(super) fn view(session: &SessionRow, current: Option<SessionId>) -> Session {
    Session {
        id: session.session,
        began_ms: session.began_ms,
        seen_ms: session.seen_ms,
        ends_ms: session.began_ms.saturating_add(ms(LONGEST)),
        agent: session.agent.clone(),
        address: session.address.clone(),
        current: Some(session.session) == current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(began_ms: u64, seen_ms: u64) -> SessionRow {
        let visitor = Visitor { address: "192.0.2.7".into(), agent: "é".repeat(AGENT_MAX_BYTES) };
        let row = NewSession::draw(AccountId(1), &visitor).unwrap().row;
        assert!(row.agent.len() <= AGENT_MAX_BYTES && row.agent.starts_with('é'));
        SessionRow { began_ms, seen_ms, ..row }
    }

    #[test]
    fn a_session_ends_when_it_was_idle_or_went_on_for_too_long() {
        let (idle, longest) = (ms(IDLE), ms(LONGEST));
        assert!(alive(&session(0, 0), idle - 1));
        assert!(!alive(&session(0, 0), idle));
        assert!(alive(&session(0, longest - 2), longest - 1));
        assert!(!alive(&session(0, longest - 1), longest));
        assert!(alive(&session(500, 500), 3), "the clock was set back");
    }

    #[test]
    fn one_session_more_ends_the_one_unused_longest() {
        let now_ms = wall_ms();
        let mut row = store::conformance::account_row();
        row.sessions = (0..SESSIONS_MAX as u64).map(|n| session(now_ms, now_ms + n)).collect();
        row.sessions.rotate_left(5);
        let unused = row.sessions.iter().min_by_key(|s| s.seen_ms).unwrap().session;
        let new = NewSession::draw(row.account, &Visitor { address: String::new(), agent: String::new() }).unwrap();
        new.add_to(&mut row);
        new.add_to(&mut row);
        assert_eq!(row.sessions.len(), SESSIONS_MAX);
        assert!(row.sessions.iter().all(|s| s.session != unused));
        assert_eq!(row.sessions.iter().filter(|s| s.session == new.row.session).count(), 1, "once, however often");
    }
}
