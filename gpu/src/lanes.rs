//! The lanes of this machine: encoders that compute side by side, one a thread.

use domain::manifest::NumericProfile;

use crate::cells::Cells;
use crate::device::{Device, DeviceInfo, devices};
use crate::double::DoubleEncoder;
use crate::encoder::Encoder;
use crate::error::GpuError;
use crate::model::ModelFolder;
use crate::torch::TchEncoder;

/// How many encoders each device gets, and what each takes at once.
#[derive(Clone, Copy, Debug)]
pub struct LanePlan {
    /// Encoders on the processor, a core each; 0 for as many as there are cores, and none beside a GPU.
    pub cpu_workers: usize,
    /// Inputs × longest length that a core takes at once.
    pub cpu_padded_tokens: usize,
    /// The same for a GPU.
    pub gpu_padded_tokens: usize,
}

/// Encoders of one device.
#[derive(Clone, Debug)]
pub struct Place {
    /// The device.
    pub info: DeviceInfo,
    /// How many of them.
    pub lanes: usize,
    /// What each takes at once.
    pub padded_tokens: usize,
}

/// One encoder and what it takes at once.
pub struct Lane {
    /// Where it computes.
    pub device: Device,
    /// The encoder; it serves one thread.
    pub encoder: Box<dyn Encoder>,
    /// Learns from batches that do not fit.
    pub cells: Cells,
}

impl LanePlan {
    /// Which devices are used, and how: every GPU with one encoder, the processor as the plan says.
    pub fn places(&self, devices: &[DeviceInfo]) -> Vec<Place> {
        let has_gpu = devices.iter().any(|info| info.device != Device::Cpu);
        let place = |info: &DeviceInfo| {
            let (lanes, padded_tokens) = match (info.device, self.cpu_workers) {
                (Device::Cpu, 0) if has_gpu => return None,
                (Device::Cpu, 0) => (info.lanes, self.cpu_padded_tokens),
                (Device::Cpu, wanted) => (wanted, self.cpu_padded_tokens),
                (Device::Cuda(_), _) => (1, self.gpu_padded_tokens),
            };
            Some(Place { info: info.clone(), lanes, padded_tokens })
        };
        devices.iter().filter_map(place).collect()
    }
}

/// Loads the model onto every device that the plan uses, once each; a device's lanes share the weights. `attach` puts
/// heads on each device's first encoder, whose others get them too.
///
/// # Errors
/// Where a device can't load the model, or `attach` refuses.
pub fn load(
    model: &ModelFolder,
    profile: NumericProfile,
    plan: &LanePlan,
    mut attach: impl FnMut(&mut TchEncoder) -> Result<(), GpuError>,
) -> Result<Vec<Lane>, GpuError> {
    let mut lanes = Vec::new();
    for place in plan.places(&devices()) {
        lanes.extend(load_place(model, profile, &place, &mut attach)?);
    }
    Ok(lanes)
}

/// [`load`] for one device.
///
/// # Errors
/// As there.
pub fn load_place(
    model: &ModelFolder,
    profile: NumericProfile,
    place: &Place,
    attach: impl FnOnce(&mut TchEncoder) -> Result<(), GpuError>,
) -> Result<Vec<Lane>, GpuError> {
    let mut first = TchEncoder::load(model, place.info.device, profile)?;
    attach(&mut first)?;
    let mut lanes: Vec<Lane> =
        (1..place.lanes).map(|_| lane(place.info.device, first.share(), place.padded_tokens)).collect();
    lanes.push(lane(place.info.device, first, place.padded_tokens));
    Ok(lanes)
}

/// Lanes of the deterministic double, one or as many as the plan wants.
pub fn double(encoder: &DoubleEncoder, plan: &LanePlan) -> Vec<Lane> {
    (0..plan.cpu_workers.max(1)).map(|_| lane(Device::Cpu, encoder.clone(), plan.cpu_padded_tokens)).collect()
}

fn lane(device: Device, encoder: impl Encoder + 'static, padded_tokens: usize) -> Lane {
    Lane { device, encoder: Box::new(encoder), cells: Cells::new(padded_tokens) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(device: Device, lanes: usize) -> DeviceInfo {
        DeviceInfo { device, name: "a device".into(), lanes, memory_bytes: 1 << 30, bf16: true }
    }

    #[test]
    fn the_processor_is_left_alone_beside_a_gpu_unless_it_is_asked_for() {
        let plan = |cpu_workers| LanePlan { cpu_workers, cpu_padded_tokens: 512, gpu_padded_tokens: 4096 };
        let shown = |plan: LanePlan, devices: &[DeviceInfo]| {
            let places = plan.places(devices).into_iter();
            places.map(|place| (place.info.device, place.lanes, place.padded_tokens)).collect::<Vec<_>>()
        };
        let cpu = info(Device::Cpu, 8);
        let both = [cpu.clone(), info(Device::Cuda(0), 1), info(Device::Cuda(1), 1)];
        assert_eq!(shown(plan(0), &[cpu]), [(Device::Cpu, 8, 512)]);
        assert_eq!(shown(plan(0), &both), [(Device::Cuda(0), 1, 4096), (Device::Cuda(1), 1, 4096)]);
        assert_eq!(shown(plan(2), &both)[0], (Device::Cpu, 2, 512));
    }
}
