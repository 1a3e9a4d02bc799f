//! One run of the history.

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Run, RunAudit, RunFile, RunRequest};
use domain::run::RunState;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::super::rights::use_rights;
use super::super::run_panel::{Request, use_run_request};
use super::settings::{self, LABELS};
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use crate::shelf::run_chip;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    pub run: Run,
    /// Who began it.
    pub by: String,
    /// When the run was begun that it repeats, where that is known.
    pub of: Option<u64>,
    pub is_newest: bool,
    /// Some run is under way: no other can be begun.
    pub is_busy: bool,
    pub on_repeat: Callback<RunRequest>,
    pub on_run: Callback<RunView>,
}

#[component]
pub fn RunEntry(props: &Props) -> Html {
    let tr = use_tr();
    let (id, run, can_edit) = (props.id, &props.run, use_rights().can_edit());
    let request = use_run_request(id, props.on_run.clone());
    let title_id = format!("run-{}", run.id);
    let again = RunRequest { settings: run.settings, revision: Some(run.revision) };
    let on_repeat = props.on_repeat.reform(move |_: MouseEvent| again);
    let ask = |label: Text, class: &'static str, what: Request, off: bool| {
        let on_click = request.send.reform(move |_: MouseEvent| what);
        html! {
            <button type="button" class={classes!("button", class)} disabled={request.busy || off} onclick={on_click}>{ tr.t(label) }</button>
        }
    };
    let can_retry = matches!(run.state, RunState::Failed { .. } | RunState::Cancelled);
    html! {
        <li class="card run-entry" data-run={run.id.to_string()} aria-labelledby={title_id.clone()}>
            <header class="card-head">
                <h3 id={title_id}>{ tr.fill(Text::RunOf, &[("date", &tr.moment(run.created_ms))]) }</h3>
                { run_chip(tr, &run.state, &run.progress) }
                if props.is_newest { <span class="tag">{ tr.t(Text::RunNewest) }</span> }
            </header>
            <p class="meta facts">{ for facts(tr, run, &props.by, props.of).into_iter().map(|fact| html! { <span>{ fact }</span> }) }</p>
            if let Some(settings) = settings_text(tr, run) { <p class="meta run-settings">{ settings }</p> }
            if let RunState::Failed { code, reason, .. } = &run.state {
                <p class="notice notice-bad">{ reason }{ " " }<code>{ code }</code></p>
            }
            { files(tr, id, run) }
            <div class="card-acts">
                if run.state == RunState::Ready {
                    <Link<Route> to={if props.is_newest { Route::project(id) } else { Route::chapter(id, Some(run.id), 0) }} classes="button">
                        { tr.t(Text::RunShow) }
                    </Link<Route>>
                }
                if can_edit && !run.state.is_final() { { ask(Text::CancelRun, "cancel", Request::Cancel(run.id), false) } }
                if can_edit && can_retry { { ask(Text::RunRetry, "retry", Request::Retry(run.id), props.is_busy) } }
                if run.state.is_final() {
                    if can_edit {
                        <button type="button" class="button repeat" disabled={props.is_busy} onclick={on_repeat}>{ tr.t(Text::RunRepeat) }</button>
                    }
                    <Audit {id} run={run.id} />
                }
            </div>
            if let Some(error) = request.error.as_ref().filter(|error| **error != ApiError::Unreachable) {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            }
        </li>
    }
}

/// Who, how long, which file, and what it repeats.
fn facts(tr: Tr, run: &Run, by: &str, of: Option<u64>) -> Vec<String> {
    let took = run.ended_ms.map(|ended| ended.saturating_sub(run.created_ms) / 1_000);
    let facts = [
        Some(by.to_owned()),
        took.map(|seconds| tr.fill(Text::RunTook, &[("time", &tr.spell(seconds.max(1)))])),
        Some(tr.fill(Text::RunOnFile, &[("n", &run.revision.to_string())])),
        settings::unusual(&run.settings).is_empty().then(|| tr.t(Text::RunUsual).to_owned()),
        of.map(|of| tr.fill(Text::RunRepeats, &[("date", &tr.moment(of))])),
    ];
    facts.into_iter().flatten().collect()
}

/// The settings that are not the usual ones; none if all are usual.
fn settings_text(tr: Tr, run: &Run) -> Option<String> {
    let unusual = settings::unusual(&run.settings);
    let said = unusual.iter().map(|(at, value)| format!("{}: {}", tr.t(LABELS[*at]), tr.number((*value).into())));
    (!unusual.is_empty()).then(|| said.collect::<Vec<_>>().join(" · "))
}

fn files(tr: Tr, id: ProjectId, run: &Run) -> Html {
    if run.files.is_empty() {
        return html! {};
    }
    let link = |file: &RunFile| {
        let label = match &*file.name {
            "storyboard.html" => tr.t(Text::DownloadHtml),
            "storyboard.json" => tr.t(Text::DownloadJson),
            "book.json" => tr.t(Text::DownloadBook),
            other => other,
        };
        html! {
            <li>
                <a href={api::run_file_url(id, run.id, &file.name)} download={file.name.clone()}>{ label }</a>
                <span class="meta">{ " " }{ tr.bytes(file.bytes) }</span>
            </li>
        }
    };
    html! { <ul class="downloads" aria-label={tr.t(Text::RunFiles)}>{ for run.files.iter().map(link) }</ul> }
}

#[derive(PartialEq, Properties)]
struct AuditProps {
    id: ProjectId,
    run: domain::id::RunId,
}

/// Checks a run's results when asked, and says what was found.
#[component]
fn Audit(props: &AuditProps) -> Html {
    let tr = use_tr();
    let connection = use_connection();
    let found = use_state_eq(|| None::<Result<RunAudit, ApiError>>);
    let busy = use_state_eq(|| false);
    let on_click = {
        let (found, busy, id, run) = (found.clone(), busy.clone(), props.id, props.run);
        Callback::from(move |_: MouseEvent| {
            busy.set(true);
            let (found, busy, connection) = (found.clone(), busy.clone(), connection.clone());
            spawn_local(async move {
                let answer = api::audit_run(id, run).await;
                if let Err(error) = &answer {
                    connection.heed(error);
                }
                busy.set(false);
                found.set(Some(answer));
            });
        })
    };
    let (class, text) = match &*found {
        None => ("meta", String::new()),
        Some(Ok(audit)) if audit.clean => ("audit audit-good", clean_text(tr, audit)),
        Some(Ok(audit)) => {
            let number = |n: u32| tr.number(n.into());
            let (missing, repeated, foreign) = (number(audit.missing), number(audit.repeated), number(audit.foreign));
            let values = [("missing", &*missing), ("repeated", &*repeated), ("foreign", &*foreign)];
            ("audit audit-bad", tr.fill(Text::AuditBad, &values))
        }
        Some(Err(error)) => ("audit audit-bad", error.message(tr)),
    };
    html! {
        <>
            <button type="button" class="button check" disabled={*busy} onclick={on_click}>{ tr.t(Text::RunAudit) }</button>
            <p {class} role="status">{ text }</p>
        </>
    }
}

fn clean_text(tr: Tr, audit: &RunAudit) -> String {
    let items = tr.count(audit.items.into(), Text::ItemOne, Text::ItemMany);
    let segments = tr.count(audit.segments.into(), Text::SegmentOne, Text::SegmentMany);
    tr.fill(Text::AuditClean, &[("items", &items), ("segments", &segments)])
}
