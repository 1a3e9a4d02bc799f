//! Who uses the page: whoever sits at the machine of a node that trusts them, somebody who is signed in, or nobody yet,
//! who is shown a way in instead of what they asked for.
//!
//! | module | holds |
//! |---|---|
//! | here | who it is, for every component, and what they are shown |
//! | [`field`], [`row`], [`sheet`] | fields (pure), and the form of any of them |
//! | [`deed`], [`form`] | what can be done with an account by filling in a form; its form |
//! | [`entrance`], [`resend`] | signing up and in, confirming an address, another password |
//! | [`invitation`] | where a mailed invitation leads |
//! | [`again`] | the password once more, for whatever the node wants it for |
//! | [`menu`] | who is signed in, at the top of every page |
//! | [`page`], [`profile`], [`security`], [`sessions`], [`log`] | the account's own page |
//! | [`identities`] | an identity provider's word: the way there, identities linked with one's account |
//! | [`picture`], [`data`] | the account's picture; all that one has, to take along or to delete |
//! | [`second_factor`], [`keys`], [`once`] | codes beside the password; keys for programs; what is shown once |
//! | [`agent`] | browsers and programs by name (pure) |

pub mod again;
mod agent;
mod data;
pub mod deed;
pub mod entrance;
pub mod field;
mod form;
mod identities;
pub mod invitation;
mod keys;
pub mod log;
mod menu;
pub mod once;
pub mod page;
mod picture;
mod profile;
mod resend;
mod row;
mod second_factor;
mod security;
mod sessions;
pub mod sheet;

pub use menu::Menu;

use std::rc::Rc;

use domain::account::Account;
use domain::text::Text;
use gloo_events::EventListener;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api;
use crate::browser;
use crate::connection::{Connection, use_connection};
use crate::i18n::use_tr;
use crate::node_info::use_node_info;
use crate::pages::use_page;
use crate::project::VisitGate;
use crate::routes::Route;
use deed::Deed;
use entrance::Entrance;
use resend::Resend;

/// Who uses the page.
#[derive(Clone, PartialEq)]
pub enum Who {
    /// It is being asked.
    Unknown,
    /// Whoever sits at the machine.
    Trusted,
    /// Nobody is signed in.
    Nobody {
        /// Somebody was until now, and did not sign out here.
        cut_off: bool,
    },
    /// Somebody is.
    SignedIn(Rc<Account>),
}

/// Who uses the page.
#[hook]
pub fn use_who() -> Who {
    use_context::<Who>().unwrap_or(Who::Unknown)
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub connection: Connection,
    pub children: Html,
}

/// Finds out for everything inside, and again whenever the node may see it otherwise.
#[component]
pub fn WhoProvider(props: &Props) -> Html {
    let who = use_state_eq(|| Who::Unknown);
    let cut_off = use_mut_ref(|| false);
    let trusts = use_node_info().map(|node| node.local_trust);
    {
        let (who, connection) = (who.clone(), props.connection.clone());
        use_effect_with((trusts, props.connection.epoch), move |(trusts, _)| match trusts {
            None => {}
            Some(true) => who.set(Who::Trusted),
            Some(false) => spawn_local(async move {
                let was_signed_in = api::is_signed_in();
                match api::account().await {
                    Ok(signed_in) => {
                        cut_off.replace(false);
                        who.set(Who::SignedIn(Rc::new(signed_in.account)));
                    }
                    Err(error) if error.is_unsigned() => {
                        *cut_off.borrow_mut() |= was_signed_in;
                        who.set(Who::Nobody { cut_off: *cut_off.borrow() });
                    }
                    Err(error) => connection.heed(&error),
                }
            }),
        });
    }
    html! { <ContextProvider<Who> context={(*who).clone()}>{ props.children.clone() }</ContextProvider<Who>> }
}

#[derive(PartialEq, Properties)]
pub struct GateProps {
    pub children: Html,
}

/// Shows what is inside to whoever may see it, and to others a way in.
#[component]
pub fn Gate(props: &GateProps) -> Html {
    let route = use_route::<Route>();
    let is_entrance = route.as_ref().is_some_and(Route::is_open);
    let is_own = route.as_ref().is_some_and(|route| route.account_part().is_some());
    let project = route.as_ref().and_then(Route::project_id);
    let node = use_node_info();
    let claimed = node.as_ref().is_none_or(|node| node.claimed);
    let is_asking = node.is_some_and(|node| !node.local_trust);
    let inside = |whose: String| html! { <Inside key={whose}>{ props.children.clone() }</Inside> };
    match use_who() {
        _ if is_entrance => props.children.clone(),
        Who::Nobody { cut_off } => match project.filter(|_| claimed) {
            Some(id) => html! {
                <VisitGate key={id.to_string()} {id} {cut_off}>{ inside("visitor".to_owned()) }</VisitGate>
            },
            None => html! { <Entrance deed={if claimed { Deed::SignIn } else { Deed::Claim }} {cut_off} /> },
        },
        Who::Unknown if is_asking => html! {},
        // A node that says nothing of itself yet holds nobody up: it refuses what is not to be shown.
        Who::Unknown | Who::Trusted => inside("nobody".to_owned()),
        Who::SignedIn(account) if !account.confirmed && !is_own => html! { <Unconfirmed {account} /> },
        Who::SignedIn(account) => inside(account.id.to_string()),
    }
}

/// What one sees, made anew for another: nothing that was fetched for one is shown to the next.
#[component]
fn Inside(props: &GateProps) -> Html {
    props.children.clone()
}

#[derive(PartialEq, Properties)]
struct UnconfirmedProps {
    account: Rc<Account>,
}

/// For whoever may do nothing before their address is confirmed.
#[component]
fn Unconfirmed(props: &UnconfirmedProps) -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(Text::ConfirmTitle));
    let renew = use_connection().renew;
    use_effect_with((), move |()| {
        // The link opens another tab; whoever comes back from there finds this one as they wish it.
        let listener = EventListener::new(&browser::document(), "visibilitychange", move |_| {
            if browser::is_visible() {
                renew.emit(());
            }
        });
        move || drop(listener)
    });
    html! {
        <section id="unconfirmed" class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(Text::ConfirmTitle) }</h1>
            <p class="lead-small">{ tr.fill(Text::UnconfirmedDetail, &[("email", &props.account.email)]) }</p>
            <Resend />
        </section>
    }
}
