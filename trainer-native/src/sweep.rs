//! Trains a recipe once for each of several values of one setting.
//!
//! ```
//! use pointsman_trainer::sweep::Sweep;
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let sweep = Sweep::parse("head.lambda=0,0.5,1")?;
//! assert_eq!(sweep.setting, "head.lambda");
//! let folders: Vec<String> = sweep.values.iter().map(|value| sweep.folder(value)).collect();
//! assert_eq!(folders, ["head.lambda=0", "head.lambda=0.5", "head.lambda=1"]);
//! # Ok(())
//! # }
//! ```

use std::path::Path;

use crate::error::TrainerError;
use crate::recipe::{self, RecipeFile, settings};

/// A setting and the values to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Path of the setting in the recipe, such as `head.lambda`.
    pub setting: String,
    /// The values as written, all different.
    pub values: Vec<String>,
}

impl Sweep {
    /// Parses `SETTING=VALUE,VALUE,...`; a value in brackets may hold commas.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`] where the text has another form, or names a value twice.
    pub fn parse(text: &str) -> Result<Self, TrainerError> {
        let (setting, listed) = text.split_once('=').unwrap_or((text, ""));
        let setting = setting.trim().to_owned();
        let named = setting.clone();
        let fault = |detail: String| TrainerError::BadSetting { setting: named.clone(), detail };
        let values = split(listed);
        if setting.is_empty() || values.iter().any(String::is_empty) {
            let detail =
                format!("found {text:?}, expected SETTING=VALUE,VALUE such as head.lambda=0,0.5,1");
            return Err(fault(detail));
        }
        let same =
            |a: &String, b: &String| settings::same(&settings::parse(a), &settings::parse(b));
        for (at, value) in values.iter().enumerate() {
            if values.iter().take(at).any(|before| same(before, value)) {
                return Err(fault(format!("found {value} twice, expected each value once")));
            }
        }
        let sweep = Self { setting, values };
        let folders: Vec<String> = sweep.values.iter().map(|value| sweep.folder(value)).collect();
        for (at, folder) in folders.iter().enumerate() {
            if folders.iter().take(at).any(|before| before == folder) {
                return Err(fault(format!(
                    "two values would share the folder {folder:?}, expected one each: sweep them with different --out"
                )));
            }
        }
        Ok(sweep)
    }

    /// Name of the run folder of a value.
    #[must_use]
    pub fn folder(&self, value: &str) -> String {
        let plain = |c: char| if c.is_alphanumeric() || "._-+".contains(c) { c } else { '_' };
        let value: String = value.trim_matches('"').chars().map(plain).collect();
        format!("{}={value}", self.setting)
    }

    /// The recipes, one for each value in order, from the text of a resolved recipe; `path` is for
    /// messages.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`]; [`TrainerError::BadRecipe`] where a recipe has no such
    /// setting, or the setting cannot have that value.
    pub fn recipes(&self, path: &Path, text: &str) -> Result<Vec<RecipeFile>, TrainerError> {
        let one = |value: &String| {
            let changed = settings::with(text, &self.setting, &settings::parse(value))?;
            recipe::of_text(path, &changed).map_err(|error| match error {
                TrainerError::BadRecipe { path, detail } => TrainerError::BadRecipe {
                    path,
                    detail: format!("with {} = {value}: {}", self.setting, detail.trim_end()),
                },
                other => other,
            })
        };
        self.values.iter().map(one).collect()
    }
}

/// Splits at the commas that stand in no bracket or quotation.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::HeadRecipe;

    fn recipe() -> RecipeFile {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/routerdc-static.toml");
        recipe::read(Path::new(path)).unwrap()
    }

    fn recipes(asked: &str) -> Result<Vec<RecipeFile>, TrainerError> {
        Sweep::parse(asked)?.recipes(Path::new("routerdc-static.toml"), &recipe().text)
    }

    #[test]
    fn each_value_makes_a_recipe_of_its_own() {
        let found = recipes("head.lambda=0,0.5").unwrap();
        let lambda = |file: &RecipeFile| match &file.recipe.head {
            HeadRecipe::RouterDc(head) => head.lambda,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(found.iter().map(lambda).collect::<Vec<_>>(), [0.0, 0.5]);
        assert_ne!(found[0].sha256, found[1].sha256);
        let differ = settings::difference(&recipe().text, &found[0].text, &["head.lambda"]);
        assert_eq!(differ.unwrap(), None);
        assert_eq!(recipes("head.loss=zooter,cosine-classifier").unwrap().len(), 2);
        assert_eq!(recipes("sources.1.without=[],[\"mmlu\", \"cmmlu\"]").unwrap().len(), 2);
    }

    #[test]
    fn what_no_recipe_has_is_the_parsers_error() {
        for (asked, part) in [
            ("head.lamda=0,1", "with head.lamda = 0: [head]: unknown field `lamda`"),
            ("heads.lambda=0,1", "unknown field `heads`"),
            ("head.lambda=much", "with head.lambda = much"),
            ("fine_tuning.batch=8,0", "with fine_tuning.batch = 0: fine_tuning.batch is 0"),
        ] {
            let error = recipes(asked).unwrap_err();
            assert_eq!(error.code(), "bad_recipe", "{asked}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_sweep_that_is_not_one_is_named() {
        for (asked, part) in [
            ("head.lambda", "expected SETTING=VALUE"),
            ("head.lambda=", "expected SETTING=VALUE"),
            ("head.lambda=1,,2", "expected SETTING=VALUE"),
            ("=1", "expected SETTING=VALUE"),
            ("head.lambda=1,2,1", "found 1 twice"),
            ("head.lambda=1,1.0", "found 1.0 twice"),
            ("name=a/b,a:b", "would share the folder \"name=a_b\""),
        ] {
            let error = Sweep::parse(asked).unwrap_err();
            assert_eq!(error.code(), "bad_setting", "{asked}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
