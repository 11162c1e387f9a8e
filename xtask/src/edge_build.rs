//! Builds what runs at the edge: the engine's and the Worker's wasm, with their JavaScript.
//!
//! The engine is built twice, with the kernels of simd128 and with those of relaxed-simd; the Worker
//! has the latter, which workerd runs. They differ by a feature of the engine's crate, so every
//! dependency is compiled once. Then wasm-bindgen writes
//! `router-wasm/js/pkg/switchyard_router{.js,_bg.wasm,_relaxed_bg.wasm,.d.ts}` and
//! `worker/build/switchyard_worker{.js,_bg.wasm,.d.ts}`.

use crate::cache::{replace_folder, sha256_hex};
use crate::edge_link;
use crate::process;
use crate::setup::EdgeTools;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
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

/// The crates that become modules. cargo is always given both: another choice would unify the
/// features of their dependencies otherwise, and compile those again.
const PACKAGES: [&str; 2] = ["switchyard-router", "switchyard-worker"];
const RELAXED_SIMD: &str = "switchyard-router/relaxed-simd";

/// A module as cargo leaves it, and what its files are to be called.
type Module = (&'static str, Vec<u8>);

/// Where the engine's files go, from the clone's root.
const ENGINE_OUTPUT: &str = "router-wasm/js/pkg";
const WORKER_OUTPUT: &str = "worker/build";

/// Builds the modules; does nothing twice.
pub fn build(workspace: &Workspace, tools: &EdgeTools) -> Result<()> {
    let start = Instant::now();
    let identity = format!("{}\n{RUSTFLAGS}\n{PROFILE}", tools.toolchain.identity(workspace)?);
    let target = workspace.cache.target_dir("edge", &identity, &workspace.lock_file()?)?;
    eprintln!(
        "build: wasm modules in {} (from empty: a quarter of an hour or more)",
        target.path.display()
    );
    compile(workspace, tools, &target.path, &[])?;
    let engine = ("switchyard_router", module(&target.path, "switchyard_router")?);
    compile(workspace, tools, &target.path, &["--features", RELAXED_SIMD])?;
    let relaxed = ("switchyard_router_relaxed", module(&target.path, "switchyard_router")?);
    let worker = ("switchyard_worker", module(&target.path, "switchyard_worker")?);
    bind(workspace, tools, ENGINE_OUTPUT, &[engine, relaxed])?;
    bind(workspace, tools, WORKER_OUTPUT, &[worker])?;
    eprintln!("build: edge build ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn compile(
    workspace: &Workspace,
    tools: &EdgeTools,
    target: &Path,
    features: &[&str],
) -> Result<()> {
    let mut cargo = tools.toolchain.cargo_build(workspace, RUSTFLAGS);
    cargo.args(["--locked", "--profile", PROFILE]).args(features);
    cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    edge_link::take_part(&mut cargo)?;
    process::run(cargo.env("CARGO_TARGET_DIR", target))
}

/// The module that cargo left of a library.
fn module(target: &Path, library: &str) -> Result<Vec<u8>> {
    let folder = target.join("wasm32-unknown-unknown").join(PROFILE);
    let wasm = folder.join(format!("{library}.wasm"));
    fs::read(&wasm).with_context(|| format!("cargo left no {}", wasm.display()))
}

/// Runs wasm-bindgen on modules that share a folder and one file of JavaScript, unless its output is
/// of this very input.
fn bind(workspace: &Workspace, tools: &EdgeTools, output: &str, modules: &[Module]) -> Result<()> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let hashes: Vec<String> = modules.iter().map(|(_, wasm)| sha256_hex(wasm)).collect();
    let wanted = format!("{version} {BIND_ARGS:?} {hashes:?}\n");
    let place = workspace.path(output);
    let marker = place.join(".made-from");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    // Beside the output, not in the cache: a rename must not cross file systems.
    let fresh = workspace.path(format!("{output}.unfinished"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot empty {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    let mut glue = None;
    for (name, wasm) in modules {
        let input = fresh.join("input.wasm");
        fs::write(&input, wasm).with_context(|| format!("cannot write {}", input.display()))?;
        process::run(
            Command::new(&tools.wasm_bindgen)
                .arg(&input)
                .args(BIND_ARGS)
                .args(["--out-name", name, "--out-dir"])
                .arg(&fresh),
        )?;
        fs::remove_file(&input)?;
        let bound = fresh.join(format!("{name}_bg.wasm"));
        let size = fs::metadata(&bound)
            .with_context(|| format!("wasm-bindgen left no {}", bound.display()))?
            .len();
        eprintln!("build: {output}/{name}_bg.wasm, {size} bytes");
        let script = fresh.join(format!("{name}.js"));
        let text = fs::read_to_string(&script)?.replace(*name, "");
        match &glue {
            None => glue = Some(text),
            Some(first) if *first == text => {
                // The first module's JavaScript serves this one too.
                for suffix in [".js", ".d.ts", "_bg.wasm.d.ts"] {
                    fs::remove_file(fresh.join(format!("{name}{suffix}")))?;
                }
            }
            Some(_) => bail!("{name}.js is not the JavaScript of {}", modules[0].0),
        }
    }
    fs::write(fresh.join(".made-from"), wanted)?;
    replace_folder(&fresh, &place)
}
