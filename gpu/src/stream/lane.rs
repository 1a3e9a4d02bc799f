//! A lane's thread: takes batches off the pile until there are none.

use std::time::{Duration, Instant};

use half::f16;

use super::Watch;
use super::pile::{Batch, Pile, Said};
use crate::encoder::{Answers, Ask};
use crate::error::EncodeError;
use crate::lanes::Lane;

/// What a lane did.
#[derive(Default)]
pub(super) struct Served {
    pub(super) batches: usize,
    pub(super) split: usize,
    /// Tokens that were there, and that were computed.
    pub(super) tokens: usize,
    pub(super) computed_tokens: usize,
    pub(super) busy: Duration,
    /// Between the end of a batch and the start of the next.
    pub(super) gaps: Duration,
}

pub(super) fn serve<E>(pile: &Pile<E>, lane: &mut Lane, ask: &Ask) -> Served {
    let _watch = Watch(pile);
    let mut served = Served::default();
    let mut idle_since = None::<Instant>;
    let mut broken = None;
    while let Some(batch) = pile.take_batch(&lane.cells) {
        if let Some(since) = idle_since {
            served.gaps += since.elapsed();
        }
        // Last in, first out: a batch in halves is done before anything else is begun.
        let mut todo = vec![batch];
        while let Some(mut batch) = todo.pop() {
            // Its other half may have told that it does not fit either.
            let beyond = batch.split_off(lane.cells.inputs(batch.longest()).min(batch.keys.len()));
            todo.extend(Some(beyond).filter(|beyond| !beyond.keys.is_empty()));
            match &broken {
                None => broken = run(pile, lane, ask, batch, &mut todo, &mut served),
                Some(error) => batch.keys.iter().for_each(|key| pile.put_failure(*key, EncodeError::clone(error))),
            }
        }
        idle_since = Some(Instant::now());
    }
    served
}

/// Runs a batch, and puts what is still to be run of it on `todo`; the error if it broke the encoder.
fn run<E>(
    pile: &Pile<E>,
    lane: &mut Lane,
    ask: &Ask,
    mut batch: Batch,
    todo: &mut Vec<Batch>,
    served: &mut Served,
) -> Option<EncodeError> {
    let tokens = batch.inputs.iter().map(|input| input.tokens.len()).sum::<usize>();
    let longest = batch.longest();
    let padded_tokens = longest * batch.keys.len();
    let began = Instant::now();
    let result = lane.encoder.run(&batch.inputs, ask);
    served.busy += began.elapsed();
    served.batches += 1;
    match result {
        Ok(answers) => {
            served.tokens += tokens;
            served.computed_tokens += if lane.encoder.packs() { tokens } else { padded_tokens };
            for (index, key) in batch.keys.iter().enumerate() {
                match said(&answers, index) {
                    Some(said) => pile.put_answer(*key, said),
                    None => pile.put_failure(*key, nothing_said(index)),
                }
            }
            return None;
        }
        Err(EncodeError::OutOfMemory { .. }) if batch.keys.len() > 1 => {
            lane.cells.halve(longest, padded_tokens);
            served.split += 1;
            let second = batch.split_off(batch.keys.len() / 2);
            todo.extend([second, batch]);
        }
        Err(EncodeError::BadInput { index, reason }) if index < batch.keys.len() => {
            let mut bad = batch.split_off(index);
            let rest = bad.split_off(1);
            bad.keys.iter().for_each(|key| {
                pile.put_failure(*key, EncodeError::BadInput { index: 0, reason: reason.clone() });
            });
            todo.extend([rest, batch].into_iter().filter(|batch| !batch.keys.is_empty()));
        }
        Err(error) => {
            batch.keys.iter().for_each(|key| pile.put_failure(*key, error.clone()));
            return matches!(error, EncodeError::Broken { .. }).then_some(error);
        }
    }
    None
}

fn nothing_said(index: usize) -> EncodeError {
    EncodeError::BadInput { index, reason: "the encoder gave no answer for it".into() }
}

/// What was answered for one input.
fn said(answers: &Answers, index: usize) -> Option<Said> {
    let vector = answers.vectors.get(index).map(|encoded| &encoded.passage[..]).unwrap_or_default();
    let vector = vector.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect();
    let scores = answers.scores.iter().map(|scores| scores.of(index).next().map(<[f32]>::to_vec));
    Some(Said { vector, scores: scores.collect::<Option<_>>()? })
}
