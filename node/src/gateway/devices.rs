//! `/api/v1/scheduling/devices`, and the devices' part of `/metrics`: what each did and has left, by its own account.

use std::fmt::Write;

use cluster::body::workers::GetDevices;
use domain::scheduling::DeviceLoad;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Request;
use super::handlers::json;
use super::problem::ApiError;

/// `GET /api/v1/scheduling/devices`
pub async fn devices(request: Request) -> Result<Response, ApiError> {
    let ask = GetDevices { principal: request.principal };
    Ok(json(StatusCode::OK, &request.gateway.core.call(ask, request.context()).await?.devices))
}

/// One family of metrics: its kind, name and meaning, and what it says of a device.
type Family = (&'static str, &'static str, &'static str, fn(&DeviceLoad) -> f64);

const FAMILIES: [Family; 10] = [
    ("counter", "visiobook_device_batches_total", "Batches that a device ran.", |d| d.batches as f64),
    ("counter", "visiobook_device_tokens_total", "Tokens in them; its rate is tokens a second.", |d| d.tokens as f64),
    ("counter", "visiobook_device_computed_tokens_total", "The same, padding included where it is computed.", |d| {
        d.computed_tokens as f64
    }),
    ("counter", "visiobook_device_busy_seconds_total", "Time that it computed; its rate is the busy share.", |d| {
        d.busy_us as f64 / 1e6
    }),
    ("counter", "visiobook_device_idle_gap_seconds_total", "Time between a batch and the next.", |d| {
        d.gaps_us as f64 / 1e6
    }),
    ("gauge", "visiobook_device_tokens_per_busy_second", "Tokens a second while it computes.", |d| {
        d.tokens as f64 / (d.busy_us as f64 / 1e6).max(1e-9)
    }),
    ("gauge", "visiobook_device_memory_free_bytes", "Memory free while nothing runs.", |d| d.free_bytes as f64),
    ("gauge", "visiobook_device_memory_total_bytes", "Memory that it has.", |d| d.total_bytes as f64),
    ("gauge", "visiobook_device_weights_bytes", "Memory of the weights on it.", |d| d.weights_bytes as f64),
    ("gauge", "visiobook_device_models_resident", "Models on it.", |d| f64::from(d.resident_models)),
];

/// Appends the devices' metrics.
pub fn write_metrics(out: &mut String, devices: &[DeviceLoad]) {
    for (kind, name, help, of) in FAMILIES {
        // Writing to a string can't fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for load in devices {
            let device: String = load.device.chars().filter(|c| !matches!(c, '"' | '\\' | '\n')).collect();
            let _ = writeln!(out, "{name}{{worker=\"{}\",device=\"{device}\"}} {}", load.worker, of(load));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_has_a_sample_in_every_family() {
        let load = DeviceLoad {
            worker: domain::id::WorkerId(1),
            device: "cp\"u".into(),
            batches: 2,
            tokens: 900,
            computed_tokens: 950,
            busy_us: 300_000,
            gaps_us: 7,
            free_bytes: 1 << 30,
            total_bytes: 1 << 31,
            weights_bytes: 1 << 20,
            resident_models: 1,
        };
        let mut out = String::new();
        write_metrics(&mut out, &[load]);
        let samples: Vec<&str> = out.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), FAMILIES.len());
        assert!(samples.iter().all(|line| line.contains("device=\"cpu\"")), "{samples:?}");
        assert!(samples.iter().any(|line| line.ends_with(" 3000")), "{samples:?}");
    }
}
