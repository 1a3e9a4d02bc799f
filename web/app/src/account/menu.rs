//! Who is signed in, at the top of every page, with the ways to their account and out.

use std::rc::Rc;

use domain::account::{Account, SystemRole};
use domain::text::Text;
use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::picture::Face;
use super::{Who, use_who};
use crate::api;
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::routes::Route;
use crate::toast::use_toasts;

#[component]
pub fn Menu() -> Html {
    let tr = use_tr();
    let is_entrance = use_route::<Route>().is_some_and(|route| route.deed().is_some());
    match use_who() {
        Who::SignedIn(account) => html! { <AccountMenu {account} /> },
        // Anywhere else the page itself is the way in.
        Who::Nobody { .. } if is_entrance => html! {
            <Link<Route> to={Route::Shelf} classes="top-link">{ tr.t(Text::SignInTitle) }</Link<Route>>
        },
        _ => html! {},
    }
}

/// Signs out, here or everywhere, and shows the way in.
#[hook]
pub fn use_sign_out(everywhere: bool) -> Callback<MouseEvent> {
    let (tr, connection, toasts, navigator) = (use_tr(), use_connection(), use_toasts(), use_navigator());
    Callback::from(move |_: MouseEvent| {
        let (connection, toasts, navigator) = (connection.clone(), toasts.clone(), navigator.clone());
        spawn_local(async move {
            let done = if everywhere { api::end_sessions().await } else { api::sign_out().await };
            match done {
                Err(error) if !error.is_unsigned() => {
                    connection.heed(&error);
                    toasts.complain(error.message(tr));
                }
                _ => {
                    // Whoever signs in next is not led to where this one was.
                    if let Some(navigator) = navigator {
                        navigator.push(&Route::Shelf);
                    }
                    connection.renew.emit(());
                }
            }
        });
    })
}

#[derive(PartialEq, Properties)]
struct Props {
    account: Rc<Account>,
}

#[component]
fn AccountMenu(props: &Props) -> Html {
    let (tr, account) = (use_tr(), &props.account);
    let open = use_state_eq(|| false);
    let menu = use_node_ref();
    use_closing(&open, &menu);
    let sign_out = use_sign_out(false);
    let on_toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let way = |id: &'static str, route: Route, text: Text| {
        html! { <li {id}><Link<Route> to={route}>{ tr.t(text) }</Link<Route>></li> }
    };
    html! {
        <div class="account" ref={menu}>
            <button type="button" id="account-button" class="account-button" aria-expanded={open.to_string()}
                aria-controls="account-menu" aria-label={format!("{} · {}", tr.t(Text::AccountMenu), account.name)} onclick={on_toggle}>
                <Face name={account.name.clone()} />
                <span id="account-name" class="account-name">{ &account.name }</span>
            </button>
            <div id="account-menu" class="account-menu" hidden={!*open}>
                <p class="account-who"><strong>{ &account.name }</strong><span class="meta">{ &account.email }</span></p>
                <ul>
                    { way("menu-account", Route::Account, Text::AccountTitle) }
                    { way("menu-security", Route::Security, Text::SecurityTitle) }
                    { way("menu-data", Route::AccountData, Text::DataTitle) }
                    { way("menu-activity", Route::AccountActivity, Text::SectionActivity) }
                    if account.role == SystemRole::Admin {
                        { way("menu-accounts", Route::Accounts, Text::AdminTitle) }
                    }
                    <li><button type="button" id="sign-out" onclick={sign_out}>{ tr.t(Text::SignOut) }</button></li>
                </ul>
            </div>
        </div>
    }
}

/// Closes what is open when something else is pressed or shown, when the keyboard leaves it, and on Escape, which gives
/// the focus back to the button.
#[hook]
fn use_closing(open: &UseStateHandle<bool>, menu: &NodeRef) {
    let route = use_route::<Route>();
    {
        let open = open.setter();
        use_effect_with(route, move |_| open.set(false));
    }
    let (setter, menu) = (open.setter(), menu.clone());
    use_effect_with(**open, move |is_open| {
        let listen = |kind: &'static str, heard: fn(&NodeRef, &Event) -> bool| {
            let (setter, menu) = (setter.clone(), menu.clone());
            EventListener::new(&browser::document(), kind, move |event| {
                if heard(&menu, event) {
                    setter.set(false);
                }
            })
        };
        let listeners = is_open
            .then(|| [listen("pointerdown", is_outside), listen("focusin", is_outside), listen("keydown", is_escape)]);
        move || drop(listeners)
    });
}

fn is_outside(menu: &NodeRef, event: &Event) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
    menu.get().is_some_and(|menu| !menu.contains(target.as_ref()))
}

fn is_escape(_: &NodeRef, event: &Event) -> bool {
    let escapes = event.dyn_ref::<KeyboardEvent>().is_some_and(|event| event.key() == "Escape");
    if escapes {
        browser::focus_first("#account-button");
    }
    escapes
}
