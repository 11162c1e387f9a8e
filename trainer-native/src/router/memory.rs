//! The memory routers: similarity-weighted ranking (RouteLLM, section 4.1) and nearest neighbours.
//!
//! Nothing is trained: the labelled queries' embeddings are kept in int8, with battles between
//! tiers of models or with the candidates' scores, and the engine looks back on them at inference.

use switchyard_router::{Battle, Memory, Records};

use crate::data::elo::WinMatrix;
use crate::data::tiers;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::recipe::{KnnRecipe, SwRankingRecipe};
use crate::training::preferences::{Preference, TrainingQuery};
