//! Demands of a query by item response theory, from outcomes of any LLMs, labels of difficulty and needs.
//!
//! ```text
//! d_k(q) = w_k . (embedding(q) - mean) / deviation + c_k          mean 0, standard deviation 1 over the
//!                                                                  texts that the demand was learnt from
//! P(M answers q well) = sigmoid(a_M - sum_k s_Mk d_k(q))           engine, `ability.rs`
//! ```
//! Two demands are learnt, each by ridge regression on the deployed encoder's embeddings without their
//! length, so that filler does not raise a rating, and, where the encoder has them, on rows with a weight of their
//! own for each token (`features.rs`):
//!
//! - `difficulty`: of each source of outcomes the items' difficulties (`linear/item_response.rs`), and the labels of
//!   the files that state a difficulty. Sources are scaled one by one, since their numbers do not compare;
//! - `need`: graded needs, where the recipe has a source of them.
//!
//! Gold labels of the recipe's pair add a third, `pair`, that corrects the two LLMs' win rate (`pair.rs`).
//!
//! What a demand means to an LLM is the LLM's ability: fitted to its outcomes where it has any, else that
//! of the tier that the recipe names for it. An LLM that the encoder has never seen is a new ability.

mod abilities;
mod features;
mod fit;
mod head;
mod own_labels;
mod pair;
mod table;
mod targets;

pub use abilities::FEWEST_OUTCOMES;
pub use fit::{FittedDifficulty, cross_validated, fit_difficulty};
pub use head::DifficultyHead;
pub use own_labels::{FittedPair, PairLabel, PairOnBundle};
pub use targets::{Demand, Target, by_demand};
