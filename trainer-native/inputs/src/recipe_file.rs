//! Resolves a recipe file with the files that it builds on.
//!
//! `base` names one file or several, relative to the file in which it stands; a base may have bases of
//! its own. Files are merged in this order: the bases as listed, then the file itself. A file that two
//! bases share is merged once, before both. Merging is key by key:
//!
//! - a table over a table changes the keys it states;
//! - a table over a list of tables changes the entries it names, by their `name` or `id`:
//!   `[sources."GSM8K test"]` changes that source;
//! - all else, a list included, replaces what the base states.
//!
//! The resolved recipe has a canonical text: keys in alphabetical order, no comments. Two recipes that
//! state the same settings have the same text, however the settings are spread over files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The key that names the files a recipe builds on.
const BASE: &str = "base";

/// Keys that name an entry of a list of tables.
const NAMES: [&str; 2] = ["name", "id"];

/// A recipe file cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum RecipeFileError {
    /// The recipe cannot be read.
    #[error("{path}: {cause}")]
    Read {
        /// The recipe's file.
        path: PathBuf,
        /// The system's error, part of the message.
        cause: std::io::Error,
    },
    /// A file is not TOML, or its bases cannot be merged.
    #[error("recipe {path}: {detail}")]
    Bad {
        /// The file at fault: the recipe, or one of its bases.
        path: PathBuf,
        /// What was found, and what was expected.
        detail: String,
    },
}

/// A recipe merged with its bases.
#[derive(Debug, Clone, Default)]
pub struct ResolvedRecipe {
    table: Table,
    /// The files merged, in this order; the recipe itself is the last.
    files: Vec<PathBuf>,
    /// The index of the file that states a value, by the value's path; an entry of a list has its number
    /// as key. Tables and lists of tables are no values.
    stated_by: BTreeMap<Vec<String>, usize>,
}

/// Reads a recipe and merges it with its bases.
///
/// # Errors
/// [`RecipeFileError`], which names the file at fault.
pub fn resolve(path: &Path) -> Result<ResolvedRecipe, RecipeFileError> {
    let mut merged = Merged::default();
    let read = |cause| RecipeFileError::Read { path: path.to_owned(), cause };
    let id = std::fs::canonicalize(path).map_err(read)?;
    merged.add(path, id).map(|()| merged.recipe)
}

/// Writes a recipe's table as its canonical text.
#[must_use]
pub fn canonical_text(table: &Table) -> String {
    // Whatever was parsed from TOML can be written as TOML.
    toml::to_string(table).unwrap_or_default()
}

impl ResolvedRecipe {
    /// The merged table, without `base`.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The files merged, bases first; the recipe itself is the last.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The canonical text.
    #[must_use]
    pub fn text(&self) -> String {
        canonical_text(&self.table)
    }

    /// The paths below the data folder that the recipe's sources are read from.
    #[must_use]
    pub fn data_paths(&self) -> BTreeSet<&str> {
        let sources = self.table.get("sources").and_then(Value::as_array);
        let sources = sources.into_iter().flatten();
        let paths = sources.flat_map(|source| [source.get("path"), source.get("contaminated")]);
        paths.flatten().filter_map(Value::as_str).collect()
    }

    /// Origin of the encoder in words, where the recipe states one.
    #[must_use]
    pub fn encoder_source(&self) -> Option<&str> {
        self.table.get("encoder")?.get("source")?.as_str()
    }

    /// The last of the files that state a value or a table under `key`, at any depth.
    #[must_use]
    pub fn file_with_key(&self, key: &str) -> Option<&Path> {
        let has_key = |path: &&Vec<String>| path.iter().any(|part| part == key);
        let found = self.stated_by.iter().filter(|(path, _)| has_key(path));
        let last = found.map(|(_, file)| *file).max()?;
        self.files.get(last).map(PathBuf::as_path)
    }

    /// The canonical text with a comment above each table: the files that state its values.
    #[must_use]
    pub fn annotated_text(&self) -> String {
        let mut text = format!("# {}\n", self.files_of(&[]));
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for line in self.text().lines() {
            let list = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
            let table = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(key) = list {
                let number = numbers.entry(key).and_modify(|number| *number += 1).or_default();
                let _ = writeln!(text, "# {}", self.files_of(&[key, &number.to_string()]));
            } else if let Some(path) = table {
                let _ = writeln!(text, "# {}", self.files_of(&path.split('.').collect::<Vec<_>>()));
            }
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// The files that state the values of the table at `path`, those of tables in it left out.
    fn files_of(&self, path: &[&str]) -> String {
        let inside = |at: &[String]| match at.split_last() {
            Some((_, table)) => table == path,
            None => false,
        };
        let found = self.stated_by.iter().filter(|(at, _)| inside(at));
        let files: BTreeSet<usize> = found.map(|(_, file)| *file).collect();
        let names = files.into_iter().filter_map(|file| self.files.get(file));
        names.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// The files merged so far.
#[derive(Default)]
struct Merged {
    recipe: ResolvedRecipe,
    /// Canonical paths of the files that are merged.
    done: BTreeSet<PathBuf>,
    /// The files that are being read, each a base of the one before, with their canonical paths.
    chain: Vec<(PathBuf, PathBuf)>,
}

impl Merged {
    /// Merges the file with the canonical path `id` and its bases.
    fn add(&mut self, path: &Path, id: PathBuf) -> Result<(), RecipeFileError> {
        let bad = |detail: String| RecipeFileError::Bad { path: path.to_owned(), detail };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| RecipeFileError::Read { path: path.to_owned(), cause })?;
        let mut table: Table = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let bases = bases(table.remove(BASE)).map_err(bad)?;
        self.chain.push((path.to_owned(), id.clone()));
        for base in bases {
            let base = path.with_file_name(base);
            let id = std::fs::canonicalize(&base)
                .map_err(|e| bad(format!("its base {} cannot be read: {e}", base.display())))?;
            if let Some(start) = self.chain.iter().position(|(_, known)| *known == id) {
                let chain = self.chain.iter().skip(start).map(|(path, _)| path);
                let names = chain.chain([&base]).map(|path| path.display().to_string());
                let names = names.collect::<Vec<_>>().join(" -> ");
                return Err(bad(format!("its bases lead back to it: {names}")));
            }
            if !self.done.contains(&id) {
                self.add(&base, id)?;
            }
        }
        self.chain.pop();
        self.done.insert(id);
        let file = self.recipe.files.len();
        self.recipe.files.push(path.to_owned());
        let stated_by = &mut self.recipe.stated_by;
        merge(&mut self.recipe.table, table, &mut Place { path: Vec::new(), file, stated_by })
            .map_err(bad)
    }
}

/// The files that the value of `base` names.
fn bases(value: Option<Value>) -> Result<Vec<String>, String> {
    let expected = "expected the path of a file, or a list of paths";
    match value {
        None => Ok(Vec::new()),
        Some(Value::String(path)) => Ok(vec![path]),
        Some(Value::Array(paths)) => {
            let path = |value: Value| match value {
                Value::String(path) => Ok(path),
                other => Err(format!("{BASE} lists a {}, {expected}", other.type_str())),
            };
            paths.into_iter().map(path).collect()
        }
        Some(other) => Err(format!("{BASE} is a {}, {expected}", other.type_str())),
    }
}

/// Where a file's values go.
struct Place<'a> {
    /// Path of the table that is merged into.
    path: Vec<String>,
    /// Index of the file.
    file: usize,
    stated_by: &'a mut BTreeMap<Vec<String>, usize>,
}

impl Place<'_> {
    /// Records the file for `value`, which replaces whatever is at the path, and for all in it.
    fn replace(&mut self, value: &Value) {
        self.stated_by.retain(|at, _| !at.starts_with(&self.path));
        self.record(value);
    }

    fn record(&mut self, value: &Value) {
        let mut inside = |key: String, value: &Value| {
            self.path.push(key);
            self.record(value);
            self.path.pop();
        };
        match value {
            Value::Table(table) => table.iter().for_each(|(key, value)| inside(key.clone(), value)),
            Value::Array(values) if is_list_of_tables(values) => {
                let numbered = values.iter().enumerate();
                numbered.for_each(|(number, value)| inside(number.to_string(), value));
            }
            _ => {
                self.stated_by.insert(self.path.clone(), self.file);
            }
        }
    }
}

fn is_list_of_tables(values: &[Value]) -> bool {
    !values.is_empty() && values.iter().all(Value::is_table)
}

/// Merges a file's table over that of the files before it.
fn merge(under: &mut Table, over: Table, place: &mut Place) -> Result<(), String> {
    for (key, value) in over {
        place.path.push(key.clone());
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over, place)?,
            (Some(Value::Array(entries)), Value::Table(changes)) if is_list_of_tables(entries) => {
                change_entries(entries, changes, place)?;
            }
            (_, value) => {
                place.replace(&value);
                under.insert(key, value);
            }
        }
        place.path.pop();
    }
    Ok(())
}

/// Changes the entries of a list that the keys of `changes` name.
fn change_entries(entries: &mut [Value], changes: Table, place: &mut Place) -> Result<(), String> {
    let name = |entry: &Value| {
        let stated = NAMES.iter().find_map(|key| entry.get(key));
        stated.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let names: Vec<String> = entries.iter().map(name).collect();
    let list = place.path.join(".");
    for (changed, change) in changes {
        let number = names.iter().position(|name| *name == changed);
        let entry = number.and_then(|number| entries.get_mut(number)).and_then(Value::as_table_mut);
        let (Some(number), Some(entry), Value::Table(change)) = (number, entry, change) else {
            return Err(format!(
                "[{list}.{changed:?}] changes no entry of its base's [[{list}]], expected a table \
                 that names one of {names:?}; to replace them all, list them as [[{list}]]"
            ));
        };
        place.path.push(number.to_string());
        merge(entry, change, place)?;
        place.path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
