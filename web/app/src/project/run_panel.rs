//! The run of a book: live while it is under way; afterwards how it ended, where that needs words.

use domain::api::RunView;
use domain::book::Warning;
use domain::id::{ProjectId, RunId};
use domain::project::{Run, RunRequest};
use domain::run::{RunState, Stage};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::rights::use_rights;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use crate::run_state::{self, StageMark};
use crate::shelf::stage_text;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub project: ProjectId,
    pub run: Option<RunView>,
    /// The event stream is cut: what is shown may lag.
    pub cut: bool,
    pub on_run: Callback<RunView>,
}

#[component]
pub fn RunPanel(props: &Props) -> Html {
    let tr = use_tr();
    let request = use_run_request(props.project, props.on_run.clone());
    let can_edit = use_rights().can_edit();
    let button = |label, id, request_for| match can_edit {
        true => request.button(tr, label, id, request_for),
        false => html! {},
    };
    let again = |request_for| button(Text::TryAgain, "run-again", request_for);
    let body = match props.run.as_ref().map(|run| (run, &run.state)) {
        None => html! { <div class="notice"><p>{ tr.t(Text::StateNoRun) }</p>{ again(Request::Start) }</div> },
        Some((run, RunState::Received | RunState::Working { .. })) => {
            let cancel = button(Text::CancelRun, "run-cancel", Request::Cancel(run.id));
            live(tr, run, props.cut, cancel)
        }
        Some((run, RunState::Failed { stage, code, reason })) => html! {
            <div id="run-failed" class="notice notice-bad" role="alert" data-code={code.clone()}>
                <p><strong>{ tr.fill(Text::RunFailed, &[("stage", tr.t(stage_text(*stage)))]) }</strong></p>
                <p id="run-reason">{ reason }</p>
                <p class="meta"><code>{ code }</code></p>
                { again(Request::Retry(run.id)) }
            </div>
        },
        Some((run, RunState::Cancelled)) => html! {
            <div id="run-cancelled" class="notice" role="status">
                <p>{ tr.t(Text::RunCancelled) }</p>
                { again(Request::Retry(run.id)) }
            </div>
        },
        Some((_, RunState::Ready)) => html! {},
    };
    html! {
        <>
            { body }
            // That the node does not answer is told above the page already, for as long as it is so.
            if let Some(error) = request.error.as_ref().filter(|error| **error != ApiError::Unreachable) {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            }
            <Warnings list={props.run.as_ref().map(|run| run.warnings.clone()).unwrap_or_default()} />
        </>
    }
}

fn live(tr: Tr, run: &RunView, cut: bool, cancel: Html) -> Html {
    let stage = match &run.state {
        RunState::Working { stage } => Some(*stage),
        _ => None,
    };
    let title = tr.t(stage.map_or(Text::StateReceived, stage_text));
    let detail = tr.t(match stage {
        None => Text::ReceivedDetail,
        Some(Stage::Reading) => Text::ReadingDetail,
        Some(Stage::Understanding) => Text::UnderstandingDetail,
        Some(Stage::Composing) => Text::ComposingDetail,
    });
    let progress = &run.progress;
    let known = progress.passages_total > 0;
    html! {
        <section id="run" class="run" aria-labelledby="run-stage">
            <ol class="stages" aria-hidden="true">
                { for run_state::STAGES.into_iter().map(|stage| stage_step(tr, stage, &run.state)) }
            </ol>
            <h2 id="run-stage">{ title }</h2>
            <p class="quiet">{ detail }</p>
            <progress id="run-progress" class="bar" max={progress.passages_total.max(1).to_string()}
                value={known.then(|| progress.passages_done.to_string())} aria-labelledby="run-stage"></progress>
            <p id="run-numbers" class="numbers">{ for numbers(tr, run).into_iter().map(|part| html! { <span>{ part }</span> }) }</p>
            <p class="visually-hidden" role="status">{ announcement(tr, title, run) }</p>
            if cut {
                <p id="run-cut" class="notice" role="status">{ tr.t(Text::StreamCut) }</p>
            }
            { cancel }
        </section>
    }
}

fn stage_step(tr: Tr, stage: Stage, state: &RunState) -> Html {
    let look = match run_state::stage_mark(stage, state) {
        StageMark::Done => "done",
        StageMark::Current => "current",
        StageMark::Stopped => "stopped",
        StageMark::Ahead => "ahead",
    };
    html! { <li class={look}>{ tr.t(stage_text(stage)) }</li> }
}

/// Passages, speed and time left, as far as they are known.
fn numbers(tr: Tr, run: &RunView) -> Vec<String> {
    let progress = &run.progress;
    let mut parts = Vec::new();
    if progress.passages_total > 0 {
        let (done, total) =
            (tr.number(u64::from(progress.passages_done)), tr.number(u64::from(progress.passages_total)));
        parts.push(tr.fill(Text::PassagesDone, &[("done", &done), ("total", &total)]));
    }
    if run.state != (RunState::Working { stage: Stage::Understanding }) {
        return parts;
    }
    if progress.tokens_per_s > 0 {
        parts.push(tr.fill(Text::TokensPerSecond, &[("n", &tr.number(u64::from(progress.tokens_per_s)))]));
    }
    if let Some(seconds) = run_state::seconds_left(progress) {
        parts.push(tr.time_left(seconds));
    }
    parts
}

/// What a screen reader says: a word a stage, and each tenth of the way.
fn announcement(tr: Tr, title: &str, run: &RunView) -> String {
    match run_state::percent(&run.progress) {
        Some(percent) => format!("{title}{}", tr.fill(Text::PercentAfter, &[("n", &(percent / 10 * 10).to_string())])),
        None => title.to_owned(),
    }
}

#[derive(PartialEq, Properties)]
struct WarningsProps {
    list: Vec<Warning>,
}

#[component]
fn Warnings(props: &WarningsProps) -> Html {
    let tr = use_tr();
    if props.list.is_empty() {
        return html! {};
    }
    let count = u64::try_from(props.list.len()).unwrap_or(u64::MAX);
    html! {
        <details id="run-warnings" class="notice notice-warn" open={props.list.len() <= 3}>
            <summary>{ tr.count(count, Text::WarningOne, Text::WarningMany) }</summary>
            <ul>
                { for props.list.iter().map(|warning| html! { <li data-code={warning.code.clone()}>{ &warning.detail }</li> }) }
            </ul>
        </details>
    }
}

/// What can be asked for about a run.
#[derive(Clone, Copy)]
pub enum Request {
    Start,
    Retry(RunId),
    Cancel(RunId),
}

/// A request about a run: whether one is on its way, and what went wrong with the last.
pub struct Requests {
    pub busy: bool,
    pub error: Option<ApiError>,
    pub send: Callback<Request>,
}

impl Requests {
    fn button(&self, tr: Tr, label: Text, id: &'static str, request: Request) -> Html {
        let on_click = self.send.reform(move |_: MouseEvent| request);
        html! { <button type="button" {id} class="button" disabled={self.busy} onclick={on_click}>{ tr.t(label) }</button> }
    }
}

/// Sends such requests; `on_run` hears how the run stands since.
#[hook]
pub fn use_run_request(project: ProjectId, on_run: Callback<RunView>) -> Requests {
    let connection = use_connection();
    let busy = use_state_eq(|| false);
    let error = use_state_eq(|| None);
    let send = {
        let (busy, error) = (busy.clone(), error.clone());
        Callback::from(move |request| {
            busy.set(true);
            let (busy, error, on_run, connection) = (busy.clone(), error.clone(), on_run.clone(), connection.clone());
            spawn_local(async move {
                let answer = match request {
                    Request::Start => api::start_run(project, &RunRequest::default()).await.map(view),
                    Request::Retry(run) => api::retry_run(project, run).await.map(view),
                    Request::Cancel(run) => api::cancel_run(project, run).await,
                };
                busy.set(false);
                match answer {
                    Ok(run) => {
                        error.set(None);
                        on_run.emit(run);
                    }
                    Err(refusal) => {
                        connection.heed(&refusal);
                        error.set(Some(refusal));
                    }
                }
            });
        })
    };
    Requests { busy: *busy, error: (*error).clone(), send }
}

/// A run as the live view takes it.
pub fn view(run: Run) -> RunView {
    let Run { id, state, progress, warnings, seq, .. } = run;
    RunView { id, state, progress, warnings, seq }
}
