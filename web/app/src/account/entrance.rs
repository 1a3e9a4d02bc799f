//! The pages for whoever is not signed in: the first account, signing up and in, confirming an address, setting another
//! password.

use domain::account::Secret;
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::deed::Deed;
use super::field::Filled;
use super::form::AccountForm;
use super::identities::ProviderWay;
use super::resend::Resend;
use super::{Who, use_who};
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use crate::node_info::use_node_info;
use crate::pages::use_page;
use crate::routes::Route;
use crate::toast::use_toasts;

/// How what a mailed link carries begins.
const TOKEN_START: &str = "vl_";

fn title(deed: Deed) -> Text {
    match deed {
        Deed::Forgot | Deed::Reset => Text::ForgotTitle,
        deed => deed.label(),
    }
}

fn lead(deed: Deed) -> Text {
    match deed {
        Deed::Claim => Text::ClaimLead,
        Deed::SignUp => Text::SignUpLead,
        Deed::Confirm => Text::ConfirmLead,
        Deed::Forgot => Text::ForgotLead,
        Deed::Reset => Text::ResetLead,
        _ => Text::SignInLead,
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub deed: Deed,
    /// Somebody was signed in until now.
    #[prop_or_default]
    pub cut_off: bool,
}

#[component]
pub fn Entrance(props: &Props) -> Html {
    let (deed, tr) = (props.deed, use_tr());
    let sent = use_state_eq(|| None::<Filled>);
    let named = tr.t(if sent.is_some() { Text::LookIntoMail } else { title(deed) });
    let heading = use_page(named);
    let claimed = use_node_info().map(|node| node.claimed);
    let token = use_fragment(deed.needs_link().then_some(TOKEN_START));
    let on_done = use_arrival(deed, sent.setter());
    let shown = match (deed, claimed, &*sent) {
        (Deed::SignUp | Deed::Forgot, _, Some(filled)) => mailed(tr, deed, filled),
        (Deed::Claim, Some(true), _) => {
            told(tr, Text::ErrorClaimed, &[(Route::Shelf, Text::SignInTitle), (Route::SignUp, Text::SignUpTitle)])
        }
        (Deed::SignUp, Some(false), _) => told(tr, Text::ErrorClaimNeeded, &[(Route::Claim, Text::ClaimTitle)]),
        (Deed::Confirm, ..) if token.is_none() => told(tr, Text::LinkMissing, &[(Route::Shelf, Text::SignInTitle)]),
        (Deed::Reset, ..) if token.is_none() => told(tr, Text::LinkMissing, &[(Route::Forgot, Text::LinkAnother)]),
        _ => html! {
            <>
                <Lead {deed} cut_off={props.cut_off} />
                <AccountForm {deed} {token} {on_done} />
                if deed == Deed::SignIn { <ProviderWay /> }
                { ways(tr, deed) }
            </>
        },
    };
    html! {
        <section id="entrance" class="entrance" data-deed={deed.id()}>
            <h1 tabindex="-1" ref={heading}>{ named }</h1>
            { shown }
        </section>
    }
}

/// What a link carries that begins so, kept for as long as the page shows and nowhere else.
#[hook]
pub fn use_fragment(start: Option<&'static str>) -> Option<Secret> {
    let take = move || start.and_then(browser::take_fragment).map(Secret);
    let token = use_state_eq(take);
    let location = use_location();
    {
        // Another link may be opened in the same tab.
        let token = token.clone();
        use_effect_with(location, move |_| {
            if let Some(newer) = take() {
                token.set(Some(newer));
            }
        });
    }
    (*token).clone()
}

/// What happens once a deed is done: whoever is signed in by it goes on, others are told what comes next.
#[hook]
fn use_arrival(deed: Deed, sent: UseStateSetter<Option<Filled>>) -> Callback<Filled> {
    let (tr, connection, toasts, navigator) = (use_tr(), use_connection(), use_toasts(), use_navigator());
    Callback::from(move |filled: Filled| {
        if matches!(deed, Deed::SignUp | Deed::Forgot) {
            return sent.set(Some(filled));
        }
        // Signing in has no address of its own: it is asked for wherever one is, and there one goes on.
        if let (Some(navigator), true) = (&navigator, deed != Deed::SignIn) {
            navigator.replace(&Route::Shelf);
        }
        if deed == Deed::Reset {
            toasts.say(tr.t(Text::ResetDone).to_owned());
        }
        connection.renew.emit(());
    })
}

#[derive(PartialEq, Properties)]
struct LeadProps {
    deed: Deed,
    cut_off: bool,
}

#[component]
fn Lead(props: &LeadProps) -> Html {
    let tr = use_tr();
    let who = use_who();
    html! {
        <>
            if props.cut_off {
                <p id="cut-off" class="notice notice-warn" role="status">{ tr.t(Text::CutOff) }</p>
            } else {
                <p class="lead-small">{ tr.t(lead(props.deed)) }</p>
            }
            if props.deed == Deed::Claim {
                <ul id="claim-means" class="points">
                    <li>{ tr.t(Text::ClaimEnds) }</li>
                    <li>{ tr.t(Text::ClaimOthers) }</li>
                </ul>
            }
            if let (Who::SignedIn(account), false) = (who, props.deed.needs_link()) {
                <p class="notice">{ tr.fill(Text::SignedInAlready, &[("email", &account.email)]) }</p>
            }
        </>
    }
}

/// What was mailed, and another try.
fn mailed(tr: Tr, deed: Deed, filled: &Filled) -> Html {
    let text = if deed == Deed::SignUp { Text::SignUpDoneTo } else { Text::ForgotDoneTo };
    html! {
        <div id="mailed" class="form" role="status">
            <p>{ tr.fill(text, &[("email", &filled.text("email"))]) }</p>
            <Resend {deed} filled={filled.clone()} />
            <ul class="ways"><li><Link<Route> to={Route::Shelf}>{ tr.t(Text::SignInTitle) }</Link<Route>></li></ul>
        </div>
    }
}

fn told(tr: Tr, text: Text, ways: &[(Route, Text)]) -> Html {
    html! {
        <>
            <p id="entrance-told" class="notice">{ tr.t(text) }</p>
            <ul class="ways">{ for ways.iter().map(|(route, text)| way(tr, route, *text)) }</ul>
        </>
    }
}

#[derive(PartialEq, Properties)]
pub struct ToldProps {
    pub title: Text,
    pub text: Text,
    /// Where to go from there.
    #[prop_or_default]
    pub ways: Vec<(Route, Text)>,
}

/// A page that has nothing but words, and where to go from there.
#[component]
pub fn Told(props: &ToldProps) -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(props.title));
    html! {
        <section class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(props.title) }</h1>
            { told(tr, props.text, &props.ways) }
        </section>
    }
}

/// Where else one may have wanted to go.
fn ways(tr: Tr, deed: Deed) -> Html {
    let ways = match deed {
        Deed::SignIn => vec![(Route::SignUp, Text::SignUpTitle), (Route::Forgot, Text::PasswordForgot)],
        Deed::SignUp | Deed::Forgot => vec![(Route::Shelf, Text::SignInTitle)],
        Deed::Confirm | Deed::Reset => vec![(Route::Forgot, Text::PasswordForgot)],
        _ => Vec::new(),
    };
    html! { <ul class="ways">{ for ways.iter().map(|(route, text)| way(tr, route, *text)) }</ul> }
}

fn way(tr: Tr, route: &Route, text: Text) -> Html {
    html! { <li><Link<Route> to={route.clone()}>{ tr.t(text) }</Link<Route>></li> }
}
