//! A cluster in one process: the real scheduler and real workers, devices that can be held, leadership that can be
//! taken away, and a coordinator that counts.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use actors::entrance::{self, Leader, Said};
use actors::scheduler::leadership::{Lead, Leadership, LeasePort, lead};
use actors::scheduler::recording::TraceSettings;
use actors::scheduler::shares::Shares;
use actors::worker::{Loaded, ServedModel, Worker, WorkerStart};
use async_trait::async_trait;
use bytes::Bytes;
use cluster::body::runs::{
    CancelItems, GetScheduling, ItemClass, ItemsDone, ModelRef, SetShare, SubmitItems, SubmitReply, SubmittedItem,
};
use cluster::body::workers::GetDevices;
use cluster::body::{Fault, Payload, Scope};
use cluster::bulk::{BulkPlane, ByteStream, Fetched, Stored, once};
use cluster::link::{CallContext, Link, Wire};
use cluster::message::Message;
use domain::id::{Digest, ItemId, ProjectId, RunId, TenantId, Term, WorkerId};
use domain::manifest::{BLOB_CONFIG, NumericProfile, Segment};
use domain::passage::PassageInput;
use domain::principal::Principal;
use domain::scheduling::{DeviceLoad, SchedulingView, TenantShare};
use futures_util::TryStreamExt;
use gpu::{Answers, Ask, DoubleEncoder, EncodeError, Encoder, HeadInfo, MemoryReport, WarmUp};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use scheduler::Config;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

pub const MODEL: ModelRef = ModelRef { digest: Digest([9; 32]), profile: NumericProfile::Double };
const PATIENCE: Duration = Duration::from_secs(60);

/// Leadership that a test gives and takes.
pub struct Throne {
    seat: Arc<Semaphore>,
    terms: AtomicU64,
    depose: Mutex<Option<watch::Sender<bool>>>,
}

struct Reign {
    term: Term,
    lost: watch::Receiver<bool>,
    _seat: OwnedSemaphorePermit,
}

#[async_trait]
impl LeasePort for Throne {
    async fn acquire(&self) -> Result<Box<dyn Leadership>, String> {
        let seat = self.seat.clone().acquire_owned().await.map_err(|e| e.to_string())?;
        let term = Term { incarnation: 1, n: 1 + self.terms.fetch_add(1, Ordering::SeqCst) };
        let (depose, lost) = watch::channel(false);
        *self.depose.lock().unwrap() = Some(depose);
        Ok(Box::new(Reign { term, lost, _seat: seat }))
    }
}

#[async_trait]
impl Leadership for Reign {
    fn term(&self) -> Term {
        self.term
    }

    async fn lost(&self) {
        let _ = self.lost.clone().wait_for(|lost| *lost).await;
    }

    async fn release(self: Box<Self>) {}
}

impl Throne {
    fn depose(&self) {
        let _ = self.depose.lock().unwrap().take().unwrap().send(true);
    }
}

/// What devices did, and whether they may.
#[derive(Default)]
pub struct Devices {
    state: Mutex<DeviceState>,
    changed: Condvar,
}

#[derive(Default)]
struct DeviceState {
    held: bool,
    /// How often each item was run, by its number.
    runs: BTreeMap<u32, u32>,
    batches: u64,
    begun: u64,
    /// Padded tokens above which a device runs out of memory, where that is set.
    most_tokens: Option<usize>,
    /// Batches that did not fit.
    refused: u64,
    /// Models on devices, where each takes a part of their memory.
    loaded: u64,
    most_loaded: u64,
}

impl Devices {
    /// Whatever runs from now on does not end before [`Devices::go`].
    pub fn hold(&self) {
        self.state.lock().unwrap().held = true;
    }

    pub fn go(&self) {
        self.state.lock().unwrap().held = false;
        self.changed.notify_all();
    }

    pub fn runs(&self) -> BTreeMap<u32, u32> {
        self.state.lock().unwrap().runs.clone()
    }

    pub fn batches(&self) -> u64 {
        self.state.lock().unwrap().batches
    }

    /// From now on larger batches run out of memory.
    pub fn shrink(&self, most_tokens: usize) {
        self.state.lock().unwrap().most_tokens = Some(most_tokens);
    }

    /// How many batches did not fit.
    pub fn refused(&self) -> u64 {
        self.state.lock().unwrap().refused
    }

    /// Most models that were on a device at once.
    pub fn most_loaded(&self) -> u64 {
        self.state.lock().unwrap().most_loaded
    }

    fn load(&self, change: i64) {
        let mut state = self.state.lock().unwrap();
        state.loaded = state.loaded.saturating_add_signed(change);
        state.most_loaded = state.most_loaded.max(state.loaded);
    }

    fn begun(&self) -> u64 {
        self.state.lock().unwrap().begun
    }
}

/// Weights of one model, and memory of a device that holds one of them and not two.
const WEIGHTS: u64 = 600;
const MEMORY: u64 = 1_000;

/// The last: it tells of memory.
struct Counting(Arc<Devices>, DoubleEncoder, bool);

impl Counting {
    fn new(devices: Arc<Devices>, tells: bool) -> Self {
        devices.load(1);
        Self(devices, DoubleEncoder::new(), tells)
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.load(-1);
    }
}

impl Encoder for Counting {
    fn dim(&self) -> usize {
        self.1.dim()
    }

    fn profile(&self) -> NumericProfile {
        self.1.profile()
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.1.heads()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        let mut state = self.0.state.lock().unwrap();
        state.begun += 1;
        while state.held {
            state = self.0.changed.wait(state).unwrap();
        }
        let longest = batch.iter().map(|input| input.tokens.len()).max().unwrap_or(0);
        if state.most_tokens.is_some_and(|most| longest * batch.len() > most) {
            state.refused += 1;
            return Err(EncodeError::OutOfMemory { reason: "the device is small".into() });
        }
        for input in batch {
            *state.runs.entry(input.tokens[0]).or_default() += 1;
        }
        state.batches += 1;
        drop(state);
        self.1.run(batch, ask)
    }

    fn memory(&self) -> MemoryReport {
        if !self.2 {
            return MemoryReport::default();
        }
        let free_bytes = MEMORY.saturating_sub(self.0.state.lock().unwrap().loaded * WEIGHTS);
        MemoryReport { free_bytes, total_bytes: MEMORY, ..MemoryReport::default() }
    }
}

/// The bulk plane in memory.
#[derive(Default)]
struct Bulk(Mutex<HashMap<Digest, Vec<u8>>>);

#[async_trait]
impl BulkPlane for Bulk {
    async fn put(&self, _: Scope, body: ByteStream, _: u64) -> Result<Stored, Fault> {
        let bytes = body.try_collect::<Vec<Bytes>>().await?.concat();
        let stored = Stored { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
        self.0.lock().unwrap().insert(stored.digest, bytes);
        Ok(stored)
    }

    async fn get(&self, _: Scope, digest: Digest, _: Option<Range<u64>>) -> Result<Fetched, Fault> {
        let bytes = self.0.lock().unwrap().get(&digest).cloned();
        let bytes = bytes.ok_or_else(|| Fault::new("blob-not-found", digest.to_string()))?;
        Ok(Fetched { total_bytes: bytes.len() as u64, body: once(bytes) })
    }
}

/// All of it.
pub struct World {
    pub scope: String,
    pub throne: Arc<Throne>,
    pub devices: Arc<Devices>,
    pub workers: Vec<(WorkerId, ActorRef<Link>)>,
    pub leader: Leader,
    bulk: Arc<Bulk>,
    stop: watch::Sender<bool>,
    leading: JoinHandle<()>,
}

impl World {
    /// A leader and as many workers, whose batches hold eight items.
    pub async fn new(workers: usize, wire: Wire, trace: Option<TraceSettings>) -> Self {
        let scope = format!("test-{:x}", uuid::Uuid::new_v4().as_u128());
        let throne =
            Arc::new(Throne { seat: Arc::new(Semaphore::new(1)), terms: AtomicU64::new(0), depose: Mutex::default() });
        let (stop, stopping) = watch::channel(false);
        let config = Config { max_batch_items: 8, hedge_share: 0.0, ..Config::default() };
        let with = Lead { scope: scope.clone(), wire, config, trace, shares: Shares::default() };
        let leading = tokio::spawn(lead(throne.clone(), with, stopping));
        let leader = Leader { scope: scope.clone(), wire };
        let (devices, bulk) = (Arc::default(), Arc::default());
        let mut world = Self { scope, throne, devices, workers: Vec::new(), leader, bulk, stop, leading };
        for _ in 0..workers {
            world.add_worker().await;
        }
        world.until(|view| view.workers.len() == workers).await;
        world
    }

    pub async fn add_worker(&mut self) {
        self.add_worker_with(vec![MODEL], false).await;
    }

    /// A worker that offers these models, of which the first is loaded; of two that `tells` there is room for one.
    pub async fn add_worker_with(&mut self, models: Vec<ModelRef>, tells: bool) {
        let worker = WorkerId(uuid::Uuid::new_v4().as_u128());
        let served = |model| {
            let devices = self.devices.clone();
            let weights_bytes = if tells { WEIGHTS } else { 0 };
            let load = move || {
                let warm = WarmUp { weights_bytes, ..WarmUp::default() };
                Ok(Loaded { encoder: Box::new(Counting::new(devices.clone(), tells)), warm })
            };
            ServedModel { model, max_padded_tokens: 8_192, weights_bytes, load: Box::new(load) }
        };
        let start = WorkerStart {
            worker,
            node: worker.0,
            scope: self.scope.clone(),
            scheduler: self.leader.clone(),
            bulk: self.bulk.clone(),
            device: "a double".to_owned(),
            memory_shares: 1,
            models: models.into_iter().map(served).collect(),
            loaded: watch::channel(None).0,
        };
        let (actor, _) = Actor::spawn(Some(entrance::worker_name(worker)), Worker, start).await.unwrap();
        self.workers.push((worker, actor));
    }

    /// The scheduling, once it is as wanted.
    pub async fn until(&self, wanted: impl Fn(&SchedulingView) -> bool) -> SchedulingView {
        let began = Instant::now();
        loop {
            let ask = GetScheduling { principal: Principal::NODE };
            if let Ok(reply) = self.leader.call(ask, CallContext::within(Duration::from_secs(5))).await {
                if wanted(&reply.scheduling) {
                    return reply.scheduling;
                }
                assert!(began.elapsed() < PATIENCE, "it never came to be: {:?}", reply.scheduling);
            }
            assert!(began.elapsed() < PATIENCE, "nobody leads");
            tokio::task::yield_now().await;
        }
    }

    /// Sets what a tenant may have.
    pub async fn set_share(&self, tenant: u128, share: TenantShare) {
        let set = SetShare { principal: Principal::NODE, tenant: TenantId(tenant), share };
        self.leader.call(set, CallContext::within(Duration::from_secs(5))).await.unwrap();
    }

    /// Waits until that many batches have begun on the devices.
    pub async fn begun(&self, batches: u64) {
        let began = Instant::now();
        while self.devices.begun() < batches {
            assert!(began.elapsed() < PATIENCE, "{} of {batches} batches began", self.devices.begun());
            tokio::task::yield_now().await;
        }
    }

    /// Takes leadership away; whoever leads next follows.
    pub fn depose(&self) {
        self.throne.depose();
    }

    /// Takes leadership away and lets nobody have it until the answer is dropped.
    pub async fn interregnum(&self) -> OwnedSemaphorePermit {
        let seat = self.throne.seat.clone();
        let waiting = tokio::spawn(seat.acquire_owned());
        // In line before the old leader asks again.
        tokio::task::yield_now().await;
        self.depose();
        waiting.await.unwrap().unwrap()
    }

    pub async fn stop(self) {
        self.devices.go();
        self.stop.send(true).unwrap();
        self.leading.await.unwrap();
        for (_, actor) in self.workers {
            actor.stop(None);
        }
    }

    /// How the devices stand, once that is as wanted.
    pub async fn until_devices(&self, wanted: impl Fn(&[DeviceLoad]) -> bool) {
        let began = Instant::now();
        loop {
            let ask = GetDevices { principal: Principal::NODE };
            let reply = self.leader.call(ask, CallContext::within(Duration::from_secs(5))).await.unwrap();
            if wanted(&reply.devices) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it never came to be: {:?}", reply.devices);
            tokio::task::yield_now().await;
        }
    }

    /// A run of a tenant's, whose items have these numbers.
    pub async fn run(&self, tenant: u128, numbers: Range<u32>) -> Run {
        self.run_on(MODEL, tenant, numbers).await
    }

    /// The same on a model of one's choice.
    pub async fn run_on(&self, model: ModelRef, tenant: u128, numbers: Range<u32>) -> Run {
        Run::new(self, model, tenant, numbers).await
    }
}

/// A core that drives one run: hands in what is missing, takes results, hands in again when another leads.
pub struct Run {
    pub run: RunId,
    said: mpsc::UnboundedReceiver<Message>,
    submit: SubmitItems,
    leader: Leader,
    numbers: HashMap<ItemId, u32>,
    missing: BTreeSet<u32>,
}

struct Core(mpsc::UnboundedSender<Message>);

impl Actor for Core {
    type Msg = Link;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Link>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Link>, link: Link, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let _ = self.0.send(Said::from_link(link).envelope.message);
        Ok(())
    }
}

fn item_id(number: u32) -> ItemId {
    ItemId(Digest::of(&number.to_le_bytes()))
}

impl Run {
    async fn new(world: &World, model: ModelRef, tenant: u128, numbers: Range<u32>) -> Self {
        let core = uuid::Uuid::new_v4().as_u128();
        let (tell, said) = mpsc::unbounded_channel();
        let (actor, _) = Actor::spawn(Some(entrance::core_name(core)), Core(tell), ()).await.unwrap();
        entrance::show(&world.scope, entrance::CORE, &actor);
        let (mut blob, mut items) = (Vec::new(), Vec::new());
        for number in numbers.clone() {
            let tokens = 20 + number as usize % 200;
            let input = PassageInput { tokens: vec![number; tokens], spans: vec![(0, tokens as u16)] };
            let record = bincode::encode_to_vec(&input, BLOB_CONFIG).unwrap();
            let (offset, len) = (blob.len() as u64, record.len() as u32);
            items.push(SubmittedItem { item: item_id(number), tokens: tokens as u32, offset, len });
            blob.extend(record);
        }
        let scope = Scope { tenant: TenantId(tenant), project: ProjectId(core) };
        let inputs = world.bulk.put(scope, once(blob), u64::MAX).await.unwrap().digest;
        let (run, run_term) = (RunId(core), Term { incarnation: 1, n: 1 });
        let class = ItemClass::Bulk;
        let submit = SubmitItems { run, run_term, core, class, deadline_in_ms: None, scope, inputs, model, items };
        let by_id = numbers.clone().map(|number| (item_id(number), number)).collect();
        Self { run, said, submit, leader: world.leader.clone(), numbers: by_id, missing: numbers.collect() }
    }

    /// Hands in everything that is missing.
    pub async fn hand_in(&self) {
        let missing = |item: &&SubmittedItem| self.missing.contains(&self.numbers[&item.item]);
        let items: Vec<SubmittedItem> = self.submit.items.iter().filter(missing).copied().collect();
        for page in items.chunks(256) {
            let page = SubmitItems { items: page.to_vec(), ..self.submit.clone() };
            let began = Instant::now();
            loop {
                match self.leader.call(page.clone(), CallContext::within(Duration::from_secs(5))).await {
                    Ok(SubmitReply::Taken) => break,
                    other => assert!(began.elapsed() < PATIENCE, "{other:?}"),
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes what is said until no more than so many items are missing.
    pub async fn until_missing(&mut self, left: usize) {
        while self.missing.len() > left {
            let said = tokio::time::timeout(PATIENCE, self.said.recv()).await;
            match said.unwrap_or_else(|_| panic!("{} items never came: {:?}", self.missing.len(), self.missing)) {
                Some(Message::ItemsDone(done)) => self.take(done),
                Some(Message::LeaderBegan(_)) => self.hand_in().await,
                Some(Message::ItemsMarked(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn take(&mut self, done: ItemsDone) {
        let Payload::Inline(bytes) = done.results else { panic!("small results come in the message") };
        let (segment, _): (Segment, usize) = bincode::decode_from_slice(&bytes, BLOB_CONFIG).unwrap();
        // Results of other runs that are said to every core are not ours to take.
        for number in segment.items.iter().filter_map(|(item, _)| self.numbers.get(item)) {
            self.missing.remove(number);
        }
    }

    pub fn cancel(&self) {
        let run_term = self.submit.run_term;
        self.leader.cast(CancelItems { run: self.run, run_term }, run_term);
    }
}
