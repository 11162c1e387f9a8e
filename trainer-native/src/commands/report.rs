//! `trainer report`: reports over stored results, and the page of all results.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::report;
use pointsman_trainer::report::results_page::{self, Benchmarks};

#[derive(Args)]
pub struct ReportArgs {
    /// Folder of stored results: every `*.json` below it
    #[arg(default_value = "trainer-native/results")]
    results: PathBuf,
    /// Write the page of all results here: docs/RESULTS.md
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Folder of the benchmark runs that the page shows
    #[arg(long, value_name = "DIR", default_value = "bench/runs")]
    runs: PathBuf,
    /// Only check that the page is what the results say
    #[arg(long, requires = "page")]
    check: bool,
    /// Folder to write one `report.html`, `report.md` and `result.json` over all results to
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(args: &ReportArgs) -> anyhow::Result<()> {
    let results = results_page::read_results(&args.results)?;
    if let Some(folder) = &args.out {
        report::write_all(folder, &results)?;
    }
    let Some(path) = &args.page else {
        if args.out.is_none() {
            println!("{}", report::markdown(&results));
        }
        return Ok(());
    };
    let benchmarks = Benchmarks::read(&args.runs)?;
    let page = results_page::page(&results, &benchmarks).map_err(TrainerError::from)?;
    if !args.check {
        super::write(path, page)?;
    } else if std::fs::read_to_string(path).map_err(TrainerError::file(path))? != page {
        anyhow::bail!(
            "{}: differs from what {} and {} say; run `cargo xtask results`",
            path.display(),
            args.results.display(),
            args.runs.display()
        );
    }
    Ok(())
}
