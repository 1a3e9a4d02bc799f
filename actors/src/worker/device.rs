//! The device's own thread: takes jobs, encodes them, hands out what came of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Instant;

use cluster::body::Fault;
use cluster::body::workers::{BatchFailure, BatchGroup, BatchLease};
use domain::id::WorkerId;
use domain::passage::{Encoded, PassageInput};
use gpu::{EncodeError, Encoder};
use tokio::sync::{mpsc, watch};

use super::{Recalled, batch_span};

/// Makes the encoder, on the device's thread: at its start, and anew when one broke.
pub type LoadEncoder = Box<dyn Fn() -> Result<Box<dyn Encoder>, Fault> + Send>;

/// A batch with its inputs at hand.
pub(super) struct Job {
    pub(super) lease: BatchLease,
    pub(super) groups: Vec<BatchGroup>,
    /// In the order of the groups' items.
    pub(super) inputs: Vec<PassageInput>,
    /// When the worker took it.
    pub(super) taken: Instant,
}

/// What came of a job, and when the worker had taken it.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) taken: Instant,
}

/// What came of a job.
pub(super) enum Outcome {
    Done { lease: BatchLease, groups: Vec<BatchGroup>, encoded: Vec<Encoded>, elapsed_us: u64 },
    Failed { lease: BatchLease, failure: BatchFailure, fault: Fault },
}

/// A running device thread. It ends when `jobs` is dropped.
pub(super) struct DeviceThread {
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) outcomes: mpsc::Receiver<Finished>,
    pub(super) loaded: watch::Receiver<Option<Result<(), Fault>>>,
}

impl DeviceThread {
    pub(super) fn start(worker: WorkerId, load: LoadEncoder, recalled: Recalled) -> std::io::Result<Self> {
        // One staged beside the one that runs.
        let (jobs, mut inbox) = mpsc::channel::<Job>(1);
        let (results, outcomes) = mpsc::channel(4);
        let (tell, loaded) = watch::channel(None);
        let body = move || {
            let mut encoder = match caught(&load) {
                Ok(encoder) => encoder,
                Err(fault) => {
                    tracing::error!(%fault, "the model can't be loaded");
                    let _ = tell.send(Some(Err(fault)));
                    return;
                }
            };
            let _ = tell.send(Some(Ok(())));
            while let Some(job) = inbox.blocking_recv() {
                let taken = job.taken;
                let (outcome, broken) = run(encoder.as_mut(), job, &recalled);
                if results.blocking_send(Finished { outcome, taken }).is_err() {
                    return;
                }
                if broken {
                    match caught(&load) {
                        Ok(anew) => encoder = anew,
                        Err(fault) => {
                            tracing::error!(%fault, "a broken encoder can't be made anew; its device is given up");
                            return;
                        }
                    }
                }
            }
        };
        std::thread::Builder::new().name(format!("device-{worker}")[..15].to_owned()).spawn(body)?;
        Ok(Self { jobs, outcomes, loaded })
    }
}

fn caught(load: &LoadEncoder) -> Result<Box<dyn Encoder>, Fault> {
    catch_unwind(AssertUnwindSafe(load))
        .unwrap_or_else(|_| Err(Fault::new("model-broken", "the model's loader failed")))
}

/// Runs a job; says also whether the encoder is to be made anew.
fn run(encoder: &mut dyn Encoder, job: Job, recalled: &Recalled) -> (Outcome, bool) {
    let Job { lease, groups, inputs, .. } = job;
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
        return (Outcome::Failed { lease, failure: BatchFailure::Released, fault }, false);
    }
    let began = Instant::now();
    // A panic in native code's wrapper must not take the device down with it.
    let encoded = catch_unwind(AssertUnwindSafe(|| encoder.encode(&inputs)));
    let elapsed_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    match encoded {
        Ok(Ok(encoded)) => (Outcome::Done { lease, groups, encoded, elapsed_us }, false),
        Ok(Err(error)) => {
            let (failure, broken) = match error {
                EncodeError::OutOfMemory { .. } => (BatchFailure::OutOfMemory, false),
                EncodeError::BadInput { .. } | EncodeError::BadAsk { .. } => (BatchFailure::Error, false),
                EncodeError::Broken { .. } => (BatchFailure::Error, true),
            };
            (Outcome::Failed { lease, failure, fault: Fault::new(error.code(), error.to_string()) }, broken)
        }
        Err(_) => {
            let fault = Fault::new("encode-broken", "the encoder panicked; the log says where");
            (Outcome::Failed { lease, failure: BatchFailure::Error, fault }, true)
        }
    }
}
