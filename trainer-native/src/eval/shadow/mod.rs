//! Quality kept and money saved by a router of two LLMs, by requests that both LLMs answered: a sample of a gateway's
//! traffic, drawn with known probabilities, of which a judge compared the two answers.
//!
//! ```text
//! z_i      (2 target_i - 1) where the weak LLM is called, else 0: 1 where the strong answer is better, -1 where the weak one is
//! w_i      1 / probability with which request i was drawn
//! kept     1 - sum w_i z_i / sum w_i                                               over drawn requests (Hajek)
//! saved    sum w_i (strong's cost - weak's cost) 1{weak is called} / sum w_i strong's cost
//! ```
//! Both LLMs answered each drawn request, so that every threshold can be tried on the same sample. Two kinds of
//! intervals stand beside each other:
//!
//! - *of one look* ([`weighted`]): 95 % of samples of this size have an interval that holds the truth. Looking again
//!   and again until it leaves a bound out makes that false.
//! - *at any time* ([`betting`]): 95 % of logs have a confidence sequence that holds the truth after every verdict.
//!   [`Evidence`] is read off it and may be looked at, and acted on, as often as one likes.
//!
//! ```
//! use pointsman_trainer::eval::shadow::{Compared, Evidence, Input, Setting, measure};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! // The weak LLM is called below a win rate of 1/2, and there the answers are alike.
//! let row = |at: u32| Compared {
//!     win_rate: f64::from(at % 10) / 10.0,
//!     target: if at % 10 < 5 { 0.5 } else { 1.0 },
//!     is_weak_chosen: at % 10 < 5,
//!     probability: 0.05,
//!     costs: Some([0.01, 0.001]),
//!     day: 0,
//!     slices: Vec::new(),
//! };
//! let rows: Vec<Compared> = (0..400).map(row).collect();
//! let found = measure(&Input { setting: Setting::Threshold(0.5), ..Input::of(&rows) })?;
//! assert_eq!(found.at_setting.kept.value, 1.0);
//! assert!((found.at_setting.saved.map_or(0.0, |saved| saved.value) - 0.45).abs() < 1e-9);
//! assert_eq!(found.evidence, Evidence::Enough);
//! # Ok(())
//! # }
//! ```

pub mod betting;
mod comparison;
mod evidence;
mod measure;
#[cfg(test)]
mod simulation;
pub mod weighted;

use serde::{Deserialize, Serialize};

use weighted::Estimate;

pub use betting::Ends;
pub use comparison::{Both, Comparison, compare};
pub use evidence::{Evidence, Leaning};
pub use measure::measure;

/// A drawn request that both LLMs answered and of which the answers were compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Win rate of the strong LLM as the router stated it, in [0, 1].
    pub win_rate: f64,
    /// 1 where the strong answer is better, 0 where the weak one is, 1/2 for a tie.
    pub target: f64,
    /// Whether the router chose the weak LLM.
    pub is_weak_chosen: bool,
    /// Probability with which the request was drawn, in (0, 1].
    pub probability: f64,
    /// USD of the strong and of the weak answer, where both are known.
    pub costs: Option<[f64; 2]>,
    /// Day of the request, as a number of days.
    pub day: i64,
    /// Places in [`Input::slices`] to which the request belongs.
    pub slices: Vec<usize>,
}

/// A drawn request without a comparison: it failed, or its verdict is not in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Missing {
    pub win_rate: f64,
    pub is_weak_chosen: bool,
    pub probability: f64,
}

/// Which LLM is called.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "value")]
pub enum Setting {
    /// What the router chose, request by request.
    Chosen,
    /// The strong LLM from this win rate up.
    Threshold(f64),
    /// The strong LLM for this share of requests, those of the highest win rates.
    StrongShare(f64),
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// In the order of time.
    pub rows: &'a [Compared],
    pub missing: &'a [Missing],
    /// Win rates of all requests that could be drawn: their quantiles turn a share into a threshold. If empty, the
    /// weighted rows' win rates do.
    pub win_rates: &'a [f64],
    /// What the verdict speaks of.
    pub setting: Setting,
    /// Least quality kept that the verdict speaks of.
    pub least_kept: f64,
    /// Shares of strong calls to measure at.
    pub shares: &'a [f64],
    /// Parts of the traffic, by kind and name.
    pub slices: &'a [SliceName],
}

impl<'a> Input<'a> {
    /// The rows alone, as the router chose, with 95 % of quality to keep.
    #[must_use]
    pub fn of(rows: &'a [Compared]) -> Self {
        let nothing = (&[], &[], &[], &[]);
        let (missing, win_rates, shares, slices) = nothing;
        let (setting, least_kept) = (Setting::Chosen, 0.95);
        Self { rows, missing, win_rates, setting, least_kept, shares, slices }
    }
}

/// A part of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SliceName {
    /// What divides the traffic: `task`, `key`.
    pub kind: String,
    pub name: String,
}

/// What is kept and saved at one setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub setting: Setting,
    /// Least win rate of strong calls; `None` where the router chose by thresholds of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Share of requests that go to the strong LLM, weighted.
    pub strong_share: f64,
    /// Share of the strong LLM's quality, with its interval of one look.
    pub kept: Estimate,
    /// The same at any time.
    pub kept_at_any_time: Ends,
    /// Share of the strong LLM's cost that is saved, with its interval of one look; `None` without costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Estimate>,
}

/// What is kept and saved on a part of the traffic, at the setting of the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    #[serde(flatten)]
    pub slice: SliceName,
    /// Comparisons.
    pub rows: usize,
    /// Share of all requests, weighted.
    pub share: f64,
    pub found: Kept,
}

/// The confidence sequence after a number of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    pub verdicts: usize,
    /// Estimate of the quality kept.
    pub kept: f64,
    pub at_any_time: Ends,
}

/// A threshold among others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub threshold: f64,
    pub strong_share: f64,
    pub kept: Estimate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<f64>,
}

/// All that is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Comparisons.
    pub rows: usize,
    /// Comparisons of equal probability that would say as much: (sum of weights)^2 / (sum of squared weights).
    pub effective_rows: f64,
    /// Comparisons of which both costs are known.
    pub priced_rows: usize,
    /// Drawn requests without a comparison.
    pub missing: usize,
    /// Quality kept at the setting if the strong answer were better on every request without a comparison.
    pub kept_if_missing_lost: f64,
    /// Least probability with which a request was drawn.
    pub least_probability: f64,
    /// Days from the first to the last row, both counted.
    pub days: u64,
    pub least_kept: f64,
    pub evidence: Evidence,
    pub at_setting: Kept,
    pub at_shares: Vec<Kept>,
    pub slices: Vec<Slice>,
    pub curve: Vec<CurvePoint>,
    pub looks: Vec<Look>,
}
