//! One book on the shelf.

use domain::api::ProjectView;
use domain::book::Format;
use domain::run::{RunState, Stage};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use crate::run_state;

/// Colours that a spine can have in the style sheet.
const SPINES: u128 = 6;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub project: ProjectView,
    pub on_delete: Callback<ProjectView>,
}

#[component]
pub fn BookRow(props: &Props) -> Html {
    let tr = use_tr();
    let project = &props.project;
    let on_delete = {
        let project = project.clone();
        props.on_delete.reform(move |_: MouseEvent| project.clone())
    };
    let language = project.language.map(|language| language.tag());
    html! {
        <li class="book" data-project={project.id.to_string()}>
            <span class={classes!("spine", format!("spine-{}", project.id.0 % SPINES))} aria-hidden="true"></span>
            <div class="book-what">
                <h3 lang={language}>
                    <Link<Route> to={Route::project(project.id)} classes="book-link">{ &project.title }</Link<Route>>
                </h3>
                if !project.authors.is_empty() {
                    <p class="book-authors">{ project.authors.join(", ") }</p>
                }
                <p class="meta">
                    if project.demo { <span class="tag">{ tr.t(Text::DemoBook) }</span> }
                    { file_line(tr, project) }
                </p>
            </div>
            <div class="book-state">{ state(tr, project) }</div>
            <button type="button" class="quiet-button delete" onclick={on_delete}
                aria-label={tr.fill(Text::DeleteNamed, &[("title", &project.title)])}>
                { tr.t(Text::Delete) }
            </button>
        </li>
    }
}

/// Format, size and date of a book, in one line.
pub fn file_line(tr: Tr, project: &ProjectView) -> String {
    let mut parts = Vec::new();
    match project.book.format {
        Some(Format::Epub) => parts.push(tr.t(Text::FormatEpub).to_owned()),
        Some(Format::Pdf) => parts.push(tr.t(Text::FormatPdf).to_owned()),
        Some(Format::Docx) => parts.push(tr.t(Text::FormatDocx).to_owned()),
        Some(Format::Txt) => parts.push(tr.t(Text::FormatTxt).to_owned()),
        Some(Format::Html) => parts.push(tr.t(Text::FormatHtml).to_owned()),
        Some(Format::Markdown) => parts.push(tr.t(Text::FormatMarkdown).to_owned()),
        None => {}
    }
    parts.push(tr.bytes(project.book.bytes));
    parts.push(tr.moment(project.created_ms));
    parts.join(" · ")
}

/// Name of a stage.
pub fn stage_text(stage: Stage) -> Text {
    match stage {
        Stage::Reading => Text::StageReading,
        Stage::Understanding => Text::StageUnderstanding,
        Stage::Composing => Text::StageComposing,
    }
}

fn state(tr: Tr, project: &ProjectView) -> Html {
    let Some(run) = &project.run else {
        return html! { <span class="chip">{ tr.t(Text::StateNoRun) }</span> };
    };
    match &run.state {
        RunState::Ready => html! { <span class="chip chip-good">{ tr.t(Text::StateReady) }</span> },
        RunState::Failed { .. } => html! { <span class="chip chip-bad">{ tr.t(Text::StateFailed) }</span> },
        RunState::Cancelled => html! { <span class="chip">{ tr.t(Text::StateCancelled) }</span> },
        RunState::Received => html! { <span class="chip chip-busy">{ tr.t(Text::StateReceived) }</span> },
        RunState::Working { stage } => {
            let label = tr.t(stage_text(*stage));
            let percent = run_state::percent(&run.progress);
            html! {
                <>
                    <span class="chip chip-busy">
                        { label }
                        if let Some(percent) = percent.filter(|_| *stage == Stage::Understanding) {
                            { tr.fill(Text::PercentAfter, &[("n", &percent.to_string())]) }
                        }
                    </span>
                    <progress class="bar bar-small" max="100" aria-label={label} value={percent.map(|p| p.to_string())}></progress>
                    if let Some(seconds) = run_state::seconds_left(&run.progress).filter(|_| *stage == Stage::Understanding) {
                        <span class="meta">{ tr.time_left(seconds) }</span>
                    }
                </>
            }
        }
    }
}
