//! `visiobook serve`: the web app and the API, on this machine.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cluster::body::projects::{CreateProject, ListProjects};
use cluster::body::{Fault, Scope};
use cluster::bulk::once;
use cluster::link::{CallContext, Wire};
use domain::account::Secret;
use domain::id::{Digest, ProjectId};
use domain::principal::Principal;
use store::DataFolder;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{Failure, Interruption};
use crate::config::Config;
use crate::gateway::Gateway;
use crate::gateway::access::Auth;
use crate::gateway::assets::Assets;
use crate::gateway::edge::tls::Tls;
use crate::gateway::followers::Followers;
use crate::gateway::serve::serve;
use crate::wiring::{Node, buckets};

/// Says that the demonstration books were put in: who deletes them does not get them back.
const DEMOS_DONE: &str = "demos-done";
/// Files that are not for connections: stores, books, models.
const FILES_APART: usize = 256;
/// How long the core may take to check a demonstration book.
const CREATE: Duration = Duration::from_secs(120);

/// Arguments of `serve`.
#[derive(clap::Args)]
pub struct Args {
    /// TCP port; 0 takes any that is free [default: 8420]
    #[arg(long)]
    port: Option<u16>,
    /// Folder for everything that is kept [default: visiobook in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Folder of the built web app [default: web/dist beside the sources, or web beside the program]
    #[arg(long, value_name = "DIR")]
    web_dist: Option<PathBuf>,
    /// A book to analyse as a demonstration at the first start; may be given several times
    #[arg(long, value_name = "BOOK")]
    demo: Vec<PathBuf>,
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// Exit code 2 for a port or folder that can't be used, else 1.
pub async fn run(mut config: Config, args: Args) -> Result<(), Failure> {
    if let Some(port) = args.port {
        config.gateway.port = port;
    }
    let files = raise_file_limit().saturating_sub(FILES_APART).max(1);
    let folder = args.data_dir.clone().unwrap_or_else(|| config.store.folder());
    // The port first: a node that can't be reached must not touch the data.
    let tls = config.edge.tls().map(Tls::open).transpose().map_err(|e| Failure::bad_input(e.to_string()))?;
    let listeners = listen(&config).await?;
    let urls: Vec<String> = listeners.iter().map(|listener| url(listener, tls.is_some())).collect();
    // Until another address is set, mailed links lead to this one.
    config.auth.public_url =
        config.auth.site(&config.edge.site(config.gateway.port).unwrap_or_else(|| urls[0].clone()));
    let data = DataFolder::open(&folder)?;
    let node = Node::start(data, &config, Wire::Memory).await?;
    let assets = load_assets(args.web_dist.as_deref())?;
    let gateway = Arc::new(Gateway {
        core: node.core.clone(),
        at_hand: node.at_hand.clone(),
        shown: Default::default(),
        bulk: node.bulk.clone(),
        auth: Auth {
            local_trust: config.auth.local_trust,
            claimed: node.accounts.claimed(),
            revoked: node.accounts.revoked(),
            unshared: node.accounts.unshared(),
            secure: config.auth.secure(),
            provider: node.accounts.provider_name().map(str::to_owned),
            own_secret: None,
        },
        upload_limit_bytes: config.gateway.upload_limit_mib << 20,
        undo_delete_s: config.projects.undo_delete_s,
        streams: Arc::new(Semaphore::new(config.gateway.max_event_streams)),
        health: Default::default(),
        followers: Followers::default(),
        rates: buckets::rates(&config.rates),
        keyed: buckets::keyed(),
        stopping: node.stopping.clone(),
        ready: node.ready.clone(),
    });
    let mut interruption = Interruption::listen()?;
    greet(&node, &urls.join(" and "), &folder, &config.auth.claim_code);
    let edge = config.edge.edge(node.stopping.clone(), files);
    let mut server = tokio::spawn(serve(edge, listeners, tls, gateway, assets));
    let demonstrated = async {
        demonstrate(&node, &folder, &args.demo).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = demonstrated => {}
        () = interruption.came() => eprintln!("stopping; runs go on at the next start"),
        _ = &mut server => return Err(Failure::new("the server ended by itself; the log says why")),
    }
    node.stop().await;
    // Ended by the node's stop, once open requests are through.
    let _ = server.await;
    Ok(())
}

/// Opens all that the configuration names.
async fn listen(config: &Config) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::new();
    for ip in &config.edge.listen {
        let address = SocketAddr::from((*ip, config.gateway.port));
        listeners.push(TcpListener::bind(address).await.map_err(|e| taken(address, &e))?);
    }
    Ok(listeners)
}

fn url(listener: &TcpListener, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    listener.local_addr().map_or_else(|_| scheme.to_owned(), |address| format!("{scheme}://{address}"))
}

/// Says where the node is, and how its first account is made. A code that was configured is known to whoever is to
/// have it: it is not repeated where others may read it.
fn greet(node: &Node, urls: &str, folder: &Path, configured: &Secret) {
    let mut text = format!("Visiobook is at {urls}  (data in {}; Ctrl-C stops it)\n", folder.display());
    if let Some(code) = node.accounts.claim_code() {
        let code = if configured.0.is_empty() { code.0.as_str() } else { "that auth.claim_code says" };
        text += &format!("It has no account yet. The first one, an admin, is made with the code {code}\n");
    }
    // In one piece: whoever reads the first line may be gone before the second.
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Lets this process have as many open files as it may, and says how many: each connection is one, and shells give
/// few.
fn raise_file_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let files = |limit: Option<u64>| limit.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
        return files(limit.current);
    }
    files(limit.maximum)
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Failure {
    let port = address.port();
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Failure::bad_input(format!("port {port} is taken by another program: name another with --port"))
        }
        std::io::ErrorKind::PermissionDenied => {
            Failure::bad_input(format!("port {port} needs more rights: name one above 1023 with --port"))
        }
        _ => Failure::bad_input(format!("{address} can't be opened: {error}")),
    }
}

fn load_assets(named: Option<&Path>) -> Result<Assets, Failure> {
    if let Some(folder) = named {
        let bad = |e| Failure::bad_input(format!("the web app in {} can't be read: {e}", folder.display()));
        return Assets::load(folder).map_err(bad);
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("web")));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    let found = beside.into_iter().chain([sources]).find_map(|folder| Assets::load(&folder).ok());
    Ok(found.unwrap_or_default())
}

/// Puts the demonstration books in, once in the life of a data folder.
async fn demonstrate(node: &Node, folder: &Path, books: &[PathBuf]) {
    let mark = folder.join(DEMOS_DONE);
    if books.is_empty() || mark.exists() {
        return;
    }
    for path in books {
        if let Err(reason) = put_in(node, path).await {
            tracing::warn!(reason, book = %path.display(), "a demonstration book was not put in; the next start tries");
            return;
        }
    }
    if let Err(error) = std::fs::write(&mark, "") {
        tracing::warn!(%error, "demonstration books may come again at the next start");
    }
}

async fn put_in(node: &Node, path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let text = |fault: Fault| fault.to_string();
    let digest = Digest::of(&bytes);
    let known = node.core.call(ListProjects { principal: Principal::NODE }, CallContext::within(CREATE)).await;
    if known.map_err(text)?.projects.iter().any(|project| project.demo && project.book.digest == digest) {
        return Ok(());
    }
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let project = ProjectId(uuid::Uuid::now_v7().as_u128());
    let scope = Scope { tenant: Principal::NODE.tenant, project };
    let book_bytes = bytes.len() as u64;
    let stored = node.bulk.put(scope, once(bytes), book_bytes).await.map_err(text)?;
    let ask =
        CreateProject { principal: Principal::NODE, project, file_name, book: stored.digest, book_bytes, demo: true };
    node.core.call(ask, CallContext::within(CREATE)).await.map(|_| ()).map_err(text)
}
