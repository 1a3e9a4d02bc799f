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
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use store::DataFolder;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use warp::http::{Method, Request, StatusCode, header};

use super::{BAD_INPUT, CONFLICT, FAILED, Failure, NOT_FOUND};
use crate::config::{Config, EdgeConfig};
use crate::gateway::Gateway;
use crate::gateway::access::Auth;
use crate::gateway::assets::Assets;
use crate::gateway::serve::serve;
use crate::wiring::{Quiet, buckets};

/// Largest answer that a command reads.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Which node a command speaks to.
#[derive(clap::Args)]
pub struct Target {
    /// The node's address [default: http://127.0.0.1 and the configured port]
    #[arg(long, value_name = "URL", global = true, conflicts_with = "data_dir")]
    server: Option<String>,
    /// The data folder of a node that does not serve [default: the node, and the configured folder if none answers]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// Answer with the API's own JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Speaks to a node.
pub struct Api {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Says who asks.
    bearer: Option<Secret>,
    local: Option<Local>,
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
        let client = Client::builder(TokioExecutor::new()).build_http();
        if let Some(server) = &target.server {
            return Ok(Self { base: server.trim_end_matches('/').to_owned(), client, bearer: None, local: None });
        }
        let base = format!("http://127.0.0.1:{}", config.gateway.port);
        let served = Self { base, client, bearer: None, local: None };
        if target.data_dir.is_none() && served.answers().await {
            return Ok(served);
        }
        let folder = target.data_dir.clone().unwrap_or_else(|| config.store.folder());
        served.on_folder(config, folder).await
    }

    async fn answers(&self) -> bool {
        matches!(self.ask(Method::GET, "/health/live", Vec::new()).await, Ok((StatusCode::NO_CONTENT, _)))
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
                secure: false,
                provider: None,
                own_secret: Some(secret.clone()),
            },
            followers: crate::gateway::followers::Followers::default(),
            rates: buckets::rates(&config.rates),
            keyed: buckets::keyed(),
            core: quiet.core.clone(),
            bulk: quiet.bulk.clone(),
            upload_limit_bytes: config.gateway.upload_limit_mib << 20,
            undo_delete_s: config.projects.undo_delete_s,
            streams: Arc::new(Semaphore::new(config.gateway.max_event_streams)),
            stopping,
            ready: watch::channel(false).1,
        };
        let server = tokio::spawn(serve(edge, vec![listener], None, Arc::new(gateway), Assets::default()));
        Ok(Self { base, bearer: Some(secret), local: Some(Local { quiet, stop, server }), ..self })
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
        let (status, answer) = self.ask(method, &format!("/api/v1{path}"), body).await?;
        let value: Value = if answer.is_empty() { Value::Null } else { parsed(&answer)? };
        if status.is_success() {
            return Ok(value);
        }
        Err(refusal(status, &value))
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(StatusCode, Bytes), Failure> {
        let url = format!("{}{path}", self.base);
        let request = self.request(method, &url, body)?;
        let silent = |e: String| Failure::new(format!("the node at {} does not answer: {e}", self.base));
        let answer = self.client.request(request).await.map_err(|e| silent(e.to_string()))?;
        let status = answer.status();
        let body = http_body_util::Limited::new(answer.into_body(), MAX_ANSWER_BYTES);
        let bytes = body.collect().await.map_err(|e| silent(e.to_string()))?.to_bytes();
        Ok((status, bytes))
    }

    fn request(&self, method: Method, url: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", bearer.0));
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
            return Err(refusal(status, &parsed(&bytes)?));
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
fn refusal(status: StatusCode, value: &Value) -> Failure {
    let (detail, code) = (value["detail"].as_str().unwrap_or_default(), value["code"].as_str().unwrap_or("?"));
    Failure { exit: exit_code(status), message: format!("{detail} ({code})") }
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
