//! `/metrics` and `/api/v1/scheduling`: how the scheduling stands, for programs and for people.
//!
//! The text is Prometheus' exposition format 0.0.4. Tenants and workers come in a bounded number, so that a scrape
//! stays small whatever the node has to do.

use std::fmt::{Display, Write};

use cluster::body::runs::GetScheduling;
use cluster::body::workers::GetDevices;
use domain::scheduling::SchedulingView;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::Request;
use super::handlers::json;
use super::problem::ApiError;

/// `GET /api/v1/scheduling`
pub async fn scheduling(request: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &view(request).await?))
}

/// `GET /metrics`
pub async fn metrics(request: Request) -> Result<Response, ApiError> {
    let (ask, context) = (GetDevices { principal: request.principal }, request.context());
    let devices = request.gateway.core.call(ask, context).await?.devices;
    let mut lines = text(&view(request).await?);
    super::devices::write_metrics(&mut lines, &devices);
    let mut response = lines.into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn view(request: Request) -> Result<SchedulingView, ApiError> {
    let ask = GetScheduling { principal: request.principal };
    Ok(request.gateway.core.call(ask, request.context()).await?.scheduling)
}

/// Writes one family of metrics.
struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl<'a> Family<'a> {
    fn new(out: &'a mut String, kind: &str, name: &'static str, help: &str) -> Self {
        // Writing to a string can't fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Self { out, name }
    }

    fn value(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) -> &mut Self {
        let labels: Vec<String> = labels.iter().map(|(name, label)| format!("{name}=\"{label}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.out, "{}{labels} {value}", self.name);
        self
    }
}

fn text(view: &SchedulingView) -> String {
    let mut out = String::new();
    let mut gauge = |name, help, value: f64| {
        Family::new(&mut out, "gauge", name, help).value(&[], value);
    };
    gauge("visiobook_scheduler_items_outstanding", "Items queued or with workers.", view.outstanding_items.into());
    gauge("visiobook_scheduler_items_leased", "Items with workers.", view.leased_items.into());
    gauge("visiobook_scheduler_batch_fill", "Mean share of its limit that a batch filled.", view.totals.batch_fill);
    gauge("visiobook_scheduler_padding_waste", "Share of computed tokens that was padding.", view.totals.padding_waste);
    gauge("visiobook_scheduler_term", "The term that is led under.", view.term.n as f64);
    queues(&mut out, view);
    totals(&mut out, view);
    models(&mut out, view);
    workers(&mut out, view);
    out
}

fn queues(out: &mut String, view: &SchedulingView) {
    let name = "visiobook_scheduler_items_queued";
    Family::new(out, "gauge", name, "Items that wait, by class; again: come back from a worker.")
        .value(&[("class", &"interactive")], view.queued_interactive)
        .value(&[("class", &"bulk")], view.queued_bulk)
        .value(&[("class", &"again")], view.queued_again);
}

fn totals(out: &mut String, view: &SchedulingView) {
    let totals = &view.totals;
    Family::new(
        out,
        "counter",
        "visiobook_scheduler_items_total",
        "Items since the term began, by what became of them.",
    )
    .value(&[("outcome", &"accepted")], totals.accepted)
    .value(&[("outcome", &"completed")], totals.completed)
    .value(&[("outcome", &"failed")], totals.failed)
    .value(&[("outcome", &"cancelled")], totals.cancelled);
    Family::new(
        out,
        "counter",
        "visiobook_scheduler_batches_total",
        "Batches handed out since the term began, by why.",
    )
    .value(&[("reason", &"all")], totals.batches)
    .value(&[("reason", &"rerun")], totals.reruns)
    .value(&[("reason", &"hedge")], totals.hedges)
    .value(&[("reason", &"adopted")], totals.adopted);
    let mut counter = |name, help, value| {
        Family::new(out, "counter", name, help).value(&[], value);
    };
    counter("visiobook_scheduler_pages_refused_total", "Pages that were told to come again.", totals.refused);
    counter("visiobook_scheduler_answers_stale_total", "Answers too late to count.", totals.stale);
    counter("visiobook_scheduler_term_changes_total", "Changes of term that are known.", view.terms.len() as u64);
}

fn models(out: &mut String, view: &SchedulingView) {
    let name = "visiobook_scheduler_backlog_seconds";
    let mut family = Family::new(out, "gauge", name, "Predicted time to work off a model's queue, on its workers now.");
    for model in &view.models {
        // Nobody serves it: no number of seconds will do.
        let seconds = model.backlog_seconds.unwrap_or(if model.queued == 0 { 0.0 } else { f64::INFINITY });
        let seconds = if seconds.is_finite() { seconds.to_string() } else { "+Inf".to_owned() };
        family.value(&[("model", &model.model)], seconds);
    }
    let name = "visiobook_scheduler_workers";
    let mut family = Family::new(out, "gauge", name, "Workers that serve a model and take work.");
    for model in &view.models {
        family.value(&[("model", &model.model)], model.workers);
    }
    let name = "visiobook_scheduler_tenant_items_queued";
    let mut family = Family::new(out, "gauge", name, "Fairly queued items of the tenants with most of them.");
    for model in &view.models {
        for load in &model.tenants {
            family.value(&[("model", &model.model), ("tenant", &load.tenant)], load.queued);
        }
    }
}

fn workers(out: &mut String, view: &SchedulingView) {
    let name = "visiobook_scheduler_worker_busy_share";
    let mut family = Family::new(out, "gauge", name, "Share of the time since it came that a device computed.");
    for load in &view.workers {
        family.value(&[("worker", &load.worker)], load.busy_share);
    }
    let name = "visiobook_scheduler_worker_batches_held";
    let mut family = Family::new(out, "gauge", name, "Batches that a device has, running and staged.");
    for load in &view.workers {
        family.value(&[("worker", &load.worker)], load.held);
    }
}

#[cfg(test)]
mod tests {
    use domain::scheduling::ModelLoad;

    use super::*;

    #[test]
    fn every_line_is_a_comment_or_a_sample() {
        let model = ModelLoad {
            model: "0a0b0c0d-bf16".to_owned(),
            queued: 3,
            backlog_device_seconds: 1.0,
            backlog_seconds: None,
            workers: 0,
            tenants: Vec::new(),
        };
        let text = text(&SchedulingView { models: vec![model], ..SchedulingView::default() });
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("visiobook_scheduler_"), "{line}");
            assert!(value == "+Inf" || value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        }
        let unserved = "visiobook_scheduler_backlog_seconds{model=\"0a0b0c0d-bf16\"} +Inf";
        assert!(text.lines().any(|line| line == unserved), "{text}");
    }
}
