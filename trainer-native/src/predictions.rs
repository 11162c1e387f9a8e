//! Writes a bundle's decisions as RouterArena's file of predictions (arXiv 2510.00202).
//!
//! The file is a JSON array with one object a query:
//!
//! ```json
//! {"global index": "Own_0", "prompt": "Name a prime above 10.", "prediction": "gpt-4o-mini",
//!  "generated_result": null, "cost": null, "accuracy": null}
//! ```
//!
//! RouterArena's own scripts fill in the last three: they ask the model and score its answer. A
//! prediction is a model's name in RouterArena's list, so that candidates are renamed.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use pointsman::{Policy, Router};
use serde::Serialize;

use crate::assess::decisions;
use crate::data::ArenaQuery;
use crate::error::TrainerError;

/// The model that a router chooses for one query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The query's index.
    #[serde(rename = "global index")]
    pub global_index: String,
    /// The query's text.
    pub prompt: String,
    /// RouterArena's name of the model.
    pub prediction: String,
    generated_result: (),
    cost: (),
    accuracy: (),
}

/// Routes each query with `policy`; `models` gives RouterArena's names by candidate, others keep
/// their own.
///
/// # Errors
/// [`TrainerError::UnknownCandidate`] for a name of no candidate; those of the engine;
/// [`TrainerError::Interrupted`].
pub fn predict(
    router: &Router,
    queries: Vec<ArenaQuery>,
    models: &BTreeMap<String, String>,
    policy: &Policy,
    stop: &AtomicBool,
) -> Result<Vec<Prediction>, TrainerError> {
    let info = router.info();
    if let Some(unknown) = models.keys().find(|id| info.candidates.iter().all(|c| c.id != **id)) {
        let known: Vec<&str> = info.candidates.iter().map(|c| c.id.as_str()).collect();
        return Err(TrainerError::UnknownCandidate {
            candidate: unknown.clone(),
            bundle: info.name.clone(),
            known: known.join(", "),
        });
    }
    let texts: Vec<&str> = queries.iter().map(|query| query.prompt.as_str()).collect();
    let decided = decisions(router, &texts, policy, stop)?;
    let predicted = |(query, decision): (ArenaQuery, pointsman::Decision)| Prediction {
        global_index: query.global_index,
        prompt: query.prompt,
        prediction: models.get(&decision.model).cloned().unwrap_or(decision.model),
        generated_result: (),
        cost: (),
        accuracy: (),
    };
    Ok(queries.into_iter().zip(decided).map(predicted).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::export::bundle::read_files;

    fn predicted(models: &[(&str, &str)], share: f64) -> Result<Vec<Prediction>, TrainerError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tiny");
        let router = Router::from_files(&read_files(&folder).unwrap()).unwrap();
        let query = |at: usize| ArenaQuery {
            global_index: format!("Own_{at}"),
            prompt: format!("prove \"{at}\"\nhello"),
        };
        let models = models.iter().map(|&(id, name)| (id.to_owned(), name.to_owned())).collect();
        let policy = Policy { strong_share: Some(share), ..Policy::default() };
        let stop = AtomicBool::new(false);
        predict(&router, (0..3).map(query).collect(), &models, &policy, &stop)
    }

    #[test]
    fn predictions_are_in_the_order_of_the_queries_under_the_names_given() {
        let strong = predicted(&[("tiny-strong", "gpt-4o")], 1.0).unwrap();
        let text = serde_json::to_string(&strong[2]).unwrap();
        let expected = r#"{"global index":"Own_2","prompt":"prove \"2\"\nhello","prediction":"gpt-4o","generated_result":null,"cost":null,"accuracy":null}"#;
        assert_eq!(text, expected);
        assert_eq!(strong[0].global_index, "Own_0");
        let weak = predicted(&[("tiny-strong", "gpt-4o")], 0.0).unwrap();
        assert!(weak.iter().all(|row| row.prediction == "tiny-weak"), "{weak:?}");
    }

    #[test]
    fn a_name_for_no_candidate_lists_the_candidates() {
        let error = predicted(&[("huge", "gpt-4o")], 0.5).unwrap_err();
        assert_eq!(error.code(), "unknown_candidate");
        for part in ["\"huge\"", "tiny-strong, tiny-weak", "--model"] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}
