//! Builds the demo page with Vite into `web/dist`, for any static host.

use crate::cache::{replace_folder, sha256_hex};
use crate::process;
use crate::setup::Node;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The built page, from the clone's root.
pub const OUTPUT: &str = "web/dist";
/// A file of the output with the hash of the inputs.
pub const MARKER: &str = ".made-from";
/// Beside the output and not in the cache, since a rename cannot cross file systems.
const FRESH: &str = "web/dist.unfinished";
/// The page's inputs: its own files, the npm package with the engine, the bundles that it offers, and
/// the versions of its libraries.
const INPUTS: [&str; 4] = ["web", "router-wasm/js", "bundles", "package-lock.json"];
const LEFT_OUT: [&str; 3] = ["dist", "dist.unfinished", "node_modules"];

/// Builds the page, unless its inputs are unchanged. The engine's modules must exist already.
pub fn build(workspace: &Workspace, node: &Node) -> Result<()> {
    let start = Instant::now();
    let wanted = inputs_hash(&workspace.root)?;
    let place = workspace.path(OUTPUT);
    let marker = place.join(MARKER);
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let mut vite = node.command(workspace);
    vite.arg(workspace.path("node_modules/vite/bin/vite.js"))
        .args(["build", "web", "--emptyOutDir", "--logLevel", "warn", "--outDir"])
        .arg(workspace.path(FRESH));
    process::run(&mut vite).context("the page could not be built")?;
    fs::write(workspace.path(FRESH).join(MARKER), wanted)?;
    replace_folder(&workspace.path(FRESH), &place)?;
    eprintln!("build: {OUTPUT} ready after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// A hash of the names and contents of all inputs.
fn inputs_hash(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&root.join(input), &mut files)?;
    }
    files.sort();
    let mut named = String::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        named.push_str(&format!("{name} {}\n", sha256_hex(&bytes)));
    }
    Ok(sha256_hex(named.as_bytes()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_every_input_and_nothing_that_was_built() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["web/src/main.jsx", "router-wasm/js/pkg/x.wasm", "bundles/default/router.json"]
        {
            write(name, "first");
        }
        write("package-lock.json", "{}");
        let first = inputs_hash(root.path()).unwrap();
        write("web/dist/index.html", "built");
        write("web/node_modules/x/index.js", "installed");
        assert_eq!(inputs_hash(root.path()).unwrap(), first);
        write("bundles/default/router.json", "second");
        let second = inputs_hash(root.path()).unwrap();
        assert_ne!(second, first);
        write("web/src/more.js", "");
        assert_ne!(inputs_hash(root.path()).unwrap(), second);
    }
}
