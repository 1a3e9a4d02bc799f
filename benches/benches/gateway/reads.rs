//! What is between the wire and a project's view, beside a bare warp server that has nothing between; and people who
//! sign in meanwhile.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use benches::processes::cpu_us;

use super::Server;
use super::load::{Answered, Load, request};
use super::median;
use super::people::Site;
use super::table::{Bar, Row, Table};

/// Connections that reads are spread over.
const READERS: usize = 16;
/// People who have the project: the limit of one account would refuse what all of them ask for.
const MEMBERS: usize = 4;
/// Each measurement.
const TIME: Duration = Duration::from_secs(8);
/// Turns of each side; the median counts.
const TURNS: usize = 3;
/// What a read may take of the processor beyond bare warp's, microseconds.
const CPU_US: f64 = 30.0;
/// What its 99th percentile may be of bare warp's at the same rate.
const P99: f64 = 3.0;
/// Others that sign in, each once, over [`TIME`].
const PEOPLE: usize = 200;
/// Sign-ins a second that are to be completed.
const SIGN_INS: f64 = 20.0;
/// What a read's 99th percentile may grow to while they do.
const P99_BESIDE: f64 = 2.0;

/// Reads of a project by people who are signed in and were given it by its owner, limits on.
///
/// # Errors
/// A server that fails.
pub fn measure(table: &mut Table) -> Result<()> {
    let site = Site::start()?;
    let (path, view) = site.project()?;
    let members = (1..=MEMBERS).map(|nth| site.member(nth, &path)).collect::<Result<Vec<_>>>()?;
    let reads = |line: &str| members.iter().map(|member| request(line, member, &[])).collect();
    let product = load(&site.server, reads(&format!("GET {path}")));
    let bare_server = Server::bare_with_view(&view)?;
    // As many bytes of header, so that reading them is on both sides.
    let bare = load(&bare_server, reads("GET /view"));
    let peak = product.at_most(TIME / 2)?.per_s();
    bare.at_most(TIME / 4)?;
    table.add(shown(&format!("reads of a project at most, {READERS} connections"), peak, "/s"));
    let (mut cpu, mut p99, mut medians) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()), Vec::new());
    for _ in 0..TURNS {
        let (measured, taken) = turn(&site.server, &product, peak / 2.0)?;
        let (beside, taken_beside) = turn(&bare_server, &bare, peak / 2.0)?;
        medians.push(measured.us(0.5));
        p99.0.push(measured.us(0.99));
        p99.1.push(beside.us(0.99));
        cpu.0.push(taken);
        cpu.1.push(taken_beside);
    }
    let bare_cpu = median(&mut cpu.1);
    let bare_p99 = median(&mut p99.1);
    table.add(Row {
        what: "processor time of a read, at half of that".to_owned(),
        measured: median(&mut cpu.0),
        unit: "µs",
        peers: vec![("bare warp".to_owned(), bare_cpu)],
        bar: Bar::AtMost(bare_cpu + CPU_US),
    });
    table.add(shown("a read, median", median(&mut medians), "µs"));
    table.add(Row {
        what: "a read, 99th percentile".to_owned(),
        measured: median(&mut p99.0),
        unit: "µs",
        peers: vec![("bare warp".to_owned(), bare_p99)],
        bar: Bar::AtMost(P99 * bare_p99),
    });
    drop(bare_server);
    beside_sign_ins(table, &site, &product, peak / 5.0)
}

/// Reads while people sign in, turn by turn with reads alone.
fn beside_sign_ins(table: &mut Table, site: &Site, reads: &Load, per_s: f64) -> Result<()> {
    let people = site.people(MEMBERS + 1..=MEMBERS + PEOPLE * TURNS)?;
    let (mut alone, mut beside, mut completed, mut took) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for some in people.chunks(PEOPLE) {
        alone.push(reads.at(per_s, TIME)?.us(0.99));
        let (requests, address) = (Arc::new(some.to_vec()), site.server.address.clone());
        let sign_ins = Load { address, requests, connections: READERS, status: 201 };
        let (read, signed_in) = std::thread::scope(|scope| {
            let signing_in = scope.spawn(|| sign_ins.at(PEOPLE as f64 / TIME.as_secs_f64(), TIME));
            (reads.at(per_s, TIME), signing_in.join())
        });
        let signed_in = signed_in.map_err(|_| anyhow::anyhow!("a client panicked"))??;
        beside.push(read?.us(0.99));
        completed.push(signed_in.per_s());
        took.push(signed_in.us(0.99) / 1_000.0);
    }
    table.add(Row {
        bar: Bar::AtLeast(SIGN_INS),
        ..shown("people signed in beside reads", median(&mut completed), "/s")
    });
    table.add(shown("signing in, 99th percentile", median(&mut took), "ms"));
    let alone = median(&mut alone);
    table.add(Row {
        peers: vec![("nobody signs in".to_owned(), alone)],
        bar: Bar::AtMost(P99_BESIDE * alone),
        ..shown("a read meanwhile, 99th percentile, at a fifth of peak", median(&mut beside), "µs")
    });
    Ok(())
}

/// A figure that is held against nothing.
fn shown(what: &str, measured: f64, unit: &'static str) -> Row {
    Row { what: what.to_owned(), measured, unit, peers: Vec::new(), bar: Bar::Shown }
}

fn load(server: &Server, requests: Vec<Vec<u8>>) -> Load {
    let address = server.address.clone();
    Load { address, requests: Arc::new(requests), connections: READERS, status: 200 }
}

/// What a server answered, and the processor time that an answer took it, microseconds.
fn turn(server: &Server, load: &Load, per_s: f64) -> Result<(Answered, f64)> {
    let before = cpu_us(&[server.pid()])?;
    let answered = load.at(per_s, TIME)?;
    let taken = cpu_us(&[server.pid()])? - before;
    let each = taken / answered.times.len() as f64;
    Ok((answered, each))
}
