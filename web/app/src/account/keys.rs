//! Keys for programs: what each may do, and until when; a new one is shown once.

use domain::api_key::{ApiKey, ApiKeyRequest, KeyScope, NewApiKey};
use domain::text::Text;
use yew::prelude::*;

use super::field::{Blame, Choice, Field, Filled, Kind, field};
use super::once::{Keep, Once};
use super::sheet::{Send, Sheet};
use crate::api;
use crate::asked::{use_asked, use_errands, use_steps};
use crate::browser;
use crate::confirm::Confirm;
use crate::dialog::{Dialog, cancel};
use crate::i18n::{Tr, use_tr};

const DAY_S: u64 = 24 * 3_600;

/// What a key can be for, each with what it means.
const SCOPES: &[(KeyScope, Choice)] = &[
    (KeyScope::Read, scope("read", Text::ScopeRead, Text::ScopeReadAbout)),
    (KeyScope::Write, scope("write", Text::ScopeWrite, Text::ScopeWriteAbout)),
    (KeyScope::Operate, scope("operate", Text::ScopeOperate, Text::ScopeOperateAbout)),
    (KeyScope::Administer, scope("administer", Text::ScopeAdminister, Text::ScopeAdministerAbout)),
];
const CHECKS: &[Choice] = &[SCOPES[0].1, SCOPES[1].1, SCOPES[2].1, SCOPES[3].1];
/// How long a key is good for, days.
const SPANS: &[Choice] = &[
    Choice { value: "7", label: Text::SpanWeek, about: None },
    Choice { value: "30", label: Text::SpanMonth, about: None },
    Choice { value: "90", label: Text::SpanQuarter, about: None },
    Choice { value: "366", label: Text::SpanYear, about: None },
];
const FIELDS: &[Field] = &[
    field("name", Text::KeyName, Kind::Line, "off", Some(Text::KeyNameHint)),
    field("scopes", Text::KeyScopes, Kind::Checks(CHECKS), "off", Some(Text::KeyScopesHint)),
    field("span", Text::KeySpan, Kind::Choice(SPANS), "off", None),
];
const BLAME: Blame = &[("key-settings-invalid", "name")];

const fn scope(value: &'static str, label: Text, about: Text) -> Choice {
    Choice { value, label, about: Some(about) }
}

/// What is being done.
#[derive(Clone, PartialEq)]
enum Step {
    New,
    Made(NewApiKey),
    Revoke(ApiKey),
}

#[component]
pub fn Keys() -> Html {
    let tr = use_tr();
    let keys = use_asked((), |()| api::keys());
    let (step, to) = use_steps(|step| matches!(step, Step::Made(_)));
    html! {
        <section id="keys" class="card" aria-labelledby="keys-title">
            <h2 id="keys-title" tabindex="-1">{ tr.t(Text::KeysTitle) }</h2>
            <p>{ tr.t(Text::KeysLead) }</p>
            { keys.shown(tr, |list| match &*list.keys {
                [] => html! { <p id="keys-none" class="quiet">{ tr.t(Text::KeysNone) }</p> },
                keys => html! { <ul class="session-list">{ for keys.iter().map(|key| entry(tr, key, &to)) }</ul> },
            }) }
            <p>
                <button type="button" id="key-new" class="button" onclick={to.reform(|_: MouseEvent| Some(Step::New))}>{ tr.t(Text::KeyNew) }</button>
            </p>
            if let Some(step) = step {
                <Steps {step} {to} />
            }
        </section>
    }
}

fn entry(tr: Tr, key: &ApiKey, to: &Callback<Option<Step>>) -> Html {
    let revoke = {
        let key = key.clone();
        to.reform(move |_: MouseEvent| Some(Step::Revoke(key.clone())))
    };
    let time = |text: Text, at_ms: u64| tr.fill(text, &[("time", &tr.moment(at_ms))]);
    let used = key.used_ms.map_or_else(|| tr.t(Text::KeyUnused).to_owned(), |at_ms| time(Text::SessionSeen, at_ms));
    let facts = [time(Text::KeyMadeAt, key.made_ms), used, time(Text::KeyEndsAt, key.ends_ms)];
    let over = (browser::now_ms() >= key.ends_ms)
        .then(|| html! { <span class="chip chip-bad">{ tr.t(Text::KeyOver) }</span> });
    html! {
        <li key={key.id.to_string()} class="session" data-key={key.id.to_string()}>
            <div>
                <p><strong>{ &key.name }</strong>{ over.unwrap_or_default() }</p>
                <p class="scopes">{ for key.scopes.iter().map(|scope| html! { <span class="tag">{ tr.t(scope_text(*scope)) }</span> }) }</p>
                <p class="meta">{ facts.join(" · ") }</p>
            </div>
            <button type="button" class="button key-revoke" aria-label={tr.fill(Text::KeyRevokeNamed, &[("name", &key.name)])} onclick={revoke}>
                { tr.t(Text::Revoke) }
            </button>
        </li>
    }
}

/// A scope in words.
fn scope_text(scope: KeyScope) -> Text {
    let known = SCOPES.iter().find(|(known, _)| *known == scope);
    known.map_or(Text::ScopeRead, |(_, choice)| choice.label)
}

#[derive(PartialEq, Properties)]
struct StepsProps {
    step: Step,
    to: Callback<Option<Step>>,
}

/// The dialog of a step.
#[component]
fn Steps(props: &StepsProps) -> Html {
    let (tr, errands, to) = (use_tr(), use_errands(), props.to.clone());
    let close = to.reform(|()| None);
    match &props.step {
        Step::New => {
            let send = Send::new(move |filled: Filled| {
                let to = to.clone();
                async move {
                    let new = api::make_key(&request(&filled)).await?;
                    to.emit(Some(Step::Made(new)));
                    Ok(())
                }
            });
            let initial = vec![("scopes", "read".to_owned()), ("span", "90".to_owned())];
            html! {
                <Dialog id="new-key" title={tr.t(Text::KeyNew)} on_close={close.clone()}>
                    <Sheet id="key" fields={FIELDS.to_vec()} label={Text::KeyMake} {send} blame={BLAME} {initial} focus=true>
                        { cancel(tr, &close) }
                    </Sheet>
                </Dialog>
            }
        }
        Step::Made(new) => Keep {
            id: "made-key",
            title: tr.fill(Text::KeyMade, &[("name", &new.key.name)]),
            lead: Text::KeyMadeLead,
            warning: Text::KeyOnce,
            once: html! { <Once id="key-token" label={Text::KeyToken} lines={vec![new.token.0.clone()]} /> },
            kept: ("key-kept", Text::KeyKept, close),
        }
        .html(tr),
        Step::Revoke(key) => {
            let (id, said) = (key.id, tr.fill(Text::KeyRevoked, &[("name", &key.name)]));
            let on_do = {
                let close = close.clone();
                Callback::from(move |()| {
                    close.emit(());
                    errands.end(api::revoke_key(id), said.clone(), || browser::focus_first("#keys-title"));
                })
            };
            html! {
                <Confirm title={tr.fill(Text::KeyRevokeQuestion, &[("name", &key.name)])} detail={tr.t(Text::KeyRevokeDetail)}
                    label={Text::Revoke} on_keep={close} {on_do} />
            }
        }
    }
}

/// The key that a form asks for.
fn request(filled: &Filled) -> ApiKeyRequest {
    let wanted = filled.list("scopes");
    let scopes = SCOPES.iter().filter(|(_, choice)| wanted.iter().any(|wanted| wanted == choice.value));
    ApiKeyRequest {
        name: filled.text("name").trim().to_owned(),
        scopes: scopes.map(|(scope, _)| *scope).collect(),
        valid_s: filled.text("span").parse().ok().map(|days: u64| days * DAY_S),
    }
}

#[cfg(test)]
mod tests {
    use domain::api_key::KEY_VALID_MAX_S;
    use domain::language::Language;

    use super::*;

    #[test]
    fn a_key_is_asked_for_with_what_was_ticked_and_for_as_long_as_was_chosen() {
        let values = vec![("name", " Backup ".to_owned()), ("scopes", "write read".into()), ("span", "30".into())];
        let asked = request(&Filled::new(values, Language::En, None));
        assert_eq!(asked.name, "Backup");
        assert_eq!(asked.scopes, [KeyScope::Read, KeyScope::Write]);
        assert_eq!(asked.valid_s, Some(30 * DAY_S));
    }

    #[test]
    fn no_key_is_offered_for_longer_than_the_node_gives_one() {
        for span in SPANS {
            assert!(span.value.parse::<u64>().unwrap() * DAY_S <= KEY_VALID_MAX_S, "{span:?}");
        }
    }

    #[test]
    fn a_scope_is_named_as_the_node_names_it() {
        for (scope, choice) in SCOPES {
            assert_eq!(serde_json::to_string(scope).unwrap(), format!("{:?}", choice.value));
        }
    }
}
