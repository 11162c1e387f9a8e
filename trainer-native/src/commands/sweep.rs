//! `trainer sweep`: trains a recipe once for each of several values of one setting.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::run::Finished;
use pointsman_trainer::sweep::Sweep;
use pointsman_trainer::training::interrupt;
use pointsman_trainer::{TrainerError, recipe};

use super::train::{With, train};

#[derive(Args)]
pub struct SweepArgs {
    /// The recipe, a TOML file.
    #[arg(long)]
    recipe: PathBuf,
    /// The setting and its values, such as head.lambda=0,0.5,1.
    #[arg(long, value_name = "SETTING=VALUE,VALUE")]
    set: String,
    #[command(flatten)]
    with: With,
    /// Folder of the runs, one run folder for each value, named after it; kept between calls.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &SweepArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let sweep = Sweep::parse(&args.set)?;
    if sweep.setting == "seed" && args.with.seed.is_some() {
        let detail = "found --seed beside it, expected one of the two. Leave --seed out".into();
        return Err(TrainerError::BadSetting { setting: sweep.setting, detail }.into());
    }
    let resolved = recipe::resolve(&args.recipe)?;
    let recipes = sweep.recipes(&args.recipe, &resolved.text())?;
    let chosen_device = args.with.open(&recipes)?;
    let mut folders = Vec::new();
    for (value, recipe) in sweep.values.iter().zip(recipes) {
        let folder = args.out.join(sweep.folder(value));
        eprintln!("{} = {value}: {}", sweep.setting, folder.display());
        train(recipe, None, &args.with, &folder, &chosen_device, &stop, Finished::Keep)?;
        folders.push(folder.display().to_string());
    }
    println!("{}", folders.join("\n"));
    Ok(())
}
