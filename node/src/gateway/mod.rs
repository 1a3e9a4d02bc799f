//! The gateway: HTTP on one side, envelopes and the bulk plane on the other. It touches no store.
//!
//! | module | holds |
//! |---|---|
//! | [`routes`] | the one table of routes; the filters and the OpenAPI document are made from it |
//! | [`handlers`] | what each route does |
//! | [`download`] | files on their way out: validators and ranges |
//! | [`uploads`] | uploads that can be gone on with |
//! | [`tus`] | what their protocol says in headers |
//! | [`projects`], [`shown`] | the same for projects, their revisions and runs; a project as it goes out |
//! | [`edits`] | a storyboard as it stands with its edits |
//! | [`lately`] | what is measured once a second for all who ask |
//! | [`keeping`] | how the stores stand, backups, sweeps; covers of books |
//! | [`compress`] | answers made smaller on their way out |
//! | [`events`] | a project's events as server-sent events |
//! | [`follow`] | events of many projects over a WebSocket |
//! | [`webhooks`] | addresses that are told of events |
//! | [`analyses`] | what is asked of a text by itself |
//! | [`followers`] | one question to the core for all who follow a project |
//! | [`metrics`], [`devices`] | how the scheduling and the devices stand, for programs and for people |
//! | [`edge`] | connections: TLS, deadlines, bounds, and who asks as far as they tell |
//! | [`guard`] | what is let in: the local trust of a one-machine node |
//! | [`access`], [`cookie`] | who asks, and what they may: the one place where permissions are enforced |
//! | [`membership`] | what they may do with the project that they ask for |
//! | [`sharing`] | members, invitations, share links |
//! | [`accounts`] | signing up, in and out; sessions, passwords, roles |
//! | [`credentials`] | keys for programs, the second factor, the list of accounts |
//! | [`belongings`] | leaving; the node's own log |
//! | [`identities`] | to an identity provider, and back |
//! | [`rates`] | how many requests somebody may make |
//! | [`keyed`] | requests that are sent again, and make nothing twice |
//! | [`problem`] | the only place where an error becomes an HTTP status |
//! | [`mod@reference`] | the API's document as a page |
//! | [`assets`] | the web app's files |
//! | [`openapi`] | the OpenAPI 3.1 document |
//! | [`serve`](mod@serve) | the warp server round it all |

pub mod access;
pub mod accounts;
pub mod analyses;
pub mod assets;
pub mod belongings;
pub mod compress;
pub mod cookie;
pub mod credentials;
pub mod devices;
pub mod download;
pub mod edge;
pub mod edits;
pub mod events;
pub mod follow;
pub mod followers;
pub mod guard;
pub mod handlers;
pub mod identities;
pub mod keeping;
pub mod keyed;
pub mod lately;
pub mod membership;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod projects;
pub mod rates;
pub mod reference;
pub mod routes;
pub mod serve;
mod shared;
pub mod sharing;
pub mod shown;
pub mod tus;
pub mod uploads;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use actors::hand::AtHand;
use cluster::body::Scope;
use cluster::bulk::{BulkPlane, ByteStream};
use cluster::envelope::Trace;
use cluster::link::{Address, CallContext};
use domain::principal::{Principal, Proof};
use domain::project::{Actor, Project};
use domain::sharing::{ProjectAs, ProjectRole};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, watch};
use warp::http::HeaderMap;

use problem::ApiError;

/// What every handler can reach: the core by envelopes, blobs by the bulk plane, and nothing else.
pub struct Gateway {
    /// The core's gateway actor.
    pub core: Address,
    /// What the core can say at once, where it is of the same node; the core itself is asked for all else.
    pub at_hand: Option<AtHand>,
    /// Projects as they were shown lately.
    pub shown: shown::Lately,
    /// Uploads and downloads.
    pub bulk: Arc<dyn BulkPlane>,
    /// How it knows who asks.
    pub auth: access::Auth,
    /// Largest upload, bytes.
    pub upload_limit_bytes: u64,
    /// How long the deletion of a project can be undone, seconds.
    pub undo_delete_s: u64,
    /// Event streams that may be open at a time.
    pub streams: Arc<Semaphore>,
    /// How the stores stood a moment ago.
    pub health: lately::Lately<domain::health::DatabasesHealth>,
    /// How many requests somebody may make.
    pub rates: rates::Rates,
    /// Requests that name a key of their own.
    pub keyed: keyed::Keyed,
    /// Who follows which project.
    pub followers: followers::Followers,
    /// Turns true when the node stops.
    pub stopping: watch::Receiver<bool>,
    /// Whether a worker has its model loaded.
    pub ready: watch::Receiver<bool>,
}

/// One request, as a handler sees it.
pub struct Request {
    /// The gateway that took it.
    pub gateway: Arc<Gateway>,
    /// Who asks, with the tenant that has the project that is asked for.
    pub principal: Principal,
    /// The same, with their own tenant.
    pub asker: Principal,
    /// What they may do with the project.
    pub role: ProjectRole,
    /// Until when they may, milliseconds since 1970 UTC.
    pub until_ms: Option<u64>,
    /// What shows all that.
    pub way: membership::Way,
    /// What the connection tells of it.
    pub caller: Arc<edge::caller::Caller>,
    /// What the path's `{names}` stood for, in order.
    pub path: Vec<String>,
    /// The query's parameters.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, already limited to what the route allows.
    pub body: ByteStream,
    /// What makes a WebSocket of the connection, where the request asks for one.
    pub upgrade: Option<warp::ws::Ws>,
    /// The id of what it makes, where it names a key of its own: made again, that is there already.
    pub made: Option<u128>,
    /// Names this request in logs and answers.
    pub trace: Trace,
    /// How long the core may take.
    pub deadline: Duration,
}

impl Request {
    /// Waits until whoever asks may not follow a stream of what they ask for any more.
    pub fn until_revoked(&self) -> impl Future<Output = ()> + Send + use<> {
        let Self { principal, asker, role, until_ms, .. } = *self;
        let admitted = membership::Admitted { asker, principal, role, until_ms };
        membership::until_revoked(self.gateway.clone(), self.way.clone(), admitted)
    }

    /// A project, as whoever asks has it.
    pub fn as_theirs(&self, project: Project) -> ProjectAs {
        ProjectAs { project, role: self.role, visits: self.visits() }
    }

    /// Whether nothing but a share link lets them see what they ask for.
    pub fn visits(&self) -> bool {
        matches!(self.principal.proof, Proof::Visit(_))
    }

    /// Somebody did something, as far as whoever asks is told: of a share link's visitor it is nobody's concern who.
    pub fn told(&self, by: Actor) -> Actor {
        match by {
            Actor::Account(_) if self.visits() => Actor::Somebody,
            _ => by,
        }
    }

    /// The `index`th `{name}` of the path.
    ///
    /// # Errors
    /// `not-found` where it is not a `T`: an id of another shape names nothing.
    pub fn path_id<T: std::str::FromStr>(&self, index: usize) -> Result<T, ApiError> {
        self.path.get(index).and_then(|text| text.parse().ok()).ok_or_else(ApiError::not_found)
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body, which is then gone.
    pub fn take_body(&mut self) -> ByteStream {
        std::mem::replace(&mut self.body, Box::pin(futures_util::stream::empty()))
    }

    /// The body as a documented type.
    ///
    /// # Errors
    /// `bad-request` where it is none.
    pub async fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        let missing = || ApiError::new("bad-request", "this address wants a JSON body");
        self.optional_json().await?.ok_or_else(missing)
    }

    /// The same where no body is one too.
    ///
    /// # Errors
    /// `bad-request` where it is none.
    pub async fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, ApiError> {
        let mut body = self.take_body();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let bad = |e: serde_json::Error| ApiError::new("bad-request", format!("the body can't be used: {e}"));
        let mut value: serde_json::Value = serde_json::from_slice(&bytes).map_err(bad)?;
        // A list in the order of its fields would do for a type, too.
        if !value.is_object() {
            return Err(ApiError::new("bad-request", "this address wants a JSON object"));
        }
        whole_numbers(&mut value);
        serde_json::from_value(value).map(Some).map_err(bad)
    }

    /// An id for what this request makes.
    pub fn new_id(&self) -> u128 {
        self.made.unwrap_or_else(|| uuid::Uuid::now_v7().as_u128())
    }

    /// The context of this request's calls to the core.
    pub fn context(&self) -> CallContext {
        CallContext { trace: self.trace, ..CallContext::within(self.deadline) }
    }

    /// Where a project's blobs lie.
    pub fn scope(&self, project: domain::id::ProjectId) -> Scope {
        Scope { tenant: self.principal.tenant, project }
    }
}

/// Writes `3.0` as `3`: for JSON they are one number, and some languages know no other way to say it.
fn whole_numbers(value: &mut serde_json::Value) {
    use serde_json::Value;
    /// Up to here every whole number has a double of its own.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX) {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let mut value = serde_json::from_str(r#"{"a": [3.0, 3.5, -2e0, 1e300, 7], "b": {"c": 0.0}}"#).unwrap();
        whole_numbers(&mut value);
        let wanted = serde_json::json!({ "a": [3, 3.5, -2, 1e300, 7], "b": { "c": 0 } });
        assert_eq!(value, wanted);
    }
}
