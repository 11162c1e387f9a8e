//! `trainer report`: pages and tables from stored results.

use std::path::{Path, PathBuf};

use clap::Args;
use switchyard_trainer::TrainerError;
use switchyard_trainer::eval::BenchmarkResult;

#[derive(Args)]
pub struct ReportArgs {
    /// Folder of stored results.
    results: PathBuf,
}

pub fn run(args: &ReportArgs) -> anyhow::Result<()> {
    anyhow::bail!("{}", args.results.display())
}

pub fn markdown(_results: &[BenchmarkResult]) -> Result<String, TrainerError> {
    Ok(String::new())
}

pub fn write_all(_folder: &Path, _results: &[BenchmarkResult]) -> Result<(), TrainerError> {
    Ok(())
}
