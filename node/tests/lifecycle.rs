//! Starting, stopping, cancelling and deleting, at any moment.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::time::{Duration, Instant};

use cluster::body::projects::{CancelRun, CreateProject, DeleteProject, ListProjects, StartRun};
use cluster::body::{Fault, Scope};
use cluster::bulk::once;
use cluster::link::{CallContext, Wire};
use common::{ENGLISH, Server, files_below, sample};
use domain::api::ProjectView;
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::run::RunState;
use node::config::Config;
use node::wiring::Node;
use store::DataFolder;
use store::rows::LeaseKey;

const WHO: Principal = Principal::NODE;

fn context() -> CallContext {
    CallContext::within(Duration::from_secs(30))
}

async fn start(folder: &std::path::Path, delay_ms: u64) -> Node {
    let mut config = Config::default();
    config.model.path = "double".into();
    config.worker.cpu_workers = 1;
    config.worker.double_delay_ms = delay_ms;
    Node::start(DataFolder::open(folder).unwrap(), &config, Wire::Memory).await.unwrap()
}

async fn create(node: &Node) -> Result<ProjectView, Fault> {
    let project = ProjectId(uuid::Uuid::now_v7().as_u128());
    let bytes = std::fs::read(sample(ENGLISH)).unwrap();
    let book_bytes = bytes.len() as u64;
    let stored = node.bulk.put(Scope { tenant: WHO.tenant, project }, once(bytes), book_bytes).await?;
    let file_name = ENGLISH.to_owned();
    let ask = CreateProject { principal: WHO, project, file_name, book: stored.digest, book_bytes, demo: false };
    Ok(node.core.call(ask, context()).await?.project)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_has_given_its_leases_back_and_the_next_one_leads_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), 200).await;
    let project = create(&node).await.unwrap();
    let run = project.run.unwrap().id;
    let records = node.data().records();
    // Under way: the scheduler leads, and the coordinator holds the run.
    let held = async |key| records.lease_get(key).await.unwrap().is_some_and(|row| !row.is_free());
    let began = Instant::now();
    while !(held(LeaseKey::Scheduler).await && held(LeaseKey::Run(run)).await) {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
    node.stop().await;
    assert!(!held(LeaseKey::Scheduler).await, "the scheduler's lease was left to run out");
    assert!(!held(LeaseKey::Run(run)).await, "the run's lease was left to run out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_answered_has_happened_whenever_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), 20).await;
    let project = create(&node).await.unwrap();
    let mut run = project.run.unwrap().id;
    for round in 0..40u64 {
        // From before the lease is taken to the middle of the segments.
        tokio::time::sleep(Duration::from_millis(round * 7 % 150)).await;
        let answer = node.core.call(CancelRun { principal: WHO, project: project.id, run }, context()).await;
        let state = answer.unwrap().run.state;
        assert!(matches!(state, RunState::Cancelled | RunState::Ready), "round {round}: {state:?}");
        run = node.core.call(StartRun { principal: WHO, project: project.id }, context()).await.unwrap().run.id;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_can_be_read_while_books_come_and_go_and_nothing_of_them_stays() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), 5).await;
    let comings = async {
        for _ in 0..15 {
            let project = create(&node).await.unwrap().id;
            node.core.call(DeleteProject { principal: WHO, project }, context()).await.unwrap();
        }
    };
    let reading = async {
        loop {
            let list = node.core.call(ListProjects { principal: WHO }, context()).await;
            assert!(list.is_ok(), "{list:?}");
        }
    };
    tokio::select! {
        () = comings => {}
        () = reading => {}
    }
    let left = node.core.call(ListProjects { principal: WHO }, context()).await.unwrap().projects;
    assert!(left.is_empty());
    node.stop().await;
    let blobs = files_below(&folder.path().join("blobs"));
    assert!(blobs.is_empty(), "left behind: {blobs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_for_one_project_never_undo_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), 0).await;
    let bytes = std::fs::read(sample(ENGLISH)).unwrap();
    let book_bytes = bytes.len() as u64;
    for number in 1..=10 {
        let project = ProjectId(number);
        let scope = Scope { tenant: WHO.tenant, project };
        let book = node.bulk.put(scope, once(bytes.clone()), book_bytes).await.unwrap().digest;
        let file_name = ENGLISH.to_owned();
        let ask = CreateProject { principal: WHO, project, file_name, book, book_bytes, demo: false };
        let (one, other) = tokio::join!(node.core.call(ask.clone(), context()), node.core.call(ask.clone(), context()));
        assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        for refused in [one, other].into_iter().filter_map(Result::err) {
            assert_eq!(refused.code, "conflict");
        }
        let made = node.core.call(ask, context()).await.unwrap().project;
        assert!(node.bulk.get(scope, book, None).await.is_ok(), "the book of project {number} is gone");
        assert!(made.run.is_some(), "the run of project {number} is gone");
    }
    node.stop().await;
}

#[test]
fn a_node_that_says_where_it_is_can_be_stopped_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    // Several at once: what is told too early shows when there are more processes than processors.
    std::thread::scope(|scope| {
        for n in 0..16 {
            let folder = dir.path().join(n.to_string());
            scope.spawn(move || {
                let ended = Server::start(&folder).running.interrupt();
                assert!(ended.success(), "{ended}");
            });
        }
    });
}
