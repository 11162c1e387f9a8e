//! `cargo xtask dist`: writes the files of a release to dist/.
//!
//! - `pointsman-<version>.tgz` and `pointsman-gateway-<version>.tgz`, the npm packages, made by `npm pack`;
//! - `default-bundle.tar`, the default bundle as one file;
//! - `page/`, the demo page, for any static host;
//! - `worker/`, the Worker, and `bundles/default/`, which its configuration names: `npx wrangler deploy`
//!   in `worker/` deploys both without a build.

use crate::cache::replace_folder;
use crate::{bundle_archive, edge_build, page_build, process, workspace::Workspace};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Builds and packs everything.
pub fn run(workspace: &Workspace) -> Result<()> {
    let node = edge_build::build(workspace)?;
    page_build::build(workspace, &node)?;

    let fresh = workspace.path("dist.unfinished");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot empty {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    // The gateway's script `prepack` gathers what its package runs.
    for package in ["router-wasm/js", "worker/serve"] {
        process::run(
            node.npm(workspace)?
                .args(["pack", "--silent", "--workspace", package, "--pack-destination"])
                .arg(&fresh),
        )?;
    }
    let bundle = workspace.path(bundle_archive::DEFAULT);
    bundle_archive::write(&bundle, &fresh.join("default-bundle.tar"))?;
    copy_tree(&bundle, &fresh.join(bundle_archive::DEFAULT), |_| true)?;
    copy_tree(&workspace.path(page_build::OUTPUT), &fresh.join("page"), is_served)?;
    pack_worker(workspace, &fresh.join("worker"))?;
    replace_folder(&fresh, &workspace.path("dist"))?;
    list(&workspace.path("dist"), &workspace.root)
}

/// Copies the Worker's modules, wasm and configuration into a folder from which it can be deployed.
fn pack_worker(workspace: &Workspace, place: &Path) -> Result<()> {
    let worker = workspace.path("worker");
    copy(
        &worker.join("js"),
        &place.join("js"),
        &[
            "entry.mjs",
            "entry-embedded.mjs",
            "guard.mjs",
            "ledger.mjs",
            "ledger-state.mjs",
            "rollout-state.mjs",
            "drift-state.mjs",
            "new-key.mjs",
        ],
    )?;
    copy_tree(&worker.join("build"), &place.join("build"), is_module)?;
    let configuration = worker.join("wrangler.toml");
    let text = fs::read_to_string(&configuration)
        .with_context(|| format!("cannot read {}", configuration.display()))?;
    fs::write(place.join("wrangler.toml"), without_table(&text, "build"))
        .context("cannot write wrangler.toml into dist")
}

fn copy(from: &Path, to: &Path, files: &[&str]) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for file in files {
        let source = from.join(file);
        fs::copy(&source, to.join(file))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }
    Ok(())
}

/// Copies a folder's files for which `wanted` is true, recursively.
fn copy_tree(from: &Path, to: &Path, wanted: fn(&Path) -> bool) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            copy_tree(&path, &to.join(name), wanted)?;
        } else if wanted(&path) {
            copy(from, to, &[name])?;
        }
    }
    Ok(())
}

/// Whether a file is JavaScript or wasm, the types that modules import.
fn is_module(path: &Path) -> bool {
    matches!(path.extension().and_then(|extension| extension.to_str()), Some("js" | "wasm"))
}

/// Whether a host serves a file of the page: all but the build's marker.
fn is_served(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name != page_build::MARKER)
}

/// Removes a table from a TOML text: the packed Worker needs no `[build]`.
fn without_table(text: &str, table: &str) -> String {
    let header = format!("[{table}]");
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with('[') || line.is_empty() {
            inside = line.trim_end() == header;
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Prints every file with its size in bytes.
fn list(folder: &Path, root: &Path) -> Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push((entry.path(), entry.metadata()?.len()));
            }
        }
    }
    files.sort();
    for (file, size) in files {
        println!("{size:>10} {}", file.strip_prefix(root).unwrap_or(&file).display());
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_named_is_left_out() {
        let text = "name = \"x\"\n[build]\ncommand = \"make\"\n[assets]\ndirectory = \"a\"\n";
        let expected = "name = \"x\"\n[assets]\ndirectory = \"a\"\n";
        assert_eq!(without_table(text, "build"), expected);
        assert_eq!(without_table(text, "vars"), text);
    }
}
