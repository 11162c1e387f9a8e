//! Reads and changes one setting of a recipe's text by its path: `head.lambda`,
//! `fine_tuning.batch`, `sources.0.take`.
//!
//! A path names tables by their keys and the entries of a list by their number, from 0. [`with`]
//! writes any key; [`RecipeFile::parse`] then refuses keys that a recipe does not have.
//!
//! ```
//! use pointsman_trainer::recipe::settings;
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let text = "name = \"a\"\n\n[head]\ntemperature = 0.1 # as in the paper\n";
//! let changed = settings::with(text, "head.lambda", &settings::parse("0.5"))?;
//! assert_eq!(settings::get(&changed, "head.lambda")?.and_then(|v| v.as_float()), Some(0.5));
//! assert_eq!(settings::get(text, "head.lambda")?, None);
//! # Ok(())
//! # }
//! ```
//!
//! [`RecipeFile::parse`]: super::RecipeFile::parse

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::error::TrainerError;

/// Parses a value as a recipe would state it; text that is not a TOML value is a string.
#[must_use]
pub fn parse(text: &str) -> Value {
    let stated = toml::from_str::<Table>(&format!("value = {text}"));
    let value = stated.ok().and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Whether two values are the same setting: 1 and 1.0 are.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (number(a), number(b)) {
        #[allow(clippy::float_cmp)]
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The value as a number, where it is one.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn number(value: &Value) -> Option<f64> {
    value.as_float().or(value.as_integer().map(|whole| whole as f64))
}

/// The value at a path; `None` where the text does not state it, so that its default holds.
///
/// # Errors
/// [`TrainerError::BadSetting`] for text that is not TOML.
pub fn get(text: &str, path: &str) -> Result<Option<Value>, TrainerError> {
    let mut at = Value::Table(table(text, path)?);
    for key in path.split('.') {
        let found = match at {
            Value::Table(mut table) => table.remove(key),
            Value::Array(values) => {
                key.parse().ok().and_then(|at: usize| values.into_iter().nth(at))
            }
            _ => None,
        };
        match found {
            Some(value) => at = value,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Returns the text with another value at a path; comments and order are lost.
///
/// # Errors
/// [`TrainerError::BadSetting`] for text that is not TOML, and for a path that leads through a
/// value that is not a table, or past the end of a list.
pub fn with(text: &str, path: &str, value: &Value) -> Result<String, TrainerError> {
    let fault = |detail: String| TrainerError::BadSetting { setting: path.to_owned(), detail };
    let mut whole = Value::Table(table(text, path)?);
    let keys: Vec<&str> = path.split('.').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(fault("found an empty key, expected a path such as head.lambda".into()));
    }
    let mut at = &mut whole;
    for (depth, key) in keys.iter().enumerate() {
        let before = keys.get(..depth).unwrap_or_default().join(".");
        at = match at {
            Value::Table(table) => {
                table.entry((*key).to_owned()).or_insert_with(|| Value::Table(Table::new()))
            }
            Value::Array(values) => {
                let count = values.len();
                let found = key.parse().ok().and_then(|at: usize| values.get_mut(at));
                found.ok_or_else(|| {
                    fault(format!("{before} is a list of {count}, expected a number below that"))
                })?
            }
            other => {
                let found = other.type_str();
                return Err(fault(format!("{before} is a {found}, expected a table or a list")));
            }
        };
    }
    *at = value.clone();
    toml::to_string(&whole).map_err(|e| fault(e.to_string()))
}

/// Path of the first setting in which two recipes differ, ignoring those in `except`.
///
/// # Errors
/// [`TrainerError::BadSetting`] for text that is not TOML.
pub fn difference(a: &str, b: &str, except: &[&str]) -> Result<Option<String>, TrainerError> {
    let all = |text: &str| -> Result<BTreeMap<String, Value>, TrainerError> {
        let mut found = BTreeMap::new();
        flatten(Value::Table(table(text, "")?), String::new(), &mut found);
        Ok(found)
    };
    let (a, b) = (all(a)?, all(b)?);
    let mut paths = a.keys().chain(b.keys()).filter(|path| !except.contains(&path.as_str()));
    let differ = |path: &&String| match (a.get(*path), b.get(*path)) {
        (Some(a), Some(b)) => !same(a, b),
        _ => true,
    };
    Ok(paths.find(differ).cloned())
}

fn flatten(value: Value, path: String, found: &mut BTreeMap<String, Value>) {
    let below = |key: &str| match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    };
    match value {
        Value::Table(table) => {
            table.into_iter().for_each(|(key, value)| flatten(value, below(&key), found));
        }
        Value::Array(values) => {
            let entries = values.into_iter().enumerate();
            entries.for_each(|(at, value)| flatten(value, below(&at.to_string()), found));
        }
        other => {
            found.insert(path, other);
        }
    }
}

fn table(text: &str, path: &str) -> Result<Table, TrainerError> {
    toml::from_str(text).map_err(|e: toml::de::Error| TrainerError::BadSetting {
        setting: path.to_owned(),
        detail: format!("the recipe is not TOML: {}", e.message()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const RECIPE: &str = "name = \"a\"\nseed = 1\n\n[[sources]]\npath = \"x\"\n\n[[sources]]\npath = \
                          \"y\"\n\n[head]\nlambda = 1.0\n";

    #[test]
    fn a_setting_is_changed_and_the_rest_stays() {
        for (path, value) in
            [("head.lambda", "0.5"), ("head.samples", "12"), ("sources.1.take", "7")]
        {
            let value = parse(value);
            let changed = with(RECIPE, path, &value).unwrap();
            assert_eq!(get(&changed, path).unwrap(), Some(value));
            assert_eq!(difference(RECIPE, &changed, &[path]).unwrap(), None, "{changed}");
            assert_eq!(difference(RECIPE, &changed, &[]).unwrap().as_deref(), Some(path));
        }
        assert_eq!(get(RECIPE, "head.samples").unwrap(), None);
        assert_eq!(get(RECIPE, "name.more").unwrap(), None);
    }

    #[test]
    fn values_are_read_as_a_recipe_states_them() {
        assert_eq!(parse("3"), Value::Integer(3));
        assert_eq!(parse("1e-3"), Value::Float(1e-3));
        assert_eq!(parse("true"), Value::Boolean(true));
        assert_eq!(parse("[1, 2]"), Value::Array(vec![Value::Integer(1), Value::Integer(2)]));
        assert_eq!(parse("zooter"), Value::String("zooter".into()));
        assert_eq!(parse("\"zooter\""), Value::String("zooter".into()));
        // No way to write a second key.
        assert_eq!(parse("1\nother = 2"), Value::Integer(1));
    }

    #[test]
    fn a_number_is_one_setting_however_it_is_written() {
        let whole = with(RECIPE, "head.lambda", &parse("1")).unwrap();
        assert_eq!(difference(RECIPE, &whole, &[]).unwrap(), None);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_named() {
        let fault = |path: &str| {
            let error = with(RECIPE, path, &parse("1")).unwrap_err();
            assert_eq!(error.code(), "bad_setting");
            error.to_string()
        };
        assert!(fault("name.more").contains("name is a string, expected a table"));
        assert!(fault("sources.2.take").contains("sources is a list of 2"));
        assert!(fault("sources.first.take").contains("sources is a list of 2"));
        assert!(fault("head..lambda").contains("empty key"));
        assert!(fault("").contains("empty key"));
        assert_eq!(with("no toml", "a", &parse("1")).unwrap_err().code(), "bad_setting");
    }
}
