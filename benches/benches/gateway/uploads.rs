//! Uploads: the product's, and those of a bare handler that hashes into the same durable writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use super::Server;
use super::client::Connection;
use super::median;
use super::table::{Bar, Row, Table};

/// Senders at a time.
const SENDERS: usize = 4;
/// Turns of each server; the median counts.
const TURNS: usize = 5;
/// What the product has to reach of the bare handler's throughput.
const SHARE: f64 = 0.8;

/// Measures both, turn by turn.
///
/// # Errors
/// A server that fails.
pub async fn measure(table: &mut Table) -> Result<()> {
    // A book as they usually are, and one as large as a chunk.
    for (mib, files) in [(1, 96), (8, 24)] {
        let file: Arc<[u8]> = (0..mib << 20).map(|at: usize| (at % 251) as u8 ^ (at >> 13) as u8).collect();
        let (mut product, mut bare) = (Vec::new(), Vec::new());
        let servers = (Server::product()?, Server::bare()?);
        // The first turn warms up and does not count.
        for turn in 0..=TURNS {
            let both =
                (turn_of(&servers.0, &file, files, true).await?, turn_of(&servers.1, &file, files, false).await?);
            if turn > 0 {
                product.push(both.0);
                bare.push(both.1);
            }
        }
        let mut shares: Vec<f64> = product.iter().zip(&bare).map(|(product, bare)| product / bare).collect();
        let (measured, bare) = (median(&mut product), median(&mut bare));
        table.add(Row {
            what: format!("uploads of {mib} MiB, {SENDERS} senders"),
            measured,
            unit: "MiB/s",
            peers: vec![("bare warp".to_owned(), bare)],
            bar: Bar::Shown,
        });
        table.add(Row {
            what: format!("the same, of bare warp's (median of {TURNS} turns)"),
            measured: median(&mut shares),
            unit: "",
            peers: Vec::new(),
            bar: Bar::AtLeast(SHARE),
        });
    }
    Ok(())
}

/// MiB a second over so many files. What was sent is removed afterwards, which is not counted.
async fn turn_of(server: &Server, file: &Arc<[u8]>, files: usize, is_product: bool) -> Result<f64> {
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let senders = (0..SENDERS).map(|_| {
        let (next, file, address) = (next.clone(), file.clone(), server.address.clone());
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut made = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < files {
                made.push(if is_product {
                    by_tus(&mut connection, &file).await?
                } else {
                    bare(&mut connection, &file).await?
                });
            }
            anyhow::Ok((connection, made))
        })
    });
    let senders: Vec<_> = senders.collect();
    let mut done = Vec::new();
    for sender in senders {
        done.push(sender.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    for (mut connection, made) in done {
        for path in made {
            connection.ask(&format!("DELETE {path}"), "tus-resumable: 1.0.0\r\n", &[]).await?;
        }
    }
    Ok((files * file.len()) as f64 / f64::from(1 << 20) / seconds)
}

/// An upload by tus: its beginning, and all of it in one part.
async fn by_tus(connection: &mut Connection, file: &[u8]) -> Result<String> {
    let head =
        format!("tus-resumable: 1.0.0\r\nupload-length: {}\r\nupload-metadata: filename YS5iaW4=\r\n", file.len());
    let path = connection.ask("POST /api/v1/uploads", &head, &[]).await?.location.context("a location")?;
    let head = "tus-resumable: 1.0.0\r\nupload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\n";
    connection.ask(&format!("PATCH {path}"), head, file).await?;
    Ok(path)
}

async fn bare(connection: &mut Connection, file: &[u8]) -> Result<String> {
    let path = format!("/upload/{}", uuid::Uuid::new_v4().as_u128());
    connection.ask(&format!("POST {path}"), "", file).await?;
    Ok(path)
}
