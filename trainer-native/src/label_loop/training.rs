//! The steps between labels and report: split, train, calibrate, evaluate, bundle.

use std::fs;
use std::path::{Path, PathBuf};

use pointsman::{Calibration, Manifest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bundles::{base_router, manifest, router};
use super::held_out_score::{Routers, score};
use super::journal::{Inputs, Step, hash_path, write_whole};
use super::labels::{Labelled, Standing};
use super::own_recipe::{self, FEEDBACK, HELD_OUT, OwnRecipe, Priced, TRAIN};
use super::settings::Stated;
use super::steps::Loop;
use crate::data::Outcomes;
use crate::device;
use crate::error::TrainerError;
use crate::eval::Savings;
use crate::export::bundle;
use crate::finish;
use crate::recipe::{self, RecipeFile};
use crate::run::{self, Finished, Place};

/// What the steps write, in the loop's folder.
pub const OUTCOMES: &str = "judged/outcomes.jsonl";
const GROUPS: &str = "labels/groups.json";
const RECIPE: &str = "recipe.toml";
const CALIBRATION: &str = "calibration.json";
const EVALUATION: &str = "evaluation.json";
pub const BUNDLE: &str = "bundle";
/// Folder of training runs, of which the last is kept.
const RUNS: &str = "runs";

/// Labelled prompts on both sides, and what they teach.
pub struct Sides {
    pub train: Outcomes,
    pub held_out: Outcomes,
    /// Of both sides.
    pub standing: Standing,
    /// Of the held-out side.
    pub of_held_out: Standing,
}

/// Checks what is trained, before anybody pays for labels.
///
/// # Errors
/// Those of the base and of the recipe.
pub fn check(this: &Loop<'_>) -> Result<(), TrainerError> {
    let stated = &this.settings.stated;
    let base = this.settings.path(&stated.base);
    let found = base_router(&base)?;
    if let Some(path) = &stated.recipe {
        let path = this.settings.path(path);
        return own_recipe::check(&recipe::read(&path)?.recipe, &path, stated);
    }
    match found.info().head.demands.is_some() {
        true => Ok(()),
        false => Err(TrainerError::BadEncoder {
            path: base,
            detail: format!(
                "found a bundle of kind {:?} as base, expected \"difficulty\": set base to bundles/default or \
                 bundles/accurate, or name a recipe of your own",
                found.info().kind
            ),
        }),
    }
}

/// Splits the labelled prompts.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where there are too few; [`TrainerError::NotAgreed`].
pub fn split(this: &mut Loop<'_>) -> Result<Sides, TrainerError> {
    let stated = this.settings.stated.clone();
    let path = this.settings.file(OUTCOMES);
    let inputs = Inputs::default()
        .with("outcomes", &hash_path(&path)?)
        .with("pair", &format!("{:?} {:?}", stated.strong, stated.weak))
        .with("held out", &stated.held_out.to_string())
        .finish();
    if this.is_due(Step::Split, &inputs)? {
        let share = 100.0 * stated.held_out;
        this.announce(
            Step::Split,
            &format!("holds out some {share:.0} % of the labelled prompts; costs nothing"),
        )?;
        let found = Labelled::split(&path, &stated)?;
        found.write(&this.settings.folder)?;
        if found.without_pair > 0 {
            this.ui.say(&format!(
                "{} prompts have a label of one LLM only and are left out",
                found.without_pair
            ));
        }
        this.ui.say(&format!(
            "{} prompts to train on, {} held out, in {} groups that stay together",
            found.train.rows.len(),
            found.held_out.rows.len(),
            found.groups.iter().sum::<usize>()
        ));
        let folder = &this.settings.folder;
        write_json(&folder.join(GROUPS), &found.groups.iter().sum::<usize>())?;
        this.end(Step::Split, &inputs, &[TRAIN, HELD_OUT, GROUPS].map(String::from))?;
    }
    let (train, held_out) = Labelled::read(&this.settings.folder)?;
    let of_held_out = Standing::of(&held_out, &stated)?;
    let standing = Standing::of(&train, &stated)?.plus(of_held_out);
    Ok(Sides { train, held_out, standing, of_held_out })
}

/// The number of groups that the last split made.
///
/// # Errors
/// [`TrainerError::File`], [`TrainerError::BadRun`].
pub fn groups(folder: &Path) -> Result<usize, TrainerError> {
    read_json(&folder.join(GROUPS))
}

/// Trains a router; returns the folder of its bundle.
///
/// # Errors
/// Those of training.
pub fn train(this: &mut Loop<'_>, sides: &Sides) -> Result<PathBuf, TrainerError> {
    let stated = this.settings.stated.clone();
    let base = this.settings.path(&stated.base);
    let is_scored = sides.of_held_out.gap > 0.0;
    let feedback = this.settings.file(FEEDBACK);
    // Without a row it is no source.
    let has_feedback = stated.feedback && fs::metadata(&feedback).is_ok_and(|file| file.len() > 0);
    let (file, path) = match &stated.recipe {
        Some(path) => {
            let path = this.settings.path(path);
            (recipe::read(&path)?, path)
        }
        None => {
            let manifest = manifest(&base)?;
            let priced = |id: &str| match stated.models.as_os_str().is_empty() {
                true => Ok(Priced::of_bundle(id, &manifest)),
                false => this.model(id).map(|entry| Priced::of_entry(&entry)),
            };
            let (strong, weak) = (priced(&stated.strong)?, priced(&stated.weak)?);
            let rows = sides.train.rows.len();
            let own = OwnRecipe {
                stated: &stated,
                strong: &strong,
                weak: &weak,
                base: &manifest,
                rows,
                is_scored,
                has_feedback,
            };
            let path = this.settings.file(RECIPE);
            let text = own.text();
            let file = recipe::of_text(&path, &text)?;
            write_whole(&path, text.as_bytes())?;
            (file, path)
        }
    };
    own_recipe::check(&file.recipe, &path, &stated)?;
    let encoder = this.settings.path(stated.encoder.as_deref().unwrap_or(&stated.base));
    let inputs = Inputs::default()
        .with("trainer", env!("CARGO_PKG_VERSION"))
        .with("recipe", &file.sha256)
        .with("train", &hash_path(&this.settings.file(TRAIN))?)
        .with("held out", &hash_path(&this.settings.file(HELD_OUT))?)
        .with("encoder", &hash_path(&encoder)?);
    let inputs = match has_feedback {
        true => inputs.with("feedback", &hash_path(&feedback)?),
        false => inputs,
    };
    let inputs = inputs.finish();
    let run = format!("{RUNS}/{}", inputs.get(..12).unwrap_or_default());
    let bundle = format!("{run}/bundle");
    if this.is_due(Step::Train, &inputs)? {
        let what = format!(
            "trains a router of kind {} on {} prompts, from {}; costs nothing",
            file.recipe.head.kind().name(),
            sides.train.rows.len(),
            encoder.display()
        );
        this.announce(Step::Train, &what)?;
        train_run(this, &file, &encoder, &run)?;
        let mut outputs = vec![bundle.clone()];
        outputs.extend(stated.recipe.is_none().then(|| RECIPE.to_owned()));
        this.end(Step::Train, &inputs, &outputs)?;
        remove_other_runs(&this.settings.folder, &run)?;
    }
    Ok(this.settings.file(&bundle))
}

fn train_run(
    this: &Loop<'_>,
    file: &RecipeFile,
    encoder: &Path,
    run: &str,
) -> Result<(), TrainerError> {
    let out = this.settings.file(run);
    let device = device::open(this.options.device)?;
    let place = Place { data: &this.settings.folder, encoder, skip_bad: false, out: &out };
    match run::train(file, None, place, &device, this.stop, Finished::Redo) {
        // The folder is named after its inputs, so what does not fit in it is damaged.
        Err(TrainerError::BadCheckpoint { .. }) => {
            fs::remove_dir_all(&out).map_err(TrainerError::file(&out))?;
            run::train(file, None, place, &device, this.stop, Finished::Redo)
        }
        found => found,
    }
}

fn remove_other_runs(folder: &Path, run: &str) -> Result<(), TrainerError> {
    let runs = folder.join(RUNS);
    let at = TrainerError::file(&runs);
    for entry in fs::read_dir(&runs).map_err(&at)? {
        let path = entry.map_err(&at)?.path();
        let is_other = path.is_dir() && path != folder.join(run) && !path.ends_with("embeddings");
        if is_other {
            fs::remove_dir_all(&path).map_err(TrainerError::file(&path))?;
        }
    }
    Ok(())
}

/// Finds the quantiles of win rates on the prompts that were trained on.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`].
pub fn calibrate(
    this: &mut Loop<'_>,
    sides: &Sides,
    run_bundle: &Path,
) -> Result<Calibration, TrainerError> {
    let path = this.settings.file(CALIBRATION);
    let inputs = Inputs::default()
        .with("bundle", &hash_path(run_bundle)?)
        .with("train", &hash_path(&this.settings.file(TRAIN))?)
        .finish();
    if this.is_due(Step::Calibrate, &inputs)? {
        let queries = queries(&sides.train);
        let what = format!("finds thresholds on {} prompts; costs nothing", queries.len());
        this.announce(Step::Calibrate, &what)?;
        let (found, _) = finish::calibration(
            &router(run_bundle)?,
            &queries,
            "own prompts that were trained on",
            this.stop,
        )?;
        write_json(&path, &found)?;
        this.end(Step::Calibrate, &inputs, &[CALIBRATION.to_owned()])?;
    }
    read_json(&path)
}

/// Measures what is kept and saved on held-out prompts; of the single LLMs alone without a router.
///
/// # Errors
/// Those of the engine and the evaluation; [`TrainerError::Interrupted`].
pub fn evaluate(
    this: &mut Loop<'_>,
    sides: &Sides,
    is_relative: bool,
    trained: Option<(&Path, &Calibration)>,
) -> Result<Savings, TrainerError> {
    let stated = this.settings.stated.clone();
    let base = this.settings.path(&stated.base);
    let path = this.settings.file(EVALUATION);
    let mut inputs = Inputs::default()
        .with("held out", &hash_path(&this.settings.file(HELD_OUT))?)
        .with("pair", &format!("{:?} {:?}", stated.strong, stated.weak))
        .with("relative", &is_relative.to_string())
        .with("shares", &format!("{:?}", stated.shares))
        .with("seed", &stated.seed.to_string());
    if let Some((run_bundle, _)) = trained {
        inputs = inputs
            .with("bundle", &hash_path(run_bundle)?)
            .with("calibration", &hash_path(&this.settings.file(CALIBRATION))?)
            .with("base", &hash_path(&base)?);
    }
    let inputs = inputs.finish();
    if this.is_due(Step::Evaluate, &inputs)? {
        let what =
            format!("measures on {} held-out prompts; costs nothing", sides.held_out.rows.len());
        this.announce(Step::Evaluate, &what)?;
        let loaded = match trained {
            Some((run_bundle, calibration)) => {
                Some((router(run_bundle)?, calibration, base_router(&base)?))
            }
            None => None,
        };
        let routers = loaded.as_ref().map(|(router, calibration, base)| Routers {
            router,
            calibration,
            base,
        });
        let found = score(
            &stated,
            is_relative,
            routers,
            &queries(&sides.train),
            &sides.held_out,
            this.stop,
        )?;
        write_json(&path, &found)?;
        this.end(Step::Evaluate, &inputs, &[EVALUATION.to_owned()])?;
    }
    read_json(&path)
}

/// Writes the bundle that ships: the run's, with the loop's calibration.
///
/// # Errors
/// [`TrainerError::File`].
pub fn ship(
    this: &mut Loop<'_>,
    run_bundle: &Path,
    calibration: &Calibration,
) -> Result<(), TrainerError> {
    let inputs = Inputs::default()
        .with("bundle", &hash_path(run_bundle)?)
        .with("calibration", &hash_path(&this.settings.file(CALIBRATION))?)
        .finish();
    if !this.is_due(Step::Bundle, &inputs)? {
        return Ok(());
    }
    let folder = this.settings.file(BUNDLE);
    this.announce(Step::Bundle, &format!("writes {}; costs nothing", folder.display()))?;
    let staging = this.settings.file("bundle.partial");
    let at = TrainerError::file;
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(at(&staging))?;
    }
    fs::create_dir(&staging).map_err(at(&staging))?;
    for (name, bytes) in bundle::read_files(run_bundle)? {
        let path = staging.join(name);
        fs::write(&path, bytes).map_err(at(&path))?;
    }
    bundle::replace_calibration(&staging, calibration.clone())?;
    router(&staging)?;
    remove_bundle(&folder)?;
    fs::rename(&staging, &folder).map_err(at(&folder))?;
    this.end(Step::Bundle, &inputs, &[BUNDLE.to_owned()])
}

/// Removes a bundle, where there is one.
///
/// # Errors
/// [`TrainerError::File`].
pub fn remove_bundle(folder: &Path) -> Result<(), TrainerError> {
    match folder.exists() {
        true => fs::remove_dir_all(folder).map_err(TrainerError::file(folder)),
        false => Ok(()),
    }
}

/// The queries of a table, in their order.
pub fn queries(outcomes: &Outcomes) -> Vec<&str> {
    outcomes.rows.iter().map(|row| row.query.as_str()).collect()
}

/// Whether a router's ranking was changed by labels, beside each LLM's ability.
#[must_use]
pub fn is_corrected(manifest: &Manifest, base: &Manifest) -> bool {
    manifest.head.demands != base.head.demands
}

/// What a report states of a router.
///
/// # Errors
/// [`TrainerError::File`]; those of the engine.
pub fn router_facts(
    stated: &Stated,
    bundle: &Path,
    base: &Path,
    calibration: &Calibration,
) -> Result<crate::report::own_prompts::RouterFacts, TrainerError> {
    let (own, base) = (manifest(bundle)?, manifest(base)?);
    Ok(crate::report::own_prompts::RouterFacts {
        corrected: is_corrected(&own, &base),
        kind: own.kind,
        held_out_share: stated.held_out,
        default_strong_share: stated.default_strong_share,
        threshold: calibration.threshold_at_share(stated.default_strong_share),
        base: base.name,
    })
}

pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainerError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| TrainerError::BadRun {
        path: path.to_owned(),
        detail: error.to_string(),
    })?;
    write_whole(path, (text + "\n").as_bytes())
}

pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, TrainerError> {
    let text = fs::read_to_string(path).map_err(TrainerError::file(path))?;
    serde_json::from_str(&text).map_err(|error| TrainerError::BadRun {
        path: path.to_owned(),
        detail: format!("{error}. Delete the file: its step is then done again"),
    })
}
