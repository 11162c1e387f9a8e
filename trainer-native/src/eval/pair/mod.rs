//! Everything that one evaluation measured, as a file: reports and tables are made from these
//! files, never from a second run.
//!
//! A [`PairResult`] is one benchmark, one pair of models and all routers evaluated on the same
//! rows. [`build::build`] makes it from outcomes and win rates; [`json::write`] and [`json::read`]
//! store it. Scores and shares are fractions; `score_scale` is the number that a score of 1 is
//! displayed as.
//!
//! ```
//! use pointsman_trainer::eval::pair::build::{PairBenchmark, PairColumn, Settings, build};
//! use pointsman_trainer::eval::pair::{Origin, json};
//! use pointsman_trainer::eval::pair::rows::PairRow;
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
//! let benchmark = PairBenchmark::new("own questions", "small", "large");
//! let result = build(&benchmark, &rows, &[router], &Settings::default())?;
//! assert_eq!(json::read(&json::write(&result)?)?, result);
//! # Ok(())
//! # }
//! ```

pub mod baselines;
pub mod build;
pub mod published;
pub mod rows;
mod untrained;

use serde::{Deserialize, Serialize};

use super::bootstrap::{self, Interval};
use super::categories::Category;
use super::cost_quality::{CostComparison, CostQuality};
use super::curve::CurvePoint;
use super::money::Money;
use super::operating_points::OperatingPoint;
use super::reliability::Reliability;
use crate::export::Precision;
use baselines::FixedPolicy;
use published::{PairKind, PublishedPair};

/// Version of the file's format.
pub const FORMAT: u32 = 1;

/// One benchmark, one pair, several routers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairResult {
    pub format: u32,
    pub benchmark: String,
    /// Which published tables stand beside the results.
    pub kind: PairKind,
    /// SHA-256 of the data scored on, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
    pub rows: usize,
    /// Rows left out because their questions stood in training data; `None` where that was not
    /// checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaks_removed: Option<usize>,
    /// Rows left out because they could not be read, or lack a score of either model.
    pub bad_rows: usize,
    pub pair: Pair,
    /// The number that a score of 1 is displayed as: 10 for MT-Bench.
    pub score_scale: f64,
    /// Mean score of the weak model, in [0, 1].
    pub weak: f64,
    /// Mean score of the strong model, in [0, 1].
    pub strong: f64,
    pub bootstrap: bootstrap::Settings,
    /// The routers in the order given, then the baselines.
    pub routers: Vec<PairRouter>,
    /// Paired differences of APGR between two routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<ApgrDifference>,
    /// Costs and curves of the single models, zero router and oracle, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostComparison>,
    /// Curves of cost and quality of routers of more than two models, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many_models: Option<ManyModels>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedPair>,
    /// What was left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Cost and quality of routers that choose between all of a benchmark's models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManyModels {
    /// Single models, zero router and oracle.
    pub comparison: CostComparison,
    pub routers: Vec<ManyModelRouter>,
}

/// A router of many models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManyModelRouter {
    pub name: String,
    #[serde(rename = "precision")]
    pub origin: Origin,
    /// Its curve for the moving cost weight.
    pub cost_quality: CostQuality,
}

/// The two models a router chooses between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    pub weak: String,
    pub strong: String,
}

/// What a result was measured on. Files store its [`name`](Self::name) as `precision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredOrigin", into = "StoredOrigin")]
pub enum Origin {
    /// A bundle: int8 as hosts run it, or float.
    Bundle(Precision),
    /// A baseline, which is no bundle.
    Baseline,
}

/// [`Origin`] as files spell it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredOrigin {
    Int8,
    Float,
    Baseline,
}

impl From<StoredOrigin> for Origin {
    fn from(stored: StoredOrigin) -> Self {
        match stored {
            StoredOrigin::Int8 => Self::INT8,
            StoredOrigin::Float => Self::FLOAT,
            StoredOrigin::Baseline => Self::Baseline,
        }
    }
}

impl From<Origin> for StoredOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::INT8 => Self::Int8,
            Origin::FLOAT => Self::Float,
            Origin::Baseline => Self::Baseline,
        }
    }
}

impl Origin {
    /// The int8 bundle.
    pub const INT8: Self = Self::Bundle(Precision::Int8);
    /// The float bundle.
    pub const FLOAT: Self = Self::Bundle(Precision::Float);

    /// `int8`, `float` or `baseline`, as files spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::INT8 => "int8",
            Self::FLOAT => "float",
            Self::Baseline => "baseline",
        }
    }

    /// A router's name with its precision; a baseline's name alone.
    #[must_use]
    pub fn label(self, name: &str) -> String {
        match self {
            Self::Baseline => name.to_owned(),
            Self::Bundle(_) => format!("{name} ({})", self.name()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRouter {
    pub name: String,
    /// `mf`, `bert`, `sw-ranking`, `knn`, ...
    pub kind: String,
    /// `static` or `transformer`; absent where it does not read text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(rename = "precision")]
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seed: Option<u64>,
    /// Average performance gap recovered; `None` for a policy without a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr_interval: Option<Interval>,
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

/// Difference of the APGR of two routers, on the same resamples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApgrDifference {
    /// Index of the router in [`PairResult::routers`].
    pub router: usize,
    /// Index of the router it is compared with.
    pub against: usize,
    /// Difference of the two on the rows themselves.
    pub difference: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

impl PairRouter {
    /// The CPT at a quality, where it was computed.
    #[must_use]
    pub fn cpt_at(&self, quality: f64) -> Option<&Cpt> {
        self.cpt.iter().find(|cpt| (cpt.quality - quality).abs() < 1e-9)
    }

    /// Whether it is a judged router and not a baseline.
    #[must_use]
    pub fn is_router(&self) -> bool {
        self.origin != Origin::Baseline
    }

    /// Its name, followed by its precision unless it is a baseline.
    #[must_use]
    pub fn label(&self) -> String {
        self.origin.label(&self.name)
    }
}

impl PairResult {
    /// Performance gap recovered at a mean score.
    #[must_use]
    pub fn pgr(&self, score: f64) -> f64 {
        (score - self.weak) / (self.strong - self.weak)
    }

    /// The router of this name and origin.
    #[must_use]
    pub fn router(&self, name: &str, origin: Origin) -> Option<&PairRouter> {
        self.routers.iter().find(|router| router.name == name && router.origin == origin)
    }
}
