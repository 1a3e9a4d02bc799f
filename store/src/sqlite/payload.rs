//! Rows as bytes: a format number (two bytes, little-endian), then bincode.
//!
//! A format never changes once released. A row that gains a field gets the next format; the old struct
//! stays, under a name of its own, and is turned into the new one on reading.

use bincode::{Decode, Encode};
use domain::run::RunEvent;

use crate::error::StoreError;
use crate::rows::{EventHead, IntentRow, LeaseRow, OutboxRow, ProjectRow, RunRow, SegmentRow, UploadRow};

/// A damaged row must not make us allocate without bound.
const PAYLOAD_MAX_BYTES: usize = 16 << 20;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<PAYLOAD_MAX_BYTES>()
}

/// A row that is stored as a payload.
pub(super) trait Payload: Encode + Decode<()> {
    /// What it is called in errors.
    const KIND: &'static str;
    /// The format that is written.
    const FORMAT: u16;
}

macro_rules! payloads {
    ($($row:ty: $kind:literal, $format:literal;)*) => {$(
        impl Payload for $row {
            const KIND: &'static str = $kind;
            const FORMAT: u16 = $format;
        }
    )*};
}

payloads! {
    ProjectRow: "project", 1;
    RunRow: "run", 1;
    SegmentRow: "segment", 1;
    OutboxRow: "outbox", 1;
    EventHead: "event head", 1;
    RunEvent: "event", 1;
    LeaseRow: "lease", 1;
    IntentRow: "intent", 1;
    UploadRow: "upload", 1;
}

/// The payload of a row.
pub(super) fn encode<T: Payload>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = T::FORMAT.to_le_bytes().to_vec();
    bincode::encode_into_std_write(row, &mut bytes, config())
        .map_err(|e| StoreError::Invalid { detail: format!("a {} row can't be encoded: {e}", T::KIND) })?;
    if bytes.len() > PAYLOAD_MAX_BYTES {
        return Err(StoreError::Invalid { detail: format!("a {} row of {} bytes", T::KIND, bytes.len()) });
    }
    Ok(bytes)
}

/// The row of a payload.
pub(super) fn decode<T: Payload>(bytes: &[u8]) -> Result<T, StoreError> {
    let corrupt = |detail: String| StoreError::Corrupt { detail: format!("a {} row: {detail}", T::KIND) };
    let (format, body) = bytes.split_first_chunk().ok_or_else(|| corrupt("no format".into()))?;
    let format = u16::from_le_bytes(*format);
    if format > T::FORMAT {
        return Err(StoreError::RowNewer { kind: T::KIND, found: format, known: T::FORMAT });
    }
    if format < T::FORMAT {
        return Err(corrupt(format!("format {format} never existed")));
    }
    let (row, read) = bincode::decode_from_slice(body, config()).map_err(|e| corrupt(e.to_string()))?;
    if read != body.len() {
        return Err(corrupt(format!("{} bytes too many", body.len() - read)));
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use domain::book::{Format, Warning};
    use domain::id::{Digest, ProjectId, RunId, TenantId, Term, UploadId};
    use domain::language::Language;
    use domain::run::{Progress, RunState, Stage};
    use proptest::prelude::*;

    use super::*;
    use crate::rows::{Artefact, Chunk, IntentBody, NewSegment, OutboxEvent, OwnerId, UploadState};

    const PROGRESS: Progress =
        Progress { passages_done: 3, passages_total: 9, tokens_done: 300, tokens_total: 70_000, tokens_per_s: 12 };

    fn project() -> ProjectRow {
        ProjectRow {
            tenant: TenantId(1),
            project: ProjectId(2),
            version: 3,
            title: "T".into(),
            authors: vec!["A".into()],
            language: Some(Language::Fr),
            format: Some(Format::Epub),
            file_name: "f".into(),
            book: Digest([9; 32]),
            book_bytes: 10,
            created_ms: 11,
            demo: true,
            deleted: false,
            run: Some(RunId(4)),
            earlier_runs: vec![RunId(5)],
        }
    }

    fn run() -> RunRow {
        RunRow {
            tenant: TenantId(1),
            project: ProjectId(2),
            run: RunId(4),
            version: 3,
            state: RunState::Failed { stage: Stage::Composing, code: "c".into(), reason: "r".into() },
            progress: PROGRESS,
            warnings: vec![Warning { code: "w".into(), detail: "d".into() }],
            manifest: Some(Digest([8; 32])),
            segments: 2,
            artefacts: vec![Artefact { name: "n".into(), digest: Digest([7; 32]), bytes: 6, media_type: "m".into() }],
            created_ms: 11,
            outbox_next: 5,
        }
    }

    fn upload(state: UploadState) -> UploadRow {
        UploadRow {
            tenant: TenantId(1),
            upload: UploadId(2),
            version: 3,
            file_name: "f".into(),
            metadata: "m".into(),
            length: 4,
            expected: Some(Digest([6; 32])),
            created_ms: 11,
            expires_ms: 12,
            state,
        }
    }

    fn hex<T: Payload>(row: &T) -> String {
        encode(row).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A payload's digest stands for its bytes where those are long.
    fn digest<T: Payload>(row: &T) -> String {
        Digest::of(&encode(row).unwrap()).to_string()
    }

    #[test]
    fn the_payload_formats_are_frozen() {
        // Golden: a change here would make every stored row unreadable. Make a new format instead.
        let lease = LeaseRow { owner: OwnerId(6), term: Term { incarnation: 1, n: 2 }, renewals: 300 };
        let state = RunState::Working { stage: Stage::Understanding };
        let event = OutboxEvent { state: state.clone(), progress: PROGRESS };
        let logged =
            RunEvent { seq: 1, project: ProjectId(2), run: RunId(4), state: RunState::Ready, progress: PROGRESS };
        let segment = NewSegment { digest: Digest([1; 32]), items: 2, tokens: 400 };
        let head = EventHead { version: 1, next_seq: 2, relayed: [(RunId(4), 7)].into() };
        let (tenant, project) = (TenantId(1), ProjectId(2));
        let intent = |body| IntentRow { id: 5, shard: 5, body, created_ms: 11 };
        let found = [
            hex(&lease),
            hex(&OutboxRow { position: 1, event }),
            hex(&logged),
            hex(&SegmentRow { seq: 0, segment }),
            hex(&head),
            hex(&intent(IntentBody::Run { tenant, project, run: RunId(4) })),
            hex(&intent(IntentBody::DeleteProject { tenant, project })),
            hex(&intent(IntentBody::Upload { tenant, upload: UploadId(2) })),
            hex(&upload(UploadState::Receiving { chunks: vec![Chunk { digest: Digest([5; 32]), bytes: 4 }] })),
            hex(&upload(UploadState::Taken { digest: Digest([5; 32]), project })),
            digest(&self::project()),
            digest(&run()),
        ];
        assert_eq!(found, GOLDEN);
    }

    const GOLDEN: [&str; 12] = [
        "0100060102fb2c01",
        "01000101010309fb2c01fc701101000c",
        "0100010204020309fb2c01fc701101000c",
        "010000010101010101010101010101010101010101010101010101010101010101010102fb9001",
        "01000102010407",
        "01000505000102040b",
        "010005050101020b",
        "010005050201020b",
        "01000102030166016d040106060606060606060606060606060606060606060606060606060606060606060b0c0001050505050505050505050505050505050505050505050505050505050505050504",
        "01000102030166016d040106060606060606060606060606060606060606060606060606060606060606060b0c02050505050505050505050505050505050505050505050505050505050505050502",
        "5f8b27723d648483d5f862bafe5a3bc404f25fbbd73aa81f27ec5ea581c3c093",
        "c1d11e5dfb0efe5a992aae4e90e50d01f75f14736c4e6b32d555d6d34b87345a",
    ];

    #[test]
    fn a_row_survives_its_payload() {
        assert_eq!(decode::<ProjectRow>(&encode(&project()).unwrap()), Ok(project()));
        assert_eq!(decode::<RunRow>(&encode(&run()).unwrap()), Ok(run()));
    }

    #[test]
    fn a_newer_format_is_refused_not_guessed_at() {
        let mut bytes = encode(&run()).unwrap();
        bytes[0] = 2;
        assert_eq!(decode::<RunRow>(&bytes), Err(StoreError::RowNewer { kind: "run", found: 2, known: 1 }));
    }

    proptest! {
        #[test]
        fn damaged_payloads_are_errors_not_panics(at in 0..100_usize, bit in 0..8_u8, cut in 0..200_usize) {
            let mut bytes = encode(&run()).unwrap();
            let len = bytes.len();
            bytes[at % len] ^= 1 << bit;
            bytes.truncate(cut);
            // A flipped bit may still be a row; a cut one never is.
            let decoded = decode::<RunRow>(&bytes);
            prop_assert!(cut >= len || decoded.is_err());
        }
    }
}
