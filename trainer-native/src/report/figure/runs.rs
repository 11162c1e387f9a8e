//! Reads the input of figures from run folders and stored results.

use std::path::{Path, PathBuf};

use super::sensitivity::{Point, measured};
use super::steps::{Trace, Validation};
use crate::error::TrainerError;
use crate::eval::PoolResult;
use crate::eval::Stored;
use crate::recipe::{self, HeadRecipe, settings};
use crate::report_error::ReportError;
use crate::training::history;

/// Reads the checks of runs, each with its folder's name.
///
/// # Errors
/// Those of `history::read`; [`TrainerError::BadRun`] and [`TrainerError::BadRecipe`] for the recipe
/// in the folder.
pub fn traces(runs: &[PathBuf]) -> Result<Vec<Trace>, TrainerError> {
    let one = |(run, label): (&PathBuf, String)| {
        let checks = history::read(run)?;
        let head = recipe::of_text(&run.join(RECIPE), &recipe_text(run)?)?.recipe.head;
        let validation = match head {
            HeadRecipe::RouterDc(_) => Validation::Score,
            _ => Validation::Loss,
        };
        Ok(Trace { label, validation, checks })
    };
    runs.iter().zip(labels(runs)).map(one).collect()
}

/// Reads results of routers of many LLMs, from stored results or run folders.
///
/// # Errors
/// [`TrainerError::BadRun`]; [`TrainerError::Report`], also for a result of a pair.
pub fn pools(paths: &[PathBuf]) -> Result<Vec<PoolResult>, TrainerError> {
    let mut pools = Vec::new();
    for path in paths {
        let stored = stored(path)?;
        if !stored.pairs.is_empty() {
            let detail = format!(
                "{}: found a result of the form \"pair\", expected \"choice\": routers of a pair and \
                 routers of many models are drawn apart. Leave the file out",
                path.display()
            );
            return Err(ReportError::UnlikeResults { detail }.into());
        }
        pools.extend(stored.pools);
    }
    Ok(pools)
}

/// Reads the results of runs by their value of a setting of the recipe. The recipes may differ only
/// in that setting, the seed and the name.
///
/// # Errors
/// [`TrainerError::BadRun`] where a folder has no recipe or no result, or its recipe differs in
/// other settings; [`TrainerError::BadSetting`] where a recipe does not state the setting, or not
/// as a number.
pub fn points(runs: &[PathBuf], setting: &str) -> Result<Vec<Point>, TrainerError> {
    let mut first: Option<(&Path, String)> = None;
    let mut points = Vec::new();
    for path in runs {
        let run = match path.is_file() {
            true => path.parent().unwrap_or(path),
            false => path,
        };
        let text = recipe_text(run)?;
        let fault = |detail: String| TrainerError::BadRun { path: run.to_owned(), detail };
        let (first, before) = first.get_or_insert_with(|| (run, text.clone()));
        if let Some(differs) = settings::difference(before, &text, &[setting, "seed", "name"])? {
            return Err(fault(format!(
                "its recipe differs from that of {} in {differs}, expected {setting} alone to differ. \
                 Leave it out, or draw that setting",
                first.display()
            )));
        }
        let measured = measured(&stored(path)?).ok_or_else(|| {
            fault(
                "found no result of one int8 bundle, expected the result.json that `trainer train` \
                 writes. Train it again"
                    .into(),
            )
        })?;
        points.push(Point { label: name(run), value: number(&text, setting)?, measured });
    }
    Ok(points)
}

/// A setting of a recipe, as a number.
fn number(recipe: &str, setting: &str) -> Result<f64, TrainerError> {
    let fault = |detail: String| TrainerError::BadSetting { setting: setting.to_owned(), detail };
    let Some(value) = settings::get(recipe, setting)? else {
        return Err(fault(format!(
            "found a run whose recipe does not state it, expected a number. Train the runs with \
             `trainer sweep --set {setting}=...`"
        )));
    };
    settings::number(&value).filter(|number| number.is_finite()).ok_or_else(|| {
        fault(format!("found {value}, expected a finite number: an axis has no place for it"))
    })
}

const RECIPE: &str = "recipe.toml";

fn recipe_text(run: &Path) -> Result<String, TrainerError> {
    let path = run.join(RECIPE);
    if !path.exists() {
        let detail =
            "found no recipe.toml, expected a folder that `trainer train` wrote. Name a run's \
                      folder"
                .into();
        return Err(TrainerError::BadRun { path: run.to_owned(), detail });
    }
    std::fs::read_to_string(&path).map_err(TrainerError::file(&path))
}

/// Reads the results in a file, or in a run folder.
fn stored(path: &Path) -> Result<Stored, TrainerError> {
    let file = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    if !file.exists() {
        let detail = "found no result.json, expected a finished run. Train it to its end".into();
        return Err(TrainerError::BadRun { path: path.to_owned(), detail });
    }
    let text = std::fs::read_to_string(&file).map_err(TrainerError::file(&file))?;
    Ok(Stored::read(&text)?)
}

/// Distinct labels of folders: their names, for a run's bundle the run's name, and whole paths
/// where two names are equal.
#[must_use]
pub fn labels(paths: &[PathBuf]) -> Vec<String> {
    let own = |path: &PathBuf| {
        let parts: Vec<String> =
            path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        match parts.as_slice() {
            [.., run, last] if last == "bundle" => run.clone(),
            [.., run, last] if last == "bundle-float" => format!("{run} (float)"),
            _ => name(path),
        }
    };
    let short: Vec<String> = paths.iter().map(own).collect();
    let repeated = short.iter().enumerate().any(|(at, label)| short[..at].contains(label));
    match repeated {
        false => short,
        true => paths.iter().map(|path| path.display().to_string()).collect(),
    }
}

/// The last part of a path.
#[must_use]
pub fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::eval::pair::build::tests::example as example_of_a_pair;
    use crate::eval::pool::build::tests::example;
    use crate::training::history::Check;

    /// Writes a folder as a run of the recipe with `changes` leaves it.
    fn run(folder: &TempDir, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        let change = |text: String, (setting, value): &(&str, &str)| {
            settings::with(&text, setting, &settings::parse(value)).unwrap()
        };
        let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/routerdc-static.toml");
        let text = recipe::read(Path::new(recipe)).unwrap().text;
        let text = changes.iter().fold(text, change);
        std::fs::write(path.join(RECIPE), text).unwrap();
        let stored = Stored { pools: vec![example()], ..Stored::default() };
        std::fs::write(path.join("result.json"), stored.json().unwrap()).unwrap();
        let check = |step| Check { step, loss: 1.0, validation: Some(0.5) };
        history::write(&path, &[check(10), check(20)]).unwrap();
        path
    }

    #[test]
    fn runs_of_a_sweep_are_points_at_their_values() {
        let folder = tempfile::tempdir().unwrap();
        let none = run(&folder, "head.lambda=0", &[("head.lambda", "0")]);
        let half = run(&folder, "head.lambda=0.5", &[("head.lambda", "0.5")]);
        let again = run(&folder, "again", &[("head.lambda", "0.5"), ("seed", "2"), ("name", "b")]);
        let runs = [none, half.join("result.json"), again];
        let found = points(&runs, "head.lambda").unwrap();
        let values: Vec<(&str, f64)> =
            found.iter().map(|point| (point.label.as_str(), point.value)).collect();
        assert_eq!(values, [("head.lambda=0", 0.0), ("head.lambda=0.5", 0.5), ("again", 0.5)]);
        assert_eq!(Some(found[0].measured.value), example().routers[0].metrics.mean);
        let traces = traces(&[runs[0].clone(), half]).unwrap();
        assert_eq!((traces[1].label.as_str(), traces[1].checks.len()), ("head.lambda=0.5", 2));
        assert_eq!(traces[0].validation, Validation::Score);
    }

    #[test]
    fn a_run_that_differs_in_more_or_lacks_something_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(&folder, "first", &[("head.lambda", "0")]);
        let fault = |path: &Path, setting: &str| {
            let error = points(&[first.clone(), path.to_owned()], setting).unwrap_err();
            (error.code(), error.to_string())
        };
        let other = run(&folder, "other", &[("head.lambda", "1"), ("head.negatives", "2")]);
        let (code, message) = fault(&other, "head.lambda");
        assert!(
            code == "bad_run" && message.contains("in head.negatives, expected head.lambda"),
            "{message}"
        );
        let (code, message) = fault(&first, "head.positives");
        assert!(code == "bad_setting" && message.contains("does not state it"), "{message}");
        let (code, message) = fault(&first, "name");
        assert!(code == "bad_setting" && message.contains("expected a finite number"), "{message}");
        let unfinished = run(&folder, "unfinished", &[("head.lambda", "1")]);
        std::fs::remove_file(unfinished.join("result.json")).unwrap();
        let (code, message) = fault(&unfinished, "head.lambda");
        assert!(code == "bad_run" && message.contains("no result.json"), "{message}");
        std::fs::remove_file(unfinished.join("history.jsonl")).unwrap();
        assert_eq!(traces(std::slice::from_ref(&unfinished)).unwrap_err().code(), "bad_run");
        let (code, message) = fault(folder.path(), "head.lambda");
        assert!(code == "bad_run" && message.contains("no recipe.toml"), "{message}");
    }

    #[test]
    fn results_of_pairs_have_no_cost_curve_of_many() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(&folder, "first", &[]);
        assert_eq!(pools(std::slice::from_ref(&first)).unwrap(), [example()]);
        let pair = Stored { pairs: vec![example_of_a_pair()], ..Stored::default() };
        std::fs::write(first.join("result.json"), pair.json().unwrap()).unwrap();
        assert_eq!(pools(&[first]).unwrap_err().code(), "unlike_results");
        assert_eq!(pools(&[folder.path().join("none.json")]).unwrap_err().code(), "bad_run");
    }

    #[test]
    fn labels_are_as_short_as_they_can_be() {
        let of = |paths: &[&str]| {
            labels(&paths.iter().map(|path| PathBuf::from(*path)).collect::<Vec<_>>())
        };
        assert_eq!(of(&["runs/a", "runs/b/"]), ["a", "b"]);
        assert_eq!(of(&["runs/a/bundle", "runs/a/bundle-float"]), ["a", "a (float)"]);
        assert_eq!(of(&["x/a", "y/a", "z/b"]), ["x/a", "y/a", "z/b"]);
        assert_eq!(of(&["bundle"]), ["bundle"]);
    }
}
