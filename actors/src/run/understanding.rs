//! The understanding stage: items to the scheduler, results into segments.
//!
//! What is outstanding is bounded; what is finished is written in segments, each named by the run's row in
//! one compare-and-set. A result counts when that has happened and not before, so a crash costs at most
//! the batches in flight and the segment that is open.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cluster::body::runs::{
    CancelItems, ItemClass, ItemMarks, ItemsDone, ItemsFailed, ItemsMarked, MAX_SUBMIT_ITEMS, ModelRef, SubmitItems,
    SubmitMarked, SubmitReply, SubmittedItem,
};
use cluster::body::{Fault, Payload};
use cluster::link::CallContext;
use domain::id::{Digest, ItemId};
use domain::manifest::{Manifest, Segment};
use domain::passage::Encoded;
use domain::run::{Progress, RunState, Stage};
use store::StoreError;
use store::rows::NewSegment;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::coordinator::Arrival;
use super::row::OwnedRun;
use super::{Halt, RunContext, RunName, decode};
use crate::storage::blob_scope;

/// Items that may be queued or running at a time.
pub const MAX_OUTSTANDING: usize = 1_024;
/// A segment is written when it holds this many items ...
const SEGMENT_ITEMS: usize = 256;
/// ... or is open for this long.
const SEGMENT_AGE: Duration = Duration::from_millis(400);
/// How long the scheduler may take to say whether it takes items.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(5);
/// Without any result for this long, what is outstanding is handed in again: the scheduler ignores what
/// it has, and takes what it lost.
const RESUBMIT_AFTER: Duration = Duration::from_secs(5);
/// Speed is told over about this many of the last seconds.
const SPEED_WINDOW: Duration = Duration::from_secs(8);

/// Encodes whatever no named segment holds yet.
pub async fn understand(
    context: &Arc<RunContext>,
    name: RunName,
    run: &mut OwnedRun,
    manifest: &Manifest,
    inbox: &mut mpsc::Receiver<Arrival>,
) -> Result<(), Halt> {
    let done = finished_items(context, name).await?;
    let mut work = Work::new(manifest, &done);
    if work.is_done() {
        return Ok(());
    }
    if run.row().state != (RunState::Working { stage: Stage::Understanding }) {
        run.move_to(RunState::Working { stage: Stage::Understanding }).await?;
    }
    let mut speed = Speed::default();
    let mut heard = Instant::now();
    while !work.is_done() {
        let mut wait = work.submit(context, name, run, manifest).await?;
        if let Some(opened) = work.opened {
            wait = wait.min(opened + SEGMENT_AGE);
        }
        tokio::select! {
            arrival = inbox.recv() => {
                heard = Instant::now();
                match arrival {
                    Some(Arrival::Done(results)) => work.take(context, name, results).await?,
                    Some(Arrival::Failed(failed)) => work.give_up(&failed)?,
                    Some(Arrival::Marked(marked)) => work.mark(marked),
                    Some(Arrival::LeaderBegan) => work.start_over(),
                    None => return Err(Halt::Lost),
                }
            }
            () = sleep_until(wait) => {}
            () = run.lease().lost() => return Err(Halt::Lost),
        }
        if work.segment_is_due() {
            work.write_segment(context, name, run, &mut speed).await?;
        }
        if heard.elapsed() > RESUBMIT_AFTER {
            heard = Instant::now();
            work.hand_in_again("no result for a while");
        }
    }
    Ok(())
}

/// Tells the scheduler to forget whatever it still holds of a run.
pub fn forget(context: &RunContext, name: RunName, run: &OwnedRun) {
    let run_term = run.lease().term();
    context.scheduler.cast(CancelItems { run: name.run, run_term }, run_term);
}

/// Items of all named segments.
async fn finished_items(context: &RunContext, name: RunName) -> Result<HashSet<ItemId>, Halt> {
    let mut items = HashSet::new();
    for row in context.records.segments(name.run).await? {
        let segment: Segment = context.get(name.scope, row.segment.digest).await?;
        items.extend(segment.items.into_iter().map(|(item, _)| item));
    }
    Ok(items)
}

#[derive(Clone, Copy)]
struct ItemWork {
    tokens: u32,
    offset: u64,
    len: u32,
    /// Passages whose input is this item's: more than one where a book repeats itself.
    passages: u32,
}

/// What is still to be done, what is outstanding, and what waits to be written.
struct Work {
    items: HashMap<ItemId, ItemWork>,
    waiting: VecDeque<ItemId>,
    outstanding: HashSet<ItemId>,
    /// What went wrong with items so far, for whoever schedules them next.
    marks: HashMap<ItemId, ItemMarks>,
    open: Segment,
    opened: Option<Instant>,
    /// Blobs of results, of no use once their segment is named.
    transient: Vec<Digest>,
    /// When the scheduler may be asked again after it said that it is full.
    not_before: Instant,
}

impl Work {
    fn new(manifest: &Manifest, done: &HashSet<ItemId>) -> Self {
        let mut items: HashMap<ItemId, ItemWork> = HashMap::new();
        let mut waiting = VecDeque::new();
        for p in manifest.passages.iter().filter(|p| !done.contains(&p.item)) {
            let work = ItemWork { tokens: p.tokens, offset: p.offset, len: p.len, passages: 0 };
            let entry = items.entry(p.item).or_insert_with(|| {
                waiting.push_back(p.item);
                work
            });
            entry.passages += 1;
        }
        Self {
            items,
            waiting,
            outstanding: HashSet::new(),
            marks: HashMap::new(),
            open: Segment::default(),
            opened: None,
            transient: Vec::new(),
            not_before: Instant::now(),
        }
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.outstanding.is_empty() && self.open.items.is_empty()
    }

    /// Hands in as much as may be outstanding; says when to look again.
    async fn submit(
        &mut self,
        context: &RunContext,
        name: RunName,
        run: &OwnedRun,
        manifest: &Manifest,
    ) -> Result<Instant, Halt> {
        // A page at a time, and only when there is room for a good part of one: few messages, always work.
        let room = |work: &Self| MAX_OUTSTANDING - work.outstanding.len();
        while !self.waiting.is_empty()
            && room(self) >= MAX_SUBMIT_ITEMS.min(self.waiting.len())
            && Instant::now() >= self.not_before
        {
            let page: Vec<ItemId> = self.waiting.iter().take(MAX_SUBMIT_ITEMS.min(room(self))).copied().collect();
            match self.hand_in(context, name, run, manifest, &page).await {
                Ok(SubmitReply::Taken) => {
                    self.waiting.drain(..page.len());
                    self.outstanding.extend(page);
                }
                Ok(SubmitReply::Full { retry_after_ms }) => {
                    self.not_before = Instant::now() + Duration::from_millis(u64::from(retry_after_ms.max(10)));
                }
                Ok(SubmitReply::StepDown) => return Err(Halt::Lost),
                Err(fault) => {
                    tracing::warn!(%fault, "the scheduler can't be reached");
                    self.not_before = Instant::now() + Duration::from_secs(1);
                }
            }
        }
        let idle = Instant::now() + RESUBMIT_AFTER;
        Ok(if self.not_before > Instant::now() { self.not_before.min(idle) } else { idle })
    }

    async fn hand_in(
        &self,
        context: &RunContext,
        name: RunName,
        run: &OwnedRun,
        manifest: &Manifest,
        page: &[ItemId],
    ) -> Result<SubmitReply, Fault> {
        let run_term = run.lease().term();
        let of = |item: &ItemId| {
            let work = self.items[item];
            SubmittedItem { item: *item, tokens: work.tokens, offset: work.offset, len: work.len }
        };
        let submit = SubmitItems {
            run: name.run,
            run_term,
            core: context.core,
            class: ItemClass::Bulk,
            deadline_in_ms: None,
            scope: name.scope,
            inputs: manifest.inputs,
            model: ModelRef { digest: manifest.model, profile: manifest.profile },
            items: page.iter().map(of).collect(),
        };
        let within = CallContext { term: run_term, ..CallContext::within(SUBMIT_DEADLINE) };
        let marks: Vec<ItemMarks> = page.iter().filter_map(|item| self.marks.get(item)).copied().collect();
        match marks.is_empty() {
            true => context.scheduler.call(submit, within).await,
            false => context.scheduler.call(SubmitMarked { submit, marks }, within).await,
        }
    }

    fn mark(&mut self, marked: ItemsMarked) {
        for mark in marked.marks.into_iter().filter(|mark| self.items.contains_key(&mark.item)) {
            self.marks.insert(mark.item, mark);
        }
    }

    /// Another scheduler leads: it is told of everything that is outstanding, at once.
    fn start_over(&mut self) {
        self.hand_in_again("another scheduler leads");
        self.not_before = Instant::now();
    }

    /// Puts what is outstanding back in the line; the scheduler ignores what it already has.
    fn hand_in_again(&mut self, why: &str) {
        if !self.outstanding.is_empty() {
            tracing::info!(items = self.outstanding.len(), why, "handing in again");
        }
        let mut again: Vec<ItemId> = self.outstanding.drain().collect();
        again.sort_unstable_by_key(|item| self.items[item].offset);
        for item in again.into_iter().rev() {
            self.waiting.push_front(item);
        }
    }

    /// Takes results into the open segment. What is not outstanding has been taken before.
    async fn take(&mut self, context: &RunContext, name: RunName, results: ItemsDone) -> Result<(), Halt> {
        let bytes = match results.results {
            Payload::Inline(bytes) => bytes,
            Payload::Bulk(digest) => {
                let blob = match context.blobs.get(blob_scope(name.scope), digest, super::MAX_OWN_BLOB_BYTES).await {
                    // Said twice, and taken into a segment the first time.
                    Err(StoreError::BlobMissing { .. }) => return Ok(()),
                    blob => blob?,
                };
                self.transient.push(digest);
                blob.to_vec()
            }
        };
        let segment: Segment = decode(&bytes)?;
        for (item, encoded) in segment.items {
            self.marks.remove(&item);
            if self.outstanding.remove(&item) {
                self.add(item, encoded);
            } else if let Some(at) = self.waiting.iter().position(|waiting| *waiting == item) {
                // It was put back in the line meanwhile, but its result did come.
                self.waiting.remove(at);
                self.add(item, encoded);
            }
        }
        Ok(())
    }

    fn add(&mut self, item: ItemId, encoded: Encoded) {
        self.opened.get_or_insert_with(Instant::now);
        self.open.items.push((item, encoded));
    }

    fn give_up(&mut self, failed: &ItemsFailed) -> Result<(), Halt> {
        match failed.items.iter().any(|item| self.outstanding.contains(item)) {
            true => Err(Halt::Fail(Fault::new(&failed.code, failed.detail.clone()))),
            false => Ok(()),
        }
    }

    fn segment_is_due(&self) -> bool {
        let last = self.waiting.is_empty() && self.outstanding.is_empty();
        let old = self.opened.is_some_and(|opened| opened.elapsed() >= SEGMENT_AGE);
        !self.open.items.is_empty() && (last || old || self.open.items.len() >= SEGMENT_ITEMS)
    }

    /// Writes the open segment, then names it.
    async fn write_segment(
        &mut self,
        context: &RunContext,
        name: RunName,
        run: &mut OwnedRun,
        speed: &mut Speed,
    ) -> Result<(), Halt> {
        let segment = std::mem::take(&mut self.open);
        self.opened = None;
        let of = |item: &ItemId| self.items[item];
        let passages: u32 = segment.items.iter().map(|(item, _)| of(item).passages).sum();
        let tokens: u64 = segment.items.iter().map(|(item, _)| u64::from(of(item).tokens)).sum();
        let repeated: u64 =
            segment.items.iter().map(|(item, _)| u64::from(of(item).tokens) * u64::from(of(item).passages)).sum();
        let digest = context.put(name.scope, &segment).await?;
        store::failpoint::pass("a run's segment is stored");
        let tokens_per_s = speed.after(tokens);
        let new = NewSegment { digest, items: segment.items.len() as u32, tokens };
        let change = |row: &mut store::rows::RunRow| {
            row.progress = Progress {
                passages_done: row.progress.passages_done + passages,
                tokens_done: row.progress.tokens_done + repeated,
                tokens_per_s,
                ..row.progress
            };
        };
        run.update(change, vec![new]).await?;
        for digest in self.transient.drain(..) {
            // Left behind at worst until the project goes.
            if let Err(error) = context.blobs.delete(blob_scope(name.scope), digest).await {
                tracing::debug!(%error, "a transient blob was left");
            }
        }
        Ok(())
    }
}

/// Tokens a second over the last seconds.
struct Speed {
    points: VecDeque<(Instant, u64)>,
    total: u64,
}

impl Default for Speed {
    fn default() -> Self {
        Self { points: VecDeque::from([(Instant::now(), 0)]), total: 0 }
    }
}

impl Speed {
    fn after(&mut self, tokens: u64) -> u32 {
        let now = Instant::now();
        self.total += tokens;
        self.points.push_back((now, self.total));
        while self.points.len() > 2 && now - self.points[0].0 > SPEED_WINDOW {
            self.points.pop_front();
        }
        let (since, before) = self.points[0];
        let seconds = (now - since).as_secs_f64().max(1e-3);
        ((self.total - before) as f64 / seconds) as u32
    }
}
