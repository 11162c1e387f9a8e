//! BERT classifier (RouteLLM, section 4.2): fine-tunes an encoder to predict which candidate wins.
//!
//! ```text
//! logits  = embed(q) W + b                   [B, 3]     strong wins, tie, weak wins
//! P(strong wins | q) = softmax(logits)_0
//! loss    = weighted mean of - sum over labels of target * ln softmax(logits)
//! target(y), y in [0, 1]: (2y - 1, 2 - 2y, 0) where y >= 1/2, else (0, 2y, 1 - 2y)
//! ```
//! y is how far the strong candidate beat the weak one: 1, 1/2 and 0 are the three labels, and
//! values between them are shared between a label and the tie. Any `TrainableEncoder` can be
//! used.

mod classifier;
mod fit;
mod head;
mod queries;

pub(crate) use classifier::{Classifier, ClassifierTask};
pub use head::ClassifierHead;
pub(crate) use queries::LabelledQuery;
