//! The one table of routes. The filters and the OpenAPI document are both made from it, so neither can
//! know of a route, a limit or a type that the other does not.

use std::future::Future;
use std::pin::Pin;

use domain::api::{FileLink, NodeInfo, ProjectView, RunView};
use domain::api_key::KeyScope;
use domain::edit::{EditPage, EditRequest, EditState, EditedStoryboard, UndoRequest};
use domain::health::{BackupRequest, Jobs, MeasuredHealth, MigrationsRun, NodeHealth, SweepReport};
use domain::project::{ActivityPage, ProjectPatch, RevisionList, Run, RunAudit, RunList, RunRequest};
use domain::run::RunEvent;
use domain::scheduling::{DeviceLoad, SchedulingView, SchedulingWaits, TenantShare};
use domain::sharing::{ProjectAs, ProjectAsPage};
use domain::upload::UploadView;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use warp::http::Method;
use warp::reply::Response;

use super::problem::ApiError;
use super::rates::Rate;
use super::{Request, devices, edits, events, handlers, keeping, metrics, projects, reference, tus, uploads};

/// What a handler gives: a response, or an error that becomes a problem.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anybody that reaches the node: health, the document itself, ways to sign in.
    Public,
    /// Whoever is signed in to an account, confirmed or not, for that account.
    Account,
    /// The same, who said its password within ten minutes.
    Recent,
    /// Any principal, for its own tenant.
    Tenant,
    /// A principal that can see the project, if only by a share link.
    ProjectRead,
    /// A member of the project, in any role.
    ProjectMember,
    /// A principal that can change the project.
    ProjectWrite,
    /// An owner of the project.
    ProjectOwn,
    /// Whoever runs the node.
    Operator,
    /// Whoever says who may: what is about other accounts, or holds every book.
    Admin,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct RouteLimits {
    /// Largest body; `None` where the node's upload limit holds.
    pub body_bytes: Option<u64>,
    /// How long the core may take for its answer.
    pub deadline_ms: u64,
    /// What it is counted as.
    pub rate: Rate,
}

impl RouteLimits {
    /// The same, counted as something else.
    const fn counted(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }
}

/// Bodies that say nothing, where something is only looked at.
const NO_BODY: RouteLimits = RouteLimits { body_bytes: Some(0), deadline_ms: 10_000, rate: Rate::Light };
/// The same, where something is changed.
const CHANGE: RouteLimits = NO_BODY.counted(Rate::Change);
/// The same, where it is looked whether the node is well.
const PROBE: RouteLimits = NO_BODY.counted(Rate::Free);
/// A part of a book; with the last one the whole of it is put together.
const PART: RouteLimits = UPLOAD.counted(Rate::Light);
/// A whole book, checked before it is acknowledged.
const UPLOAD: RouteLimits = RouteLimits { body_bytes: None, deadline_ms: 120_000, rate: Rate::Costly };
/// A few words.
const SMALL_BODY: RouteLimits = RouteLimits { body_bytes: Some(64 << 10), deadline_ms: 10_000, rate: Rate::Change };
/// Everything that a project holds is looked at.
const THOROUGH: RouteLimits = RouteLimits { body_bytes: Some(0), deadline_ms: 60_000, rate: Rate::Light };

/// Every blob may be looked at.
const SWEEP: RouteLimits = RouteLimits { body_bytes: Some(0), deadline_ms: 600_000, rate: Rate::Costly };

/// What a body is made of.
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON of a documented type.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// The same, a secret among it: it is told this once, and kept for nobody.
    JsonOnce(fn(&mut SchemaGenerator) -> Schema),
    /// The same now, or with 202 and a `Location` later.
    JsonOrLater(fn(&mut SchemaGenerator) -> Schema),
    /// The same, or nothing.
    OptionalJson(fn(&mut SchemaGenerator) -> Schema),
    /// A JSON merge patch (RFC 7396) of a documented type.
    MergePatch(fn(&mut SchemaGenerator) -> Schema),
    /// Bytes as they are.
    Bytes,
    /// Bytes of a named media type.
    BytesOf(&'static str),
    /// A picture in one of a few formats.
    Picture,
    /// Lines for programs to scrape.
    Text,
    /// Messages of a WebSocket, JSON of documented types: what is said, and what is told.
    WebSocket(fn(&mut SchemaGenerator) -> Schema, fn(&mut SchemaGenerator) -> Schema),
    /// Server-sent events, each with JSON of a documented type.
    Events(fn(&mut SchemaGenerator) -> Schema),
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A query or header parameter.
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// `query` or `header`.
    pub place: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for.
    pub about: &'static str,
    /// What it can be: `string`, `integer`, `boolean`, `uuid`, `=one` word, the words of `one|another`, the whole
    /// numbers of `1..500`, a text of at most `..200` characters, or one of the form `/[a-z]*/`.
    pub kind: &'static str,
}

/// One route.
pub struct Route {
    /// Stable name, the OpenAPI operation id.
    pub id: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path with `{names}`.
    pub path: &'static str,
    /// One line for the document.
    pub about: &'static str,
    /// Who may use it.
    pub permission: Permission,
    /// What it may cost.
    pub limits: RouteLimits,
    /// Parameters besides the path's.
    pub params: &'static [Param],
    /// What comes in.
    pub request: Content,
    /// Status of success, and what goes out with it.
    pub response: (u16, Content),
    /// What it does.
    pub handler: fn(Request) -> Answer,
}

impl Route {
    /// Whether it makes something of a tenant's that stays, so that a request which is sent again is to make nothing
    /// more. What opens a session is for one reader only: it is kept for nobody, and made anew each time.
    pub fn creates(&self) -> bool {
        use Permission::{ProjectOwn, ProjectRead, ProjectWrite, Tenant};
        let is_of_a_tenant = matches!(self.permission, Tenant | ProjectRead | ProjectWrite | ProjectOwn);
        let is_told_once = matches!(self.response.1, Content::JsonOnce(_));
        self.method == Method::POST && self.response.0 == 201 && is_of_a_tenant && !is_told_once
    }
}

/// What a key has to be for, to use a route. An account is looked after by whoever is signed in to it, never by a
/// program with a key of it, which could make itself more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByKey {
    /// Anything.
    Any,
    /// This.
    Scope(KeyScope),
    /// No key will do.
    Never,
}

impl Route {
    /// What a key has to be for, to use it.
    pub fn by_key(&self) -> ByKey {
        let reads = self.method == Method::GET;
        match self.permission {
            Permission::Public => ByKey::Any,
            Permission::Account | Permission::Recent => ByKey::Never,
            // Who gives books away is somebody, and never a key.
            _ if self.is_of_sharing() && !reads => ByKey::Never,
            // What it tells signs messages in the node's name.
            Permission::Tenant if self.id == "webhookSecrets" => ByKey::Scope(KeyScope::Write),
            Permission::Tenant if reads => ByKey::Scope(KeyScope::Read),
            Permission::ProjectRead | Permission::ProjectMember => ByKey::Scope(KeyScope::Read),
            Permission::ProjectOwn if reads => ByKey::Scope(KeyScope::Read),
            Permission::Tenant | Permission::ProjectWrite | Permission::ProjectOwn => ByKey::Scope(KeyScope::Write),
            Permission::Operator => ByKey::Scope(KeyScope::Operate),
            Permission::Admin if self.id == "backup" => ByKey::Scope(KeyScope::Administer),
            Permission::Admin => ByKey::Never,
        }
    }

    /// Whether it is about who has a project.
    pub fn is_of_sharing(&self) -> bool {
        self.path.split('/').any(|part| ["members", "invitations", "links"].contains(&part))
    }
}

/// As many as there may be of anything.
const COUNT: &str = "0..18446744073709551615";
const NAME: Param = Param {
    name: "name",
    place: "query",
    required: false,
    about: "The file's name, such as `candide.epub`; needed where the body is the book.",
    kind: "string",
};
const UPLOAD_ID: Param = Param {
    name: "upload",
    place: "query",
    required: false,
    about: "Take the file of this upload, which is complete, instead of the body.",
    kind: "uuid",
};
const VALID: Param = Param {
    name: "valid_s",
    place: "query",
    required: false,
    about: "How long the address may be followed, seconds: at most a day; an hour unless told otherwise.",
    kind: "1..86400",
};
const RANGE: Param = Param {
    name: "range",
    place: "header",
    required: false,
    about: "One range of bytes: the answer is that part (206).",
    kind: "string",
};
const TUS: Param = Param {
    name: "tus-resumable",
    place: "header",
    required: true,
    about: "The protocol's version, `1.0.0`.",
    kind: "=1.0.0",
};
const LENGTH: Param = Param {
    name: "upload-length",
    place: "header",
    required: true,
    about: "Size of the whole file, bytes.",
    kind: COUNT,
};
const METADATA: Param = Param {
    name: "upload-metadata",
    place: "header",
    required: true,
    about: "Pairs of a key and a value in Base64; `filename` must be there, `sha256` may hold the file's digest.",
    kind: "string",
};
const OFFSET: Param = Param {
    name: "upload-offset",
    place: "header",
    required: true,
    about: "Where the part begins: where the upload stands.",
    kind: COUNT,
};
const CHECKSUM: Param = Param {
    name: "upload-checksum",
    place: "header",
    required: false,
    about: "`sha256`, a space, and the part's digest in Base64: a part that differs is not taken (460).",
    kind: "/sha256 [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=/",
};
const AFTER: Param = Param {
    name: "after",
    place: "query",
    required: false,
    about: "Sequence number of the last event that is known; default 0.",
    kind: COUNT,
};
const LAST_EVENT_ID: Param = Param {
    name: "last-event-id",
    place: "header",
    required: false,
    about: "The same, as browsers send it when they connect anew. Wins over `after`.",
    kind: COUNT,
};

const WEIGHT: Param = Param {
    name: "weight",
    place: "query",
    required: false,
    about: "Share against others that have work too, from 1 to 10,000: 200 gets twice the device time of 100, the default.",
    kind: "1..10000",
};
const LIMIT: Param = Param {
    name: "device_ms_per_s",
    place: "query",
    required: false,
    about: "At most so many milliseconds of device time a second, over all devices; 0 holds its queued work up. Left out for no limit.",
    kind: "0..4294967295",
};

const IF_MATCH: Param = Param {
    name: "if-match",
    place: "header",
    required: false,
    about: "The ETag that the change was made for: what people set must not have changed since.",
    kind: "/[^,]*/",
};
const IF_NONE_MATCH: Param = Param {
    name: "if-none-match",
    place: "header",
    required: false,
    about: "An ETag that is known: 304 if nothing has changed.",
    kind: "string",
};
const FILE: &[Param] = &[RANGE, IF_NONE_MATCH];
const ERASE: Param = query("erase", "=now", "`now`: nothing is to be undone.");

const fn query(name: &'static str, kind: &'static str, about: &'static str) -> Param {
    Param { name, place: "query", required: false, about, kind }
}

const LIST: &[Param] = &[
    query(
        "shown",
        "active|archived|all|deleted|shared",
        "`active` (the default), `archived`, `all` of these, `deleted`: those that can be restored, or `shared`: other people's that you are a member of.",
    ),
    query(
        "state",
        "received|working|ready|failed|cancelled",
        "Only those whose newest run is `received`, `working`, `ready`, `failed` or `cancelled`.",
    ),
    query("language", "en|fr", "Only books in `en` or `fr`."),
    query(
        "search",
        "..200",
        "Only those that hold all of these words, case and accents aside: at most 200 characters.",
    ),
    query("sort", "created|changed|name", "`created` (the default), `changed`, both newest first, or `name`."),
    query("reversed", "boolean", "The other way round."),
    query("limit", "1..500", "How many at most, 1 to 500; default 100."),
    query("cursor", "string", "The `next` of the page before; the other parameters must be the same."),
];
const RUN: Param = query("run", "uuid", "The run that composed it; the newest that finished unless one is named.");
const VERSION: Param = query("version", COUNT, "How many of the edits to take in; all unless a number is given.");
const EDITS: &[Param] = &[
    RUN,
    query("after", COUNT, "The last version that is known; default 0."),
    query("limit", "1..500", "How many at most, 1 to 500; default 100."),
];
const ACTIVITY: &[Param] = &[
    query("before", COUNT, "The `next` of the page before."),
    query("limit", "1..200", "How many at most, 1 to 200; default 50."),
];

const COVER: &[Param] = &[
    query(
        "size",
        "small|medium|large",
        "`small`, `medium` (the default) or `large`: it fits into a square of 128, 256 or 512 pixels.",
    ),
    IF_NONE_MATCH,
];
const SWEEPING: &[Param] = &[
    query("dry_run", "boolean", "Only say what would be removed."),
    query(
        "grace_s",
        "integer",
        "Leave what changed within so many seconds; what the node is set to unless told otherwise.",
    ),
];

macro_rules! handler {
    ($function:path) => {
        |request| Box::pin($function(request))
    };
}

mod accounts;
mod belongings;
mod credentials;
mod node;
mod reach;
mod sharing;
mod work;

/// All routes.
pub fn table() -> Vec<Route> {
    node::routes()
        .into_iter()
        .chain(work::of_projects())
        .chain(work::of_runs())
        .chain(reach::routes())
        .chain(accounts::routes())
        .chain(credentials::routes())
        .chain(sharing::routes())
        .chain(belongings::routes())
        .collect()
}

/// A route, and what its path's `{names}` stand for.
pub enum Found<'a> {
    /// The route.
    Route(&'a Route, Vec<String>),
    /// The path exists, but not with this method; these it has.
    OtherMethods(String),
    /// No such path.
    Nothing,
}

/// Looks a request up in the table. HEAD is answered as GET.
pub fn find<'a>(table: &'a [Route], method: &Method, path: &str) -> Found<'a> {
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    let mut others = Vec::new();
    for route in table {
        match matches(route.path, path) {
            Some(values) if route.method == *wanted => return Found::Route(route, values),
            Some(_) => others.push(route.method.as_str()),
            None => {}
        }
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others.join(", ")) }
}

fn matches(template: &str, path: &str) -> Option<Vec<String>> {
    // What most routes are ruled out by, before anything is taken apart.
    let (fixed, _) = template.split_once('{').unwrap_or((template, ""));
    if !path.starts_with(fixed) {
        return None;
    }
    let (mut left, mut right) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Some(values),
            (Some(name), Some(value)) if name.starts_with('{') && !value.is_empty() => values.push(value.to_owned()),
            (Some(same), Some(part)) if same == part => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_route_and_the_names_in_it() {
        let table = table();
        let Found::Route(route, values) = find(&table, &Method::POST, "/api/v1/projects/a/runs/b/cancel") else {
            panic!("no route");
        };
        assert_eq!((route.id, values), ("cancelRun", vec!["a".to_owned(), "b".to_owned()]));
        assert!(
            matches!(find(&table, &Method::HEAD, "/api/v1/projects"), Found::Route(r, _) if r.id == "listProjects")
        );
    }

    #[test]
    fn a_wrong_method_is_told_which_ones_there_are() {
        let table = table();
        assert!(matches!(find(&table, &Method::PUT, "/api/v1/projects"), Found::OtherMethods(m) if m == "GET, POST"));
        assert!(matches!(find(&table, &Method::GET, "/api/v1/projects//runs"), Found::Nothing));
        assert!(matches!(find(&table, &Method::GET, "/api/v1/nothing"), Found::Nothing));
    }

    #[test]
    fn every_operation_id_is_unique() {
        let mut ids: Vec<_> = table().iter().map(|r| r.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), table().len());
    }
}
