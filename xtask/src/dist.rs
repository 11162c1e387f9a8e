//! `cargo xtask dist`: what a release ships, in dist/.
//!
//! - `switchyard-router-<version>.tgz`, the npm package, as `npm pack` makes it;
//! - `default-bundle.tar`, the default bundle as one file;
//! - `worker/`, the Worker as it is deployed: its entry, its wasm, its configuration.

use crate::cache::replace_folder;
use crate::{edge_build, process, setup, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

const BUNDLE: &str = "bundles/default";

/// Builds and packs everything anew.
pub fn run(workspace: &Workspace) -> Result<()> {
    let tools = setup::for_edge(workspace)?;
    let node = setup::for_javascript(workspace)?;
    edge_build::build(workspace, &tools)?;

    let fresh = workspace.path("dist.unfinished");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot empty {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    process::run(
        node.npm(workspace)?
            .args(["pack", "--silent", "--workspace", "router-wasm/js", "--pack-destination"])
            .arg(&fresh),
    )?;
    pack_bundle(&workspace.path(BUNDLE), &fresh.join("default-bundle.tar"))?;
    pack_worker(workspace, &fresh.join("worker"))?;
    replace_folder(&fresh, &workspace.path("dist"))?;
    list(&workspace.path("dist"), &workspace.root)
}

/// The bundle's files as one tar: sorted, with no owner and no times, so that the same bundle
/// gives the same bytes.
fn pack_bundle(bundle: &Path, archive: &Path) -> Result<()> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(bundle).with_context(|| format!("cannot read {}", bundle.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.file_name());
        }
    }
    files.sort();
    if !files.iter().any(|file| file == "router.json") {
        bail!("{} is no bundle: it has no router.json", bundle.display());
    }
    let mut tar = tar::Builder::new(fs::File::create(archive)?);
    for file in files {
        let bytes = fs::read(bundle.join(&file))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, file, bytes.as_slice())?;
    }
    tar.finish().with_context(|| format!("cannot write {}", archive.display()))
}

/// The files that the Worker is deployed from.
fn pack_worker(workspace: &Workspace, place: &Path) -> Result<()> {
    for (from, to) in [
        ("worker/entry.mjs", "entry.mjs"),
        ("worker/wrangler.toml", "wrangler.toml"),
        ("worker/build/switchyard_worker.js", "build/switchyard_worker.js"),
        ("worker/build/switchyard_worker_bg.wasm", "build/switchyard_worker_bg.wasm"),
    ] {
        let to = place.join(to);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        let from = workspace.path(from);
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
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
    use super::pack_bundle;
    use std::fs;

    #[test]
    fn the_same_bundle_gives_the_same_tar_and_a_folder_without_manifest_is_refused() {
        let base = std::env::temp_dir().join(format!("switchyard-dist-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        fs::create_dir_all(base.join("bundle")).unwrap();
        fs::write(base.join("bundle/model.onnx"), "model").unwrap();
        let refused = pack_bundle(&base.join("bundle"), &base.join("x.tar")).unwrap_err();
        assert!(refused.to_string().contains("no router.json"));
        fs::write(base.join("bundle/router.json"), "{}").unwrap();
        pack_bundle(&base.join("bundle"), &base.join("a.tar")).unwrap();
        pack_bundle(&base.join("bundle"), &base.join("b.tar")).unwrap();
        let bytes = fs::read(base.join("a.tar")).unwrap();
        assert_eq!(bytes, fs::read(base.join("b.tar")).unwrap());
        let names: Vec<_> = tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, ["model.onnx".as_ref(), "router.json".as_ref()] as [&std::path::Path; 2]);
        fs::remove_dir_all(base).unwrap();
    }
}
