//! The history of runs: how each went, with which settings, and what can be done about it.

mod entry;
mod form;
mod settings;

pub use form::RunForm;

use std::rc::Rc;

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Run, RunRequest, StateFilter};
use domain::text::Text;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::names::use_names;
use super::rights::use_rights;
use crate::i18n::use_tr;
use crate::shelf::STATES;
use entry::RunEntry;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// Newest first.
    pub runs: Rc<Vec<Run>>,
    pub on_run: Callback<RunView>,
}

#[component]
pub fn Runs(props: &Props) -> Html {
    let tr = use_tr();
    let can_edit = use_rights().can_edit();
    let names = use_names(props.id);
    let form = use_state_eq(|| None::<RunRequest>);
    let open = {
        let form = form.clone();
        Callback::from(move |request: RunRequest| form.set(Some(request)))
    };
    let close = {
        let form = form.clone();
        Callback::from(move |()| form.set(None))
    };
    let is_busy = props.runs.first().is_some_and(|run| !run.state.is_final());
    let wanted = use_state_eq(|| None::<StateFilter>);
    let on_state = {
        let wanted = wanted.clone();
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            wanted.set(STATES.iter().find(|(_, name, _)| *name == value).map(|(state, ..)| *state));
        })
    };
    let shown: Vec<&Run> =
        props.runs.iter().filter(|run| wanted.is_none_or(|wanted| wanted.takes(&run.state))).collect();
    let entry = |run: &Run| {
        let of = run.of.and_then(|of| props.runs.iter().find(|other| other.id == of)).map(|of| of.created_ms);
        let is_newest = props.runs.first().is_some_and(|first| first.id == run.id);
        html! {
            <RunEntry key={run.id.to_string()} id={props.id} run={run.clone()} by={names.of(tr, run.by)} {of} {is_newest} {is_busy}
                on_repeat={open.clone()} on_run={props.on_run.clone()} />
        }
    };
    html! {
        <section id="runs" aria-labelledby="runs-title">
            <div class="section-head">
                <div>
                    <h2 id="runs-title">{ tr.t(Text::RunsTitle) }</h2>
                    <p class="lead-small">{ tr.t(Text::RunsLead) }</p>
                </div>
                if can_edit {
                    <button type="button" id="run-new" class="button button-main" disabled={is_busy}
                        onclick={open.reform(|_: MouseEvent| RunRequest::default())}>{ tr.t(Text::RunNew) }</button>
                }
            </div>
            if is_busy && can_edit { <p class="meta">{ tr.t(Text::RunBusy) }</p> }
            if props.runs.is_empty() {
                <p class="empty">{ tr.t(Text::RunsEmpty) }</p>
            }
            if props.runs.len() > 1 {
                <div class="field runs-tools">
                    <label for="runs-state">{ tr.t(Text::StateLabel) }</label>
                    <select id="runs-state" onchange={on_state}>
                        <option value="" selected={wanted.is_none()}>{ tr.t(Text::StateAny) }</option>
                        { for STATES.iter().map(|(state, name, label)| html! {
                            <option value={*name} selected={Some(*state) == *wanted}>{ tr.t(*label) }</option>
                        }) }
                    </select>
                </div>
                if shown.is_empty() {
                    <p id="runs-none" class="empty" role="status">{ tr.t(Text::RunsFilteredNone) }</p>
                }
            }
            <ol class="cards">{ for shown.into_iter().map(entry) }</ol>
            if let Some(from) = *form {
                <RunForm id={props.id} {from} on_run={props.on_run.clone()} on_close={close} />
            }
        </section>
    }
}
