//! Projects, made at a steady rate, beside single durable commits at the same moments on the same disk.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use store::DataFolder;
use tokio::time::Instant;

use super::Server;
use super::client::Connection;
use super::table::{Bar, Row, Table};

/// Projects a second: the machine also analyses their books.
const RATE: u32 = 5;
/// For how long.
const SECONDS: u32 = 40;
/// Durable commits that a project may take at the 99th percentile.
const COMMITS: f64 = 5.0;

/// Measures both in turn, half a beat apart.
///
/// # Errors
/// A server or a store that fails.
pub async fn measure(table: &mut Table) -> Result<()> {
    let server = Server::product()?;
    let folder = tempfile::tempdir()?;
    let data = DataFolder::open(folder.path())?;
    let records = data.records();
    let (mut projects, mut commits) = (Histogram::<u64>::new(3)?, Histogram::<u64>::new(3)?);
    let beat = Duration::from_secs(1) / RATE;
    let began = Instant::now() + beat;
    let mut making = Vec::new();
    for nth in 0..RATE * SECONDS {
        // From when it was to begin: a late start is the server's time too.
        let due = began + beat * nth;
        tokio::time::sleep_until(due).await;
        let address = server.address.clone();
        making.push(tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            connection.ask("POST /api/v1/projects?name=lamp.txt", "", book(nth).as_bytes()).await?;
            anyhow::Ok(due.elapsed())
        }));
        let due = due + beat / 2;
        tokio::time::sleep_until(due).await;
        records.health().await?;
        commits.record(due.elapsed().as_micros() as u64)?;
    }
    for made in making {
        projects.record(made.await??.as_micros() as u64)?;
    }
    let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    for (quantile, name) in [(0.5, "median"), (0.99, "99th percentile")] {
        let (commit, measured) = (ms(&commits, quantile), ms(&projects, quantile));
        let bar = if quantile > 0.9 { Bar::AtMost(COMMITS * commit) } else { Bar::Shown };
        let peers = vec![("one durable commit".to_owned(), commit)];
        let what = format!("making a project, {name} at {RATE}/s");
        table.add(Row { what, measured, unit: "ms", peers, bar });
    }
    Ok(())
}

/// A small book that no other one is like.
fn book(number: u32) -> String {
    let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ";
    format!("Chapter One\n\nThe keeper wrote {number} on the door. {0}\n\nChapter Two\n\n{0}\n", said.repeat(40))
}
