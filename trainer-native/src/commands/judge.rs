//! `trainer judge`: makes outcomes and preferences of answers.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::collect::ProgressBar;
use pointsman_trainer::completions::{Limits, ModelsFile};
use pointsman_trainer::data::{AnswerSet, ReadOptions};
use pointsman_trainer::judge::command::CommandLimits;
use pointsman_trainer::judge::report::EndedEarly;
use pointsman_trainer::judge::{
    JudgeReport, JudgeSettings, Judging, Labels, LlmSettings, Mode, Plan, Ranking, check_gold,
    markdown,
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
    #[arg(long, default_value_t = pointsman::judge::ANSWER_CHARACTERS)]
    answer_characters: usize,
    /// Most US dollars that the LLM may cost, those of earlier calls with the same --out included.
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Asks without a cap, whatever it costs.
    #[arg(long)]
    yes: bool,
    /// Counts what would be asked and estimates its cost; asks nothing and runs nothing.
    #[arg(long)]
    dry_run: bool,
    /// Requests in flight at once.
    #[arg(long, default_value_t = Limits::default().concurrency)]
    concurrency: usize,
    /// Most attempts for one answer.
    #[arg(long, default_value_t = Limits::default().attempts)]
    attempts: u32,
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
    let mut judging = Judging::open(&answers, &settings, &args.out)?;
    let plan = judging.plan()?;
    print_plan(&plan, args.max_usd);
    if args.dry_run {
        return Ok(());
    }
    plan.confirm(args.max_usd, args.yes)?;
    judging.run_commands(&stop)?;
    let bar = ProgressBar::new(plan.requests);
    let asked = judging.ask(&bar, &stop);
    bar.clear();
    let report = judging.write(&args.out, &asked?)?;
    let page = markdown(&report);
    super::write(&args.out.join("judge.json"), serde_json::to_string_pretty(&report)? + "\n")?;
    super::write(&args.out.join("judge.md"), &page)?;
    print!("{page}");
    ended_early(&report, args.max_usd)
}

fn print_plan(plan: &Plan, max_usd: Option<f64>) {
    let Some(judge) = &plan.judge else { return };
    let cost = match plan.cost {
        Some(cost) => format!("USD {:.4} to {:.4}", cost.lowest_usd(), cost.highest_usd()),
        None => "at unknown prices".into(),
    };
    let rounds = match plan.meetings {
        0 | 1 => String::new(),
        meetings => format!(" for the first of {meetings} meetings"),
    };
    let cap = max_usd.map_or_else(String::new, |cap| format!(", capped at USD {cap:.2} in all"));
    println!(
        "{judge}: {} to ask{rounds}, {cost}; one more where an answer is prose. {} answered before, USD {:.4} spent{cap}",
        plan.requests, plan.answered, plan.spent_usd
    );
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
            attempts: args.attempts,
            ..Limits::default()
        },
    }))
}

/// The error that tells a caller why verdicts are missing. All that is known was written before it.
fn ended_early(report: &JudgeReport, max_usd: Option<f64>) -> anyhow::Result<()> {
    let Some((llm, stopped)) = report.llm.as_ref().and_then(|llm| Some((llm, llm.stopped?))) else {
        return Ok(());
    };
    let done = format!(
        "{} of {} comparisons or grades are known",
        llm.questions - llm.missing,
        llm.questions
    );
    Err(match stopped {
        EndedEarly::Cap => TrainerError::CapReached { max_usd: max_usd.unwrap_or_default(), done },
        EndedEarly::Interrupted => {
            TrainerError::Interrupted { doing: format!("asking the judge: {done}") }
        }
        EndedEarly::JudgeStopped => {
            TrainerError::ModelsStopped { done, detail: llm.failures.join("\n") }
        }
    }
    .into())
}
