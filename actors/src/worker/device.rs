//! The device's own thread: takes jobs, encodes them, hands out what came of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use cluster::body::Fault;
use cluster::body::runs::ModelRef;
use cluster::body::workers::{BatchFailure, BatchGroup, BatchLease};
use domain::id::WorkerId;
use domain::passage::{Encoded, PassageInput};
use gpu::{EncodeError, Encoder};
use tokio::sync::{mpsc, watch};

use super::gauge::Gauge;
use super::shelf::Shelf;
use super::{Recalled, batch_span};

/// What the device is to do, in this order.
pub(super) enum Job {
    /// Run a batch.
    Run(Batch),
    /// Let a model's weights go.
    Unload(ModelRef),
}

/// A batch with its inputs at hand.
pub(super) struct Batch {
    pub(super) lease: BatchLease,
    pub(super) model: ModelRef,
    pub(super) groups: Vec<BatchGroup>,
    /// In the order of the groups' items.
    pub(super) inputs: Vec<PassageInput>,
    /// When the worker took it.
    pub(super) taken: Instant,
}

/// What came of a batch, and when the worker had taken it.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) taken: Instant,
}

/// What came of a batch.
pub(super) enum Outcome {
    Done { lease: BatchLease, groups: Vec<BatchGroup>, encoded: Vec<Encoded>, elapsed_us: u64 },
    Failed { lease: BatchLease, failure: BatchFailure, fault: Fault },
}

impl Outcome {
    fn failed(lease: BatchLease, failure: BatchFailure, fault: Fault) -> Self {
        Self::Failed { lease, failure, fault }
    }
}

/// A running device thread. It ends when `jobs` is dropped.
pub(super) struct DeviceThread {
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) outcomes: mpsc::Receiver<Finished>,
    pub(super) loaded: watch::Receiver<Option<Result<(), Fault>>>,
}

impl DeviceThread {
    pub(super) fn start(
        worker: WorkerId,
        mut shelf: Shelf,
        recalled: Recalled,
        gauge: Arc<Gauge>,
    ) -> std::io::Result<Self> {
        // One staged beside the one that runs.
        let (jobs, mut inbox) = mpsc::channel::<Job>(1);
        let (results, outcomes) = mpsc::channel(4);
        let (tell, loaded) = watch::channel(None);
        let body = move || {
            if let Err(fault) = shelf.load_first() {
                tracing::error!(%fault, "the model can't be loaded");
                let _ = tell.send(Some(Err(fault)));
                return;
            }
            gauge.shelf(&shelf);
            let _ = tell.send(Some(Ok(())));
            while let Some(job) = inbox.blocking_recv() {
                let batch = match job {
                    Job::Run(batch) => batch,
                    Job::Unload(model) => {
                        shelf.unload(model);
                        gauge.shelf(&shelf);
                        continue;
                    }
                };
                let (model, taken) = (batch.model, batch.taken);
                let (outcome, broken) = run(&mut shelf, batch, &recalled, &gauge);
                if broken {
                    shelf.unload(model);
                }
                if results.blocking_send(Finished { outcome, taken }).is_err() {
                    return;
                }
                if broken && let Err(fault) = shelf.encoder(model) {
                    tracing::error!(%fault, "a broken encoder can't be made anew; its device is given up");
                    return;
                }
                gauge.shelf(&shelf);
            }
        };
        std::thread::Builder::new().name(format!("device-{worker}")[..15].to_owned()).spawn(body)?;
        Ok(Self { jobs, outcomes, loaded })
    }
}

/// Runs a batch; says also whether its encoder is to be made anew.
fn run(shelf: &mut Shelf, batch: Batch, recalled: &Recalled, gauge: &Gauge) -> (Outcome, bool) {
    let Batch { lease, model, groups, inputs, .. } = batch;
    let _span = batch_span(lease, &groups).entered();
    let is_recalled = {
        let mut recalled = recalled.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recalled.remove(&lease);
        // Batches begin in the order of their numbers: what was wanted back of earlier ones came too late.
        recalled.retain(|other| (other.term, other.batch) > (lease.term, lease.batch));
        found
    };
    if is_recalled {
        let fault = Fault::new("released", "let go before it began");
        return (Outcome::failed(lease, BatchFailure::Released, fault), false);
    }
    let encoder = match shelf.encoder(model) {
        Ok(encoder) => encoder,
        // The items are sound; another worker, or this one later, may have the model.
        Err(fault) => return (Outcome::failed(lease, BatchFailure::Rejected, fault), false),
    };
    let (encoded, elapsed) = encode(encoder, &inputs);
    gauge.ran(&inputs, encoder.packs(), elapsed);
    let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    match encoded {
        Some(Ok(encoded)) => (Outcome::Done { lease, groups, encoded, elapsed_us }, false),
        Some(Err(error)) => {
            let (failure, broken) = match error {
                EncodeError::OutOfMemory { .. } => (BatchFailure::OutOfMemory, false),
                EncodeError::BadInput { .. } | EncodeError::BadAsk { .. } => (BatchFailure::Error, false),
                EncodeError::Broken { .. } => (BatchFailure::Error, true),
            };
            (Outcome::failed(lease, failure, Fault::new(error.code(), error.to_string())), broken)
        }
        None => {
            let fault = Fault::new("encode-broken", "the encoder panicked; the log says where");
            (Outcome::failed(lease, BatchFailure::Error, fault), true)
        }
    }
}

/// `None`: it panicked, which must not take the device down with it.
fn encode(encoder: &mut dyn Encoder, inputs: &[PassageInput]) -> (Option<Result<Vec<Encoded>, EncodeError>>, Duration) {
    let began = Instant::now();
    let encoded = catch_unwind(AssertUnwindSafe(|| encoder.encode(inputs))).ok();
    (encoded, began.elapsed())
}
