//! Padding, number of batches and fill, against first-fit, a window sort and a global sort on the same trace.

use anyhow::{Result, ensure};

use crate::core::Core;
use crate::prototype::BUDGET;
use crate::table::{Bar, Row, Table};
use crate::trace::{Traced, books, lognormal};

const ITEMS: usize = 200_000;
const TENANTS: u16 = 16;
/// Items that a window sort looks at, as data loaders commonly do: a few batches.
const WINDOW: usize = 256;

/// Adds the rows of waste, batches and fill.
pub fn measure(table: &mut Table) -> Result<()> {
    let traces = [("lognormal", lognormal(ITEMS, TENANTS, 42)), ("books' passages", books(ITEMS, TENANTS)?)];
    for (name, trace) in &traces {
        let lengths: Vec<u64> = trace.iter().map(|item| u64::from(item.len)).collect();
        let first_fit = cut(&lengths);
        let window_sort = sorted_by(&lengths, WINDOW);
        let global = sorted_by(&lengths, lengths.len());
        for (depth, bar) in [(4_096, 5.5), (1_024, 9.0)] {
            let ours = core(trace, depth)?;
            table.add(Row {
                what: format!("padding waste, depth {depth}, {name}"),
                measured: ours.waste(),
                unit: "%",
                peers: vec![
                    ("first-fit".to_owned(), first_fit.waste()),
                    (format!("sort of {WINDOW}"), window_sort.waste()),
                ],
                bar: Bar::AtMost(bar),
            });
            if depth == 4_096 {
                table.add(Row {
                    what: format!("batches against a global sort, depth {depth}, {name}"),
                    measured: ours.batches as f64 / global.batches as f64,
                    unit: "×",
                    peers: vec![("first-fit".to_owned(), first_fit.batches as f64 / global.batches as f64)],
                    bar: Bar::AtMost(1.08),
                });
                table.add(Row {
                    what: format!("fill against whole items of that length, depth {depth}, {name}"),
                    measured: 100.0 * ours.fill / ours.batches as f64,
                    unit: "%",
                    peers: vec![("first-fit".to_owned(), 100.0 * first_fit.fill / first_fit.batches as f64)],
                    bar: Bar::AtLeast(97.0),
                });
            }
        }
    }
    Ok(())
}

/// Sums over the batches of one policy.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    real: u64,
    padded: u64,
    batches: u64,
    /// Sum of items against as many of the batch's longest as the budget holds.
    fill: f64,
    items: u64,
}

impl Sums {
    fn add(&mut self, items: u64, longest: u64, real: u64) {
        self.real += real;
        self.padded += items * longest;
        self.batches += 1;
        self.fill += items as f64 / (BUDGET as u64 / longest) as f64;
        self.items += items;
    }

    fn waste(&self) -> f64 {
        100.0 * (1.0 - self.real as f64 / self.padded as f64)
    }
}

/// In this order, each batch as long as its rectangle stays within the budget.
fn cut(lengths: &[u64]) -> Sums {
    let mut sums = Sums::default();
    let (mut items, mut longest, mut real) = (0, 0, 0);
    for &len in lengths {
        if (items + 1) * len.max(longest) > BUDGET as u64 {
            sums.add(items, longest, real);
            (items, longest, real) = (0, 0, 0);
        }
        (items, longest, real) = (items + 1, longest.max(len), real + len);
    }
    sums.add(items, longest, real);
    sums
}

/// Windows of arrivals, each sorted by length.
fn sorted_by(lengths: &[u64], window: usize) -> Sums {
    let mut lengths = lengths.to_vec();
    lengths.chunks_mut(window).for_each(|part| part.sort_unstable_by(|a, b| b.cmp(a)));
    cut(&lengths)
}

fn core(trace: &[Traced], depth: usize) -> Result<Sums> {
    let real_of: u64 = trace.iter().map(|item| u64::from(item.len)).sum();
    let mut core = Core::new(trace, depth);
    let mut sums = Sums::default();
    let mut held = core.offer(1);
    while let Some(batch) = held {
        sums.add(batch.items as u64, u64::from(batch.padded_len), 0);
        core.refill();
        held = core.done(batch);
    }
    sums.real = real_of;
    ensure!(sums.items == trace.len() as u64, "{} of {} items were run", sums.items, trace.len());
    Ok(sums)
}
