//! Where a mailed invitation leads: whoever has the address that it was mailed to accepts it. What the link carries is
//! kept for as long as the page shows, also while one signs in, and nowhere else.

use std::rc::Rc;

use domain::account::{Account, Secret};
use domain::sharing::InvitationUse;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::deed::Deed;
use super::entrance::{Entrance, Told, use_fragment};
use super::{Who, use_who};
use crate::api::{self, ApiError};
use crate::asked::use_errands;
use crate::i18n::use_tr;
use crate::pages::use_page;
use crate::routes::Route;

/// How what an invitation carries begins.
const TOKEN_START: &str = "vi_";

#[component]
pub fn InvitationPage() -> Html {
    let (tr, token) = (use_tr(), use_fragment(Some(TOKEN_START)));
    let Some(token) = token else {
        return html! { <Told title={Text::InvitationTitle} text={Text::LinkMissing} ways={vec![(Route::Shelf, Text::AllBooks)]} /> };
    };
    match use_who() {
        Who::Unknown => html! {},
        Who::SignedIn(account) => html! { <Accept {token} {account} /> },
        Who::Trusted => html! {
            <Told title={Text::InvitationTitle} text={Text::ErrorClaimNeeded} ways={vec![(Route::Claim, Text::ClaimTitle)]} />
        },
        Who::Nobody { .. } => html! {
            <>
                <p id="invitation-sign-in" class="notice entrance">{ tr.t(Text::InvitationSignIn) }</p>
                <Entrance deed={Deed::SignIn} />
            </>
        },
    }
}

#[derive(PartialEq, Properties)]
struct Props {
    token: Secret,
    account: Rc<Account>,
}

#[component]
fn Accept(props: &Props) -> Html {
    let (tr, account) = (use_tr(), &props.account);
    let heading = use_page(tr.t(Text::InvitationTitle));
    let refusal = use_state_eq(|| None::<ApiError>);
    let busy = use_state_eq(|| false);
    let (errands, navigator) = (use_errands(), use_navigator());
    let accept = {
        let (refusal, busy, token, errands) = (refusal.clone(), busy.clone(), props.token.clone(), errands.clone());
        Callback::from(move |_: MouseEvent| {
            if *busy {
                return;
            }
            busy.set(true);
            let (refusal, busy, errands, navigator) =
                (refusal.clone(), busy.clone(), errands.clone(), navigator.clone());
            let invitation = InvitationUse { token: token.clone() };
            spawn_local(async move {
                match api::accept_invitation(&invitation).await {
                    Ok(joined) => {
                        if let Some(navigator) = navigator {
                            navigator.replace(&Route::project(joined.project));
                        }
                        let role = tr.project_role(joined.role);
                        errands.say(tr.fill(Text::InvitationDone, &[("role", role)]));
                    }
                    Err(error) => {
                        busy.set(false);
                        refusal.set(Some(error));
                    }
                }
            });
        })
    };
    // With another account one stays here: what the link carries would be gone elsewhere.
    let change = Callback::from(move |_: MouseEvent| {
        let errands = errands.clone();
        spawn_local(async move {
            match api::sign_out().await {
                Err(error) if !error.is_unsigned() => errands.complain(&error),
                _ => errands.renew(),
            }
        });
    });
    html! {
        <section id="invitation" class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(Text::InvitationTitle) }</h1>
            <p class="lead-small">{ tr.t(Text::InvitationLead) }</p>
            <p>{ tr.fill(Text::SignedInAlready, &[("email", &account.email)]) }</p>
            <div role="alert">
                if let Some(error) = &*refusal {
                    <p id="invitation-problem" class="notice notice-bad" data-code={error.code().to_owned()}>{ error.message(tr) }</p>
                }
            </div>
            <div class="form-buttons">
                <button type="button" id="invitation-accept" class="button button-main" aria-disabled={busy.to_string()} onclick={accept}>
                    { tr.t(Text::InvitationAccept) }
                </button>
                <button type="button" id="invitation-other" class="button" onclick={change}>{ tr.t(Text::InvitationOther) }</button>
            </div>
        </section>
    }
}
