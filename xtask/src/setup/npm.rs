//! The clone's npm packages, by the lock file.

use super::{Node, say};
use crate::cache::sha256_hex;
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;

/// Installs what package-lock.json pins into node_modules, unless that is what is there.
///
/// The marker is written last and `npm ci` begins by emptying node_modules, so a folder that was
/// left half filled has none. Install scripts do not run: no package we use needs one.
pub fn obtain(workspace: &Workspace, node: &Node) -> Result<()> {
    let lock_path = workspace.path("package-lock.json");
    let lock =
        fs::read(&lock_path).with_context(|| format!("cannot read {}", lock_path.display()))?;
    let wanted = sha256_hex(&lock);
    let marker = workspace.path("node_modules/.switchyard-lock");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        say("npm packages", "as the lock file says");
        return Ok(());
    }
    say("npm packages", "npm ci");
    let _ = fs::remove_file(&marker);
    process::run(
        node.npm(workspace)?
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]),
    )
    .context("the npm packages could not be installed; check that npm reaches its registry, then run this again")?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))
}
