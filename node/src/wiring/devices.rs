//! The devices of a node: which there are, and a worker for each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::entrance::{Leader, worker_name};
use actors::model::{ModelSlot, ReadingModel};
use actors::worker::{LoadEncoder, Worker, WorkerStart, drain};
use cluster::body::Fault;
use cluster::body::runs::ModelRef;
use cluster::bulk::BulkPlane;
use cluster::link::Link;
use domain::id::WorkerId;
use domain::manifest::NumericProfile;
use gpu::{Device, DeviceInfo, DoubleEncoder, Encoder, GpuError, ModelFolder, TchEncoder, Tokenizer};
use ractor::{Actor, ActorRef};
use tokio::sync::watch;

use crate::config::Config;

/// The workers that run.
type Running = Arc<Mutex<Vec<(WorkerId, ActorRef<Link>)>>>;

/// The node's devices and their model.
pub(super) struct Devices {
    pub(super) model: ModelSlot,
    pub(super) ready: watch::Receiver<bool>,
    workers: Running,
    starting: tokio::task::JoinHandle<()>,
}

impl Devices {
    /// Has all workers finish or give back what they hold, and stops them.
    pub(super) async fn drain(&self, within: Duration) {
        self.starting.abort();
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let drains = workers.iter().map(|(worker, actor)| drain(actor, *worker, within));
        futures_util::future::join_all(drains).await;
    }
}

/// How workers of one node are made.
struct Plan {
    node: u128,
    scope: String,
    scheduler: Leader,
    bulk: Arc<dyn BulkPlane>,
    model: ModelRef,
}

/// Starts the devices' workers beside everything else.
pub(super) fn start(config: &Config, node: u128, scope: &str, scheduler: Leader, bulk: Arc<dyn BulkPlane>) -> Devices {
    let (slot, model) = watch::channel(None);
    let (tell, ready) = watch::channel(false);
    let workers = Running::default();
    let (config, scope, kept) = (config.clone(), scope.to_owned(), Arc::clone(&workers));
    let starting = tokio::spawn(async move {
        let opened = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || open(&config)).await
        };
        let opened = opened.unwrap_or_else(|_| Err(Fault::new("model-broken", "the model's loader failed")));
        let opened = match opened {
            Ok(opened) => opened,
            Err(fault) => {
                tracing::error!(%fault, "no model: books can be uploaded, but not understood");
                let _ = slot.send(Some(Err(fault)));
                return;
            }
        };
        let plan = Plan { node, scope, scheduler, bulk, model: opened.reference };
        let lanes = lanes(&config, &opened);
        tracing::info!(workers = lanes.len(), profile = opened.reference.profile.name(), "starting the devices");
        let mut loading = Vec::new();
        for lane in lanes {
            let (loaded, outcome) = watch::channel(None);
            match spawn(&plan, lane, loaded).await {
                Ok(named) => kept.lock().unwrap_or_else(PoisonError::into_inner).push(named),
                Err(error) => tracing::error!(%error, "a worker could not be started"),
            }
            loading.push(outcome);
        }
        let tokenizer = tokio::task::spawn_blocking(move || opened.tokenizer()).await;
        let reading = match tokenizer {
            Ok(Ok(tokenizer)) => Ok(ReadingModel { reference: plan.model, tokenizer: Arc::new(tokenizer) }),
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err(Fault::new("model-broken", "the tokenizer's loader failed")),
        };
        // A model that no device can load is no model: who waits for it is told why.
        let mut failure = Fault::new("model-broken", "no device could be started; the log says why");
        for mut outcome in loading {
            match outcome.wait_for(Option::is_some).await.map(|found| found.clone()) {
                Ok(Some(Ok(()))) => {
                    let usable = reading.is_ok();
                    let _ = slot.send(Some(reading));
                    let _ = tell.send(usable);
                    return;
                }
                Ok(Some(Err(fault))) => failure = fault,
                _ => {}
            }
        }
        let _ = slot.send(Some(Err(failure)));
    });
    Devices { model, ready, workers, starting }
}

fn fault(error: &GpuError) -> Fault {
    Fault::new(error.code(), error.to_string())
}

/// A model that was found, or its double.
struct Opened {
    reference: ModelRef,
    folder: Option<Arc<ModelFolder>>,
    devices: Vec<DeviceInfo>,
}

impl Opened {
    fn tokenizer(&self) -> Result<Tokenizer, GpuError> {
        match &self.folder {
            Some(folder) => Tokenizer::open(folder),
            None => Ok(Tokenizer::double()),
        }
    }
}

fn open(config: &Config) -> Result<Opened, Fault> {
    let devices = gpu::devices();
    if config.model.is_double() {
        let reference = ModelRef { digest: DoubleEncoder::digest(), profile: NumericProfile::Double };
        return Ok(Opened { reference, folder: None, devices });
    }
    let folder = ModelFolder::open(config.model.folder()).map_err(|e| fault(&e))?;
    // All devices of a node compute alike, or a run's items would differ by where they ran.
    let best = devices.iter().max_by_key(|d| d.device != Device::Cpu).map(gpu::best_profile);
    let profile = config.model.profile_for(best.unwrap_or(NumericProfile::F32));
    let reference = ModelRef { digest: folder.digest(), profile };
    Ok(Opened { reference, folder: Some(Arc::new(folder)), devices })
}

/// One worker to be.
struct Lane {
    load: LoadEncoder,
    max_padded_tokens: u32,
}

fn lanes(config: &Config, opened: &Opened) -> Vec<Lane> {
    let has_gpu = opened.devices.iter().any(|d| d.device != Device::Cpu);
    let mut lanes = Vec::new();
    for info in &opened.devices {
        let (count, max_padded_tokens) = match (info.device, config.worker.cpu_workers) {
            (Device::Cpu, 0) if has_gpu => continue,
            (Device::Cpu, 0) => (info.lanes, config.worker.cpu_padded_tokens),
            (Device::Cpu, wanted) => (wanted, config.worker.cpu_padded_tokens),
            (Device::Cuda(_), _) => (1, config.worker.gpu_padded_tokens),
        };
        let weights = Arc::new(Mutex::new(None));
        lanes.extend(
            (0..count)
                .map(|_| Lane { load: loader(config, opened, info.device, Arc::clone(&weights)), max_padded_tokens }),
        );
    }
    lanes
}

/// Loads the weights for the first worker of a device; the others share them.
fn loader(config: &Config, opened: &Opened, device: Device, weights: Arc<Mutex<Option<TchEncoder>>>) -> LoadEncoder {
    let profile = opened.reference.profile;
    match opened.folder.clone() {
        None => {
            let delay = Duration::from_millis(config.worker.double_delay_ms);
            Box::new(move || Ok(Box::new(DoubleEncoder::with_delay(delay)) as Box<dyn Encoder>))
        }
        Some(folder) => {
            let came = AtomicBool::new(false);
            Box::new(move || {
                // The first worker loads; whoever comes again, because its encoder broke, loads anew.
                let mut weights = weights.lock().unwrap_or_else(PoisonError::into_inner);
                let came_before = came.swap(true, Ordering::Relaxed);
                let encoder = match weights.take() {
                    Some(encoder) if !came_before => encoder,
                    _ => TchEncoder::load(&folder, device, profile).map_err(|e| fault(&e))?,
                };
                *weights = Some(encoder.share());
                Ok(Box::new(encoder) as Box<dyn Encoder>)
            })
        }
    }
}

async fn spawn(
    plan: &Plan,
    lane: Lane,
    loaded: watch::Sender<Option<Result<(), Fault>>>,
) -> Result<(WorkerId, ActorRef<Link>), ractor::SpawnErr> {
    let worker = WorkerId(uuid::Uuid::new_v4().as_u128());
    let start = WorkerStart {
        worker,
        node: plan.node,
        scope: plan.scope.clone(),
        scheduler: plan.scheduler.clone(),
        bulk: plan.bulk.clone(),
        model: plan.model,
        max_padded_tokens: lane.max_padded_tokens,
        load: lane.load,
        loaded,
    };
    let (actor, _) = Actor::spawn(Some(worker_name(worker)), Worker, start).await?;
    Ok((worker, actor))
}
