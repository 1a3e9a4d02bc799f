//! One model: what waits for it, and who is ready to run it.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::WorkerId;

use crate::arena::Handle;
use crate::config::Config;
use crate::cost::{Cost, Sums};
use crate::event::BatchId;
use crate::fairness::BulkQueue;
use crate::interactive::InteractiveQueue;
use crate::item::{Class, ModelKey};
use crate::ready::Ready;
use crate::waits::InteractiveWaits;

/// Groups looked at for one that a worker need not avoid.
const LOOK_AHEAD: usize = 16;

/// Items that came back together and run together again, with no others: so that a batch that failed is bisected,
/// and one that was lost needs no forming.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) items: Vec<Handle>,
    pub(crate) tries: u16,
    /// Who failed at it last; others are preferred.
    pub(crate) avoid: Option<WorkerId>,
    /// Until when it may make way for a newcomer; `None` if it never did.
    pub(crate) patient_until_ms: Option<u64>,
}

/// One model.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) key: ModelKey,
    pub(crate) interactive: InteractiveQueue,
    pub(crate) bulk: BulkQueue,
    /// Groups that came back, by the time from which they may run: interactive ones, bulk ones.
    pub(crate) again: [BTreeMap<(u64, u64), Group>; 2],
    /// Everything that waits, queued or in a group, by class.
    pub(crate) waiting: [Sums; 2],
    /// Workers with a free credit and room in memory.
    pub(crate) ready: Ready,
    /// Running batches that are late, longest first: they are hedged on devices that idle.
    pub(crate) late: BTreeSet<(u64, BatchId)>,
    /// Workers that offer it and don't drain.
    pub(crate) workers: u32,
    /// Staged bulk batches on workers that offer this model, which may be asked to let go.
    pub(crate) recallable: BTreeSet<BatchId>,
    /// How many have been asked for this model and not yet answered, by the class of what they make way for.
    pub(crate) recalls: [u32; 2],
    /// Device time given to this model; of several that a device serves, the one with the least goes next.
    pub(crate) clock_ns: u64,
    /// Cost on a device of average speed.
    pub(crate) cost: Cost,
    pub(crate) waits: InteractiveWaits,
}

/// Index of a class in arrays by class.
pub(crate) fn rank(class: Class) -> usize {
    match class {
        Class::Interactive => 0,
        Class::Bulk => 1,
    }
}

impl Model {
    pub(crate) fn new(key: ModelKey, buckets: usize, config: &Config) -> Self {
        Self {
            key,
            interactive: InteractiveQueue::default(),
            bulk: BulkQueue::new(buckets, config),
            again: [BTreeMap::new(), BTreeMap::new()],
            waiting: [Sums::default(); 2],
            ready: Ready::default(),
            late: BTreeSet::new(),
            workers: 0,
            recallable: BTreeSet::new(),
            recalls: [0; 2],
            clock_ns: 0,
            cost: config.prior,
            waits: InteractiveWaits::default(),
        }
    }

    fn has_group(&self, class: Class, now_ms: u64) -> bool {
        self.again[rank(class)].first_key_value().is_some_and(|(&(ready_ms, _), _)| ready_ms <= now_ms)
    }

    /// Interactive work could run now.
    pub(crate) fn has_urgent(&self, now_ms: u64) -> bool {
        !self.interactive.is_empty() || self.has_group(Class::Interactive, now_ms)
    }

    /// Any work could run now.
    pub(crate) fn has_work(&self, now_ms: u64) -> bool {
        self.has_urgent(now_ms) || self.bulk.servable > 0 || self.has_group(Class::Bulk, now_ms)
    }

    /// A newcomer goes ahead of what came back, unless that waits for longer than a batch already.
    pub(crate) fn newcomer_first(&mut self, now_ms: u64, budget_ms: u32) -> bool {
        let first = self.again[rank(Class::Bulk)].first_key_value();
        let patient_until_ms = first.map_or(u64::MAX, |(&(ready_ms, _), group)| {
            group.patient_until_ms.unwrap_or(ready_ms.saturating_add(u64::from(budget_ms)))
        });
        now_ms < patient_until_ms && self.bulk.hurries()
    }

    /// Takes the first group that may run now, and that `worker` need not avoid while `others` are ready too.
    pub(crate) fn take_group(&mut self, class: Class, now_ms: u64, worker: WorkerId, others: bool) -> Option<Group> {
        let groups = &mut self.again[rank(class)];
        let key = groups
            .range(..=(now_ms, u64::MAX))
            .take(LOOK_AHEAD)
            .find(|(_, group)| !others || group.avoid != Some(worker))
            .map(|(&key, _)| key)?;
        groups.remove(&key)
    }

    /// A device was timed: moves the average towards it.
    pub(crate) fn learn(&mut self, cost: Cost) {
        let mix = |average: f64, new: f64| average + (new - average) * 0.1;
        self.cost.ns_per_token = mix(self.cost.ns_per_token, cost.ns_per_token);
        self.cost.ns_per_token_squared = mix(self.cost.ns_per_token_squared, cost.ns_per_token_squared);
    }

    /// Predicted nanoseconds of what waits, on a device of average speed.
    pub(crate) fn backlog_ns(&self) -> f64 {
        self.waiting.iter().map(|w| self.cost.sum_ns(w)).sum()
    }
}
