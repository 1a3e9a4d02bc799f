//! What keeps others out of an account: its password, and where it is signed in.

use std::rc::Rc;

use domain::account::Account;
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::deed::Deed;
use super::field::Filled;
use super::form::AccountForm;
use super::identities::Identities;
use super::keys::Keys;
use super::second_factor::SecondFactorSection;
use super::sessions::Sessions;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::routes::Route;
use crate::toast::use_toasts;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub account: Rc<Account>,
}

#[component]
pub fn Security(props: &Props) -> Html {
    let tr = use_tr();
    let (connection, toasts) = (use_connection(), use_toasts());
    // Another number is another form, with nothing in it.
    let changes = use_state_eq(|| 0_u32);
    let on_done = {
        let changes = changes.clone();
        Callback::from(move |_: Filled| {
            changes.set(*changes + 1);
            toasts.say(tr.t(Text::PasswordChanged).to_owned());
            connection.renew.emit(());
        })
    };
    html! {
        <div class="settings">
            <section class="card" aria-labelledby="password-title">
                <h2 id="password-title">{ tr.t(Text::FieldPassword) }</h2>
                <p>{ tr.t(Text::PasswordLead) }</p>
                <AccountForm key={*changes} deed={Deed::Password} owner={props.account.email.clone()} {on_done} />
                <p class="meta"><Link<Route> to={Route::Forgot}>{ tr.t(Text::PasswordForgot) }</Link<Route>></p>
            </section>
            <SecondFactorSection />
            <Identities />
            <Sessions />
            <Keys />
        </div>
    }
}
