//! `trainer report`: pages and tables from stored results.

use std::path::{Path, PathBuf};

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::eval::readme;
use pointsman_trainer::eval::report::Stored;

#[derive(Args)]
pub struct ReportArgs {
    /// Folder of stored results: every `*.json` below it.
    #[arg(default_value = "trainer-native/results")]
    results: PathBuf,
    /// A README whose marked tables are made anew from the results.
    #[arg(long)]
    readme: Option<PathBuf>,
    /// Folder to write one `report.html`, `report.md` and `result.json` over all results to.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only checks that the README's tables are those of the results.
    #[arg(long)]
    check: bool,
}

pub fn run(args: &ReportArgs) -> anyhow::Result<()> {
    let results = read_all(&args.results)?;
    if let Some(folder) = &args.out {
        write_all(folder, &results)?;
    }
    let Some(path) = &args.readme else {
        if args.out.is_none() {
            println!("{}", results.markdown());
        }
        return Ok(());
    };
    let text = std::fs::read_to_string(path).map_err(TrainerError::file(path))?;
    let refreshed =
        readme::refresh(&text, &readme::made(&text, &results).map_err(TrainerError::from)?)
            .map_err(TrainerError::from)?;
    match (refreshed == text, args.check) {
        (true, _) => eprintln!("{}: its tables are those of the results", path.display()),
        (false, false) => super::write(path, refreshed)?,
        (false, true) => anyhow::bail!(
            "{}: its tables are not those of {}; run `trainer report --readme {0}`",
            path.display(),
            args.results.display()
        ),
    }
    Ok(())
}

/// Writes `result.json`, `report.md` and `report.html` into a folder.
pub fn write_all(folder: &Path, results: &Stored) -> Result<(), TrainerError> {
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    super::write(&folder.join("result.json"), results.json()?)?;
    super::write(&folder.join("report.md"), results.markdown())?;
    super::write(&folder.join("report.html"), results.page("Pointsman evaluation"))?;
    eprintln!("report written to {}", folder.join("report.html").display());
    Ok(())
}

/// Results of every JSON file in a folder and its subfolders, in name order.
fn read_all(folder: &Path) -> Result<Stored, TrainerError> {
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(TrainerError::file(folder))?;
    for entry in entries {
        paths.push(entry.map_err(TrainerError::file(folder))?.path());
    }
    paths.sort_unstable();
    let mut results = Stored::default();
    for path in paths {
        if path.is_dir() {
            results.append(read_all(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).map_err(TrainerError::file(&path))?;
            results.append(Stored::read(&text)?);
        }
    }
    Ok(results)
}
