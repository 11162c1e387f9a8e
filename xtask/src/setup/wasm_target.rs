//! Finds a compiler for wasm32-unknown-unknown: rustup's target, else Debian's packages.
//!
//! Debian's `rustc-web` has no compiled standard library for wasm. It has the source, from which cargo
//! builds the library (`-Zbuild-std`) once per target folder and set of flags. Both compilers write the
//! same files to the same paths.

use super::{apt, on_path, say, version};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const BY_HAND: &str = "run `rustup target add wasm32-unknown-unknown`";

/// A compiler for wasm32.
pub enum WasmToolchain {
    /// The native toolchain with the target's standard library.
    Native,
    /// Debian's rustc and cargo, with the standard library built from source.
    Debian,
}

impl WasmToolchain {
    /// Makes the command `cargo build` for the target, in the clone's root, with only `rustflags`.
    pub fn cargo_build(&self, workspace: &Workspace, rustflags: &str) -> Command {
        let mut command = match self {
            Self::Native => workspace.cargo(),
            Self::Debian => {
                let mut command = Command::new(DEBIAN_CARGO);
                command
                    .current_dir(&workspace.root)
                    .env("RUSTC", DEBIAN_RUSTC)
                    // Lets the stable compiler accept the unstable option -Zbuild-std.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("CARGO");
                command
            }
        };
        command.arg("build");
        if let Self::Debian = self {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command
            .args(["--target", TARGET])
            .env("RUSTFLAGS", rustflags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET");
        command
    }

    /// A text that identifies the compiler, for the name of the cache folder.
    pub fn identity(&self, workspace: &Workspace) -> Result<String> {
        match self {
            Self::Native => workspace.rustc_version(),
            Self::Debian => process::capture(Command::new(DEBIAN_RUSTC).arg("-vV")),
        }
    }
}

/// Finds or installs a compiler for wasm32.
pub fn obtain(workspace: &Workspace) -> Result<WasmToolchain> {
    if native_has_target(workspace) {
        say("wasm target", format!("the native toolchain has {TARGET}"));
        return Ok(WasmToolchain::Native);
    }
    let why_not_rustup = if std::env::var("RUSTUP_AUTO_INSTALL").is_ok_and(|value| value == "0") {
        "RUSTUP_AUTO_INSTALL=0 forbids rustup's downloads"
    } else if on_path("rustup").is_none() {
        "there is no rustup"
    } else {
        say("wasm target", format!("rustup target add {TARGET}"));
        let added = process::status(
            Command::new("rustup").args(["target", "add", TARGET]).current_dir(&workspace.root),
        );
        if process::interrupted() {
            bail!("interrupted");
        }
        if added.is_ok_and(|status| status.success()) && native_has_target(workspace) {
            return Ok(WasmToolchain::Native);
        }
        "rustup could not download it"
    };
    debian(why_not_rustup).with_context(|| format!("no compiler for {TARGET} ({why_not_rustup})"))
}

/// Finds Debian's compiler, or installs it.
fn debian(why_not_rustup: &str) -> Result<WasmToolchain> {
    let already = debian_packages().is_some_and(|packages| apt::installed(&as_strs(&packages)));
    if !already {
        if on_path("apt-get").is_some() {
            apt::refresh()?;
        }
        let packages = debian_packages()
            .with_context(|| format!("apt has no rust-web-llvm, the alternative; {BY_HAND}"))?;
        apt::install("a compiler for wasm32", &as_strs(&packages), BY_HAND)?;
    }
    let found = process::capture(Command::new(DEBIAN_RUSTC).arg("--version"))
        .context("the package rustc-web is installed, but its compiler does not run")?;
    let needed = env!("CARGO_PKG_RUST_VERSION");
    if version::parse(&found) < version::parse(needed) {
        bail!("apt's compiler is too old: found {found}, expected {needed} or later; {BY_HAND}");
    }
    say(
        "wasm target",
        format!("apt's {found} with the standard library from source, because {why_not_rustup}"),
    );
    Ok(WasmToolchain::Debian)
}

/// The Debian packages to install; the linker's version must match the compiler's LLVM.
fn debian_packages() -> Option<Vec<String>> {
    let llvm = apt::dependency("rust-web-llvm", "llvm-")?;
    let mut packages: Vec<String> =
        ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"].map(str::to_owned).to_vec();
    packages.push(linker_package(&llvm));
    Some(packages)
}

fn linker_package(llvm: &str) -> String {
    llvm.replacen("llvm", "lld", 1)
}

fn as_strs(packages: &[String]) -> Vec<&str> {
    packages.iter().map(String::as_str).collect()
}

/// Whether the native compiler has the target's standard library.
fn native_has_target(workspace: &Workspace) -> bool {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    process::probe(
        Command::new(rustc)
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(&workspace.root),
    )
    .is_some_and(|folder| has_std(Path::new(&folder)))
}

fn has_std(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::linker_package;

    #[test]
    fn the_linker_is_that_of_the_compilers_llvm() {
        assert_eq!(linker_package("llvm-22"), "lld-22");
    }
}
