//! Processor time of an item through the scheduler's ractor actor, held against its bar.

use anyhow::Result;
use benches::actor_load::{one_cast, runtime, through_the_actor};

use crate::table::{Bar, Row, Table};

const BATCH: u32 = 64;
const ITEMS: usize = 400_000;
/// Rounds of which the median counts.
const ROUNDS: usize = 5;

/// Adds the rows of the actor.
pub fn measure(table: &mut Table) -> Result<()> {
    let runtime = runtime()?;
    let (mut items, mut casts, mut batch) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..ROUNDS {
        let spent = runtime.block_on(through_the_actor(ITEMS, BATCH))?;
        items.push(spent.us_an_item);
        batch += spent.items_a_batch / ROUNDS as f64;
        casts.push(runtime.block_on(one_cast())?);
    }
    items.sort_by(f64::total_cmp);
    casts.sort_by(f64::total_cmp);
    table.add(Row {
        what: format!("CPU an item, submit → batch → ack through the actor, {batch:.0} items a batch"),
        measured: items[ROUNDS / 2],
        unit: "µs",
        peers: vec![("one ractor cast alone".to_owned(), casts[ROUNDS / 2])],
        bar: Bar::AtMost(1.0),
    });
    Ok(())
}
