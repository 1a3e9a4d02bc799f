//! The reading stage: a file becomes a book, a manifest and the inputs of its items.

use std::sync::Arc;

use cluster::body::Fault;
use domain::book::Book;
use domain::id::Digest;
use domain::manifest::{BLOB_CONFIG, Manifest, ManifestPassage, PIPELINE_VERSION, item_id};
use domain::passage::{Passage, PassageInput};
use domain::run::{Progress, RunState, Stage};

use super::row::OwnedRun;
use super::{Halt, RunContext, RunName, heavy, inheriting, permit};
use crate::model::{ReadingModel, loaded};
use crate::storage::blob_scope;

/// Reads the book, unless the row names a manifest already: then that one holds, whatever this version
/// would make of the file.
pub async fn read(context: &Arc<RunContext>, name: RunName, run: &mut OwnedRun) -> Result<Manifest, Halt> {
    if let Some(digest) = run.row().manifest {
        return resumed(context, name, digest).await;
    }
    let reading = RunState::Working { stage: Stage::Reading };
    if run.row().state != reading {
        run.move_to(reading).await?;
    }
    let project = context.records.project_get(name.scope.tenant, name.scope.project).await?.ok_or(Halt::Lost)?;
    let model = loaded(&context.model).await.map_err(unless_stopping)?;
    if let Some(manifest) = inheriting::inherit(context, name, run, &model).await? {
        return Ok(manifest);
    }
    let (revision, settings) = (run.row().revision, run.row().settings);
    let Some(file) = project.revision_of(revision).cloned() else {
        return Err(Halt::Fail(Fault::new("revision-not-found", "the revision of this run is gone")));
    };
    let permit = permit(context).await?;
    let bytes = context.blobs.get(blob_scope(name.scope), file.digest, context.limits.file_bytes).await?;
    let limits = context.limits.clone();
    let work = move || prepare(&file.file_name, &bytes, &limits, &model, settings.passage_tokens);
    let prepared = heavy(permit, work).await?.map_err(Halt::Fail)?;

    let book = context.put(name.scope, &prepared.book).await?;
    let inputs = context.put_bytes(name.scope, prepared.inputs).await?;
    let manifest = Manifest { book, inputs, ..prepared.manifest };
    let digest = context.put(name.scope, &manifest).await?;
    store::failpoint::pass("a run's manifest is stored");
    let total = Progress {
        passages_total: manifest.passages.len() as u32,
        tokens_total: manifest.passages.iter().map(|p| u64::from(p.tokens)).sum(),
        ..Progress::default()
    };
    let warnings = prepared.book.warnings;
    let change = |row: &mut store::rows::RunRow| {
        row.manifest = Some(digest);
        row.progress = total;
        row.warnings.clone_from(&warnings);
        row.state = RunState::Working { stage: Stage::Understanding };
    };
    run.update(change, Vec::new()).await?;
    tracing::info!(passages = total.passages_total, tokens = total.tokens_total, "book read");
    Ok(manifest)
}

/// A run that was not begun fails for want of a model, and says so.
fn unless_stopping(fault: Fault) -> Halt {
    if fault.code == "stopping" { Halt::Later(fault) } else { Halt::Fail(fault) }
}

/// A manifest that an earlier coordinator made. A node that can't go on from it leaves the run as it is:
/// what is done is kept for a start that has what the run was begun with.
async fn resumed(context: &Arc<RunContext>, name: RunName, digest: Digest) -> Result<Manifest, Halt> {
    let manifest: Manifest = context.get(name.scope, digest).await?;
    let model = loaded(&context.model).await.map_err(Halt::Later)?;
    if manifest.pipeline != PIPELINE_VERSION {
        return Err(outdated("version of the program"));
    }
    if manifest.model != model.reference.digest || manifest.profile != model.reference.profile {
        return Err(outdated("model or numeric profile"));
    }
    Ok(manifest)
}

/// Why a run that was begun elsewhere does not go on here.
pub(super) fn outdated(what: &str) -> Halt {
    let detail = format!("this run was begun with another {what}: start that one, or cancel and analyse again");
    Halt::Later(Fault::new("run-outdated", detail))
}

/// A book that was read and cut. The digests of its blobs are not known yet.
pub(crate) struct Prepared {
    pub(crate) book: Book,
    pub(crate) manifest: Manifest,
    pub(crate) inputs: Vec<u8>,
}

/// Reads, tokenizes and cuts. Pure but for the tokenizer.
fn prepare(
    name: &str,
    bytes: &[u8],
    limits: &book::Limits,
    model: &ReadingModel,
    passage_tokens: u32,
) -> Result<Prepared, Fault> {
    let book = book::read(name, bytes, limits).map_err(|e| Fault::new(e.code(), e.to_string()))?;
    cut(book, model, passage_tokens)
}

/// Tokenizes a book and cuts it into passages.
pub(crate) fn cut(book: Book, model: &ReadingModel, passage_tokens: u32) -> Result<Prepared, Fault> {
    let mut inputs = Vec::new();
    let mut passages = Vec::new();
    let most = model.tokenizer.max_tokens().min(passage_tokens as usize);
    let max_tokens = most.saturating_sub(model.tokenizer.overhead_tokens()) as u32;
    for chapter in &book.chapters {
        let texts: Vec<&str> = (0..chapter.sentences.len()).map(|i| chapter.sentence(i)).collect();
        let tokens = model.tokenizer.encode_batch(&texts).map_err(|e| Fault::new(e.code(), e.to_string()))?;
        let counts: Vec<u32> = tokens.iter().map(|t| t.len() as u32).collect();
        for passage in book::windows(chapter, &counts, max_tokens) {
            let input = model.tokenizer.passage_input(&spans(&passage, &tokens));
            passages.push(place(&mut inputs, model, passage, &input)?);
        }
    }
    let manifest = Manifest {
        pipeline: PIPELINE_VERSION,
        profile: model.reference.profile,
        model: model.reference.digest,
        // Both are known once the blobs are stored.
        book: Digest([0; 32]),
        inputs: Digest([0; 32]),
        passages,
    };
    Ok(Prepared { book, manifest, inputs })
}

fn spans<'a>(passage: &Passage, tokens: &'a [Vec<u32>]) -> Vec<&'a [u32]> {
    let of =
        |s: &domain::passage::SentenceSpan| &tokens[s.sentence as usize][s.token_start as usize..s.token_end as usize];
    passage.spans.iter().map(of).collect()
}

/// Appends a passage's input to the blob, and says where it lies.
fn place(
    inputs: &mut Vec<u8>,
    model: &ReadingModel,
    passage: Passage,
    input: &PassageInput,
) -> Result<ManifestPassage, Fault> {
    let record = bincode::encode_to_vec(input, BLOB_CONFIG)
        .map_err(|e| Fault::new("internal", format!("an input could not be encoded: {e}")))?;
    let (offset, len) = (inputs.len() as u64, record.len() as u32);
    let item = item_id(model.reference.digest, model.reference.profile, &record);
    inputs.extend_from_slice(&record);
    Ok(ManifestPassage { item, passage, tokens: input.tokens.len() as u32, offset, len })
}
