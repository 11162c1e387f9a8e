//! `trainer export-predictions`: writes a bundle's decisions as RouterArena's file of predictions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use pointsman::Policy;
use pointsman_trainer::TrainerError;
use pointsman_trainer::data::read_arena_queries;
use pointsman_trainer::predictions::predict;
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct ExportPredictionsArgs {
    /// Folder of the bundle.
    bundle: PathBuf,
    /// RouterArena's file of queries: `dataset/router_data_10.json` or `dataset/router_data.json`.
    #[arg(long)]
    queries: PathBuf,
    /// RouterArena's name for a candidate, `small=gpt-4o-mini`; one flag a candidate.
    #[arg(long, value_name = "CANDIDATE=MODEL")]
    model: Vec<String>,
    /// Share of strong calls in [0, 1]; the bundle's own where neither this nor --threshold is given.
    #[arg(long, conflicts_with = "threshold")]
    strong_share: Option<f64>,
    /// Threshold in [0, 1]: strong iff win rate >= threshold.
    #[arg(long)]
    threshold: Option<f64>,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &ExportPredictionsArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let mut models = BTreeMap::new();
    for stated in &args.model {
        let pair = stated.split_once('=').filter(|(id, name)| !id.is_empty() && !name.is_empty());
        let Some((id, name)) = pair else {
            anyhow::bail!("--model {stated}: expected CANDIDATE=MODEL, such as small=gpt-4o-mini");
        };
        if models.insert(id.to_owned(), name.to_owned()).is_some() {
            anyhow::bail!("--model names the candidate {id:?} twice, expected each once");
        }
    }
    let router = super::router(&args.bundle)?;
    let queries = read_arena_queries(&args.queries).map_err(TrainerError::from)?;
    let policy =
        Policy { strong_share: args.strong_share, threshold: args.threshold, ..Policy::default() };
    let predictions = predict(&router, queries, &models, &policy, &stop)?;
    super::write(&args.out, serde_json::to_string_pretty(&predictions)? + "\n")?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &predictions {
        *counts.entry(&row.prediction).or_default() += 1;
    }
    for (model, count) in counts {
        println!("{model}: {count} of {}", predictions.len());
    }
    eprintln!("predictions written to {}", args.out.display());
    Ok(())
}
