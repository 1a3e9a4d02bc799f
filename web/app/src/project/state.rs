//! A project and its runs as the node tells them: asked for, then followed while a run is under way.

use std::rc::Rc;

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Project, Run};
use domain::run::RunEvent;
use domain::sharing::ProjectAs;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::rights::Rights;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::events::{Follow, Signal};
use crate::run_state::{self, Fold};

/// What is known of the project.
#[derive(Clone, PartialEq)]
pub enum Known {
    Asked,
    Here(Box<Project>),
    Missing,
    Failed(ApiError),
}

/// What the page shows.
#[derive(Clone, PartialEq)]
pub struct Page {
    pub known: Known,
    /// What whoever looks may do with it, once that is known.
    pub rights: Rights,
    /// Newest first, once they are known. Their newest may lag behind the project's: see [`Page::runs`].
    runs: Option<Vec<Run>>,
    /// The event stream is cut.
    pub cut: bool,
    /// Grows when the project must be asked for anew.
    asks: u32,
}

pub enum Change {
    Answer(Result<Box<ProjectAs>, ApiError>),
    Runs(Vec<Run>),
    Signal(Signal),
    Run(RunView),
}

impl Reducible for Page {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut page = (*self).clone();
        match change {
            Change::Answer(answer) => page.answered(answer),
            Change::Runs(runs) => page.runs = Some(runs),
            // Events may have run ahead of this answer too.
            Change::Run(run) if page.run().is_some_and(|shown| shown.id == run.id && shown.seq > run.seq) => {}
            Change::Run(run) => {
                page.show(run);
                // When it ended, and what it made, is not in this answer.
                page.asks += 1;
            }
            Change::Signal(Signal::Event(event)) => page.heard(&event),
            Change::Signal(Signal::Live) => page.cut = false,
            Change::Signal(Signal::Cut) => {
                page.cut = true;
                // It may be over for good: whoever may not see the project any more is told so.
                page.asks += 1;
            }
        }
        Rc::new(page)
    }
}

impl Page {
    fn answered(&mut self, answer: Result<Box<ProjectAs>, ApiError>) {
        match answer {
            Ok(found) => {
                let ProjectAs { mut project, role, visits } = *found;
                self.rights = Rights { role, visits };
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
        let is_news =
            |before: &RunView| before.id != run.id || run_state::has_news_of_project(&before.state, &run.state);
        if project.run.as_ref().is_none_or(is_news) {
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

    /// The runs, newest first, the newest as its events tell it; none while they are not known.
    pub fn runs(&self) -> Option<Rc<Vec<Run>>> {
        let mut runs = self.runs.clone()?;
        if let Some(live) = self.run()
            && let Some(run) = runs.iter_mut().find(|run| run.id == live.id)
        {
            (run.state, run.progress) = (live.state.clone(), live.progress);
        }
        Some(Rc::new(runs))
    }
}

/// Keeps the project as the node tells it: asked for, then followed while a run is under way.
#[hook]
pub fn use_project(id: ProjectId) -> UseReducerHandle<Page> {
    let connection = use_connection();
    let page =
        use_reducer_eq(|| Page { known: Known::Asked, rights: Rights::default(), runs: None, cut: false, asks: 0 });
    {
        let (dispatch, connection) = (page.dispatcher(), connection.clone());
        use_effect_with((id, connection.epoch, page.asks), move |(id, _, _)| {
            let id = *id;
            spawn_local(async move {
                let answer = api::project(id).await.map(Box::new);
                if let Err(error) = &answer {
                    connection.heed(error);
                }
                let is_here = answer.is_ok();
                dispatch.dispatch(Change::Answer(answer));
                if is_here && let Ok(list) = api::runs(id).await {
                    dispatch.dispatch(Change::Runs(list.runs));
                }
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

#[cfg(test)]
mod tests {
    use domain::id::RunId;
    use domain::project::Actor;
    use domain::run::{Progress, RunSettings, RunState, Stage};
    use domain::sharing::ProjectRole;

    use super::*;
    use crate::fixtures;

    fn run(seq: u64, state: RunState) -> RunView {
        RunView { id: RunId(1), state, progress: Progress::default(), warnings: Vec::new(), seq }
    }

    fn project(run: RunView) -> Project {
        fixtures::project(1, Some(run))
    }

    fn listed(id: u128, state: RunState) -> Run {
        Run {
            id: RunId(id),
            revision: 1,
            settings: RunSettings::default(),
            of: None,
            by: Actor::Local,
            created_ms: 0,
            ended_ms: None,
            state,
            progress: Progress::default(),
            warnings: Vec::new(),
            files: Vec::new(),
            seq: 1,
        }
    }

    fn page(run: RunView) -> Page {
        let owns = Rights { role: ProjectRole::Owner, visits: false };
        Page { known: Known::Here(Box::new(project(run))), rights: owns, runs: None, cut: true, asks: 0 }
    }

    fn working(stage: Stage) -> RunState {
        RunState::Working { stage }
    }

    #[test]
    fn an_answer_that_is_older_than_the_events_does_not_turn_the_run_back() {
        let mut page = page(run(9, RunState::Ready));
        let rights @ Rights { role, visits } = Rights { role: ProjectRole::Viewer, visits: true };
        let older = ProjectAs { project: project(run(4, working(Stage::Reading))), role, visits };
        page.answered(Ok(Box::new(older)));
        assert_eq!(page.rights, rights, "what one may do is as the newest answer has it");
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

    #[test]
    fn the_newest_run_of_the_list_stands_as_its_events_tell() {
        let mut page = page(run(4, working(Stage::Composing)));
        assert_eq!(page.runs(), None);
        page.runs = Some(vec![listed(1, working(Stage::Reading)), listed(2, RunState::Ready)]);
        let states = page.runs().map(|runs| runs.iter().map(|run| run.state.clone()).collect::<Vec<_>>());
        assert_eq!(states, Some(vec![working(Stage::Composing), RunState::Ready]));
    }

    #[test]
    fn another_run_asks_for_the_list_anew() {
        let mut page = page(run(4, RunState::Ready));
        page.show(RunView { id: RunId(2), ..run(5, RunState::Received) });
        assert_eq!(page.asks, 1);
    }
}
