//! `trainer shadow-report`: what a shadowed router keeps and saves, from a gateway's log.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::eval::shadow::Setting;
use pointsman_trainer::report::shadow_report::{Settings, ShadowReport, markdown, page};
use pointsman_trainer::shadow_log::{self, Days, Options};

#[derive(Args)]
pub struct ShadowReportArgs {
    /// A downloaded bucket of the gateway, with `decisions/`, `verdicts/` and `outcomes/`.
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// Folder to write `shadow-report.html`, `.md` and `.json` to.
    #[arg(long)]
    out: PathBuf,
    /// Least share of the strong LLM's quality to keep, of which the verdict speaks.
    #[arg(long, default_value_t = 0.95)]
    least_kept: f64,
    /// The verdict speaks of this share of strong calls, in place of what the router chose.
    #[arg(long, conflicts_with = "threshold")]
    strong_share: Option<f64>,
    /// The verdict speaks of this threshold, in place of what the router chose.
    #[arg(long)]
    threshold: Option<f64>,
    /// Shares of strong calls to measure at as well.
    #[arg(long, value_delimiter = ',', default_values_t = [0.2, 0.4, 0.6])]
    shares: Vec<f64>,
    /// First day to read, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<i64>,
    /// Last day to read, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<i64>,
    /// Name of the bundle to report on, or the beginning of its router.json's SHA-256; that of the last verdict where
    /// absent.
    #[arg(long)]
    bundle: Option<String>,
}

fn day(text: &str) -> Result<i64, String> {
    shadow_log::day(text)
        .ok_or_else(|| format!("found {text:?}, expected a day such as 2026-11-29"))
}

pub fn run(args: &ShadowReportArgs) -> anyhow::Result<()> {
    let setting = match (args.threshold, args.strong_share) {
        (Some(threshold), _) => Setting::Threshold(threshold),
        (None, Some(share)) => Setting::StrongShare(share),
        (None, None) => Setting::Chosen,
    };
    let days = Days { since: args.since, until: args.until };
    let log = shadow_log::read(&args.log, &Options { days, bundle: args.bundle.clone() })?;
    let settings = Settings { setting, least_kept: args.least_kept, shares: args.shares.clone() };
    let report = ShadowReport::of(log, &settings)?;
    std::fs::create_dir_all(&args.out).map_err(TrainerError::file(&args.out))?;
    let json = serde_json::to_string_pretty(&report)? + "\n";
    for (extension, text) in [("json", json), ("md", markdown(&report)), ("html", page(&report))] {
        super::write(&args.out.join(format!("shadow-report.{extension}")), text)?;
    }
    println!("{}", report.verdict);
    println!("report: {}", args.out.join("shadow-report.html").display());
    Ok(())
}
