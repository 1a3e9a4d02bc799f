//! Addresses that show a project to whoever has them.
//!
//! Opening one gives a *visit*: which link of which project, until when, and a signature of the core's keyring.
//! Nothing is kept of it. Each time it is shown it is held against the link's row, so a link that is revoked, or over,
//! ends its visits.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bincode::{Decode, Encode};
use cluster::body::Fault;
use cluster::body::sharing::{
    LinkOpenedReply, MakeShareLink, OpenShareLink, ReachedReply, RevokeShareLink, ShareLinkReply,
};
use domain::account::{AccountAct, Secret};
use domain::id::{AccountId, ProjectId, ShareLinkId};
use domain::principal::{Principal, Proof, Visit};
use domain::project::Act;
use domain::sharing::{
    NewShareLink, OpenedLink, ProjectRole, SHARE_LINK_NAME_MAX_CHARS, SHARE_LINK_VALID_MAX_S, SHARE_LINK_VALID_MIN_S,
    SHARE_LINKS_MAX, ShareLink,
};
use store::rows::{AccessRow, ShareLinkRow};
use store::{Keyring, Purpose, Signed};

use super::super::token::{Token, TokenKind};
use super::super::{Result, attempts};
use super::invitations::note_payer;
use super::{Reached, enter, leaving, must, rows, tell, write_down};
use crate::clock::wall_ms;
use crate::run::RunContext;

/// How long a visit goes on, milliseconds; then the link is opened again.
const VISIT_MS: u64 = 4 * 3_600 * 1_000;
/// Longest text of a visit that is looked at.
const MAX_VISIT_BYTES: usize = 512;
/// What a visit's text begins with.
const PREFIX: &str = "vv_";

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_VISIT_BYTES>,
> = bincode::config::standard().with_limit::<MAX_VISIT_BYTES>();

/// What a visit says. Changing it ends every visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Said {
    project: ProjectId,
    link: ShareLinkId,
    expires_ms: u64,
}

fn seal(keys: &Keyring, said: Said) -> Result<Secret> {
    let bytes = bincode::encode_to_vec(said, CONFIG)
        .map_err(|e| Fault::new("internal", format!("a visit could not be encoded: {e}")))?;
    Ok(Secret(format!("{PREFIX}{}.{}", URL_SAFE_NO_PAD.encode(&bytes), keys.sign(Purpose::Visit, &bytes))))
}

fn unseal(keys: &Keyring, text: &Secret) -> Option<Said> {
    let text = text.0.strip_prefix(PREFIX).filter(|text| text.len() <= MAX_VISIT_BYTES)?;
    let (said, signed) = text.split_once('.')?;
    let said = URL_SAFE_NO_PAD.decode(said).ok()?;
    let signed: Signed = signed.parse().ok()?;
    if !keys.verify(Purpose::Visit, &said, &signed) {
        return None;
    }
    let (found, used): (Said, usize) = bincode::decode_from_slice(&said, CONFIG).ok()?;
    (used == said.len()).then_some(found)
}

/// As whom whoever shows a visit goes on, if its link is still there.
pub(super) fn visit(context: &RunContext, row: &AccessRow, text: &Secret) -> Option<Reached> {
    let said = unseal(&context.keys, text).filter(|said| said.project == row.project)?;
    let now_ms = wall_ms();
    let link = row.links.iter().find(|link| link.link == said.link && now_ms < link.expires_ms)?;
    let until_ms = said.expires_ms.min(link.expires_ms);
    let proof = Proof::Visit(Visit { project: row.project, link: link.link });
    let principal = Principal { tenant: row.tenant, proof };
    let reply = ReachedReply { principal, role: link.role, until_ms: Some(until_ms) };
    (now_ms < until_ms).then(|| Reached { reply, given_by: leaving::given_by(row, link) })
}

fn view(row: &ShareLinkRow) -> ShareLink {
    ShareLink {
        id: row.link,
        name: row.name.clone(),
        password: row.password.is_some(),
        created_ms: row.created_ms,
        expires_ms: row.expires_ms,
    }
}

/// The share links of a project that can be used, the newest first.
pub(super) fn views(row: &AccessRow, now_ms: u64) -> Vec<ShareLink> {
    row.links.iter().rev().filter(|link| now_ms < link.expires_ms).map(view).collect()
}

fn name(text: &str) -> Result<String> {
    let name = text.trim();
    let fits = (1..=SHARE_LINK_NAME_MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let bad = || Fault::new("bad-name", format!("a name is one line of 1 to {SHARE_LINK_NAME_MAX_CHARS} characters"));
    fits.then(|| name.to_owned()).ok_or_else(bad)
}

/// Makes a share link. Its address is told this once.
///
/// # Errors
/// `forbidden`, `bad-name`, `bad-request` for a time that is too short or too long, `password-weak`,
/// `too-many-share-links`.
pub async fn make(context: &RunContext, ask: &MakeShareLink) -> Result<ShareLinkReply> {
    let (principal, project, request) = (&ask.principal, ask.project, &ask.request);
    let (within, row) = enter(context, principal, project, ProjectRole::Owner).await?;
    let name = name(&request.name)?;
    if !(SHARE_LINK_VALID_MIN_S..=SHARE_LINK_VALID_MAX_S).contains(&request.valid_s) {
        let detail = format!(
            "a share link is valid for {SHARE_LINK_VALID_MIN_S} to {SHARE_LINK_VALID_MAX_S} seconds: an hour to a year"
        );
        return Err(Fault::new("bad-request", detail));
    }
    let password = match &request.password {
        Some(password) => Some(context.accounts.hashing.hash(password, &[&name]).await?),
        None => None,
    };
    let mut token = Token::draw(AccountId(project.0))?;
    token.id = ask.link.0;
    let created_ms = wall_ms();
    let link = ShareLinkRow {
        link: ask.link,
        name,
        secret: token.digest(),
        role: ProjectRole::Viewer,
        password,
        by: principal.proof.into(),
        created_ms,
        expires_ms: created_ms.saturating_add(u64::from(request.valid_s) * 1_000),
    };
    write_down(context, principal, &ask.visitor, AccountAct::ShareLinkMade { project, link: ask.link }).await?;
    rows::change(context, row.tenant, project, |row| {
        must(row, principal, ProjectRole::Owner)?;
        row.links.retain(|there| there.link != link.link && created_ms < there.expires_ms);
        if row.links.len() >= SHARE_LINKS_MAX {
            let detail = format!("a project has at most {SHARE_LINKS_MAX} share links: revoke one first");
            return Err(Fault::new("too-many-share-links", detail));
        }
        row.links.push(link.clone());
        note_payer(row, principal);
        Ok(())
    })
    .await?;
    tell(context, within, project, Act::ShareLinkMade { link: ask.link }).await;
    let url = Secret(format!("{}/shared#{}", context.accounts.policy.site, token.text(TokenKind::ShareLink).0));
    Ok(ShareLinkReply { link: NewShareLink { link: view(&link), url } })
}

/// Revokes a share link: from then on it opens nothing, and its visits are over.
///
/// # Errors
/// `forbidden`, `share-link-not-found`.
pub async fn revoke(context: &RunContext, ask: &RevokeShareLink) -> Result<()> {
    let (principal, project, link) = (&ask.principal, ask.project, ask.link);
    let none = || Fault::new("share-link-not-found", "the project has no such share link");
    let (within, row) = enter(context, principal, project, ProjectRole::Owner).await?;
    if !row.links.iter().any(|there| there.link == link) {
        return Err(none());
    }
    write_down(context, principal, &ask.visitor, AccountAct::ShareLinkRevoked { project, link }).await?;
    rows::change(context, row.tenant, project, |row| {
        must(row, principal, ProjectRole::Owner)?;
        let before = row.links.len();
        row.links.retain(|there| there.link != link);
        if row.links.len() < before { Ok(()) } else { Err(none()) }
    })
    .await?;
    tell(context, within, project, Act::ShareLinkRevoked { link }).await;
    Ok(())
}

/// What is said of a link that never was, is over, or was revoked.
fn over() -> Fault {
    Fault::new("share-link-over", "this link shows nothing, or no more: ask whoever gave it to you for another")
}

/// Opens a share link.
///
/// # Errors
/// `share-link-over`, `share-password-needed`, `share-password-wrong`, `too-many-attempts`, `unavailable`.
pub async fn open(context: &Arc<RunContext>, ask: &OpenShareLink) -> Result<LinkOpenedReply> {
    attempts::secret(context, &ask.visitor).await?;
    let token = Token::parse(TokenKind::ShareLink, &ask.request.token).ok_or_else(over)?;
    let project = ProjectId(token.account.0);
    let row = rows::read(context, project).await?.ok_or_else(over)?;
    let now_ms = wall_ms();
    let is_it = |there: &&ShareLinkRow| there.link.0 == token.id && now_ms < there.expires_ms;
    let link = row.links.iter().find(is_it).filter(|there| token.is(&there.secret)).ok_or_else(over)?;
    let within = Principal { tenant: row.tenant, ..Principal::NOBODY };
    crate::projects::find(context, within, project).await.map_err(|_| over())?;
    if !leaving::all_stay(context, &leaving::given_by(&row, link)).await? {
        return Err(over());
    }
    if let Some(phc) = &link.password {
        let needed = || Fault::new("share-password-needed", "whoever gave you this link has a password for it");
        let said = ask.request.password.as_ref().ok_or_else(needed)?;
        attempts::password(context, &format!("share link {}", link.link), &ask.visitor).await?;
        if !context.accounts.hashing.verify(said, Some(phc)).await? {
            return Err(Fault::new("share-password-wrong", "this is not the link's password"));
        }
    }
    let expires_ms = wall_ms().saturating_add(VISIT_MS).min(link.expires_ms);
    let visit = seal(&context.keys, Said { project, link: link.link, expires_ms })?;
    Ok(LinkOpenedReply { visit, opened: OpenedLink { project, expires_ms } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_survives_its_text_and_no_other_text_is_one() {
        let keys = Keyring::generate().unwrap();
        let said = Said { project: ProjectId(7), link: ShareLinkId(8), expires_ms: 9 };
        let text = seal(&keys, said).unwrap();
        assert_eq!(unseal(&keys, &text), Some(said));
        assert_eq!(unseal(&Keyring::generate().unwrap(), &text), None, "another node's");
        for cut in 0..text.0.len() {
            assert_eq!(unseal(&keys, &Secret(text.0[..cut].into())), None, "{cut}");
        }
        let (_, signature) = text.0.split_once('.').unwrap();
        let other = bincode::encode_to_vec(Said { link: ShareLinkId(9), ..said }, CONFIG).unwrap();
        let forged = Secret(format!("{PREFIX}{}.{signature}", URL_SAFE_NO_PAD.encode(other)));
        assert_eq!(unseal(&keys, &forged), None);
    }
}
