//! A project's page: its run while there is one, and one of its parts.

use std::rc::Rc;

use domain::api::RunView;
use domain::id::{ProjectId, RunId};
use domain::project::{Project, Run};
use domain::run::RunState;
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::NotFound;
use crate::i18n::{Tr, use_tr};
use crate::project::{ActivityFeed, Change, Files, Header, Known, Nav, Rights, RunPanel, Runs, Sharing, use_project};
use crate::routes::{Route, Section};
use crate::storyboard::StoryboardLoader;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    pub section: Section,
}

#[component]
pub fn ProjectPage(props: &Props) -> Html {
    let tr = use_tr();
    let page = use_project(props.id);
    let rights = page.rights;
    let on_run = {
        let page = page.dispatcher();
        use_callback((), move |run, ()| page.dispatch(Change::Run(run)))
    };
    match &page.known {
        Known::Asked => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
        Known::Missing => html! { <NotFound /> },
        Known::Failed(error) => html! {
            <div class="notice notice-bad" role="alert"><p>{ error.message(tr) }</p></div>
        },
        Known::Here(project) => html! {
            <ContextProvider<Rights> context={rights}>
                <article id="project" data-project={project.id.to_string()}>
                    <Header project={(**project).clone()} />
                    <RunPanel project={project.id} run={project.run.clone()} cut={page.cut} on_run={on_run.clone()} />
                    <Nav id={project.id} section={props.section} />
                    { section(tr, project, page.runs(), props.section, rights, on_run) }
                </article>
            </ContextProvider<Rights>>
        },
    }
}

fn section(
    tr: Tr,
    project: &Project,
    runs: Option<Rc<Vec<Run>>>,
    section: Section,
    rights: Rights,
    on_run: Callback<RunView>,
) -> Html {
    let id = project.id;
    match (section, runs) {
        (Section::Activity | Section::Sharing, _) if !rights.is_member() => html! { <NotFound /> },
        (Section::Sharing, _) => html! { <Sharing {id} name={project.name.clone()} /> },
        (Section::Activity, _) => html! { <ActivityFeed {id} version={project.version} run={project.run.clone()} /> },
        (_, None) => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
        (Section::Runs, Some(runs)) => html! { <Runs {id} {runs} {on_run} /> },
        (Section::Files, Some(runs)) => html! { <Files {id} revision={project.revision} {runs} {on_run} /> },
        (Section::Storyboard { run, position }, Some(runs)) => board(tr, id, &runs, run, position),
    }
}

/// The storyboard of the run that is named, else of the newest that finished.
fn board(tr: Tr, id: ProjectId, runs: &[Run], named: Option<RunId>, position: usize) -> Html {
    let finished = |run: &&Run| run.state == RunState::Ready;
    let newest = runs.iter().find(finished);
    let Some(shown) = runs.iter().filter(finished).find(|run| named.is_none_or(|named| run.id == named)) else {
        return html! { <p id="no-storyboard" class="empty">{ tr.t(Text::NoStoryboard) }</p> };
    };
    let is_newest = newest.is_some_and(|newest| newest.id == shown.id);
    let notice = match (is_newest, runs.first()) {
        (false, _) => html! {
            <div id="old-storyboard" class="notice">
                <p>{ tr.fill(Text::OldStoryboard, &[("date", &tr.moment(shown.created_ms))]) }</p>
                <Link<Route> to={Route::project(id)} classes="button">{ tr.t(Text::NewestStoryboard) }</Link<Route>>
            </div>
        },
        (true, Some(first)) if first.id != shown.id && !first.state.is_final() => html! {
            <p id="earlier-storyboard" class="notice">{ tr.t(Text::EarlierStoryboard) }</p>
        },
        _ => html! {},
    };
    html! {
        <>
            { notice }
            <StoryboardLoader key={shown.id.to_string()} {id} run={shown.id} {is_newest} {position} />
        </>
    }
}
