//! Erasing an account with all that it has.

use cluster::body::{Fault, Scope};
use domain::id::AccountId;
use domain::principal::{Principal, Proof};
use store::failpoint;
use store::rows::{AccountRow, IntentRow, LIST_MAX};

use super::Shared;
use crate::accounts::leaving::{self, Due};
use crate::accounts::sharing;
use crate::projects::changes;
use crate::{projects, store_fault, uploads, webhooks};

/// Lists of projects, uploads or webhooks that one look at an account erases; the next one goes on.
const LISTS_MAX: usize = 100;

impl Shared {
    /// Erases an account whose deletion can't be taken back any more.
    pub(super) async fn erase_account_if_due(
        &self,
        intent: &IntentRow,
        account: AccountId,
        not_before_ms: u64,
    ) -> Result<(), Fault> {
        match leaving::due(&self.context, intent, account, not_before_ms).await? {
            Due::NotYet => return Ok(()),
            Due::Never => {}
            Due::Erase(row) => {
                self.erase_belongings(&row).await?;
                leaving::finish(&self.context, &row).await?;
            }
        }
        projects::drop_intent(&self.context, intent.id).await
    }

    async fn erase_belongings(&self, row: &AccountRow) -> Result<(), Fault> {
        let (context, tenant) = (self.context.as_ref(), row.tenant);
        // Whoever erases has a tenant's rights, and nobody's name.
        let principal = Principal { tenant, proof: Proof::Node };
        let store = |e| store_fault(&e);
        for _ in 0..LISTS_MAX {
            let found = context.records.project_list(tenant, LIST_MAX).await.map_err(store)?;
            if found.is_empty() {
                break;
            }
            for project in found {
                let _beginning = context.beginning.mark(project.project.0)?;
                changes::mark_deleted(context, principal, project.project, None).await?;
                self.erase(Scope { tenant, project: project.project }).await?;
            }
        }
        sharing::leaving::withdraw(context, row.account).await?;
        failpoint::pass("an account's projects are erased");
        for _ in 0..LISTS_MAX {
            let found = context.records.upload_list(tenant, LIST_MAX).await.map_err(store)?;
            if found.is_empty() {
                break;
            }
            for upload in found {
                uploads::discard(context, tenant, upload.upload).await?;
            }
        }
        for _ in 0..LISTS_MAX {
            let found = context.records.webhook_list(tenant, LIST_MAX).await.map_err(store)?;
            if found.is_empty() {
                break;
            }
            for webhook in found {
                webhooks::remove(context, principal, webhook.webhook).await?;
            }
        }
        failpoint::pass("an account's uploads and webhooks are erased");
        Ok(())
    }
}
