//! A book's page: its run while there is one, its storyboard once that is ready.

use std::rc::Rc;

use domain::api::{ProjectView, RunView};
use domain::id::ProjectId;
use domain::run::{RunEvent, RunState};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{NotFound, use_page};
use crate::api::{self, ApiError};
use crate::book_row::file_line;
use crate::confirm::ConfirmDelete;
use crate::connection::use_connection;
use crate::events::{Follow, Signal};
use crate::i18n::use_tr;
use crate::routes::Route;
use crate::run_state::{self, Fold};
use crate::run_view::RunPanel;
use crate::storyboard::StoryboardLoader;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// Chapter of the storyboard that is shown, from 0.
    pub position: usize,
}

/// What is known of the project.
#[derive(Clone, PartialEq)]
enum Known {
    Asked,
    Here(Box<ProjectView>),
    Missing,
    Failed(ApiError),
}

#[derive(Clone, PartialEq)]
struct Page {
    known: Known,
    /// The event stream is cut.
    cut: bool,
    /// Grows when the project must be asked for anew.
    asks: u32,
}

enum Change {
    Answer(Result<ProjectView, ApiError>),
    Signal(Signal),
    Run(RunView),
}

impl Reducible for Page {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut page = (*self).clone();
        match change {
            Change::Answer(answer) => page.answered(answer),
            // Events may have run ahead of this answer too.
            Change::Run(run) if page.run().is_some_and(|shown| shown.id == run.id && shown.seq > run.seq) => {}
            Change::Run(run) => page.show(run),
            Change::Signal(Signal::Event(event)) => page.heard(&event),
            Change::Signal(Signal::Live) => page.cut = false,
            Change::Signal(Signal::Cut) => page.cut = true,
        }
        Rc::new(page)
    }
}

impl Page {
    fn answered(&mut self, answer: Result<ProjectView, ApiError>) {
        match answer {
            Ok(mut project) => {
                // Events may have run ahead of an answer that was on its way.
                if let (Some(newer), Some(run)) = (self.run(), &mut project.run)
                    && newer.id == run.id
                    && newer.seq > run.seq
                {
                    let warnings = std::mem::take(&mut run.warnings);
                    *run = RunView { warnings, ..newer.clone() };
                }
                self.known = Known::Here(Box::new(project));
            }
            Err(error) if error.is_not_found() => self.known = Known::Missing,
            Err(_) if matches!(self.known, Known::Here(_)) => {}
            Err(error) => self.known = Known::Failed(error),
        }
    }

    fn heard(&mut self, event: &RunEvent) {
        self.cut = false;
        let Some(run) = self.run() else {
            self.asks += 1;
            return;
        };
        match run_state::fold(run, event) {
            Fold::Known => {}
            Fold::Next(run) => self.show(run),
            Fold::OtherRun => self.asks += 1,
        }
    }

    fn show(&mut self, run: RunView) {
        let Known::Here(project) = &mut self.known else { return };
        let before = project.run.as_ref().map(|run| &run.state);
        if before.is_none_or(|before| run_state::has_news_of_project(before, &run.state)) {
            self.asks += 1;
        }
        project.run = Some(run);
    }

    fn run(&self) -> Option<&RunView> {
        match &self.known {
            Known::Here(project) => project.run.as_ref(),
            _ => None,
        }
    }
}

#[component]
pub fn ProjectPage(props: &Props) -> Html {
    let tr = use_tr();
    let page = use_project(props.id);
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
            <Opened project={(**project).clone()} position={props.position} cut={page.cut} {on_run} />
        },
    }
}

/// Keeps the project as the node tells it: asked for, then followed while a run is under way.
#[hook]
fn use_project(id: ProjectId) -> UseReducerHandle<Page> {
    let connection = use_connection();
    let page = use_reducer_eq(|| Page { known: Known::Asked, cut: false, asks: 0 });
    {
        let (dispatch, connection) = (page.dispatcher(), connection.clone());
        use_effect_with((id, connection.epoch, page.asks), move |(id, _, _)| {
            let id = *id;
            spawn_local(async move {
                let answer = api::project(id).await;
                if let Err(error) = &answer {
                    connection.heed(error);
                }
                dispatch.dispatch(Change::Answer(answer));
            });
        });
    }
    let followed = page.run().filter(|run| !run.state.is_final()).map(|run| (run.id, run.seq));
    {
        let dispatch = page.dispatcher();
        use_effect_with((id, followed.map(|(run, _)| run)), move |(id, run)| {
            let tell = Callback::from(move |signal| dispatch.dispatch(Change::Signal(signal)));
            let follow = run.and(followed).map(|(_, seq)| Follow::start(*id, seq, tell));
            move || drop(follow)
        });
    }
    page
}

#[derive(PartialEq, Properties)]
struct OpenedProps {
    project: ProjectView,
    position: usize,
    cut: bool,
    on_run: Callback<RunView>,
}

#[component]
fn Opened(props: &OpenedProps) -> Html {
    let tr = use_tr();
    let project = &props.project;
    let heading = use_page(&project.title);
    let deleting = use_state_eq(|| false);
    let navigator = use_navigator();

    let language = project.language.map(|language| language.tag());
    let ready = project.run.as_ref().filter(|run| run.state == RunState::Ready);
    let on_delete = {
        let deleting = deleting.clone();
        Callback::from(move |_: MouseEvent| deleting.set(true))
    };
    let on_keep = {
        let deleting = deleting.clone();
        Callback::from(move |()| deleting.set(false))
    };
    let on_deleted = Callback::from(move |_| {
        if let Some(navigator) = &navigator {
            navigator.push(&Route::Shelf);
        }
    });
    html! {
        <article id="project" data-project={project.id.to_string()}>
            <p class="crumb"><Link<Route> to={Route::Shelf}>{ tr.t(Text::AllBooks) }</Link<Route>></p>
            <header class="title-page">
                <div>
                    <h1 id="project-title" ref={heading} tabindex="-1" lang={language}>{ &project.title }</h1>
                    if !project.authors.is_empty() {
                        <p class="book-authors">{ project.authors.join(", ") }</p>
                    }
                    <p class="meta">
                        if project.demo { <span class="tag">{ tr.t(Text::DemoBook) }</span> }
                        { file_line(tr, project) }
                    </p>
                </div>
                <button type="button" id="project-delete" class="quiet-button" onclick={on_delete}>{ tr.t(Text::Delete) }</button>
            </header>
            <RunPanel project={project.id} run={project.run.clone()} cut={props.cut} on_run={props.on_run.clone()} />
            if let Some(run) = ready {
                <StoryboardLoader key={run.id.to_string()} id={project.id} position={props.position} />
            }
            if *deleting {
                <ConfirmDelete id={project.id} title={project.title.clone()} {on_keep} {on_deleted} />
            }
        </article>
    }
}

#[cfg(test)]
mod tests {
    use domain::api::BookFile;
    use domain::id::{Digest, RunId};
    use domain::run::{Progress, Stage};

    use super::*;

    fn run(seq: u64, state: RunState) -> RunView {
        RunView { id: RunId(1), state, progress: Progress::default(), warnings: Vec::new(), seq }
    }

    fn project(run: RunView) -> ProjectView {
        let book = BookFile { name: "a.txt".into(), digest: Digest::of(b""), bytes: 1, format: None };
        let (id, title) = (ProjectId(1), "A".into());
        ProjectView { id, title, authors: Vec::new(), language: None, created_ms: 0, demo: false, book, run: Some(run) }
    }

    fn page(run: RunView) -> Page {
        Page { known: Known::Here(Box::new(project(run))), cut: true, asks: 0 }
    }

    fn working(stage: Stage) -> RunState {
        RunState::Working { stage }
    }

    #[test]
    fn an_answer_that_is_older_than_the_events_does_not_turn_the_run_back() {
        let mut page = page(run(9, RunState::Ready));
        page.answered(Ok(project(run(4, working(Stage::Reading)))));
        assert_eq!(page.run().map(|run| &run.state), Some(&RunState::Ready));
    }

    #[test]
    fn an_event_shows_that_the_stream_is_back_and_asks_for_the_project_when_the_run_ends() {
        let mut page = page(run(4, working(Stage::Composing)));
        let (id, progress) = (ProjectId(1), Progress::default());
        page.heard(&RunEvent { seq: 5, project: id, run: RunId(1), state: RunState::Ready, progress });
        assert!(!page.cut);
        assert_eq!(page.asks, 1);
    }

    #[test]
    fn a_failed_refresh_keeps_the_project_that_was_there() {
        let mut page = page(run(4, RunState::Ready));
        let before = page.known.clone();
        page.answered(Err(ApiError::Unreachable));
        assert!(page.known == before);
        page.answered(Err(ApiError::Unexpected { status: 404 }));
        assert!(page.known == Known::Missing);
    }
}
