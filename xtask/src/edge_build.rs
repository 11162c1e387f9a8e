//! Builds what runs at the edge: the engine's and the Worker's wasm, with their JavaScript.
//!
//! One cargo invocation compiles both crates, so they share every dependency. Then wasm-bindgen
//! writes `router-wasm/js/pkg/switchyard_router{.js,_bg.wasm,.d.ts}` and
//! `worker/build/switchyard_worker{.js,_bg.wasm,.d.ts}`.

use crate::cache::{replace_folder, sha256_hex};
use crate::process;
use crate::setup::EdgeTools;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The one place for the edge build's compiler flags: a change here rebuilds everything.
const RUSTFLAGS: &str = "-C target-feature=+simd128";
const PROFILE: &str = "edge";
/// wasm-bindgen's arguments. The reset function gives the Worker a fresh instance after a trap.
const BIND_ARGS: [&str; 5] = [
    "--target",
    "web",
    "--experimental-reset-state-function",
    "--remove-name-section",
    "--remove-producers-section",
];

/// A crate that becomes a wasm module.
struct Module {
    package: &'static str,
    /// The library's name, which the generated files carry.
    name: &'static str,
    /// Where the generated files go, from the clone's root.
    output: &'static str,
}

const MODULES: [Module; 2] = [
    Module {
        package: "switchyard-router",
        name: "switchyard_router",
        output: "router-wasm/js/pkg",
    },
    Module { package: "switchyard-worker", name: "switchyard_worker", output: "worker/build" },
];

/// Builds both modules; does nothing twice.
pub fn build(workspace: &Workspace, tools: &EdgeTools) -> Result<()> {
    let start = Instant::now();
    let identity = format!("{}\n{RUSTFLAGS}\n{PROFILE}", tools.toolchain.identity(workspace)?);
    let target = workspace.cache.target_dir("edge", &identity, &workspace.lock_file()?)?;
    eprintln!(
        "build: wasm modules in {} (from empty: a quarter of an hour or more)",
        target.path.display()
    );
    let mut cargo = tools.toolchain.cargo_build(workspace, RUSTFLAGS);
    cargo.args(["--locked", "--profile", PROFILE]).env("CARGO_TARGET_DIR", &target.path);
    for module in &MODULES {
        cargo.args(["--package", module.package]);
    }
    process::run(&mut cargo)?;
    for module in &MODULES {
        let wasm = target
            .path
            .join("wasm32-unknown-unknown")
            .join(PROFILE)
            .join(format!("{}.wasm", module.name));
        bind(workspace, &tools.wasm_bindgen, &wasm, module)?;
    }
    eprintln!("build: edge build ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs wasm-bindgen on a module, unless its output is of this very input.
fn bind(workspace: &Workspace, wasm_bindgen: &Path, wasm: &Path, module: &Module) -> Result<()> {
    let bytes = fs::read(wasm).with_context(|| format!("cargo left no {}", wasm.display()))?;
    let version = workspace.locked_version("wasm-bindgen")?;
    let wanted = format!("{version} {BIND_ARGS:?} {}\n", sha256_hex(&bytes));
    let output = workspace.path(module.output);
    let marker = output.join(".made-from");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    // Beside the output, not in the cache: a rename must not cross file systems.
    let fresh = workspace.path(format!("{}.unfinished", module.output));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot empty {}", fresh.display()))?;
    }
    process::run(
        Command::new(wasm_bindgen)
            .arg(wasm)
            .args(BIND_ARGS)
            .args(["--out-name", module.name, "--out-dir"])
            .arg(&fresh),
    )?;
    let bound = fresh.join(format!("{}_bg.wasm", module.name));
    let size = fs::metadata(&bound)
        .with_context(|| format!("wasm-bindgen left no {}", bound.display()))?
        .len();
    fs::write(fresh.join(".made-from"), wanted)?;
    replace_folder(&fresh, &output)?;
    eprintln!("build: {}/{}_bg.wasm, {size} bytes", module.output, module.name);
    Ok(())
}
