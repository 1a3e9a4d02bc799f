//! One run of our encoder over all texts, tokenizing included.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, anyhow};
use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};
use gpu::{Encoder, TchEncoder, Tokenizer};
use rustix::time::{ClockId, clock_gettime};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub profile: NumericProfile,
    pub threads: usize,
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub wall_s: f64,
    pub cpu_s: f64,
}

/// Tokenizes and encodes every text, on `encoders.len()` threads.
pub fn run(
    tokenizer: &Tokenizer,
    encoders: &mut [TchEncoder],
    texts: &[String],
    budget: usize,
) -> Result<(Run, Vec<Encoded>)> {
    let (wall, cpu) = (Instant::now(), cpu_s());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = tokenizer.encode_batch(&texts)?;
    let inputs: Vec<PassageInput> = ids.iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    let batches = plan(&inputs, budget);
    let next = AtomicUsize::new(0);
    let (next, batches, inputs) = (&next, &batches, &inputs);
    let mut done: Vec<(usize, Encoded)> = std::thread::scope(|scope| {
        let threads: Vec<_> = encoders
            .iter_mut()
            .map(|encoder| {
                scope.spawn(move || -> Result<Vec<(usize, Encoded)>> {
                    let mut done = Vec::new();
                    while let Some(rows) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let batch: Vec<PassageInput> = rows.iter().map(|row| inputs[*row].clone()).collect();
                        done.extend(rows.iter().copied().zip(encoder.encode(&batch)?));
                    }
                    Ok(done)
                })
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?
    .concat();
    let run = Run { wall_s: wall.elapsed().as_secs_f64(), cpu_s: cpu_s() - cpu };
    done.sort_by_key(|(row, _)| *row);
    Ok((run, done.into_iter().map(|(_, encoded)| encoded).collect()))
}

/// Batches, as rows: longest first, each at most `budget` tokens counted with padding, or one row.
fn plan(inputs: &[PassageInput], budget: usize) -> Vec<Vec<usize>> {
    let mut rows: Vec<usize> = (0..inputs.len()).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(inputs[*row].tokens.len()));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for row in rows {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * longest <= budget => batch.push(row),
            _ => {
                longest = inputs[row].tokens.len();
                batches.push(vec![row]);
            }
        }
    }
    batches
}

/// Processor time of this process, all threads.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
