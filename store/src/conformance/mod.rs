//! What every adapter has to pass, against the real thing.
//!
//! A *case* states one promise of a port and runs on a store that works. A *workload* drives a store
//! the way its users do, repeating and re-reading where an outcome is not known, so that it also runs
//! on a [`crate::Faulty`] one; it ends by checking that nothing was lost and nothing happened twice.
//! All ids are drawn anew, so any number of runs may share a server.
//!
//! [`records_conformance!`], [`blobs_conformance!`] and [`cache_conformance!`] make a test of each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a conformance suite is test code")]

pub mod access;
pub mod accounts;
pub mod backups;
pub mod blobs;
pub mod cache;
pub mod edits;
pub mod events;
pub mod hand;
pub mod intents;
pub mod leases;
pub mod projects;
pub mod runs;
pub mod uploads;
pub mod webhooks;
pub mod workloads;

use domain::account::SystemRole;
use domain::id::{AccountId, Digest, ProjectId, RunId, SessionId, TenantId, UploadId, WebhookId};
use domain::language::Language;
use domain::project::Actor;
use domain::run::{Progress, RunSettings, RunState, Stage};
use domain::webhook::WebhookEvents;
use uuid::Uuid;

use crate::rows::{
    AccountRow, Credential, LinkPurpose, MailedLink, NewSegment, OutboxEvent, OwnerId, ProjectRow, RevisionRow, RunRow,
    SessionRow, UploadRow, UploadState, WebhookRow,
};

/// Makes a `#[tokio::test]` of each case of the records port. The argument is a path of a function
/// `fn() -> (Arc<dyn Records>, Guard)`; the guard is dropped after the test.
#[macro_export]
macro_rules! records_conformance {
    ($open:path) => {
        $crate::conformance_tests! { $open, projects: [
            a_project_is_read_as_it_was_inserted,
            a_second_insert_conflicts_and_shows_the_first,
            an_update_needs_the_current_version,
            updating_a_missing_project_conflicts_with_nothing,
            a_list_is_one_tenants_newest_first_and_bounded,
            a_deleted_project_is_not_listed_and_can_be_removed,
            acts_are_kept_with_the_change_that_they_name,
            old_acts_make_room_for_new_ones,
        ]}
        $crate::conformance_tests! { $open, edits: [
            edits_are_numbered_and_read_in_order,
            an_edit_made_for_another_version_changes_nothing,
            an_edit_that_is_repeated_stands_once,
            edits_go_with_their_run,
        ]}
        $crate::conformance_tests! { $open, runs: [
            a_run_starts_with_its_events,
            an_update_numbers_segments_and_events,
            a_stale_update_changes_nothing_at_all,
            a_fenced_update_is_refused_after_takeover,
            a_fence_fails_once_its_lease_is_released_or_gone,
            an_update_of_a_missing_run_says_so,
            an_oversized_batch_is_refused_whole,
            an_outbox_is_trimmed_and_goes_on_counting,
            removing_a_run_leaves_nothing_of_it,
        ]}
        $crate::conformance_tests! { $open, events: [
            an_empty_log_starts_at_one,
            an_append_moves_head_and_watermark,
            a_repeated_append_writes_nothing,
            a_stale_append_conflicts_and_shows_the_head,
            an_append_that_leaves_a_gap_is_refused,
            a_log_is_read_from_any_point_in_bounded_pieces,
            a_removed_log_starts_over,
        ]}
        $crate::conformance_tests! { $open, uploads: [
            an_upload_is_read_as_it_was_inserted,
            of_two_writers_at_one_offset_one_goes_on,
            an_upload_keeps_its_digest_and_its_project,
            a_row_that_no_upload_can_have_is_refused_whole,
            uploads_are_listed_oldest_first_and_bounded,
            a_removed_upload_is_gone_and_late_writers_are_told,
        ]}
        $crate::conformance_tests! { $open, webhooks: [
            a_webhook_is_read_as_it_was_inserted_with_what_it_is_not_told,
            of_two_that_begin_an_attempt_one_does,
            a_row_that_no_webhook_can_have_is_refused_whole,
            webhooks_are_listed_oldest_first_and_bounded,
            a_removed_webhook_leaves_nothing_and_late_attempts_are_told,
        ]}
        $crate::conformance_tests! { $open, accounts: [
            an_account_is_read_as_it_was_inserted_with_what_was_done,
            of_two_that_change_an_account_one_does,
            a_row_that_no_account_can_have_is_refused_whole,
            an_accounts_log_is_read_newest_first_and_bounded,
            accounts_are_listed_in_the_order_of_their_ids_and_bounded,
            of_two_that_want_an_address_one_gets_it,
            an_address_is_left_by_its_own_account_only,
            the_node_is_claimed_once,
            an_account_is_removed_with_its_log_and_listed_until_then,
            what_the_node_writes_down_is_read_newest_first_by_period_and_stays,
            of_two_that_want_an_identity_one_gets_it_and_it_alone_leaves_it,
        ]}
        $crate::conformance_tests! { $open, access: [
            who_has_a_project_is_read_as_it_was_written,
            of_many_that_change_who_has_a_project_each_counts_once,
            a_row_that_no_project_can_have_is_refused_whole,
            what_an_account_was_given_is_changed_by_one_at_a_time,
        ]}
        $crate::conformance_tests! { $open, hand: [
            what_is_at_hand_is_what_is_there,
            whoever_looks_after_a_change_was_answered_finds_it,
            a_change_that_nobody_waited_for_is_found_too,
            what_is_imported_takes_the_place_of_what_was_at_hand,
        ]}
        $crate::conformance_tests! { $open, leases: [
            a_lease_is_taken_once,
            a_renewal_defeats_a_challenger_who_saw_less,
            a_takeover_raises_the_term_and_defeats_the_old_holder,
            a_released_lease_keeps_its_term,
            the_schedulers_lease_is_apart_from_the_runs,
            of_many_challengers_one_wins,
        ]}
        $crate::conformance_tests! { $open, intents: [
            intents_are_listed_oldest_first_until_removed,
            an_intent_put_twice_is_one,
            a_shard_out_of_range_is_refused,
        ]}
        $crate::conformance_tests! { $open, backups: [
            an_export_holds_every_kind_of_row_and_an_import_gives_them_back,
            an_export_is_read_to_its_end_while_others_write,
            migrating_what_is_up_to_date_changes_nothing,
        ]}
        $crate::conformance_tests! { $open, workloads: [
            every_update_counts_once,
            every_event_gets_one_number,
            every_edit_gets_one_version,
            every_segment_is_named_once_whoever_holds_the_run,
            every_chunk_is_taken_once_whoever_sends,
            every_address_gets_one_account,
        ]}
    };
}

/// Makes a `#[tokio::test]` of each case of the blobs port; see [`records_conformance!`].
#[macro_export]
macro_rules! blobs_conformance {
    ($open:path) => {
        $crate::conformance_tests! { $open, blobs: [
            a_blob_is_read_as_it_was_put,
            an_empty_blob_is_a_blob,
            a_blob_in_many_pieces_is_one,
            the_same_bytes_are_one_blob_however_often_they_are_put,
            a_blob_over_the_limit_is_refused_and_leaves_nothing,
            bytes_that_are_not_what_was_announced_are_refused,
            a_source_that_breaks_off_leaves_nothing,
            a_range_is_cut_to_the_blob,
            a_missing_blob_is_named,
            a_reader_may_bound_what_it_takes,
            scopes_share_nothing,
            a_scope_that_was_prepared_is_as_any_other,
            a_linked_blob_outlives_the_scope_that_it_came_from,
            a_link_takes_the_place_of_a_blob_that_is_there,
            only_what_is_there_can_be_linked,
            deleting_is_idempotent,
            scopes_and_blobs_are_listed_in_order_and_in_pages,
            a_blob_that_is_put_or_linked_again_has_changed,
            while_blobs_are_held_none_is_removed,
            only_what_is_old_is_removed_as_old,
            a_healthy_store_says_how_it_feels,
            a_sweep_leaves_a_put_under_way_alone,
        ]}
    };
}

/// Makes a `#[tokio::test]` of each case of the cache port; see [`records_conformance!`].
#[macro_export]
macro_rules! cache_conformance {
    ($open:path) => {
        $crate::conformance_tests! { $open, cache: [
            a_value_is_read_as_it_was_put_last,
            a_value_is_gone_when_its_time_is_over_and_a_new_one_has_a_time_of_its_own,
            what_is_too_large_is_refused_and_the_bounds_themselves_fit,
            a_bucket_gives_what_it_holds_and_no_more_however_many_take,
            a_bucket_refills_by_and_by,
            who_is_subscribed_hears_what_is_published_in_order_and_nobody_else_does,
            a_slow_subscriber_is_told_that_it_missed_some_and_goes_on,
            a_healthy_cache_says_how_it_feels,
        ]}
    };
}

/// The part that both suites share.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($open:path, $module:ident: [$($case:ident),* $(,)?]) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (store, _guard) = $open();
                $crate::conformance::$module::$case(store).await;
            })*
        }
    };
}

/// A number that nobody else has.
fn fresh() -> u128 {
    Uuid::new_v4().as_u128()
}

/// A project's row, of a tenant of its own unless one is given.
pub fn project_row(tenant: TenantId) -> ProjectRow {
    ProjectRow {
        tenant,
        project: ProjectId(fresh()),
        version: 0,
        name: None,
        description: String::new(),
        archived: false,
        book: RevisionRow {
            title: "Nights on the ferry".into(),
            authors: vec![],
            language: None,
            format: None,
            file_name: "nights.epub".into(),
            digest: Digest::of(b"a book"),
            bytes: 6,
            added_ms: 1_000,
        },
        earlier_books: vec![],
        created_ms: 1_000,
        changed_ms: 1_000,
        demo: false,
        trash: None,
        deleted: false,
        run: None,
        earlier_runs: vec![],
    }
}

/// A run's row, of a project of its own.
pub fn run_row() -> RunRow {
    RunRow {
        tenant: TenantId(fresh()),
        project: ProjectId(fresh()),
        run: RunId(fresh()),
        version: 0,
        state: RunState::Received,
        progress: Progress::default(),
        warnings: vec![],
        manifest: None,
        segments: 0,
        artefacts: vec![],
        created_ms: 1_000,
        outbox_next: 0,
        revision: 1,
        settings: RunSettings::default(),
        of: None,
        by: Actor::Local,
        ended_ms: None,
    }
}

/// An upload's row, of a tenant of its own unless one is given.
pub fn upload_row(tenant: TenantId) -> UploadRow {
    UploadRow {
        tenant,
        upload: UploadId(fresh()),
        version: 0,
        file_name: "nights.epub".into(),
        metadata: "filename bmlnaHRzLmVwdWI=".into(),
        length: 40,
        expected: None,
        created_ms: 1_000,
        expires_ms: 2_000,
        state: UploadState::Receiving { chunks: vec![] },
    }
}

/// A webhook's row, of a tenant of its own unless one is given.
pub fn webhook_row(tenant: TenantId) -> WebhookRow {
    WebhookRow {
        tenant,
        webhook: WebhookId(fresh()),
        version: 0,
        url: "https://example.org/hook".into(),
        projects: None,
        events: WebhookEvents::States,
        created_ms: 1_000,
        off: None,
        failing_since_ms: None,
        pending: None,
        log: vec![],
    }
}

/// An account's row, with an address of its own.
pub fn account_row() -> AccountRow {
    let account = AccountId(fresh());
    let session = SessionRow {
        session: SessionId(fresh()),
        secret: [7; 32],
        began_ms: 1_000,
        seen_ms: 2_000,
        proved_ms: 1_500,
        agent: "a browser".into(),
        address: "192.0.2.7".into(),
    };
    let email = format!("{account}@example.org");
    let link = MailedLink { purpose: LinkPurpose::Reset, secret: [8; 32], email: email.clone(), expires_ms: 3_000 };
    AccountRow {
        account,
        version: 0,
        tenant: TenantId(fresh()),
        email,
        confirmed: true,
        name: "Anna".into(),
        language: Language::Fr,
        role: SystemRole::Operator,
        created_ms: 1_000,
        credentials: vec![Credential::Password { phc: "$argon2id$".into(), set_ms: 1_000 }],
        sessions: vec![session],
        links: vec![link],
        leaving: None,
        avatar: None,
        export: None,
    }
}

/// An owner that nobody else is.
pub fn owner() -> OwnerId {
    OwnerId(fresh())
}

/// An event that `passages_done` tells from others.
fn event(passages_done: u32) -> OutboxEvent {
    OutboxEvent {
        state: RunState::Working { stage: Stage::Understanding },
        progress: Progress { passages_done, ..Progress::default() },
    }
}

/// A segment that `items` tells from others.
fn segment(items: u32) -> NewSegment {
    NewSegment { digest: Digest::of(&items.to_le_bytes()), items, tokens: u64::from(items) * 100 }
}
