//! Of looking after what is kept.

use cluster::body::keeping::{
    CoverFormat, CoverReply, GetCover, GetHealth, HealthReply, MigrationsReply, RunMigrations, SweepBlobs, SweepReply,
};
use cluster::message::Message;
use domain::health::{DatabaseHealth, DatabasesHealth, MigrationsRun, Orphan, StoreState, SweepReport, SweepTotals};
use domain::id::TenantId;

use super::{PROJECT, WHO, digest};

pub fn examples() -> Vec<Message> {
    let one = DatabaseHealth {
        state: StoreState::Strained,
        write_latency_us: Some(2_000),
        read_latency_us: Some(40),
        queued: Some(3),
        queue_max: Some(1_024),
        pool_used: Some(1),
        pool_max: Some(4),
        bytes: Some(70_000),
        bytes_max: None,
        schema_version: Some(3),
        trouble: Some("é (store-full)".into()),
    };
    let health = DatabasesHealth {
        state: StoreState::Good,
        records: one.clone(),
        blobs: one.clone(),
        cache: DatabaseHealth { state: StoreState::Bad, ..one },
        incarnation: "1".into(),
        swept: SweepTotals { sweeps: 1, blobs: 2, bytes: 300 },
    };
    let report = SweepReport {
        dry_run: true,
        scopes: 1,
        named: 2,
        young: 3,
        orphans: 4,
        orphan_bytes: 500,
        left_alone: 6,
        first: vec![Orphan { tenant: TenantId::LOCAL, project: PROJECT, digest: digest(1), bytes: 300 }],
    };
    let formats = vec![CoverFormat::Avif, CoverFormat::WebP, CoverFormat::Jpeg];
    vec![
        GetHealth { principal: WHO }.into(),
        HealthReply { health }.into(),
        RunMigrations { principal: WHO }.into(),
        MigrationsReply { run: MigrationsRun { from: 2, to: 3 } }.into(),
        SweepBlobs { principal: WHO, grace_s: Some(3_600), dry_run: true }.into(),
        SweepReply { report }.into(),
        GetCover { principal: WHO, project: PROJECT, edge_px: 320, formats }.into(),
        CoverReply { digest: digest(1), format: CoverFormat::Jpeg, bytes: vec![1, 2, 3] }.into(),
    ]
}
