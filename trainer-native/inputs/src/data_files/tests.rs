//! The catalogue against the recipes, `docs/DATA.md` and the files, and the list of what is missing.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::recipe_file::resolve;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text without the commas that separate thousands.
fn without_separators(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let kept = chars
        .iter()
        .enumerate()
        .filter(|(at, c)| **c != ',' || *at == 0 || !is_digit(at - 1) || !is_digit(at + 1));
    kept.map(|(_, c)| c).collect()
}

/// Recipes' names by path, of every recipe in the repository.
fn recipes_by_path() -> BTreeMap<String, Vec<String>> {
    let mut by_path: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let folder = root().join("trainer-native/recipes");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for path in resolve(&file).unwrap().data_paths() {
            by_path.entry(path.to_owned()).or_default().push(name.clone());
        }
    }
    by_path
}

#[test]
fn the_catalogue_parses_and_names_each_place_once() {
    let parsed: Catalogue = toml::from_str(TEXT).unwrap();
    let places: BTreeSet<&str> = parsed.files.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(places.len(), parsed.files.len());
    assert_eq!(entries(), parsed.files);
    for DataFile { path, sha256, bytes, address, .. } in &parsed.files {
        assert_eq!(sha256.is_some(), bytes.is_some(), "{path}");
        let public = |address: &String| address.starts_with("https://");
        assert!(address.as_ref().is_none_or(public), "{path}: {address:?}");
    }
}

#[test]
fn every_path_of_every_recipe_is_in_the_catalogue() {
    let entries = entries();
    let by_path = recipes_by_path();
    assert!(by_path.len() > 5, "{by_path:?}");
    for (path, recipes) in by_path {
        let listed = entries.iter().any(|entry| entry.path == path);
        assert!(listed, "{path} of {recipes:?} is not in data-files.toml");
    }
}

/// A row of the table of files in `docs/DATA.md`, without separators of thousands.
fn file_row(entry: &DataFile) -> String {
    let made = match (&entry.convert, entry.labelled) {
        (Some(_), _) => ", converted",
        (None, true) => ", labelled",
        (None, false) => "",
    };
    let published = entry.address.as_ref().map_or("not published".to_owned(), |address| {
        let parts = address.split('/').skip(3).filter(|part| *part != "datasets");
        let repository: Vec<&str> = parts.take(2).collect();
        format!("[{}]({address}){made}", repository.join("/"))
    });
    let none = || "not recorded".to_owned();
    let bytes = entry.bytes.map_or_else(none, |bytes| format!("{bytes} bytes"));
    let size = match entry.files {
        Some(files) => format!("{files} files, {bytes}"),
        None => bytes,
    };
    let hash = entry.sha256.as_ref().map_or_else(none, |hash| format!("`{hash}`"));
    let original = entry.published_sha256.as_ref();
    let original = original.map_or_else(String::new, |hash| format!(", as published `{hash}`"));
    without_separators(&format!(
        "| `{}` | {} | {published} | {} | {size} | {hash}{original} |",
        entry.path, entry.what, entry.licence
    ))
}

#[test]
fn the_page_shows_every_entry_its_recipes_and_its_command() {
    let page = fs::read_to_string(root().join("docs/DATA.md")).unwrap();
    let lines: BTreeSet<String> = page.lines().map(without_separators).collect();
    let joined = page.replace("\\\n", " ");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let by_path = recipes_by_path();
    let mut rows = Vec::new();
    for entry in entries() {
        let recipes = by_path.get(&entry.path).map(|names| names.join(", "));
        let recipes = recipes.unwrap_or_else(|| "none".to_owned());
        rows.push(file_row(&entry));
        rows.push(format!("| `{}` | {recipes} |", entry.path));
        if let Some(command) = &entry.convert {
            assert!(words(&joined).contains(&words(command)), "DATA.md lacks {command}");
        }
    }
    let missing: Vec<&String> = rows.iter().filter(|row| !lines.contains(*row)).collect();
    assert!(missing.is_empty(), "docs/DATA.md lacks these lines:\n{missing:#?}");
    let shown = lines.iter().filter(|line| line.starts_with("| `")).count();
    assert_eq!(shown, rows.len(), "docs/DATA.md has a row of no entry");
}

/// The data folder, where there is one: `POINTSMAN_DATA`, or `shared/data` beside the clone.
fn data_folder() -> Option<PathBuf> {
    match std::env::var_os("POINTSMAN_DATA") {
        Some(folder) => Some(folder.into()),
        None => Some(root().join("../shared/data")).filter(|folder| folder.is_dir()),
    }
}

/// Number of files, bytes and hash as the catalogue has them.
fn measured(path: &Path) -> (Option<u64>, u64, String) {
    if path.is_file() {
        let bytes = fs::read(path).unwrap();
        return (None, bytes.len() as u64, sha256_hex(&bytes));
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> =
        files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let (mut total, mut lines) = (0, String::new());
    for name in &names {
        let bytes = fs::read(path.join(name)).unwrap();
        total += bytes.len() as u64;
        lines += &format!("{name} {}\n", sha256_hex(&bytes));
    }
    (Some(names.len() as u64), total, sha256_hex(lines.as_bytes()))
}

#[test]
fn the_recorded_hashes_are_those_of_the_files() {
    let Some(folder) = data_folder() else {
        eprintln!("skipped: no data here to compare hashes with. Set POINTSMAN_DATA to its folder");
        return;
    };
    for entry in entries() {
        let path = folder.join(&entry.path);
        let Some(recorded) = entry.sha256.filter(|_| path.exists()) else {
            eprintln!("skipped: {} is not in {}", entry.path, folder.display());
            continue;
        };
        let (files, bytes, sha256) = measured(&path);
        if entry.published_sha256.as_ref() != Some(&sha256) {
            assert_eq!(
                (files, Some(bytes), sha256),
                (entry.files, entry.bytes, recorded),
                "{path:?}"
            );
        }
    }
}

#[test]
fn a_folder_is_hashed_over_its_files_names_and_hashes_in_name_order() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("b.csv"), "two").unwrap();
    fs::write(folder.path().join("a.csv"), "one").unwrap();
    let lines = format!("a.csv {}\nb.csv {}\n", sha256_hex(b"one"), sha256_hex(b"two"));
    assert_eq!(measured(folder.path()), (Some(2), 6, sha256_hex(lines.as_bytes())));
}

#[test]
fn all_missing_paths_are_listed_with_where_each_comes_from() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("llmrouter")).unwrap();
    fs::write(folder.path().join("llmrouter/train.json"), "[]").unwrap();
    // A folder without a file is as good as none.
    fs::create_dir_all(folder.path().join("routellm/mmlu")).unwrap();
    let paths = ["outcomes/mmlu_pro.jsonl", "llmrouter/train.json", "routellm/mmlu", "own.jsonl"];
    let list = require(folder.path(), paths).unwrap_err();
    assert!(list.starts_with("found 1 of 4, missing:"), "{list}");
    assert!(list.contains("outcomes/mmlu_pro.jsonl\n    from https://github.com/TIGER-AI-Lab/"));
    assert!(list.contains("made by: trainer data convert --from mmlu-pro "), "{list}");
    assert!(list.contains("routellm/mmlu\n    from https://github.com/lm-sys/RouteLLM/"), "{list}");
    assert!(list.contains("own.jsonl\n    not in the catalogue"), "{list}");
    assert!(!list.contains("llmrouter/train.json"), "{list}");
    assert_eq!(require(folder.path(), ["llmrouter/train.json"]), Ok(()));
}

#[test]
fn an_entry_is_found_by_the_end_of_a_path() {
    let entry = entry_of(Path::new("/somewhere/outcomes/mmlu_pro.jsonl")).unwrap();
    assert_eq!(entry.path, "outcomes/mmlu_pro.jsonl");
    assert_eq!(entry_of(Path::new("my_outcomes/mmlu_pro.jsonl")), None);
}
