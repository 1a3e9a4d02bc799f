//! One book on the shelf.

use domain::api::BookFile;
use domain::book::Format;
use domain::project::Project;
use domain::run::{Progress, RunState, Stage};
use domain::sharing::{ProjectAs, ProjectRole};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::deeds::Deed;
use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use crate::run_state;

/// Colours that a spine can have in the style sheet.
const SPINES: u128 = 6;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub listed: ProjectAs,
    pub act: Callback<(Deed, Project)>,
}

#[component]
pub fn BookRow(props: &Props) -> Html {
    let tr = use_tr();
    let (project, role) = (&props.listed.project, props.listed.role);
    let language = project.language.filter(|_| !project.named).map(|language| language.tag());
    let name = match project.deleted {
        // There is no page of a deleted project.
        Some(_) => html! { <span class="book-name">{ &project.name }</span> },
        None => html! {
            <Link<Route> to={Route::project(project.id)} classes="book-link">{ &project.name }</Link<Route>>
        },
    };
    html! {
        <li class="book" data-project={project.id.to_string()}>
            <span class={classes!("spine", format!("spine-{}", project.id.0 % SPINES))} aria-hidden="true"></span>
            <div class="book-what">
                <h3 lang={language}>{ name }</h3>
                if !project.authors.is_empty() {
                    <p class="book-authors">{ project.authors.join(", ") }</p>
                }
                if !project.description.is_empty() {
                    <p class="book-description">{ &project.description }</p>
                }
                <p class="meta">
                    if project.demo { <span class="tag">{ tr.t(Text::DemoBook) }</span> }
                    { file_line(tr, project) }
                </p>
            </div>
            <div class="book-state">{ state(tr, project) }</div>
            <div class="book-acts">{ acts(tr, project, role, &props.act) }</div>
        </li>
    }
}

/// What can be done to a project in its row.
fn acts(tr: Tr, project: &Project, role: ProjectRole, act: &Callback<(Deed, Project)>) -> Html {
    let button = |deed: Deed, class: &'static str, label: Text, named: Text| {
        let on_click = {
            let project = project.clone();
            act.reform(move |_: MouseEvent| (deed, project.clone()))
        };
        html! {
            <button type="button" class={classes!("quiet-button", class)} onclick={on_click}
                aria-label={tr.fill(named, &[("title", &project.name)])}>{ tr.t(label) }</button>
        }
    };
    if project.deleted.is_some() {
        return html! {
            <>
                { button(Deed::Restore, "restore", Text::Restore, Text::RestoreNamed) }
                { button(Deed::Erase, "erase", Text::Erase, Text::EraseNamed) }
            </>
        };
    }
    if role < ProjectRole::Editor {
        return html! { <span class="tag">{ tr.project_role(role) }</span> };
    }
    html! {
        <>
            if project.archived {
                { button(Deed::Archive(false), "unarchive", Text::Unarchive, Text::UnarchiveNamed) }
            } else {
                { button(Deed::Archive(true), "archive", Text::Archive, Text::ArchiveNamed) }
            }
            if role == ProjectRole::Owner {
                { button(Deed::Delete, "delete", Text::Delete, Text::DeleteNamed) }
            }
        </>
    }
}

/// Format and size of a file, in one line.
pub fn book_line(tr: Tr, book: &BookFile) -> String {
    let format = book.format.map(|format| match format {
        Format::Epub => Text::FormatEpub,
        Format::Pdf => Text::FormatPdf,
        Format::Docx => Text::FormatDocx,
        Format::Txt => Text::FormatTxt,
        Format::Html => Text::FormatHtml,
        Format::Markdown => Text::FormatMarkdown,
    });
    let parts = [format.map(|format| tr.t(format).to_owned()), Some(tr.bytes(book.bytes))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Format, size and date of a book, in one line.
pub fn file_line(tr: Tr, project: &Project) -> String {
    format!("{} · {}", book_line(tr, &project.book), tr.moment(project.created_ms))
}

/// Name of a stage.
pub fn stage_text(stage: Stage) -> Text {
    match stage {
        Stage::Reading => Text::StageReading,
        Stage::Understanding => Text::StageUnderstanding,
        Stage::Composing => Text::StageComposing,
    }
}

fn state(tr: Tr, project: &Project) -> Html {
    if let Some(deleted) = project.deleted {
        return html! { <span class="meta">{ tr.fill(Text::ErasedAfter, &[("date", &tr.moment(deleted.erased_after_ms))]) }</span> };
    }
    let Some(run) = &project.run else {
        return html! { <span class="chip">{ tr.t(Text::StateNoRun) }</span> };
    };
    let progress = &run.progress;
    let percent = run_state::percent(progress);
    let seconds = run_state::seconds_left(progress);
    let chip = run_chip(tr, &run.state, progress);
    let RunState::Working { stage } = &run.state else { return chip };
    html! {
        <>
            { chip }
            <progress class="bar bar-small" max="100" aria-label={tr.t(stage_text(*stage))} value={percent.map(|p| p.to_string())}></progress>
            if let Some(seconds) = seconds.filter(|_| *stage == Stage::Understanding) {
                <span class="meta">{ tr.time_left(seconds) }</span>
            }
        </>
    }
}

/// How a run stands, in a word or two.
pub fn run_chip(tr: Tr, state: &RunState, progress: &Progress) -> Html {
    let (class, label) = match state {
        RunState::Ready => ("chip chip-good", Text::StateReady),
        RunState::Failed { .. } => ("chip chip-bad", Text::StateFailed),
        RunState::Cancelled => ("chip", Text::StateCancelled),
        RunState::Received => ("chip chip-busy", Text::StateReceived),
        RunState::Working { stage } => ("chip chip-busy", stage_text(*stage)),
    };
    let shows_percent = matches!(state, RunState::Working { stage: Stage::Understanding });
    let percent = run_state::percent(progress).filter(|_| shows_percent);
    let percent = percent.map(|percent| tr.fill(Text::PercentAfter, &[("n", &percent.to_string())]));
    html! { <span {class}>{ tr.t(label) }{ percent.unwrap_or_default() }</span> }
}
