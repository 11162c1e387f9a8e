//! The router kinds, by the names that bundles and recipes give them.

use crate::error::RouterError;

/// A router kind this engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Matrix factorisation (RouteLLM, section 4.2), in the graph.
    Mf,
    /// Ridge regression on tokens and embedding, in the graph.
    Ridge,
    /// A multi-layer perceptron on the embedding, in the graph.
    Mlp,
    /// BERT classifier, fine-tuned with its encoder (RouteLLM, section 4.2), in the graph.
    Bert,
    /// Encoder and LLM embeddings by contrastive learning (RouterDC, arXiv 2409.19886), in the graph.
    RouterDc,
    /// The mean scores of the query's group, shrunk towards the overall means, in the graph.
    Cluster,
    /// The query's demands in the graph, each candidate's ability in the manifest: the multidimensional
    /// two-parameter logistic model of item response theory (Reckase 2009).
    Difficulty,
    /// Only the query's length, in the graph: a baseline.
    Length,
    /// Similarity-weighted ranking (RouteLLM, section 4.2), over a memory.
    SwRanking,
    /// k nearest neighbours over a memory: a baseline.
    Knn,
    /// A draw from a hash of the query: a baseline.
    Random,
}

impl Kind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [Self; 11] = [
        Self::Ridge,
        Self::Mf,
        Self::SwRanking,
        Self::Bert,
        Self::RouterDc,
        Self::Cluster,
        Self::Difficulty,
        Self::Mlp,
        Self::Knn,
        Self::Length,
        Self::Random,
    ];

    /// The name in `router.json` and in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mf => "mf",
            Self::Ridge => "ridge",
            Self::Mlp => "mlp",
            Self::Bert => "bert",
            Self::RouterDc => "routerdc",
            Self::Cluster => "cluster",
            Self::Difficulty => "difficulty",
            Self::Length => "length",
            Self::SwRanking => "sw-ranking",
            Self::Knn => "knn",
            Self::Random => "random",
        }
    }

    /// The kind that a manifest names.
    ///
    /// # Errors
    /// [`RouterError::BundleUnknownKind`].
    pub fn from_name(name: &str) -> Result<Self, RouterError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            RouterError::BundleUnknownKind {
                found: name.to_owned(),
                expected: Self::ALL.map(Self::name).join(", "),
            }
        })
    }

    /// Whether the graph gives `scores` beside the embedding.
    #[must_use]
    pub fn has_graph_scores(self) -> bool {
        match self {
            Self::Mf
            | Self::Ridge
            | Self::Mlp
            | Self::Bert
            | Self::RouterDc
            | Self::Cluster
            | Self::Difficulty
            | Self::Length => true,
            Self::SwRanking | Self::Knn | Self::Random => false,
        }
    }
}
