//! Nodes of a three-way classifier (RouteLLM, section 4.2, BERT classifier).
//!
//! ```text
//! logits = embedding weight + bias          [1, 3]     strong wins, tie, weak wins
//! scores = [logits_0 ; ln(e^logits_1 + e^logits_2)]    [1, 2], columns in the order asked for
//! ```
//! The engine computes P(strong wins) as the logistic function of the scores' difference, which is
//! then the softmax of the logits at *strong wins*: `1 / (1 + e^(weak - strong)) = e^logits_0 /
//! (e^logits_0 + e^logits_1 + e^logits_2)`.

use super::graph::{Attribute, Graph};
use crate::encoder::bert_weights::Dense;
use crate::error::TrainerError;

/// Number of labels: strong wins, tie, weak wins.
pub const LABELS: usize = 3;

/// Which candidate's score comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    StrongFirst,
    WeakFirst,
}

/// Adds the head's nodes on the value `embedding`, `[1, H]`; returns the name of the scores, `[1,
/// 2]`, which is `scores`.
///
/// # Errors
/// [`TrainerError::NotFinite`] where a weight is not; [`TrainerError::BadEncoder`] where the layer
/// does not end in three labels.
pub fn scores(
    g: &mut Graph,
    embedding: &str,
    classifier: &Dense,
    columns: Columns,
) -> Result<String, TrainerError> {
    if classifier.output != LABELS {
        let found = classifier.output;
        return Err(TrainerError::BadEncoder {
            path: "classifier".into(),
            detail: format!("its last layer has {found} outputs, expected {LABELS}"),
        });
    }
    if let Some(v) = classifier.weight.iter().chain(&classifier.bias).find(|v| !v.is_finite()) {
        return Err(TrainerError::NotFinite {
            what: "a weight of the classifier",
            detail: format!("{v}: lower the learning rate"),
        });
    }
    let weight = g.floats("classifier.weight", &[classifier.input, LABELS], &classifier.weight);
    let bias = g.floats("classifier.bias", &[1, LABELS], &classifier.bias);
    let logits = g.node("MatMul", "classifier.product", &[embedding, &weight], &[]);
    let logits = g.node("Add", "classifier.logits", &[&logits, &bias], &[]);
    let [zero, one, three] =
        [0, 1, LABELS as i64].map(|i| g.int64s(&format!("classifier.{i}"), &[1], &[i]));
    let strong = g.node("Slice", "classifier.strong", &[&logits, &zero, &one, &one], &[]);
    let others = g.node("Slice", "classifier.others", &[&logits, &one, &three, &one], &[]);
    // The logarithm of a sum of exponentials, with their largest subtracted so that none overflows.
    let largest = [Attribute::Ints("axes", &[1]), Attribute::Int("keepdims", 1)];
    let largest = g.node("ReduceMax", "classifier.largest", &[&others], &largest);
    let below = g.node("Sub", "classifier.below", &[&others, &largest], &[]);
    let powers = g.node("Exp", "classifier.powers", &[&below], &[]);
    let keep = [Attribute::Int("keepdims", 1)];
    let sum = g.node("ReduceSum", "classifier.sum", &[&powers, &one], &keep);
    let log = g.node("Log", "classifier.log", &[&sum], &[]);
    let weak = g.node("Add", "classifier.weak", &[&log, &largest], &[]);
    let order = match columns {
        Columns::StrongFirst => [strong.as_str(), weak.as_str()],
        Columns::WeakFirst => [weak.as_str(), strong.as_str()],
    };
    Ok(g.node("Concat", "scores", &order, &[Attribute::Int("axis", 1)]))
}
