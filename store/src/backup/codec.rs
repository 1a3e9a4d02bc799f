//! Rows as they lie in an archive: a number for the kind, the partition where the row does not say it, and the row's
//! payload in the format that the records keep it in, so that whatever reads a store's rows reads these.

use bincode::{Decode, Encode};
use domain::id::{AccountId, ProjectId, RunId, TenantId, WebhookId};

use super::BackupError;
use crate::error::StoreError;
use crate::rows::KeptRow;
use crate::sqlite::payload::{decode, encode};

/// A page of rows must not make us allocate without bound.
pub(super) const PAGE_MAX_BYTES: usize = 64 << 20;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<PAGE_MAX_BYTES>,
> = bincode::config::standard().with_limit::<PAGE_MAX_BYTES>();

/// A row. Frozen; kinds are appended, and never used for anything else.
#[derive(Encode, Decode)]
struct Row {
    kind: u16,
    partition: [u128; 3],
    payload: Vec<u8>,
}

fn row(row: &KeptRow) -> Result<Row, StoreError> {
    let (kind, partition, payload) = match row {
        KeptRow::Project(row) => (1, [0; 3], encode(row)?),
        KeptRow::Activity { tenant, project, act } => (2, [tenant.0, project.0, 0], encode(act)?),
        KeptRow::Run(row) => (3, [0; 3], encode(row)?),
        KeptRow::Segment { run, row } => (4, [run.0, 0, 0], encode(row)?),
        KeptRow::Outbox { run, row } => (5, [run.0, 0, 0], encode(row)?),
        KeptRow::Edit { run, row } => (6, [run.0, 0, 0], encode(row)?),
        KeptRow::EventHead { project, head } => (7, [project.0, 0, 0], encode(head)?),
        KeptRow::Event(event) => (8, [0; 3], encode(event)?),
        KeptRow::Upload(row) => (9, [0; 3], encode(row)?),
        KeptRow::Intent(row) => (10, [0; 3], encode(row)?),
        KeptRow::Webhook(row) => (11, [0; 3], encode(row)?),
        KeptRow::WebhookMark { tenant, webhook, project, mark } => {
            (12, [tenant.0, webhook.0, project.0], encode(mark)?)
        }
        KeptRow::Account(row) => (13, [0; 3], encode(row)?),
        KeptRow::AccountEvent { account, event } => (14, [account.0, 0, 0], encode(event)?),
        KeptRow::Email(row) => (15, [0; 3], encode(row)?),
        KeptRow::Site(row) => (16, [0; 3], encode(row)?),
        KeptRow::Access(row) => (17, [0; 3], encode(row)?),
        KeptRow::Shared(row) => (18, [0; 3], encode(row)?),
        KeptRow::Identity(row) => (19, [0; 3], encode(row)?),
        KeptRow::Audit(entry) => (20, [0; 3], encode(entry)?),
    };
    Ok(Row { kind, partition, payload })
}

fn kept(Row { kind, partition: [first, second, third], payload }: &Row) -> Result<KeptRow, BackupError> {
    Ok(match kind {
        1 => KeptRow::Project(decode(payload)?),
        2 => KeptRow::Activity { tenant: TenantId(*first), project: ProjectId(*second), act: decode(payload)? },
        3 => KeptRow::Run(decode(payload)?),
        4 => KeptRow::Segment { run: RunId(*first), row: decode(payload)? },
        5 => KeptRow::Outbox { run: RunId(*first), row: decode(payload)? },
        6 => KeptRow::Edit { run: RunId(*first), row: decode(payload)? },
        7 => KeptRow::EventHead { project: ProjectId(*first), head: decode(payload)? },
        8 => KeptRow::Event(decode(payload)?),
        9 => KeptRow::Upload(decode(payload)?),
        10 => KeptRow::Intent(decode(payload)?),
        11 => KeptRow::Webhook(decode(payload)?),
        12 => KeptRow::WebhookMark {
            tenant: TenantId(*first),
            webhook: WebhookId(*second),
            project: ProjectId(*third),
            mark: decode(payload)?,
        },
        13 => KeptRow::Account(decode(payload)?),
        14 => KeptRow::AccountEvent { account: AccountId(*first), event: decode(payload)? },
        15 => KeptRow::Email(decode(payload)?),
        16 => KeptRow::Site(decode(payload)?),
        17 => KeptRow::Access(decode(payload)?),
        18 => KeptRow::Shared(decode(payload)?),
        19 => KeptRow::Identity(decode(payload)?),
        20 => KeptRow::Audit(decode(payload)?),
        _ => return Err(StoreError::RowNewer { kind: "backup", found: *kind, known: 18 }.into()),
    })
}

pub(super) fn encode_page(rows: &[KeptRow]) -> Result<Vec<u8>, BackupError> {
    let rows: Vec<Row> = rows.iter().map(row).collect::<Result<_, _>>()?;
    let failed = |e: bincode::error::EncodeError| StoreError::Invalid { detail: format!("rows can't be encoded: {e}") };
    Ok(bincode::encode_to_vec(rows, CONFIG).map_err(failed)?)
}

pub(super) fn decode_page(bytes: &[u8]) -> Result<Vec<KeptRow>, BackupError> {
    let damaged = |detail: String| BackupError::Damaged { detail: format!("a page of rows: {detail}") };
    let decoded: Result<(Vec<Row>, usize), _> = bincode::decode_from_slice(bytes, CONFIG);
    let (rows, used) = decoded.map_err(|e| damaged(e.to_string()))?;
    if used != bytes.len() {
        return Err(damaged(format!("{} bytes too many", bytes.len() - used)));
    }
    rows.iter().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use domain::id::Digest;

    use super::*;
    use crate::conformance::{project_row, run_row, upload_row};
    use crate::rows::{EventHead, IntentBody, IntentRow, NewSegment, SegmentRow, WebhookMark};

    fn intent() -> KeptRow {
        let (tenant, project, run) = (TenantId(1), ProjectId(2), RunId(3));
        KeptRow::Intent(IntentRow { id: 3, shard: 3, body: IntentBody::Run { tenant, project, run }, created_ms: 4 })
    }

    #[test]
    fn a_page_says_what_it_said() {
        let segment = NewSegment { digest: Digest([7; 32]), items: 2, tokens: 300 };
        let rows = vec![
            KeptRow::Project(project_row(TenantId(1))),
            KeptRow::Run(run_row()),
            KeptRow::Segment { run: RunId(9), row: SegmentRow { seq: 0, segment } },
            KeptRow::EventHead { project: ProjectId(8), head: EventHead::empty() },
            KeptRow::Upload(upload_row(TenantId(2))),
            intent(),
            KeptRow::WebhookMark {
                tenant: TenantId(1),
                webhook: WebhookId(2),
                project: ProjectId(3),
                mark: WebhookMark { seq: 4, last: Some((RunId(5), 6)) },
            },
        ];
        let page = encode_page(&rows).unwrap();
        assert_eq!(decode_page(&page), Ok(rows));
        for cut in 0..page.len() {
            assert!(decode_page(&page[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn the_bytes_of_a_page_are_frozen() {
        let hex: String = encode_page(&[intent()]).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN, "archives that people keep would not be read any more: append another kind instead");
    }

    const GOLDEN: &str = "010a00000009010003030001020304";

    #[test]
    fn a_kind_of_later_times_is_refused_by_name() {
        let later = bincode::encode_to_vec(vec![Row { kind: 99, partition: [0; 3], payload: vec![] }], CONFIG).unwrap();
        assert_eq!(decode_page(&later).unwrap_err().code(), "store-row-newer");
    }
}
