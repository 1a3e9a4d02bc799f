//! Signing in with an identity provider's word: the way there, and the identities that are linked with one's account.

use domain::identity::{LinkedIdentity, ProviderFlow};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api;
use crate::asked::{use_asked, use_errands};
use crate::browser;
use crate::confirm::Confirm;
use crate::i18n::{Tr, use_tr};
use crate::node_info::use_node_info;

/// What the provider is called, where the node relies on one.
#[hook]
pub fn use_provider() -> Option<String> {
    use_node_info().and_then(|node| node.identity_provider.clone())
}

/// Where to come back to.
fn here() -> ProviderFlow {
    ProviderFlow { to: Some(browser::path()) }
}

/// The way to sign in with the provider's word.
#[component]
pub fn ProviderWay() -> Html {
    let tr = use_tr();
    let Some(name) = use_provider() else { return html! {} };
    html! {
        <div class="provider-way">
            <p class="or" aria-hidden="true"><span>{ tr.t(Text::Or) }</span></p>
            <a id="provider-sign-in" class="button" href={api::provider_url(&browser::path())}>
                { tr.fill(Text::ProviderSignIn, &[("name", &name)]) }
            </a>
        </div>
    }
}

/// The way to show once more that it is oneself, by the provider: the page is left, and what was asked for is to be
/// asked for again afterwards.
#[component]
pub fn ProviderAgain() -> Html {
    let (tr, errands) = (use_tr(), use_errands());
    let Some(name) = use_provider() else { return html! {} };
    let on_click = Callback::from(move |_: MouseEvent| {
        let errands = errands.clone();
        spawn_local(async move {
            match api::ask_provider_again(&here()).await {
                Ok(to) => browser::leave(&to.url),
                Err(error) => errands.complain(&error),
            }
        });
    });
    html! {
        <div class="provider-way">
            <p class="or" aria-hidden="true"><span>{ tr.t(Text::Or) }</span></p>
            <button type="button" id="provider-again" class="button" onclick={on_click}>{ tr.fill(Text::ProviderAgain, &[("name", &name)]) }</button>
            <p class="meta">{ tr.t(Text::ProviderAgainHint) }</p>
        </div>
    }
}

/// The identities that are linked with one's account; nothing where the node relies on no provider.
#[component]
pub fn Identities() -> Html {
    let provider = use_provider();
    provider.map(|provider| html! { <Linked {provider} /> }).unwrap_or_default()
}

#[derive(PartialEq, Properties)]
struct Props {
    provider: String,
}

#[component]
fn Linked(props: &Props) -> Html {
    let (tr, errands) = (use_tr(), use_errands());
    let list = use_asked((), |()| api::identities());
    let unlinking = use_state_eq(|| None::<LinkedIdentity>);
    let link = {
        let errands = errands.clone();
        Callback::from(move |_: MouseEvent| {
            let errands = errands.clone();
            spawn_local(async move {
                match api::link_identity(&here()).await {
                    Ok(to) => browser::leave(&to.url),
                    Err(error) => errands.complain(&error),
                }
            });
        })
    };
    let on_unlink = {
        let unlinking = unlinking.clone();
        Callback::from(move |identity: LinkedIdentity| unlinking.set(Some(identity)))
    };
    let close = {
        let unlinking = unlinking.clone();
        Callback::from(move |()| unlinking.set(None))
    };
    let named = [("name", &*props.provider)];
    html! {
        <section id="identities" class="card" aria-labelledby="identities-title">
            <h2 id="identities-title" tabindex="-1">{ tr.fill(Text::IdentitiesTitle, &named) }</h2>
            <p>{ tr.fill(Text::IdentitiesLead, &named) }</p>
            { list.shown(tr, |list| {
                // Without a password the last one is the only way in.
                let can_unlink = list.has_password || list.identities.len() > 1;
                match &*list.identities {
                    [] => html! { <p id="identities-none" class="quiet">{ tr.t(Text::IdentitiesNone) }</p> },
                    linked => html! {
                        <>
                            <ul class="session-list">{ for linked.iter().map(|identity| entry(tr, identity, can_unlink, &on_unlink)) }</ul>
                            if !can_unlink { <p class="meta">{ tr.t(Text::IdentityLast) }</p> }
                        </>
                    },
                }
            }) }
            <p><button type="button" id="identity-link" class="button" onclick={link}>{ tr.fill(Text::IdentityLink, &named) }</button></p>
            if let Some(identity) = &*unlinking {
                { question(tr, &errands, identity, close) }
            }
        </section>
    }
}

fn entry(tr: Tr, identity: &LinkedIdentity, can_unlink: bool, on_unlink: &Callback<LinkedIdentity>) -> Html {
    let on_click = {
        let identity = identity.clone();
        on_unlink.reform(move |_: MouseEvent| identity.clone())
    };
    let linked = tr.fill(Text::IdentityLinkedAt, &[("time", &tr.moment(identity.linked_ms))]);
    html! {
        <li key={identity.id.to_string()} class="session identity">
            <div>
                <p><strong>{ &identity.label }</strong></p>
                <p class="meta">{ &identity.issuer }{ " · " }{ linked }</p>
            </div>
            if can_unlink {
                <button type="button" class="button identity-unlink" aria-label={tr.fill(Text::IdentityUnlinkNamed, &[("name", &identity.label)])} onclick={on_click}>
                    { tr.t(Text::IdentityUnlink) }
                </button>
            }
        </li>
    }
}

fn question(tr: Tr, errands: &crate::asked::Errands, identity: &LinkedIdentity, close: Callback<()>) -> Html {
    let (id, named) = (identity.id, [("name", &*identity.label)]);
    let said = tr.fill(Text::IdentityUnlinked, &named);
    let on_do = {
        let (close, errands) = (close.clone(), errands.clone());
        Callback::from(move |()| {
            close.emit(());
            errands.end(api::unlink_identity(id), said.clone(), || browser::focus_first("#identities-title"));
        })
    };
    html! {
        <Confirm title={tr.fill(Text::IdentityUnlinkQuestion, &named)} detail={tr.t(Text::IdentityUnlinkDetail)}
            label={Text::IdentityUnlink} on_keep={close} {on_do} />
    }
}
