//! How a run moves on as its events come in. Pure, so that it is tested away from a browser.

use domain::api::RunView;
use domain::project::Project;
use domain::run::{Progress, RunEvent, RunState, Stage};

/// The stages in the order in which a run goes through them.
pub const STAGES: [Stage; 3] = [Stage::Reading, Stage::Understanding, Stage::Composing];

/// What an event means for the run that is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Fold {
    /// Nothing: it was known already.
    Known,
    /// The run stands as given now.
    Next(RunView),
    /// It tells of a run that is not the one shown: ask for the project anew.
    OtherRun,
}

/// What `event` makes of `view`. Events may come twice, never out of order.
pub fn fold(view: &RunView, event: &RunEvent) -> Fold {
    if event.seq <= view.seq {
        return Fold::Known;
    }
    if event.run != view.id {
        return Fold::OtherRun;
    }
    if order(&event.state) < order(&view.state) {
        // A project's answer may know more than the events that have their numbers yet: a run goes forwards only.
        return Fold::Next(RunView { seq: event.seq, ..view.clone() });
    }
    let (state, progress) = (event.state.clone(), event.progress);
    Fold::Next(RunView { state, progress, seq: event.seq, ..view.clone() })
}

/// How far along a state is.
fn order(state: &RunState) -> (u8, Option<Stage>) {
    match state {
        RunState::Received => (0, None),
        RunState::Working { stage } => (1, Some(*stage)),
        RunState::Ready | RunState::Failed { .. } | RunState::Cancelled => (2, None),
    }
}

/// The project has news that events don't carry (title, authors, warnings, artefacts) once a run moves so. A
/// cancelled one has none; and where it was cancelled because its project is being deleted, there is none to ask for.
pub fn has_news_of_project(before: &RunState, after: &RunState) -> bool {
    let reads = |state: &RunState| matches!(state, RunState::Received | RunState::Working { stage: Stage::Reading });
    let moves = (reads(before) && !reads(after)) || (!before.is_final() && after.is_final());
    moves && *after != RunState::Cancelled
}

/// The project's run is under way.
pub fn is_active(project: &Project) -> bool {
    project.run.as_ref().is_some_and(|run| !run.state.is_final())
}

/// Share of the passages that is done, in percent; none while the book is being read.
pub fn percent(progress: &Progress) -> Option<u32> {
    let (done, total) = (u64::from(progress.passages_done), u64::from(progress.passages_total));
    (done.min(total) * 100).checked_div(total).and_then(|share| u32::try_from(share).ok())
}

/// Seconds until the last token is encoded, at the speed of now; none while that is unknown.
pub fn seconds_left(progress: &Progress) -> Option<u64> {
    if progress.tokens_total == 0 {
        return None;
    }
    let missing = progress.tokens_total.saturating_sub(progress.tokens_done);
    (progress.tokens_per_s > 0).then(|| missing.div_ceil(u64::from(progress.tokens_per_s)))
}

/// Where a stage stands while the run is in `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageMark {
    Done,
    Current,
    Stopped,
    Ahead,
}

/// See [`StageMark`].
pub fn stage_mark(stage: Stage, state: &RunState) -> StageMark {
    let at = |current: &Stage, mark| match stage.cmp(current) {
        std::cmp::Ordering::Less => StageMark::Done,
        std::cmp::Ordering::Equal => mark,
        std::cmp::Ordering::Greater => StageMark::Ahead,
    };
    match state {
        RunState::Received | RunState::Cancelled => StageMark::Ahead,
        RunState::Working { stage: current } => at(current, StageMark::Current),
        RunState::Failed { stage: current, .. } => at(current, StageMark::Stopped),
        RunState::Ready => StageMark::Done,
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{ProjectId, RunId};

    use super::*;

    fn view() -> RunView {
        let state = RunState::Working { stage: Stage::Understanding };
        RunView { id: RunId(1), state, progress: Progress::default(), warnings: Vec::new(), seq: 4 }
    }

    fn event(seq: u64, run: u128, state: RunState) -> RunEvent {
        let progress = Progress { passages_done: 5, passages_total: 10, ..Progress::default() };
        RunEvent { seq, project: ProjectId(9), run: RunId(run), state, progress }
    }

    #[test]
    fn an_event_that_was_told_before_changes_nothing() {
        assert_eq!(fold(&view(), &event(4, 1, RunState::Ready)), Fold::Known);
    }

    #[test]
    fn an_event_moves_the_run_and_keeps_its_warnings() {
        let warnings =
            vec![domain::book::Warning { code: "empty-chapter".into(), detail: "Chapter 3 is empty.".into() }];
        let before = RunView { warnings: warnings.clone(), ..view() };
        let Fold::Next(after) = fold(&before, &event(5, 1, RunState::Ready)) else { panic!("expected a next view") };
        assert_eq!((after.seq, after.state, after.warnings), (5, RunState::Ready, warnings));
        assert_eq!(percent(&after.progress), Some(50));
    }

    #[test]
    fn an_event_from_before_the_view_does_not_turn_the_run_back() {
        let before = view();
        let Fold::Next(after) = fold(&before, &event(5, 1, RunState::Received)) else { panic!("expected a next view") };
        assert_eq!(after, RunView { seq: 5, ..before });
    }

    #[test]
    fn an_event_of_another_run_asks_for_the_project_anew() {
        assert_eq!(fold(&view(), &event(6, 2, RunState::Received)), Fold::OtherRun);
    }

    #[test]
    fn the_project_is_asked_for_when_the_book_is_read_and_when_the_run_ends() {
        let working = |stage| RunState::Working { stage };
        assert!(has_news_of_project(&working(Stage::Reading), &working(Stage::Understanding)));
        assert!(has_news_of_project(&working(Stage::Composing), &RunState::Ready));
        assert!(!has_news_of_project(&working(Stage::Understanding), &RunState::Cancelled));
        assert!(!has_news_of_project(&RunState::Received, &working(Stage::Reading)));
        assert!(!has_news_of_project(&working(Stage::Understanding), &working(Stage::Composing)));
    }

    #[test]
    fn time_left_follows_the_tokens_and_is_unknown_without_speed() {
        let progress = Progress { tokens_done: 100, tokens_total: 1_100, tokens_per_s: 300, ..Progress::default() };
        assert_eq!(seconds_left(&progress), Some(4));
        assert_eq!(seconds_left(&Progress { tokens_per_s: 0, ..progress }), None);
        assert_eq!(seconds_left(&Progress::default()), None);
    }

    #[test]
    fn an_unread_book_has_no_percentage() {
        assert_eq!(percent(&Progress::default()), None);
        assert_eq!(percent(&Progress { passages_done: 12, passages_total: 10, ..Progress::default() }), Some(100));
    }

    #[test]
    fn stages_before_the_current_one_are_done() {
        let failed = RunState::Failed { stage: Stage::Understanding, code: "x".into(), reason: "y".into() };
        assert_eq!(STAGES.map(|s| stage_mark(s, &failed)), [StageMark::Done, StageMark::Stopped, StageMark::Ahead]);
        assert_eq!(stage_mark(Stage::Composing, &RunState::Ready), StageMark::Done);
    }
}
