//! Settings of a router kind, the `[head]` of a recipe.

mod kind_settings;
mod on_embeddings;
mod untrained;
mod with_encoder;

use pointsman::Kind;
use serde::de::DeserializeOwned;

use kind_settings::KindSettings;

pub use kind_settings::Optimisation;
pub use on_embeddings::*;
pub use untrained::*;
pub use with_encoder::*;

/// The `[head]` of a recipe, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadRecipe {
    /// Matrix factorisation.
    Mf(MfRecipe),
    /// Ridge regression on tokens and embedding.
    Ridge(RidgeRecipe),
    /// Demands by item response theory.
    Difficulty(DifficultyRecipe),
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
    Length(LengthRecipe),
    /// Chance.
    Random(RandomRecipe),
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
            Kind::Difficulty => Self::Difficulty(settings(table)?),
            Kind::Ridge => Self::Ridge(settings(table)?),
            Kind::Bert => Self::Bert(settings(table)?),
            Kind::RouterDc => Self::RouterDc(settings(table)?),
            Kind::Cluster => Self::Cluster(settings(table)?),
            Kind::SwRanking => Self::SwRanking(settings(table)?),
            Kind::Knn => Self::Knn(settings(table)?),
            Kind::Length => Self::Length(settings(table)?),
            Kind::Random => Self::Random(settings(table)?),
        };
        head.settings().check()?;
        Ok(head)
    }

    fn settings(&self) -> &dyn KindSettings {
        match self {
            Self::Mf(settings) => settings,
            Self::Ridge(settings) => settings,
            Self::Difficulty(settings) => settings,
            Self::Mlp(settings) => settings,
            Self::Bert(settings) => settings,
            Self::RouterDc(settings) => settings,
            Self::Cluster(settings) => settings,
            Self::SwRanking(settings) => settings,
            Self::Knn(settings) => settings,
            Self::Length(settings) => settings,
            Self::Random(settings) => settings,
        }
    }

    /// The kind these settings are for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.settings().kind()
    }

    /// Whether the kind can only say which of two candidates wins.
    #[must_use]
    pub fn needs_pair(&self) -> bool {
        self.settings().needs_pair()
    }

    /// Whether the kind learns from labels that say how hard a query is.
    #[must_use]
    pub fn learns_labels(&self) -> bool {
        self.settings().learns_labels()
    }

    /// The optimisation settings that the kind takes.
    #[must_use]
    pub fn optimisation(&self) -> Option<Optimisation> {
        self.settings().optimisation()
    }
}
