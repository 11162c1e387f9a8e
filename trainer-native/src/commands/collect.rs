//! `trainer collect`: asks LLMs prompts, and keeps each answer with its usage, cost and latency.

use std::path::{Path, PathBuf};

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::collect::{Collection, Plan, ProgressBar, Written};
use pointsman_trainer::completions::{Finish, Limits, ModelEntry, ModelsFile, Stopped, Summary};
use pointsman_trainer::data::{Format, ReadOptions};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct CollectArgs {
    /// Files or folders of prompts.
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    prompts: Vec<PathBuf>,
    /// Layout of the prompts; recognised where absent.
    #[arg(long)]
    format: Option<String>,
    /// The LLMs that can be asked, a TOML file.
    #[arg(long)]
    models: PathBuf,
    /// An LLM to ask, by its id; all but the judge where absent.
    #[arg(long, value_name = "ID")]
    model: Vec<String>,
    /// Folder to fill; a further call with the same folder goes on.
    #[arg(long)]
    out: PathBuf,
    /// Answers of each LLM to each prompt.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    samples: u32,
    /// Most US dollars that the folder's answers may cost, those of earlier calls included.
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Asks without a cap, whatever it costs.
    #[arg(long)]
    yes: bool,
    /// Requests in flight at once to each LLM that states no concurrency of its own.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Most attempts for one answer.
    #[arg(long, default_value_t = 6)]
    attempts: u32,
    /// Reads the prompts and estimates the cost; asks nothing.
    #[arg(long)]
    dry_run: bool,
    /// Skips bad rows and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &CollectArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let format = args.format.as_deref().map(Format::from_name).transpose();
    let limits = Limits {
        max_usd: args.max_usd,
        concurrency: args.concurrency,
        attempts: args.attempts,
        ..Limits::default()
    };
    let plan = Collection {
        prompts: args.prompts.clone(),
        format: format.map_err(TrainerError::from)?,
        read: ReadOptions { skip_bad: args.skip_bad },
        models: chosen(args)?,
        samples: args.samples,
        out: args.out.clone(),
    }
    .plan()?;
    print_plan(&plan, args.max_usd);
    if args.dry_run {
        return Ok(());
    }
    plan.confirm(args.max_usd, args.yes)?;
    let bar = ProgressBar::new(plan.to_ask());
    let summary = plan.ask(&limits, &bar, &stop);
    bar.clear();
    // What was answered before an error is written all the same.
    let written = plan.write_answers()?;
    let summary = summary?;
    print_summary(&plan, &summary, written);
    ended(&args.out, args.max_usd, &summary, written)
}

/// The LLMs to ask.
fn chosen(args: &CollectArgs) -> Result<Vec<ModelEntry>, TrainerError> {
    let file = ModelsFile::read(&args.models)?;
    if !args.model.is_empty() {
        let chosen = args.model.iter().map(|id| file.model(id, &args.models).cloned());
        return chosen.collect();
    }
    let models: Vec<ModelEntry> =
        file.models.into_iter().filter(|model| file.judge.as_ref() != Some(&model.id)).collect();
    match models.is_empty() {
        true => {
            let detail = "found no LLM but the judge. Add another [[models]], or name the judge \
                          with --model to ask it too";
            Err(TrainerError::BadModels { path: args.models.clone(), detail: detail.into() })
        }
        false => Ok(models),
    }
}

pub(super) fn print_plan(plan: &Plan, max_usd: Option<f64>) {
    let counts = &plan.counts;
    for bad in &counts.bad_rows {
        eprintln!("{}:{}: {}", bad.file, bad.line, bad.reason);
    }
    let noted = [
        (counts.repeated, "ask what an earlier one asks: asked once"),
        (counts.renamed, "have the id of another file's: their file's name stands before it"),
        (counts.bad_count, "bad rows left out"),
    ];
    let passed_over = counts.passed_over.iter().map(|(what, count)| (*count, *what));
    println!("{} prompts", counts.prompts);
    for (count, what) in noted.into_iter().chain(passed_over).filter(|(count, _)| *count > 0) {
        println!("  {count} {what}");
    }
    println!("store: {}", plan.store.found());
    for estimate in &plan.estimates {
        let (model, to_ask, reused) = (&estimate.model, estimate.to_ask, estimate.reused);
        let cost = match estimate.cost {
            Some(cost) => format!("USD {:.4} to {:.4}", cost.lowest_usd(), cost.highest_usd()),
            None => "at unknown prices".into(),
        };
        println!("{model}: {to_ask} to ask, {reused} answered before; {cost}");
    }
    let (to_ask, cost, spent) = (plan.to_ask(), plan.cost(), plan.store.spent_usd());
    let cap = max_usd.map_or_else(String::new, |cap| format!(", capped at USD {cap:.2} in all"));
    println!(
        "in all: {to_ask} to ask, USD {:.4} (questions alone) to {:.4} (every answer of max_tokens); \
         USD {spent:.4} spent before{cap}",
        cost.lowest_usd(),
        cost.highest_usd(),
    );
}

pub(super) fn print_summary(plan: &Plan, summary: &Summary, written: Written) {
    println!(
        "{} asked, {} failed, USD {:.4} spent, USD {:.4} in all",
        summary.asked,
        summary.failed_count,
        summary.spent_usd,
        plan.store.spent_usd()
    );
    let finishes = summary.finishes.iter().filter(|(finish, _)| **finish != Finish::Stop);
    for (finish, count) in finishes {
        let meaning = match finish {
            Finish::Stop => "",
            Finish::Length => "cut at max_tokens",
            Finish::Refusal => "refused",
            Finish::Filtered => "cut by the upstream's content filter",
            Finish::Empty => "without text (an LLM that reasons may have spent max_tokens on that)",
        };
        println!("  {count} {meaning}: finish \"{}\"", finish.name());
    }
    if summary.without_usage > 0 {
        println!("  {} without usage: their tokens are estimated", summary.without_usage);
    }
    if summary.retries > 0 {
        println!("  {} further attempts", summary.retries);
    }
    for failure in summary.failed.iter().take(5) {
        println!("  failed: {}: {}", failure.model, failure.reason);
    }
    if summary.failed_count > 5 {
        println!("  failed: {} more", summary.failed_count - 5);
    }
    let path = plan.answer_file();
    println!("{}: {} answers, {} missing", path.display(), written.answers, written.missing);
}

/// The error that tells a caller why answers are missing; failures of single prompts are none.
pub(super) fn ended(
    folder: &Path,
    max_usd: Option<f64>,
    summary: &Summary,
    written: Written,
) -> anyhow::Result<()> {
    let Written { answers, missing } = written;
    let of = format!("{answers} of {} answers", answers + missing);
    let folder = folder.display();
    match summary.stopped {
        Some(Stopped::Interrupted) => {
            let doing = format!("collecting: {of} are in {folder}, and none is asked twice");
            return Err(TrainerError::Interrupted { doing }.into());
        }
        Some(Stopped::Cap) => {
            let max_usd = max_usd.unwrap_or_default();
            return Err(TrainerError::CapReached { max_usd, done: of }.into());
        }
        None => {}
    }
    if summary.stopped_models.is_empty() {
        return Ok(());
    }
    let reasons = summary.stopped_models.iter().map(|m| format!("{}: {}", m.model, m.reason));
    let detail = reasons.collect::<Vec<_>>().join("\n");
    Err(TrainerError::ModelsStopped { done: of, detail }.into())
}
