//! Builds the wasm modules of the engine and the Worker, with their JavaScript.
//!
//! The engine is built twice, with kernels for simd128 and for relaxed-simd; the Worker has the latter,
//! which workerd supports. The builds differ only in a feature of the engine's crate, so dependencies
//! are compiled once. Then wasm-bindgen writes
//! `router-wasm/js/pkg/pointsman{.js,_bg.wasm,_relaxed_bg.wasm,.d.ts}` and
//! `worker/build/pointsman_worker{.js,_bg.wasm,.d.ts}`. The npm package gets the default bundle too,
//! as `router-wasm/js/pkg/default-bundle.bin`, and declarations of its types, `router-wasm/js/types/`, which
//! tsc makes from its sources.

use crate::bundle_archive;
use crate::cache::{replace_folder, sha256_hex};
use crate::edge_link;
use crate::process;
use crate::setup::{self, Node, WasmToolchain};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The compiler flags of the edge build; a change rebuilds everything.
const RUSTFLAGS: &str = "-C target-feature=+simd128";
const PROFILE: &str = "edge";
/// Where wasm-bindgen's options stand, from the clone's root.
const BIND_OPTIONS: &str = "xtask/bindgen/src/main.rs";
/// The crates that become modules. cargo always gets both: with only one, features of dependencies would
/// be unified differently, and the dependencies compiled again.
const PACKAGES: [&str; 2] = ["pointsman", "pointsman-worker"];
const RELAXED_SIMD: &str = "pointsman/relaxed-simd";

/// The name of a module's files, and the module as built by cargo.
type Module = (&'static str, Vec<u8>);

/// Where the engine's files go, from the clone's root.
const ENGINE_OUTPUT: &str = "router-wasm/js/pkg";
const WORKER_OUTPUT: &str = "worker/build";
/// The default bundle as one file, in the engine's folder. wrangler takes `.bin` as data unasked.
const DEFAULT_BUNDLE: &str = "default-bundle.bin";
/// The npm package's sources and their declarations, from the clone's root.
const NPM_PACKAGE: &str = "router-wasm/js";
const DECLARATIONS: &str = "router-wasm/js/types";

/// Obtains the compiler and what JavaScript needs, and builds the modules. Compiling is most of the
/// time, and at its ends one core idles: npm and the program that runs wasm-bindgen come beside it.
pub fn build(workspace: &Workspace) -> Result<Node> {
    let start = Instant::now();
    let toolchain = setup::for_edge(workspace)?;
    let (modules, binder, node) = std::thread::scope(|scope| {
        let obtained = scope.spawn(|| {
            let node = setup::for_javascript(workspace);
            (setup::for_binding(workspace), node)
        });
        let modules = compile_all(workspace, &toolchain);
        match obtained.join() {
            Ok((binder, node)) => (modules, binder, node),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let ([engine, relaxed, worker], binder, node) = (modules?, binder?, node?);
    bind(workspace, &binder, ENGINE_OUTPUT, &[engine, relaxed])?;
    bind(workspace, &binder, WORKER_OUTPUT, &[worker])?;
    let archive = workspace.path(ENGINE_OUTPUT).join(DEFAULT_BUNDLE);
    bundle_archive::write(&workspace.path(bundle_archive::DEFAULT), &archive)?;
    declare(workspace, &node)?;
    eprintln!("build: edge build ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(node)
}

/// The engine's two modules and the Worker's; compiles nothing twice.
fn compile_all(workspace: &Workspace, toolchain: &WasmToolchain) -> Result<[Module; 3]> {
    let identity = format!("{}\n{RUSTFLAGS}\n{PROFILE}", toolchain.identity(workspace)?);
    let target =
        workspace.cache.target_dir("edge", &identity, &workspace.lock_file()?, &workspace.root)?;
    eprintln!("build: wasm modules in {} (from empty: about ten minutes)", target.path.display());
    compile(workspace, toolchain, &target.path, &[])?;
    let engine = ("pointsman", module(&target.path, "pointsman")?);
    compile(workspace, toolchain, &target.path, &["--features", RELAXED_SIMD])?;
    let relaxed = ("pointsman_relaxed", module(&target.path, "pointsman")?);
    let worker = ("pointsman_worker", module(&target.path, "pointsman_worker")?);
    Ok([engine, relaxed, worker])
}

fn compile(
    workspace: &Workspace,
    toolchain: &WasmToolchain,
    target: &Path,
    features: &[&str],
) -> Result<()> {
    let mut cargo = toolchain.cargo_build(workspace, RUSTFLAGS);
    cargo.args(["--locked", "--profile", PROFILE]).args(features);
    cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    edge_link::take_part(&mut cargo)?;
    process::run(cargo.env("CARGO_TARGET_DIR", target))
}

/// Reads the module that cargo built of a library.
fn module(target: &Path, library: &str) -> Result<Vec<u8>> {
    let folder = target.join("wasm32-unknown-unknown").join(PROFILE);
    let wasm = folder.join(format!("{library}.wasm"));
    fs::read(&wasm).with_context(|| format!("cargo wrote no {}", wasm.display()))
}

/// Writes the declarations of the npm package's types, and fails where its types do not agree.
fn declare(workspace: &Workspace, node: &Node) -> Result<()> {
    let fresh = emptied(workspace, DECLARATIONS)?;
    let mut tsc = node.command(workspace);
    tsc.arg("node_modules/typescript/bin/tsc").args(["--project", NPM_PACKAGE, "--outDir"]);
    process::run(tsc.arg(&fresh)).context("the npm package's types do not agree")?;
    replace_folder(&fresh, &workspace.path(DECLARATIONS))
}

/// An empty folder that can replace `output`: beside it and not in the cache, since a rename cannot cross
/// file systems.
fn emptied(workspace: &Workspace, output: &str) -> Result<PathBuf> {
    let fresh = workspace.path(format!("{output}.unfinished"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot empty {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    Ok(fresh)
}

/// Runs wasm-bindgen on modules that share a folder and one file of JavaScript, unless its output is
/// of this very input.
fn bind(workspace: &Workspace, binder: &Path, output: &str, modules: &[Module]) -> Result<()> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let options = fs::read(workspace.path(BIND_OPTIONS))
        .with_context(|| format!("cannot read {BIND_OPTIONS}"))?;
    let hashes: Vec<String> = modules.iter().map(|(_, wasm)| sha256_hex(wasm)).collect();
    let wanted = format!("{version} {} {hashes:?}\n", sha256_hex(&options));
    let place = workspace.path(output);
    let marker = place.join(".made-from");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let fresh = emptied(workspace, output)?;
    let (first, _) = &modules[0];
    for (name, wasm) in modules {
        // Every module is bound under the first's name, which its imports then carry: one file of
        // JavaScript serves them all.
        let part = fresh.join(format!("{name}.part"));
        fs::create_dir(&part)?;
        let input = part.join("input.wasm");
        fs::write(&input, wasm).with_context(|| format!("cannot write {}", input.display()))?;
        process::run(Command::new(binder).arg(&input).arg(first).arg(&part))?;
        let bound = part.join(format!("{first}_bg.wasm"));
        let size = fs::metadata(&bound)
            .with_context(|| format!("wasm-bindgen wrote no {}", bound.display()))?
            .len();
        eprintln!("build: {output}/{name}_bg.wasm, {size} bytes");
        fs::rename(&bound, fresh.join(format!("{name}_bg.wasm")))?;
        for suffix in [".js", ".d.ts", "_bg.wasm.d.ts"] {
            let file = format!("{first}{suffix}");
            let (found, place) = (part.join(&file), fresh.join(&file));
            if place.exists() && fs::read(&found)? != fs::read(&place)? {
                bail!("{file} of {name} is not that of {first}: one file cannot serve both");
            }
            fs::rename(found, place)?;
        }
        // What the JavaScript imports, where wasm-bindgen wrote such files.
        let snippets = part.join("snippets");
        if snippets.exists() {
            replace_folder(&snippets, &fresh.join("snippets"))?;
        }
        fs::remove_dir_all(&part)?;
    }
    fs::write(fresh.join(".made-from"), wanted)?;
    replace_folder(&fresh, &place)
}
