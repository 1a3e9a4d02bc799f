//! The edge: everything between a socket and a request.
//!
//! | module | holds |
//! |---|---|
//! | [`access`] | the access log
//! | [`caller`] | who asks: address, scheme and host, as far as they can be trusted |
//! | [`connection`] | one connection, HTTP/1.1 or 2 |
//! | [`pulse`] | how long a connection is waited for, whatever it does |
//! | [`wire`] | its socket, and what is spoken on it |
//! | [`places`] | how many connections there may be |
//! | [`tls`] | certificates, read anew when they change |

pub mod access;
pub mod caller;
pub mod connection;
pub mod places;
pub mod pulse;
pub mod tls;
pub mod wire;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use warp::http::{Request, Response};

use caller::Policy;
use connection::Accepted;
use places::{Neighbourhood, Places};
use pulse::Patience;
use tls::Tls;

/// How long open requests get to end once the node stops.
const DRAIN: Duration = Duration::from_secs(5);
/// Pause after a connection could not be accepted, as when no file is left.
const PAUSE: Duration = Duration::from_millis(50);

/// What all connections of a node share.
pub struct Edge {
    /// What callers are held against.
    pub policy: Policy,
    /// How long they are waited for.
    pub patience: Patience,
    /// How many there may be.
    pub places: Arc<Places>,
    /// Whether each request is told in the log.
    pub access_log: bool,
    /// Turns true when the node stops.
    pub stopping: watch::Receiver<bool>,
}

/// Accepts connections and serves them until the node stops, then lets open requests end for five seconds.
pub async fn serve<S, B>(edge: Arc<Edge>, listeners: Vec<TcpListener>, tls: Option<Tls>, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let acceptor = tls.as_ref().map(Tls::acceptor);
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(edge.clone(), listener, acceptor.clone(), service.clone()));
    }
    if let Some(tls) = tls {
        accepting.spawn(tls.keep_fresh());
    }
    let mut stopping = edge.stopping.clone();
    let _ = stopping.wait_for(|stop| *stop).await;
    // No more listeners: who connects now is told by the system that nobody is there.
    accepting.shutdown().await;
    // Each ends by itself within that time; a little more for the last of them to say so.
    if tokio::time::timeout(DRAIN + PAUSE, edge.places.empty()).await.is_err() {
        tracing::info!("some connections did not end in time");
    }
}

async fn accept<S, B>(edge: Arc<Edge>, listener: TcpListener, tls: Option<TlsAcceptor>, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut troubled = false;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if of_one_connection(&error) => continue,
            Err(error) => {
                if !troubled {
                    tracing::error!(%error, "connections can't be accepted; it is tried on and on");
                }
                troubled = true;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        troubled = false;
        let peer = peer.ip().to_canonical();
        let counted = !peer.is_loopback() && !edge.policy.trusts(peer);
        match edge.places.take(counted.then(|| Neighbourhood::of(peer))) {
            Ok(place) => {
                let accepted = Accepted { stream, peer, place };
                tokio::spawn(connection::serve(edge.clone(), tls.clone(), accepted, service.clone()));
            }
            // Closed at once, so that nothing has to be kept of it.
            Err(full) => tracing::debug!(%peer, ?full, "no place for a connection"),
        }
    }
}

/// Whether an error is of the connection that was to be accepted, and says nothing of the next one.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
