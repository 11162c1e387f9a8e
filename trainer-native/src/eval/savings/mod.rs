//! Quality kept and money saved by a router of two LLMs, at the thresholds that it ships with.
//!
//! ```text
//! p_i       1 where query i goes to the strong LLM, else 0; for chance a share, the same for all i
//! quality   mean of weak_i + p_i (strong_i - weak_i)
//! kept      quality / mean of strong_i
//! saved     1 - (mean of cost of the chosen answers) / (mean of strong's costs)
//! over chance   kept - what sending queries at random would keep
//! ```
//! Chance is given the same money where every answer's cost is known and the strong LLM costs more, and else
//! the same share of strong calls: a router that sends the dear queries to the strong LLM has to be better than
//! chance at what that costs. Thresholds are fixed before, so that a share of strong calls is what comes of them on
//! these rows, not what was asked for. Intervals are percentiles over resamples of the rows, or of groups of
//! them, paired over policies.
//!
//! ```
//! use pointsman_trainer::eval::bootstrap::Settings;
//! use pointsman_trainer::eval::pair::PairModels;
//! use pointsman_trainer::eval::pair::rows::PairRow;
//! use pointsman_trainer::eval::savings::{Policy, Ranking, measure};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! // The weak LLM is right on every second query, of which the router knows.
//! let row = |i: u32| PairRow {
//!     weak: f64::from(i % 2), strong: 1.0, weak_cost: Some(0.001), strong_cost: Some(0.01), ..PairRow::default()
//! };
//! let rows: Vec<PairRow> = (0..200).map(row).collect();
//! let win_rates = (0..200).map(|i| if i % 2 == 0 { 0.9 } else { 0.2 }).collect();
//! let router = Ranking { policy: Policy::Router, win_rates, thresholds: vec![0.5] };
//! let models = PairModels { weak: "small".into(), strong: "large".into() };
//! let each_alone: Vec<usize> = (0..rows.len()).collect();
//! let found = measure(&models, &rows, &each_alone, &[0.5], &[router], Settings::default())?;
//! let at_half = found.at(Policy::Router, 0.5).expect("the router was measured there");
//! assert_eq!(at_half.kept.map(|kept| kept.value), Some(1.0));
//! assert!((at_half.saved.map_or(0.0, |saved| saved.value) - 0.45).abs() < 1e-9);
//! # Ok(())
//! # }
//! ```

mod choices;
mod measure;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Settings};
use super::pair::PairModels;

pub use measure::measure;

/// A way of choosing between the two LLMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The router that was trained.
    Router,
    /// The bundle that it was trained from, as it ships.
    Untrained,
    /// The longest queries go to the strong LLM.
    Length,
    /// Queries are drawn at random.
    Random,
    /// Knows the outcomes: the queries on which the strong LLM gains most.
    Oracle,
    AlwaysStrong,
    AlwaysWeak,
}

/// Win rates of a policy on the rows, and the threshold of each share, found on other queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    pub policy: Policy,
    /// One a row; any numbers of which a larger one is more in need of the strong LLM.
    pub win_rates: Vec<f64>,
    /// One a share.
    pub thresholds: Vec<f64>,
}

/// A number on the rows, and how far it would move on other rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// What a policy reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub policy: Policy,
    /// Share of strong calls that was asked for; `None` where the policy has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_share: Option<f64>,
    /// Share of strong calls on these rows.
    pub strong_share: f64,
    /// Mean score, in [0, 1].
    pub quality: f64,
    /// Share of the strong LLM's quality; `None` where that is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Estimate>,
    /// Mean cost of a query, USD, over the priced rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_per_query: Option<f64>,
    /// Share of the strong LLM's cost that is saved; `None` where it is unknown or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Estimate>,
    /// Quality kept above that of chance; `None` for chance itself and for single LLMs, and where none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_chance: Option<Estimate>,
    /// Rows in all from which the gain over chance, if it is what it is here, would be shown in four of five
    /// draws; `None` where it is shown already, or is no gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_needed: Option<usize>,
}

impl Measured {
    /// Whether the gain over chance lies above 0 with its whole interval.
    #[must_use]
    pub fn is_above_chance(&self) -> bool {
        self.over_chance.and_then(|gain| gain.interval).is_some_and(|interval| interval.low > 0.0)
    }
}

/// What chance is given to be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChanceAt {
    SameMoney,
    SameShare,
}

/// Quality against money as the share of strong calls grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyCurve {
    pub policy: Policy,
    /// From no strong call to strong calls only.
    pub points: Vec<CurvePoint>,
}

/// A point of a curve over the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub strong_share: f64,
    pub quality: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_per_query: Option<f64>,
}

/// All policies on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Savings {
    pub pair: PairModels,
    /// Rows scored.
    pub rows: usize,
    /// Groups that resamples draw from.
    pub groups: usize,
    /// Rows of which both costs are known.
    pub priced_rows: usize,
    pub chance_at: ChanceAt,
    pub bootstrap: Settings,
    /// The single LLMs, then the policies share by share.
    pub measured: Vec<Measured>,
    pub curves: Vec<PolicyCurve>,
}

impl Savings {
    /// The shares of strong calls that were asked for, in their order.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let asked = self.measured.iter().filter(|m| m.policy == Policy::Random);
        asked.filter_map(|m| m.asked_share).collect()
    }

    /// A policy at the share that was asked for.
    #[must_use]
    pub fn at(&self, policy: Policy, share: f64) -> Option<&Measured> {
        self.measured.iter().find(|m| m.policy == policy && m.asked_share == Some(share))
    }

    /// A policy without a share.
    #[must_use]
    pub fn fixed(&self, policy: Policy) -> Option<&Measured> {
        self.measured.iter().find(|m| m.policy == policy && m.asked_share.is_none())
    }
}
