//! `trainer figure`: draws a figure as SVG and PNG.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pointsman_trainer::TrainerError;
use pointsman_trainer::assess::{embeddings, pool_rows};
use pointsman_trainer::data::split_rows;
use pointsman_trainer::linear::t_sne::{self, t_sne};
use pointsman_trainer::report::figure::map::Cloud;
use pointsman_trainer::report::figure::{self, Sheet, runs};
use pointsman_trainer::report::svg::png::png;
use pointsman_trainer::training::interrupt;

#[derive(Subcommand)]
pub enum FigureCommand {
    /// Validation against optimiser steps, one line for each run.
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
    to: DrawingArgs,
}

#[derive(Args)]
pub struct MapArgs {
    /// Folders of bundles.
    #[arg(required = true)]
    bundles: Vec<PathBuf>,
    /// A file or folder of outcomes, whose queries are embedded.
    #[arg(long)]
    data: PathBuf,
    /// Layout of the data; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Number of queries to draw.
    #[arg(long, default_value_t = 600)]
    queries: usize,
    /// Seed of the draw and of t-SNE's start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    to: DrawingArgs,
}

#[derive(Args)]
pub struct CostArgs {
    /// Stored results (`result.json`), or run folders that hold one.
    #[arg(required = true)]
    results: Vec<PathBuf>,
    #[command(flatten)]
    to: DrawingArgs,
}

#[derive(Args)]
pub struct SensitivityArgs {
    /// Run folders, or the `result.json` in them.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Path of the setting in the recipe, such as head.lambda.
    #[arg(long)]
    setting: String,
    #[command(flatten)]
    to: DrawingArgs,
}

/// Where the drawing is written to.
#[derive(Args)]
pub struct DrawingArgs {
    /// Folder to write NAME.svg and NAME.png to.
    #[arg(long)]
    out: PathBuf,
    /// Name of the files; that of the figure where absent.
    #[arg(long)]
    name: Option<String>,
}

pub fn run(command: &FigureCommand) -> anyhow::Result<()> {
    match command {
        FigureCommand::Steps(args) => {
            let traces = runs::traces(&args.runs)?;
            args.to.write("steps", &figure::steps::steps(&traces).map_err(TrainerError::from)?)?;
        }
        FigureCommand::Map(args) => {
            let sheet = args.sheet()?;
            args.to.write("map", &sheet)?;
        }
        FigureCommand::Cost(args) => {
            let pools = runs::pools(&args.results)?;
            args.to.write("cost", &figure::cost::cost(&pools).map_err(TrainerError::from)?)?;
        }
        FigureCommand::Sensitivity(args) => {
            let points = runs::points(&args.runs, &args.setting)?;
            let sheet = figure::sensitivity::sensitivity(&args.setting, &points);
            let name = format!("sensitivity-{}", args.setting);
            args.to.write(&name, &sheet.map_err(TrainerError::from)?)?;
        }
    }
    Ok(())
}

impl DrawingArgs {
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
        let rows = pool_rows(&drawn, &[], loaded.format).rows;
        let queries: Vec<&str> = drawn.rows.iter().map(|row| row.query.as_str()).collect();
        let mut clouds = Vec::new();
        for (folder, label) in self.bundles.iter().zip(runs::labels(&self.bundles)) {
            let found = embeddings(&super::router(folder)?, &queries, &stop)?;
            let with_token = found.into_iter().zip(&rows);
            let (embedded, datasets): (Vec<Vec<f32>>, Vec<String>) = with_token
                .filter_map(|(embedding, row)| Some((embedding?, row.dataset.clone())))
                .unzip();
            let how = t_sne::Settings { seed: self.seed, ..t_sne::Settings::default() };
            eprintln!("{label}: t-SNE of {} queries", embedded.len());
            clouds.push(Cloud { label, places: t_sne(&embedded, &how)?, datasets });
        }
        let facts = format!(
            "{} of {} queries of {} drawn by seed {}",
            drawn.rows.len(),
            loaded.outcomes.rows.len(),
            runs::name(&self.data),
            self.seed
        );
        Ok(figure::map::map(&clouds, &facts).map_err(TrainerError::from)?)
    }
}
