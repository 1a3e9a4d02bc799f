//! The API's other side, for commands: a node that serves, or the data folder itself.
//!
//! Where no node serves, the command opens the data folder and answers its own requests, through the same gateway and
//! core: what is written is durable, runs are driven by the next `visiobook serve`, and nothing is driven meanwhile.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use actors::accounts::token::draw_code;
use bytes::Bytes;
use domain::account::Secret;
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use store::DataFolder;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use warp::http::{HeaderMap, Method, Request, StatusCode, header};

use super::person::{self, Kept};
use super::{BAD_INPUT, CONFLICT, FAILED, Failure, NOT_FOUND, origin, passphrase};
use crate::config::{Config, EdgeConfig};
use crate::gateway::Gateway;
use crate::gateway::access::{Auth, CSRF_HEADER};
use crate::gateway::assets::Assets;
use crate::gateway::serve::serve;
use crate::wiring::{Quiet, buckets};

/// Largest answer that a command reads.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Environment variable that may hold the key of an account.
pub(super) const KEY_VARIABLE: &str = "VISIOBOOK_KEY";

/// Which node a command speaks to.
#[derive(clap::Args)]
pub struct Target {
    /// The node's address [default: http://127.0.0.1 and the configured port]
    #[arg(long, value_name = "URL", global = true, conflicts_with = "data_dir")]
    server: Option<String>,
    /// The data folder of a node that does not serve [default: the node, and the configured folder if none answers]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// File whose first line is a key of one's account [default: the environment's VISIOBOOK_KEY, else who signed in]
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "data_dir")]
    key_file: Option<PathBuf>,
    /// Trust the certificate authorities in this file (PEM), and no others, when the node's address is https
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// Answer with the API's own JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Speaks to a node.
pub struct Api {
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    by: By,
    local: Option<Local>,
}

/// Who asks.
enum By {
    /// Whoever sits at the machine, or nobody.
    Nobody,
    /// Whoever has this key, or opened the folder.
    Bearer(Secret),
    /// Whoever signed in.
    Session(Kept),
}

/// Why the API does not do what was asked.
pub struct Refused {
    /// The answer's status.
    pub status: StatusCode,
    /// Its stable code.
    pub code: String,
    /// What it says of it.
    pub detail: String,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let hint = match refused.code.as_str() {
            "sign-in-needed" | "session-ended" => " with `visiobook sign-in`, or give a key in VISIOBOOK_KEY",
            "account-needed" => "; `visiobook user create --claim` makes the first account",
            _ => "",
        };
        Self { exit: exit_code(refused.status), message: format!("{}{hint} ({})", refused.detail, refused.code) }
    }
}

/// A data folder that the command opened itself.
struct Local {
    quiet: Quiet,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
}

impl Api {
    /// Finds the node that `target` means.
    ///
    /// # Errors
    /// Exit code 2 if there is none and the data folder can't be opened.
    pub async fn open(config: &Config, target: &Target) -> Result<Self, Failure> {
        let served = Self::to(config, target)?;
        if target.server.is_some() || target.data_dir.is_none() && served.answers().await {
            return Ok(Self { by: served.who(target)?, ..served });
        }
        let folder = target.data_dir.clone().unwrap_or_else(|| config.store.folder());
        served.on_folder(config, folder).await
    }

    /// Finds the node that `target` means, which has to serve: accounts are looked after by nothing else, and by people
    /// who signed in.
    ///
    /// # Errors
    /// Exit code 2 for a data folder in its place, 1 where none answers.
    pub async fn of_people(config: &Config, target: &Target) -> Result<Self, Failure> {
        if target.data_dir.is_some() {
            let message = "accounts are looked after through a node that serves: leave --data-dir away";
            return Err(Failure::bad_input(message));
        }
        let served = Self::to(config, target)?;
        if !served.answers().await {
            let message = format!("no node answers at {}: start it with `visiobook serve`", served.base);
            return Err(Failure::new(message));
        }
        let by = match (&target.key_file, person::kept(&served.base)?) {
            (None, Some(kept)) => By::Session(kept),
            _ => served.who(target)?,
        };
        Ok(Self { by, ..served })
    }

    /// The node's address, and a client for it that says of nobody who asks.
    fn to(config: &Config, target: &Target) -> Result<Self, Failure> {
        let local = || format!("http://127.0.0.1:{}", config.gateway.port);
        let base = origin::understood(&target.server.clone().unwrap_or_else(local))?;
        let connector = origin::connector(&base, target.ca.as_deref())?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base, client, by: By::Nobody, local: None })
    }

    /// Who asks: a key that was given, or else whoever signed in to this node.
    fn who(&self, target: &Target) -> Result<By, Failure> {
        let key = match &target.key_file {
            Some(path) => Some(passphrase::first_line(path, "key")?.trim().to_owned()),
            None => std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty()),
        };
        let by = match key {
            Some(key) => By::Bearer(Secret(key)),
            None => person::kept(&self.base)?.map_or(By::Nobody, By::Session),
        };
        match by {
            By::Nobody => {}
            _ => origin::private(&self.base)?,
        }
        Ok(by)
    }

    /// The address of the node that `target` means, whether it answers or not.
    ///
    /// # Errors
    /// Exit code 2 for what is no address.
    pub fn named(config: &Config, target: &Target) -> Result<String, Failure> {
        Self::to(config, target).map(|api| api.base)
    }

    /// The node's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn answers(&self) -> bool {
        matches!(self.ask(Method::GET, "/health/live", Vec::new()).await, Ok((StatusCode::NO_CONTENT, ..)))
    }

    async fn on_folder(self, config: &Config, folder: PathBuf) -> Result<Self, Failure> {
        let quiet = Quiet::open(DataFolder::open(&folder)?, config).await?;
        let port = |e: std::io::Error| Failure::new(format!("no port could be opened on this machine: {e}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(port)?;
        let base = format!("http://{}", listener.local_addr().map_err(port)?);
        let (stop, stopping) = watch::channel(false);
        let edge = EdgeConfig::default().edge(stopping.clone(), usize::MAX);
        let secret = draw_code().map_err(|fault| Failure::new(fault.to_string()))?;
        let gateway = Gateway {
            health: Default::default(),
            // Others at this machine reach the port, too: they are not who opened the folder.
            auth: Auth {
                local_trust: false,
                claimed: quiet.accounts.claimed(),
                revoked: quiet.accounts.revoked(),
                unshared: quiet.accounts.unshared(),
                secure: false,
                provider: None,
                own_secret: Some(secret.clone()),
            },
            followers: crate::gateway::followers::Followers::default(),
            rates: buckets::rates(&config.rates),
            keyed: buckets::keyed(),
            core: quiet.core.clone(),
            at_hand: None,
            bulk: quiet.bulk.clone(),
            upload_limit_bytes: config.gateway.upload_limit_mib << 20,
            undo_delete_s: config.projects.undo_delete_s,
            streams: Arc::new(Semaphore::new(config.gateway.max_event_streams)),
            stopping,
            ready: watch::channel(false).1,
        };
        let server = tokio::spawn(serve(edge, vec![listener], None, Arc::new(gateway), Assets::default()));
        Ok(Self { base, by: By::Bearer(secret), local: Some(Local { quiet, stop, server }), ..self })
    }

    /// Runs go on only with `visiobook serve`.
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Asks for `path` below the API's root.
    ///
    /// # Errors
    /// The API's own words, with an exit code by its status.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.send(method, path, bytes).await
    }

    /// The same with bytes.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Value, Failure> {
        Ok(self.attempt(method, path, body).await?.map(|(value, _)| value)?)
    }

    /// The same, with the answer's headers; a refusal is looked at by whoever asks.
    ///
    /// # Errors
    /// Exit code 1 where no node of Visiobook answers.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Result<(Value, HeaderMap), Refused>, Failure> {
        let (status, headers, answer) = self.ask(method, &format!("/api/v1{path}"), body).await?;
        let value: Value = if answer.is_empty() { Value::Null } else { parsed(&answer)? };
        Ok(if status.is_success() { Ok((value, headers)) } else { Err(refusal(status, &value)) })
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(StatusCode, HeaderMap, Bytes), Failure> {
        let url = format!("{}{path}", self.base);
        let request = self.request(method, &url, body)?;
        let silent = |e: String| Failure::new(format!("the node at {} does not answer: {e}", self.base));
        let answer = self.client.request(request).await.map_err(|e| silent(origin::why(&e)))?;
        let (parts, body) = answer.into_parts();
        let body = http_body_util::Limited::new(body, MAX_ANSWER_BYTES);
        let bytes = body.collect().await.map_err(|e| silent(e.to_string()))?.to_bytes();
        Ok((parts.status, parts.headers, bytes))
    }

    fn request(&self, method: Method, url: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder().method(method).uri(url);
        match &self.by {
            By::Nobody => {}
            By::Bearer(token) => request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.0)),
            By::Session(kept) => {
                request = request.header(header::COOKIE, &kept.cookie).header(CSRF_HEADER, &kept.csrf_token);
            }
        }
        let request = request.body(Full::new(Bytes::from(body)));
        request.map_err(|e| Failure::bad_input(format!("{url} is no address: {e}")))
    }

    /// Posts to `path` below the API's root, and gives each piece of the answer to `take` as it comes.
    ///
    /// # Errors
    /// As [`Api::call`], and what `take` says.
    pub async fn download(
        &self,
        path: &str,
        body: Vec<u8>,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.request(Method::POST, &url, body)?;
        let silent = |e: String| Failure::new(format!("the node at {} broke off: {e}; its log says why", self.base));
        let answer = self.client.request(request).await.map_err(|e| silent(e.to_string()))?;
        let status = answer.status();
        let mut body = answer.into_body();
        if !status.is_success() {
            let limited = http_body_util::Limited::new(body, MAX_ANSWER_BYTES);
            let bytes = limited.collect().await.map_err(|e| silent(e.to_string()))?.to_bytes();
            return Err(refusal(status, &parsed(&bytes)?).into());
        }
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame.map_err(|e| silent(e.to_string()))?.into_data() {
                take(&piece)?;
            }
        }
        Ok(())
    }

    /// Lets the data folder go, where the command opened it.
    pub async fn close(self) {
        if let Some(Local { quiet, stop, server }) = self.local {
            let _ = stop.send(true);
            drop(self.client);
            let _ = server.await;
            quiet.close().await;
        }
    }
}

/// The API's own words for a refusal.
fn refusal(status: StatusCode, value: &Value) -> Refused {
    let word = |name: &str, none: &str| value[name].as_str().unwrap_or(none).to_owned();
    Refused { status, code: word("code", "?"), detail: word("detail", "") }
}

fn parsed(bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|e| Failure::new(format!("what answered is no node of Visiobook: {e}")))
}

fn exit_code(status: StatusCode) -> u8 {
    match status {
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => CONFLICT,
        status if status.is_client_error() => BAD_INPUT,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_the_exit_code_that_is_documented() {
        assert_eq!(exit_code(StatusCode::NOT_FOUND), 3);
        assert_eq!(exit_code(StatusCode::CONFLICT), 4);
        assert_eq!(exit_code(StatusCode::PRECONDITION_FAILED), 4);
        assert_eq!(exit_code(StatusCode::UNPROCESSABLE_ENTITY), 2);
        assert_eq!(exit_code(StatusCode::SERVICE_UNAVAILABLE), 1);
    }
}
