//! Webhooks on stores that fail: whatever write is refused, lost or doubted, every event arrives, in order, and what
//! comes twice is the same event.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod failing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::run::RunContext;
use actors::webhooks::policy::Policy;
use actors::webhooks::{self, Courier, Letter, Webhooks, deliver};
use async_trait::async_trait;
use cluster::body::Fault as Refusal;
use cluster::body::webhooks::CreateWebhook;
use domain::id::{ProjectId, RunId};
use domain::principal::Principal;
use domain::run::{Progress, RunEvent, RunState, Stage};
use domain::webhook::{WebhookEvent, WebhookEvents, WebhookRequest};
use store::conformance::project_row;
use store::rows::EventAppend;
use store::{DataFolder, Faults, Faulty, Records};

const WHO: Principal = Principal::LOCAL;
const PATIENCE: Policy = Policy {
    first_pause: Duration::from_millis(2),
    longest_pause: Duration::from_millis(8),
    give_up_after: Duration::from_secs(3_600),
    // A claim whose attempt was never made is waited for.
    attempt: Duration::from_millis(40),
};

/// Keeps what it is given; every third letter comes back, after it was read.
#[derive(Default)]
struct Receiver(Mutex<Vec<WebhookEvent>>);

#[async_trait]
impl Courier for Receiver {
    fn check(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }

    async fn post(&self, letter: Letter) -> Result<u16, Refusal> {
        let mut read = self.0.lock().unwrap();
        read.push(serde_json::from_slice(&letter.body).unwrap());
        Ok(if read.len().is_multiple_of(3) { 500 } else { 204 })
    }
}

fn context(records: Arc<dyn Records>, folder: &DataFolder, courier: Arc<dyn Courier>, policy: Policy) -> RunContext {
    RunContext { records, webhooks: Webhooks::new(courier, policy), ..failing::context(folder, Faults::Never) }
}

/// Puts a project with `count` events in, each of them another state than the one before.
async fn project_with_events(records: &dyn Records, count: u64) -> ProjectId {
    let row = records.project_insert(project_row(WHO.tenant), None).await.unwrap().applied().unwrap();
    let (project, run) = (row.project, RunId(row.project.0 + 1));
    let state = |seq: u64| match seq % 2 {
        0 => RunState::Working { stage: Stage::Reading },
        _ => RunState::Working { stage: Stage::Composing },
    };
    let event = |seq| RunEvent { seq, project, run, state: state(seq), progress: Progress::default() };
    let head = records.events_head(project).await.unwrap();
    let events = (1..=count).map(event).collect();
    let append = EventAppend { project, expected_version: head.version, run, through: count, events };
    records.events_append(append).await.unwrap().applied().unwrap();
    project
}

async fn created(context: &RunContext, events: WebhookEvents) -> domain::id::WebhookId {
    let request = WebhookRequest { url: "https://example.org/".into(), projects: None, events };
    webhooks::create(context, &CreateWebhook { principal: WHO, request }).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_in_order_whatever_the_store_does() {
    for seed in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let old = project_with_events(folder.records().as_ref(), 5).await;
        let receiver = Arc::new(Receiver::default());
        let webhook =
            created(&context(folder.records(), &folder, receiver.clone(), PATIENCE), WebhookEvents::States).await;
        let project = project_with_events(folder.records().as_ref(), 12).await;
        let records: Arc<Faulty<dyn Records>> =
            Arc::new(Faulty::new(folder.records(), Faults::Random { seed, permille: 250 }));
        let context = context(records.clone(), &folder, receiver.clone(), PATIENCE);
        // As a core does that finds the intent again and again.
        let arrived = |seq| receiver.0.lock().unwrap().iter().any(|event| event.data.seq == seq);
        let mut tries = 0..2_000;
        loop {
            tries.next().expect("every event arrives in the end");
            let delivering = deliver::deliver(&context, WHO.tenant, webhook);
            let _ = tokio::time::timeout(Duration::from_millis(100), delivering).await;
            let row = folder.records().webhook_get(WHO.tenant, webhook).await.unwrap().unwrap();
            if arrived(12) && row.pending.is_none() {
                break;
            }
        }
        let read = receiver.0.lock().unwrap().clone();
        assert!(read.iter().all(|event| event.data.project == project), "nothing of {old}, which was before");
        let mut seqs: Vec<u64> = read.iter().map(|event| event.data.seq).collect();
        assert!(seqs.is_sorted(), "seed {seed}: {seqs:?}");
        assert!(seqs.len() > 12, "what came back was sent again");
        for same in read.chunk_by(|a, b| a.data.seq == b.data.seq) {
            assert!(same.iter().all(|event| *event == same[0]), "the same event in the same words: {same:?}");
        }
        seqs.dedup();
        assert_eq!(seqs, (1..=12).collect::<Vec<_>>(), "seed {seed}");
        assert!(records.injected() > 3, "seed {seed} injected only {} faults", records.injected());
        let marks = folder.records().webhook_marks(WHO.tenant, webhook, 10).await.unwrap();
        assert!(marks.iter().any(|(of, mark)| *of == project && mark.seq == 12), "{marks:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cores_that_look_after_one_webhook_send_each_event_once() {
    struct Once(Mutex<Vec<u64>>);
    #[async_trait]
    impl Courier for Once {
        fn check(&self, _: &str) -> Result<(), Refusal> {
            Ok(())
        }
        async fn post(&self, letter: Letter) -> Result<u16, Refusal> {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let event: WebhookEvent = serde_json::from_slice(&letter.body).unwrap();
            self.0.lock().unwrap().push(event.data.seq);
            Ok(204)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path()).unwrap();
    let receiver = Arc::new(Once(Mutex::default()));
    // However slow the machine is, no attempt is taken for one that was given up.
    let calm = Policy { attempt: Duration::from_secs(60), ..PATIENCE };
    let one = context(folder.records(), &folder, receiver.clone(), calm);
    let other = context(folder.records(), &folder, receiver.clone(), calm);
    let webhook = created(&one, WebhookEvents::All).await;
    project_with_events(folder.records().as_ref(), 20).await;
    let both = async {
        tokio::join!(deliver::deliver(&one, WHO.tenant, webhook), deliver::deliver(&other, WHO.tenant, webhook))
    };
    let all = async {
        while receiver.0.lock().unwrap().len() < 20 {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    // One of the two may wait for the other's attempt when all is told.
    let told = async {
        tokio::select! {
            _ = both => {}
            () = all => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("all is told");
    assert_eq!(*receiver.0.lock().unwrap(), (1..=20).collect::<Vec<_>>());
}
