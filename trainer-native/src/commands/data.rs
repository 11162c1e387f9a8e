//! `trainer data`: what a data file is, before anything is trained on it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pointsman_trainer::TrainerError;
use pointsman_trainer::data::{self, Format, ReadOptions};

#[derive(Subcommand)]
pub enum DataCommand {
    /// Says what a file or folder is: format, rows, models, labels, ties, bad rows, density.
    Inspect(InspectArgs),
}

#[derive(Args)]
pub struct InspectArgs {
    /// A file or folder.
    path: PathBuf,
    /// Its layout; found out where absent.
    #[arg(long)]
    format: Option<String>,
    /// Stops at the first bad row instead of counting it.
    #[arg(long)]
    strict: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(command: &DataCommand) -> anyhow::Result<()> {
    let DataCommand::Inspect(args) = command;
    let format = args.format.as_deref().map(Format::from_name).transpose();
    let found = format.and_then(|format| {
        data::inspect(&args.path, format, &ReadOptions { skip_bad: !args.strict })
    });
    let found = found.map_err(TrainerError::from)?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&found)?),
        false => println!("{found}"),
    }
    Ok(())
}
