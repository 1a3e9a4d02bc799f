//! Who uses the page: whoever sits at the machine of a node that trusts them, somebody who is signed in, or nobody yet,
//! who is shown a way in instead of what they asked for.
//!
//! | module | holds |
//! |---|---|
//! | here | who it is, for every component |
//! | [`entrance`] | the forms to sign up and in, to confirm an address, to set another password |

pub mod entrance;

use std::rc::Rc;

use domain::account::Account;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api;
use crate::connection::{Connection, use_connection};
use crate::i18n::use_tr;
use crate::node_info::use_node_info;
use crate::routes::Route;
use entrance::{Deed, Entrance};

/// Who uses the page.
#[derive(Clone, PartialEq)]
pub enum Who {
    /// It is being asked.
    Unknown,
    /// Whoever sits at the machine.
    Trusted,
    /// Nobody is signed in.
    Nobody,
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
    let trusts = use_node_info().map(|node| node.local_trust);
    {
        let (who, connection) = (who.clone(), props.connection.clone());
        use_effect_with((trusts, props.connection.epoch), move |(trusts, _)| match trusts {
            None => {}
            Some(true) => who.set(Who::Trusted),
            Some(false) => spawn_local(async move {
                match api::account().await {
                    Ok(signed_in) => who.set(Who::SignedIn(Rc::new(signed_in.account))),
                    Err(error) if error.is_unsigned() => who.set(Who::Nobody),
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
    let is_entrance = use_route::<Route>().is_some_and(|route| route.deed().is_some());
    let claimed = use_node_info().is_none_or(|node| node.claimed);
    match use_who() {
        _ if is_entrance => props.children.clone(),
        Who::Nobody => html! { <Entrance deed={if claimed { Deed::SignIn } else { Deed::Claim }} /> },
        // What is not known yet holds nobody up: the node refuses what is not to be shown.
        Who::Unknown | Who::Trusted | Who::SignedIn(_) => props.children.clone(),
    }
}

/// Who is signed in, and the way out.
#[component]
pub fn Badge() -> Html {
    let (tr, connection) = (use_tr(), use_connection());
    let Who::SignedIn(account) = use_who() else { return html! {} };
    let on_click = Callback::from(move |_: MouseEvent| {
        let connection = connection.clone();
        spawn_local(async move {
            if let Err(error) = api::sign_out().await {
                connection.heed(&error);
            }
            connection.renew.emit(());
        });
    });
    html! {
        <div class="account">
            <span id="account-name">{ &account.name }</span>
            <button type="button" id="sign-out" onclick={on_click}>{ tr.t(Text::SignOut) }</button>
        </div>
    }
}
