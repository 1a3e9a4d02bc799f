//! A store into an archive and out of it again; and archives that must not be taken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use domain::api_key::{KeyScope, KeyScopes};
use domain::id::{ApiKeyId, Digest, ProjectId, TenantId};
use futures_util::TryStreamExt as _;
use store::backup::{BackupError, KeysFound, Packed, Passphrase, Progress, Restored, Source, pack, restore};
use store::conformance::access::access_row;
use store::conformance::{account_row, project_row, run_row, upload_row};
use store::rows::{
    AccessRow, AccountRow, ApiKeyRow, Credential, IntentBody, IntentRow, KeptRow, LeaseKey, ProjectRow, shard_of,
};
use store::{BlobScope, DataFolder, StoreError};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

const WORDS: &str = "the lamp was out";
const NOW_MS: u64 = 1_800_000_000_000;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

/// A folder with some of everything in it.
async fn filled(path: &Path) -> DataFolder {
    let folder = DataFolder::open(path).unwrap();
    let (records, blobs) = (folder.records(), folder.blobs());
    for n in 0..5_u128 {
        let row = ProjectRow { project: ProjectId(n), ..project_row(TenantId(1)) };
        let _ = records.project_insert(row, None).await.unwrap();
        let _ = records.run_insert(run_row(), vec![]).await.unwrap();
        let _ = records.upload_insert(upload_row(TenantId(1))).await.unwrap();
        let body = IntentBody::DeleteProject { tenant: TenantId(1), project: ProjectId(n) };
        records.intent_put(IntentRow { id: n, shard: shard_of(n), body, created_ms: 1 }).await.unwrap();
        let scope = BlobScope { tenant: TenantId(1), project: ProjectId(n) };
        blobs.put_bytes(scope, "the same book".repeat(1_000).into()).await.unwrap();
        blobs.put_bytes(scope, vec![n as u8; 300_000].into()).await.unwrap();
    }
    blobs.put_bytes(BlobScope { tenant: TenantId(2), project: ProjectId(0) }, Bytes::new()).await.unwrap();
    let key = LeaseKey::Scheduler;
    let _ = records.lease_take(key, None, store::conformance::owner()).await.unwrap();
    folder
}

async fn packed(folder: &DataFolder, words: Option<&str>) -> (Vec<u8>, Packed) {
    let keys = Arc::new(folder.keyring(None).unwrap());
    let source = Source {
        records: folder.records(),
        blobs: folder.blobs(),
        keys: words.map(|words| (keys, passphrase(words))),
        program: "0.0.1".into(),
        now_ms: NOW_MS,
    };
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        let packed = pack(&source, &runtime, &mut out).unwrap();
        (out, packed)
    })
    .await
    .unwrap()
}

async fn restored(archive: &Path, folder: &Path, words: Option<&str>) -> Result<Restored, BackupError> {
    let (archive, folder) = (archive.to_owned(), folder.to_owned());
    let (words, runtime) = (words.map(passphrase), Handle::current());
    tokio::task::spawn_blocking(move || {
        restore(&archive, &folder, words.as_ref(), NOW_MS, &Progress::default(), &runtime)
    })
    .await
    .unwrap()
}

async fn rows(folder: &DataFolder) -> Vec<KeptRow> {
    let pages: Vec<Vec<KeptRow>> = folder.records().export().await.unwrap().try_collect().await.unwrap();
    pages.into_iter().flatten().collect()
}

/// Every blob with its place, its bytes read and held against its name.
async fn blobs(folder: &DataFolder) -> Vec<(BlobScope, Digest, Bytes)> {
    let mut found = Vec::new();
    for scope in folder.blobs().scopes(None, 1_000).await.unwrap() {
        for entry in folder.blobs().list(scope, None, 1_000).await.unwrap() {
            let bytes = folder.blobs().get(scope, entry.info.digest, u64::MAX).await.unwrap();
            found.push((scope, entry.info.digest, bytes));
        }
    }
    found
}

/// Everything below a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn write(dir: &Path, bytes: &[u8]) -> PathBuf {
    let path = dir.join("b.visiobook");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_there_again_in_a_new_life_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, packed) = packed(&folder, Some(WORDS)).await;
    assert_eq!((packed.rows, packed.blobs, packed.bytes), (20, 11, bytes.len() as u64));
    let archive = write(dir.path(), &bytes);
    let new = dir.path().join("deep/new");
    let done = restored(&archive, &new, Some(WORDS)).await.unwrap();
    assert_eq!((done.rows, done.blobs, done.keys), (20, 11, KeysFound::Restored));
    assert_eq!(done.digest, packed.digest);
    let again = DataFolder::open(&new).unwrap();
    assert_eq!(rows(&again).await, rows(&folder).await);
    assert_eq!(blobs(&again).await, blobs(&folder).await);
    assert_eq!(again.keyring(None).unwrap().ids(), folder.keyring(None).unwrap().ids());
    let (old, now) = (folder.identity(), again.identity());
    assert_eq!((now.store_id, now.incarnation), (old.store_id, NOW_MS));
    // Nobody holds anything, and whoever takes a lease now is above all who ever held it.
    let key = LeaseKey::Scheduler;
    assert_eq!(again.records().lease_get(key).await, Ok(None));
    let before = folder.records().lease_get(key).await.unwrap().unwrap().term;
    let taken = again.records().lease_take(key, None, store::conformance::owner()).await.unwrap().applied().unwrap();
    assert!(taken.term > before);
    drop(again);
    assert_eq!(names(&dir.path().join("deep")), ["new"], "nothing is left beside it");

    // A backup of the restored store, restored at the same moment, is above it all the same.
    let (bytes, _) = self::packed(&DataFolder::open(&new).unwrap(), None).await;
    let archive = write(dir.path(), &bytes);
    let done = restored(&archive, &dir.path().join("third"), None).await.unwrap();
    assert_eq!((done.from_incarnation, done.incarnation, done.keys), (NOW_MS, NOW_MS + 1, KeysFound::None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_with_one_tenant_stand_in_it_once_and_lie_there_once() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, _) = packed(&folder, None).await;
    let mut tar = tar::Archive::new(zstd::Decoder::new(bytes.as_slice()).unwrap());
    let members = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
    // Five of their own, one that all five have, and the other tenant's.
    assert_eq!(members.filter(|path| path.starts_with("blobs")).count(), 7);
    let archive = write(dir.path(), &bytes);
    restored(&archive, &dir.path().join("new"), None).await.unwrap();
    let digest = Digest::of("the same book".repeat(1_000).as_bytes()).to_string();
    let place = |n| dir.path().join("new/blobs/objects").join(TenantId(1).to_string()).join(ProjectId(n).to_string());
    let inode = |n| std::fs::metadata(place(n).join(&digest)).unwrap().ino();
    assert!((1..5).all(|n| inode(n) == inode(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_was_cut_or_changed_anywhere_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, _) = packed(&folder, Some(WORDS)).await;
    drop(folder);
    let place = dir.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let refusal = async |changed: &[u8]| {
        let archive = write(dir.path(), changed);
        let refused = restored(&archive, &place.join("new"), Some(WORDS)).await.expect_err("it must not be taken");
        assert_eq!(names(&place), [""; 0], "{refused}");
        refused.code()
    };
    // Every byte of both ends, and one in every 997 between them.
    let ends = (0..200).chain(bytes.len() - 200..bytes.len());
    for at in ends.chain((0..bytes.len()).step_by(997)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let code = refusal(&changed).await;
        let known = ["backup-not-one", "backup-newer", "backup-truncated", "backup-damaged"];
        assert!(known.contains(&code), "byte {at}: {code}");
    }
    for kept in (0..bytes.len()).step_by(bytes.len() / 40).chain([bytes.len() - 1]) {
        let code = refusal(&bytes[..kept]).await;
        assert!(["backup-not-one", "backup-truncated"].contains(&code), "{kept} bytes: {code}");
    }
    assert_eq!(refusal(&[bytes.as_slice(), b"more"].concat()).await, "backup-truncated");
    let newer = bytes.iter().copied().enumerate().map(|(at, byte)| if at == 25 { b'9' } else { byte });
    assert_eq!(refusal(&newer.collect::<Vec<u8>>()).await, "backup-newer");
    assert_eq!(refusal(b"PK\x03\x04").await, "backup-not-one");
}

/// Members of an archive, by their paths, and something that is done to them.
type Members = Vec<(String, Vec<u8>)>;
type Change<'a> = &'a dyn Fn(&mut Members);

/// An archive whose ends are right, over whatever body: what somebody could make who means ill.
fn forged(bytes: &[u8], change: impl Fn(&mut Vec<(String, Vec<u8>)>)) -> Vec<u8> {
    let mut tar = tar::Archive::new(zstd::Decoder::new(bytes).unwrap());
    let mut members = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        members.push((entry.path().unwrap().to_string_lossy().into_owned(), content));
    }
    change(&mut members);
    let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for (path, content) in &members {
        let mut head = tar::Header::new_ustar();
        head.set_size(content.len() as u64);
        head.set_mode(0o600);
        // As raw bytes: the crate itself refuses a path that climbs.
        let name = path.as_bytes();
        if name.len() <= 100 {
            head.as_old_mut().name[..name.len()].copy_from_slice(name);
            head.set_cksum();
            tar.append(&head, content.as_slice()).unwrap();
        } else {
            tar.append_data(&mut head, path, content.as_slice()).unwrap();
        }
    }
    let body = tar.into_inner().unwrap().finish().unwrap();
    let header = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let mut forged = [&bytes[..header], &body].concat();
    let digest = Digest::of(&forged);
    let label = &bytes[bytes.len() - 61..bytes.len() - 32];
    forged.extend_from_slice(label);
    forged.write_all(&digest.0).unwrap();
    forged
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_whose_members_are_not_what_its_manifest_says_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, _) = packed(&folder, None).await;
    let place = dir.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let taken = async |change: Change<'_>| {
        let archive = write(dir.path(), &forged(&bytes, change));
        restored(&archive, &place.join("new"), None).await
    };
    let whole = taken(&|_| {}).await;
    assert!(whole.is_ok(), "what is put together again unchanged is taken: {whole:?}");
    std::fs::remove_dir_all(place.join("new")).unwrap();
    let at = |members: &[(String, Vec<u8>)], start: &str| {
        members.iter().position(|(path, _)| path.starts_with(start)).unwrap()
    };
    let changes: [(&str, Change<'_>); 8] = [
        ("a blob with other bytes", &|m| {
            let blob = at(m, "blobs");
            m[blob].1[0] ^= 1;
        }),
        ("a blob less", &|m| drop(m.remove(at(m, "blobs")))),
        ("a page of rows less", &|m| drop(m.remove(at(m, "records")))),
        ("a member more", &|m| {
            let page = m[at(m, "records")].1.clone();
            m.insert(1, ("records/77777777".into(), page));
        }),
        ("no manifest", &|m| drop(m.pop())),
        ("nothing that says what it is", &|m| drop(m.remove(0))),
        ("a name that climbs", &|m| m[1].0 = "../../outside".into()),
        ("something behind the manifest", &|m| m.push(("records/88888888".into(), vec![0]))),
    ];
    for (what, change) in changes {
        let refused = taken(change).await.expect_err(what);
        assert_eq!(refused.code(), "backup-damaged", "{what}: {refused}");
        assert_eq!(names(&place), [""; 0], "{what}");
    }
    assert!(!dir.path().join("outside").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_restored_over_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, _) = packed(&folder, None).await;
    let archive = write(dir.path(), &bytes);
    let refused = restored(&archive, folder.path(), None).await.unwrap_err();
    assert_eq!(refused.code(), "backup-folder-not-empty");
    assert_eq!(rows(&folder).await.len(), 20);
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(restored(&archive, &file, None).await.unwrap_err().code(), "store-path-is-file");
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    restored(&archive, &empty, None).await.expect("an empty folder is as good as none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_restoration_left_is_removed_and_one_under_way_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let (bytes, _) = packed(&folder, None).await;
    let archive = write(dir.path(), &bytes);
    let stage = dir.path().join(".new.restoring");
    let under_way = filled(&stage).await;
    let refused = restored(&archive, &dir.path().join("new"), None).await.unwrap_err();
    assert_eq!(refused.code(), "store-in-use");
    drop(under_way);
    restored(&archive, &dir.path().join("new"), None).await.expect("its process is gone");
    assert!(!stage.exists());
    assert_eq!(rows(&DataFolder::open(dir.path().join("new")).unwrap()).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_in_it_only_sealed_and_only_where_a_passphrase_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    folder.keyring(None).unwrap();
    let text = std::fs::read_to_string(folder.keys_path()).unwrap();
    let secret = text.lines().find(|line| !line.starts_with('#')).unwrap();
    let raw: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).unwrap()).collect();
    for words in [None, Some(WORDS)] {
        let (bytes, _) = packed(&folder, words).await;
        let mut body = Vec::new();
        zstd::Decoder::new(bytes.as_slice()).unwrap().read_to_end(&mut body).unwrap();
        let has = |needle: &[u8]| body.windows(needle.len()).any(|window| window == needle);
        for needle in [secret.as_bytes(), raw.as_slice(), WORDS.as_bytes()] {
            assert!(!has(needle) && !bytes.windows(needle.len()).any(|window| window == needle));
        }
        assert_eq!(has(b"visiobook keys 1"), words.is_some());
        let archive = write(dir.path(), &bytes);
        let wrong = restored(&archive, &dir.path().join("wrong"), Some("another passphrase")).await;
        match words {
            Some(_) => assert_eq!(wrong.unwrap_err(), BackupError::PassphraseWrong),
            None => assert_eq!(wrong.unwrap().keys, KeysFound::None),
        }
        assert_eq!(dir.path().join("wrong").exists(), words.is_none());
        let _ = std::fs::remove_dir_all(dir.path().join("wrong"));
    }
    let done = restored(&dir.path().join("b.visiobook"), &dir.path().join("without"), None).await.unwrap();
    assert_eq!(done.keys, KeysFound::LeftSealed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_the_disk_has_changed_is_named_and_makes_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    let folder = filled(&dir.path().join("old")).await;
    let scope = BlobScope { tenant: TenantId(1), project: ProjectId(3) };
    let digest = folder.blobs().put_bytes(scope, Bytes::from_static(b"chapter one")).await.unwrap().digest;
    let objects = folder.path().join("blobs/objects");
    let file = objects.join(scope.tenant.to_string()).join(scope.project.to_string()).join(digest.to_string());
    std::fs::write(file, b"chapter 0ne").unwrap();
    let source =
        Source { records: folder.records(), blobs: folder.blobs(), keys: None, program: "0".into(), now_ms: 1 };
    let runtime = Handle::current();
    let refused = tokio::task::spawn_blocking(move || pack(&source, &runtime, std::io::sink())).await.unwrap();
    assert_eq!(refused, Err(BackupError::Store(StoreError::CorruptBlob { digest })));
    folder.blobs().delete(scope, digest).await.expect("nothing is held any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_back_with_nobody_signed_in() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(dir.path().join("old")).unwrap();
    let mut row = account_row();
    let kept = row.credentials.clone();
    row.credentials.push(Credential::Key(ApiKeyRow {
        key: ApiKeyId(7),
        secret: [9; 32],
        name: "k".into(),
        scopes: KeyScopes::of(&[KeyScope::Read]),
        made_ms: 12,
        used_ms: None,
        ends_ms: u64::MAX,
    }));
    let row = folder.records().account_insert(row, None).await.unwrap().applied().unwrap();
    assert!(!row.sessions.is_empty() && !row.links.is_empty());
    let access = folder.records().access_update(access_row(), 0).await.unwrap().applied().unwrap();
    assert!(!access.invitations.is_empty() && !access.links.is_empty() && !access.members.is_empty());
    let (bytes, _) = packed(&folder, None).await;
    let new = dir.path().join("new");
    restored(&write(dir.path(), &bytes), &new, None).await.unwrap();
    let new = DataFolder::open(&new).unwrap();
    let who = new.records().access_get(access.project).await.unwrap();
    assert_eq!(who, Some(AccessRow { invitations: vec![], links: vec![], ..access }), "members stay");
    let again = new.records().account_get(row.account).await.unwrap();
    assert_eq!(again, Some(AccountRow { sessions: vec![], links: vec![], credentials: kept, ..row }));
}
