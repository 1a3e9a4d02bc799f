//! What becomes of what an account gave others, and was given, when it goes.

use domain::id::{AccountId, ProjectId};
use domain::principal::{Principal, Proof};
use domain::project::{Act, Actor};
use store::rows::{AccessRow, AccountRow, LIST_MAX, ShareLinkRow};

use super::super::Result;
use super::super::rows::at_hand as account_at_hand;
use super::{members, rows, tell};
use crate::run::RunContext;
use crate::store_fault;

/// Who gave out what a share link shows: whoever pays for the project, and whoever made the link.
pub(super) fn given_by(row: &AccessRow, link: &ShareLinkRow) -> Vec<AccountId> {
    let by = match link.by {
        Actor::Account(account) => Some(account),
        Actor::Local | Actor::Node | Actor::Somebody => None,
    };
    row.payer.into_iter().chain(by).collect()
}

/// Whether none of these accounts is gone, or about to go.
pub(super) async fn all_stay(context: &RunContext, accounts: &[AccountId]) -> Result<bool> {
    for account in accounts {
        if account_at_hand(context, *account).await?.is_none_or(|row| row.leaving.is_some()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Has whoever follows what an account gave out asked again what shows it to them, now that the account is about to go.
pub(in super::super) async fn ask_again(context: &RunContext, account: &AccountRow) {
    let own = context
        .records
        .project_list(account.tenant, LIST_MAX)
        .await
        .map(|rows| rows.into_iter().map(|row| row.project).collect());
    let given = context
        .records
        .shared_get(account.account)
        .await
        .map(|row| row.projects.iter().map(|one| one.project).collect());
    for found in [own, given] {
        let projects: Vec<ProjectId> = found.unwrap_or_else(|error| {
            tracing::warn!(%error, "streams by share links of an account that goes end with their next question");
            Vec::new()
        });
        for project in projects {
            // Nobody has to be listening.
            let _ = context.accounts.sharing.changed.send(project);
        }
    }
}

/// Takes an account that is being erased out of the projects of others, with the invitations and links that it gave
/// out there. Done again, it finds nothing.
///
/// # Errors
/// What the store says, `conflict`.
pub async fn withdraw(context: &RunContext, account: AccountId) -> Result<()> {
    let given = context.records.shared_get(account).await.map_err(|e| store_fault(&e))?;
    for project in given.projects.iter().map(|one| one.project) {
        withdraw_from(context, account, project).await?;
    }
    context.records.shared_remove(account).await.map_err(|e| store_fault(&e))
}

async fn withdraw_from(context: &RunContext, account: AccountId, project: ProjectId) -> Result<()> {
    let Some(row) = rows::read(context, project).await?.filter(|row| row.member(account).is_some()) else {
        return Ok(());
    };
    rows::change(context, row.tenant, project, |row| {
        members::take_out(row, account);
        Ok(())
    })
    .await?;
    let within = Principal { tenant: row.tenant, proof: Proof::Node };
    tell(context, within, project, Act::MemberRemoved { member: account }).await;
    Ok(())
}
