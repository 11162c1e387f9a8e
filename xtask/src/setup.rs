//! Obtains what the other commands need, step by step.
//!
//! Each step looks first, says in one line what it found or did, and leaves nothing half done:
//! work happens in a scratch folder that is renamed into place. Downloads go through cargo, npm,
//! pip and apt only. A step that cannot be done ends with what to install by hand.

mod apt;
mod chromium;
mod encoder;
mod node;
mod npm;
mod software_vulkan;
mod version;
mod wasm_bindgen;
mod wasm_target;

pub use node::Node;
pub use software_vulkan::{Vulkan, has_gpu};
pub use wasm_target::WasmToolchain;

use crate::process;
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::PathBuf;

/// What to prepare for.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Purpose {
    /// The Worker and the page, with the default bundle
    Demo,
    /// Every test suite
    Test,
    /// Training from data of one's own
    Train,
}

/// Does the steps for one purpose.
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
            for_javascript(workspace)?;
            for_browser()?;
            for_gpu_tests()?;
        }
        Purpose::Train => {
            for_training(workspace)?;
        }
    }
    say("done", "everything is there");
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

/// What only the bench compares with. Where it cannot be had, the bench does without and says so.
pub fn for_bench(workspace: &Workspace, node: &Node) -> Result<()> {
    if let Err(error) = npm::obtain_peers(workspace, node) {
        if process::interrupted() {
            return Err(error);
        }
        say("bench peers", format!("{error:#}; they are not measured"));
    }
    Ok(())
}

/// A Chromium for the browser suite.
pub fn for_browser() -> Result<PathBuf> {
    chromium::obtain()
}

/// A Vulkan device for the tests that compare it with the CPU: the GPU, else one in software.
pub fn for_gpu_tests() -> Result<Vulkan> {
    software_vulkan::obtain()
}

/// The folder of the pretrained encoder that the default recipe starts from.
pub fn for_training(workspace: &Workspace) -> Result<PathBuf> {
    encoder::obtain(workspace)
}

/// One line about one step, on standard error.
fn say(step: &str, message: impl AsRef<str>) {
    eprintln!("setup: {step}: {}", message.as_ref());
}

/// The first program named `name` on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
