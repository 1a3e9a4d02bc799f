//! What to do next for a file to arrive whole, whatever happens to the line, the node or the page. Pure: the requests
//! themselves are made elsewhere, and their answers told to the machine.

use domain::id::{ProjectId, UploadId};

use crate::api::ApiError;

/// Bytes of a part. The node keeps each as it comes; less is sent anew after a break, more makes fewer requests.
pub const PART_BYTES: u64 = 4 << 20;
/// Tries in a row that bring nothing before the visitor is asked: about an hour.
const FAILURES_MAX: u32 = 360;
/// Waits between two tries grow up to this.
const LONGEST_WAIT_MS: u32 = 10_000;
/// How often a file is begun again from its first byte because the node has dropped what it had.
const RESTARTS_MAX: u32 = 1;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Begin an upload.
    Create,
    /// Ask how far it is.
    Ask(UploadId),
    /// Send these bytes.
    Send { upload: UploadId, from: u64, to: u64 },
    /// Have the node take the whole file as a book.
    Finish(UploadId),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Created(UploadId),
    /// So many bytes are kept.
    At(u64),
    /// The book is the project's.
    Taken(ProjectId),
    Failed(ApiError),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Do(Step),
    /// Wait, since `error` passes, then go on.
    Wait {
        ms: u32,
        then: Step,
        error: ApiError,
    },
    Done(ProjectId),
    /// It can't go on by itself.
    Stop {
        error: ApiError,
        /// What was sent is still good: another try goes on from there.
        keep: bool,
    },
}

/// One file on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    size: u64,
    upload: Option<UploadId>,
    offset: u64,
    failures: u32,
    restarts: u32,
}

impl Machine {
    /// For a file of so many bytes, part of which the node has if the upload is known.
    pub fn new(size: u64, known: Option<UploadId>) -> Self {
        Self { size, upload: known, offset: 0, failures: 0, restarts: 0 }
    }

    /// The first request.
    pub fn first(&self) -> Step {
        self.upload.map_or(Step::Create, Step::Ask)
    }

    /// Bytes that the node has, for all that is known.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What follows from how `step` ended.
    pub fn heard(&mut self, step: Step, heard: Heard) -> Next {
        match heard {
            Heard::Created(upload) => {
                (self.upload, self.offset, self.failures) = (Some(upload), 0, 0);
                Next::Do(self.onwards(upload))
            }
            Heard::At(offset) => {
                if offset > self.offset {
                    self.failures = 0;
                }
                self.offset = offset;
                Next::Do(self.upload.map_or(Step::Create, |upload| self.onwards(upload)))
            }
            Heard::Taken(project) => Next::Done(project),
            Heard::Failed(error) => self.failed(step, error),
        }
    }

    fn onwards(&self, upload: UploadId) -> Step {
        if self.offset >= self.size {
            return Step::Finish(upload);
        }
        Step::Send { upload, from: self.offset, to: (self.offset + PART_BYTES).min(self.size) }
    }

    fn failed(&mut self, step: Step, error: ApiError) -> Next {
        let gone = matches!(error.code(), "upload-not-found" | "upload-expired");
        if gone && self.restarts < RESTARTS_MAX {
            self.restarts += 1;
            (self.upload, self.offset) = (None, 0);
            return Next::Do(Step::Create);
        }
        self.failures += 1;
        if !passes(&error) || self.failures > FAILURES_MAX {
            return Next::Stop { keep: self.upload.is_some() && keeps(&error), error };
        }
        let then = match step {
            // How much of the part has come is the node's to say.
            Step::Send { upload, .. } => Step::Ask(upload),
            Step::Finish(upload) if error.code() == "upload-incomplete" => Step::Ask(upload),
            other => other,
        };
        let ms = 500_u32.saturating_mul(1 << (self.failures - 1).min(5)).min(LONGEST_WAIT_MS);
        Next::Wait { ms, then, error }
    }
}

/// The same request may do better later.
fn passes(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable => true,
        // A proxy, or a node that is just starting.
        ApiError::Unexpected { status } => *status >= 500,
        ApiError::Unreadable => false,
        ApiError::Refused(problem) => match &*problem.code {
            "upload-offset-mismatch"
            | "upload-busy"
            | "upload-broken"
            | "upload-incomplete"
            | "checksum-mismatch"
            | "conflict"
            | "store-full"
            | "stopping"
            | "unavailable"
            | "not-ready" => true,
            _ => problem.status == 503,
        },
    }
}

/// What the node has of the file outlives this refusal.
fn keeps(error: &ApiError) -> bool {
    let code = error.code();
    let is_no_book = code.starts_with("book-") && code != "book-timeout";
    !is_no_book
        && !matches!(code, "revision-unchanged" | "upload-not-found" | "upload-expired" | "upload-digest-mismatch")
}

#[cfg(test)]
mod tests {
    use domain::api::Problem;

    use super::*;

    const UPLOAD: UploadId = UploadId(7);
    const SIZE: u64 = 2 * PART_BYTES + 5;

    fn refused(status: u16, code: &str) -> Heard {
        let (kind, title, detail, instance) = (String::new(), String::new(), "why".to_owned(), String::new());
        let problem = Problem { kind, title, status, code: code.to_owned(), detail, instance };
        Heard::Failed(ApiError::Refused(Box::new(problem)))
    }

    fn sending(from: u64, to: u64) -> Step {
        Step::Send { upload: UPLOAD, from, to }
    }

    fn after(next: Next) -> Step {
        match next {
            Next::Do(step) | Next::Wait { then: step, .. } => step,
            other => panic!("it does not go on: {other:?}"),
        }
    }

    #[test]
    fn a_file_goes_up_part_by_part_and_becomes_a_book() {
        let mut machine = Machine::new(SIZE, None);
        assert_eq!(machine.first(), Step::Create);
        assert_eq!(machine.heard(Step::Create, Heard::Created(UPLOAD)), Next::Do(sending(0, PART_BYTES)));
        let next = machine.heard(sending(0, PART_BYTES), Heard::At(PART_BYTES));
        assert_eq!(next, Next::Do(sending(PART_BYTES, 2 * PART_BYTES)));
        let next = machine.heard(sending(PART_BYTES, 2 * PART_BYTES), Heard::At(2 * PART_BYTES));
        assert_eq!(next, Next::Do(sending(2 * PART_BYTES, SIZE)));
        let next = machine.heard(sending(2 * PART_BYTES, SIZE), Heard::At(SIZE));
        assert_eq!(next, Next::Do(Step::Finish(UPLOAD)));
        assert_eq!(machine.heard(Step::Finish(UPLOAD), Heard::Taken(ProjectId(1))), Next::Done(ProjectId(1)));
    }

    #[test]
    fn a_known_upload_goes_on_from_where_the_node_says() {
        let mut machine = Machine::new(SIZE, Some(UPLOAD));
        assert_eq!(machine.first(), Step::Ask(UPLOAD));
        assert_eq!(machine.heard(Step::Ask(UPLOAD), Heard::At(3)), Next::Do(sending(3, PART_BYTES + 3)));
        assert_eq!(machine.heard(Step::Ask(UPLOAD), Heard::At(SIZE)), Next::Do(Step::Finish(UPLOAD)));
    }

    #[test]
    fn a_part_that_breaks_off_is_asked_for_after_a_wait_that_grows_up_to_a_bound() {
        let mut machine = Machine::new(SIZE, Some(UPLOAD));
        let mut waits = Vec::new();
        let mut step = sending(0, PART_BYTES);
        for _ in 0..8 {
            let next = machine.heard(step, Heard::Failed(ApiError::Unreachable));
            let Next::Wait { ms, then, .. } = next else { panic!("expected a wait: {next:?}") };
            assert_eq!(then, Step::Ask(UPLOAD));
            waits.push(ms);
            step = then;
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
        // Progress makes the next trouble a first one again.
        machine.heard(step, Heard::At(10));
        let next = machine.heard(sending(10, 20), refused(423, "upload-busy"));
        assert!(matches!(next, Next::Wait { ms: 500, .. }), "{next:?}");
    }

    #[test]
    fn a_file_that_the_node_has_dropped_is_begun_again_once() {
        let mut machine = Machine::new(SIZE, Some(UPLOAD));
        assert_eq!(machine.heard(Step::Ask(UPLOAD), refused(404, "upload-not-found")), Next::Do(Step::Create));
        assert_eq!(after(machine.heard(Step::Create, Heard::Created(UPLOAD))), sending(0, PART_BYTES));
        let next = machine.heard(sending(0, PART_BYTES), refused(410, "upload-expired"));
        assert!(matches!(next, Next::Stop { keep: false, .. }), "{next:?}");
    }

    #[test]
    fn what_no_other_try_mends_stops_at_once_and_says_whether_the_bytes_are_still_good() {
        let kept =
            |status, code| match Machine::new(SIZE, Some(UPLOAD)).heard(Step::Finish(UPLOAD), refused(status, code)) {
                Next::Stop { keep, .. } => Some(keep),
                _ => None,
            };
        assert_eq!(kept(422, "book-not-a-book"), Some(false));
        assert_eq!(kept(409, "revision-unchanged"), Some(false));
        assert_eq!(kept(409, "run-in-progress"), Some(true));
        assert_eq!(kept(413, "quota-exceeded"), Some(true));
        assert_eq!(kept(422, "book-timeout"), Some(true));
        let next = Machine::new(SIZE, None).heard(Step::Create, refused(413, "quota-exceeded"));
        assert!(matches!(next, Next::Stop { keep: false, .. }), "nothing was sent yet: {next:?}");
    }

    #[test]
    fn a_full_disk_and_a_starting_node_are_waited_for_but_not_for_ever() {
        let mut machine = Machine::new(SIZE, Some(UPLOAD));
        assert_eq!(after(machine.heard(sending(0, 9), refused(507, "store-full"))), Step::Ask(UPLOAD));
        assert_eq!(after(machine.heard(Step::Finish(UPLOAD), refused(503, "unavailable"))), Step::Finish(UPLOAD));
        let ended = (0..1_000).any(|_| {
            let next = machine.heard(Step::Ask(UPLOAD), Heard::Failed(ApiError::Unreachable));
            matches!(next, Next::Stop { keep: true, .. })
        });
        assert!(ended);
    }
}
