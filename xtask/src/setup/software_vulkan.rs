//! A Vulkan device for the tests that compare burn on a GPU with burn on the CPU.
//!
//! Where there is a GPU with a driver, that is the device. Elsewhere it is Mesa's llvmpipe, which
//! runs Vulkan on the CPU. `POINTSMAN_VK=software` asks for llvmpipe in any case.

use super::{apt, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BY_HAND: &str = "install Mesa's Vulkan drivers (lavapipe) and the Vulkan loader";

/// The device that the GPU tests use.
pub enum Vulkan {
    /// macOS: burn uses Metal, Vulkan is not tried.
    Metal,
    /// A GPU with a driver of its own.
    Hardware,
    /// llvmpipe, by the driver manifest at this path.
    Software(PathBuf),
}

impl Vulkan {
    /// Tells a test process which device to use: `POINTSMAN_VK` is `metal`, `hardware` or
    /// `software`, and the Vulkan loader is held to the driver chosen.
    pub fn apply(&self, command: &mut Command) {
        if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
            // Without a desktop, Mesa's device-select layer prints an error for each Vulkan instance.
            command.env("NODEVICE_SELECT", "1");
        }
        match self {
            Self::Metal => command.env("POINTSMAN_VK", "metal"),
            Self::Hardware => command.env("POINTSMAN_VK", "hardware"),
            Self::Software(manifest) => command
                .env("POINTSMAN_VK", "software")
                .env("VK_DRIVER_FILES", manifest)
                // The name that loaders before 1.3.207 read.
                .env("VK_ICD_FILENAMES", manifest),
        };
    }
}

/// Finds the device to test on, and installs the software driver where there is none.
pub fn obtain() -> Result<Vulkan> {
    if cfg!(target_os = "macos") {
        say("vulkan", "macOS: Metal");
        return Ok(Vulkan::Metal);
    }
    let software_asked = std::env::var("POINTSMAN_VK").is_ok_and(|value| value == "software");
    if !software_asked && has_gpu() {
        say("vulkan", "a GPU with a driver");
        return Ok(Vulkan::Hardware);
    }
    if software_manifest().is_none() || !has_loader() {
        apt::install("a software Vulkan driver", &["mesa-vulkan-drivers", "libvulkan1"], BY_HAND)?;
    }
    let manifest = software_manifest().filter(|_| has_loader()).with_context(|| {
        format!("no Vulkan driver in software found after the installation; {BY_HAND}")
    })?;
    say("vulkan", format!("no GPU: llvmpipe by {}", manifest.display()));
    Ok(Vulkan::Software(manifest))
}

/// Whether there is a GPU that Vulkan can drive: a device node of the kernel's and a driver
/// manifest that is not the software one. A virtual display card has the first only.
pub fn has_gpu() -> bool {
    let render_node = fs::read_dir("/dev/dri").is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    });
    let nvidia = Path::new("/proc/driver/nvidia/version").exists();
    let names: Vec<String> = manifests()
        .iter()
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    is_driven(render_node, nvidia, &names)
}

fn is_driven(render_node: bool, nvidia: bool, manifests: &[String]) -> bool {
    let named = |prefixes: &[&str]| {
        manifests.iter().any(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
    };
    (nvidia && named(&["nvidia"])) || (render_node && named(&["nvidia", "radeon", "amd", "intel"]))
}

fn software_manifest() -> Option<PathBuf> {
    manifests().into_iter().find(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
    })
}

/// The driver manifests that the Vulkan loader would find.
fn manifests() -> Vec<PathBuf> {
    let folders = ["/etc", "/usr/local/etc", "/usr/local/share", "/usr/share"];
    let mut found: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(Path::new(folder).join("vulkan/icd.d")).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .collect();
    found.sort();
    found
}

fn has_loader() -> bool {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib"];
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    folders
        .iter()
        .copied()
        .chain([multiarch.as_str()])
        .any(|folder| Path::new(folder).join("libvulkan.so.1").exists())
}

#[cfg(test)]
mod tests {
    use super::is_driven;

    #[test]
    fn a_gpu_counts_only_with_a_driver_of_its_own() {
        let software = vec!["lvp_icd.x86_64.json".to_owned()];
        let mesa = vec!["intel_icd.x86_64.json".to_owned(), "lvp_icd.x86_64.json".to_owned()];
        let nvidia = vec!["nvidia_icd.json".to_owned()];
        assert!(!is_driven(true, false, &software));
        assert!(is_driven(true, false, &mesa));
        assert!(!is_driven(false, false, &mesa));
        assert!(is_driven(false, true, &nvidia));
        assert!(!is_driven(false, true, &mesa));
    }
}
