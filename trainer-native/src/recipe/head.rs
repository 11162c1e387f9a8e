//! Settings of a router kind, the `[head]` of a recipe.

use pointsman::Kind;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The `[head]` of a recipe, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadRecipe {
    /// Matrix factorisation.
    Mf(MfRecipe),
    /// Ridge regression on tokens and embedding.
    Ridge(RidgeRecipe),
    /// A multi-layer perceptron.
    Mlp(MlpRecipe),
    /// A classifier fine-tuned with its encoder.
    Bert(BertRecipe),
    /// Encoder and LLM embeddings under contrastive losses.
    RouterDc(RouterDcRecipe),
    /// Mean scores of the query's group.
    Cluster(ClusterRecipe),
    /// Similarity-weighted ranking.
    SwRanking(SwRankingRecipe),
    /// Nearest neighbours.
    Knn(KnnRecipe),
    /// The query's length alone.
    Length,
    /// Chance.
    Random,
}

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

fn three() -> usize {
    3
}

fn twenty() -> usize {
    20
}

fn half() -> f64 {
    0.5
}

fn one() -> f64 {
    1.0
}

fn one_f32() -> f32 {
    1.0
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

fn some_battles() -> usize {
    8
}

fn most_rows() -> usize {
    100_000
}

impl HeadRecipe {
    /// Parses the settings of a kind from the recipe's `[head]`.
    pub(super) fn parse(kind: &str, table: toml::Table) -> Result<Self, String> {
        fn settings<T: DeserializeOwned>(table: toml::Table) -> Result<T, String> {
            table.try_into().map_err(|e: toml::de::Error| format!("[head]: {}", e.message()))
        }
        let kind = Kind::from_name(kind).map_err(|_| {
            let known = Kind::ALL.map(Kind::name).join(", ");
            format!("kind is {kind:?}, expected one of {known}")
        })?;
        let head = match kind {
            Kind::Mf => Self::Mf(settings(table)?),
            Kind::Mlp => Self::Mlp(settings(table)?),
            Kind::Ridge => Self::Ridge(settings(table)?),
            Kind::Bert => Self::Bert(settings(table)?),
            Kind::RouterDc => Self::RouterDc(settings(table)?),
            Kind::Cluster => Self::Cluster(settings(table)?),
            Kind::SwRanking => Self::SwRanking(settings(table)?),
            Kind::Knn => Self::Knn(settings(table)?),
            Kind::Length => settings::<NoSettings>(table).map(|_| Self::Length)?,
            Kind::Random => settings::<NoSettings>(table).map(|_| Self::Random)?,
        };
        head.check()?;
        Ok(head)
    }

    /// The kind these settings are for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Mf(_) => Kind::Mf,
            Self::Mlp(_) => Kind::Mlp,
            Self::Ridge(_) => Kind::Ridge,
            Self::Bert(_) => Kind::Bert,
            Self::RouterDc(_) => Kind::RouterDc,
            Self::Cluster(_) => Kind::Cluster,
            Self::SwRanking(_) => Kind::SwRanking,
            Self::Knn(_) => Kind::Knn,
            Self::Length => Kind::Length,
            Self::Random => Kind::Random,
        }
    }

    /// Whether the kind can only say which of two candidates wins.
    #[must_use]
    pub fn needs_pair(&self) -> bool {
        matches!(self, Self::Ridge(_) | Self::Bert(_) | Self::Length | Self::SwRanking(_))
    }

    fn check(&self) -> Result<(), String> {
        let at_least_one = |name: &str, value: usize| match value {
            0 => Err(format!("head.{name} is 0, expected at least 1")),
            _ => Ok(()),
        };
        match self {
            Self::Mf(head) => {
                at_least_one("dimension", head.dimension)?;
                match head.noise >= 0.0 && head.noise.is_finite() {
                    true => Ok(()),
                    false => Err(format!("head.noise is {}, expected >= 0", head.noise)),
                }
            }
            Self::Mlp(head) => {
                at_least_one("hidden", head.hidden)?;
                match (0.0..1.0).contains(&head.dropout) {
                    true => Ok(()),
                    false => Err(format!("head.dropout is {}, expected [0, 1)", head.dropout)),
                }
            }
            Self::Ridge(head) => {
                at_least_one("difficulty_rows", head.difficulty_rows)?;
                let mut positive = vec![
                    ("penalty", head.penalty),
                    ("frequency_weight", head.frequency_weight),
                    ("difficulty_penalty", head.difficulty_penalty),
                ];
                if let Some(kernel) = &head.kernel {
                    at_least_one("kernel.rows", kernel.rows)?;
                    positive.push(("kernel.weight", kernel.weight));
                    positive.push(("kernel.temperature", kernel.temperature));
                }
                if let Some((name, value)) =
                    positive.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite()))
                {
                    return Err(format!("head.{name} is {value}, expected a finite number > 0"));
                }
                if head.token_weight + head.embedding_weight == 0.0 && head.kernel.is_none() {
                    return Err("head has neither token_weight nor embedding_weight nor kernel: \
                                nothing to learn from"
                        .into());
                }
                let weights = [
                    ("token_weight", head.token_weight),
                    ("embedding_weight", head.embedding_weight),
                    ("difficulty_weight", head.difficulty_weight),
                ];
                match weights.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
                    Some((name, value)) => {
                        Err(format!("head.{name} is {value}, expected a finite number >= 0"))
                    }
                    None => Ok(()),
                }
            }
            Self::SwRanking(head) => {
                at_least_one("elo_groups", head.elo_groups)?;
                at_least_one("battles", head.battles)?;
                at_least_one("rows", head.rows)?;
                if head.elo_groups > 255 {
                    let found = head.elo_groups;
                    return Err(format!("head.elo_groups is {found}, expected at most 255"));
                }
                match head.gamma >= 1.0 && head.gamma.is_finite() {
                    true => Ok(()),
                    false => Err(format!("head.gamma is {}, expected >= 1", head.gamma)),
                }
            }
            Self::Knn(head) => {
                at_least_one("neighbours", head.neighbours)?;
                at_least_one("rows", head.rows)
            }
            Self::Bert(head) => match &head.elo_groups {
                Some(groups) if groups.strong.iter().any(|group| groups.weak.contains(group)) => {
                    Err("head.elo_groups: a group is both strong and weak".into())
                }
                _ => Ok(()),
            },
            Self::RouterDc(head) => {
                at_least_one("positives", head.positives)?;
                at_least_one("worst", head.worst)?;
                at_least_one("negatives", head.negatives)?;
                at_least_one("samples", head.samples.unwrap_or(1))?;
                at_least_one("clusters", head.clusters.unwrap_or(1))?;
                if !(head.lambda >= 0.0 && head.lambda.is_finite()) {
                    return Err(format!("head.lambda is {}, expected >= 0", head.lambda));
                }
                if !(head.cost_weight >= 0.0 && head.cost_weight.is_finite()) {
                    return Err(format!("head.cost_weight is {}, expected >= 0", head.cost_weight));
                }
                // Below 0.02, the exponentials of the losses overflow.
                if !(head.temperature >= 0.02 && head.temperature.is_finite()) {
                    let found = head.temperature;
                    return Err(format!("head.temperature is {found}, expected at least 0.02"));
                }
                match head.target_temperature > 0.0 && head.target_temperature.is_finite() {
                    true => Ok(()),
                    false => Err(format!(
                        "head.target_temperature is {}, expected a finite number > 0",
                        head.target_temperature
                    )),
                }
            }
            Self::Cluster(head) => {
                if head.count < 2 {
                    return Err(format!("head.count is {}, expected at least 2", head.count));
                }
                if !(head.shrinkage >= 0.0 && head.shrinkage.is_finite()) {
                    return Err(format!("head.shrinkage is {}, expected >= 0", head.shrinkage));
                }
                if !(0.0..=1.0).contains(&head.sphere) {
                    return Err(format!("head.sphere is {}, expected [0, 1]", head.sphere));
                }
                match head.correction_penalty {
                    Some(found) if !(found > 0.0 && found.is_finite()) => Err(format!(
                        "head.correction_penalty is {found}, expected a finite number > 0"
                    )),
                    _ => Ok(()),
                }
            }
            Self::Length | Self::Random => Ok(()),
        }
    }
}
