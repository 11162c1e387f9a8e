//! Packs a bundle into one file: an uncompressed tar of the files that routing needs.
//!
//! The npm package contains the default bundle as such a file, and a release has one beside the package.
//! The tar has no owners and times, so the same bundle gives the same bytes.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The default bundle, from the clone's root.
pub const DEFAULT: &str = "bundles/default";

/// The files of a bundle that a router needs, sorted. Others in its folder, such as the map of queries,
/// are left out: every visitor would have to download them.
const ROUTING: [&str; 4] = ["memory.bin", "model.onnx", "router.json", "tokenizer.json"];

/// Writes the archive of `bundle`, unless it has the same bytes already.
pub fn write(bundle: &Path, archive: &Path) -> Result<()> {
    let bytes = packed(bundle)?;
    if fs::read(archive).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    fs::write(archive, bytes).with_context(|| format!("cannot write {}", archive.display()))
}

fn packed(bundle: &Path) -> Result<Vec<u8>> {
    if !bundle.join("router.json").is_file() {
        bail!("{} is not a bundle: it has no router.json", bundle.display());
    }
    let mut tar = tar::Builder::new(Vec::new());
    for file in ROUTING {
        let path = bundle.join(file);
        if !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, file, bytes.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file), file).unwrap();
        }
        folder
    }

    #[test]
    fn the_same_bundle_gives_the_same_bytes_with_what_routing_needs_in_order() {
        let bundle = folder(&["tokenizer.json", "router.json", "map.json", "model.onnx"]);
        let bytes = packed(bundle.path()).unwrap();
        assert_eq!(bytes, packed(bundle.path()).unwrap());
        let names: Vec<String> = tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["model.onnx", "router.json", "tokenizer.json"]);
    }

    #[test]
    fn a_folder_without_manifest_is_refused() {
        let error = packed(folder(&["model.onnx"]).path()).unwrap_err();
        assert!(error.to_string().contains("no router.json"));
    }

    #[test]
    fn an_archive_follows_its_bundle() {
        let bundle = folder(&["router.json"]);
        let archive = bundle.path().join("archive.bin");
        write(bundle.path(), &archive).unwrap();
        let before = fs::read(&archive).unwrap();
        fs::write(bundle.path().join("router.json"), "another").unwrap();
        write(bundle.path(), &archive).unwrap();
        assert_ne!(fs::read(&archive).unwrap(), before);
    }
}
