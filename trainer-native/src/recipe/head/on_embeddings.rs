//! Settings of the kinds that are fitted on embeddings.

use std::collections::BTreeMap;

use pointsman::{Ability, Kind};
use serde::Deserialize;

use super::kind_settings::{KindSettings, Optimisation, at_least_one};

/// Matrix factorisation (RouteLLM, section 4.2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfRecipe {
    /// d_m, the width of the factorisation.
    pub dimension: usize,
    /// Standard deviation of the Gaussian noise on the embedding in training.
    #[serde(default)]
    pub noise: f64,
}

impl KindSettings for MfRecipe {
    fn kind(&self) -> Kind {
        Kind::Mf
    }

    fn optimisation(&self) -> Option<Optimisation> {
        Some(Optimisation::Training)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("dimension", self.dimension)?;
        match self.noise >= 0.0 && self.noise.is_finite() {
            true => Ok(()),
            false => Err(format!("head.noise is {}, expected >= 0", self.noise)),
        }
    }
}

/// A multi-layer perceptron with one hidden layer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlpRecipe {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Probability of dropping a hidden unit in training, in [0, 1).
    #[serde(default)]
    pub dropout: f64,
}

impl KindSettings for MlpRecipe {
    fn kind(&self) -> Kind {
        Kind::Mlp
    }

    fn optimisation(&self) -> Option<Optimisation> {
        Some(Optimisation::Training)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("hidden", self.hidden)?;
        match (0.0..1.0).contains(&self.dropout) {
            true => Ok(()),
            false => Err(format!("head.dropout is {}, expected [0, 1)", self.dropout)),
        }
    }
}

/// Ridge regression on tokens and embedding.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RidgeRecipe {
    /// Penalty on the squared coefficients.
    pub penalty: f64,
    /// f, the weight of the bag of tokens; 0 leaves it out.
    #[serde(default)]
    pub token_weight: f64,
    /// The a of a token's frequency weight a / (a + p).
    #[serde(default = "frequency_weight")]
    pub frequency_weight: f64,
    /// g, the weight of the embedding; 0 leaves it out.
    #[serde(default)]
    pub embedding_weight: f64,
    /// c, the weight of the difficulty found by other LLMs, which the fit starts from.
    #[serde(default)]
    pub difficulty_weight: f64,
    /// Penalty of the fit of that difficulty.
    #[serde(default = "difficulty_penalty")]
    pub difficulty_penalty: f64,
    /// Number of rows up to which the weight of a source of other LLMs' outcomes grows.
    #[serde(default = "difficulty_rows")]
    pub difficulty_rows: usize,
    /// Kernel over remembered queries; left out where absent.
    pub kernel: Option<KernelRecipe>,
}

/// The part of ridge regression that remembers labelled queries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelRecipe {
    /// h, the weight of the similarity to remembered queries.
    pub weight: f64,
    /// The temperature t of exp((cosine - 1) / t).
    pub temperature: f64,
    /// Most queries remembered; of more, some are drawn by the recipe's seed.
    #[serde(default = "kernel_rows")]
    pub rows: usize,
}

impl KindSettings for RidgeRecipe {
    fn kind(&self) -> Kind {
        Kind::Ridge
    }

    fn needs_pair(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("difficulty_rows", self.difficulty_rows)?;
        let mut positive = vec![
            ("penalty", self.penalty),
            ("frequency_weight", self.frequency_weight),
            ("difficulty_penalty", self.difficulty_penalty),
        ];
        if let Some(kernel) = &self.kernel {
            at_least_one("kernel.rows", kernel.rows)?;
            positive.push(("kernel.weight", kernel.weight));
            positive.push(("kernel.temperature", kernel.temperature));
        }
        if let Some((name, value)) =
            positive.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite()))
        {
            return Err(format!("head.{name} is {value}, expected a finite number > 0"));
        }
        if self.token_weight + self.embedding_weight == 0.0 && self.kernel.is_none() {
            return Err("head has neither token_weight nor embedding_weight nor kernel: \
                        nothing to learn from"
                .into());
        }
        let weights = [
            ("token_weight", self.token_weight),
            ("embedding_weight", self.embedding_weight),
            ("difficulty_weight", self.difficulty_weight),
        ];
        match weights.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
            Some((name, value)) => {
                Err(format!("head.{name} is {value}, expected a finite number >= 0"))
            }
            None => Ok(()),
        }
    }
}

/// Mean scores of the group that a query is likely to belong to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRecipe {
    /// How queries are grouped.
    pub groups: Grouping,
    /// Number of clusters that k-means makes; ignored by the other groupings.
    #[serde(default = "twenty")]
    pub count: usize,
    /// Shrinkage: number of average queries of the whole that are mixed into the means of each
    /// group.
    #[serde(default)]
    pub shrinkage: f64,
    /// Share, in [0, 1], of the covariance within groups that is replaced by a sphere; with 1 a
    /// query belongs to the nearest mean.
    #[serde(default = "half")]
    pub sphere: f64,
    /// Penalty of the per-query correction; no correction where absent.
    pub correction_penalty: Option<f64>,
}

/// How queries are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// k-means on directions of embeddings.
    KMeans,
    /// The data set a query comes from.
    DataSet,
    /// The `cluster_id` of the file.
    ClusterId,
}

impl KindSettings for ClusterRecipe {
    fn kind(&self) -> Kind {
        Kind::Cluster
    }

    fn check(&self) -> Result<(), String> {
        if self.count < 2 {
            return Err(format!("head.count is {}, expected at least 2", self.count));
        }
        if !(self.shrinkage >= 0.0 && self.shrinkage.is_finite()) {
            return Err(format!("head.shrinkage is {}, expected >= 0", self.shrinkage));
        }
        if !(0.0..=1.0).contains(&self.sphere) {
            return Err(format!("head.sphere is {}, expected [0, 1]", self.sphere));
        }
        match self.correction_penalty {
            Some(found) if !(found > 0.0 && found.is_finite()) => {
                Err(format!("head.correction_penalty is {found}, expected a finite number > 0"))
            }
            _ => Ok(()),
        }
    }
}

/// The query's length alone, which has no settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthRecipe {}

impl KindSettings for LengthRecipe {
    fn kind(&self) -> Kind {
        Kind::Length
    }

    fn needs_pair(&self) -> bool {
        true
    }
}

fn frequency_weight() -> f64 {
    1e-3
}

fn difficulty_penalty() -> f64 {
    30.0
}

fn difficulty_rows() -> usize {
    1500
}

fn kernel_rows() -> usize {
    1500
}

fn twenty() -> usize {
    20
}

fn half() -> f64 {
    0.5
}

/// A penalty for each demand: sources of outcomes have many more queries than those of needs.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemandPenalty {
    pub difficulty: f64,
    pub need: f64,
}

/// Demands of a query by item response theory, and the abilities of the LLMs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifficultyRecipe {
    /// Penalty on the squared coefficients of each demand, on coordinates of standard deviation 1.
    #[serde(default = "demand_penalty")]
    pub penalty: DemandPenalty,
    /// Whether each token of a transformer has a weight in each demand, beside the embedding. A table of
    /// pieces always has.
    #[serde(default)]
    pub token_rows: bool,
    /// Penalty on the squared weights of tokens, or of pieces and buckets.
    #[serde(default = "row_penalty")]
    pub row_penalty: DemandPenalty,
    /// Standard deviation of the prior on an item's difficulty.
    #[serde(default = "difficulty_spread")]
    pub difficulty_spread: f64,
    /// Number of rows up to which the weight of a source grows.
    #[serde(default = "source_rows")]
    pub source_rows: usize,
    /// Usual abilities of LLMs, by tier.
    #[serde(default)]
    pub abilities: BTreeMap<String, Ability>,
    /// Tier of a candidate, by its identifier. A candidate that is called as a tier is of that tier.
    #[serde(default)]
    pub tiers: BTreeMap<String, String>,
}

impl DifficultyRecipe {
    /// The tier of a candidate.
    #[must_use]
    pub fn tier_name<'a>(&'a self, candidate: &'a str) -> &'a str {
        self.tiers.get(candidate).map_or(candidate, String::as_str)
    }
}

impl KindSettings for DifficultyRecipe {
    fn kind(&self) -> Kind {
        Kind::Difficulty
    }

    fn learns_labels(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("source_rows", self.source_rows)?;
        let positive = [
            ("penalty.difficulty", self.penalty.difficulty),
            ("penalty.need", self.penalty.need),
            ("row_penalty.difficulty", self.row_penalty.difficulty),
            ("row_penalty.need", self.row_penalty.need),
            ("difficulty_spread", self.difficulty_spread),
        ];
        if let Some((name, value)) = positive.iter().find(|(_, v)| !(*v > 0.0 && v.is_finite())) {
            return Err(format!("head.{name} is {value}, expected a finite number > 0"));
        }
        // A recipe without abilities may start from a bundle that states some.
        let unknown =
            |tier: &&String| !self.abilities.is_empty() && !self.abilities.contains_key(*tier);
        match self.tiers.values().find(unknown) {
            None => Ok(()),
            Some(tier) => Err(format!(
                "head.tiers names {tier:?}, of which [head.abilities] states no ability"
            )),
        }
    }
}

fn demand_penalty() -> DemandPenalty {
    DemandPenalty { difficulty: 1000.0, need: 1000.0 }
}

fn row_penalty() -> DemandPenalty {
    DemandPenalty { difficulty: 10.0, need: 1.0 }
}

fn difficulty_spread() -> f64 {
    1.2
}

fn source_rows() -> usize {
    8000
}
