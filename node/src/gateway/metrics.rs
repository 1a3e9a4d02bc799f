//! `/metrics` and `/api/v1/scheduling`: how the scheduling stands, for programs and for people, and what tenants may
//! have of it.
//!
//! The text is Prometheus' exposition format 0.0.4. Tenants and workers come in a bounded number, so that a scrape
//! stays small whatever the node has to do.

use std::fmt::{Display, Write};

use cluster::body::runs::{GetScheduling, GetWaits, SetShare};
use cluster::body::workers::GetDevices;
use domain::scheduling::{SchedulingView, SchedulingWaits, TenantShare, WAIT_BOUNDS, WaitSum};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::Request;
use super::handlers::json;
use super::problem::ApiError;

/// Most that a tenant may weigh against others.
const MAX_WEIGHT: u32 = 10_000;

/// `GET /api/v1/scheduling`
pub async fn scheduling(request: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &view(request).await?))
}

/// `GET /metrics`
pub async fn metrics(request: Request) -> Result<Response, ApiError> {
    let (principal, gateway, context) = (request.principal, request.gateway.clone(), request.context());
    let devices = gateway.core.call(GetDevices { principal }, context).await?.devices;
    let health = super::keeping::measured(gateway.clone(), principal, context).await?;
    let mut lines = text(&view(request).await?);
    let waits = gateway.core.call(GetWaits { principal }, context).await?.waits;
    waited(&mut lines, &waits);
    super::devices::write_metrics(&mut lines, &devices);
    super::keeping::write_metrics(&mut lines, &health);
    if let Some(at_hand) = &gateway.at_hand {
        kept(&mut lines, at_hand.size());
    }
    let mut response = lines.into_response();
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `GET /api/v1/scheduling/waits`
pub async fn waits(request: Request) -> Result<Response, ApiError> {
    let ask = GetWaits { principal: request.principal };
    Ok(json(StatusCode::OK, &request.gateway.core.call(ask, request.context()).await?.waits))
}

/// `PUT /api/v1/scheduling/tenants/{tenant}`
pub async fn set_share(request: Request) -> Result<Response, ApiError> {
    let share = share(&request)?;
    let ask = SetShare { principal: request.principal, tenant: request.path_id(0)?, share };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &share))
}

fn share(request: &Request) -> Result<TenantShare, ApiError> {
    let number = |name: &str, range: std::ops::RangeInclusive<u32>| {
        let Some(text) = request.query(name) else { return Ok(None) };
        let given = text.parse().ok().filter(|number| range.contains(number));
        let detail = || format!("{name} is a whole number from {} to {}", range.start(), range.end());
        given.map(Some).ok_or_else(|| ApiError::new("bad-request", detail()))
    };
    let normal = TenantShare::default();
    Ok(TenantShare {
        weight: number("weight", 1..=MAX_WEIGHT)?.unwrap_or(normal.weight),
        device_ms_per_s: number("device_ms_per_s", 0..=u32::MAX)?,
    })
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
        self.part("", labels, value)
    }

    /// One of the lines that a histogram or a summary is made of.
    fn part(&mut self, part: &str, labels: &[(&str, &dyn Display)], value: impl Display) -> &mut Self {
        let labels: Vec<String> = labels.iter().map(|(name, label)| format!("{name}=\"{label}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.out, "{}{part}{labels} {value}", self.name);
        self
    }
}

/// Rows that are in memory, so that looking at them takes no reading.
fn kept(out: &mut String, (rows, bytes): (u64, u64)) {
    Family::new(out, "gauge", "visiobook_rows_at_hand", "Rows that are kept in memory.").value(&[], rows);
    let help = "What they take, as far as is counted.";
    Family::new(out, "gauge", "visiobook_rows_at_hand_bytes", help).value(&[], bytes);
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

/// How long items waited: a histogram a class, quantiles a tenant.
fn waited(out: &mut String, waits: &SchedulingWaits) {
    let name = "visiobook_scheduler_wait_seconds";
    let mut family = Family::new(out, "histogram", name, "From taking an item in to handing it to a device.");
    for of in &waits.models {
        for (class, sum) in [("interactive", &of.interactive), ("bulk", &of.bulk)] {
            let mut kept = 0;
            for (bound, count) in sum.counts.iter().enumerate().take(WAIT_BOUNDS) {
                kept += count;
                let bound = seconds(WaitSum::bound_ms(bound));
                family.part("_bucket", &[("model", &of.model), ("class", &class), ("le", &bound)], kept);
            }
            let labels: [(&str, &dyn Display); 2] = [("model", &of.model), ("class", &class)];
            family.part("_bucket", &[labels[0], labels[1], ("le", &"+Inf")], sum.items);
            family.part("_sum", &labels, seconds(sum.total_ms)).part("_count", &labels, sum.items);
        }
    }
    let name = "visiobook_scheduler_tenant_wait_seconds";
    let help = "The same for the tenants with most items; quantiles are bounds that so many kept.";
    let mut family = Family::new(out, "summary", name, help);
    for of in &waits.models {
        for tenant in &of.tenants {
            for (class, sum) in [("interactive", &tenant.interactive), ("bulk", &tenant.bulk)] {
                if sum.items == 0 {
                    continue;
                }
                let labels: [(&str, &dyn Display); 3] =
                    [("model", &of.model), ("class", &class), ("tenant", &tenant.tenant)];
                for quantile in [0.5, 0.99] {
                    let bound = sum.within_ms(quantile).map_or(f64::INFINITY, seconds);
                    let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                    family.value(&[labels[0], labels[1], labels[2], ("quantile", &quantile)], bound);
                }
                family.part("_sum", &labels, seconds(sum.total_ms)).part("_count", &labels, sum.items);
            }
        }
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::scheduling::{ModelLoad, ModelWaits, TenantWaits};

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
        let mut text = text(&SchedulingView { models: vec![model], ..SchedulingView::default() });
        waited(&mut text, &a_wait());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("visiobook_scheduler_"), "{line}");
            assert!(value == "+Inf" || value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        }
        let unserved = "visiobook_scheduler_backlog_seconds{model=\"0a0b0c0d-bf16\"} +Inf";
        assert!(text.lines().any(|line| line == unserved), "{text}");
    }

    /// Of three items two waited at most 16 ms, and one longer than every bound.
    fn a_wait() -> SchedulingWaits {
        let mut counts = vec![0; WAIT_BOUNDS + 1];
        (counts[1], counts[WAIT_BOUNDS]) = (2, 1);
        let bulk = WaitSum { items: 3, total_ms: 600_030, counts };
        let tenant = TenantWaits { tenant: TenantId::LOCAL, interactive: WaitSum::default(), bulk: bulk.clone() };
        let model = ModelWaits { model: "m".to_owned(), bulk, tenants: vec![tenant], ..ModelWaits::default() };
        SchedulingWaits { models: vec![model] }
    }

    #[test]
    fn waits_are_cumulative_by_class_and_quantiles_by_tenant() {
        let mut text = String::new();
        waited(&mut text, &a_wait());
        let name = "visiobook_scheduler_wait_seconds";
        for line in [
            format!("{name}_bucket{{model=\"m\",class=\"bulk\",le=\"0.008\"}} 0"),
            format!("{name}_bucket{{model=\"m\",class=\"bulk\",le=\"262.144\"}} 2"),
            format!("{name}_bucket{{model=\"m\",class=\"bulk\",le=\"+Inf\"}} 3"),
            format!("{name}_sum{{model=\"m\",class=\"bulk\"}} 600.03"),
            format!("{name}_count{{model=\"m\",class=\"interactive\"}} 0"),
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        let of_tenant: Vec<&str> = text.lines().filter(|line| line.contains("quantile=")).collect();
        let [half, nearly_all] = of_tenant.as_slice() else { panic!("{text}") };
        assert!(half.ends_with("quantile=\"0.5\"} 0.016") && nearly_all.ends_with("quantile=\"0.99\"} +Inf"));
    }
}
