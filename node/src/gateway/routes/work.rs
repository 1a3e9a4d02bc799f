//! Routes of projects and all that they hold.

use super::*;

/// Routes of projects, their revisions, and uploads.
#[rustfmt::skip]
pub(super) fn of_projects() -> Vec<Route> {
    use Content::{Bytes, BytesOf, Empty, Json, MergePatch, Picture};
    use Permission::{ProjectMember, ProjectOwn, ProjectRead, ProjectWrite, Public, Tenant};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "listProjects", method: get(), path: "/api/v1/projects", about: "A page of the projects: filtered, searched and sorted.",
            permission: Tenant, limits: NO_BODY, params: LIST, request: Empty, response: (200, Json(schema::<ProjectAsPage>)), handler: handler!(projects::list) },
        Route { id: "createProject", method: post(), path: "/api/v1/projects", about: "Upload a book: it is checked, kept, and its first run starts.",
            permission: Tenant, limits: UPLOAD, params: &[NAME, UPLOAD_ID], request: Bytes, response: (201, Json(schema::<ProjectView>)), handler: handler!(handlers::create) },
        Route { id: "uploadOptions", method: Method::OPTIONS, path: "/api/v1/uploads", about: "What the tus protocol can do here.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (204, Empty), handler: handler!(uploads::options) },
        Route { id: "createUpload", method: post(), path: "/api/v1/uploads", about: "Begin an upload that can be gone on with (tus 1.0.0).",
            permission: Tenant, limits: CHANGE, params: &[TUS, LENGTH, METADATA], request: Empty, response: (201, Json(schema::<UploadView>)), handler: handler!(uploads::create) },
        Route { id: "uploadOptionsOfOne", method: Method::OPTIONS, path: "/api/v1/uploads/{upload}", about: "The same.",
            permission: Public, limits: NO_BODY, params: &[], request: Empty, response: (204, Empty), handler: handler!(uploads::options) },
        Route { id: "getUpload", method: get(), path: "/api/v1/uploads/{upload}", about: "How far an upload is; HEAD says it in headers alone.",
            permission: Tenant, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<UploadView>)), handler: handler!(uploads::get) },
        Route { id: "appendUpload", method: Method::PATCH, path: "/api/v1/uploads/{upload}", about: "Send the next part of an upload; whatever comes before the connection breaks is kept.",
            permission: Tenant, limits: PART, params: &[TUS, OFFSET, CHECKSUM], request: BytesOf(tus::PART), response: (204, Empty), handler: handler!(uploads::append) },
        Route { id: "removeUpload", method: Method::DELETE, path: "/api/v1/uploads/{upload}", about: "Give an upload up.",
            permission: Tenant, limits: CHANGE, params: &[TUS], request: Empty, response: (204, Empty), handler: handler!(uploads::remove) },
        Route { id: "getProject", method: get(), path: "/api/v1/projects/{project}", about: "One project, with its ETag.",
            permission: ProjectRead, limits: NO_BODY, params: &[IF_NONE_MATCH], request: Empty, response: (200, Json(schema::<ProjectAs>)), handler: handler!(projects::get) },
        Route { id: "changeProject", method: Method::PATCH, path: "/api/v1/projects/{project}", about: "Name, describe or archive a project.",
            permission: ProjectWrite, limits: SMALL_BODY, params: &[IF_MATCH], request: MergePatch(schema::<ProjectPatch>), response: (200, Json(schema::<ProjectAs>)), handler: handler!(projects::patch) },
        Route { id: "deleteProject", method: Method::DELETE, path: "/api/v1/projects/{project}", about: "Delete a project with all that it holds; for a while that can be undone.",
            permission: ProjectOwn, limits: CHANGE, params: &[IF_MATCH, ERASE], request: Empty, response: (204, Empty), handler: handler!(projects::delete) },
        Route { id: "restoreProject", method: post(), path: "/api/v1/projects/{project}/restore", about: "Undo the deletion of a project.",
            permission: ProjectOwn, limits: CHANGE, params: &[], request: Empty, response: (200, Json(schema::<ProjectAs>)), handler: handler!(projects::restore) },
        Route { id: "cover", method: get(), path: "/api/v1/projects/{project}/cover", about: "The cover of the book, made small, in the best format that `Accept` names.",
            permission: ProjectRead, limits: THOROUGH, params: COVER, request: Empty, response: (200, Picture), handler: handler!(keeping::cover) },
        Route { id: "activity", method: get(), path: "/api/v1/projects/{project}/activity", about: "Who did what to the project, newest first.",
            permission: ProjectMember, limits: NO_BODY, params: ACTIVITY, request: Empty, response: (200, Json(schema::<ActivityPage>)), handler: handler!(projects::activity) },
        Route { id: "listRevisions", method: get(), path: "/api/v1/projects/{project}/revisions", about: "The files that were given as the project's book, newest first.",
            permission: ProjectRead, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<RevisionList>)), handler: handler!(projects::revisions) },
        Route { id: "addRevision", method: post(), path: "/api/v1/projects/{project}/revisions", about: "Upload another file as the project's book: it is checked, kept, and its analysis starts.",
            permission: ProjectWrite, limits: UPLOAD, params: &[NAME, UPLOAD_ID], request: Bytes, response: (201, Json(schema::<ProjectAs>)), handler: handler!(projects::revise) },
        Route { id: "revisionFile", method: get(), path: "/api/v1/projects/{project}/revisions/{revision}/file", about: "The file of a revision, as it was given.",
            permission: ProjectRead, limits: NO_BODY, params: FILE, request: Empty, response: (200, Bytes), handler: handler!(projects::revision_file) },
    ]
}

/// Routes of runs, storyboards and files.
#[rustfmt::skip]
pub(super) fn of_runs() -> Vec<Route> {
    use Content::{Bytes, Empty, Events, Json, OptionalJson};
    use Permission::{ProjectOwn, ProjectRead, ProjectWrite, Public};
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        Route { id: "listRuns", method: get(), path: "/api/v1/projects/{project}/runs", about: "The runs of the project that are kept, newest first: at most 101.",
            permission: ProjectRead, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<RunList>)), handler: handler!(projects::runs) },
        Route { id: "startRun", method: post(), path: "/api/v1/projects/{project}/runs", about: "Analyse the book again, with other settings or an earlier revision if so asked.",
            permission: ProjectWrite, limits: SMALL_BODY, params: &[], request: OptionalJson(schema::<RunRequest>), response: (201, Json(schema::<Run>)), handler: handler!(projects::start_run) },
        Route { id: "getRun", method: get(), path: "/api/v1/projects/{project}/runs/{run}", about: "One run.",
            permission: ProjectRead, limits: NO_BODY, params: &[], request: Empty, response: (200, Json(schema::<Run>)), handler: handler!(projects::run) },
        Route { id: "retryRun", method: post(), path: "/api/v1/projects/{project}/runs/{run}/retry", about: "Try a run again that failed or was cancelled: what it has done is taken over.",
            permission: ProjectWrite, limits: CHANGE, params: &[], request: Empty, response: (201, Json(schema::<Run>)), handler: handler!(projects::retry_run) },
        Route { id: "auditRun", method: get(), path: "/api/v1/projects/{project}/runs/{run}/audit", about: "Whether every item of the run stands in exactly one of its segments.",
            permission: ProjectRead, limits: THOROUGH.counted(Rate::Costly), params: &[], request: Empty, response: (200, Json(schema::<RunAudit>)), handler: handler!(projects::audit) },
        Route { id: "runFile", method: get(), path: "/api/v1/projects/{project}/runs/{run}/files/{name}", about: "A file of this run, as the run made it.",
            permission: ProjectRead, limits: NO_BODY, params: FILE, request: Empty, response: (200, Bytes), handler: handler!(projects::run_file) },
        Route { id: "cancelRun", method: post(), path: "/api/v1/projects/{project}/runs/{run}/cancel", about: "Stop a run; one that has ended stays as it is.",
            permission: ProjectWrite, limits: CHANGE, params: &[], request: Empty, response: (200, Json(schema::<RunView>)), handler: handler!(handlers::cancel_run) },
        Route { id: "events", method: get(), path: "/api/v1/projects/{project}/events", about: "The project's events as they happen: event `run`, its sequence number as id.",
            permission: ProjectRead, limits: NO_BODY, params: &[AFTER, LAST_EVENT_ID], request: Empty, response: (200, Events(schema::<RunEvent>)), handler: handler!(events::stream) },
        Route { id: "storyboard", method: get(), path: "/api/v1/projects/{project}/storyboard", about: "The newest finished storyboard as it stands with its edits, or as it stood.",
            permission: ProjectRead, limits: THOROUGH, params: &[RUN, VERSION, IF_NONE_MATCH], request: Empty, response: (200, Json(schema::<EditedStoryboard>)), handler: handler!(edits::storyboard) },
        Route { id: "listEdits", method: get(), path: "/api/v1/projects/{project}/storyboard/edits", about: "The edits of the storyboard, one a version.",
            permission: ProjectRead, limits: NO_BODY, params: EDITS, request: Empty, response: (200, Json(schema::<EditPage>)), handler: handler!(edits::list) },
        Route { id: "editStoryboard", method: post(), path: "/api/v1/projects/{project}/storyboard/edits", about: "Change the storyboard, if it is at the version that the change was made for.",
            permission: ProjectWrite, limits: SMALL_BODY, params: &[], request: Json(schema::<EditRequest>), response: (200, Json(schema::<EditState>)), handler: handler!(edits::edit) },
        Route { id: "undoEdit", method: post(), path: "/api/v1/projects/{project}/storyboard/undo", about: "Take the newest change back.",
            permission: ProjectWrite, limits: SMALL_BODY, params: &[], request: Json(schema::<UndoRequest>), response: (200, Json(schema::<EditState>)), handler: handler!(edits::undo) },
        Route { id: "redoEdit", method: post(), path: "/api/v1/projects/{project}/storyboard/redo", about: "Bring the change back that was last taken back.",
            permission: ProjectWrite, limits: SMALL_BODY, params: &[], request: Json(schema::<UndoRequest>), response: (200, Json(schema::<EditState>)), handler: handler!(edits::redo) },
        Route { id: "file", method: get(), path: "/api/v1/projects/{project}/files/{name}", about: "A file of the newest finished run: `storyboard.json` or `storyboard.html`, with their edits, or `book.json`.",
            permission: ProjectRead, limits: NO_BODY, params: FILE, request: Empty, response: (200, Bytes), handler: handler!(handlers::file) },
        Route { id: "linkFile", method: post(), path: "/api/v1/projects/{project}/files/{name}/link", about: "Sign an address of the file as it is now, for whoever is given it.",
            permission: ProjectOwn, limits: CHANGE, params: &[VALID], request: Empty, response: (201, Json(schema::<FileLink>)), handler: handler!(handlers::link) },
        Route { id: "signedFile", method: get(), path: "/api/v1/files/{token}", about: "A file by its signed address.",
            permission: Public, limits: NO_BODY, params: FILE, request: Empty, response: (200, Bytes), handler: handler!(handlers::signed_file) },
    ]
}
