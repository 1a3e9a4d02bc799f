//! The same node with every message taken through bytes and back, as if its roles lived on other machines.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::time::Duration;

use actors::run::audit::audit;
use cluster::body::Scope;
use cluster::body::projects::{CreateProject, EventsAfter, GetArtefact};
use cluster::bulk::{fetch_whole, once};
use cluster::link::{CallContext, Wire};
use common::{ENGLISH, sample};
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::run::RunState;
use node::config::Config;
use node::wiring::Node;
use store::DataFolder;

fn config() -> Config {
    let mut config = Config::default();
    config.model.path = "double".into();
    config.worker.cpu_workers = 2;
    config
}

/// Analyses the English sample on a node of its own and gives its storyboard.json.
async fn storyboard(wire: Wire) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(DataFolder::open(folder.path()).unwrap(), &config(), wire).await.unwrap();
    let context = CallContext::within(Duration::from_secs(30));
    let project = ProjectId(77);
    let scope = Scope { tenant: Principal::NODE.tenant, project };
    let bytes = std::fs::read(sample(ENGLISH)).unwrap();
    let book_bytes = bytes.len() as u64;
    let stored = node.bulk.put(scope, once(bytes), book_bytes).await.unwrap();
    let ask = CreateProject {
        principal: Principal::NODE,
        project,
        file_name: ENGLISH.to_owned(),
        book: stored.digest,
        book_bytes,
        demo: false,
    };
    let made = node.core.call(ask.clone(), context).await.unwrap().project;
    let again = node.core.call(ask, context).await.unwrap().project;
    assert_eq!(again.run.as_ref().unwrap().id, made.run.as_ref().unwrap().id, "asked twice, made once");

    let mut after = 0;
    'run: loop {
        let ask = EventsAfter { principal: Principal::NODE, project, after, limit: 100, wait_ms: 10_000 };
        let events = node.core.call(ask, context).await.unwrap().events;
        assert!(!events.is_empty(), "nothing happens any more after event {after}");
        for event in events {
            after = event.seq;
            match event.state {
                RunState::Ready => break 'run,
                state => assert!(!state.is_final(), "{state:?}"),
            }
        }
    }
    let run = made.run.unwrap().id;
    let found = audit(node.data().records().as_ref(), node.data().blobs().as_ref(), run).await.unwrap();
    assert!(found.is_clean() && found.items > 0, "{found:?}");
    let ask = GetArtefact { principal: Principal::NODE, project, name: "storyboard.json".to_owned() };
    let artefact = node.core.call(ask, context).await.unwrap();
    let bytes = fetch_whole(node.bulk.as_ref(), scope, artefact.digest, 1 << 30).await.unwrap();
    node.stop().await;
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_become_bytes_give_the_same_storyboard() {
    assert_eq!(storyboard(Wire::Bytes).await, storyboard(Wire::Memory).await);
}
