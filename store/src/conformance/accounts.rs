//! Promises of accounts, addresses and the node's own row.

use std::sync::Arc;

use domain::account::{AccountAct, EMAIL_MAX_BYTES, PERSON_NAME_MAX_CHARS, SESSIONS_MAX, SystemRole};
use domain::audit::{AUDIT_PERIOD_MS, AuditAct, AuditEntry};
use domain::id::{AccountId, AuditId, Digest};
use domain::project::Actor;
use futures_util::future::join_all;

use super::{account_row, fresh};
use crate::error::StoreError;
use crate::records::{Cas, Records};
use crate::rows::{AccountRow, CREDENTIALS_MAX, EmailRow, IdentityRow, LINKS_MAX, LIST_MAX, NewAccountEvent, SiteRow};

fn done(what: AccountAct) -> Option<NewAccountEvent> {
    Some(NewAccountEvent { at_ms: 5, address: "192.0.2.7".into(), what })
}

async fn inserted(store: &Arc<dyn Records>) -> AccountRow {
    store.account_insert(account_row(), done(AccountAct::SignedUp)).await.unwrap().applied().unwrap()
}

/// See the name.
pub async fn an_account_is_read_as_it_was_inserted_with_what_was_done(store: Arc<dyn Records>) {
    let row = account_row();
    assert_eq!(store.account_get(row.account).await, Ok(None));
    let first = store.account_insert(row.clone(), done(AccountAct::SignedUp)).await.unwrap().applied().unwrap();
    assert_eq!(first, AccountRow { version: 1, ..row.clone() });
    assert_eq!(store.account_get(row.account).await, Ok(Some(first.clone())));
    let second = AccountRow { name: "Another".into(), ..row };
    let refused = store.account_insert(second, done(AccountAct::Changed)).await;
    assert_eq!(refused, Ok(Cas::Conflict(Some(first.clone()))));
    let log = store.account_events(first.account, u64::MAX, 10).await.unwrap();
    assert_eq!(log, [done(AccountAct::SignedUp).unwrap().numbered(1)], "a conflict writes nothing down");
}

/// See the name.
pub async fn of_two_that_change_an_account_one_does(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let ended = AccountRow { sessions: vec![], ..row.clone() };
    let ended = store.account_update(ended, 1, done(AccountAct::SessionsEnded)).await.unwrap().applied().unwrap();
    assert_eq!((ended.version, ended.sessions.len()), (2, 0));
    let late = AccountRow { role: SystemRole::Admin, ..row };
    let late = store.account_update(late, 1, done(AccountAct::Changed)).await;
    assert_eq!(late, Ok(Cas::Conflict(Some(ended.clone()))));
    assert_eq!(store.account_get(ended.account).await, Ok(Some(ended.clone())));
    assert_eq!(store.account_events(ended.account, u64::MAX, 10).await.unwrap().len(), 2);
    let missing = account_row();
    assert_eq!(store.account_update(missing, 1, None).await, Ok(Cas::Conflict(None)));
}

/// See the name.
pub async fn a_row_that_no_account_can_have_is_refused_whole(store: Arc<dyn Records>) {
    let row = inserted(&store).await;
    let wordy = crate::rows::SessionRow { agent: "x".repeat(300), ..row.sessions[0].clone() };
    let wrong = [
        AccountRow { email: String::new(), ..row.clone() },
        AccountRow { email: "x".repeat(EMAIL_MAX_BYTES + 1), ..row.clone() },
        AccountRow { name: "é".repeat(PERSON_NAME_MAX_CHARS + 1), ..row.clone() },
        AccountRow { sessions: vec![row.sessions[0].clone(); SESSIONS_MAX + 1], ..row.clone() },
        AccountRow { sessions: vec![wordy], ..row.clone() },
        AccountRow { links: vec![row.links[0].clone(); LINKS_MAX + 1], ..row.clone() },
        AccountRow { credentials: vec![row.credentials[0].clone(); CREDENTIALS_MAX + 1], ..row.clone() },
    ];
    for wrong in wrong {
        let refused = store.account_update(wrong.clone(), 1, done(AccountAct::Changed)).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        let refused = store.account_insert(AccountRow { account: AccountId(fresh()), ..wrong }, None).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.account_get(row.account).await, Ok(Some(row.clone())));
    assert_eq!(store.account_events(row.account, u64::MAX, 10).await.unwrap().len(), 1);
}

/// See the name.
pub async fn an_accounts_log_is_read_newest_first_and_bounded(store: Arc<dyn Records>) {
    let mut row = inserted(&store).await;
    for _ in 0..4 {
        let version = row.version;
        row = store.account_update(row, version, done(AccountAct::Changed)).await.unwrap().applied().unwrap();
    }
    let read = async |before, limit| {
        let log = store.account_events(row.account, before, limit).await.unwrap();
        log.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(u64::MAX, LIST_MAX + 1).await, [5, 4, 3, 2, 1]);
    assert_eq!(read(u64::MAX, 2).await, [5, 4]);
    assert_eq!(read(4, 2).await, [3, 2]);
    assert_eq!(read(1, 2).await, [0_u64; 0]);
    assert_eq!(store.account_events(AccountId(fresh()), u64::MAX, 9).await, Ok(vec![]), "another account's");
}

/// See the name.
pub async fn accounts_are_listed_in_the_order_of_their_ids_and_bounded(store: Arc<dyn Records>) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(inserted(&store).await);
    }
    made.sort_unstable_by_key(|row| row.account);
    let (mut found, mut after) = (Vec::new(), AccountId(0));
    loop {
        let page = store.account_list(after, 2).await.unwrap();
        assert!(page.len() <= 2 && page.windows(2).all(|pair| pair[0].account < pair[1].account));
        let Some(last) = page.last() else { break };
        assert!(after < last.account, "it goes on");
        after = last.account;
        // Others may be making some, too.
        found.extend(page.into_iter().filter(|row| made.iter().any(|mine| mine.account == row.account)));
    }
    assert_eq!(found, made);
    assert_eq!(store.account_list(AccountId(u128::MAX), LIST_MAX + 1).await, Ok(vec![]));
}

/// See the name.
pub async fn of_two_that_want_an_address_one_gets_it(store: Arc<dyn Records>) {
    let email = format!("{}@example.org", fresh());
    assert_eq!(store.email_get(&email).await, Ok(None));
    let wants = (0..8).map(|_| EmailRow { email: email.clone(), version: 0, account: AccountId(fresh()) });
    let came = join_all(wants.map(|row| store.email_claim(row, 0))).await;
    let got: Vec<_> = came.iter().filter_map(|cas| cas.clone().unwrap().applied()).collect();
    assert_eq!(got.len(), 1, "{came:?}");
    assert_eq!(store.email_get(&email).await, Ok(Some(got[0].clone())));
    assert_eq!(came.iter().filter(|cas| **cas == Ok(Cas::Conflict(Some(got[0].clone())))).count(), 7);
    // Who knows how the row stands may have it for another account.
    let next = EmailRow { account: AccountId(fresh()), ..got[0].clone() };
    let next = store.email_claim(next, got[0].version).await.unwrap().applied().unwrap();
    assert_eq!(next.version, 2);
    assert_eq!(store.email_claim(got[0].clone(), 1).await, Ok(Cas::Conflict(Some(next))));
    let wrong = EmailRow { email: "x".repeat(EMAIL_MAX_BYTES + 1), version: 0, account: AccountId(1) };
    assert!(matches!(store.email_claim(wrong, 0).await, Err(StoreError::Invalid { .. })));
}

/// See the name.
pub async fn an_address_is_left_by_its_own_account_only(store: Arc<dyn Records>) {
    let row = EmailRow { email: format!("{}@example.org", fresh()), version: 0, account: AccountId(fresh()) };
    let row = store.email_claim(row, 0).await.unwrap().applied().unwrap();
    store.email_release(&row.email, AccountId(fresh())).await.unwrap();
    assert_eq!(store.email_get(&row.email).await, Ok(Some(row.clone())));
    for _ in 0..2 {
        store.email_release(&row.email, row.account).await.unwrap();
        assert_eq!(store.email_get(&row.email).await, Ok(None));
    }
}

/// See the name.
pub async fn the_node_is_claimed_once(store: Arc<dyn Records>) {
    let before = store.site_get().await.unwrap();
    let claims = (0..4).map(|_| SiteRow { version: 0, claimed: Some((AccountId(fresh()), 9)) });
    let came = join_all(claims.map(|row| store.site_update(row, before.version))).await;
    let won: Vec<_> = came.iter().filter_map(|cas| cas.clone().unwrap().applied()).collect();
    assert_eq!(won.len(), 1, "{came:?}");
    assert_eq!(won[0].version, before.version + 1);
    assert_eq!(store.site_get().await, Ok(won[0].clone()));
}

/// See the name.
pub async fn of_two_that_want_an_identity_one_gets_it_and_it_alone_leaves_it(store: Arc<dyn Records>) {
    let identity = Digest::of(&fresh().to_be_bytes());
    assert_eq!(store.identity_get(identity).await, Ok(None));
    let wants = (0..4).map(|_| IdentityRow { identity, version: 0, account: AccountId(fresh()) });
    let came = join_all(wants.map(|row| store.identity_claim(row, 0))).await;
    let got: Vec<_> = came.iter().filter_map(|cas| cas.clone().unwrap().applied()).collect();
    assert_eq!((got.len(), got[0].version), (1, 1), "{came:?}");
    let next = IdentityRow { account: AccountId(fresh()), ..got[0].clone() };
    let next = store.identity_claim(next, 1).await.unwrap().applied().unwrap();
    store.identity_release(identity, got[0].account).await.unwrap();
    assert_eq!(store.identity_get(identity).await, Ok(Some(next.clone())), "it is another account's by now");
    for _ in 0..2 {
        store.identity_release(identity, next.account).await.unwrap();
        assert_eq!(store.identity_get(identity).await, Ok(None));
    }
}

/// See the name.
pub async fn an_account_is_removed_with_its_log_and_listed_until_then(store: Arc<dyn Records>) {
    let ours = [inserted(&store).await, inserted(&store).await, inserted(&store).await];
    let scanned = async || {
        let (mut found, mut after) = (Vec::new(), AccountId(0));
        loop {
            let page = store.account_list(after, 2).await.unwrap();
            let Some(last) = page.last() else { break found };
            after = last.account;
            found.extend(page.into_iter().filter(|row| ours.contains(row)));
        }
    };
    assert_eq!(scanned().await.len(), 3);
    let gone = &ours[1];
    for _ in 0..2 {
        store.account_remove(gone.account).await.unwrap();
        assert_eq!(store.account_get(gone.account).await, Ok(None));
        assert_eq!(store.account_events(gone.account, u64::MAX, 10).await, Ok(vec![]));
    }
    assert_eq!(scanned().await.len(), 2);
    assert_eq!(store.account_events(ours[0].account, u64::MAX, 10).await.unwrap().len(), 1, "others keep theirs");
}

/// See the name.
pub async fn what_the_node_writes_down_is_read_newest_first_by_period_and_stays(store: Arc<dyn Records>) {
    let (period, of) = (700 + fresh() as u64 % 100_000, AccountId(fresh()));
    let entry = |n: u64, more: u64| {
        let at_ms = (period + more) * AUDIT_PERIOD_MS + n;
        let id = AuditId((u128::from(at_ms) << 80) | 7);
        AuditEntry { id, at_ms, by: Actor::Account(of), what: AuditAct::ActivityRead { of } }
    };
    let (first, second, next) = (entry(1, 0), entry(2, 0), entry(0, 1));
    for entry in [&second, &first, &next, &first] {
        store.audit_append(entry.clone()).await.unwrap();
    }
    let other = AuditEntry { what: AuditAct::BackupBegun, ..first.clone() };
    store.audit_append(other).await.unwrap();
    let newest = AuditId(u128::MAX);
    assert_eq!(store.audit_page(period, newest, 10).await, Ok(vec![second.clone(), first.clone()]));
    assert_eq!(store.audit_page(period, second.id, 10).await, Ok(vec![first]));
    assert_eq!(store.audit_page(period, newest, 1).await, Ok(vec![second]));
    assert_eq!(store.audit_page(period + 1, newest, 10).await, Ok(vec![next]));
}
