//! `trainer figure`: a drawing as SVG and PNG.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use switchyard_trainer::TrainerError;
use switchyard_trainer::assess::{choice_set, embeddings};
use switchyard_trainer::data::split_rows;
use switchyard_trainer::eval::ReportError;
use switchyard_trainer::eval::report::Stored;
use switchyard_trainer::eval::report::svg::png::png;
use switchyard_trainer::figure::map::Cloud;
use switchyard_trainer::figure::sensitivity::Point;
use switchyard_trainer::figure::steps::{Trace, Validation};
use switchyard_trainer::figure::{self, Sheet};
use switchyard_trainer::projection::{self, t_sne};
use switchyard_trainer::recipe::{self, HeadRecipe, settings};
use switchyard_trainer::training::{history, interrupt};

#[derive(Subcommand)]
pub enum FigureCommand {
    /// Validation against optimiser steps, one line a run.
    Steps(StepsArgs),
    /// t-SNE of bundles' embeddings, coloured by data set.
    Map(MapArgs),
    /// Mean score against mean cost of routers of many LLMs.
    Cost(CostArgs),
    /// Results against the value of one setting.
    Sensitivity(SensitivityArgs),
}

#[derive(Args)]
pub struct StepsArgs {
    /// Run folders, each with its history.jsonl.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    to: To,
}

#[derive(Args)]
pub struct MapArgs {
    /// Bundles.
    #[arg(required = true)]
    bundles: Vec<PathBuf>,
    /// A file or folder of outcomes, whose queries are embedded.
    #[arg(long)]
    data: PathBuf,
    /// Its layout; found out where absent.
    #[arg(long)]
    format: Option<String>,
    /// Queries drawn of it.
    #[arg(long, default_value_t = 600)]
    queries: usize,
    /// Seed of the draw and of t-SNE's start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leaves bad rows out and counts them.
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    to: To,
}

#[derive(Args)]
pub struct CostArgs {
    /// Stored results (`result.json`), or run folders that hold one.
    #[arg(required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    to: To,
}

#[derive(Args)]
pub struct SensitivityArgs {
    /// Run folders, or the `result.json` in them.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The setting's path in the recipe, as head.lambda.
    #[arg(long)]
    setting: String,
    #[command(flatten)]
    to: To,
}

/// Where the drawing goes.
#[derive(Args)]
pub struct To {
    /// Folder to write NAME.svg and NAME.png to.
    #[arg(long)]
    out: PathBuf,
    /// The files' name; that of the figure where absent.
    #[arg(long)]
    name: Option<String>,
}

pub fn run(command: &FigureCommand) -> anyhow::Result<()> {
    match command {
        FigureCommand::Steps(args) => {
            let labels = labels(&args.runs);
            let traces = args.runs.iter().zip(labels).map(|(run, label)| trace(run, label));
            let traces = traces.collect::<Result<Vec<_>, _>>()?;
            args.to.write("steps", &figure::steps::steps(&traces).map_err(TrainerError::from)?)?;
        }
        FigureCommand::Map(args) => {
            let sheet = args.sheet()?;
            args.to.write("map", &sheet)?;
        }
        FigureCommand::Cost(args) => {
            let mut choices = Vec::new();
            for path in &args.results {
                let stored = stored(path)?;
                if !stored.pairs.is_empty() {
                    let found = "pair".to_owned();
                    let form = ReportError::ResultForm { found, expected: "choice" };
                    return Err(TrainerError::from(form).into());
                }
                choices.extend(stored.choices);
            }
            args.to.write("cost", &figure::cost::cost(&choices).map_err(TrainerError::from)?)?;
        }
        FigureCommand::Sensitivity(args) => {
            let sheet = args.sheet()?;
            args.to.write(&format!("sensitivity-{}", args.setting), &sheet)?;
        }
    }
    Ok(())
}

impl To {
    fn write(&self, figure: &str, sheet: &Sheet) -> Result<(), TrainerError> {
        let name = self.name.as_deref().unwrap_or(figure);
        std::fs::create_dir_all(&self.out).map_err(TrainerError::file(&self.out))?;
        let svg = sheet.svg(figure);
        let picture = png(&svg)?;
        for (extension, bytes) in [("svg", svg.as_bytes()), ("png", &picture)] {
            let path = self.out.join(format!("{name}.{extension}"));
            super::write(&path, bytes)?;
            println!("{}", path.display());
        }
        Ok(())
    }
}

impl MapArgs {
    fn sheet(&self) -> anyhow::Result<Sheet> {
        let stop = interrupt::flag()?;
        let loaded = super::outcomes(&self.data, self.format.as_deref(), self.skip_bad)?;
        let (drawn, _) = split_rows(loaded.outcomes.rows.len(), self.queries, self.seed);
        let drawn = loaded.outcomes.select(&drawn);
        let rows = choice_set(&drawn, &[], loaded.format).rows;
        let queries: Vec<&str> = drawn.rows.iter().map(|row| row.query.as_str()).collect();
        let mut clouds = Vec::new();
        for (folder, label) in self.bundles.iter().zip(labels(&self.bundles)) {
            let found = embeddings(&super::router(folder)?, &queries, &stop)?;
            let with_token = found.into_iter().zip(&rows);
            let (embedded, datasets): (Vec<Vec<f32>>, Vec<String>) = with_token
                .filter_map(|(embedding, row)| Some((embedding?, row.dataset.clone())))
                .unzip();
            let how = projection::Settings { seed: self.seed, ..projection::Settings::default() };
            eprintln!("{label}: t-SNE of {} queries", embedded.len());
            clouds.push(Cloud { label, places: t_sne(&embedded, &how)?, datasets });
        }
        let facts = format!(
            "{} of {} queries of {} drawn by seed {}",
            drawn.rows.len(),
            loaded.outcomes.rows.len(),
            name(&self.data),
            self.seed
        );
        Ok(figure::map::map(&clouds, &facts).map_err(TrainerError::from)?)
    }
}

impl SensitivityArgs {
    fn sheet(&self) -> Result<Sheet, TrainerError> {
        let mut points = Vec::new();
        let mut first: Option<(&Path, String)> = None;
        for path in &self.runs {
            let run = folder(path);
            let text = recipe_text(run)?;
            let fault = |detail: String| TrainerError::BadRun { path: run.to_owned(), detail };
            let (first, before) = first.get_or_insert_with(|| (run, text.clone()));
            // Another seed is another run of the same experiment.
            let except = [self.setting.as_str(), "seed", "name"];
            if let Some(differs) = settings::difference(before, &text, &except)? {
                return Err(fault(format!(
                    "its recipe differs from that of {} in {differs} as well, expected {} alone. \
                     Leave it out, or draw that setting",
                    first.display(),
                    self.setting
                )));
            }
            let measured = figure::sensitivity::measured(&stored(run)?).ok_or_else(|| {
                fault(
                    "found no result of one int8 bundle, expected the result.json that `trainer \
                     train` writes. Train it anew"
                        .into(),
                )
            })?;
            let value = self.value(&text)?;
            points.push(Point { label: name(run), value, measured });
        }
        Ok(figure::sensitivity::sensitivity(&self.setting, &points)?)
    }

    /// The setting's value in a recipe.
    #[allow(clippy::cast_precision_loss)]
    fn value(&self, recipe: &str) -> Result<f64, TrainerError> {
        let fault =
            |detail: String| TrainerError::BadSetting { setting: self.setting.clone(), detail };
        let Some(value) = settings::get(recipe, &self.setting)? else {
            return Err(fault(format!(
                "a run's recipe does not state it, expected a number. Train the runs with `trainer \
                 sweep --set {}=...`",
                self.setting
            )));
        };
        let number = value.as_float().or(value.as_integer().map(|whole| whole as f64));
        number.filter(|number| number.is_finite()).ok_or_else(|| {
            fault(format!("found {value}, expected a finite number: an axis has no place for it"))
        })
    }
}

fn trace(run: &Path, label: String) -> Result<Trace, TrainerError> {
    let checks = history::read(run)?;
    let path = run.join("recipe.toml");
    let validation = match recipe::of_text(&path, recipe_text(run)?)?.recipe.head {
        HeadRecipe::RouterDc(_) => Validation::Score,
        _ => Validation::Loss,
    };
    Ok(Trace { label, validation, checks })
}

fn recipe_text(run: &Path) -> Result<String, TrainerError> {
    let path = run.join("recipe.toml");
    if !path.exists() {
        let detail = "found no recipe.toml, expected a folder that `trainer train` wrote".into();
        return Err(TrainerError::BadRun { path: run.to_owned(), detail });
    }
    std::fs::read_to_string(&path).map_err(TrainerError::file(&path))
}

/// The results in a file, or in the run folder so named.
fn stored(path: &Path) -> Result<Stored, TrainerError> {
    let file = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    if !file.exists() {
        let detail = "found no result.json, expected a finished run. Train it to its end".into();
        return Err(TrainerError::BadRun { path: path.to_owned(), detail });
    }
    let text = std::fs::read_to_string(&file).map_err(TrainerError::file(&file))?;
    Ok(Stored::read(&text)?)
}

/// The run folder of a path that names it or its result.
fn folder(path: &Path) -> &Path {
    match path.is_file() {
        true => path.parent().unwrap_or(path),
        false => path,
    }
}

/// What tells folders apart: their names, of a run's bundle the run's, and whole paths where two
/// would be alike.
fn labels(paths: &[PathBuf]) -> Vec<String> {
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
fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    }
}
