//! The second factor: codes of an app beside the password, set up in three steps, and codes to recover with.

use domain::second_factor::{NewSecondFactor, SecondFactor};
use domain::text::Text;
use gloo_timers::future::TimeoutFuture;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::field::{Blame, Field, Filled, Kind, ONE_TIME, field};
use super::once::{Keep, Once};
use super::sheet::{Send, Sheet};
use crate::api::{self, CODE_WRONG};
use crate::asked::{use_asked, use_errands, use_steps};
use crate::browser;
use crate::dialog::{Dialog, cancel};
use crate::i18n::{Tr, use_tr};

/// So few codes to recover with want others.
const FEW_CODES: u32 = 3;
const BLAME: Blame = &[(CODE_WRONG, "one-time")];
/// A code of the app alone: there are none to recover with yet.
const APP_CODE: Field = field("one-time", Text::FieldOneTime, Kind::AppCode, "one-time-code", Some(Text::HintAppCode));

/// What is being done.
#[derive(Clone, PartialEq)]
enum Step {
    /// The app is told the secret.
    SetUp(NewSecondFactor),
    /// Codes to recover with are shown, for what was said.
    Codes(Way, Vec<String>),
    /// A code is said to have others to recover with.
    Renew,
    /// A code is said to switch it off.
    SwitchOff,
}

#[component]
pub fn SecondFactorSection() -> Html {
    let (tr, errands) = (use_tr(), use_errands());
    let factor = use_asked((), |()| api::second_factor());
    let (step, to) = use_steps(|_| false);
    let begin = {
        let (to, errands) = (to.clone(), errands.clone());
        Callback::from(move |_: MouseEvent| {
            let (to, errands) = (to.clone(), errands.clone());
            spawn_local(async move {
                match api::begin_second_factor().await {
                    Ok(new) => to.emit(Some(Step::SetUp(new))),
                    Err(error) => errands.complain(&error),
                }
            });
        })
    };
    html! {
        <section id="second-factor" class="card" aria-labelledby="second-factor-title">
            <h2 id="second-factor-title" tabindex="-1">{ tr.t(Text::FactorTitle) }</h2>
            { factor.shown(tr, |factor| standing(tr, factor, &begin, &to)) }
            if let Some(step) = step {
                <Steps {step} {to} />
            }
        </section>
    }
}

/// How it stands, and what can be done about it.
fn standing(tr: Tr, factor: &SecondFactor, begin: &Callback<MouseEvent>, to: &Callback<Option<Step>>) -> Html {
    if !factor.on {
        return html! {
            <>
                <p>{ tr.t(Text::FactorOffLead) }</p>
                <p><button type="button" id="second-factor-begin" class="button button-main" onclick={begin}>{ tr.t(Text::FactorBegin) }</button></p>
            </>
        };
    }
    let left = factor.recovery_codes_left;
    let step = |step: Step| to.reform(move |_: MouseEvent| Some(step.clone()));
    html! {
        <>
            <p id="second-factor-on">
                <span class="chip chip-good">{ tr.t(Text::FactorOn) }</span>
                if let Some(since_ms) = factor.since_ms {
                    { " " }<span class="meta">{ tr.fill(Text::AccountSince, &[("time", &tr.moment(since_ms))]) }</span>
                }
            </p>
            <p>{ tr.t(Text::FactorOnLead) }</p>
            <p id="recovery-left" class={(left <= FEW_CODES).then_some("notice notice-warn")}>
                { tr.count(left.into(), Text::RecoveryLeftOne, Text::RecoveryLeftMany) }
            </p>
            <div class="card-acts">
                <button type="button" id="recovery-renew" class="button" onclick={step(Step::Renew)}>{ tr.t(Text::RecoveryRenew) }</button>
                <button type="button" id="second-factor-off" class="button button-bad" onclick={step(Step::SwitchOff)}>{ tr.t(Text::FactorOff) }</button>
            </div>
        </>
    }
}

#[derive(PartialEq, Properties)]
struct StepsProps {
    step: Step,
    to: Callback<Option<Step>>,
}

/// The dialog of a step.
#[component]
fn Steps(props: &StepsProps) -> Html {
    let (tr, errands, to) = (use_tr(), use_errands(), &props.to);
    let close = to.reform(|()| None);
    let said = {
        let (close, errands) = (close.clone(), errands.clone());
        move |text: Text| {
            close.emit(());
            let errands = errands.clone();
            spawn_local(async move {
                // What was pressed before the dialog goes too, but the dialog gives the focus back to it first.
                TimeoutFuture::new(0).await;
                browser::focus_first("#second-factor-title");
                errands.say(tr.t(text).to_owned());
            });
        }
    };
    match &props.step {
        Step::SetUp(new) => html! {
            <Dialog id="set-up" title={tr.t(Text::FactorBegin)} on_close={close.clone()}>
                <SetUp new={new.clone()} to={to.clone()} />
            </Dialog>
        },
        Step::Codes(way, codes) => {
            let now_so = if *way == Way::SetUp { Text::FactorWasOn } else { Text::FactorCodesKept };
            let (lines, file) = (codes.clone(), Some("visiobook-recovery-codes.txt"));
            Keep {
                id: "recovery",
                title: tr.t(Text::RecoveryTitle).to_owned(),
                lead: Text::RecoveryLead,
                warning: Text::RecoveryOnce,
                once: html! { <Once id="recovery-codes" label={Text::RecoveryTitle} {lines} {file} /> },
                kept: ("recovery-kept", Text::RecoveryKept, Callback::from(move |()| said(now_so))),
            }
            .html(tr)
        }
        Step::Renew => html! {
            <Dialog id="renew" title={tr.t(Text::RecoveryRenew)} on_close={close.clone()}>
                <p>{ tr.t(Text::RecoveryRenewLead) }</p>
                <CodesFor way={Way::Renew} to={to.clone()} />
            </Dialog>
        },
        Step::SwitchOff => {
            let send = Send::new(|filled: Filled| async move { api::end_second_factor(&filled.code()).await });
            html! {
                <Dialog id="switch-off" title={tr.t(Text::FactorOffQuestion)} on_close={close.clone()}>
                    <p>{ tr.t(Text::FactorOffDetail) }</p>
                    <Sheet id="switch-off" fields={vec![ONE_TIME]} label={Text::FactorOff} bad=true {send} blame={BLAME} focus=true
                        on_done={Callback::from(move |_| said(Text::FactorWasOff))}>
                        { cancel(tr, &close) }
                    </Sheet>
                </Dialog>
            }
        }
    }
}

#[derive(PartialEq, Properties)]
struct SetUpProps {
    new: NewSecondFactor,
    to: Callback<Option<Step>>,
}

/// What the app is told, and its first code.
#[component]
fn SetUp(props: &SetUpProps) -> Html {
    let (tr, new) = (use_tr(), &props.new);
    let picture = format!("data:image/svg+xml;base64,{}", browser::base64(new.qr_svg.0.as_bytes()));
    html! {
        <>
            <ol class="steps">
                <li>
                    <p>{ tr.t(Text::FactorScan) }</p>
                    <img id="set-up-picture" class="qr" src={picture} alt={tr.t(Text::FactorPicture)} width="200" height="200" />
                    <details>
                        <summary>{ tr.t(Text::FactorType) }</summary>
                        <Once id="set-up-secret" label={Text::FactorSecret} lines={vec![grouped(&new.secret.0)]} />
                    </details>
                </li>
                <li><p>{ tr.t(Text::FactorSay) }</p></li>
            </ol>
            <CodesFor way={Way::SetUp} to={props.to.clone()} />
        </>
    }
}

/// What a code is said for that gives codes to recover with.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    SetUp,
    Renew,
}

#[derive(PartialEq, Properties)]
struct CodesProps {
    way: Way,
    to: Callback<Option<Step>>,
}

#[component]
fn CodesFor(props: &CodesProps) -> Html {
    let (tr, way, to) = (use_tr(), props.way, props.to.clone());
    let close = to.reform(|()| None);
    let send = Send::new(move |filled: Filled| {
        let to = to.clone();
        async move {
            let code = filled.code();
            let codes = match way {
                Way::SetUp => api::confirm_second_factor(&code).await?,
                Way::Renew => api::renew_recovery_codes(&code).await?,
            };
            to.emit(Some(Step::Codes(way, codes.codes.into_iter().map(|code| code.0).collect())));
            Ok(())
        }
    });
    let (id, field, label) = match way {
        Way::SetUp => ("set-up", APP_CODE, Text::FactorSwitchOn),
        Way::Renew => ("renew", ONE_TIME, Text::RecoveryRenew),
    };
    html! {
        <Sheet {id} fields={vec![field]} {label} {send} blame={BLAME} focus={way == Way::Renew}>{ cancel(tr, &close) }</Sheet>
    }
}

/// In fours, as it is easier to type off.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_fours() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(grouped(""), "");
    }
}
