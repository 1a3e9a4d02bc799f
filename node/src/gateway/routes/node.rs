//! Routes of the node itself.

use super::*;

/// Routes of the node itself: how it stands, what it is, and its scheduling.
#[rustfmt::skip]
pub(super) fn routes() -> Vec<Route> {
    use Content::{Bytes, BytesOf, Empty, Json, OptionalJson, Text};
    use Permission::{Admin, Operator, Public};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "healthLive", method: get(), path: "/health/live", about: "The process runs.",
            permission: Public, limits: PROBE, params: &[], request: Empty, response: (204, Empty), handler: handler!(handlers::live) },
        Route { id: "healthReady", method: get(), path: "/health/ready", about: "The node can analyse books: 503 until its model is loaded.",
            permission: Public, limits: PROBE, params: &[], request: Empty, response: (204, Empty), handler: handler!(handlers::ready) },
        Route { id: "health", method: get(), path: "/health", about: "How the node stands, in a few words: 503 if its stores can't be used.",
            permission: Public, limits: PROBE, params: &[], request: Empty, response: (200, Json(schema::<NodeHealth>)), handler: handler!(keeping::summary) },
        Route { id: "healthDatabases", method: get(), path: "/api/v1/health/databases", about: "How the records, the blobs and the cache stand, measured within the last second.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<MeasuredHealth>)), handler: handler!(keeping::databases) },
        Route { id: "runMigrations", method: post(), path: "/api/v1/migrations/run", about: "Run the migrations that the records lack; again, it does nothing.",
            permission: Operator, limits: THOROUGH.counted(Rate::Costly), params: &[], request: Empty, response: (200, Json(schema::<MigrationsRun>)), handler: handler!(keeping::migrate) },
        Route { id: "sweepStorage", method: post(), path: "/api/v1/storage/sweep", about: "Remove blobs that nothing names, or only say which.",
            permission: Operator, limits: SWEEP, params: SWEEPING, request: Empty, response: (200, Json(schema::<SweepReport>)), handler: handler!(keeping::sweep) },
        Route { id: "storageJobs", method: get(), path: "/api/v1/storage/jobs", about: "How far a backup or a sweep is, or how the last one ended.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<Jobs>)), handler: handler!(keeping::jobs) },
        Route { id: "backup", method: post(), path: "/api/v1/backup", about: "One checked archive of all that the node keeps; nothing is removed meanwhile, all else goes on.",
            permission: Admin, limits: SMALL_BODY.counted(Rate::Costly), params: &[], request: OptionalJson(schema::<BackupRequest>), response: (200, BytesOf(keeping::BACKUP)), handler: handler!(keeping::backup) },
        Route { id: "metrics", method: get(), path: "/metrics", about: "How the scheduling stands, in Prometheus' text format.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Text), handler: handler!(metrics::metrics) },
        Route { id: "devices", method: get(), path: "/api/v1/scheduling/devices", about: "What each device did and has left, by its own account.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<Vec<DeviceLoad>>)), handler: handler!(devices::devices) },
        Route { id: "scheduling", method: get(), path: "/api/v1/scheduling", about: "How the scheduling stands: queues, devices, totals, changes of term.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<SchedulingView>)), handler: handler!(metrics::scheduling) },
        Route { id: "schedulingWaits", method: get(), path: "/api/v1/scheduling/waits", about: "How long items waited before a device got them, by class and by tenant.",
            permission: Operator, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<SchedulingWaits>)), handler: handler!(metrics::waits) },
        Route { id: "setShare", method: Method::PUT, path: "/api/v1/scheduling/tenants/{tenant}", about: "What a tenant may have of the devices from now on, until the node stops.",
            permission: Operator, limits: CHANGE, params: &[WEIGHT, LIMIT], request: Empty, response: (200, Json(schema::<TenantShare>)), handler: handler!(metrics::set_share) },
        Route { id: "openapi", method: get(), path: "/api/v1/openapi.json", about: "This document.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<serde_json::Value>)), handler: handler!(handlers::openapi) },
        Route { id: "reference", method: get(), path: "/api/v1/reference", about: "This document as a page to read and to try.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (308, Empty), handler: handler!(reference::page) },
        Route { id: "referenceFile", method: get(), path: "/api/v1/reference/{file}", about: "What that page is made of; it begins with `index.html`.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (200, Bytes), handler: handler!(reference::file) },
        Route { id: "node", method: get(), path: "/api/v1/node", about: "What this node is and what it trusts.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<NodeInfo>)), handler: handler!(handlers::node) },
    ]
}
