//! How the stores stand, measured when somebody asks.

use cluster::body::Fault;
use domain::health::{DatabaseHealth, DatabasesHealth, MigrationsRun, StoreState};
use store::{BlobHealth, CacheHealth, Health, StoreError};

use crate::run::RunContext;
use crate::store_fault;

/// A durable write that takes longer strains those who wait for it.
const STRAINED_US: u64 = 250_000;

/// Measures the stores: a row is written durably and one read, a blob put, read and removed, a value likewise.
pub async fn measured(context: &RunContext) -> DatabasesHealth {
    let identity = context.records.identity();
    let (records, blobs, cache) =
        tokio::join!(context.records.health(), context.blobs.health(), context.keeping.cache.health());
    let records = DatabaseHealth { schema_version: Some(identity.schema_version), ..of_records(records) };
    let blobs = of_blobs(blobs);
    let state = worst(records.state, blobs.state);
    DatabasesHealth {
        state,
        records,
        blobs,
        cache: of_cache(cache),
        incarnation: identity.incarnation.to_string(),
        swept: context.keeping.swept(),
    }
}

/// Runs the migrations that the records lack.
///
/// # Errors
/// What the store says.
pub async fn migrated(context: &RunContext) -> Result<MigrationsRun, Fault> {
    let migrated = context.records.migrate().await.map_err(|e| store_fault(&e))?;
    Ok(MigrationsRun { from: migrated.from, to: migrated.to })
}

fn worst(one: StoreState, other: StoreState) -> StoreState {
    match (one, other) {
        (StoreState::Bad, _) | (_, StoreState::Bad) => StoreState::Bad,
        (StoreState::Strained, _) | (_, StoreState::Strained) => StoreState::Strained,
        _ => StoreState::Good,
    }
}

const NOTHING: DatabaseHealth = DatabaseHealth {
    state: StoreState::Good,
    write_latency_us: None,
    read_latency_us: None,
    queued: None,
    queue_max: None,
    pool_used: None,
    pool_max: None,
    bytes: None,
    bytes_max: None,
    schema_version: None,
    trouble: None,
};

fn bad(error: &StoreError) -> DatabaseHealth {
    DatabaseHealth { state: StoreState::Bad, trouble: Some(format!("{error} ({})", error.code())), ..NOTHING }
}

fn by_latency(latency_us: u64, is_crowded: bool) -> StoreState {
    if latency_us > STRAINED_US || is_crowded { StoreState::Strained } else { StoreState::Good }
}

fn of_records(health: Result<Health, StoreError>) -> DatabaseHealth {
    match health {
        Err(error) => bad(&error),
        Ok(health) => DatabaseHealth {
            state: by_latency(health.write_latency_us, health.writes_queued > health.writes_max / 2),
            write_latency_us: Some(health.write_latency_us),
            read_latency_us: Some(health.read_latency_us),
            queued: Some(health.writes_queued),
            queue_max: Some(health.writes_max),
            pool_used: Some(health.reads_running),
            pool_max: Some(health.reads_max),
            bytes: Some(health.bytes),
            ..NOTHING
        },
    }
}

fn of_blobs(health: Result<BlobHealth, StoreError>) -> DatabaseHealth {
    match health {
        Err(error) => bad(&error),
        Ok(health) => DatabaseHealth {
            state: by_latency(health.write_latency_us, false),
            write_latency_us: Some(health.write_latency_us),
            read_latency_us: Some(health.read_latency_us),
            ..NOTHING
        },
    }
}

fn of_cache(health: Result<CacheHealth, StoreError>) -> DatabaseHealth {
    match health {
        Err(error) => bad(&error),
        Ok(health) => DatabaseHealth {
            state: by_latency(health.latency_us, false),
            write_latency_us: Some(health.latency_us),
            bytes: Some(health.bytes),
            bytes_max: Some(health.bytes_max),
            ..NOTHING
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_can_not_be_used_says_why_and_a_slow_one_is_strained() {
        let full = of_blobs(Err(StoreError::Full { operation: "writing a blob" }));
        assert_eq!(full.state, StoreState::Bad);
        assert!(full.trouble.is_some_and(|text| text.ends_with("(store-full)")));
        let slow = of_blobs(Ok(BlobHealth { write_latency_us: 300_000, read_latency_us: 1 }));
        assert_eq!((slow.state, slow.trouble), (StoreState::Strained, None));
        assert_eq!(worst(StoreState::Strained, StoreState::Bad), StoreState::Bad);
    }
}
