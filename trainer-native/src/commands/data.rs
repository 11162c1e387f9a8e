//! `trainer data`: inspects data files, and converts evaluations to outcomes.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use pointsman_inputs::data_files;
use pointsman_trainer::TrainerError;
use pointsman_trainer::data::convert::{Conversion, ModelSource, Original, convert};
use pointsman_trainer::data::{self, Format, ReadOptions};

#[derive(Subcommand)]
pub enum DataCommand {
    /// Reports what a file or folder holds: format, rows, models, labels, prompts, bad rows, density.
    Inspect(InspectArgs),
    /// Converts evaluations, mostly one model a file, to outcomes JSONL with one row a question.
    Convert(ConvertArgs),
}

#[derive(Args)]
pub struct InspectArgs {
    /// A file or folder.
    path: PathBuf,
    /// Its layout; recognised from the file where absent.
    #[arg(long)]
    format: Option<String>,
    /// Stops at the first bad row instead of counting it.
    #[arg(long)]
    strict: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct ConvertArgs {
    /// Files or folders; MODEL=PATH names the model that answered.
    #[arg(required = true, value_name = "[MODEL=]PATH")]
    sources: Vec<String>,
    /// Layout of the evaluations.
    #[arg(long, value_enum)]
    from: Original,
    /// The outcomes JSONL to write.
    #[arg(long)]
    out: PathBuf,
    /// Tasks to take, by their beginning; all where absent. A task is what a row's data set is.
    #[arg(long, value_delimiter = ',', value_name = "TASK,TASK")]
    only: Vec<String>,
    /// Tasks to leave out, by their beginning.
    #[arg(long, value_delimiter = ',', value_name = "TASK,TASK")]
    without: Vec<String>,
    /// Metric, scorer or score that is read; the first of each file where absent.
    #[arg(long)]
    metric: Option<String>,
}

pub fn run(command: &DataCommand) -> anyhow::Result<()> {
    match command {
        DataCommand::Inspect(args) => inspect(args),
        DataCommand::Convert(args) => convert_files(args),
    }
}

fn inspect(args: &InspectArgs) -> anyhow::Result<()> {
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

fn convert_files(args: &ConvertArgs) -> anyhow::Result<()> {
    let chooses = !args.only.is_empty() || !args.without.is_empty() || args.metric.is_some();
    if !args.from.has_choices() && chooses {
        bail!(
            "--from mmlu-pro holds one task and one score: leave out --only, --without and --metric"
        );
    }
    let converted = convert(&Conversion {
        from: args.from,
        sources: args.sources.iter().map(|source| ModelSource::parse(source)).collect(),
        only: args.only.clone(),
        without: args.without.clone(),
        metric: args.metric.clone(),
    })
    .map_err(TrainerError::from)?;
    for bad in &converted.bad_rows {
        eprintln!("{}:{}: {}", bad.file, bad.line, bad.reason);
    }
    let sha256 = converted.write(&args.out).map_err(TrainerError::file(&args.out))?;
    println!("{converted}\n{}: SHA-256 {sha256}", args.out.display());
    if let Some(entry) = data_files::entry_of(&args.out)
        && let Some(recorded) = entry.sha256
    {
        match recorded == sha256 {
            true => println!("the same file as docs/DATA.md records"),
            false => println!("another file than docs/DATA.md records ({recorded})"),
        }
    }
    Ok(())
}
