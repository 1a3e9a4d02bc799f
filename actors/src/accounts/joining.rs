//! Claiming the node, signing up, and following the links that are mailed for it.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::accounts::{ClaimNode, ConfirmAgain, FollowLink, SessionReply, SignUpAccount, Visitor};
use domain::account::{AccountAct, Email, PERSON_NAME_MAX_CHARS, SystemRole};
use domain::id::{AccountId, TenantId};
use domain::language::Language;
use store::Cas;
use store::rows::{AccountRow, Credential, EmailRow, LinkPurpose, MailedLink, SiteRow};

use super::letters::Letter;
use super::rows::{MAX_TRIES, at_hand, busy, change, event, find, read};
use super::sessions::{NewSession, prove};
use super::token::{Token, TokenKind, same_code};
use super::{Result, after, attempts, ended, second, send, signed, unclaim};
use crate::clock::{ms, wall_ms};
use crate::run::RunContext;
use crate::store_fault;

/// How long an address can be confirmed.
pub(super) const CONFIRM_VALID: Duration = Duration::from_secs(24 * 3_600);

/// The address in what somebody typed.
pub(super) fn address(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Fault::new("bad-email", "this is no mail address, such as anna@example.org"))
}

/// The name in what somebody typed.
pub(super) fn person(text: &str) -> Result<String> {
    let name = text.trim();
    let fits = (1..=PERSON_NAME_MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let bad = || Fault::new("bad-name", format!("a name is one line of 1 to {PERSON_NAME_MAX_CHARS} characters"));
    fits.then(|| name.to_owned()).ok_or_else(bad)
}

/// An account to be, apart from what makes it somebody's.
struct Newcomer {
    email: Email,
    name: String,
    language: Language,
    phc: String,
}

impl Newcomer {
    fn row(&self, account: AccountId, tenant: TenantId) -> AccountRow {
        let now_ms = wall_ms();
        AccountRow {
            account,
            version: 0,
            tenant,
            email: self.email.as_str().to_owned(),
            confirmed: false,
            name: self.name.clone(),
            language: self.language,
            role: SystemRole::User,
            created_ms: now_ms,
            credentials: vec![Credential::Password { phc: self.phc.clone(), set_ms: now_ms }],
            sessions: Vec::new(),
            links: Vec::new(),
            leaving: None,
            avatar: None,
            export: None,
        }
    }
}

pub(super) fn new_account() -> AccountId {
    AccountId(uuid::Uuid::now_v7().as_u128())
}

/// Makes the node's first account: an admin, to whom belongs what was made here so far. From then on whoever sits at
/// the machine is trusted no more.
///
/// # Errors
/// `claimed-already`, `claim-code-wrong`, `too-many-attempts`, `bad-email`, `bad-name`, `password-weak`.
pub async fn claim(context: &RunContext, ask: &ClaimNode) -> Result<SessionReply> {
    let (visitor, request) = (&ask.visitor, &ask.request);
    attempts::secret(context, visitor).await?;
    let _one = context.accounts.claiming.lock().await;
    let claimed = || Fault::new("claimed-already", "this node has its first account: sign in, or sign up");
    if *context.accounts.claimed.borrow() {
        return Err(claimed());
    }
    if !same_code(&request.code, &context.accounts.policy.claim_code) {
        let detail = "this is not the code that the node printed when it started; each start draws another one";
        return Err(Fault::new("claim-code-wrong", detail));
    }
    let (email, name) = (address(&request.email)?, person(&request.name)?);
    let phc = context.accounts.hashing.hash(&request.password, &[email.as_str(), &name]).await?;
    let newcomer = Newcomer { email, name, language: request.language.unwrap_or(Language::En), phc };
    // The node's row first: of two cores that are claimed at once, one is.
    let store = |e| store_fault(&e);
    let (site, account) = (context.records.site_get().await.map_err(store)?, new_account());
    if site.claimed.is_some() {
        return Err(claimed());
    }
    let row = SiteRow { claimed: Some((account, wall_ms())), ..site.clone() };
    let site = match context.records.site_update(row.clone(), site.version).await.map_err(store)? {
        Cas::Applied(site) => site,
        Cas::Conflict(_) => return Err(claimed()),
        Cas::Unknown(error) => match context.records.site_get().await.map_err(store)? {
            there if there.claimed == row.claimed => there,
            _ => return Err(store_fault(&error)),
        },
    };
    match first_account(context, &newcomer, account, visitor).await {
        Ok(reply) => {
            context.accounts.claimed.send_replace(true);
            tracing::info!("the node has its first account: whoever sits at the machine is trusted no more");
            Ok(reply)
        }
        Err(fault) => {
            // If this fails too, the next start takes it back.
            if let Err(fault) = unclaim(context, &site).await {
                tracing::warn!(%fault, "the node can be claimed after its next start");
            }
            Err(fault)
        }
    }
}

/// The address, then the account: what was left on the way by an earlier try is taken over.
async fn first_account(
    context: &RunContext,
    newcomer: &Newcomer,
    account: AccountId,
    visitor: &Visitor,
) -> Result<SessionReply> {
    let store = |e| store_fault(&e);
    let email = newcomer.email.as_str();
    let version = context.records.email_get(email).await.map_err(store)?.map_or(0, |row| row.version);
    let row = EmailRow { email: email.to_owned(), version: 0, account };
    if !matches!(context.records.email_claim(row, version).await.map_err(store)?, Cas::Applied(_)) {
        return Err(busy());
    }
    let session = NewSession::draw(account, visitor)?;
    // Who reads what the node prints vouches for the address.
    let mut row = AccountRow { confirmed: true, role: SystemRole::Admin, ..newcomer.row(account, TenantId::LOCAL) };
    session.add_to(&mut row);
    let claimed = Some(event(&visitor.address, AccountAct::Claimed));
    match context.records.account_insert(row.clone(), claimed).await.map_err(store)? {
        Cas::Applied(row) => Ok(session.reply(&row)),
        Cas::Conflict(_) => Err(busy()),
        Cas::Unknown(error) => match read(context, account).await? {
            Some(row) => Ok(session.reply(&row)),
            None => Err(store_fault(&error)),
        },
    }
}

/// Takes somebody's wish to have an account. Whether their address has one already is looked at after the answer.
///
/// # Errors
/// `claim-needed` while the node has no first account; `too-many-attempts`, `bad-email`, `bad-name`, `password-weak`,
/// `unavailable`.
pub async fn sign_up(context: &Arc<RunContext>, ask: &SignUpAccount) -> Result<()> {
    let (visitor, request) = (ask.visitor.clone(), &ask.request);
    if !*context.accounts.claimed.borrow() {
        let detail = "this node has no first account yet: it is made with the code that the node printed at its start";
        return Err(Fault::new("claim-needed", detail));
    }
    let (email, name) = (address(&request.email)?, person(&request.name)?);
    attempts::secret(context, &visitor).await?;
    let phc = context.accounts.hashing.hash(&request.password, &[email.as_str(), &name]).await?;
    // Only now: who tries one weak password after the other has asked for no mail yet.
    attempts::mail(context, email.as_str(), &visitor).await?;
    let newcomer = Newcomer { email, name, language: request.language.unwrap_or(Language::En), phc };
    let then = context.clone();
    after(context, async move { join(&then, &newcomer, &visitor).await })
}

/// Makes an account, or finds that there is one, and writes to its address which of them.
async fn join(context: &RunContext, newcomer: &Newcomer, visitor: &Visitor) -> Result<()> {
    let (email, language) = (newcomer.email.as_str(), newcomer.language);
    for _ in 0..MAX_TRIES {
        let whose = context.records.email_get(email).await.map_err(|e| store_fault(&e))?;
        let there = match &whose {
            Some(row) => read(context, row.account).await?.filter(|row| row.email == email),
            None => None,
        };
        let token = match there {
            Some(row) if row.confirmed => {
                send(context, &Letter::Known, email, row.language).await;
                return Ok(());
            }
            Some(row) => again(context, newcomer, &row, visitor).await?,
            None => anew(context, newcomer, whose.map_or(0, |row| row.version), visitor).await?,
        };
        if let Some(token) = token {
            send(context, &Letter::Confirm(&token.text(TokenKind::Link)), email, language).await;
            return Ok(());
        }
    }
    Err(busy())
}

/// Signs up anew with an address that was never confirmed: it is nobody's yet. `None` if it was confirmed meanwhile.
async fn again(
    context: &RunContext,
    newcomer: &Newcomer,
    row: &AccountRow,
    visitor: &Visitor,
) -> Result<Option<Token>> {
    let token = Token::draw(row.account)?;
    let fresh = newcomer.row(row.account, row.tenant);
    let changed = change(context, row.account, &visitor.address, |now| {
        if now.confirmed {
            return Ok(None);
        }
        (now.name, now.language) = (fresh.name.clone(), fresh.language);
        now.credentials.clone_from(&fresh.credentials);
        now.sessions.clear();
        put_link(now, &token, LinkPurpose::Confirm, &newcomer.email, CONFIRM_VALID);
        Ok(Some(AccountAct::SignedUp))
    });
    Ok((!changed.await?.confirmed).then_some(token))
}

/// Makes an account with an address that none has. `None` if somebody was faster.
async fn anew(context: &RunContext, newcomer: &Newcomer, expected: u64, visitor: &Visitor) -> Result<Option<Token>> {
    let store = |e| store_fault(&e);
    let account = new_account();
    let claim = EmailRow { email: newcomer.email.as_str().to_owned(), version: 0, account };
    if !matches!(context.records.email_claim(claim, expected).await.map_err(store)?, Cas::Applied(_)) {
        return Ok(None);
    }
    let token = Token::draw(account)?;
    let mut row = newcomer.row(account, TenantId(uuid::Uuid::new_v4().as_u128()));
    put_link(&mut row, &token, LinkPurpose::Confirm, &newcomer.email, CONFIRM_VALID);
    let signed_up = Some(event(&visitor.address, AccountAct::SignedUp));
    let inserted = context.records.account_insert(row, signed_up).await.map_err(store)?;
    Ok(matches!(inserted, Cas::Applied(_)).then_some(token))
}

/// Gives an account a link, in place of an earlier one of its kind.
pub(super) fn put_link(row: &mut AccountRow, token: &Token, purpose: LinkPurpose, to: &Email, valid: Duration) {
    let expires_ms = wall_ms().saturating_add(ms(valid));
    row.links.retain(|link| link.purpose != purpose);
    row.links.push(MailedLink { purpose, secret: token.digest(), email: to.as_str().to_owned(), expires_ms });
}

/// What is said of a link that never was, was followed, was replaced or is too old.
pub(super) fn no_link() -> Fault {
    Fault::new("mailed-link-invalid", "this link was followed before, is too old, or a newer one was mailed")
}

/// The link of an account that a token is for, if it can be followed.
pub(super) fn link_of<'a>(row: &'a AccountRow, token: &Token) -> Option<&'a MailedLink> {
    let now_ms = wall_ms();
    row.links.iter().find(|link| token.is(&link.secret) && now_ms < link.expires_ms)
}

/// Does what a mailed link is for, confirms an address or changes it, for whoever has the account's password too; and
/// signs them in.
///
/// # Errors
/// `mailed-link-invalid`, `password-wrong`, `second-factor-needed`, `second-factor-wrong`, `too-many-attempts`.
pub async fn follow_link(context: &Arc<RunContext>, ask: &FollowLink) -> Result<SessionReply> {
    let visitor = &ask.visitor;
    attempts::secret(context, visitor).await?;
    let token = Token::parse(TokenKind::Link, &ask.request.token).ok_or_else(no_link)?;
    let row = read(context, token.account).await?.ok_or_else(no_link)?;
    let link = link_of(&row, &token).filter(|link| link.purpose != LinkPurpose::Reset).ok_or_else(no_link)?;
    prove(context, &row, (&ask.request.password, ask.request.code.as_ref()), visitor).await?;
    let session = NewSession::draw(row.account, visitor)?;
    let moves = link.purpose == LinkPurpose::ChangeAddress;
    if moves {
        take_address(context, &row, &link.email).await?;
    } else if find(context, &address(&row.email)?).await?.is_none_or(|owner| owner.account != row.account) {
        // Two signed up at once, and the other one has the address.
        return Err(no_link());
    }
    let followed = change(context, row.account, &visitor.address, |now| {
        let link = link_of(now, &token).ok_or_else(no_link)?.clone();
        if !second::same(now, &row) {
            return Err(no_link());
        }
        let before = std::mem::replace(&mut now.email, link.email.clone());
        now.confirmed = true;
        now.links.clear();
        session.add_to(now);
        Ok(Some(match link.purpose {
            LinkPurpose::ChangeAddress => AccountAct::AddressChanged { before, email: link.email },
            LinkPurpose::Confirm | LinkPurpose::Reset => AccountAct::Confirmed,
        }))
    });
    let followed = followed.await?;
    if moves {
        leave_address(context, &row);
    }
    Ok(session.reply(&followed))
}

/// Makes an address an account's, unless another account has it and has confirmed it.
async fn take_address(context: &RunContext, row: &AccountRow, email: &str) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let whose = context.records.email_get(email).await.map_err(|e| store_fault(&e))?;
        if let Some(owner) = &whose {
            if owner.account == row.account {
                return Ok(());
            }
            let other = read(context, owner.account).await?;
            if other.is_some_and(|other| other.email == email && other.confirmed) {
                return Err(no_link());
            }
        }
        let claim = EmailRow { email: email.to_owned(), version: 0, account: row.account };
        let expected = whose.map_or(0, |owner| owner.version);
        if let Cas::Applied(_) = context.records.email_claim(claim, expected).await.map_err(|e| store_fault(&e))? {
            return Ok(());
        }
    }
    Err(busy())
}

/// Leaves the address that an account had before, and tells whoever reads its mail.
fn leave_address(context: &Arc<RunContext>, row: &AccountRow) {
    let (then, row) = (context.clone(), row.clone());
    let left = after(context, async move {
        then.records.email_release(&row.email, row.account).await.map_err(|e| store_fault(&e))?;
        if row.confirmed {
            send(&then, &Letter::AddressChanged, &row.email, row.language).await;
        }
        Ok(())
    });
    if let Err(fault) = left {
        // It names an account with another address: whoever wants it takes it over.
        tracing::warn!(%fault, "the address before was not told");
    }
}

/// Mails a link to confirm the asker's address once more; nothing, if it is confirmed.
///
/// # Errors
/// `too-many-attempts`, `unavailable`.
pub async fn confirm_again(context: &Arc<RunContext>, ask: &ConfirmAgain) -> Result<()> {
    let signed = signed(&ask.principal)?;
    let row = at_hand(context, signed.account).await?.ok_or_else(ended)?;
    if row.confirmed {
        return Ok(());
    }
    attempts::mail(context, &row.email, &ask.visitor).await?;
    let email = address(&row.email)?;
    let then = context.clone();
    after(context, async move {
        let token = Token::draw(signed.account)?;
        let changed = change(&then, signed.account, "", |now| {
            put_link(now, &token, LinkPurpose::Confirm, &email, CONFIRM_VALID);
            Ok((!now.confirmed).then_some(AccountAct::ConfirmAsked))
        });
        if !changed.await?.confirmed {
            send(&then, &Letter::Confirm(&token.text(TokenKind::Link)), email.as_str(), row.language).await;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(person("  Anna Lamp ").unwrap(), "Anna Lamp");
        for bad in ["", "   ", "a\nb", "a\u{7}b", &"é".repeat(PERSON_NAME_MAX_CHARS + 1)] {
            assert_eq!(person(bad).unwrap_err().code, "bad-name", "{bad:?}");
        }
    }

    #[test]
    fn a_newer_link_takes_the_place_of_an_older_one_of_its_kind() {
        let (mut row, email) = (store::conformance::account_row(), Email::parse("a@b.org").unwrap());
        row.links.clear();
        let tokens: Vec<Token> = (0..3).map(|_| Token::draw(row.account).unwrap()).collect();
        put_link(&mut row, &tokens[0], LinkPurpose::Reset, &email, CONFIRM_VALID);
        put_link(&mut row, &tokens[1], LinkPurpose::Confirm, &email, CONFIRM_VALID);
        put_link(&mut row, &tokens[2], LinkPurpose::Reset, &email, CONFIRM_VALID);
        let can: Vec<bool> = tokens.iter().map(|token| link_of(&row, token).is_some()).collect();
        assert_eq!(can, [false, true, true]);
        put_link(&mut row, &tokens[2], LinkPurpose::Reset, &email, Duration::ZERO);
        assert!(link_of(&row, &tokens[2]).is_none(), "its time is over");
    }
}
