//! `trainer recipe`: shows a recipe merged with the files that it builds on.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::recipe;

#[derive(Args)]
pub struct RecipeArgs {
    /// The recipe, a TOML file.
    recipe: PathBuf,
}

pub fn run(args: &RecipeArgs) -> anyhow::Result<()> {
    let resolved = recipe::resolve(&args.recipe)?;
    let checked = recipe::of_resolved(&args.recipe, &resolved)?;
    print!("# recipe_sha256 {}\n\n{}", checked.sha256, resolved.annotated_text());
    Ok(())
}
