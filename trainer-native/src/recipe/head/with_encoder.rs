//! Settings of the kinds that are trained together with their encoder.

use pointsman::Kind;
use serde::Deserialize;

use super::kind_settings::{KindSettings, Optimisation, at_least_one};

/// BERT classifier, fine-tuned with its encoder (RouteLLM, section 4.2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BertRecipe {
    /// Whether the token table is not trained.
    #[serde(default)]
    pub freeze_tokens: bool,
    /// Number of lowest transformer layers that are not trained.
    #[serde(default)]
    pub freeze_layers: usize,
    /// Elo groups whose models' battles count as battles of the strong and the weak candidate.
    pub elo_groups: Option<EloGroups>,
}

/// Groups of models by Elo rating (RouteLLM calls them tiers) that stand for the strong and the
/// weak candidate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EloGroups {
    /// Number of groups; 10 in the paper.
    pub count: usize,
    /// Groups of the strong models, from 1; 1 and 2 in the paper.
    pub strong: Vec<usize>,
    /// Groups of the weak models; 3 in the paper.
    pub weak: Vec<usize>,
}

impl KindSettings for BertRecipe {
    fn kind(&self) -> Kind {
        Kind::Bert
    }

    fn needs_pair(&self) -> bool {
        true
    }

    fn optimisation(&self) -> Option<Optimisation> {
        Some(Optimisation::FineTuning)
    }

    fn check(&self) -> Result<(), String> {
        match &self.elo_groups {
            Some(groups) if groups.strong.iter().any(|group| groups.weak.contains(group)) => {
                Err("head.elo_groups: a group is both strong and weak".into())
            }
            _ => Ok(()),
        }
    }
}

/// RouterDC (arXiv 2409.19886), or another paper's loss on the same network.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterDcRecipe {
    /// The loss.
    #[serde(default)]
    pub loss: RouterDcLoss,
    /// K+, the number of best LLMs of a query; 3 in the paper.
    #[serde(default = "three")]
    pub positives: usize,
    /// K-, the number of worst LLMs of a query; 3 in the paper.
    #[serde(default = "three")]
    pub worst: usize,
    /// H, the number of queries of other clusters that a query is contrasted with; 3 in the paper.
    #[serde(default = "three")]
    pub negatives: usize,
    /// Weight of the sample-sample loss; 1 in the paper, 0 leaves it out.
    #[serde(default = "one")]
    pub lambda: f64,
    /// Temperature that cosines are divided by; 1 in the paper.
    #[serde(default = "one")]
    pub temperature: f64,
    /// ZOOTER: temperature that scores are divided by before the softmax.
    #[serde(default = "one_f32")]
    pub target_temperature: f32,
    /// Number of clusters that t-SNE and k-means make of the queries' embeddings before training
    /// (section 4.2); where absent, clusters are the `cluster_id`s of the file, or else its data
    /// sets.
    pub clusters: Option<usize>,
    /// Score points that one US dollar of an answer's cost is worth (`cost_rate` in RouterDC's
    /// code): trained on score - cost_weight * cost.
    #[serde(default)]
    pub cost_weight: f32,
    /// Number of queries that each data set is resampled to, by drawing or by repetition; 1,000 in
    /// the paper; not resampled where absent.
    pub samples: Option<usize>,
    /// Whether the token table is not trained.
    #[serde(default)]
    pub freeze_tokens: bool,
    /// Number of lowest transformer layers that are not trained.
    #[serde(default)]
    pub freeze_layers: usize,
}

/// A loss on scores of LLMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouterDcLoss {
    /// RouterDC's two contrastive losses.
    #[default]
    DualContrastive,
    /// Cross-entropy to the best LLM: the paper's CosineClassifier.
    CosineClassifier,
    /// KL divergence from the softmax of the scores: ZOOTER (arXiv 2311.08692).
    Zooter,
}

impl KindSettings for RouterDcRecipe {
    fn kind(&self) -> Kind {
        Kind::RouterDc
    }

    fn optimisation(&self) -> Option<Optimisation> {
        Some(Optimisation::FineTuning)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("positives", self.positives)?;
        at_least_one("worst", self.worst)?;
        at_least_one("negatives", self.negatives)?;
        at_least_one("samples", self.samples.unwrap_or(1))?;
        at_least_one("clusters", self.clusters.unwrap_or(1))?;
        if !(self.lambda >= 0.0 && self.lambda.is_finite()) {
            return Err(format!("head.lambda is {}, expected >= 0", self.lambda));
        }
        if !(self.cost_weight >= 0.0 && self.cost_weight.is_finite()) {
            return Err(format!("head.cost_weight is {}, expected >= 0", self.cost_weight));
        }
        // Below 0.02, the exponentials of the losses overflow.
        if !(self.temperature >= 0.02 && self.temperature.is_finite()) {
            let found = self.temperature;
            return Err(format!("head.temperature is {found}, expected at least 0.02"));
        }
        match self.target_temperature > 0.0 && self.target_temperature.is_finite() {
            true => Ok(()),
            false => Err(format!(
                "head.target_temperature is {}, expected a finite number > 0",
                self.target_temperature
            )),
        }
    }
}

fn three() -> usize {
    3
}

fn one() -> f64 {
    1.0
}

fn one_f32() -> f32 {
    1.0
}
