//! What a run takes over from the one that it repeats: where revision, passages and model are the same, so are the
//! items, and an item that was computed once is not computed again.
//!
//! Segments are taken over in order and the manifest last, so that a coordinator that comes after a crash finds the
//! run either not read, with the first few segments named, or read.

use domain::id::RunId;
use domain::manifest::{Manifest, PIPELINE_VERSION};
use domain::run::{Progress, RunState, Stage};
use store::rows::{BATCH_MAX, RunRow, SegmentRow};

use super::row::OwnedRun;
use super::{Halt, RunContext, RunName};
use crate::model::ReadingModel;

/// Segments named in one update; its event takes a place too.
const SEGMENTS_AT_ONCE: usize = BATCH_MAX - 1;

/// Takes over manifest and segments of the run that this one repeats; `None` where there is nothing to take over.
pub(super) async fn inherit(
    context: &RunContext,
    name: RunName,
    run: &mut OwnedRun,
    model: &ReadingModel,
) -> Result<Option<Manifest>, Halt> {
    let found = match run.row().of {
        Some(of) => legacy(context, name, run.row(), of, model).await?,
        None => None,
    };
    let Some(legacy) = found else {
        return match run.row().segments {
            0 => Ok(None),
            // Half taken over, and by now not to be had: what is named can't be unnamed.
            _ => Err(super::reading::outdated("model, profile or version of the program")),
        };
    };
    let named = run.row().segments as usize;
    let rest: Vec<_> = legacy.segments.into_iter().skip(named).map(|row| row.segment).collect();
    let mut chunks: Vec<_> = rest.chunks(SEGMENTS_AT_ONCE).map(<[_]>::to_vec).collect();
    let last = chunks.pop().unwrap_or_default();
    for chunk in chunks {
        run.update(|_| {}, chunk).await?;
    }
    let (from, progress) = (legacy.row, Progress { tokens_per_s: 0, ..legacy.row_progress });
    let change = |row: &mut RunRow| {
        row.manifest = from.manifest;
        row.warnings.clone_from(&from.warnings);
        row.progress = progress;
        row.state = RunState::Working { stage: Stage::Understanding };
    };
    run.update(change, last).await?;
    tracing::info!(passages = progress.passages_done, "results of an earlier run taken over");
    Ok(Some(legacy.manifest))
}

/// What can be taken over.
struct Legacy {
    row: RunRow,
    row_progress: Progress,
    manifest: Manifest,
    segments: Vec<SegmentRow>,
}

async fn legacy(
    context: &RunContext,
    name: RunName,
    row: &RunRow,
    of: RunId,
    model: &ReadingModel,
) -> Result<Option<Legacy>, Halt> {
    let Some(from) = context.records.run_get(of).await? else { return Ok(None) };
    let is_same_work = from.project == name.scope.project
        && from.state.is_final()
        && from.revision == row.revision
        && from.settings.passage_tokens == row.settings.passage_tokens;
    let Some(digest) = from.manifest.filter(|_| is_same_work) else { return Ok(None) };
    let manifest: Manifest = context.get(name.scope, digest).await?;
    let is_same_model = manifest.pipeline == PIPELINE_VERSION
        && manifest.model == model.reference.digest
        && manifest.profile == model.reference.profile;
    if !is_same_model {
        return Ok(None);
    }
    let segments = context.records.segments(of).await?;
    Ok(Some(Legacy { row_progress: from.progress, row: from, manifest, segments }))
}
