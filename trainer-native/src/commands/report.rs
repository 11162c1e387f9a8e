//! `trainer report`: reports over stored results, and the page of all results.

use std::path::{Path, PathBuf};

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::eval::Stored;
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
        write_all(folder, &results)?;
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

/// Writes `result.json`, `report.md` and `report.html` into a folder.
pub fn write_all(folder: &Path, results: &Stored) -> Result<(), TrainerError> {
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    super::write(&folder.join("result.json"), results.json()?)?;
    super::write(&folder.join("report.md"), report::markdown(results))?;
    super::write(&folder.join("report.html"), report::page::page("Pointsman evaluation", results))?;
    eprintln!("report written to {}", folder.join("report.html").display());
    Ok(())
}
