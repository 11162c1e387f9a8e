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
use std::env;
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
    features: &'static [&'static str],
    /// The library's name.
    library: &'static str,
    /// What the generated files are called.
    name: &'static str,
}

const ENGINE: Module = Module {
    package: "switchyard-router",
    features: &[],
    library: "switchyard_router",
    name: "switchyard_router",
};
const RELAXED_ENGINE: Module =
    Module { features: &["relaxed-simd"], name: "switchyard_router_relaxed", ..ENGINE };
const WORKER: Module = Module {
    package: "switchyard-worker",
    features: &[],
    library: "switchyard_worker",
    name: "switchyard_worker",
};
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
    let compiled = |module| compile(workspace, tools, &target.path, module);
    bind(
        workspace,
        tools,
        ENGINE_OUTPUT,
        &[(ENGINE, compiled(&ENGINE)?), (RELAXED_ENGINE, compiled(&RELAXED_ENGINE)?)],
    )?;
    bind(workspace, tools, WORKER_OUTPUT, &[(WORKER, compiled(&WORKER)?)])?;
    eprintln!("build: edge build ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The module as cargo leaves it.
fn compile(
    workspace: &Workspace,
    tools: &EdgeTools,
    target: &Path,
    module: &Module,
) -> Result<Vec<u8>> {
    let linker = env::current_exe().context("xtask does not know its own path")?;
    let linker = linker.to_str().context("xtask's path is no UTF-8")?;
    let mut cargo = tools.toolchain.cargo("rustc", workspace, RUSTFLAGS);
    cargo
        .args(["--locked", "--profile", PROFILE, "--lib", "--package", module.package])
        .args(module.features.iter().flat_map(|feature| ["--features", feature]))
        // For the module alone: a flag for all would compile every dependency anew.
        .args(["--", "-C", &format!("linker={linker}"), "-C", "linker-flavor=wasm-lld"])
        .env(edge_link::AS_LINKER, edge_link::REAL_LINKER)
        .env("CARGO_TARGET_DIR", target);
    process::run(&mut cargo)?;
    let wasm = target.join("wasm32-unknown-unknown").join(PROFILE);
    let wasm = wasm.join(format!("{}.wasm", module.library));
    fs::read(&wasm).with_context(|| format!("cargo left no {}", wasm.display()))
}

/// Runs wasm-bindgen on modules that share a folder and one file of JavaScript, unless its output is
/// of this very input.
fn bind(
    workspace: &Workspace,
    tools: &EdgeTools,
    output: &str,
    modules: &[(Module, Vec<u8>)],
) -> Result<()> {
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
    for (module, wasm) in modules {
        let name = module.name;
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
        let text = fs::read_to_string(&script)?.replace(name, "");
        match &glue {
            None => glue = Some(text),
            Some(first) if *first == text => {
                // The first module's JavaScript serves this one too.
                for suffix in [".js", ".d.ts", "_bg.wasm.d.ts"] {
                    fs::remove_file(fresh.join(format!("{name}{suffix}")))?;
                }
            }
            Some(_) => bail!("{name}.js is not the JavaScript of {}", modules[0].0.name),
        }
    }
    fs::write(fresh.join(".made-from"), wanted)?;
    replace_folder(&fresh, &place)
}
