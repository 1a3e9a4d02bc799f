//! What is under way in a stream, behind one lock: lines, inputs that wait, parts of texts, answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use domain::passage::PassageInput;

use super::{Limits, StreamError, TextAnswer};
use crate::cells::Cells;
use crate::error::EncodeError;

/// Texts that were read and not yet tokenized.
const READ_AHEAD: usize = 1_024;

/// Names one input of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    place: usize,
    part: usize,
}

/// Inputs that run together.
pub(super) struct Batch {
    pub(super) keys: Vec<Key>,
    pub(super) inputs: Vec<PassageInput>,
}

impl Batch {
    /// The inputs from `at` on, which leave it.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { keys: self.keys.split_off(at), inputs: self.inputs.split_off(at) }
    }

    /// Tokens of its longest input.
    pub(super) fn longest(&self) -> usize {
        self.inputs.iter().map(|input| input.tokens.len()).max().unwrap_or(0)
    }
}

type Row = (Key, PassageInput);

/// What an encoder said of one input.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) vector: Vec<f32>,
    pub(super) scores: Vec<Vec<f32>>,
}

/// Everything that the threads of a stream share.
pub(super) struct Pile<E> {
    limits: Limits,
    state: Mutex<State<E>>,
    changed: Condvar,
}

struct State<E> {
    lines: VecDeque<Result<String, E>>,
    no_more_texts: bool,
    no_more_inputs: bool,
    stopped: bool,
    /// A thread panicked, so that the end is none.
    lost: bool,
    /// Texts that were given a place.
    placed: usize,
    /// Tokens of the texts that were placed and not yet emitted.
    tokens: usize,
    /// Inputs of the window that lanes work off, by length, longest last.
    window: Vec<Row>,
    /// Inputs of the window that forms.
    forming: Vec<Row>,
    /// Texts some of whose inputs are to be answered.
    open: BTreeMap<usize, Open>,
    done: BTreeMap<usize, Result<TextAnswer, StreamError<E>>>,
}

struct Open {
    missing: usize,
    /// Each part's tokens, and what was said of it.
    parts: Vec<(usize, Said)>,
}

impl<E> Pile<E> {
    pub(super) fn new(limits: Limits) -> Self {
        let state = State {
            lines: VecDeque::new(),
            no_more_texts: false,
            no_more_inputs: false,
            stopped: false,
            lost: false,
            placed: 0,
            tokens: 0,
            window: Vec::new(),
            forming: Vec::new(),
            open: BTreeMap::new(),
            done: BTreeMap::new(),
        };
        Self { limits, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` holds or the stream was stopped.
    fn wait(&self, ready: impl Fn(&State<E>) -> bool) -> MutexGuard<'_, State<E>> {
        let waits = |state: &mut State<E>| !state.stopped && !ready(state);
        self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every wait: nothing is wanted any more.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    /// Ends every wait, because a thread panicked.
    pub(super) fn lose(&self) {
        self.state().lost = true;
        self.stop();
    }

    /// A thread panicked.
    pub(super) fn is_lost(&self) -> bool {
        self.state().lost
    }

    /// False: nobody wants it.
    pub(super) fn put_text(&self, text: Result<String, E>) -> bool {
        let mut state = self.wait(|state| state.lines.len() < READ_AHEAD);
        state.lines.push_back(text);
        self.changed.notify_all();
        !state.stopped
    }

    pub(super) fn no_more_texts(&self) {
        self.state().no_more_texts = true;
        self.changed.notify_all();
    }

    /// Texts that are there, at least one and at most `most`, and the error that came instead of the next.
    pub(super) fn take_texts(&self, most: usize) -> Option<(Vec<String>, Option<E>)> {
        let mut state = self.wait(|state| !state.lines.is_empty() || state.no_more_texts);
        if state.stopped {
            return None;
        }
        let (mut good, mut bad) = (Vec::new(), None);
        while good.len() < most
            && bad.is_none()
            && let Some(line) = state.lines.pop_front()
        {
            match line {
                Ok(text) => good.push(text),
                Err(error) => bad = Some(error),
            }
        }
        self.changed.notify_all();
        (!good.is_empty() || bad.is_some()).then_some((good, bad))
    }

    /// The inputs of the next text, once there is room for them. False: nobody wants them.
    pub(super) fn put_inputs(&self, inputs: Vec<PassageInput>) -> bool {
        let tokens: usize = inputs.iter().map(|input| input.tokens.len()).sum();
        // A text longer than all that may be under way goes alone.
        let fits = |state: &State<E>| {
            let under_way = state.open.len() + state.done.len();
            under_way == 0 || under_way < self.limits.texts && state.tokens + tokens <= self.limits.tokens
        };
        let mut state = self.wait(fits);
        let place = state.placed;
        state.placed += 1;
        state.tokens += tokens;
        let parts = inputs.iter().map(|input| (input.tokens.len(), Said::default())).collect();
        state.open.insert(place, Open { missing: inputs.len(), parts });
        state.forming.extend(inputs.into_iter().enumerate().map(|(part, input)| (Key { place, part }, input)));
        self.changed.notify_all();
        !state.stopped
    }

    /// An error in place of the next text; nothing comes after it.
    pub(super) fn put_error(&self, error: StreamError<E>) {
        let mut state = self.state();
        let place = state.placed;
        state.done.insert(place, Err(error));
        state.no_more_inputs = true;
        self.changed.notify_all();
    }

    pub(super) fn no_more_inputs(&self) {
        self.state().no_more_inputs = true;
        self.changed.notify_all();
    }

    /// The next batch for a lane of these cells: inputs of like length, longest first. `None` when none will come.
    pub(super) fn take_batch(&self, cells: &Cells) -> Option<Batch> {
        let there = |state: &State<E>| !state.window.is_empty() || !state.forming.is_empty();
        let mut state = self.wait(|state| there(state) || state.no_more_inputs);
        if state.stopped || !there(&state) {
            return None;
        }
        if state.window.is_empty() {
            state.window = std::mem::take(&mut state.forming);
            // By place within a length, so that what is waited for goes first.
            state.window.sort_by_key(|(key, input)| (input.tokens.len(), std::cmp::Reverse(key.place)));
        }
        let longest = state.window.last().map_or(1, |(_, input)| input.tokens.len());
        let start = state.window.len().saturating_sub(cells.inputs(longest));
        let (keys, inputs) = state.window.split_off(start).into_iter().rev().unzip();
        Some(Batch { keys, inputs })
    }

    /// What a lane found for an input.
    pub(super) fn put_answer(&self, key: Key, said: Said) {
        let mut state = self.state();
        let Some(open) = state.open.get_mut(&key.place) else { return };
        open.parts[key.part].1 = said;
        open.missing -= 1;
        if open.missing == 0
            && let Some(open) = state.open.remove(&key.place)
        {
            state.done.insert(key.place, Ok(joined(key.place, open.parts)));
            self.changed.notify_all();
        }
    }

    /// An input can't be answered.
    pub(super) fn put_failure(&self, key: Key, error: EncodeError) {
        let mut state = self.state();
        if state.open.remove(&key.place).is_some() {
            state.done.insert(key.place, Err(StreamError::Encode { place: key.place, error }));
            self.changed.notify_all();
        }
    }

    /// The answer of text `place` is there.
    pub(super) fn is_answered(&self, place: usize) -> bool {
        self.state().done.contains_key(&place)
    }

    /// Waits for the answer of text `place`; `None` when the texts before it were all.
    pub(super) fn next_answer(&self, place: usize) -> Option<Result<TextAnswer, StreamError<E>>> {
        let over = |state: &State<E>| state.no_more_inputs && state.open.is_empty() && state.done.is_empty();
        let mut state = self.wait(|state| state.done.contains_key(&place) || over(state));
        let answer = state.done.remove(&place)?;
        if let Ok(answer) = &answer {
            state.tokens -= answer.tokens;
        }
        self.changed.notify_all();
        Some(answer)
    }
}

/// A text's answer out of those of its windows: means by tokens.
fn joined(place: usize, mut parts: Vec<(usize, Said)>) -> TextAnswer {
    let (tokens, windows) = (parts.iter().map(|(tokens, _)| tokens).sum(), parts.len());
    if windows == 1
        && let Some((_, said)) = parts.pop()
    {
        return TextAnswer { place, tokens, windows, vector: said.vector, scores: said.scores };
    }
    let mean = |of: &dyn Fn(&Said) -> &[f32]| -> Vec<f32> {
        let mut sum = vec![0f64; parts.first().map_or(0, |(_, said)| of(said).len())];
        for (weight, said) in &parts {
            for (sum, value) in sum.iter_mut().zip(of(said)) {
                *sum += f64::from(*value) * *weight as f64 / tokens as f64;
            }
        }
        sum.into_iter().map(|value| value as f32).collect()
    };
    let mut vector = mean(&|said| &said.vector);
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(1e-12);
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    let heads = parts.first().map_or(0, |(_, said)| said.scores.len());
    let scores = (0..heads).map(|head| mean(&|said| &said.scores[head])).collect();
    TextAnswer { place, tokens, windows, vector, scores }
}
