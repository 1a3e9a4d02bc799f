//! Sends a file to the node. XMLHttpRequest rather than fetch, since it alone tells how much has gone out.

use domain::api::ProjectView;
use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{File, ProgressEvent, XmlHttpRequest};
use yew::Callback;

use crate::api::{self, ApiError};

/// How a sending goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// So many bytes have gone out.
    Bytes(u64),
    /// The node has it, and has begun a run.
    Accepted(Box<ProjectView>),
    /// The node does not want it, or did not answer.
    Refused(ApiError),
}

/// A file on its way; dropping it calls it back.
pub struct Sending {
    request: XmlHttpRequest,
    listeners: Vec<EventListener>,
}

impl Sending {
    /// Sends `file` as a new project.
    pub fn start(file: &File, tell: Callback<Sent>) -> Result<Self, ApiError> {
        // These calls fail for malformed methods, addresses and headers only; ours are none of these.
        let unreachable = |_| ApiError::Unreachable;
        let request = XmlHttpRequest::new().map_err(unreachable)?;
        request.open("POST", &api::upload_url(&file.name())).map_err(unreachable)?;
        request.set_request_header("content-type", "application/octet-stream").map_err(unreachable)?;
        request.set_request_header("accept", "application/json").map_err(unreachable)?;
        request.set_request_header(api::GUARD.0, api::GUARD.1).map_err(unreachable)?;

        let mut listeners = Vec::new();
        if let Ok(upload) = request.upload() {
            let tell = tell.clone();
            listeners.push(EventListener::new(&upload, "progress", move |event| {
                if let Some(progress) = event.dyn_ref::<ProgressEvent>() {
                    tell.emit(Sent::Bytes(progress.loaded() as u64));
                }
            }));
        }
        let (answered, done) = (request.clone(), tell.clone());
        listeners.push(EventListener::new(&request, "load", move |_| {
            let status = answered.status().unwrap_or_default();
            let body = answered.response_text().ok().flatten().unwrap_or_default();
            done.emit(outcome(status, &body));
        }));
        listeners.push(EventListener::new(&request, "error", move |_| tell.emit(Sent::Refused(ApiError::Unreachable))));

        request.send_with_opt_blob(Some(file)).map_err(unreachable)?;
        Ok(Self { request, listeners })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.listeners.clear();
        // Of a request that is over this does nothing.
        let _ = self.request.abort();
    }
}

/// What the answer to an upload says.
fn outcome(status: u16, body: &str) -> Sent {
    if !(200..300).contains(&status) {
        return Sent::Refused(ApiError::from_answer(status, body));
    }
    serde_json::from_str(body).map_or(Sent::Refused(ApiError::Unreadable), |view| Sent::Accepted(Box::new(view)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_problem() {
        let body =
            r#"{"type":"t","title":"Too large","status":413,"code":"upload-too-large","detail":"At most 64 MB."}"#;
        let Sent::Refused(ApiError::Refused(problem)) = outcome(413, body) else { panic!("expected a problem") };
        assert_eq!(problem.code, "upload-too-large");
    }

    #[test]
    fn a_success_that_cannot_be_read_is_no_success() {
        assert_eq!(outcome(201, "{}"), Sent::Refused(ApiError::Unreadable));
    }
}
