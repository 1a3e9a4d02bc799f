//! What the core was told, recorded on a node and replayed anywhere.
//!
//! A trace begins with the birth of a [`State`] and holds every event with its time. It holds no actions, only their
//! digest every [`CHECK_EVERY`] events: as the core is a pure function, replaying the events makes the actions again,
//! and the digests prove that they are the same ones.
//!
//! # Format
//!
//! The eight bytes `VISITRC2`, then records. A record is its length in bytes as a little-endian `u32`, then so many
//! bytes of bincode (standard configuration: little-endian, variable-length integers):
//!
//! 1. first a [`Header`], once;
//! 2. then [`Record`]s: events in the order in which the core took them, and checks between them.
//!
//! A node that dies leaves a last record that is cut off; all before it counts. A trace is read by the version of the
//! scheduler that wrote it: another one may decide otherwise, which the next check says, with its place.

use std::io::{self, ErrorKind, Read, Write};

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use bincode::{Decode, Encode};
use domain::id::Term;

use crate::config::Config;
use crate::event::{Action, Event};
use crate::invariants::{self, Violation};
use crate::state::State;
use crate::step::step;

const MAGIC: [u8; 8] = *b"VISITRC2";
/// Events between two checks.
pub const CHECK_EVERY: u64 = 256;
/// The largest page of items that an envelope can bring is a few MiB; anything longer is no trace.
const MAX_RECORD_BYTES: u32 = 64 << 20;
/// Events between two full checks of the invariants while replaying.
const FULL_CHECK_EVERY: u64 = 1_000;

/// Why a trace can't be written or replayed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file can't be written or read.
    #[error("the trace can't be written or read: {0}")]
    Io(#[from] io::Error),
    /// It isn't a trace, or one of another version.
    #[error("at byte {at_byte}: {what}; a trace is read by the version of the scheduler that recorded it")]
    Malformed {
        /// Where.
        at_byte: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The core decides otherwise than it did.
    #[error(
        "between events {after_event} and {by_event} the core acts otherwise than when the trace was recorded; replay it with the version that recorded it, or find what isn't a function of events and time"
    )]
    Diverged {
        /// The last event up to which all actions agree.
        after_event: u64,
        /// The event by which they don't.
        by_event: u64,
    },
    /// An invariant broke.
    #[error("at event {event}: {violation}")]
    Broken {
        /// At which event.
        event: u64,
        /// Which invariant.
        violation: Violation,
    },
}

impl TraceError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "trace.io",
            Self::Malformed { .. } => "trace.malformed",
            Self::Diverged { .. } => "trace.diverged",
            Self::Broken { violation, .. } => violation.code(),
        }
    }
}

/// What a state was born with.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub struct Header {
    /// Its configuration, clamped.
    pub config: Config,
    /// Its term.
    pub term: Term,
}

/// One thing in a trace.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Record {
    /// The core was told something.
    Event {
        /// When, on the clock of the shell.
        now_ms: u64,
        /// What.
        event: Event,
    },
    /// So it had acted by then.
    Check {
        /// Events so far.
        events: u64,
        /// [`ActionDigest`] of all actions so far.
        digest: u64,
    },
}

/// A running digest of actions: equal ones, in equal order, have an equal digest on every machine. It notices
/// accidents, not forgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ActionDigest(u64);

impl ActionDigest {
    /// Takes in what one step did.
    pub fn add(&mut self, actions: &[Action]) {
        for action in actions {
            // Folding into a number can't fail, and actions hold nothing that can't be encoded.
            let encoded = bincode::encode_into_writer(action, &mut *self, bincode::config::standard());
            debug_assert!(encoded.is_ok());
        }
        self.fold(actions.len() as u64);
    }

    /// The digest so far.
    pub fn value(self) -> u64 {
        self.0
    }

    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.0 = product as u64 ^ (product >> 64) as u64 ^ 0x5851_f42d_4c95_7f2d;
    }
}

impl Writer for &mut ActionDigest {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().rev().fold(chunk.len() as u64, |sum, &byte| sum << 8 | u64::from(byte));
            self.fold(word);
        }
        Ok(())
    }
}

/// Writes a trace. Beyond its bound it writes nothing more, so that a node that records for weeks fills no disk.
#[derive(Debug)]
pub struct Recorder<W: Write> {
    out: W,
    buffer: Vec<u8>,
    digest: ActionDigest,
    events: u64,
    left_bytes: u64,
}

impl<W: Write> Recorder<W> {
    /// Begins a trace of a state that was just made with [`State::new`] and told nothing yet. `out` should be
    /// buffered; it gets at most `max_bytes`, give or take a check.
    ///
    /// # Errors
    /// [`TraceError::Io`] of `out`.
    pub fn begin(mut out: W, state: &State, max_bytes: u64) -> Result<Self, TraceError> {
        out.write_all(&MAGIC)?;
        let mut recorder =
            Self { out, buffer: Vec::new(), digest: ActionDigest::default(), events: 0, left_bytes: max_bytes };
        recorder.write(&Header { config: *state.config(), term: state.term() })?;
        Ok(recorder)
    }

    /// Notes what the core is about to be told. To be followed by [`Recorder::acted`].
    ///
    /// # Errors
    /// [`TraceError::Io`] of `out`; the trace is of use up to there.
    pub fn event(&mut self, now_ms: u64, event: &Event) -> Result<(), TraceError> {
        if self.is_full() {
            return Ok(());
        }
        self.events += 1;
        // Encoding a reference would need the event by value in a record, so the record is put together by hand.
        self.write(&(0_u32, now_ms, event))
    }

    /// Notes what the core did about it.
    ///
    /// # Errors
    /// [`TraceError::Io`] of `out`.
    pub fn acted(&mut self, actions: &[Action]) -> Result<(), TraceError> {
        if self.is_full() {
            return Ok(());
        }
        self.digest.add(actions);
        if self.events.is_multiple_of(CHECK_EVERY) { self.check() } else { Ok(()) }
    }

    /// Whether the bound is reached and nothing more is written.
    pub fn is_full(&self) -> bool {
        self.left_bytes == 0
    }

    /// Closes the trace with a last check, and gives the writer back, flushed.
    ///
    /// # Errors
    /// [`TraceError::Io`] of `out`.
    pub fn finish(mut self) -> Result<W, TraceError> {
        if !self.is_full() {
            self.check()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn check(&mut self) -> Result<(), TraceError> {
        self.write(&Record::Check { events: self.events, digest: self.digest.value() })
    }

    fn write(&mut self, record: &impl Encode) -> Result<(), TraceError> {
        self.buffer.clear();
        bincode::encode_into_std_write(record, &mut self.buffer, bincode::config::standard())
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let bytes = self.buffer.len() as u64 + 4;
        if bytes > self.left_bytes {
            self.left_bytes = 0;
            return Ok(());
        }
        self.left_bytes -= bytes;
        self.out.write_all(&(self.buffer.len() as u32).to_le_bytes())?;
        self.out.write_all(&self.buffer)?;
        Ok(())
    }
}

/// Reads a trace.
#[derive(Debug)]
pub struct Trace<R: Read> {
    from: R,
    header: Header,
    at_byte: u64,
    buffer: Vec<u8>,
    cut_off: bool,
}

impl<R: Read> Trace<R> {
    /// Opens a trace; `from` should be buffered.
    ///
    /// # Errors
    /// [`TraceError::Io`], or [`TraceError::Malformed`] for what is no trace of this version.
    pub fn open(mut from: R) -> Result<Self, TraceError> {
        let malformed = |what| TraceError::Malformed { at_byte: 0, what };
        let mut magic = [0; 8];
        from.read_exact(&mut magic).map_err(|_| malformed("not a trace of the scheduler"))?;
        if magic != MAGIC {
            return Err(malformed("not a trace of the scheduler"));
        }
        let config = Config::default();
        let header = Header { config, term: Term::default() };
        let mut trace = Self { from, header, at_byte: 8, buffer: Vec::new(), cut_off: false };
        trace.header = trace.read()?.ok_or_else(|| malformed("the header is cut off"))?;
        Ok(trace)
    }

    /// What the state was born with.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Whether the end was reached in the middle of a record.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`TraceError::Io`], or [`TraceError::Malformed`].
    pub fn next_record(&mut self) -> Result<Option<Record>, TraceError> {
        self.read()
    }

    fn read<T: Decode<()>>(&mut self) -> Result<Option<T>, TraceError> {
        let malformed = |at_byte, what| TraceError::Malformed { at_byte, what };
        let mut len = [0; 4];
        let got = read_up_to(&mut self.from, &mut len)?;
        self.cut_off = got > 0 && got < 4;
        if got < 4 {
            return Ok(None);
        }
        let len = u32::from_le_bytes(len);
        if len > MAX_RECORD_BYTES {
            return Err(malformed(self.at_byte, "a record is longer than any can be"));
        }
        self.buffer.resize(len as usize, 0);
        if read_up_to(&mut self.from, &mut self.buffer)? < len as usize {
            self.cut_off = true;
            return Ok(None);
        }
        let config = bincode::config::standard().with_limit::<{ MAX_RECORD_BYTES as usize }>();
        match bincode::decode_from_slice(&self.buffer, config) {
            Ok((record, used)) if used == self.buffer.len() => {
                self.at_byte += u64::from(len) + 4;
                Ok(Some(record))
            }
            Ok(_) => Err(malformed(self.at_byte, "a record holds more than this version knows of")),
            Err(_) => Err(malformed(self.at_byte, "a record isn't what this version would write")),
        }
    }
}

fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match from.read(&mut into[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// What came of replaying a trace.
#[derive(Debug)]
pub struct Replayed {
    /// Events that were replayed.
    pub events: u64,
    /// Actions that came of them.
    pub actions: u64,
    /// Checks that agreed.
    pub checks: u64,
    /// The trace ends in the middle of a record: its node died.
    pub cut_off: bool,
    /// The core as it was at the end.
    pub state: State,
}

/// Replays a trace through the core: every digest must agree, and the invariants must hold, all of them every 1,000
/// events and at the end, the sums at every event. `watch` is shown each event with what came of it.
///
/// # Errors
/// What is wrong with the trace, or where the core broke an invariant or acted otherwise.
pub fn replay(from: impl Read, mut watch: impl FnMut(u64, &Event, &[Action])) -> Result<Replayed, TraceError> {
    let mut trace = Trace::open(from)?;
    let Header { config, term } = trace.header();
    let mut digest = ActionDigest::default();
    let mut actions = Vec::new();
    let mut checked = 0;
    let state = State::new(config, term);
    let mut done = Replayed { events: 0, actions: 0, checks: 0, cut_off: false, state };
    while let Some(record) = trace.next_record()? {
        match record {
            Record::Event { now_ms, event } => {
                done.events += 1;
                actions.clear();
                step(&mut done.state, event.clone(), now_ms, &mut actions);
                watch(now_ms, &event, &actions);
                digest.add(&actions);
                done.actions += actions.len() as u64;
                let held = if done.events.is_multiple_of(FULL_CHECK_EVERY) {
                    invariants::check(&done.state)
                } else {
                    invariants::check_sums(&done.state)
                };
                held.map_err(|violation| TraceError::Broken { event: done.events, violation })?;
            }
            Record::Check { events, digest: recorded } => {
                if events != done.events || recorded != digest.value() {
                    return Err(TraceError::Diverged { after_event: checked, by_event: done.events });
                }
                checked = events;
                done.checks += 1;
            }
        }
    }
    invariants::check(&done.state).map_err(|violation| TraceError::Broken { event: done.events, violation })?;
    done.cut_off = trace.is_cut_off();
    Ok(done)
}
