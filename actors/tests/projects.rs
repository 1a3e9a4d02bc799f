//! What is done to projects on stores that fail: whichever write is refused, lost or doubted, whoever repeats what
//! failed ends where they would have been, and everything was done once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod failing;

use std::sync::Arc;

use actors::edits;
use actors::projects::changes::{self, Due};
use actors::projects::runs::{self, Mend};
use actors::run::{RunContext, RunName};
use cluster::body::Scope;
use cluster::body::work::{EditStoryboard, ListEdits, RunKind};
use domain::edit::{Edit, EditEntry};
use domain::id::{ProjectId, TenantId};
use domain::principal::Principal;
use domain::project::ProjectPatch;
use domain::run::{RunSettings, RunState};
use store::conformance::project_row;
use store::rows::{INTENT_SHARDS, IntentBody, ProjectRow, RunRow};
use store::{DataFolder, Fault, Faults, Faulty};

use failing::{WHO, acts, context, settle};

async fn inserted(folder: &DataFolder) -> ProjectId {
    let row = project_row(WHO.tenant);
    folder.records().project_insert(row, None).await.unwrap().applied().unwrap().project
}

fn named(name: &str) -> ProjectPatch {
    ProjectPatch { name: Some(Some(name.to_owned())), archived: Some(true), ..ProjectPatch::default() }
}

/// Everything that is done to a project, in order; what failed is repeated.
async fn work_through(context: &RunContext, project: ProjectId) -> RunName {
    settle(async || changes::patch(context, WHO, project, None, &named("Other")).await).await;
    settle(async || changes::discard(context, WHO, project, None).await).await;
    settle(async || changes::restore(context, WHO, project).await).await;
    let kind = RunKind::With { settings: RunSettings::default(), revision: None };
    settle(async || runs::begin(context, WHO, project, &kind).await).await
}

/// Looks through the intents as a core does, without driving what is to be driven.
async fn mended(context: &RunContext) -> usize {
    let mut driven = 0;
    for shard in 0..INTENT_SHARDS {
        for intent in context.records.intent_list(shard, 100).await.unwrap() {
            match intent.body {
                IntentBody::Run { tenant, project, run } => {
                    let name = RunName { run, scope: Scope { tenant, project } };
                    match runs::mend_run(context, name).await.unwrap() {
                        Mend::Drive => driven += 1,
                        Mend::Cancel => panic!("the project is there"),
                        Mend::Wait => panic!("nobody else is making it"),
                        Mend::Drop => actors::projects::drop_intent(context, intent.id).await.unwrap(),
                    }
                }
                IntentBody::EraseProject { tenant, project, .. } => {
                    // As if its time had come.
                    let due = changes::due(context, &intent, Scope { tenant, project }, 0).await.unwrap();
                    assert_eq!(due, Due::Never, "the deletion was undone");
                    actors::projects::drop_intent(context, intent.id).await.unwrap();
                }
                IntentBody::DeleteProject { .. } | IntentBody::Upload { .. } | IntentBody::Webhook { .. } => {
                    panic!("nobody erases or uploads anything")
                }
                IntentBody::EraseAccount { .. } | IntentBody::Export { .. } => panic!("nobody has an account"),
            }
        }
    }
    driven
}

#[tokio::test]
async fn whichever_write_fails_everything_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let writes = {
        let counted = Arc::new(Faulty::new(data.records(), Faults::Never));
        let context = RunContext { records: counted.clone(), ..context(&data, Faults::Never) };
        work_through(&context, inserted(&data).await).await;
        counted.writes()
    };
    assert!(writes >= 6, "{writes}");
    for fault in Fault::ALL {
        for nth in 0..writes {
            let project = inserted(&data).await;
            let failing = context(&data, Faults::Nth { nth, fault });
            let run = work_through(&failing, project).await;
            let working = context(&data, Faults::Never);
            let row: ProjectRow = working.records.project_get(WHO.tenant, project).await.unwrap().unwrap();
            let told = format!("{fault:?} of write {nth}");
            assert_eq!((row.name.as_deref(), row.archived, row.trash), (Some("Other"), true, None), "{told}");
            assert_eq!((row.run, row.earlier_runs.as_slice()), (Some(run.run), &[][..]), "{told}");
            let done = acts(working.records.as_ref(), project).await;
            assert_eq!(done, ["changed", "deleted", "restored", "run-started"], "{told}");
            assert!(mended(&working).await >= 1, "{told}");
            let state = working.records.run_get(run.run).await.unwrap().map(|run| run.state);
            assert_eq!(state, Some(RunState::Received), "{told}");
            runs::cancel_row(&working, run.run).await.unwrap();
        }
    }
}

#[tokio::test]
async fn of_an_undo_and_an_erasure_at_the_same_moment_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let context = context(&data, Faults::Never);
    for _ in 0..20 {
        let project = inserted(&data).await;
        let scope = Scope { tenant: WHO.tenant, project };
        changes::discard(&context, WHO, project, None).await.unwrap();
        let mut intents = Vec::new();
        for shard in 0..INTENT_SHARDS {
            intents.extend(context.records.intent_list(shard, 100).await.unwrap());
        }
        let is_its = |body: &IntentBody| matches!(body, IntentBody::EraseProject { project: p, .. } if *p == project);
        let intent = intents.into_iter().find(|intent| is_its(&intent.body)).unwrap();
        let (restored, due) =
            tokio::join!(changes::restore(&context, WHO, project), changes::due(&context, &intent, scope, 0));
        let row = context.records.project_get(WHO.tenant, project).await.unwrap().unwrap();
        match restored {
            Ok(_) => assert!(!row.deleted && row.trash.is_none() && due != Ok(Due::Erase), "{due:?}"),
            Err(refusal) => assert!(row.deleted && due == Ok(Due::Erase), "{refusal:?} {due:?}"),
        }
    }
}

#[tokio::test]
async fn an_old_deletion_that_comes_due_leaves_a_newer_one_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let context = context(&data, Faults::Never);
    let project = inserted(&data).await;
    let scope = Scope { tenant: WHO.tenant, project };
    let first = changes::discard(&context, WHO, project, None).await.unwrap().trash.unwrap();
    let intent = context.records.intent_list(store::rows::shard_of(first.intent), 10).await.unwrap().pop().unwrap();
    changes::restore(&context, WHO, project).await.unwrap();
    let second = changes::discard(&context, WHO, project, None).await.unwrap().trash.unwrap();
    assert_ne!(first.intent, second.intent);
    assert_eq!(changes::due(&context, &intent, scope, 0).await, Ok(Due::Never));
    let newer = store::rows::IntentRow { id: second.intent, ..intent };
    assert_eq!(changes::due(&context, &newer, scope, second.erase_at_ms).await, Ok(Due::NotYet));
    assert_eq!(changes::due(&context, &newer, scope, 0).await, Ok(Due::Erase));
}

#[tokio::test]
async fn an_edit_of_a_run_that_composed_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let context = context(&data, Faults::Never);
    let project = inserted(&data).await;
    let kind = RunKind::With { settings: RunSettings::default(), revision: None };
    let run = runs::begin(&context, WHO, project, &kind).await.unwrap().run;
    let row: RunRow = context.records.run_get(run).await.unwrap().unwrap();
    assert_eq!((row.revision, row.settings), (1, RunSettings::default()));
    let entry = EditEntry::Edit { edit: Edit::Hide { panel: 0, hidden: true } };
    let ask = EditStoryboard { principal: WHO, project, run, version: 0, entry };
    assert_eq!(edits::append(&context, &ask).await.unwrap_err().code, "artefact-not-found");
    let stranger = Principal { tenant: TenantId(9), ..WHO };
    let ask = ListEdits { principal: stranger, project, run: None, after: 0, limit: 1 };
    assert_eq!(edits::page(&context, &ask).await.unwrap_err().code, "project-not-found");
}
