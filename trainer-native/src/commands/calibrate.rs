//! `trainer calibrate`: finds thresholds for shares of strong calls.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::assess::win_rates;
use pointsman_trainer::eval::pair::calibration::calibrate;
use pointsman_trainer::export::bundle;
use pointsman_trainer::training::interrupt;
use serde_json::json;

#[derive(Args)]
pub struct CalibrateArgs {
    /// Folder of the bundle.
    bundle: PathBuf,
    /// A sample of queries: outcomes or preferences.
    #[arg(long)]
    data: PathBuf,
    /// Layout of the sample; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Shares of strong calls, in [0, 1].
    #[arg(long, value_delimiter = ',', default_value = "0.1,0.25,0.5,0.75,0.9")]
    share: Vec<f64>,
    /// Stores the sample's quantiles in the bundle, replacing its calibration.
    #[arg(long)]
    into_bundle: bool,
    /// File to write the thresholds to, as JSON; standard output where absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &CalibrateArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    if let Some(share) = args.share.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        anyhow::bail!("--share {share}: expected numbers in [0, 1]");
    }
    let router = super::router(&args.bundle)?;
    let queries = super::queries(&args.data, args.format.as_deref(), args.skip_bad)?;
    let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
    let rates = win_rates(&router, &texts, &stop)?;
    let name = args.data.file_name().unwrap_or(args.data.as_os_str()).to_string_lossy();
    let calibration = calibrate(&rates, &name).map_err(TrainerError::from)?;
    let thresholds: Vec<_> = args
        .share
        .iter()
        .map(|&share| json!({"strong_share": share, "threshold": calibration.threshold_at_share(share)}))
        .collect();
    let found = json!({
        "bundle": router.info().name, "sample": name, "queries": rates.len(),
        "thresholds": thresholds,
    });
    let text = serde_json::to_string_pretty(&found)? + "\n";
    match &args.out {
        Some(path) => super::write(path, text)?,
        None => print!("{text}"),
    }
    if args.into_bundle {
        bundle::replace_calibration(&args.bundle, calibration)?;
        eprintln!("{} has the calibration of {name}", args.bundle.display());
    }
    Ok(())
}
