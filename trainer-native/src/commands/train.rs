//! `trainer train`: trains a recipe into a bundle and evaluates it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman_trainer::device::{self, ChosenDevice, DeviceChoice};
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::run::{self, Finished, Place};
use pointsman_trainer::training::interrupt;
use pointsman_trainer::{TrainerError, dataset, recipe};

#[derive(Args)]
pub struct TrainArgs {
    /// The recipe, a TOML file.
    #[arg(long, default_value = "trainer-native/recipes/default.toml")]
    recipe: PathBuf,
    #[command(flatten)]
    with: With,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
}

#[derive(Args)]
pub struct DistilArgs {
    /// The student's recipe, of any kind and tier. Labels of its sources are not read.
    recipe: PathBuf,
    /// Bundle whose qualities, or win rates where the recipe has a strong and a weak candidate, are
    /// trained on in place of labels.
    #[arg(long)]
    teacher: PathBuf,
    #[command(flatten)]
    with: With,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
}

/// Arguments of every training run.
#[derive(Args)]
pub struct With {
    /// Folder of the sources that the recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder to start from.
    #[arg(long)]
    encoder: PathBuf,
    /// Seed to use in place of the recipe's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Device to train on.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Skips bad rows and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let recipe = recipe::read(&args.recipe)?;
    let chosen_device = args.with.open([&recipe])?;
    train(recipe, None, &args.with, &args.out, &chosen_device, &stop, Finished::Redo)?;
    Ok(())
}

pub fn distil(args: &DistilArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let (recipe, teacher) = (recipe::read(&args.recipe)?, Some(args.teacher.as_path()));
    let chosen_device = args.with.open([&recipe])?;
    train(recipe, teacher, &args.with, &args.out, &chosen_device, &stop, Finished::Redo)?;
    Ok(())
}

impl With {
    /// Checks that the data of the recipes is there, then opens the device.
    pub fn open<'a>(
        &self,
        recipes: impl IntoIterator<Item = &'a RecipeFile>,
    ) -> Result<ChosenDevice, TrainerError> {
        for file in recipes {
            dataset::require_files(&file.recipe, &self.data)?;
        }
        device::open(self.device)
    }
}

/// Trains one run with the arguments' data, encoder and seed.
pub fn train(
    mut recipe_file: RecipeFile,
    teacher: Option<&Path>,
    with: &With,
    out: &Path,
    chosen_device: &ChosenDevice,
    stop: &AtomicBool,
    finished: Finished,
) -> Result<(), TrainerError> {
    recipe_file.recipe.seed = with.seed.unwrap_or(recipe_file.recipe.seed);
    let With { data, encoder, skip_bad, .. } = with;
    let place = Place { data, encoder, skip_bad: *skip_bad, out };
    run::train(&recipe_file, teacher, place, chosen_device, stop, finished)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn missing_data_is_reported_before_a_device_is_opened() {
        let folder = tempfile::TempDir::new().unwrap();
        let absent =
            if cfg!(target_os = "macos") { DeviceChoice::Vulkan } else { DeviceChoice::Metal };
        let with = With {
            data: folder.path().to_owned(),
            encoder: folder.path().to_owned(),
            seed: None,
            device: absent,
            skip_bad: false,
        };
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/ridge-static.toml");
        let error = with.open([&recipe::read(&recipe).unwrap()]).unwrap_err();
        assert_eq!(error.code(), "missing_data");
        let text = error.to_string();
        for part in ["found 0 of 6", "outcomes/mmlu_pro.jsonl", "llmrouter/train.json", "DATA.md"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
