//! The node's accounts, for admins: found, given roles, and what was done with each. Whose books they are nobody is
//! shown here.

mod audit;
mod list;

use domain::account::{Account, RoleChange, SystemRole};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::account::field::{Blame, Field, Filled, Kind, field};
use crate::account::log::AccountLog;
use crate::account::page::role_text;
use crate::account::sheet::{Send, Sheet};
use crate::account::{Who, use_who};
use crate::api::{self, ApiError};
use crate::asked::use_errands;
use crate::choose::Choose;
use crate::confirm::Confirm;
use crate::dialog::Dialog;
use crate::i18n::{Tr, use_tr};
use crate::pages::{NotFound, use_page};
use crate::routes::Route;
use audit::AuditLog;
use list::{AccountList, use_accounts};

const EMAIL: Field = field("email", Text::FieldEmail, Kind::Email, "off", None);
const BLAME: Blame = &[("bad-email", "email"), ("account-not-found", "email")];
/// Roles, as they are chosen.
const ROLES: [(SystemRole, &str); 3] =
    [(SystemRole::User, "user"), (SystemRole::Operator, "operator"), (SystemRole::Admin, "admin")];

/// What a choice calls a role.
fn role_name(role: SystemRole) -> &'static str {
    ROLES.iter().find(|(known, _)| *known == role).map_or("user", |(_, name)| *name)
}

/// The role that a value of a choice stands for.
fn role_of(value: &str) -> Option<SystemRole> {
    ROLES.iter().find(|(_, name)| *name == value).map(|(role, _)| *role)
}

#[derive(PartialEq, Properties)]
pub struct Props {
    /// Accounts, or what was done.
    pub part: Route,
}

#[component]
pub fn AdminPage(props: &Props) -> Html {
    match use_who() {
        Who::SignedIn(account) if account.role == SystemRole::Admin => html! { <Own part={props.part.clone()} /> },
        Who::Unknown => html! {},
        _ => html! { <NotFound /> },
    }
}

/// What is looked at beside the list.
#[derive(Clone, PartialEq)]
enum Look {
    /// Another role is to be given.
    Role(Account, SystemRole),
    /// What was done with it.
    Activity(Account),
}

#[component]
fn Own(props: &Props) -> Html {
    let tr = use_tr();
    let audits = props.part == Route::Audit;
    let heading = use_page(tr.t(if audits { Text::AuditTitle } else { Text::AdminTitle }));
    let entry = |route: Route, title: Text| {
        html! { <li aria-current={(route == props.part).then_some("page")}><Link<Route> to={route}>{ tr.t(title) }</Link<Route>></li> }
    };
    html! {
        <section id="admin">
            <p class="crumb"><Link<Route> to={Route::Shelf}>{ tr.t(Text::AllBooks) }</Link<Route>></p>
            <h1 tabindex="-1" ref={heading}>{ tr.t(if audits { Text::AuditTitle } else { Text::AdminTitle }) }</h1>
            <nav class="sections" aria-label={tr.t(Text::AdminTitle)}>
                <ul>{ entry(Route::Accounts, Text::AdminTitle) }{ entry(Route::Audit, Text::AuditTitle) }</ul>
            </nav>
            <p class="lead-small">{ tr.t(if audits { Text::AuditLead } else { Text::AdminLead }) }</p>
            if audits { <AuditLog /> } else { <Accounts /> }
        </section>
    }
}

#[component]
fn Accounts() -> Html {
    let tr = use_tr();
    let found = use_state_eq(|| None::<Account>);
    let look = use_state_eq(|| None::<Look>);
    let accounts = use_accounts();
    let to = {
        let look = look.setter();
        Callback::from(move |next: Option<Look>| look.set(next))
    };
    let search = {
        let found = found.setter();
        use_memo((), move |()| {
            Send::new(move |filled: Filled| {
                let found = found.clone();
                async move {
                    let answer = api::find_account(filled.text(EMAIL.name).trim()).await;
                    found.set(answer.as_ref().ok().cloned());
                    answer.map(drop)
                }
            })
        })
    };
    let clear = {
        let found = found.clone();
        Callback::from(move |_: MouseEvent| found.set(None))
    };
    let on_changed = {
        let (found, changed) = (found.clone(), accounts.changed.clone());
        Callback::from(move |account: Account| {
            if found.as_ref().is_some_and(|found| found.id == account.id) {
                found.set(Some(account.clone()));
            }
            changed.emit(account);
        })
    };
    html! {
        <>
            <div class="card admin-search" role="search">
                <Sheet id="find" fields={vec![EMAIL]} label={Text::AdminFind} send={(*search).clone()} blame={BLAME} />
            </div>
            if let Some(account) = &*found {
                <section id="found" class="card" aria-label={tr.t(Text::AdminFound)}>
                    <ul class="session-list">{ entry(tr, account, &to) }</ul>
                    <p><button type="button" class="button" onclick={clear}>{ tr.t(Text::ShowAll) }</button></p>
                </section>
            } else {
                <AccountList {accounts} to={to.clone()} />
            }
            if let Some(look) = &*look {
                <Looking look={look.clone()} {to} {on_changed} />
            }
        </>
    }
}

/// One account, and what can be done with it.
fn entry(tr: Tr, account: &Account, to: &Callback<Option<Look>>) -> Html {
    let on_role = {
        let (account, to) = (account.clone(), to.clone());
        Callback::from(move |chosen: String| {
            if let Some(role) = role_of(&chosen) {
                to.emit(Some(Look::Role(account.clone(), role)));
            }
        })
    };
    let activity = {
        let account = account.clone();
        to.reform(move |_: MouseEvent| Some(Look::Activity(account.clone())))
    };
    let since = tr.fill(Text::AccountSince, &[("time", &tr.moment(account.created_ms))]);
    let named = [("name", &*account.name)];
    let roles: Vec<_> = ROLES.iter().map(|(role, name)| (*name, role_text(tr, *role))).collect();
    html! {
        <li key={account.id.to_string()} class="session" data-account={account.email.clone()}>
            <div>
                <p><strong>{ &account.name }</strong>
                    if !account.confirmed { <span class="chip">{ tr.t(Text::AdminUnconfirmed) }</span> }
                </p>
                <p class="meta">{ &account.email }{ " · " }{ since }</p>
            </div>
            <Choose label={tr.fill(Text::MemberRoleOf, &named)} value={role_name(account.role)} options={roles} on_choose={on_role} />
            <button type="button" class="button account-activity" aria-label={tr.fill(Text::AdminActivityNamed, &named)} onclick={activity}>
                { tr.t(Text::SectionActivity) }
            </button>
        </li>
    }
}

#[derive(PartialEq, Properties)]
struct LookingProps {
    look: Look,
    to: Callback<Option<Look>>,
    on_changed: Callback<Account>,
}

/// The dialog of what is looked at.
#[component]
fn Looking(props: &LookingProps) -> Html {
    let (tr, errands) = (use_tr(), use_errands());
    let close = props.to.reform(|()| None);
    match &props.look {
        Look::Activity(account) => html! {
            <Dialog id="activity-of" title={tr.fill(Text::AdminActivityNamed, &[("name", &account.name)])} on_close={close.clone()}>
                <AccountLog of={account.id} />
                <div class="dialog-buttons">
                    <button type="button" id="activity-close" class="button" onclick={close.reform(|_: MouseEvent| ())}>{ tr.t(Text::Close) }</button>
                </div>
            </Dialog>
        },
        Look::Role(account, role) => {
            let (id, role) = (account.id, *role);
            let named = [("name", &*account.name), ("role", role_text(tr, role))];
            let detail = match role {
                SystemRole::User => Text::AdminRoleUser,
                SystemRole::Operator => Text::AdminRoleOperator,
                SystemRole::Admin => Text::AdminRoleAdmin,
            };
            let said = tr.fill(Text::MemberChanged, &named);
            let on_do = {
                let (close, on_changed) = (close.clone(), props.on_changed.clone());
                Callback::from(move |()| {
                    close.emit(());
                    let on_changed = on_changed.clone();
                    let change = async move {
                        let account = api::change_role(id, &RoleChange { role }).await?;
                        on_changed.emit(account);
                        Ok::<(), ApiError>(())
                    };
                    errands.run(change, said.clone(), || {});
                })
            };
            html! {
                <Confirm title={tr.fill(Text::AdminRoleQuestion, &named)} detail={tr.t(detail)} label={Text::AdminRoleDo} on_keep={close} {on_do} />
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_as_the_node_names_it() {
        for (role, name) in ROLES {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("{name:?}"));
            assert_eq!((role_of(name), role_name(role)), (Some(role), name));
        }
        assert_eq!(role_of("owner"), None);
    }
}
