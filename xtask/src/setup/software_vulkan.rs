//! Finds a Vulkan device for the tests that compare burn on a GPU with burn on the CPU.
//!
//! It is a GPU with a driver if there is one, else Mesa's llvmpipe, which runs Vulkan on the CPU.
//! `POINTSMAN_VK=software` selects llvmpipe in any case.

use super::{apt, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BY_HAND: &str = "install Mesa's Vulkan drivers (lavapipe) and the Vulkan loader";

/// The device that the GPU tests use.
pub enum Vulkan {
    /// macOS: burn uses Metal instead of Vulkan.
    Metal,
    /// A GPU with a driver.
    Hardware,
    /// llvmpipe, with the path of its driver manifest.
    Software(PathBuf),
}

impl Vulkan {
    /// Sets the device of a test process: `POINTSMAN_VK` is `metal`, `hardware` or `software`, and the
    /// Vulkan loader uses only the chosen driver.
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
                // The variable's name for loaders before 1.3.207.
                .env("VK_ICD_FILENAMES", manifest),
        };
    }
}

/// Finds the device to test on, and installs the software driver if there is none.
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
        format!("no software Vulkan driver found after the installation; {BY_HAND}")
    })?;
    say("vulkan", format!("no GPU: llvmpipe, {}", manifest.display()));
    Ok(Vulkan::Software(manifest))
}

/// Whether there is a GPU that Vulkan can use: a device node of the kernel and a driver manifest other
/// than the software one. A virtual display card has only the device node.
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
