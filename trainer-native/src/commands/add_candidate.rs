//! `trainer add-candidate`: adds an LLM to a trained router.

use std::path::PathBuf;

use clap::Args;
use pointsman::{Candidate, Source};
use pointsman_trainer::add_candidate::{KnownRun, NewCandidate};
use pointsman_trainer::data::{Format, Outcomes};
use pointsman_trainer::eval::Origin;
use pointsman_trainer::report::write_all;
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct AddCandidateArgs {
    /// Folder of a finished run of kind `routerdc`, `cluster`, `ridge`, `knn` or `sw-ranking`.
    run: PathBuf,
    /// Identifier of the new LLM, as the data names it.
    #[arg(long)]
    model: String,
    /// Outcomes of the new LLM and of some of the known ones.
    #[arg(long)]
    data: PathBuf,
    /// Layout of the outcomes; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Outcomes to score on; where absent, a share of the data that is not learnt from.
    #[arg(long)]
    test: Option<PathBuf>,
    /// Share of the data to score on, in [0, 1), where --test is absent; of kind `knn` the rows whose
    /// question the run does not remember are scored in its place.
    #[arg(long, default_value_t = 0.2)]
    test_share: f64,
    /// Licence of the data, for `router.json`.
    #[arg(long, default_value = "not stated")]
    licence: String,
    /// USD per million input tokens.
    #[arg(long)]
    input_price: Option<f64>,
    /// USD per million output tokens.
    #[arg(long)]
    output_price: Option<f64>,
    /// The day the prices were read, `YYYY-MM-DD` or `YYYY-MM`.
    #[arg(long)]
    prices_as_of: Option<String>,
    /// Context window in tokens, input and output together.
    #[arg(long)]
    context_window: Option<u64>,
    /// Folder of the new run; kept between calls.
    #[arg(long)]
    out: PathBuf,
    /// Skips bad rows and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &AddCandidateArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    if !(0.0..1.0).contains(&args.test_share) {
        anyhow::bail!("--test-share {}: expected a number in [0, 1)", args.test_share);
    }
    let known = KnownRun::read(&args.run, &args.model)?;
    let read = |path: &PathBuf| -> anyhow::Result<(Outcomes, Format, String)> {
        let loaded = super::outcomes(path, args.format.as_deref(), args.skip_bad)?;
        if loaded.bad_count > 0 {
            eprintln!("{}: {} bad rows left out", path.display(), loaded.bad_count);
        }
        let mut outcomes = loaded.outcomes;
        for model in &mut outcomes.models {
            *model = known.canonical(model).to_owned();
        }
        Ok((outcomes, loaded.format, loaded.sha256))
    };
    let (outcomes, format, sha256) = read(&args.data)?;
    let test = args.test.as_ref().map(read).transpose()?;
    let name = args.data.file_name().unwrap_or(args.data.as_os_str()).to_string_lossy();
    let new = NewCandidate {
        candidate: Candidate {
            id: known.canonical(&args.model).to_owned(),
            input_price: args.input_price,
            output_price: args.output_price,
            prices_as_of: args.prices_as_of.clone(),
            context_window: args.context_window,
            ability: None,
        },
        outcomes,
        format,
        source: Source {
            name: name.into_owned(),
            rows: 0,
            licence: args.licence.clone(),
            sha256: Some(sha256),
            removed_as_leaks: 0,
        },
        test: test.map(|(outcomes, ..)| outcomes),
        test_share: args.test_share,
    };
    let extended = known.with_candidate(new, &args.out, &stop)?;
    let folder = args.out.join("bundle");
    extended.bundle.write(&folder)?;
    extended.float.write(&args.out.join("bundle-float"))?;
    println!(
        "{} learnt from {} rows; the router picks among {}",
        args.model,
        extended.rows,
        extended.bundle.manifest.candidates.len()
    );
    if let Some(stored) = &extended.result {
        write_all(&args.out, stored)?;
        for result in &stored.pools {
            for router in result.routers.iter().filter(|router| router.origin == Origin::INT8) {
                let mean = router.metrics.mean.or(router.metrics.row_mean);
                let mean = mean.map_or("undefined".into(), |mean| format!("{:.2} %", mean * 100.0));
                println!("{}: mean score {mean} on {} rows", router.name, result.rows);
            }
        }
    }
    let d = &extended.disagreement;
    println!(
        "float against int8, {} queries: qualities differ by {:.5} on average and {:.5} at most; \
         {:.2} % of picks change",
        d.queries,
        d.mean,
        d.largest,
        d.changed * 100.0
    );
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}
