//! Router kinds: each turns a query's embedding or the graph's scores into qualities and a win rate.
//!
//! A kind whose head is in the graph gives one Bradley-Terry score or one expected score per candidate, or
//! the query's demands, from which the engine computes each candidate's quality by its ability. The memory
//! kinds fit or average scores at inference, from `memory.bin`. Every kind works with every encoder tier.

mod bradley_terry;
mod difficulty;
mod expectation;
mod nearest_neighbours;
mod random;
mod sw_ranking;

use crate::bundle::Bundle;
use crate::encoder::Outputs;
use crate::error::RouterError;
use crate::kind::Kind;
use crate::manifest::Manifest;
use crate::memory::{MEMORY_FILE, Memory};

use nearest_neighbours::NearestNeighbours;
use sw_ranking::SwRanking;

/// A kind's data for assessing queries, read from the bundle once.
#[derive(Debug)]
pub(crate) enum Scorer {
    /// The graph gives Bradley-Terry scores.
    Graph,
    /// The graph gives expected scores in [0, 1].
    Expectation,
    /// The graph gives the query's demands, the manifest each candidate's ability.
    Difficulty,
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
            Kind::Difficulty => (Self::Difficulty, 0),
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
            Self::Difficulty => difficulty::assess(&outputs.scores, manifest),
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
