//! `trainer judge`: makes outcomes and preferences of answers.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::completions::{Limits, ModelsFile};
use pointsman_trainer::data::{AnswerSet, ReadOptions};
use pointsman_trainer::judge::command::CommandLimits;
use pointsman_trainer::judge::{
    JudgeReport, JudgeSettings, Labels, LlmSettings, Mode, Ranking, check_gold, judge, markdown,
};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct JudgeArgs {
    /// Files of answers, as `trainer collect` writes them.
    #[arg(required = true, value_name = "ANSWERS.jsonl")]
    answers: Vec<PathBuf>,
    /// The folder for outcomes.jsonl, preferences.jsonl, judged.jsonl, judge.json and judge.md.
    #[arg(long)]
    out: PathBuf,
    /// Compares answers with the prompts' gold answers.
    #[arg(long)]
    gold: bool,
    /// Runs the commands of gold answers. THIS RUNS WHAT LLMS WROTE, with your rights: use a container.
    #[arg(long, requires = "gold")]
    commands: bool,
    /// Seconds that a command may take.
    #[arg(long, default_value_t = CommandLimits::default().seconds, requires = "commands")]
    command_seconds: u64,
    /// MiB of virtual memory that each process of a command may use.
    #[arg(long, default_value_t = CommandLimits::default().memory_mib, requires = "commands")]
    command_memory: u64,
    /// The LLM that judges prompts which no gold answer decides; an `id` of --models.
    #[arg(long, value_name = "ID")]
    judge: Option<String>,
    /// The file of LLMs that can be asked; its `judge` is the one where --judge is absent.
    #[arg(long, value_name = "models.toml")]
    models: Option<PathBuf>,
    /// What the LLM is asked.
    #[arg(long, value_enum, default_value_t = Mode::Pairwise)]
    mode: Mode,
    /// How comparisons become scores with --mode ranking.
    #[arg(long, value_enum, default_value_t = Ranking::Logits)]
    ranking: Ranking,
    /// A text file with points to judge by, in place of the project's own.
    #[arg(long)]
    rubric: Option<PathBuf>,
    /// Characters of a request and of an answer that the LLM is shown.
    #[arg(long, default_value_t = 8000)]
    answer_characters: usize,
    /// US dollars that the LLM may cost, those of earlier calls with the same --out included.
    #[arg(long)]
    max_usd: Option<f64>,
    /// Requests in flight at once.
    #[arg(long, default_value_t = Limits::default().concurrency)]
    concurrency: usize,
    /// Judges two LLMs only, the strong one first.
    #[arg(long, value_name = "STRONG,WEAK", value_delimiter = ',', num_args = 1)]
    pair: Vec<String>,
    /// What preferences state.
    #[arg(long, value_enum, default_value_t = Labels::Winner)]
    labels: Labels,
    /// A file of preferences to compare the LLM's verdicts with.
    #[arg(long, value_name = "FILE")]
    labelled: Option<PathBuf>,
    /// Leaves bad rows out and counts them, instead of stopping at the first one.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &JudgeArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let settings = settings(args)?;
    let options = ReadOptions { skip_bad: args.skip_bad };
    let answers =
        AnswerSet::open(&args.answers, &options, &check_gold).map_err(TrainerError::from)?;
    for bad in &answers.bad_rows {
        eprintln!("{}:{}: {}", bad.file, bad.line, bad.reason);
    }
    let progress = pointsman_trainer::completions::Silent;
    let report = judge(&answers, &settings, &args.out, &progress, &stop)?;
    let page = markdown(&report);
    super::write(&args.out.join("judge.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    super::write(&args.out.join("judge.md"), &page)?;
    print!("{page}");
    ended_early(&report)
}

fn settings(args: &JudgeArgs) -> anyhow::Result<JudgeSettings> {
    let pair = match args.pair.as_slice() {
        [] => None,
        [strong, weak] => Some([strong.clone(), weak.clone()]),
        other => bail!("--pair: found {} names, expected STRONG,WEAK", other.len()),
    };
    let limits = CommandLimits {
        seconds: args.command_seconds,
        memory_mib: args.command_memory,
        ..CommandLimits::default()
    };
    Ok(JudgeSettings {
        gold: args.gold,
        commands: args.commands.then_some(limits),
        llm: llm(args)?,
        pair,
        labels: args.labels,
        labelled: args.labelled.clone(),
    })
}

fn llm(args: &JudgeArgs) -> anyhow::Result<Option<LlmSettings>> {
    let Some(path) = &args.models else {
        if args.judge.is_some() {
            bail!("--judge names an LLM of a models.toml, expected --models models.toml beside it");
        }
        if args.labelled.is_some() {
            bail!("--labelled compares an LLM judge with labels, expected --judge beside it");
        }
        return Ok(None);
    };
    let file = ModelsFile::read(path)?;
    let Some(id) = args.judge.as_ref().or(file.judge.as_ref()) else {
        bail!(
            "{}: found no judge, expected judge = \"ID\" in the file, or --judge ID",
            path.display()
        );
    };
    let rubric = match &args.rubric {
        Some(path) => Some(std::fs::read_to_string(path).map_err(TrainerError::file(path))?),
        None => None,
    };
    Ok(Some(LlmSettings {
        entry: file.model(id, path)?.clone(),
        mode: args.mode,
        ranking: args.ranking,
        rubric,
        answer_characters: args.answer_characters,
        limits: Limits {
            max_usd: args.max_usd,
            concurrency: args.concurrency,
            ..Limits::default()
        },
    }))
}

/// An interrupt is an error; a cap is what was asked for, and is said.
fn ended_early(report: &JudgeReport) -> anyhow::Result<()> {
    let Some(llm) = &report.llm else { return Ok(()) };
    match llm.stopped.as_deref() {
        Some("interrupted") => {
            let doing = format!("asking the judge; {} answers are kept", llm.stored);
            Err(TrainerError::Interrupted { doing }.into())
        }
        Some(_) => {
            eprintln!(
                "the cost cap was reached, {} of {} are missing: run the same command again with a higher --max-usd \
                 to ask for the rest",
                llm.missing, llm.questions
            );
            Ok(())
        }
        None => Ok(()),
    }
}
