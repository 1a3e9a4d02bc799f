//! The live picture, for people and metrics: the core's own, with names in place of its small numbers.

use cluster::body::runs::ModelRef;
use domain::scheduling::{DeviceLoad, ModelLoad, SchedulingTotals, SchedulingView, TenantLoad, TermBegan};
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
        tenants.sort_by_key(|load| (std::cmp::Reverse(load.queued), load.tenant));
        tenants.truncate(MAX_TENANTS);
        ModelLoad {
            model: self.models.get(model.model).map_or_else(|| "unknown".to_owned(), name),
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
