//! What one is called, the language of what one is told, and where it is mailed.

use std::rc::Rc;

use domain::account::Account;
use domain::text::Text;
use yew::prelude::*;

use super::deed::Deed;
use super::field::Filled;
use super::form::AccountForm;
use super::picture::PictureSection;
use super::resend::Resend;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::toast::use_toasts;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub account: Rc<Account>,
}

#[component]
pub fn Profile(props: &Props) -> Html {
    let (tr, account) = (use_tr(), &props.account);
    let (connection, toasts) = (use_connection(), use_toasts());
    let asked = use_state_eq(|| None::<Filled>);
    let on_saved = Callback::from(move |_: Filled| {
        toasts.say(tr.t(Text::ProfileSaved).to_owned());
        connection.renew.emit(());
    });
    let on_asked = {
        let asked = asked.clone();
        Callback::from(move |filled: Filled| asked.set(Some(filled)))
    };
    let initial = vec![("name", account.name.clone()), ("language", account.language.tag().to_owned())];
    html! {
        <div class="settings">
            if !account.confirmed {
                <section id="own-unconfirmed" class="card" aria-labelledby="own-unconfirmed-title">
                    <h2 id="own-unconfirmed-title">{ tr.t(Text::ConfirmTitle) }</h2>
                    <p>{ tr.fill(Text::UnconfirmedDetail, &[("email", &account.email)]) }</p>
                    <Resend />
                </section>
            }
            <section class="card" aria-labelledby="profile-title">
                <h2 id="profile-title">{ tr.t(Text::ProfileTitle) }</h2>
                <AccountForm deed={Deed::Profile} {initial} on_done={on_saved} />
            </section>
            if account.confirmed {
                <PictureSection name={account.name.clone()} />
            }
            <section class="card" aria-labelledby="address-title">
                <h2 id="address-title">{ tr.t(Text::FieldEmail) }</h2>
                if let Some(filled) = &*asked {
                    <div id="address-asked" class="form" role="status">
                        <p>{ tr.fill(Text::AddressDone, &[("email", &filled.text("email"))]) }</p>
                        <Resend deed={Deed::Address} filled={filled.clone()} />
                    </div>
                } else {
                    <p>{ tr.fill(Text::AddressLead, &[("email", &account.email)]) }</p>
                    <AccountForm deed={Deed::Address} on_done={on_asked} />
                }
            </section>
        </div>
    }
}
