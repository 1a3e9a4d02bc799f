//! The devices of a node: which there are, and a worker for each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::entrance::{Leader, worker_name};
use actors::model::{ModelSlot, ReadingModel};
use actors::worker::{Loaded, ServedModel, Worker, WorkerStart, drain};
use cluster::body::Fault;
use cluster::body::runs::ModelRef;
use cluster::bulk::BulkPlane;
use cluster::link::Link;
use domain::id::WorkerId;
use domain::manifest::NumericProfile;
use gpu::lanes::Place;
use gpu::{Device, DeviceInfo, DoubleEncoder, Encoder, GpuError, ModelFolder, Tokenizer, WarmUp};
use ractor::{Actor, ActorRef};
use tokio::sync::watch;

use super::weights::Weights;
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

/// The models that were found, or their double.
struct Opened {
    /// The one that books are understood with.
    reference: ModelRef,
    /// None for the double.
    folders: Vec<Arc<ModelFolder>>,
    devices: Vec<DeviceInfo>,
}

impl Opened {
    fn tokenizer(&self) -> Result<Tokenizer, GpuError> {
        match self.folders.first() {
            Some(folder) => Tokenizer::open(folder),
            None => Ok(Tokenizer::double()),
        }
    }
}

fn open(config: &Config) -> Result<Opened, Fault> {
    let devices = gpu::devices();
    if config.model.is_double() {
        let reference = ModelRef { digest: DoubleEncoder::digest(), profile: NumericProfile::Double };
        return Ok(Opened { reference, folders: Vec::new(), devices });
    }
    let folders = std::iter::once(config.model.folder()).chain(config.model.also.iter().cloned());
    let folders = folders.map(|path| ModelFolder::open(path).map(Arc::new).map_err(|e| fault(&e)));
    let folders = folders.collect::<Result<Vec<_>, _>>()?;
    let profile = config.model.profile_on(&devices);
    let reference = ModelRef { digest: folders[0].digest(), profile };
    Ok(Opened { reference, folders, devices })
}

/// One worker to be.
struct Lane {
    device: Device,
    memory_shares: u32,
    models: Vec<ServedModel>,
}

fn lanes(config: &Config, opened: &Opened) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for place in config.worker.lanes().places(&opened.devices) {
        let weights: Vec<Weights> = opened.folders.iter().map(|_| Weights::new()).collect();
        lanes.extend((0..place.lanes).map(|_| Lane {
            device: place.info.device,
            memory_shares: place.lanes as u32,
            models: served(config, opened, &place, &weights),
        }));
    }
    lanes
}

/// A device's models, for one of its workers.
fn served(config: &Config, opened: &Opened, place: &Place, weights: &[Weights]) -> Vec<ServedModel> {
    let max_padded_tokens = u32::try_from(place.padded_tokens).unwrap_or(u32::MAX);
    if opened.folders.is_empty() {
        let delay = Duration::from_millis(config.worker.double_delay_ms);
        let load = move || {
            let encoder = Box::new(DoubleEncoder::with_delay(delay)) as Box<dyn Encoder>;
            Ok(Loaded { encoder, warm: WarmUp::default() })
        };
        let model = opened.reference;
        return vec![ServedModel { model, max_padded_tokens, weights_bytes: 0, load: Box::new(load) }];
    }
    let profile = opened.reference.profile;
    let models = opened.folders.iter().zip(weights).map(|(folder, weights)| ServedModel {
        model: ModelRef { digest: folder.digest(), profile },
        max_padded_tokens,
        weights_bytes: folder.weights_bytes(),
        load: weights.loader(Arc::clone(folder), place.info.device, profile, place.padded_tokens),
    });
    models.collect()
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
        device: lane.device.to_string(),
        memory_shares: lane.memory_shares,
        models: lane.models,
        loaded,
    };
    let (actor, _) = Actor::spawn(Some(worker_name(worker)), Worker, start).await?;
    Ok((worker, actor))
}
