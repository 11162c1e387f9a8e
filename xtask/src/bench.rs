//! `cargo xtask bench`: sizes, time from bytes to the first decision, and time per query, in Node.

use crate::{edge_build, process, setup, workspace::Workspace};
use anyhow::Result;

/// Builds what is measured, then runs the benchmark and passes on its exit code.
pub fn run(workspace: &Workspace, extra: &[String]) -> Result<u8> {
    let tools = setup::for_edge(workspace)?;
    let node = setup::for_javascript(workspace)?;
    edge_build::build(workspace, &tools)?;
    let status = process::status(node.command(workspace).arg("tests/bench/edge.mjs").args(extra))?;
    Ok(process::exit_code(status))
}
