//! The embedded adapters, and the faulty wrapper around them, against the conformance suite.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

use std::sync::Arc;

use store::{Blobs, DataFolder, Faults, Faulty, Records};
use tempfile::TempDir;

type Opened<T> = (Arc<T>, TempDir);

fn folder() -> (DataFolder, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (DataFolder::open(dir.path()).unwrap(), dir)
}

fn faulty_records(faults: Faults) -> (Arc<Faulty<dyn Records>>, TempDir) {
    let (folder, dir) = folder();
    (Arc::new(Faulty::new(folder.records(), faults)), dir)
}

mod sqlite {
    fn open() -> super::Opened<dyn store::Records> {
        let (folder, dir) = super::folder();
        (folder.records(), dir)
    }
    store::records_conformance! { super::open }
}

mod fs {
    fn open() -> super::Opened<dyn store::Blobs> {
        let (folder, dir) = super::folder();
        (folder.blobs(), dir)
    }
    store::blobs_conformance! { super::open }
}

mod faulty_without_faults {
    use std::sync::Arc;

    fn records() -> super::Opened<dyn store::Records> {
        let (store, dir) = super::faulty_records(super::Faults::Never);
        (store, dir)
    }
    store::records_conformance! { super::records }

    fn blobs() -> super::Opened<dyn store::Blobs> {
        let (folder, dir) = super::folder();
        (Arc::new(super::Faulty::new(folder.blobs(), super::Faults::Never)), dir)
    }
    mod of_blobs {
        store::blobs_conformance! { super::super::blobs }
    }
}

mod memory {
    use std::sync::Arc;

    use store::{Cache, MemoryCache};

    fn open() -> (Arc<dyn Cache>, ()) {
        (Arc::new(MemoryCache::new(64 << 20)), ())
    }
    store::cache_conformance! { super::open }

    fn faulty() -> (Arc<dyn Cache>, ()) {
        (Arc::new(store::Faulty::new(open().0, store::Faults::Never)), ())
    }
    mod faulty_without_faults {
        store::cache_conformance! { super::super::faulty }
    }

    #[tokio::test]
    async fn a_faulty_cache_fails_by_its_plan() {
        let plan = store::Faults::Nth { nth: 1, fault: store::Fault::Doubt };
        let cache: Arc<dyn Cache> = Arc::new(store::Faulty::new(open().0, plan));
        let ttl = std::time::Duration::from_secs(60);
        cache.put("a", "1".into(), ttl).await.unwrap();
        cache.put("a", "2".into(), ttl).await.expect_err("the second write is doubtful");
        assert_eq!(cache.get("a").await, Ok(Some("2".into())), "and did happen");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workloads_lose_and_double_nothing_on_a_store_that_fails_often() {
    use store::conformance::workloads;
    for seed in 0..6 {
        let (store, _dir) = faulty_records(Faults::Random { seed, permille: 300 });
        let records = || Arc::clone(&store) as Arc<dyn Records>;
        workloads::every_update_counts_once(records()).await;
        workloads::every_event_gets_one_number(records()).await;
        workloads::every_segment_is_named_once_whoever_holds_the_run(records()).await;
        workloads::every_chunk_is_taken_once_whoever_sends(records()).await;
        assert!(store.injected() > 50, "seed {seed} injected only {} faults", store.injected());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_put_again_until_acknowledged_are_there_whole() {
    use domain::id::{Digest, ProjectId, TenantId};
    let (folder, _dir) = folder();
    let store: Arc<dyn Blobs> = Arc::new(Faulty::new(folder.blobs(), Faults::Random { seed: 7, permille: 500 }));
    let scope = store::BlobScope { tenant: TenantId::LOCAL, project: ProjectId(1) };
    for n in 0_u32..32 {
        let bytes = bytes::Bytes::from(n.to_le_bytes().repeat(500));
        let mut tries = 0..1_000;
        while store.put_bytes(scope, bytes.clone()).await.is_err() {
            tries.next().expect("a put succeeds in the end");
        }
        assert_eq!(folder.blobs().get(scope, Digest::of(&bytes), 2_000).await, Ok(bytes));
    }
}
