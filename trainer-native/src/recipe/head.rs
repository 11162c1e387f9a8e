//! What a router kind needs to be told beyond data and encoder.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use switchyard_router::Kind;

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
    /// The a of a token's frequency weight a / (a + p).
    pub frequency_weight: f64,
    /// g, the weight of the embedding beside the bag of tokens.
    pub embedding_weight: f64,
    /// c, how much of the difficulty found by other LLMs the fit starts from.
    #[serde(default)]
    pub difficulty_weight: f64,
    /// Penalty of that difficulty's own fit.
    #[serde(default = "difficulty_penalty")]
    pub difficulty_penalty: f64,
    /// Rows above which a source of other LLMs' outcomes weighs no more.
    #[serde(default = "difficulty_rows")]
    pub difficulty_rows: usize,
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

/// A classifier fine-tuned with its encoder (RouteLLM, section 4.3).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BertRecipe {
    /// Whether the token table stays as it is.
    #[serde(default)]
    pub freeze_tokens: bool,
    /// How many of the lowest transformer layers stay as they are.
    #[serde(default)]
    pub freeze_layers: usize,
    /// Which battles of other models count as battles of the strong and the weak candidate.
    pub tiers: Option<TierLabels>,
}

/// Models in the place of the strong and the weak candidate, by their tier of Elo rating.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierLabels {
    /// Tiers in all; 10 in the paper.
    pub count: usize,
    /// Tiers of the strong models, from 1; 1 and 2 in the paper.
    pub strong: Vec<usize>,
    /// Tiers of the weak models; 3 in the paper.
    pub weak: Vec<usize>,
}

/// Similarity-weighted ranking (RouteLLM, section 4.1).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwRankingRecipe {
    /// The base of the similarity weights, >= 1; 10 in the paper.
    pub gamma: f64,
    /// Tiers the models are grouped into by Elo rating; 10 in the paper. Fewer models than that
    /// make one tier each.
    pub tiers: usize,
    /// Battles drawn of a query that several LLMs answered.
    #[serde(default = "some_battles")]
    pub battles: usize,
    /// Most queries remembered; drawn from the recipe's seed where there are more.
    #[serde(default = "most_rows")]
    pub rows: usize,
}

/// Nearest neighbours.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnnRecipe {
    /// How many neighbours count.
    pub neighbours: usize,
    /// Most queries remembered.
    #[serde(default = "most_rows")]
    pub rows: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

fn difficulty_penalty() -> f64 {
    30.0
}

fn difficulty_rows() -> usize {
    1500
}

fn some_battles() -> usize {
    8
}

fn most_rows() -> usize {
    100_000
}

impl HeadRecipe {
    /// The settings of a kind, from the recipe's `[head]`.
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
            Self::SwRanking(_) => Kind::SwRanking,
            Self::Knn(_) => Kind::Knn,
            Self::Length => Kind::Length,
            Self::Random => Kind::Random,
        }
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
                let positive = [
                    ("penalty", head.penalty),
                    ("frequency_weight", head.frequency_weight),
                    ("difficulty_penalty", head.difficulty_penalty),
                ];
                if let Some((name, value)) =
                    positive.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite()))
                {
                    return Err(format!("head.{name} is {value}, expected a finite number > 0"));
                }
                let weights = [
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
                at_least_one("tiers", head.tiers)?;
                at_least_one("battles", head.battles)?;
                at_least_one("rows", head.rows)?;
                if head.tiers > 255 {
                    return Err(format!("head.tiers is {}, expected at most 255", head.tiers));
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
            Self::Bert(head) => match &head.tiers {
                Some(tiers) if tiers.strong.iter().any(|tier| tiers.weak.contains(tier)) => {
                    Err("head.tiers: a tier is both strong and weak".into())
                }
                _ => Ok(()),
            },
            Self::Length | Self::Random => Ok(()),
        }
    }
}
