//! `trainer`: the command line over the trainer library.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use switchyard_router::Router;
use switchyard_trainer::data::{self, Format, Loaded, ReadOptions};
use switchyard_trainer::device::{self, DeviceChoice};
use switchyard_trainer::eval::{self, MetricRow};
use switchyard_trainer::export::bundle;
use switchyard_trainer::run::Run;
use switchyard_trainer::training::interrupt;
use switchyard_trainer::{TrainerError, assess, finish, prepare, recipe, verify};

/// Trains LLM routers and exports them as bundles.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Trains, exports, verifies and evaluates; run again to resume.
    Train(TrainArgs),
    /// Runs the same rows through the float model and an exported bundle.
    Verify(VerifyArgs),
    /// Scores a bundle on outcomes of its strong and weak candidate.
    Eval(EvalArgs),
    /// Says what a data file or folder is.
    Inspect(InspectArgs),
}

#[derive(Args)]
struct TrainArgs {
    /// The experiment.
    #[arg(long, default_value = "trainer-native/recipes/default.toml")]
    recipe: PathBuf,
    /// Folder of the sources that the recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder to distil.
    #[arg(long)]
    encoder: PathBuf,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
    /// Where to train.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Leaves bad rows out and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

#[derive(Args)]
struct VerifyArgs {
    /// The bundle, in its run's folder.
    bundle: PathBuf,
    /// The run; the bundle's parent folder where absent.
    #[arg(long)]
    run: Option<PathBuf>,
    /// Folder of the sources that the run's recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Where the float model runs.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
    /// Leaves bad rows out and counts them.
    #[arg(long)]
    skip_bad: bool,
}

#[derive(Args)]
struct EvalArgs {
    /// The bundle.
    bundle: PathBuf,
    /// A file or folder of outcomes.
    #[arg(long)]
    data: PathBuf,
    /// Its layout; found out where absent.
    #[arg(long)]
    format: Option<String>,
    /// Name of the strong candidate in the file, where it differs from the bundle's.
    #[arg(long)]
    strong: Option<String>,
    /// Name of the weak candidate in the file, where it differs from the bundle's.
    #[arg(long)]
    weak: Option<String>,
    /// Leaves bad rows out and counts them.
    #[arg(long)]
    skip_bad: bool,
}

#[derive(Args)]
struct InspectArgs {
    /// A file or folder.
    path: PathBuf,
    /// Its layout; found out where absent.
    #[arg(long)]
    format: Option<String>,
    /// Leaves bad rows out and counts them.
    #[arg(long)]
    skip_bad: bool,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(args) => train(&args),
        Command::Verify(args) => verify(&args),
        Command::Eval(args) => evaluate(&args),
        Command::Inspect(args) => inspect(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<TrainerError>() {
                Some(error @ TrainerError::Interrupted { .. }) => {
                    eprintln!("code: {}", error.code());
                    ExitCode::from(130)
                }
                Some(error) => {
                    eprintln!("code: {}", error.code());
                    ExitCode::FAILURE
                }
                None => ExitCode::FAILURE,
            }
        }
    }
}

fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let recipe = recipe::read(&args.recipe)?;
    let chosen = device::open(args.device)?;
    eprintln!("recipe {}, device {}", recipe.recipe.name, chosen.description);
    let prepared = prepare::prepare(&recipe.recipe, &args.data, args.skip_bad)?;
    for source in &prepared.sources {
        eprintln!(
            "{}: {} rows to train on, {} removed as leaks",
            source.name, source.rows, source.removed_as_leaks
        );
    }
    eprintln!(
        "{}: {} rows to score, {} removed as leaks; {} rows held back for calibration",
        prepared.benchmark,
        prepared.test.rows.len(),
        prepared.test_leaks,
        prepared.calibration.rows.len()
    );
    let run = Run::open(&args.out, &recipe, &prepared)?;
    let encoder = run.static_encoder(&recipe, &prepared, &args.encoder, &chosen, &stop)?;
    let trained = run.train(&recipe, &prepared, encoder, &chosen, &stop)?;
    let finished = finish::finish(&recipe, &prepared, &trained, &chosen)?;
    let folder = run.file("bundle");
    finished.bundle.write(&folder)?;
    write(&run.file("metrics.json"), &eval::table::json(&finished.rows)?)?;
    let report = finish::report(&recipe, &prepared, &finished);
    write(&run.file("report.md"), &report)?;
    println!("{report}");
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}

fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let folder = match &args.run {
        Some(folder) => folder.clone(),
        None => args.bundle.join(".."),
    };
    let recipe = recipe::read(&folder.join("recipe.toml"))?;
    let prepared = prepare::prepare(&recipe.recipe, &args.data, args.skip_bad)?;
    let chosen = device::open(args.device)?;
    let run = Run::open(&folder, &recipe, &prepared)?;
    let encoder = run.static_encoder(&recipe, &prepared, Path::new(""), &chosen, &stop)?;
    let trained = run.train(&recipe, &prepared, encoder, &chosen, &stop)?;
    let router = Router::from_files(&bundle::read_files(&args.bundle)?)?;
    let column = |id: &str| {
        prepared.train.model_index(id).ok_or_else(|| anyhow::anyhow!("no model {id:?} in the run"))
    };
    let threshold = router.info().calibration.as_ref().map_or(0.5, |c| c.threshold_at_share(0.5));
    let (strong, weak) = (column(&recipe.recipe.strong)?, column(&recipe.recipe.weak)?);
    let rates = assess::win_rates(&router, &prepared.test)?;
    let found =
        verify::compare(&trained, &router, &prepared.test, &rates, strong, weak, threshold)?;
    println!("{}", serde_json::to_string_pretty(&found)?);
    Ok(())
}

fn evaluate(args: &EvalArgs) -> anyhow::Result<()> {
    let router = Router::from_files(&bundle::read_files(&args.bundle)?)?;
    let loaded = load(&args.data, args.format.as_deref(), args.skip_bad)?;
    let head = &router.info().head;
    let name = |given: &Option<String>, own: &Option<String>| given.clone().or_else(|| own.clone());
    let (Some(strong), Some(weak)) =
        (name(&args.strong, &head.strong), name(&args.weak, &head.weak))
    else {
        anyhow::bail!("the bundle names no strong and weak candidate: give --strong and --weak");
    };
    let rates = assess::win_rates(&router, &loaded.outcomes)?;
    let routed = assess::routed_rows(&loaded.outcomes, &rates, &strong, &weak)?;
    let evaluation = eval::evaluate(&routed)?;
    let name = args.data.display().to_string();
    let row = MetricRow::measured(&router.info().name, &name, 0, &evaluation);
    println!("{}", eval::table::markdown(&[row]));
    println!("leaks were not looked for: {} bad rows left out", loaded.bad_count);
    Ok(())
}

fn inspect(args: &InspectArgs) -> anyhow::Result<()> {
    let loaded = load(&args.path, args.format.as_deref(), args.skip_bad)?;
    let outcomes = &loaded.outcomes;
    println!(
        "format {}, {} files, {} bytes",
        loaded.format.name(),
        loaded.files.len(),
        loaded.bytes
    );
    println!("{} rows, {} bad rows left out", outcomes.rows.len(), loaded.bad_count);
    for bad in &loaded.bad_rows {
        println!("  {}:{}: {}", bad.file, bad.line, bad.reason);
    }
    for (index, model) in outcomes.models.iter().enumerate() {
        let scores: Vec<f64> =
            outcomes.rows.iter().filter_map(|r| r.score(index).map(f64::from)).collect();
        #[allow(clippy::cast_precision_loss)]
        let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        println!("  {model}: {} rows, mean score {mean:.4}", scores.len());
    }
    Ok(())
}

fn load(path: &Path, format: Option<&str>, skip_bad: bool) -> Result<Loaded, TrainerError> {
    let format = format.map(Format::from_name).transpose()?;
    Ok(data::read(path, format, &ReadOptions { skip_bad })?)
}

fn write(path: &Path, text: &str) -> Result<(), TrainerError> {
    std::fs::write(path, text)
        .map_err(|source| TrainerError::File { path: path.to_owned(), source })
}
