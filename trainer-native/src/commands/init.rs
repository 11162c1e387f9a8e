//! `trainer init`: writes what `trainer loop` does.

use std::io::{IsTerminal, stderr, stdin};
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use pointsman_trainer::label_loop::ask::{Ask, Nobody, Person};
use pointsman_trainer::label_loop::{InitFlags, ModelFlag, init};
use pointsman_trainer::shadow_log::day_name;

#[derive(Args)]
pub struct InitArgs {
    /// Folder for loop.toml and models.toml, and for all that the loop writes.
    #[arg(long)]
    out: PathBuf,
    /// Files or folders of prompts.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    prompts: Vec<PathBuf>,
    /// Layout of the prompts; recognised where absent.
    #[arg(long)]
    format: Option<String>,
    /// Skips bad rows of prompts and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
    /// Name of the strong, dear LLM.
    #[arg(long, value_name = "ID")]
    strong: Option<String>,
    /// Name of the weak, cheap LLM.
    #[arg(long, value_name = "ID")]
    weak: Option<String>,
    /// An LLM: id=NAME,endpoint=URL and, where needed, api=openai|anthropic, model=, key-env=, input-price=,
    /// output-price= (USD per million tokens), max-tokens=. Once for each LLM.
    #[arg(long, value_name = "id=NAME,endpoint=URL,...", value_parser = ModelFlag::parse)]
    model: Vec<ModelFlag>,
    /// Name of the LLM that judges answers.
    #[arg(long, value_name = "ID", conflicts_with = "gold")]
    judge: Option<String>,
    /// Prompts state what a right answer is.
    #[arg(long)]
    gold: bool,
    /// Most US dollars that answers and judging may cost together.
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Bundle to start from: bundles/default, or bundles/accurate, which rates better in milliseconds.
    #[arg(long, default_value = "bundles/default", value_name = "BUNDLE")]
    base: PathBuf,
    /// Name of the router; that of the folder where absent.
    #[arg(long)]
    name: Option<String>,
}

pub fn run(args: &InitArgs) -> anyhow::Result<()> {
    let flags = InitFlags {
        out: args.out.clone(),
        prompts: args.prompts.clone(),
        format: args.format.clone(),
        skip_bad: args.skip_bad,
        strong: args.strong.clone(),
        weak: args.weak.clone(),
        models: args.model.clone(),
        judge: args.judge.clone(),
        gold: args.gold,
        max_usd: args.max_usd,
        base: args.base.clone(),
        name: args.name.clone(),
        today: today(),
    };
    let mut person = Person { input: stdin().lock(), output: stderr() };
    let ask: &mut dyn Ask = match stdin().is_terminal() && stderr().is_terminal() {
        true => &mut person,
        false => &mut Nobody,
    };
    let found = init(flags, ask)?;
    println!(
        "{}: {} prompts, {} with a gold answer",
        found.loop_file.display(),
        found.prompts,
        found.with_gold
    );
    for note in found.notes {
        println!("note: {note}");
    }
    println!("next: trainer loop {}", found.loop_file.display());
    Ok(())
}

/// The day of the machine's clock in UTC, as `2026-11-29`.
fn today() -> String {
    let days = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs() / 86_400);
    day_name(i64::try_from(days).unwrap_or_default())
}
