//! Says what each data file is that a recipe names, where it comes from, and which are missing.
//!
//! `trainer-native/data-files.toml` is the catalogue: one entry for each path below `--data`.
//! `docs/DATA.md` shows it as a table. [`require`] checks the paths of a recipe before a run.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

const TEXT: &str = include_str!("../../data-files.toml");

/// A file or folder below `--data`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Place below `--data`.
    pub path: String,
    /// What it holds.
    pub what: String,
    /// Public address of the file itself, or of what it is made from; absent where this project wrote
    /// it.
    pub address: Option<String>,
    /// An SPDX identifier, or what is known.
    pub licence: String,
    /// SHA-256 of the file; of a folder, over one line `<name> <SHA-256>` a file in name order.
    pub sha256: Option<String>,
    /// Size of the file, or of all files of the folder together.
    pub bytes: Option<u64>,
    /// Number of files of a folder.
    pub files: Option<u64>,
    /// SHA-256 of the published file, where the recorded one lacks columns that no reader needs.
    pub published_sha256: Option<String>,
    /// Whether it was made from questions and labels at `address`, by no recorded command.
    #[serde(default)]
    pub labelled: bool,
    /// The command that makes it from the files at `address`, run beside them.
    pub convert: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    files: Vec<DataFile>,
}

/// Every entry, in the order of the file.
#[must_use]
pub fn entries() -> Vec<DataFile> {
    // The text is compiled in, and a test reads it: it always parses.
    toml::from_str(TEXT).map_or_else(|_| Vec::new(), |catalogue: Catalogue| catalogue.files)
}

/// The entry of the file that a path ends in, such as `outcomes/mmlu_pro.jsonl` of
/// `data/outcomes/mmlu_pro.jsonl`.
#[must_use]
pub fn entry_of(path: &Path) -> Option<DataFile> {
    entries().into_iter().find(|entry| path.ends_with(&entry.path))
}

/// Checks that `paths` are below `folder`: each a file, or a folder that is not empty.
///
/// # Errors
/// A list of all that are missing, each with where it comes from, in words.
pub fn require<'a>(folder: &Path, paths: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let paths: BTreeSet<&str> = paths.into_iter().collect();
    let missing: Vec<&str> =
        paths.iter().copied().filter(|path| !is_there(&folder.join(path))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let entries = entries();
    let mut list = format!("found {} of {}, missing:", paths.len() - missing.len(), paths.len());
    for path in missing {
        // Writing to a string does not fail.
        let _ = match entries.iter().find(|entry| entry.path == path) {
            Some(DataFile { address: Some(address), convert: Some(command), .. }) => {
                write!(list, "\n  {path}\n    from {address}\n    made by: {command}")
            }
            Some(DataFile { address: Some(address), .. }) => {
                write!(list, "\n  {path}\n    from {address}")
            }
            Some(_) => write!(list, "\n  {path}\n    written for this project, not published"),
            None => write!(list, "\n  {path}\n    not in the catalogue of public files"),
        };
    }
    Err(list)
}

fn is_there(path: &Path) -> bool {
    match path.is_dir() {
        true => std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
        false => path.exists(),
    }
}

#[cfg(test)]
mod tests;
