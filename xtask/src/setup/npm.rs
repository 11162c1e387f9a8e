//! Installs the clone's npm packages by their lock files: those of its members, and those that only the
//! benchmark compares with.

use super::{Node, say};
use crate::cache::sha256_hex;
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The folder of the benchmark's own packages: hundreds of megabytes that nothing else needs.
const PEERS: &str = "bench/peers";

/// Installs the members' packages.
pub fn obtain(workspace: &Workspace, node: &Node) -> Result<()> {
    install("npm packages", &workspace.root, workspace, node)
}

/// Installs the benchmark's packages.
pub fn obtain_peers(workspace: &Workspace, node: &Node) -> Result<()> {
    install("bench peers", &workspace.path(PEERS), workspace, node)
}

/// Installs the packages of a folder's package-lock.json into its node_modules, unless they are
/// installed.
///
/// The marker is written last, and `npm ci` first empties node_modules, so an incomplete folder has no
/// marker. Install scripts do not run: no package used here needs one.
fn install(what: &str, folder: &Path, workspace: &Workspace, node: &Node) -> Result<()> {
    let lock_path = folder.join("package-lock.json");
    let lock =
        fs::read(&lock_path).with_context(|| format!("cannot read {}", lock_path.display()))?;
    let wanted = sha256_hex(&lock);
    let marker = folder.join("node_modules/.pointsman-lock");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        say(what, "installed as in the lock file");
        return Ok(());
    }
    say(what, "npm ci");
    let _ = fs::remove_file(&marker);
    process::run(
        node.npm(workspace)?
            .current_dir(folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]),
    )
    .context("the npm packages could not be installed; check that npm reaches its registry, then run this again")?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
