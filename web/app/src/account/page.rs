//! The page of one's own account, in parts.

use std::rc::Rc;

use domain::account::{Account, SystemRole};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::data::Data;
use super::log::AccountLog;
use super::profile::Profile;
use super::security::Security;
use super::{Who, use_who};
use crate::i18n::{Tr, use_tr};
use crate::pages::use_page;
use crate::routes::Route;

/// A part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Profile,
    Security,
    Data,
    Activity,
}

impl Part {
    fn route(self) -> Route {
        match self {
            Self::Profile => Route::Account,
            Self::Security => Route::Security,
            Self::Data => Route::AccountData,
            Self::Activity => Route::AccountActivity,
        }
    }

    fn title(self) -> Text {
        match self {
            Self::Profile => Text::AccountTitle,
            Self::Security => Text::SecurityTitle,
            Self::Data => Text::DataTitle,
            Self::Activity => Text::SectionActivity,
        }
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub part: Part,
}

#[component]
pub fn AccountPage(props: &Props) -> Html {
    match use_who() {
        Who::SignedIn(account) => html! { <Own {account} part={props.part} /> },
        Who::Trusted => html! { <Nobodys /> },
        Who::Unknown | Who::Nobody { .. } => html! {},
    }
}

/// For whoever sits at the machine.
#[component]
fn Nobodys() -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(Text::AccountTitle));
    html! {
        <section id="account-none" class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(Text::AccountTitle) }</h1>
            <p class="lead-small">{ tr.t(Text::AccountNone) }</p>
            <p><Link<Route> to={Route::Claim} classes="button button-main">{ tr.t(Text::ClaimTitle) }</Link<Route>></p>
        </section>
    }
}

#[derive(PartialEq, Properties)]
struct OwnProps {
    account: Rc<Account>,
    part: Part,
}

#[component]
fn Own(props: &OwnProps) -> Html {
    let (tr, account, part) = (use_tr(), &props.account, props.part);
    let heading = use_page(tr.t(part.title()));
    let entry = |other: Part| {
        let current = (other == part).then_some("page");
        html! {
            <li aria-current={current}>
                <Link<Route> to={other.route()}>{ tr.t(other.title()) }</Link<Route>>
            </li>
        }
    };
    html! {
        <section id="account" data-account={account.id.to_string()}>
            <header class="account-head">
                <h1 tabindex="-1" ref={heading}>{ tr.t(part.title()) }</h1>
                <p class="meta">
                    { &account.name }{ " · " }{ &account.email }{ " · " }{ role_text(tr, account.role) }{ " " }
                    { tr.fill(Text::AccountSince, &[("time", &tr.moment(account.created_ms))]) }
                </p>
            </header>
            <nav class="sections" aria-label={tr.t(Text::AccountMenu)}>
                <ul>{ for [Part::Profile, Part::Security, Part::Data, Part::Activity].map(entry) }</ul>
            </nav>
            { match part {
                Part::Profile => html! { <Profile account={account.clone()} /> },
                Part::Security => html! { <Security account={account.clone()} /> },
                Part::Data => html! { <Data account={account.clone()} /> },
                Part::Activity => html! { <AccountLog /> },
            } }
        </section>
    }
}

/// What an account may do to the node, in a word.
pub fn role_text(tr: Tr, role: SystemRole) -> &'static str {
    tr.t(match role {
        SystemRole::User => Text::RoleUser,
        SystemRole::Operator => Text::RoleOperator,
        SystemRole::Admin => Text::RoleAdmin,
    })
}
