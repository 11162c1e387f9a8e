//! Reads a bundle from bytes: checks which files are there, their lengths and their hashes.
//!
//! Hosts pass the bytes (from a folder, `fetch`, KV, an `import`); nothing here reads a file or the
//! network. A bundle in one file is an uncompressed tar of the folder.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use sha2::{Digest, Sha256};

use crate::error::RouterError;
use crate::manifest::{MANIFEST_FILE, Manifest};

/// The graph's file name.
pub const MODEL_FILE: &str = "model.onnx";
/// The tokenizer's file name.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// The file name of the map of training queries, where a bundle has one. Nothing here reads it.
pub const MAP_FILE: &str = "map.json";

/// Longest `router.json`, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;
/// Longest other file of a bundle, in bytes: more than any encoder that fits a wasm instance.
pub const MAX_FILE_BYTES: usize = 512 << 20;

/// A bundle whose files are all there, of the stated length and hash.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// `router.json`.
    pub manifest: Manifest,
    files: BTreeMap<String, &'a [u8]>,
}

impl<'a> Bundle<'a> {
    /// Checks the files that a host passes. Files that `router.json` does not list are ignored.
    ///
    /// # Errors
    /// Any `bundle_*` error; each names the file.
    pub fn from_files<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &'a [(N, B)],
    ) -> Result<Self, RouterError> {
        Self::from_hashed(files, &HashMap::new())
    }

    /// Like [`Bundle::from_files`], with the SHA-256 of the files that the host has hashed, by name, in
    /// lower-case hexadecimal; the other files are hashed here. A host's own hash function is several
    /// times faster than freshly compiled wasm.
    ///
    /// # Errors
    /// Any `bundle_*` error; each names the file.
    pub fn from_hashed<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &'a [(N, B)],
        hashes: &HashMap<String, String>,
    ) -> Result<Self, RouterError> {
        let given: BTreeMap<&str, &[u8]> =
            files.iter().map(|(name, bytes)| (name.as_ref(), bytes.as_ref())).collect();
        let missing = |name: &str| RouterError::BundleMissingFile {
            name: name.to_owned(),
            found: match given.is_empty() {
                true => "no file".to_owned(),
                false => given.keys().copied().collect::<Vec<_>>().join(", "),
            },
        };
        let manifest_bytes = *given.get(MANIFEST_FILE).ok_or_else(|| missing(MANIFEST_FILE))?;
        within(MANIFEST_FILE, manifest_bytes, MAX_MANIFEST_BYTES)?;
        let manifest = Manifest::from_json(manifest_bytes)?;

        let mut checked = BTreeMap::new();
        for entry in &manifest.files {
            let bytes = *given.get(entry.name.as_str()).ok_or_else(|| missing(&entry.name))?;
            within(&entry.name, bytes, MAX_FILE_BYTES)?;
            if bytes.len() as u64 != entry.bytes {
                return Err(RouterError::BundleWrongSize {
                    name: entry.name.clone(),
                    found: bytes.len(),
                    expected: usize::try_from(entry.bytes).unwrap_or(usize::MAX),
                });
            }
            let found = hashes.get(&entry.name).cloned().unwrap_or_else(|| sha256_hex(bytes));
            if found != entry.sha256 {
                return Err(RouterError::BundleWrongHash {
                    name: entry.name.clone(),
                    found,
                    expected: entry.sha256.clone(),
                });
            }
            checked.insert(entry.name.clone(), bytes);
        }
        for name in [MODEL_FILE, TOKENIZER_FILE] {
            if !checked.contains_key(name) {
                return Err(RouterError::BundleBadManifest {
                    detail: format!("\"files\" does not list {name:?}"),
                });
            }
        }
        Ok(Self { manifest, files: checked })
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// [`RouterError::BundleMissingFile`] where `router.json` does not list it.
    pub fn file(&self, name: &str) -> Result<&'a [u8], RouterError> {
        self.files.get(name).copied().ok_or_else(|| RouterError::BundleMissingFile {
            name: name.to_owned(),
            found: self.files.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }
}

/// Reads the files of a bundle from one uncompressed tar; folders in their paths are dropped.
///
/// # Errors
/// [`RouterError::BundleBadArchive`], also for a truncated archive;
/// [`RouterError::BundleTooLarge`].
pub fn files_from_tar(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, RouterError> {
    let bad = |detail: String| RouterError::BundleBadArchive { detail };
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().map_err(|e| bad(e.to_string()))? {
        let mut entry = entry.map_err(|e| bad(e.to_string()))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(|e| bad(e.to_string()))?;
        let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
            continue;
        };
        let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
        if size > MAX_FILE_BYTES {
            return Err(RouterError::BundleTooLarge { name, bytes: size, limit: MAX_FILE_BYTES });
        }
        let mut content = Vec::with_capacity(size.min(bytes.len()));
        entry.read_to_end(&mut content).map_err(|e| bad(format!("{name}: {e}")))?;
        if content.len() != size {
            return Err(bad(format!("{name} has {} of {size} bytes", content.len())));
        }
        files.push((name, content));
    }
    if files.is_empty() {
        return Err(bad("it holds no file".into()));
    }
    Ok(files)
}

/// SHA-256, lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn within(name: &str, bytes: &[u8], limit: usize) -> Result<(), RouterError> {
    match bytes.len() > limit {
        true => Err(RouterError::BundleTooLarge { name: name.into(), bytes: bytes.len(), limit }),
        false => Ok(()),
    }
}
