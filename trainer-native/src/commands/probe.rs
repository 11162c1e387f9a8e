//! `trainer probe`: adds an LLM to a bundle by asking it the probe set.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman::{Candidate, Source, sha256_hex};
use pointsman_trainer::TrainerError;
use pointsman_trainer::collect::{Collection, ProgressBar};
use pointsman_trainer::completions::{Limits, ModelsFile};
use pointsman_trainer::data::{Format, ReadOptions, write_outcomes};
use pointsman_trainer::probe::leave_out::{Settings, leave_out};
use pointsman_trainer::probe::{
    Added, Beginning, GradedModel, MeanQuality, ProbeSet, Report, Target, grade, table,
};
use pointsman_trainer::training::interrupt;

use super::collect;

#[derive(Args)]
pub struct ProbeArgs {
    /// The LLM to add, by its id in --models.
    #[arg(long, required_unless_present = "evaluate")]
    model: Option<String>,
    /// The LLMs that can be asked, a TOML file.
    #[arg(long, required_unless_present = "evaluate")]
    models: Option<PathBuf>,
    /// Folder of the bundle; of a kind other than `difficulty`, of the finished run.
    #[arg(long)]
    bundle: PathBuf,
    /// Folder to fill with answers, outcomes, report and the new bundle; a further call with the same
    /// folder goes on. With --evaluate it gets the table.
    #[arg(long, required_unless_present = "evaluate")]
    out: Option<PathBuf>,
    /// Prompts with gold answers, in place of the shipped probe set.
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
    /// Items to ask; all where absent. The first N items are spread evenly over the levels.
    #[arg(long, value_name = "N")]
    items: Option<usize>,
    /// Most US dollars that the folder's answers may cost, those of earlier calls included.
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Asks without a cap, whatever it costs.
    #[arg(long)]
    yes: bool,
    /// Begins the fit with the ability of a tier, such as large.
    #[arg(long, conflicts_with = "role")]
    tier: Option<String>,
    /// Begins the fit with the ability of a candidate of the bundle, such as the LLM's predecessor.
    #[arg(long, value_name = "ID")]
    role: Option<String>,
    /// Context window of the LLM in tokens, input and output together.
    #[arg(long)]
    context_window: Option<u64>,
    /// Requests in flight at once, where the entry states no concurrency of its own.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Measures how far n answers carry, on outcomes of many LLMs, each of which is treated as new in turn; asks
    /// nothing.
    #[arg(long, requires = "data", conflicts_with_all = [
        "model", "models", "probe", "items", "max_usd", "yes", "tier", "role", "context_window",
    ])]
    evaluate: bool,
    /// Outcomes for --evaluate.
    #[arg(long, requires = "evaluate")]
    data: Option<PathBuf>,
    /// Layout of --data or --probe; recognised where absent.
    #[arg(long)]
    format: Option<String>,
    /// Numbers of answers that --evaluate learns from.
    #[arg(long, value_delimiter = ',', default_value = "25,50,100,200", requires = "evaluate")]
    answers: Vec<usize>,
    /// How often --evaluate draws the answers of each LLM.
    #[arg(long, default_value_t = 20, requires = "evaluate")]
    draws: usize,
    /// Seed of the draws of --evaluate.
    #[arg(long, default_value_t = 1, requires = "evaluate")]
    seed: u64,
    /// Skips bad rows of --data and counts them.
    #[arg(long, requires = "evaluate")]
    skip_bad: bool,
}

pub fn run(args: &ProbeArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    if args.evaluate {
        return args.evaluate(&stop);
    }
    let (Some(model), Some(models), Some(out)) = (&args.model, &args.models, &args.out) else {
        anyhow::bail!("found no --model, --models or --out, expected the three");
    };
    let file = ModelsFile::read(models)?;
    let entry = file.model(model, models)?;
    let beginning = Beginning { tier: args.tier.as_deref(), role: args.role.as_deref() };
    let target = Target::open(&args.bundle, model, beginning)?;
    let asked = target.asked(entry, &file)?;
    let set = args.set()?;
    target.check(&set, &asked, &stop)?;
    std::fs::create_dir_all(out).map_err(TrainerError::file(out))?;
    let questions = out.join("probe.jsonl");
    super::write(&questions, set.prompts_jsonl())?;
    let plan = Collection {
        prompts: vec![questions],
        format: Some(Format::PromptsJsonl),
        read: ReadOptions::default(),
        models: asked.clone(),
        samples: 1,
        out: out.clone(),
    }
    .plan()?;
    collect::print_plan(&plan, args.max_usd);
    plan.confirm(args.max_usd, args.yes)?;
    let limits =
        Limits { max_usd: args.max_usd, concurrency: args.concurrency, ..Limits::default() };
    let bar = ProgressBar::new(plan.to_ask());
    let summary = plan.ask(&limits, &bar, &stop);
    bar.clear();
    let written = plan.write_answers()?;
    let summary = summary?;
    collect::print_summary(&plan, &summary, written);
    collect::ended(out, args.max_usd, &summary, written)?;
    let graded = grade(&set.items, &asked, &plan.store)?;
    graded.models.iter().for_each(print_graded);
    graded.check_answered()?;
    let path = out.join("outcomes.jsonl");
    let mut outcomes = Vec::new();
    write_outcomes(&graded.outcomes, &mut outcomes).map_err(TrainerError::file(&path))?;
    super::write(&path, &outcomes)?;
    let sha256 = sha256_hex(&outcomes);
    let source = Source {
        name: format!("{}, answers of {model}", set.name),
        rows: 0,
        licence: set.licence.clone(),
        sha256: Some(sha256.clone()),
        removed_as_leaks: 0,
    };
    let candidate = Candidate {
        id: model.clone(),
        input_price: entry.input_price,
        output_price: entry.output_price,
        prices_as_of: entry.prices_as_of.clone(),
        context_window: args.context_window,
        ability: None,
    };
    // Checkpoints are of these outcomes: further answers are learnt from anew.
    let place = out.join("learning").join(sha256);
    let added = target.add(candidate, &graded, source, &place, &stop)?;
    let folder = out.join("bundle");
    added.bundle.write(&folder)?;
    if let Some(float) = &added.float {
        float.write(&out.join("bundle-float"))?;
        let recipe = out.join("recipe.toml");
        std::fs::copy(place.join("recipe.toml"), &recipe).map_err(TrainerError::file(&recipe))?;
    }
    let report = Report::of(&set, &graded, &added);
    super::write(&out.join("probe.json"), report.json()?)?;
    print_added(model, &added);
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}

impl ProbeArgs {
    fn set(&self) -> Result<ProbeSet, TrainerError> {
        let set = match &self.probe {
            Some(path) => {
                let format = self.format.as_deref().map(Format::from_name).transpose()?;
                ProbeSet::read(path, format)?
            }
            None => ProbeSet::shipped()?,
        };
        match self.items {
            Some(count) => set.first(count),
            None => Ok(set),
        }
    }

    /// Measures how far answers carry.
    fn evaluate(&self, stop: &AtomicBool) -> anyhow::Result<()> {
        let Some(data) = &self.data else { anyhow::bail!("found no --data, expected outcomes") };
        let router = super::router(&self.bundle)?;
        let loaded = super::outcomes(data, self.format.as_deref(), self.skip_bad)?;
        if loaded.bad_count > 0 {
            eprintln!("{}: {} bad rows left out", data.display(), loaded.bad_count);
        }
        let settings =
            Settings { answers: self.answers.clone(), draws: self.draws, seed: self.seed };
        let found = leave_out(&router, &loaded.outcomes, &settings, stop)?;
        println!("{}", table(&found));
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out).map_err(TrainerError::file(out))?;
            let mut json = serde_json::to_vec_pretty(&found)?;
            json.push(b'\n');
            super::write(&out.join("left-out.json"), json)?;
            super::write(&out.join("left-out.md"), table(&found))?;
        }
        Ok(())
    }
}

fn print_graded(graded: &GradedModel) {
    let share = |[right, all]: &[usize; 2]| format!("{right}/{all}");
    println!("{}: {} of {} right", graded.id, graded.right, graded.answered);
    if graded.nothing_found > 0 {
        println!("  {} answers state nothing to compare: wrong", graded.nothing_found);
    }
    for (finish, count) in &graded.cut_short {
        println!("  {count} answers ended with {finish:?}");
    }
    let levels =
        graded.by_level.iter().map(|(level, counts)| format!("{level}: {}", share(counts)));
    let skills = graded.by_skill.iter().map(|(skill, counts)| format!("{skill} {}", share(counts)));
    for (what, counts) in [("levels", levels.collect::<Vec<_>>()), ("skills", skills.collect())] {
        if !counts.is_empty() {
            println!("  {what} {}", counts.join(", "));
        }
    }
}

fn print_added(model: &str, added: &Added) {
    match &added.learnt {
        Some(learnt) => {
            let MeanQuality { value, low, high } = learnt.mean_quality;
            println!(
                "{model}: mean quality on the bundle's usual queries {value:.3} (95 % interval {low:.3} to \
                 {high:.3}), from {} answers",
                learnt.outcomes
            );
            for (id, quality) in &learnt.beside {
                println!("  {id}: {quality:.3}");
            }
        }
        None => println!("{model} learnt from {} rows", added.rows),
    }
    let info = &added.bundle.manifest;
    if let Some((strong, weak)) = info.head.strong.as_ref().zip(info.head.weak.as_ref()) {
        println!("The pair is {strong} and {weak} as before; a host may name another");
    }
}
