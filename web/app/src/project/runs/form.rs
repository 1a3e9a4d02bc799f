//! The form that begins another run.

use std::rc::Rc;

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Revision, RunRequest};
use domain::run::RunSettings;
use domain::text::Text;
use web_sys::{HtmlInputElement, HtmlSelectElement, SubmitEvent};
use yew::platform::spawn_local;
use yew::prelude::*;

use super::super::run_panel::view;
use super::settings::{self, COUNT, LABELS, Unfit};
use crate::api;
use crate::connection::use_connection;
use crate::dialog::{Dialog, cancel};
use crate::i18n::{Tr, use_tr};
use crate::toast::use_toasts;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// What the form starts from: the settings and the file of a run, or the usual ones and the newest file.
    pub from: RunRequest,
    pub on_run: Callback<RunView>,
    pub on_close: Callback<()>,
}

#[component]
pub fn RunForm(props: &Props) -> Html {
    let tr = use_tr();
    let revisions = use_revisions(props.id);
    let texts = use_state_eq(|| settings::written(&props.from.settings));
    let revision = use_state_eq(|| props.from.revision);
    let problem = use_state_eq(|| None::<String>);
    let busy = use_state_eq(|| false);
    let start = use_start(props, busy.clone(), problem.clone());
    let on_submit = {
        let (texts, revision, problem) = (texts.clone(), revision.clone(), problem.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            match settings::read(&texts) {
                Ok(settings) => start.emit(RunRequest { settings, revision: *revision }),
                Err(unfit) => problem.set(Some(unfit_text(tr, unfit))),
            }
        })
    };
    let on_text = |at: usize| {
        let texts = texts.clone();
        Callback::from(move |event: InputEvent| {
            let mut changed = (*texts).clone();
            changed[at] = event.target_unchecked_into::<HtmlInputElement>().value();
            texts.set(changed);
        })
    };
    let on_revision = {
        let revision = revision.clone();
        Callback::from(move |event: Event| {
            revision.set(event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok());
        })
    };
    let on_reset = {
        let texts = texts.clone();
        Callback::from(move |_: MouseEvent| texts.set(settings::written(&RunSettings::default())))
    };
    let field = |at: usize| field(tr, at, &texts[at], on_text(at));
    html! {
        <Dialog id="run-form" title={tr.t(Text::SettingsTitle)} on_close={props.on_close.clone()}>
            <p class="quiet">{ tr.t(Text::SettingsLead) }</p>
            <form class="form" onsubmit={on_submit}>
                { files(tr, &revisions, *revision, on_revision) }
                <div class="field-pairs">{ for (0..COUNT).map(field) }</div>
                if let Some(problem) = &*problem {
                    <p id="run-form-problem" class="notice notice-bad" role="alert">{ problem }</p>
                }
                <div class="dialog-buttons">
                    <button type="button" class="quiet-button push-left" onclick={on_reset}>{ tr.t(Text::SettingsReset) }</button>
                    { cancel(tr, &props.on_close) }
                    <button type="submit" id="run-start" class="button button-main" disabled={*busy}>{ tr.t(Text::SettingsStart) }</button>
                </div>
            </form>
        </Dialog>
    }
}

/// One setting: its name, its value, what it can be.
fn field(tr: Tr, at: usize, text: &str, on_input: Callback<InputEvent>) -> Html {
    let (id, range) = (format!("setting-{at}"), &settings::ranges()[at]);
    let (low, high) = (tr.number((*range.start()).into()), tr.number((*range.end()).into()));
    let usual = tr.number(RunSettings::default().each()[at].1.into());
    html! {
        <div class="field">
            <label for={id.clone()}>{ tr.t(LABELS[at]) }</label>
            <input id={id.clone()} type="number" step="1" inputmode="numeric" required=true min={range.start().to_string()}
                max={range.end().to_string()} aria-describedby={format!("{id}-hint")}
                value={text.to_owned()} oninput={on_input} />
            <p id={format!("{id}-hint")} class="meta">
                { tr.fill(Text::SettingHint, &[("low", &low), ("high", &high), ("usual", &usual)]) }
            </p>
        </div>
    }
}

/// Which file is analysed; no choice where there is only one.
fn files(tr: Tr, revisions: &[Revision], chosen: Option<u32>, on_change: Callback<Event>) -> Html {
    if revisions.len() < 2 {
        return html! {};
    }
    let newest = revisions.first().map(|revision| revision.number);
    let option = |revision: &Revision| {
        let is_newest = Some(revision.number) == newest;
        let text = if is_newest { Text::SettingsFileNewest } else { Text::SettingsFileOther };
        let values = [("n", &*revision.number.to_string()), ("name", &*revision.book.name)];
        html! {
            <option value={revision.number.to_string()} selected={chosen.or(newest) == Some(revision.number)}>
                { tr.fill(text, &values) }
            </option>
        }
    };
    html! {
        <div class="field">
            <label for="run-revision">{ tr.t(Text::SettingsFile) }</label>
            <select id="run-revision" onchange={on_change}>{ for revisions.iter().map(option) }</select>
        </div>
    }
}

fn unfit_text(tr: Tr, unfit: Unfit) -> String {
    match unfit {
        Unfit::Scenes => tr.t(Text::SettingScene).to_owned(),
        Unfit::Number(at) => {
            let range = &settings::ranges()[at];
            let (low, high) = (tr.number((*range.start()).into()), tr.number((*range.end()).into()));
            tr.fill(Text::SettingNumber, &[("setting", tr.t(LABELS[at])), ("low", &low), ("high", &high)])
        }
    }
}

/// The project's files; empty until they are known.
#[hook]
fn use_revisions(id: ProjectId) -> Rc<Vec<Revision>> {
    let connection = use_connection();
    let revisions = use_state(|| Rc::new(Vec::new()));
    {
        let revisions = revisions.clone();
        use_effect_with(id, move |id| {
            let id = *id;
            spawn_local(async move {
                match api::revisions(id).await {
                    Ok(list) => revisions.set(Rc::new(list.revisions)),
                    // The newest file is analysed unless another is named: the form does without.
                    Err(error) => connection.heed(&error),
                }
            });
        });
    }
    (*revisions).clone()
}

#[hook]
fn use_start(
    props: &Props,
    busy: UseStateHandle<bool>,
    problem: UseStateHandle<Option<String>>,
) -> Callback<RunRequest> {
    let (tr, connection, toasts) = (use_tr(), use_connection(), use_toasts());
    let (id, on_run, on_close) = (props.id, props.on_run.clone(), props.on_close.clone());
    Callback::from(move |request: RunRequest| {
        busy.set(true);
        let (busy, problem, on_run, on_close) = (busy.clone(), problem.clone(), on_run.clone(), on_close.clone());
        let (connection, toasts) = (connection.clone(), toasts.clone());
        spawn_local(async move {
            match api::start_run(id, &request).await {
                Ok(run) => {
                    on_close.emit(());
                    on_run.emit(view(run));
                    toasts.say(tr.t(Text::RunStarted).to_owned());
                }
                Err(error) => {
                    connection.heed(&error);
                    busy.set(false);
                    problem.set(Some(error.message(tr)));
                }
            }
        });
    })
}
