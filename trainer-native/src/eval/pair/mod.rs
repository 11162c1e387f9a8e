//! Routers between a weak and a strong model, evaluated by RouteLLM's protocol.
//!
//! A [`PairResult`] is one benchmark, one pair of models and all routers evaluated on the same rows.
//! [`build()`] makes it from outcomes and win rates; [`Stored`](super::Stored) writes and reads it.
//! Scores and shares are fractions; `score_scale` is the number that a score of 1 is displayed as.
//!
//! ```
//! use pointsman_trainer::eval::pair::published::PairKind;
//! use pointsman_trainer::eval::pair::rows::PairRow;
//! use pointsman_trainer::eval::pair::{PairColumn, PairModels, PairSettings, build};
//! use pointsman_trainer::eval::{Benchmark, Origin, Stored};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let row = |i: usize| PairRow {
//!     weak: (i % 2) as f64,
//!     strong: 1.0,
//!     length: 10 + i,
//!     ..PairRow::default()
//! };
//! let rows: Vec<PairRow> = (0..100).map(row).collect();
//! let win_rates = (0..100).map(|i| if i % 2 == 0 { 0.8 } else { 0.3 }).collect();
//! let router = PairColumn::new("mine", "mf", Origin::INT8, win_rates);
//! let benchmark = Benchmark::new("own questions", PairKind::Other);
//! let models = PairModels { weak: "small".into(), strong: "large".into() };
//! let result = build(&benchmark, &models, &rows, &[router], &PairSettings::default())?;
//! let stored = Stored { pairs: vec![result], ..Stored::default() };
//! assert_eq!(Stored::read(&stored.json()?)?, stored);
//! # Ok(())
//! # }
//! ```

pub mod baselines;
pub(crate) mod build;
pub mod calibration;
pub mod categories;
pub mod cost_quality;
pub mod curve;
pub mod money;
pub mod nearest_neighbours;
pub mod operating_points;
pub mod published;
pub mod reliability;
pub mod resamples;
pub mod rows;
pub mod share_steps;
mod untrained;
pub mod weak_suffices;

use serde::{Deserialize, Serialize};

use super::bootstrap::Interval;
use super::cost_quality::{CostComparison, CostQuality};
use super::evaluated::{Entry, Evaluated, Form};
use baselines::FixedPolicy;
pub use build::{PairColumn, PairSettings, build};
use categories::Category;
use curve::CurvePoint;
use money::Money;
use operating_points::OperatingPoint;
use published::{PairKind, PublishedPair};
use reliability::Reliability;

/// One benchmark, one pair, several routers.
pub type PairResult = Evaluated<PairFacts>;

/// A router of a pair, or a baseline.
pub type PairRouter = Entry<PairMetrics>;

/// Facts that a result of a pair states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairFacts {
    pub pair: PairModels,
    /// The number that a score of 1 is displayed as: 10 for MT-Bench.
    pub score_scale: f64,
    /// Mean score of the weak model, in [0, 1].
    pub weak: f64,
    /// Mean score of the strong model, in [0, 1].
    pub strong: f64,
    /// Costs and curves of the single models, zero router and oracle, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostComparison>,
}

impl Form for PairFacts {
    const NAME: &'static str = "pair";
    type Kind = PairKind;
    type Metrics = PairMetrics;
    type Published = PublishedPair;
}

impl PairFacts {
    /// Performance gap recovered at a mean score.
    #[must_use]
    pub fn pgr(&self, score: f64) -> f64 {
        (score - self.weak) / (self.strong - self.weak)
    }
}

/// The two models a router chooses between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairModels {
    pub weak: String,
    pub strong: String,
}

/// Metrics of one router; those that are undefined are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PairMetrics {
    /// Average performance gap recovered; `None` for a policy without a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr_interval: Option<Interval>,
    /// Area under the ROC curve of "the weak model suffices" ([`weak_suffices`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_interval: Option<Interval>,
    /// Call-performance thresholds, ascending by quality.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpt: Vec<Cpt>,
    /// Score and share of a policy without a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<FixedPolicy>,
    /// Score against share: at the deciles, or for the oracle thinned to what a plot can show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Operating points at the requested thresholds and shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operating_points: Vec<OperatingPoint>,
    /// Results by category, where rows state one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// Reliability; `None` where the win rates are not probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    /// Quality against cost on the priced rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_quality: Option<CostQuality>,
}

/// The least share of strong calls that recovers a part of the gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cpt {
    /// The part of the gap, in [0, 1].
    pub quality: f64,
    /// Share of strong calls, in [0, 1].
    pub strong_share: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Cost at that share, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

impl PairRouter {
    /// The CPT at a quality, where it was computed.
    #[must_use]
    pub fn cpt_at(&self, quality: f64) -> Option<&Cpt> {
        self.metrics.cpt.iter().find(|cpt| (cpt.quality - quality).abs() < 1e-9)
    }
}
