//! Results of a router of many models: the mean score of the models it picks, beside baselines that
//! need no router.
//!
//! A router of two models has a threshold; a router of N models has none, it picks. So it is
//! evaluated as RouterDC (arXiv 2409.19886) does: the mean score of its picks on each data set, and
//! the mean of those over the data sets, all weighted equally however many rows they have. Beside
//! it always stand each single model, the best of them, the best model of each data set (what a
//! router gains that knows only the task), random and the oracle. Where rows state costs, the
//! router also has a curve of cost and quality ([`many_models`](super::cost_quality::many_models)).
//!
//! [`build::build`] makes a [`PoolResult`] from outcomes and picks, [`json`] stores it. Scores and
//! shares are fractions.
//!
//! ```
//! use pointsman_trainer::eval::pool::build::{PoolBenchmark, PoolColumn, Settings, build};
//! use pointsman_trainer::eval::pool::{PoolRow, json};
//! use pointsman_trainer::eval::pair::Origin;
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
//! let benchmark = PoolBenchmark::new("own questions");
//! let result = build(&benchmark, &models, &rows, &rows, &[router], &Settings::default())?;
//! let mean = |name, origin| result.router(name, origin).and_then(|router| router.mean);
//! assert_eq!(mean("mine", Origin::INT8), Some(1.0));
//! assert_eq!(mean("poet", Origin::Baseline), Some(0.75));
//! assert_eq!(json::read(&json::write(&result)?)?, result);
//! # Ok(())
//! # }
//! ```

mod baselines;
pub mod build;
pub mod json;
mod means;
mod policy;
pub mod published;
mod resamples;
pub mod rows;

use serde::{Deserialize, Serialize};

use super::bootstrap::{self, Interval};
use super::cost_quality::CostPoint;
use super::pair::{ManyModels, Origin};
pub use published::{PoolKind, PublishedPool};
pub use rows::PoolRow;

/// Version of the file's format.
pub const FORMAT: u32 = 1;

/// Form of a stored result, which distinguishes it from a result of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Routers that pick one of many models.
    #[default]
    #[serde(rename = "choice")]
    Pool,
}

/// One benchmark, N models, several routers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolResult {
    pub format: u32,
    /// Always [`Form::Pool`].
    pub form: Form,
    pub benchmark: String,
    /// Which published rows stand beside the results.
    pub kind: PoolKind,
    /// SHA-256 of the data scored on, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_sha256: Option<String>,
    /// The models; every list with one entry for each model has this order.
    pub models: Vec<String>,
    /// The data sets, those of the published rows first, then in order of first appearance.
    pub datasets: Vec<DataSet>,
    /// Rows scored, of all data sets.
    pub rows: usize,
    /// Training rows that the best models were chosen on; 0 where they were chosen in hindsight
    /// only.
    pub training_rows: usize,
    /// Rows left out because their questions stood in training data; `None` where that was not
    /// checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaks_removed: Option<usize>,
    /// Rows left out because they could not be read.
    pub bad_rows: usize,
    pub bootstrap: bootstrap::Settings,
    /// The routers in the order given, then the baselines.
    pub routers: Vec<PoolRouter>,
    /// Paired differences of the mean over data sets between two routers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<MeanDifference>,
    /// Cost and quality of the routers that predict scores, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many_models: Option<ManyModels>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedPool>,
    /// What was left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    pub name: String,
    pub rows: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolRouter {
    /// Name of the bundle, the model or the baseline.
    pub name: String,
    /// `memory`, `mlp`, `knn`, ...; for baselines one of [`kinds`].
    pub kind: String,
    /// `static` or `transformer`; absent where it does not read text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    #[serde(rename = "precision")]
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seed: Option<u64>,
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

/// Difference of the means over data sets of two routers, on the same resamples. Each mean is over
/// the rows on which its own pick was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanDifference {
    /// Index of the router in [`PoolResult::routers`].
    pub router: usize,
    /// Index of the router it is compared with.
    pub against: usize,
    /// Difference of the two on the rows themselves.
    pub difference: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
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
        self.datasets.iter().find(|mean| mean.name == dataset).map(|mean| mean.score)
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

impl PoolResult {
    /// The router of this name and origin.
    #[must_use]
    pub fn router(&self, name: &str, origin: Origin) -> Option<&PoolRouter> {
        self.routers.iter().find(|router| router.name == name && router.origin == origin)
    }
}
