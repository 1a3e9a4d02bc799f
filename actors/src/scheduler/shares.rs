//! What tenants may have of the devices, as somebody set it while the node runs.
//!
//! The core of each leader begins without; so what was set is kept beside it and told to every later leader of this
//! process before anything else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::TenantId;
use domain::scheduling::TenantShare;
use scheduler::Event;

/// Tenants for whom something may be set.
const MAX_TENANTS: usize = 4_096;

/// The shares that were set. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Shares(Arc<Mutex<BTreeMap<TenantId, TenantShare>>>);

impl Shares {
    /// Keeps a share; false if there are too many.
    pub(super) fn keep(&self, tenant: TenantId, share: TenantShare) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if share == TenantShare::default() {
            kept.remove(&tenant);
        } else if kept.len() < MAX_TENANTS || kept.contains_key(&tenant) {
            kept.insert(tenant, share);
        } else {
            return false;
        }
        true
    }

    /// What a leader that begins is told.
    pub(super) fn events(&self) -> Vec<Event> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().flat_map(|(&tenant, &share)| events(tenant, share)).collect()
    }
}

/// A share as the core is told of it.
pub(super) fn events(tenant: TenantId, share: TenantShare) -> [Event; 2] {
    let TenantShare { weight, device_ms_per_s } = share;
    [Event::SetWeight { tenant, weight }, Event::SetLimit { tenant, device_ms_per_s }]
}
