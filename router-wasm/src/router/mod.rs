//! Router kinds: each turns a query's embedding or the graph's scores into qualities and a win rate.
//!
//! A kind whose head is in the graph gives one Bradley-Terry score or one expected score per
//! candidate; the memory kinds fit or average scores at inference, from `memory.bin`. Every kind works
//! with every encoder tier.

mod bradley_terry;
mod expectation;
mod nearest_neighbours;
mod random;
mod sw_ranking;

use crate::bundle::Bundle;
use crate::encoder::Outputs;
use crate::error::RouterError;
use crate::manifest::Manifest;
use crate::memory::{MEMORY_FILE, Memory};

use nearest_neighbours::NearestNeighbours;
use sw_ranking::SwRanking;

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
    pub const ALL: [Self; 10] = [
        Self::Ridge,
        Self::Mf,
        Self::SwRanking,
        Self::Bert,
        Self::RouterDc,
        Self::Cluster,
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
        matches!(
            self,
            Self::Mf
                | Self::Ridge
                | Self::Mlp
                | Self::Bert
                | Self::RouterDc
                | Self::Cluster
                | Self::Length
        )
    }
}

/// A kind's data for assessing queries, read from the bundle once.
#[derive(Debug)]
pub(crate) enum Scorer {
    /// The graph gives Bradley-Terry scores.
    Graph,
    /// The graph gives expected scores in [0, 1].
    Expectation,
    SwRanking(SwRanking),
    NearestNeighbours(NearestNeighbours),
    Random {
        seed: u64,
    },
}

impl Scorer {
    /// # Errors
    /// [`RouterError::BundleBadMemory`], [`RouterError::BundleBadManifest`],
    /// [`RouterError::BundleMissingFile`].
    pub fn from_bundle(kind: Kind, bundle: &Bundle<'_>) -> Result<Self, RouterError> {
        let manifest = &bundle.manifest;
        let memory = || Memory::from_bytes(bundle.file(MEMORY_FILE)?);
        let (scorer, width) = match kind {
            Kind::Mf | Kind::Ridge | Kind::Mlp | Kind::Bert | Kind::RouterDc | Kind::Length => {
                (Self::Graph, 0)
            }
            Kind::Cluster => (Self::Expectation, 0),
            Kind::SwRanking => {
                let ranking = SwRanking::new(memory()?, manifest)?;
                let width = ranking.width();
                (Self::SwRanking(ranking), width)
            }
            Kind::Knn => {
                let neighbours = NearestNeighbours::new(memory()?, manifest)?;
                let width = neighbours.width();
                (Self::NearestNeighbours(neighbours), width)
            }
            Kind::Random => match manifest.head.seed {
                Some(seed) => (Self::Random { seed }, 0),
                None => {
                    let detail = "head.seed is missing".into();
                    return Err(RouterError::BundleBadManifest { detail });
                }
            },
        };
        match width <= manifest.encoder.embedding_size {
            true => Ok(scorer),
            false => Err(RouterError::BundleBadMemory {
                detail: format!(
                    "it compares {width} coordinates, the embedding has {}",
                    manifest.encoder.embedding_size
                ),
            }),
        }
    }

    /// Expected quality of each candidate in [0, 1], and the win rate of the manifest's strong
    /// candidate over its weak one.
    pub fn assess(
        &self,
        text: &str,
        outputs: &Outputs,
        manifest: &Manifest,
    ) -> (Vec<f64>, Option<f64>) {
        match self {
            Self::Graph => by_scores(&outputs.scores, manifest),
            Self::Expectation => expectation::assess(&outputs.scores, manifest.pair()),
            Self::SwRanking(ranking) => by_scores(&ranking.scores(&outputs.embedding), manifest),
            Self::NearestNeighbours(neighbours) => neighbours.assess(&outputs.embedding),
            Self::Random { seed } => {
                let candidates = 0..manifest.candidates.len() as u64;
                let qualities = candidates.map(|c| random::draw(seed.wrapping_add(c + 1), text));
                (qualities.collect(), manifest.pair().map(|_| random::draw(*seed, text)))
            }
        }
    }
}

fn by_scores(scores: &[f32], manifest: &Manifest) -> (Vec<f64>, Option<f64>) {
    let win_rate =
        manifest.pair().map(|(strong, weak)| bradley_terry::win_rate(scores[strong], scores[weak]));
    (bradley_terry::qualities(scores), win_rate)
}
