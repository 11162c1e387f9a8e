//! Settings of the kinds that train nothing.

use pointsman::Kind;
use serde::Deserialize;

use super::kind_settings::{KindSettings, at_least_one};

/// Similarity-weighted ranking (RouteLLM, section 4.2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwRankingRecipe {
    /// The base of the similarity weights, >= 1; 10 in the paper.
    pub gamma: f64,
    /// Number of Elo groups of models; 10 in the paper. With fewer models, each is a group of its
    /// own.
    pub elo_groups: usize,
    /// Number of battles drawn for a query that several LLMs answered.
    #[serde(default = "some_battles")]
    pub battles: usize,
    /// Most queries remembered; of more, some are drawn by the recipe's seed.
    #[serde(default = "most_rows")]
    pub rows: usize,
}

impl KindSettings for SwRankingRecipe {
    fn kind(&self) -> Kind {
        Kind::SwRanking
    }

    fn needs_pair(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("elo_groups", self.elo_groups)?;
        at_least_one("battles", self.battles)?;
        at_least_one("rows", self.rows)?;
        if self.elo_groups > 255 {
            let found = self.elo_groups;
            return Err(format!("head.elo_groups is {found}, expected at most 255"));
        }
        match self.gamma >= 1.0 && self.gamma.is_finite() {
            true => Ok(()),
            false => Err(format!("head.gamma is {}, expected >= 1", self.gamma)),
        }
    }
}

/// Nearest neighbours.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnRecipe {
    /// Number of neighbours.
    pub neighbours: usize,
    /// Most queries remembered.
    #[serde(default = "most_rows")]
    pub rows: usize,
}

impl KindSettings for KnnRecipe {
    fn kind(&self) -> Kind {
        Kind::Knn
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("neighbours", self.neighbours)?;
        at_least_one("rows", self.rows)
    }
}

/// Chance, which has no settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRecipe {}

impl KindSettings for RandomRecipe {
    fn kind(&self) -> Kind {
        Kind::Random
    }
}

fn some_battles() -> usize {
    8
}

fn most_rows() -> usize {
    100_000
}
