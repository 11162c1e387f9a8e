//! One training run, from a recipe and its data to the bundles and the report in the run's folder.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::dataset::{self, Prepared};
use crate::device::ChosenDevice;
use crate::error::TrainerError;
use crate::eval::Stored;
use crate::finish;
use crate::recipe::RecipeFile;
use crate::report;
use crate::router;
use crate::teacher::Teacher;
use crate::training::context::Context;
use crate::training::encoder::encoder;

/// What a run reads, and where it writes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Folder of the sources that the recipe names.
    pub data: &'a Path,
    /// Hugging Face folder, or bundle, of the encoder to start from.
    pub encoder: &'a Path,
    /// Skips bad rows and counts them, instead of stopping at the first.
    pub skip_bad: bool,
    /// Folder of the run; kept between calls.
    pub out: &'a Path,
}

/// What to do with a run that has its result already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Export and evaluate it again.
    Redo,
    /// Leave it as it is.
    Keep,
}

/// Trains one run, resuming where an earlier call stopped; on the answers of the bundle `teacher` where one is
/// given.
///
/// # Errors
/// Those of the data, of training and of exporting; [`TrainerError::Interrupted`].
pub fn train(
    recipe_file: &RecipeFile,
    teacher: Option<&Path>,
    place: Place<'_>,
    chosen_device: &ChosenDevice,
    stop: &AtomicBool,
    finished: Finished,
) -> Result<(), TrainerError> {
    let recipe = &recipe_file.recipe;
    eprintln!("recipe {}, seed {}, device {}", recipe.name, recipe.seed, chosen_device.description);
    let teacher = teacher.map(|folder| Teacher::read(folder, recipe)).transpose()?;
    let mut data = dataset::prepare(recipe, place.data, place.skip_bad)?;
    if let Some(teacher) = &teacher {
        data.sha256 = teacher.identity(&data);
    }
    print_counts(&data);
    let context = Context::open(place.out, recipe_file, &data, chosen_device, stop)?;
    // The folder belongs to this recipe, seed and data: opening it checked that.
    if finished == Finished::Keep && has_result(&context) {
        eprintln!("{} is finished; delete it to train it anew", place.out.display());
        return Ok(());
    }
    let encoder = encoder(&context, place.encoder)?;
    let trained = match &teacher {
        Some(teacher) => {
            let relabelled = teacher.teach(&context)?;
            let (name, rows) = (&teacher.router().info().name, relabelled.train.rows.len());
            eprintln!("teacher {name}: {rows} queries assessed");
            router::train(&context.with_data(&relabelled), encoder)?
        }
        None => router::train(&context, encoder)?,
    };
    let mut finished = finish::finish(&context, &trained)?;
    if let Some(teacher) = &teacher {
        teacher.sign(&mut finished.bundle.manifest);
        teacher.sign(&mut finished.float.manifest);
    }
    let folder = context.file("bundle");
    finished.bundle.write(&folder)?;
    finished.float.write(&context.file("bundle-float"))?;
    if let Some(result) = &finished.result {
        report::write_all(place.out, result)?;
    }
    let d = &finished.disagreement;
    println!(
        "float against int8, {} queries: win rates differ by {:.5} on average and {:.5} at most; \
         {:.2} % of decisions change at the default share",
        d.queries,
        d.mean,
        d.largest,
        d.changed * 100.0
    );
    if let Some(teacher) = &teacher {
        let comparison = teacher.compare(&context, &finished.bundle.router()?)?;
        let path = context.file("comparison.json");
        let text = serde_json::to_string_pretty(&comparison)
            .map_err(|error| TrainerError::file(&path)(error.into()))?;
        std::fs::write(&path, text + "\n").map_err(TrainerError::file(&path))?;
        println!("{comparison}");
    }
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}

/// Says how many rows each source gives.
fn print_counts(data: &Prepared) {
    for source in &data.sources {
        eprintln!(
            "{}: {} rows to train on, {} removed as leaks",
            source.name, source.rows, source.removed_as_leaks
        );
    }
    eprintln!(
        "{}: {} rows to score, {} removed as leaks; {} queries held back for calibration",
        data.benchmark,
        data.test.rows.len(),
        data.test_leaks,
        data.calibration.len()
    );
}

fn has_result(context: &Context<'_>) -> bool {
    let text = std::fs::read_to_string(context.file("result.json")).ok();
    text.is_some_and(|text| Stored::read(&text).is_ok())
}
