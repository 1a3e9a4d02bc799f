//! The node's accounts, page by page.

use std::rc::Rc;

use domain::account::{Account, AccountPage};
use domain::id::AccountId;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::{Look, entry};
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::use_tr;

/// What is known of them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    accounts: Vec<Account>,
    next: Option<AccountId>,
    is_here: bool,
    error: Option<ApiError>,
}

enum Change {
    Page(Option<AccountId>, Result<AccountPage, ApiError>),
    Account(Account),
}

impl Reducible for Known {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut known = (*self).clone();
        match change {
            Change::Page(_, Err(error)) => known.error = Some(error),
            Change::Page(None, Ok(page)) => {
                known = Self { accounts: page.accounts, next: page.next, is_here: true, error: None };
            }
            // One that comes for another place in the list was asked for twice.
            Change::Page(after, Ok(_)) if after != known.next => {}
            Change::Page(_, Ok(page)) => {
                known.accounts.extend(page.accounts);
                (known.next, known.error) = (page.next, None);
            }
            Change::Account(account) => {
                if let Some(old) = known.accounts.iter_mut().find(|old| old.id == account.id) {
                    *old = account;
                }
            }
        }
        Rc::new(known)
    }
}

/// The list, and what asks for more of it.
#[derive(Clone, PartialEq)]
pub struct Accounts {
    known: Known,
    more: Callback<()>,
    /// Tell of an account that is otherwise since.
    pub changed: Callback<Account>,
}

/// The node's accounts, the first page at once.
#[hook]
pub fn use_accounts() -> Accounts {
    let connection = use_connection();
    let known = use_reducer_eq(Known::default);
    let ask = {
        let dispatch = known.dispatcher();
        use_callback((), move |after: Option<AccountId>, ()| {
            let (dispatch, connection) = (dispatch.clone(), connection.clone());
            spawn_local(async move {
                let page = api::accounts(after).await;
                if let Err(error) = &page
                    && (*error == ApiError::Unreachable || error.is_unsigned())
                {
                    connection.heed(error);
                }
                dispatch.dispatch(Change::Page(after, page));
            });
        })
    };
    {
        let ask = ask.clone();
        use_effect_with((), move |()| ask.emit(None));
    }
    let next = known.next;
    let changed = {
        let dispatch = known.dispatcher();
        use_callback((), move |account, ()| dispatch.dispatch(Change::Account(account)))
    };
    Accounts { known: (*known).clone(), more: ask.reform(move |()| next), changed }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub accounts: Accounts,
    pub to: Callback<Option<Look>>,
}

#[component]
pub fn AccountList(props: &Props) -> Html {
    let tr = use_tr();
    let Accounts { known, more, .. } = &props.accounts;
    html! {
        <section id="accounts" class="card" aria-label={tr.t(Text::AdminTitle)}>
            if let Some(error) = &known.error {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            } else if !known.is_here {
                <p class="quiet" role="status">{ tr.t(Text::Loading) }</p>
            }
            <ul class="session-list">{ for known.accounts.iter().map(|account| entry(tr, account, &props.to)) }</ul>
            if known.next.is_some() {
                <button type="button" id="more-accounts" class="button more" onclick={more.reform(|_: MouseEvent| ())}>{ tr.t(Text::ShowMore) }</button>
            }
        </section>
    }
}

#[cfg(test)]
mod tests {
    use domain::account::SystemRole;
    use domain::language::Language;

    use super::*;

    fn account(id: u128, role: SystemRole) -> Account {
        let (email, name) = (format!("{id}@b.org"), "A".to_owned());
        Account { id: AccountId(id), email, confirmed: true, name, language: Language::En, role, created_ms: 0 }
    }

    fn page(ids: &[u128], next: Option<u128>) -> Result<AccountPage, ApiError> {
        let accounts = ids.iter().map(|id| account(*id, SystemRole::User)).collect();
        Ok(AccountPage { accounts, next: next.map(AccountId) })
    }

    fn known(changes: Vec<Change>) -> Known {
        let known = changes.into_iter().fold(Rc::new(Known::default()), |known, change| known.reduce(change));
        (*known).clone()
    }

    #[test]
    fn the_next_page_follows_once_however_often_it_was_asked_for() {
        let next = || Change::Page(Some(AccountId(2)), page(&[3], None));
        let known = known(vec![Change::Page(None, page(&[1, 2], Some(2))), next(), next()]);
        assert_eq!(known.accounts.iter().map(|account| account.id.0).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(known.next, None);
    }

    #[test]
    fn an_account_with_another_role_takes_the_place_of_what_it_was() {
        let raised = account(2, SystemRole::Operator);
        let known = known(vec![Change::Page(None, page(&[1, 2], None)), Change::Account(raised.clone())]);
        assert_eq!(known.accounts[1], raised);
    }

    #[test]
    fn a_page_that_fails_keeps_the_accounts_that_are_there() {
        let failed = Change::Page(Some(AccountId(2)), Err(ApiError::Unreachable));
        let known = known(vec![Change::Page(None, page(&[1, 2], Some(2))), failed]);
        assert_eq!((known.accounts.len(), known.error), (2, Some(ApiError::Unreachable)));
    }
}
