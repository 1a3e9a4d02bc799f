//! The live picture, for people and metrics: the core's own, with names in place of its small numbers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use cluster::body::runs::ModelRef;
use domain::id::TenantId;
use domain::scheduling::{
    DeviceLoad, ModelLoad, ModelWaits, SchedulingTotals, SchedulingView, SchedulingWaits, TenantLoad, TenantWaits,
    TermBegan, WaitSum,
};
use scheduler::Class;
use scheduler::snapshot::ModelSnapshot;

use super::SchedulerState;

/// Tenants told of one by one, a model: those with the most work.
const MAX_TENANTS: usize = 50;
/// Workers told of one by one.
const MAX_WORKERS: usize = 1_024;

impl SchedulerState {
    pub(super) fn view(&self) -> SchedulingView {
        let snapshot = self.core.snapshot();
        let totals = snapshot.totals;
        SchedulingView {
            term: self.term,
            outstanding_items: snapshot.outstanding_items,
            queued_interactive: snapshot.queued_interactive,
            queued_bulk: snapshot.queued_bulk,
            queued_again: snapshot.queued_again,
            leased_items: snapshot.leased_items,
            models: snapshot.models.iter().map(|model| self.model_load(model)).collect(),
            workers: snapshot.workers.into_iter().take(MAX_WORKERS).collect(),
            totals: SchedulingTotals {
                accepted: totals.accepted,
                completed: totals.completed,
                failed: totals.failed,
                cancelled: totals.cancelled,
                batches: totals.batches,
                reruns: totals.reruns,
                adopted: totals.adopted,
                hedges: totals.hedges,
                refused: totals.refused,
                stale: totals.stale,
                padding_waste: totals.padding_waste(),
                batch_fill: totals.mean_fill(),
            },
            terms: match snapshot.terms {
                none if none.is_empty() => {
                    vec![TermBegan { term: self.term, at_ms: self.began_ms, ..TermBegan::default() }]
                }
                terms => terms,
            },
        }
    }

    pub(super) fn waits(&self) -> SchedulingWaits {
        SchedulingWaits {
            models: self.core.snapshot().models.into_iter().map(|model| self.model_waits(model)).collect(),
        }
    }

    fn model_waits(&self, model: ModelSnapshot) -> ModelWaits {
        let name = self.name(&model);
        let mut tenants: BTreeMap<TenantId, TenantWaits> = BTreeMap::new();
        for (tenant, class, waits) in model.tenant_waits {
            let none = || TenantWaits { tenant, interactive: WaitSum::default(), bulk: WaitSum::default() };
            let of = tenants.entry(tenant).or_insert_with(none);
            match class {
                Class::Interactive => of.interactive = waits,
                Class::Bulk => of.bulk = waits,
            }
        }
        let mut tenants: Vec<TenantWaits> = tenants.into_values().collect();
        tenants.sort_by_key(|waits| (Reverse(waits.interactive.items + waits.bulk.items), waits.tenant));
        tenants.truncate(MAX_TENANTS);
        let [interactive, bulk] = model.waits;
        ModelWaits { model: name, interactive, bulk, tenants }
    }

    fn name(&self, model: &ModelSnapshot) -> String {
        self.models.get(model.model).map_or_else(|| "unknown".to_owned(), name)
    }

    /// How the devices stand by their own account, by the worker's id.
    pub(super) fn devices(&self) -> Vec<DeviceLoad> {
        let mut devices: Vec<DeviceLoad> = self.workers.values().filter_map(|known| known.load.clone()).collect();
        devices.sort_by_key(|load| load.worker);
        devices.truncate(MAX_WORKERS);
        devices
    }

    fn model_load(&self, model: &ModelSnapshot) -> ModelLoad {
        let mut tenants: Vec<TenantLoad> =
            model.tenants.iter().map(|&(tenant, queued)| TenantLoad { tenant, queued }).collect();
        tenants.sort_by_key(|load| (Reverse(load.queued), load.tenant));
        tenants.truncate(MAX_TENANTS);
        ModelLoad {
            model: self.name(model),
            queued: model.queued,
            backlog_device_seconds: model.backlog_device_seconds,
            backlog_seconds: model.backlog_seconds,
            workers: model.workers,
            tenants,
        }
    }
}

fn name(model: ModelRef) -> String {
    format!("{}-{}", &model.digest.to_string()[..8], model.profile.name())
}
