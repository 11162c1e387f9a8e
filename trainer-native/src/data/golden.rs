//! Makes golden-label preferences: turns outcomes of two models into battles between them.
//!
//! Where both models were scored against a known answer, no judge is needed to decide which did
//! better (the D_gold of RouteLLM, arXiv 2406.18665): with scores `s_a` and `s_b` in [0, 1] the
//! target is `(1 + s_a - s_b) / 2`. Two right or two wrong answers are a tie.

use super::{DataError, Outcomes, PreferenceRow};

/// The preferences of `model_a` against `model_b`, one for each row where both were scored, in the
/// rows' order; [`PreferenceRow::is_tie`] tells ties.
///
/// # Errors
/// [`DataError::UnknownModel`], listing the names there are.
pub fn preferences_from_outcomes<'a>(
    outcomes: &'a Outcomes,
    model_a: &str,
    model_b: &str,
) -> Result<impl Iterator<Item = PreferenceRow> + use<'a>, DataError> {
    let index = |asked: &str| {
        outcomes.model_index(asked).ok_or_else(|| DataError::UnknownModel {
            asked: asked.to_owned(),
            known: outcomes.models.join(", "),
        })
    };
    let (a, b) = (index(model_a)?, index(model_b)?);
    let (model_a, model_b) = (model_a.to_owned(), model_b.to_owned());
    Ok(outcomes.rows.iter().filter_map(move |row| {
        Some(PreferenceRow {
            target: f32::midpoint(1.0, row.score(a)? - row.score(b)?),
            id: row.id.clone(),
            query: row.query.clone(),
            dataset: row.dataset.clone(),
            model_a: model_a.clone(),
            model_b: model_b.clone(),
            weight: 1.0,
        })
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::OutcomeRow;

    fn outcomes() -> Outcomes {
        let row = |id: &str, scores: &[(usize, f32)]| OutcomeRow {
            id: id.to_owned(),
            query: format!("query {id}"),
            dataset: "own".to_owned(),
            category: None,
            cluster: None,
            scores: scores.to_vec(),
            costs: Vec::new(),
        };
        Outcomes {
            models: vec!["small".to_owned(), "large".to_owned()],
            rows: vec![
                row("a", &[(0, 0.0), (1, 1.0)]),
                row("b", &[(0, 1.0), (1, 1.0)]),
                row("c", &[(0, 1.0)]),
                row("d", &[(0, 0.75), (1, 0.25)]),
            ],
            ..Outcomes::default()
        }
    }

    #[test]
    fn targets_follow_the_scores_and_unmeasured_rows_give_none() {
        let outcomes = outcomes();
        let rows: Vec<_> =
            preferences_from_outcomes(&outcomes, "large", "small").unwrap().collect();
        let targets: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.target)).collect();
        assert_eq!(targets, [("a", 1.0), ("b", 0.5), ("d", 0.25)]);
        assert_eq!(rows.iter().filter(|row| row.is_tie()).count(), 1);
        assert_eq!((rows[0].model_a.as_str(), rows[0].model_b.as_str()), ("large", "small"));
    }

    #[test]
    fn an_unknown_model_is_named_beside_the_known_ones() {
        let outcomes = outcomes();
        let error = preferences_from_outcomes(&outcomes, "large", "Small").err().unwrap();
        assert_eq!(error.code(), "unknown_model");
        let text = error.to_string();
        assert!(text.contains("\"Small\"") && text.contains("small, large"), "{text}");
    }
}
