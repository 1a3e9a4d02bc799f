//! A bare warp server: uploads that are hashed into the store's own durable writer, and events that are broadcast.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Buf;
use domain::id::{ProjectId, TenantId};
use futures_util::{StreamExt, stream};
use store::{BlobScope, BlobSource, Blobs, DataFolder};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use warp::Filter;
use warp::http::StatusCode;
use warp::sse::Event;

/// In its folder, what `GET /view` answers.
pub const VIEW: &str = "view.json";

/// Serves on a free port of loopback until it is killed.
pub fn serve() -> Result<()> {
    let folder = std::env::args().nth(1).context("a folder")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let data = DataFolder::open(&folder)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("bare at http://{}", listener.local_addr()?);
        let (tell, _) = broadcast::channel::<Arc<str>>(64);
        let view = std::fs::read(std::path::Path::new(&folder).join(VIEW)).unwrap_or_default();
        warp::serve(routes(data.blobs(), tell, view.into())).incoming(listener).run().await;
        drop(data);
        Ok(())
    })
}

fn routes(
    blobs: Arc<dyn Blobs>,
    tell: broadcast::Sender<Arc<str>>,
    view: bytes::Bytes,
) -> impl Filter<Extract = (impl warp::Reply,), Error = warp::Rejection> + Clone {
    let puts = blobs.clone();
    let put =
        warp::post().and(warp::path!("upload" / String)).and(warp::body::stream()).then(move |name: String, body| {
            let blobs = puts.clone();
            async move {
                match blobs.put(scope(&name), source(body), u64::MAX, None).await {
                    Ok(info) => warp::reply::with_status(info.digest.to_string(), StatusCode::CREATED),
                    Err(error) => warp::reply::with_status(error.to_string(), StatusCode::INTERNAL_SERVER_ERROR),
                }
            }
        });
    let remove = warp::delete().and(warp::path!("upload" / String)).then(move |name: String| {
        let blobs = blobs.clone();
        async move {
            match blobs.delete_scope(scope(&name)).await {
                Ok(()) => StatusCode::NO_CONTENT,
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }
    });
    let teller = tell.clone();
    let events = warp::get().and(warp::path!("events")).map(move || {
        let heard = stream::unfold(teller.subscribe(), |mut news| async move {
            let text = news.recv().await.ok()?;
            Some((Event::default().event("run").id("1").data(&*text), news))
        });
        let hello = stream::iter([Event::default().comment("following")]);
        let events = hello.chain(heard).map(Ok::<_, Infallible>);
        warp::sse::reply(sync_wrapper::SyncStream::new(Box::pin(events)))
    });
    let say = warp::post().and(warp::path!("tell")).map(move || {
        let _ = tell.send(Arc::from(r#"{"seq":1,"state":{"state":"received"}}"#));
        StatusCode::NO_CONTENT
    });
    let view = warp::get()
        .and(warp::path!("view"))
        .map(move || warp::http::Response::builder().header("content-type", "application/json").body(view.clone()));
    put.or(remove).or(events).or(say).or(view)
}

/// A scope of each upload's own, as the product has it.
fn scope(name: &str) -> BlobScope {
    BlobScope { tenant: TenantId(0), project: ProjectId(name.parse().unwrap_or(0)) }
}

fn source<B: Buf>(body: impl futures_util::Stream<Item = Result<B, warp::Error>> + Send + 'static) -> BlobSource {
    Box::pin(body.map(|piece| match piece {
        Ok(mut buffer) => Ok(buffer.copy_to_bytes(buffer.remaining())),
        Err(error) => Err(std::io::Error::other(error)),
    }))
}
