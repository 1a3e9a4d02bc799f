//! Rows as bytes: a format number (two bytes, little-endian), then bincode.
//!
//! A format never changes once released. A row that gains a field gets the next format; the old struct
//! stays, under a name of its own, and is turned into the new one on reading.

mod old;

use bincode::{Decode, Encode};
use domain::account::AccountEvent;
use domain::audit::AuditEntry;
use domain::project::Activity;
use domain::run::RunEvent;

use crate::error::StoreError;
use crate::rows::{
    AccessRow, AccountRow, EditRow, EmailRow, EventHead, IdentityRow, IntentRow, LeaseRow, OutboxRow, ProjectRow,
    RunRow, SegmentRow, SharedRow, SiteRow, UploadRow, WebhookMark, WebhookRow,
};

/// A damaged row must not make us allocate without bound.
const PAYLOAD_MAX_BYTES: usize = 16 << 20;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<PAYLOAD_MAX_BYTES>()
}

/// A row that is stored as a payload.
pub(crate) trait Payload: Encode + Decode<()> {
    /// What it is called in errors.
    const KIND: &'static str;
    /// The format that is written.
    const FORMAT: u16;
    /// The row of a body in an older format, with how much of it was read; `None` for a format that never was.
    fn decode_old(_format: u16, _body: &[u8]) -> Option<Decoded<Self>> {
        None
    }
}

/// A decoded row, with how many bytes of the body it took.
type Decoded<T> = Result<(T, usize), bincode::error::DecodeError>;

/// A row out of what it was in an older format.
fn upgraded<Old: Decode<()>, Row: From<Old>>(body: &[u8]) -> Decoded<Row> {
    bincode::decode_from_slice::<Old, _>(body, config()).map(|(old, read)| (old.into(), read))
}

macro_rules! payloads {
    (second: $($row:ty: $kind:literal, from $first:ty;)*) => {$(
        impl Payload for $row {
            const KIND: &'static str = $kind;
            const FORMAT: u16 = 2;

            fn decode_old(format: u16, body: &[u8]) -> Option<Decoded<Self>> {
                (format == 1).then(|| upgraded::<$first, Self>(body))
            }
        }
    )*};
    ($($row:ty: $kind:literal, $format:literal;)*) => {$(
        impl Payload for $row {
            const KIND: &'static str = $kind;
            const FORMAT: u16 = $format;
        }
    )*};
}

payloads! { second:
    ProjectRow: "project", from old::Project1;
    RunRow: "run", from old::Run1;
}

payloads! {
    SegmentRow: "segment", 1;
    OutboxRow: "outbox", 1;
    EventHead: "event head", 1;
    RunEvent: "event", 1;
    LeaseRow: "lease", 1;
    IntentRow: "intent", 1;
    UploadRow: "upload", 1;
    Activity: "activity", 1;
    EditRow: "edit", 1;
    WebhookRow: "webhook", 1;
    WebhookMark: "webhook mark", 1;
    AccountRow: "account", 1;
    AccountEvent: "account event", 1;
    EmailRow: "address", 1;
    SiteRow: "site", 1;
    AccessRow: "access", 1;
    SharedRow: "shared", 1;
    IdentityRow: "identity", 1;
    AuditEntry: "audit", 1;
}

/// The payload of a row.
pub(crate) fn encode<T: Payload>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = T::FORMAT.to_le_bytes().to_vec();
    bincode::encode_into_std_write(row, &mut bytes, config())
        .map_err(|e| StoreError::Invalid { detail: format!("a {} row can't be encoded: {e}", T::KIND) })?;
    if bytes.len() > PAYLOAD_MAX_BYTES {
        return Err(StoreError::Invalid { detail: format!("a {} row of {} bytes", T::KIND, bytes.len()) });
    }
    Ok(bytes)
}

/// The row of a payload.
pub(crate) fn decode<T: Payload>(bytes: &[u8]) -> Result<T, StoreError> {
    let corrupt = |detail: String| StoreError::Corrupt { detail: format!("a {} row: {detail}", T::KIND) };
    let (format, body) = bytes.split_first_chunk().ok_or_else(|| corrupt("no format".into()))?;
    let format = u16::from_le_bytes(*format);
    if format > T::FORMAT {
        return Err(StoreError::RowNewer { kind: T::KIND, found: format, known: T::FORMAT });
    }
    let decoded = match format {
        _ if format == T::FORMAT => bincode::decode_from_slice(body, config()),
        _ => T::decode_old(format, body).ok_or_else(|| corrupt(format!("format {format} never existed")))?,
    };
    let (row, read) = decoded.map_err(|e| corrupt(e.to_string()))?;
    if read != body.len() {
        return Err(corrupt(format!("{} bytes too many", body.len() - read)));
    }
    Ok(row)
}

#[cfg(test)]
mod tests;
