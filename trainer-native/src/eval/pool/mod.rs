//! Routers that pick one of a pool of models, evaluated by the mean score of their picks, beside
//! baselines that need no router.
//!
//! A router of two models has a threshold; a router of N models has none, it picks. So it is
//! evaluated as RouterDC (arXiv 2409.19886) does: the mean score of its picks on each data set, and
//! the mean of those over the data sets, all weighted equally however many rows they have. Beside
//! it always stand each single model, the best of them, the best model of each data set (what a
//! router gains that knows only the task), random and the oracle. Where rows state costs, the
//! router also has a curve of cost and quality ([`many_models`](super::cost_quality::many_models)).
//!
//! [`build()`] makes a [`PoolResult`] from outcomes and picks; [`Stored`](super::Stored) writes and
//! reads it. Scores and shares are fractions.
//!
//! ```
//! use pointsman_trainer::eval::pool::{PoolColumn, PoolKind, PoolRow, PoolSettings, build};
//! use pointsman_trainer::eval::{Benchmark, Origin, Stored};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One model can sums, the other can verse.
//! let row = |dataset: &str, scores: [f64; 2]| PoolRow {
//!     dataset: dataset.to_owned(),
//!     scores: scores.map(Some).to_vec(),
//!     costs: vec![None; 2],
//! };
//! let rows = [row("sums", [1.0, 0.0]), row("sums", [1.0, 1.0]), row("verse", [0.0, 1.0])];
//! let models = ["adder".to_owned(), "poet".to_owned()];
//! let router = PoolColumn::new("mine", "knn", Origin::INT8, vec![0, 0, 1]);
//! let benchmark = Benchmark::new("own questions", PoolKind::Other);
//! let result = build(&benchmark, &models, &rows, &rows, &[router], &PoolSettings::default())?;
//! let mean = |name, origin| result.router(name, origin).and_then(|router| router.metrics.mean);
//! assert_eq!(mean("mine", Origin::INT8), Some(1.0));
//! assert_eq!(mean("poet", Origin::Baseline), Some(0.75));
//! let stored = Stored { pools: vec![result], ..Stored::default() };
//! assert_eq!(Stored::read(&stored.json()?)?, stored);
//! # Ok(())
//! # }
//! ```

mod baselines;
pub(crate) mod build;
mod means;
mod policy;
pub mod published;
pub mod rows;

use serde::{Deserialize, Serialize};

use super::bootstrap::Interval;
use super::cost_quality::CostPoint;
use super::evaluated::{Entry, Evaluated, Form};
pub use build::{PoolColumn, PoolSettings, build};
pub use published::{PoolKind, PublishedPool};
pub use rows::PoolRow;

/// One benchmark, a pool of models, several routers.
pub type PoolResult = Evaluated<PoolFacts>;

/// A router of a pool, or a baseline.
pub type PoolRouter = Entry<PoolMetrics>;

/// Facts that a result of a pool states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolFacts {
    /// The models; every list with one entry for each model has this order.
    pub models: Vec<String>,
    /// The data sets, those of the published rows first, then in order of first appearance.
    pub datasets: Vec<DataSet>,
    /// Training rows that the best models were chosen on; 0 where they were chosen in hindsight
    /// only.
    pub training_rows: usize,
}

impl Form for PoolFacts {
    const NAME: &'static str = "choice";
    type Kind = PoolKind;
    type Metrics = PoolMetrics;
    type Published = PublishedPool;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    pub name: String,
    pub rows: usize,
}

/// Metrics of one router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolMetrics {
    /// Mean score of its picks on each data set that has a row with a score.
    pub datasets: Vec<DataSetMean>,
    /// Mean over the data sets, all weighted equally; `None` unless every data set has a mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Bootstrap interval of `mean`: rows are drawn within each data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_interval: Option<Interval>,
    /// Mean score over rows, all weighted equally; `None` where no pick has a score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_mean: Option<f64>,
    /// Rows on which the picked model was not measured. They are left out of all its means: no
    /// other score is substituted.
    pub picked_unmeasured: usize,
    /// Share of calls to each model, in [0, 1], over all rows that have a pick.
    pub shares: Vec<f64>,
    /// Mean cost and score on the rows that state every model's score and cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<CostPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSetMean {
    pub name: String,
    /// Mean score, in [0, 1].
    pub score: f64,
    /// Rows that the mean is over.
    pub rows: usize,
}

pub mod kinds {
    /// One model for every query.
    pub const LLM: &str = "llm";
    /// The single model with the best mean over data sets.
    pub const BEST_SINGLE: &str = "best-single";
    /// The best model of each data set: routes by the task alone.
    pub const BEST_OF_TASK: &str = "best-of-task";
    /// A random model, all measured ones equally likely; its expected score.
    pub const RANDOM: &str = "random";
    /// The best model of each query.
    pub const ORACLE: &str = "oracle";
}

impl PoolRouter {
    /// Mean score on the data set of that name.
    #[must_use]
    pub fn on(&self, dataset: &str) -> Option<f64> {
        let mut means = self.metrics.datasets.iter();
        means.find(|mean| mean.name == dataset).map(|mean| mean.score)
    }
}
