//! Thousands of streams of events, each on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Server;
use super::client::Connection;
use super::table::{Bar, Row, Table};

/// Connections that are opened at a time.
const OPENING: usize = 100;
/// Streams that come and go before anything is measured, so that what a first one costs is not counted.
const WARM_UP: usize = 200;
/// What the product's memory may grow by, of what bare warp's does.
const GROWTH: f64 = 1.2;
/// Until when one event has reached all, seconds.
const REACHED_S: f64 = 2.0;

/// How a server bore its streams.
struct Borne {
    bytes_a_stream: f64,
    /// From the request that causes an event until the last stream has it, seconds.
    reached_s: f64,
}

/// Measures one server after the other.
///
/// # Errors
/// A server that fails.
pub async fn measure(table: &mut Table, streams: usize) -> Result<()> {
    let server = Server::bare()?;
    let bare = bear(&server, streams, "/events".to_owned(), "POST /tell").await?;
    drop(server);
    let server = Server::product()?;
    let (path, seq) = project(&server).await?;
    let product = bear(&server, streams, format!("{path}/events?after={seq}"), &format!("POST {path}/runs")).await?;
    table.add(Row {
        what: format!("memory a stream, {streams} streams"),
        measured: product.bytes_a_stream / 1_024.0,
        unit: "KiB",
        peers: vec![("bare warp".to_owned(), bare.bytes_a_stream / 1_024.0)],
        bar: Bar::AtMost(GROWTH * bare.bytes_a_stream / 1_024.0),
    });
    table.add(Row {
        what: format!("one event reaches {streams} streams"),
        measured: product.reached_s,
        unit: "s",
        peers: vec![("bare warp".to_owned(), bare.reached_s)],
        bar: Bar::AtMost(REACHED_S),
    });
    Ok(())
}

/// A project whose first run has ended: its path, and its last event.
async fn project(server: &Server) -> Result<(String, u64)> {
    let mut connection = Connection::open(&server.address).await?;
    let said = "“Where is the lamp?” asked Anna. The ferry left at nine, and nobody had told her. ".repeat(40);
    let book = format!("Chapter One\n\n{said}\n\nChapter Two\n\n{said}\n");
    let made = connection.ask("POST /api/v1/projects?name=lamp.txt", "", book.as_bytes()).await?;
    let path = made.location.context("a location")?;
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let view: serde_json::Value =
            serde_json::from_slice(&connection.ask(&format!("GET {path}"), "", &[]).await?.body)?;
        if view["run"]["state"]["state"] == "ready" {
            return Ok((path, view["run"]["seq"].as_u64().context("a number")?));
        }
        anyhow::ensure!(Instant::now() < until, "the first run does not end: {view}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn open(server: &Server, streams: usize, path: &str) -> Result<Vec<Connection>> {
    let (gate, mut opening) = (Arc::new(Semaphore::new(OPENING)), JoinSet::new());
    for _ in 0..streams {
        let (gate, address, path) = (gate.clone(), server.address.clone(), path.to_owned());
        opening.spawn(async move {
            let _turn = gate.acquire().await?;
            let mut connection = Connection::open(&address).await?;
            connection.follow(&path).await?;
            anyhow::Ok(connection)
        });
    }
    let mut open = Vec::with_capacity(streams);
    while let Some(connection) = opening.join_next().await {
        open.push(connection??);
    }
    Ok(open)
}

async fn bear(server: &Server, streams: usize, path: String, cause: &str) -> Result<Borne> {
    drop(open(server, WARM_UP, &path).await?);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.resident_bytes()?;
    let open = open(server, streams, &path).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let bytes_a_stream = server.resident_bytes()?.saturating_sub(before) as f64 / streams as f64;
    let mut reading = JoinSet::new();
    for mut connection in open {
        reading.spawn(async move {
            connection.until("event:").await?;
            anyhow::Ok((Instant::now(), connection))
        });
    }
    let mut teller = Connection::open(&server.address).await?;
    let began = Instant::now();
    teller.ask(cause, "", &[]).await?;
    // The connections stay until the last one has it: none makes way for another.
    let (mut last, mut kept) = (began, Vec::new());
    while let Some(read) = reading.join_next().await {
        let (at, connection) = read??;
        last = last.max(at);
        kept.push(connection);
    }
    Ok(Borne { bytes_a_stream, reached_s: (last - began).as_secs_f64() })
}
