//! `trainer verify`: reports what quantisation changed.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::assess::{qualities, win_rates};
use pointsman_trainer::training::interrupt;
use pointsman_trainer::verify::Disagreement;

#[derive(Args)]
pub struct VerifyArgs {
    /// The int8 bundle in its run's folder.
    bundle: PathBuf,
    /// The float bundle; where absent, `bundle-float` beside the other.
    #[arg(long)]
    float: Option<PathBuf>,
    /// Outcomes or preferences whose queries are compared on.
    #[arg(long)]
    data: PathBuf,
    /// Layout of the data; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &VerifyArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let int8 = super::router(&args.bundle)?;
    let float = args.float.clone().unwrap_or_else(|| args.bundle.join("../bundle-float"));
    let float = super::router(&float)?;
    let texts = super::queries(&args.data, args.format.as_deref(), args.skip_bad)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let info = int8.info();
    if info.pair().is_none() {
        let exact = qualities(&float, &texts, &stop)?;
        let found = Disagreement::between_qualities(&exact, &qualities(&int8, &texts, &stop)?);
        println!("{}", serde_json::to_string_pretty(&found)?);
        found.check()?;
        return Ok(());
    }
    let share = info.head.default_strong_share.unwrap_or(0.5);
    let threshold = info.calibration.as_ref().map_or(0.5, |c| c.threshold_at_share(share));
    let (exact, rounded) = (win_rates(&float, &texts, &stop)?, win_rates(&int8, &texts, &stop)?);
    let found = Disagreement::between(&exact, &rounded, threshold);
    println!("{}", serde_json::to_string_pretty(&found)?);
    found.check()?;
    Ok(())
}
