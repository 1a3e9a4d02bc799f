//! The history of runs: how each went, with which settings, and what can be done about it.

mod entry;
mod form;
mod settings;

pub use form::RunForm;

use std::rc::Rc;

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Run, RunRequest};
use domain::text::Text;
use yew::prelude::*;

use crate::i18n::use_tr;
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
    let entry = |run: &Run| {
        let of = run.of.and_then(|of| props.runs.iter().find(|other| other.id == of)).map(|of| of.created_ms);
        let is_newest = props.runs.first().is_some_and(|first| first.id == run.id);
        html! {
            <RunEntry key={run.id.to_string()} id={props.id} run={run.clone()} {of} {is_newest} {is_busy}
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
                <button type="button" id="run-new" class="button button-main" disabled={is_busy}
                    onclick={open.reform(|_: MouseEvent| RunRequest::default())}>{ tr.t(Text::RunNew) }</button>
            </div>
            if is_busy { <p class="meta">{ tr.t(Text::RunBusy) }</p> }
            if props.runs.is_empty() {
                <p class="empty">{ tr.t(Text::RunsEmpty) }</p>
            }
            <ol class="cards">{ for props.runs.iter().map(entry) }</ol>
            if let Some(from) = *form {
                <RunForm id={props.id} {from} on_run={props.on_run.clone()} on_close={close} />
            }
        </section>
    }
}
