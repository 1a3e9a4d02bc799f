//! The files that were given as the project's book, and where the next one is taken.

use std::rc::Rc;

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Revision, Run, RunRequest};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::rights::use_rights;
use super::runs::RunForm;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::shelf::book_line;
use crate::upload::{Target, UploadPanel};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// Number of the newest: another one means that a file was added.
    pub revision: u32,
    pub runs: Rc<Vec<Run>>,
    pub on_run: Callback<RunView>,
}

#[component]
pub fn Files(props: &Props) -> Html {
    let tr = use_tr();
    let can_edit = use_rights().can_edit();
    let known = use_revisions(props.id, props.revision);
    let form = use_state_eq(|| None::<RunRequest>);
    let close = {
        let form = form.clone();
        Callback::from(move |()| form.set(None))
    };
    let is_busy = props.runs.first().is_some_and(|run| !run.state.is_final());
    let entry = |revision: &Revision| {
        let number = revision.number;
        let on_analyse = {
            let form = form.clone();
            let request = RunRequest { revision: Some(number), ..RunRequest::default() };
            Callback::from(move |_: MouseEvent| form.set(Some(request)))
        };
        let runs = props.runs.iter().filter(|run| run.revision == number).count();
        let n = number.to_string();
        html! {
            <li key={number} class="card" data-revision={n.clone()}>
                <header class="card-head">
                    <h3>{ tr.fill(Text::FileNumber, &[("n", &n)]) }{ " · " }{ &revision.book.name }</h3>
                    if number == props.revision { <span class="tag">{ tr.t(Text::FileCurrent) }</span> }
                </header>
                <p lang={revision.language.map(|language| language.tag())}>
                    { &revision.title }
                    if !revision.authors.is_empty() { <span class="book-authors">{ " " }{ revision.authors.join(", ") }</span> }
                </p>
                <p class="meta facts">
                    <span>{ book_line(tr, &revision.book) }</span>
                    <span>{ tr.fill(Text::FileAdded, &[("date", &tr.moment(revision.added_ms))]) }</span>
                    <span>{ tr.fill(Text::FileRuns, &[("n", &runs.to_string())]) }</span>
                </p>
                if can_edit {
                    <div class="card-acts">
                        <button type="button" class="button analyse" disabled={is_busy} onclick={on_analyse}>{ tr.t(Text::FileAnalyse) }</button>
                    </div>
                }
            </li>
        }
    };
    html! {
        <section id="files" aria-labelledby="files-title">
            <div class="section-head">
                <div>
                    <h2 id="files-title">{ tr.t(Text::FilesTitle) }</h2>
                    if can_edit { <p class="lead-small">{ tr.t(Text::FilesLead) }</p> }
                </div>
            </div>
            if can_edit {
                if is_busy { <p class="meta">{ tr.t(Text::RunBusy) }</p> }
                <UploadPanel target={Target::Project(props.id)} />
            }
            { match &known {
                None => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
                Some(Err(error)) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
                Some(Ok(revisions)) => html! { <ol class="cards">{ for revisions.iter().map(entry) }</ol> },
            } }
            if let Some(from) = *form {
                <RunForm id={props.id} {from} on_run={props.on_run.clone()} on_close={close} />
            }
        </section>
    }
}

/// The files, asked for again whenever one was added; none while they are not known.
#[hook]
fn use_revisions(id: ProjectId, newest: u32) -> Option<Result<Vec<Revision>, ApiError>> {
    let connection = use_connection();
    let known = use_state(|| None);
    {
        let (known, connection) = (known.clone(), connection.clone());
        use_effect_with((id, newest, connection.epoch), move |(id, ..)| {
            let id = *id;
            spawn_local(async move {
                let answer = api::revisions(id).await.map(|list| list.revisions);
                if let Err(error) = &answer {
                    connection.heed(error);
                }
                known.set(Some(answer));
            });
        });
    }
    (*known).clone()
}
