//! Checks that a recipe's data files are there, before anything is built.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// What of a recipe names data files; the trainer checks the rest.
#[derive(Deserialize)]
struct Recipe {
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    path: String,
    contaminated: Option<String>,
}

#[derive(Deserialize)]
struct Catalogue {
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    address: String,
    convert: Option<String>,
}

/// Checks that every path of the recipe's sources is below `data`: a file, or a folder that is not
/// empty. The error lists all that are missing, each with where it comes from by the catalogue.
pub fn require(recipe: &Path, catalogue: &Path, data: &Path) -> Result<()> {
    let recipe: Recipe = read(recipe)?;
    let paths: BTreeSet<&str> = recipe
        .sources
        .iter()
        .flat_map(|source| [Some(source.path.as_str()), source.contaminated.as_deref()])
        .flatten()
        .collect();
    let missing: Vec<&str> =
        paths.iter().copied().filter(|path| !is_there(&data.join(path))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let catalogue: Catalogue = read(catalogue)?;
    let found = paths.len() - missing.len();
    let mut list = String::new();
    for path in missing {
        match catalogue.files.iter().find(|entry| entry.path == path) {
            Some(Entry { address, convert: Some(command), .. }) => {
                write!(list, "\n  {path}\n    from {address}\n    made by: {command}")?;
            }
            Some(Entry { address, .. }) => write!(list, "\n  {path}\n    from {address}")?,
            None => write!(list, "\n  {path}\n    not in the catalogue of public files")?,
        }
    }
    bail!(
        "--data {}: found {found} of {}, missing:{list}\ndocs/DATA.md tells how to get each of them",
        data.display(),
        paths.len()
    )
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} cannot be understood", path.display()))
}

fn is_there(path: &Path) -> bool {
    match path.is_dir() {
        true => std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
        false => path.exists(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    fn clone() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn all_missing_files_of_a_recipe_are_listed_with_where_each_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join("own.toml");
        let source = |path: &str| format!("[[sources]]\nname = \"x\"\npath = \"{path}\"\n");
        let text = source("llmrouter/train.json")
            + &source("outcomes/mmlu_pro.jsonl")
            + &source("routellm/mmlu")
            + "contaminated = \"own.jsonl\"\n";
        fs::write(&recipe, "strong = \"large\"\n".to_owned() + &text).unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("llmrouter")).unwrap();
        fs::write(data.join("llmrouter/train.json"), "[]").unwrap();
        fs::create_dir_all(data.join("routellm/mmlu")).unwrap();
        let catalogue = clone().join(super::super::CATALOGUE);
        let error = require(&recipe, &catalogue, &data).unwrap_err().to_string();
        assert!(error.contains("found 1 of 4, missing:"), "{error}");
        assert!(error.contains("mmlu_pro.jsonl\n    from https://github.com/"), "{error}");
        assert!(error.contains("made by: trainer data convert --from mmlu-pro "), "{error}");
        assert!(error.contains("routellm/mmlu\n    from https://github.com/"), "{error}");
        assert!(error.contains("own.jsonl\n    not in the catalogue"), "{error}");
        assert!(error.contains("docs/DATA.md"), "{error}");
        assert!(!error.contains("llmrouter"), "{error}");
    }

    #[test]
    fn a_recipe_whose_files_are_there_passes_and_needs_no_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = clone().join(super::super::DEFAULT_RECIPE);
        for path in read::<Recipe>(&recipe)
            .unwrap()
            .sources
            .into_iter()
            .flat_map(|source| std::iter::once(source.path).chain(source.contaminated))
        {
            let place = folder.path().join(path);
            match place.extension() {
                Some(_) => {
                    fs::create_dir_all(place.parent().unwrap()).unwrap();
                    fs::write(place, "x").unwrap();
                }
                None => {
                    fs::create_dir_all(&place).unwrap();
                    fs::write(place.join("a.csv"), "x").unwrap();
                }
            }
        }
        require(&recipe, Path::new("/no/catalogue"), folder.path()).unwrap();
    }
}
