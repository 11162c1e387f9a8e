//! The device a training run uses, chosen by a flag.
//!
//! The same training code runs on each: burn's `Device` is a value. `vulkan` and `metal` name the
//! graphics API; which shader path is compiled in (portable WGSL, or SPIR-V and MSL with the
//! features `spirv` and `msl`) is [`shader_path`].

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuBackend;
use clap::ValueEnum;

use crate::error::TrainerError;

/// The `--device` flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// A GPU if there is one, else the CPU.
    Auto,
    /// The CPU (burn's flex backend).
    Cpu,
    /// Vulkan, software Vulkan included.
    Vulkan,
    /// Metal.
    Metal,
}

/// A device and the words that describe it in a run's record.
#[derive(Debug, Clone)]
pub struct ChosenDevice {
    pub device: Device,
    /// For example `cpu (flex)` or `vulkan (wgsl)`.
    pub description: String,
}

/// The shader path compiled into this binary.
#[must_use]
pub fn shader_path() -> &'static str {
    match (cfg!(feature = "spirv"), cfg!(feature = "msl")) {
        (true, _) => "spirv",
        (_, true) => "msl",
        _ => "wgsl",
    }
}

/// Opens the device a flag names. `Auto` falls back to the CPU; the others do not.
///
/// # Errors
/// [`TrainerError::NoDevice`] where the machine has no adapter for the API.
pub fn open(choice: DeviceChoice) -> Result<ChosenDevice, TrainerError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Vulkan => graphics(WgpuBackend::Vulkan, "vulkan"),
        DeviceChoice::Metal => graphics(WgpuBackend::Metal, "metal"),
        DeviceChoice::Auto => Ok(hardware_gpu().unwrap_or_else(cpu)),
    }
}

fn cpu() -> ChosenDevice {
    ChosenDevice { device: Device::flex(), description: "cpu (flex)".into() }
}

fn graphics(api: WgpuBackend, name: &'static str) -> Result<ChosenDevice, TrainerError> {
    let opened = Device::wgpu_options().graphics_api(api).init();
    let device =
        opened.map_err(|e| TrainerError::NoDevice { asked: name, detail: e.to_string() })?;
    Ok(ChosenDevice { device, description: format!("{name} ({})", shader_path()) })
}

/// A real GPU on the platform's own API; a software adapter does not count, since the CPU backend
/// is faster than one.
fn hardware_gpu() -> Option<ChosenDevice> {
    use burn::tensor::DeviceKind;
    let (api, name) = match cfg!(target_os = "macos") {
        true => (WgpuBackend::Metal, "metal"),
        false => (WgpuBackend::Vulkan, "vulkan"),
    };
    [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0)]
        .into_iter()
        .find_map(|kind| {
            let device = Device::wgpu_options().device_kind(kind).graphics_api(api).init().ok()?;
            Some(ChosenDevice { device, description: format!("{name} ({})", shader_path()) })
        })
}
