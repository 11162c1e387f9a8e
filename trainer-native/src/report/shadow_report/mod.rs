//! The report of a shadowed router ([`ShadowReport`]): what it keeps and saves on live traffic, by requests that both
//! LLMs answered, for a reader who decides whether to switch it on.
//!
//! The same values are written as JSON, drawn as a page ([`page()`]) and as Markdown ([`markdown()`]); the verdict
//! ([`verdict()`]) is a sentence or two of them. Tables say of each interval whether it is of one look or holds at any
//! time ([`eval::shadow`](crate::eval::shadow)).

mod drawings;
mod markdown;
mod page;
mod tables;
mod verdict;

use serde::{Deserialize, Serialize};

use crate::error::TrainerError;
use crate::eval::shadow::{Input, Measured, Setting, measure};
use crate::shadow_log::{BundleName, Counts, Feedback, Observed, ShadowLog, day_name};

pub use markdown::markdown;
pub use page::page;
pub use verdict::verdict;

/// Version of the JSON.
pub const FORMAT: u32 = 1;

/// What the log shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowReport {
    /// [`FORMAT`].
    pub format: u32,
    pub bundle: BundleName,
    pub strong: String,
    pub weak: String,
    /// Names of the judges.
    pub judges: Vec<String>,
    /// USD of the judges' answers.
    pub judge_usd: f64,
    /// First and last day of a comparison, `YYYY-MM-DD`.
    pub days: [String; 2],
    pub counts: Counts,
    pub observed: Observed,
    pub feedback: Vec<Feedback>,
    pub measured: Measured,
    /// [`verdict()`] of all the above.
    pub verdict: String,
}

/// What a report speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub setting: Setting,
    /// Least share of the strong LLM's quality to keep.
    pub least_kept: f64,
    /// Shares of strong calls to measure at.
    pub shares: Vec<f64>,
}

impl ShadowReport {
    /// Measures a log.
    ///
    /// # Errors
    /// [`TrainerError::Eval`].
    pub fn of(log: ShadowLog, settings: &Settings) -> Result<Self, TrainerError> {
        let measured = measure(&Input {
            rows: &log.rows,
            missing: &log.missing,
            win_rates: &log.win_rates,
            setting: settings.setting,
            least_kept: settings.least_kept,
            shares: &settings.shares,
            slices: &log.slices,
        })?;
        let mut report = Self {
            format: FORMAT,
            bundle: log.bundle,
            strong: log.strong,
            weak: log.weak,
            judges: log.judges,
            judge_usd: log.judge_usd,
            days: [log.days.0, log.days.1].map(day_name),
            counts: log.counts,
            observed: log.observed,
            feedback: log.feedback,
            measured,
            verdict: String::new(),
        };
        report.verdict = verdict(&report);
        Ok(report)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::shadow::{Compared, Missing, SliceName};
    use crate::shadow_log::BadRow;

    /// Comparisons of which `lost` in a hundred are lost by the weak LLM, which is called for half of the requests.
    pub(crate) fn example(rows: usize, lost: usize, has_costs: bool) -> ShadowReport {
        let row = |at: usize| Compared {
            win_rate: (at * 37 % 100) as f64 / 100.0,
            target: if at % 100 < 2 * lost { 1.0 } else { 0.5 },
            is_weak_chosen: at.is_multiple_of(2),
            probability: if at.is_multiple_of(3) { 0.1 } else { 0.05 },
            costs: has_costs.then_some([0.01 + 0.001 * (at % 7) as f64, 0.001]),
            day: 20_000 + (at * 4 / rows) as i64,
            slices: vec![at % 2, 2],
        };
        let slice = |kind: &str, name: &str| SliceName { kind: kind.into(), name: name.into() };
        let bad =
            BadRow { path: "verdicts/x|y.json".into(), line: 1, detail: "found target 3".into() };
        let mut counts = Counts {
            verdicts: rows + 2,
            compared: rows,
            eligible: 20 * rows,
            drawn: rows + 3,
            ..Counts::default()
        };
        counts.bad.count = 1;
        counts.bad.rows.push(bad);
        counts.failed.insert("judge: timeout".into(), 2);
        let log = ShadowLog {
            bundle: BundleName { name: "support & sales".into(), sha256: "ab".repeat(32) },
            strong: "large <4>".into(),
            weak: "small".into(),
            rows: (0..rows).map(row).collect(),
            missing: vec![Missing { win_rate: 0.1, is_weak_chosen: true, probability: 0.05 }],
            win_rates: (0..500).map(|at| f64::from(at) / 500.0).collect(),
            slices: vec![slice("task", "billing"), slice("task", "<other>"), slice("key", "team")],
            judges: vec!["judge".into()],
            judge_usd: 1.25,
            days: (20_000, 20_003),
            counts,
            observed: Observed { priced: 10, unpriced: 1, called_usd: 2.0, chosen_usd: 0.5 },
            feedback: vec![Feedback { model: "small".into(), scores: 4, sum: 3.0 }],
        };
        let shares = vec![0.2, 0.4, 0.6];
        ShadowReport::of(log, &Settings { setting: Setting::Chosen, least_kept: 0.95, shares })
            .unwrap()
    }

    #[test]
    fn the_report_survives_being_written() {
        for found in [example(300, 2, true), example(40, 9, false), example(1, 0, false)] {
            let text = serde_json::to_string(&found).unwrap();
            assert_eq!(serde_json::from_str::<ShadowReport>(&text).unwrap(), found);
        }
    }
}
