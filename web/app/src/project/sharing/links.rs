//! Share links of a project: addresses that show it to whoever has them.

use domain::id::ProjectId;
use domain::sharing::{NewShareLink, SHARE_LINK_VALID_MAX_S, ShareLink, ShareLinkRequest};
use domain::text::Text;
use yew::prelude::*;

use crate::account::field::{Blame, Choice, Field, Filled, Kind, field};
use crate::account::once::{Keep, Once};
use crate::account::sheet::{Send, Sheet};
use crate::api;
use crate::asked::{use_asked, use_errands, use_steps};
use crate::browser;
use crate::confirm::Confirm;
use crate::dialog::{Dialog, cancel};
use crate::i18n::{Tr, use_tr};

/// How long a link can be used, seconds.
const SPANS: &[Choice] = &[
    Choice { value: "86400", label: Text::SpanDay, about: None },
    Choice { value: "604800", label: Text::SpanWeek, about: None },
    Choice { value: "2592000", label: Text::SpanMonth, about: None },
    Choice { value: "31622400", label: Text::SpanYear, about: None },
];
const FIELDS: &[Field] = &[
    field("name", Text::LinkName, Kind::Line, "off", Some(Text::LinkNameHint)),
    field("span", Text::LinkSpan, Kind::Choice(SPANS), "off", None),
    field("password", Text::LinkPassword, Kind::OptionalPassword, "new-password", Some(Text::LinkPasswordHint)),
];
const BLAME: Blame = &[("bad-name", "name"), ("password-weak", "password")];

/// What is being done.
#[derive(Clone, PartialEq)]
enum Step {
    New,
    Made(NewShareLink),
    Revoke(ShareLink),
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
}

#[component]
pub fn Links(props: &Props) -> Html {
    let (tr, id) = (use_tr(), props.id);
    let links = use_asked(id, |id| api::share_links(*id));
    let (step, to) = use_steps(|step| matches!(step, Step::Made(_)));
    html! {
        <section id="links" class="card" aria-labelledby="links-title">
            <h3 id="links-title" tabindex="-1">{ tr.t(Text::LinksTitle) }</h3>
            <p>{ tr.t(Text::LinksLead) }</p>
            { links.shown(tr, |list| match &*list.links {
                [] => html! { <p id="links-none" class="quiet">{ tr.t(Text::LinksNone) }</p> },
                links => html! { <ul class="session-list">{ for links.iter().map(|link| entry(tr, link, &to)) }</ul> },
            }) }
            <p>
                <button type="button" id="link-new" class="button" onclick={to.reform(|_: MouseEvent| Some(Step::New))}>{ tr.t(Text::LinkNew) }</button>
            </p>
            if let Some(step) = step {
                <Steps {id} {step} {to} />
            }
        </section>
    }
}

fn entry(tr: Tr, link: &ShareLink, to: &Callback<Option<Step>>) -> Html {
    let revoke = {
        let link = link.clone();
        to.reform(move |_: MouseEvent| Some(Step::Revoke(link.clone())))
    };
    let time = |text: Text, at_ms: u64| tr.fill(text, &[("time", &tr.moment(at_ms))]);
    let facts = [time(Text::KeyMadeAt, link.created_ms), time(Text::KeyEndsAt, link.expires_ms)];
    html! {
        <li key={link.id.to_string()} class="session" data-link={link.id.to_string()}>
            <div>
                <p><strong>{ &link.name }</strong>
                    if link.password { <span class="chip">{ tr.t(Text::LinkHasPassword) }</span> }
                </p>
                <p class="meta">{ facts.join(" · ") }</p>
            </div>
            <button type="button" class="button link-revoke" aria-label={tr.fill(Text::KeyRevokeNamed, &[("name", &link.name)])} onclick={revoke}>
                { tr.t(Text::Revoke) }
            </button>
        </li>
    }
}

#[derive(PartialEq, Properties)]
struct StepsProps {
    id: ProjectId,
    step: Step,
    to: Callback<Option<Step>>,
}

/// The dialog of a step.
#[component]
fn Steps(props: &StepsProps) -> Html {
    let (tr, errands, id, to) = (use_tr(), use_errands(), props.id, props.to.clone());
    let close = to.reform(|()| None);
    match &props.step {
        Step::New => {
            let send = Send::new(move |filled: Filled| {
                let to = to.clone();
                async move {
                    let new = api::make_share_link(id, &request(&filled)).await?;
                    to.emit(Some(Step::Made(new)));
                    Ok(())
                }
            });
            html! {
                <Dialog id="new-link" title={tr.t(Text::LinkNew)} on_close={close.clone()}>
                    <Sheet id="link" fields={FIELDS.to_vec()} label={Text::LinkMake} {send} blame={BLAME}
                        initial={vec![("span", "604800".to_owned())]} focus=true>
                        { cancel(tr, &close) }
                    </Sheet>
                </Dialog>
            }
        }
        Step::Made(new) => Keep {
            id: "made-link",
            title: tr.fill(Text::LinkMade, &[("name", &new.link.name)]),
            lead: Text::LinkMadeLead,
            warning: Text::LinkOnce,
            once: html! { <Once id="link-url" label={Text::LinkUrl} lines={vec![new.url.0.clone()]} /> },
            kept: ("link-kept", Text::KeyKept, close),
        }
        .html(tr),
        Step::Revoke(link) => {
            let (link, said) = (link.clone(), tr.fill(Text::KeyRevoked, &[("name", &link.name)]));
            let title = tr.fill(Text::LinkRevokeQuestion, &[("name", &link.name)]);
            let on_do = {
                let close = close.clone();
                Callback::from(move |()| {
                    close.emit(());
                    let then = || browser::focus_first("#links-title");
                    errands.end(api::revoke_share_link(id, link.id), said.clone(), then);
                })
            };
            html! {
                <Confirm {title} detail={tr.t(Text::LinkRevokeDetail)} label={Text::Revoke} on_keep={close} {on_do} />
            }
        }
    }
}

/// The link that a form asks for.
fn request(filled: &Filled) -> ShareLinkRequest {
    ShareLinkRequest {
        name: filled.text("name").trim().to_owned(),
        password: filled.secret_if_any("password"),
        valid_s: filled.text("span").parse().unwrap_or(SHARE_LINK_VALID_MAX_S),
    }
}

#[cfg(test)]
mod tests {
    use domain::account::Secret;
    use domain::language::Language;
    use domain::sharing::SHARE_LINK_VALID_MIN_S;

    use super::*;

    #[test]
    fn a_link_is_asked_for_with_a_password_only_if_one_was_typed() {
        let ask = |password: &str| {
            let values = vec![("name", " Ben ".to_owned()), ("span", "86400".into()), ("password", password.into())];
            request(&Filled::new(values, Language::En, None))
        };
        assert_eq!(ask(""), ShareLinkRequest { name: "Ben".into(), password: None, valid_s: 86_400 });
        assert_eq!(ask("a lamp upon").password, Some(Secret("a lamp upon".into())));
    }

    #[test]
    fn every_time_that_is_offered_is_one_that_the_node_gives() {
        for span in SPANS {
            let seconds: u32 = span.value.parse().unwrap();
            assert!((SHARE_LINK_VALID_MIN_S..=SHARE_LINK_VALID_MAX_S).contains(&seconds), "{span:?}");
        }
    }
}
