//! The whole job with the real model: killed and resumed, its vectors agree and its story is the same.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{FRENCH, Running, check_evidence, model, results, sample, succeed, wait_for_line};
use domain::book::Book;
use domain::id::{Digest, ItemId};
use domain::manifest::{BLOB_CONFIG, Manifest, Segment};
use domain::passage::Encoded;
use domain::principal::Principal;
use store::{BlobScope, DataFolder};

fn analyze(model: &Path, book: &Path, out: &Path) -> Command {
    let mut command = common::analyze(book, out);
    command.env("VISIOBOOK__MODEL__PATH", model);
    command
}

struct Kept {
    book: Book,
    manifest: Manifest,
    encoded: HashMap<ItemId, Encoded>,
}

/// What the one run below `out` has stored.
async fn kept(out: &Path) -> Kept {
    let data = DataFolder::open(out.join(".visiobook")).unwrap();
    let (records, blobs) = (data.records(), data.blobs());
    let project = records.project_list(Principal::NODE.tenant, 1).await.unwrap().remove(0);
    let scope = BlobScope { tenant: project.tenant, project: project.project };
    let get = |digest: Digest| {
        let blobs = blobs.clone();
        async move { blobs.get(scope, digest, 1 << 30).await.unwrap() }
    };
    let run = records.run_get(project.run.unwrap()).await.unwrap().unwrap();
    let (manifest, _): (Manifest, usize) =
        bincode::decode_from_slice(&get(run.manifest.unwrap()).await, BLOB_CONFIG).unwrap();
    let (book, _): (Book, usize) = bincode::decode_from_slice(&get(manifest.book).await, BLOB_CONFIG).unwrap();
    let mut encoded = HashMap::new();
    for row in records.segments(run.run).await.unwrap() {
        let (segment, _): (Segment, usize) =
            bincode::decode_from_slice(&get(row.segment.digest).await, BLOB_CONFIG).unwrap();
        encoded.extend(segment.items);
    }
    Kept { book, manifest, encoded }
}

/// The smallest cosine between the vectors of two results, passage and sentences.
fn least_cosine(a: &Encoded, b: &Encoded) -> f32 {
    let float = |bits: &u16| half_to_f32(*bits);
    let dim = a.passage.len();
    let all = |e: &Encoded| -> Vec<f32> { e.passage.iter().chain(&e.sentences).map(float).collect() };
    let (a, b) = (all(a), all(b));
    assert_eq!(a.len(), b.len());
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let cosine = |x: &[f32], y: &[f32]| dot(x, y) / (dot(x, x) * dot(y, y)).sqrt();
    a.chunks(dim).zip(b.chunks(dim)).map(|(x, y)| cosine(x, y)).fold(1.0, f32::min)
}

/// IEEE half to single precision, by the definition of the format.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_resumed_the_vectors_agree_and_the_story_replays_to_the_byte() {
    let Some(model) = model() else { return };
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let book = sample(FRENCH);
    succeed(&mut analyze(&model, &book, whole.path()));
    check_evidence(&book, &results(whole.path()));

    let mut command = analyze(&model, &book, killed.path());
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1").arg("--json");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pipe = child.stdout.take().unwrap();
    let running = Running(child);
    wait_for_line(pipe, |line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (done, total) = (line["passages_done"].as_u64().unwrap(), line["passages_total"].as_u64().unwrap());
        total > 0 && done * 2 >= total
    });
    running.kill();
    let before = kept(killed.path()).await.encoded;
    succeed(&mut analyze(&model, &book, killed.path()));

    let (whole_run, resumed) = (kept(whole.path()).await, kept(killed.path()).await);
    assert!(before.iter().all(|(item, encoded)| resumed.encoded[item] == *encoded), "kept results were done anew");
    assert_eq!(whole_run.encoded.len(), resumed.encoded.len());
    for (item, encoded) in &whole_run.encoded {
        let cosine = least_cosine(encoded, &resumed.encoded[item]);
        assert!(cosine >= 0.999, "{item:?}: {cosine}");
    }
    for (out, run) in [(&whole, &whole_run), (&killed, &resumed)] {
        let vectors = story::SentenceVectors::from_segments(&run.book, &run.manifest, &run.encoded).unwrap();
        let board = story::compose(&run.book, &vectors, &story::Settings::default()).unwrap();
        assert_eq!(serde_json::to_vec(&board).unwrap(), results(out.path()).json);
    }
}
