//! Sends one part of a file. XMLHttpRequest rather than fetch, since it alone tells how much has gone out.

use std::cell::{Cell, RefCell};

use domain::id::UploadId;
use gloo_events::EventListener;
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, ProgressEvent, XmlHttpRequest};
use yew::Callback;

use crate::api::{self, ApiError};

/// How long a part may take: at 4 MiB a line of 60 kbit/s.
const PATIENCE_MS: u32 = 600_000;

/// Calls a sending back.
#[derive(Default)]
pub struct Cancel {
    called: Cell<bool>,
    request: RefCell<Option<XmlHttpRequest>>,
}

impl Cancel {
    pub fn call(&self) {
        self.called.set(true);
        if let Some(request) = self.request.take() {
            // Of a request that is over this does nothing.
            let _ = request.abort();
        }
    }

    pub fn is_called(&self) -> bool {
        self.called.get()
    }
}

/// Sends the bytes `from..to` of `file`, and gives where the upload stands since. `tell` hears how many of them have
/// gone out. Where another tab began another session meanwhile, they are sent once more under its token.
pub async fn send(
    upload: UploadId,
    file: &File,
    range: (u64, u64),
    tell: Callback<u64>,
    cancel: &Cancel,
) -> Result<u64, ApiError> {
    let sent = send_once(upload, file, range, tell.clone(), cancel).await;
    let is_stale = sent.as_ref().is_err_and(|error| error.code() == "csrf-token-needed");
    if is_stale && !cancel.is_called() && api::renew_csrf().await {
        return send_once(upload, file, range, tell, cancel).await;
    }
    sent
}

async fn send_once(
    upload: UploadId,
    file: &File,
    (from, to): (u64, u64),
    tell: Callback<u64>,
    cancel: &Cancel,
) -> Result<u64, ApiError> {
    // These calls fail for malformed methods, addresses and headers only; ours are none of these.
    let unreachable = |_: JsValue| ApiError::Unreachable;
    let part = file.slice_with_f64_and_f64(from as f64, to as f64).map_err(unreachable)?;
    let request = XmlHttpRequest::new().map_err(unreachable)?;
    request.open("PATCH", &api::upload_url(upload)).map_err(unreachable)?;
    request.set_timeout(PATIENCE_MS);
    let headers = [
        ("content-type", "application/offset+octet-stream"),
        ("accept", "application/json"),
        ("upload-offset", &from.to_string()),
        api::TUS,
        api::GUARD,
    ];
    for (name, value) in headers {
        request.set_request_header(name, value).map_err(unreachable)?;
    }
    if let Some((name, token)) = api::csrf() {
        request.set_request_header(name, &token).map_err(unreachable)?;
    }
    let upload_side = request.upload().map_err(unreachable)?;
    let progress = EventListener::new(&upload_side, "progress", move |event| {
        if let Some(progress) = event.dyn_ref::<ProgressEvent>() {
            tell.emit(progress.loaded() as u64);
        }
    });
    let ended = ended(&request);
    cancel.request.replace(Some(request.clone()));
    request.send_with_opt_blob(Some(&part)).map_err(unreachable)?;
    // It resolves and never rejects.
    let _ = JsFuture::from(ended).await;
    cancel.request.take();
    drop(progress);
    let header = |name: &str| request.get_response_header(name).ok().flatten();
    let body = || request.response_text().ok().flatten().unwrap_or_default();
    outcome(request.status().unwrap_or_default(), header("upload-offset").as_deref(), body)
}

/// Resolves once the request is over: answered, broken off, called back or too late.
fn ended(request: &XmlHttpRequest) -> Promise {
    Promise::new(&mut |resolve, _| {
        EventListener::once(request, "loadend", move |_| {
            // Calling a promise's own function can't fail.
            let _ = resolve.call0(&JsValue::NULL);
        })
        .forget();
    })
}

/// What the answer to a part says. Status 0 is no answer.
fn outcome(status: u16, offset: Option<&str>, body: impl FnOnce() -> String) -> Result<u64, ApiError> {
    match (status, offset.and_then(|offset| offset.parse().ok())) {
        (0, _) => Err(ApiError::Unreachable),
        (200..300, Some(offset)) => Ok(offset),
        (200..300, None) => Err(ApiError::Unreadable),
        _ => Err(ApiError::from_answer(status, &body())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_problem() {
        let body = r#"{"type":"t","title":"T","status":409,"code":"upload-offset-mismatch","detail":"It is at 4."}"#;
        let refused = outcome(409, None, || body.to_owned());
        assert_eq!(refused.map_err(|error| error.code().to_owned()), Err("upload-offset-mismatch".into()));
    }

    #[test]
    fn a_part_is_taken_only_if_the_answer_says_how_far_it_is() {
        let nothing = String::new;
        assert_eq!(outcome(204, Some("12"), nothing), Ok(12));
        assert_eq!(outcome(204, None, nothing), Err(ApiError::Unreadable));
        assert_eq!(outcome(0, None, nothing), Err(ApiError::Unreachable));
        assert_eq!(outcome(502, None, nothing), Err(ApiError::Unexpected { status: 502 }));
    }
}
