//! Promises of who has a project, and of what an account was given.

use std::sync::Arc;

use domain::account::EMAIL_MAX_BYTES;
use domain::id::{AccountId, InvitationId, ProjectId, ShareLinkId, TenantId};
use domain::project::Actor;
use domain::sharing::{
    INVITATIONS_MAX, MEMBERS_MAX, ProjectRole, SHARE_LINK_NAME_MAX_CHARS, SHARE_LINKS_MAX, SHARED_MAX,
};
use futures_util::future::join_all;

use super::fresh;
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{AccessRow, InvitationRow, MemberRow, ShareLinkRow, SharedProject, SharedRow};

/// A project's row, with one of each that it may hold.
pub fn access_row() -> AccessRow {
    let project = ProjectId(fresh());
    AccessRow {
        payer: Some(AccountId(fresh())),
        members: vec![MemberRow { account: AccountId(fresh()), role: ProjectRole::Editor, since_ms: 5 }],
        invitations: vec![InvitationRow {
            invitation: InvitationId(fresh()),
            email: "anna@example.org".into(),
            role: ProjectRole::Viewer,
            secret: [7; 32],
            by: AccountId(fresh()),
            invited_ms: 6,
            expires_ms: 7,
        }],
        links: vec![ShareLinkRow {
            link: ShareLinkId(fresh()),
            name: "for the illustrator".into(),
            secret: [8; 32],
            role: ProjectRole::Viewer,
            password: Some("$argon2id$".into()),
            by: Actor::Local,
            created_ms: 8,
            expires_ms: 9,
        }],
        ..AccessRow::alone(TenantId(fresh()), project)
    }
}

/// See the name.
pub async fn who_has_a_project_is_read_as_it_was_written(store: Arc<dyn Records>) {
    let row = access_row();
    assert_eq!(store.access_get(row.project).await, Ok(None));
    let first = store.access_update(row.clone(), 0).await.unwrap().applied().unwrap();
    assert_eq!(first, AccessRow { version: 1, ..row.clone() });
    assert_eq!(store.access_get(row.project).await, Ok(Some(first.clone())));
    assert_eq!(store.access_update(row.clone(), 0).await, Ok(Cas::Conflict(Some(first.clone()))));
    let fewer = AccessRow { members: vec![], ..first.clone() };
    let second = store.access_update(fewer, 1).await.unwrap().applied().unwrap();
    assert_eq!((second.version, second.members.len()), (2, 0));
    assert_eq!(store.access_update(first, 1).await, Ok(Cas::Conflict(Some(second.clone()))));
    assert_eq!(store.access_get(row.project).await, Ok(Some(second)));
    for _ in 0..2 {
        store.access_remove(row.project).await.unwrap();
    }
    assert_eq!(store.access_get(row.project).await, Ok(None));
    assert_eq!(store.access_update(row, 2).await, Ok(Cas::Conflict(None)), "whoever still changes it is told");
}

/// See the name.
pub async fn of_many_that_change_who_has_a_project_each_counts_once(store: Arc<dyn Records>) {
    let row = AccessRow { members: vec![], ..access_row() };
    let join = async |account| loop {
        let there = store.access_get(row.project).await.unwrap().unwrap_or_else(|| row.clone());
        let mut changed = there.clone();
        changed.members.push(MemberRow { account, role: ProjectRole::Viewer, since_ms: 1 });
        if let Cas::Applied(_) = store.access_update(changed, there.version).await.unwrap() {
            break;
        }
    };
    let accounts: Vec<AccountId> = (0..8).map(|_| AccountId(fresh())).collect();
    join_all(accounts.iter().map(|account| join(*account))).await;
    let there = store.access_get(row.project).await.unwrap().unwrap();
    assert_eq!((there.version, there.members.len()), (8, 8));
    assert!(accounts.iter().all(|account| there.member(*account).is_some()));
}

/// See the name.
pub async fn a_row_that_no_project_can_have_is_refused_whole(store: Arc<dyn Records>) {
    let row = store.access_update(access_row(), 0).await.unwrap().applied().unwrap();
    let distant = InvitationRow { email: "x".repeat(EMAIL_MAX_BYTES + 1), ..row.invitations[0].clone() };
    let wordy = ShareLinkRow { name: "é".repeat(SHARE_LINK_NAME_MAX_CHARS + 1), ..row.links[0].clone() };
    let wrong = [
        AccessRow { members: vec![row.members[0]; MEMBERS_MAX + 1], ..row.clone() },
        AccessRow { invitations: vec![row.invitations[0].clone(); INVITATIONS_MAX + 1], ..row.clone() },
        AccessRow { links: vec![row.links[0].clone(); SHARE_LINKS_MAX + 1], ..row.clone() },
        AccessRow { invitations: vec![distant], ..row.clone() },
        AccessRow { links: vec![wordy], ..row.clone() },
    ];
    for wrong in wrong {
        let refused = store.access_update(wrong, 1).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.access_get(row.project).await, Ok(Some(row)));
    let many = vec![SharedProject { project: ProjectId(1), since_ms: 1 }; SHARED_MAX + 1];
    let refused = store.shared_update(SharedRow { projects: many, ..SharedRow::nothing(AccountId(fresh())) }, 0).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
}

/// See the name.
pub async fn what_an_account_was_given_is_changed_by_one_at_a_time(store: Arc<dyn Records>) {
    let account = AccountId(fresh());
    assert_eq!(store.shared_get(account).await, Ok(SharedRow::nothing(account)));
    let given = SharedProject { project: ProjectId(fresh()), since_ms: 3 };
    let row = SharedRow { projects: vec![given], ..SharedRow::nothing(account) };
    let first = store.shared_update(row.clone(), 0).await.unwrap().applied().unwrap();
    assert_eq!(first, SharedRow { version: 1, ..row.clone() });
    assert_eq!(store.shared_update(row, 0).await, Ok(Cas::Conflict(Some(first.clone()))));
    assert_eq!(store.shared_get(account).await, Ok(first));
    for _ in 0..2 {
        store.shared_remove(account).await.unwrap();
        assert_eq!(store.shared_get(account).await, Ok(SharedRow::nothing(account)));
    }
}
