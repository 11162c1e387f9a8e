//! The one table every reader fills: queries with the scores of the models that answered them.

use std::collections::HashMap;

/// Queries with their outcomes, over one list of models.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcomes {
    /// Names of the models, in order of first appearance; rows refer to them by index.
    pub models: Vec<String>,
    /// One row a query.
    pub rows: Vec<OutcomeRow>,
}

/// One query and how well each model did on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRow {
    /// Unique within the source it was read from.
    pub id: String,
    /// The text to route.
    pub query: String,
    /// The benchmark or set it belongs to.
    pub dataset: String,
    /// Subject or topic, where the source has one.
    pub category: Option<String>,
    /// Cluster of the query, where the source has one (RouterDC's `cluster_id`).
    pub cluster: Option<u32>,
    /// Index into [`Outcomes::models`] and score in [0, 1]; sparse, ascending by index, at most
    /// one entry a model.
    pub scores: Vec<(usize, f32)>,
}

impl OutcomeRow {
    /// The model's score in [0, 1], or `None` where it was not measured on this query.
    #[must_use]
    pub fn score(&self, model: usize) -> Option<f32> {
        self.scores
            .binary_search_by_key(&model, |&(index, _)| index)
            .ok()
            .and_then(|at| self.scores.get(at))
            .map(|&(_, score)| score)
    }
}

impl Outcomes {
    /// Where a model stands in [`models`](Self::models); names are compared exactly.
    #[must_use]
    pub fn model_index(&self, name: &str) -> Option<usize> {
        self.models.iter().position(|model| model == name)
    }

    /// The rows at the given indices, in the order given, over the same list of models. An index
    /// past the last row selects nothing.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Outcomes {
        Outcomes {
            models: self.models.clone(),
            rows: rows.iter().filter_map(|&row| self.rows.get(row)).cloned().collect(),
        }
    }

    /// Adds the rows of another table after the own ones. Models are matched by name; those that
    /// only the other table knows are added to the list.
    pub fn append(&mut self, other: Outcomes) {
        let mut known: HashMap<String, usize> =
            self.models.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let mut new_index = Vec::with_capacity(other.models.len());
        for name in other.models {
            let next = self.models.len();
            let at = *known.entry(name.clone()).or_insert(next);
            if at == next {
                self.models.push(name);
            }
            new_index.push(at);
        }
        for mut row in other.rows {
            for (model, _) in &mut row.scores {
                if let Some(&at) = new_index.get(*model) {
                    *model = at;
                }
            }
            row.scores.sort_by_key(|&(model, _)| model);
            self.rows.push(row);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn row(id: &str, scores: &[(usize, f32)]) -> OutcomeRow {
        OutcomeRow {
            id: id.to_owned(),
            query: format!("query {id}"),
            dataset: "own".to_owned(),
            category: None,
            cluster: None,
            scores: scores.to_vec(),
        }
    }

    fn table(models: &[&str], rows: Vec<OutcomeRow>) -> Outcomes {
        Outcomes { models: models.iter().map(|&m| m.to_owned()).collect(), rows }
    }

    #[test]
    fn append_matches_models_by_name_and_keeps_scores_sorted() {
        let mut left = table(&["small", "large"], vec![row("a", &[(0, 0.25), (1, 1.0)])]);
        let right =
            table(&["huge", "large", "small"], vec![row("b", &[(0, 0.5), (1, 0.75), (2, 0.0)])]);
        left.append(right);
        assert_eq!(left.models, ["small", "large", "huge"]);
        assert_eq!(left.rows[1].scores, [(0, 0.0), (1, 0.75), (2, 0.5)]);
        assert_eq!(left.rows[0].scores, [(0, 0.25), (1, 1.0)]);
    }

    #[test]
    fn a_score_that_was_not_measured_is_none() {
        let row = row("a", &[(1, 0.5), (4, 1.0)]);
        assert_eq!(row.score(4), Some(1.0));
        assert_eq!(row.score(0), None);
        assert_eq!(row.score(9), None);
    }

    #[test]
    fn select_keeps_the_order_asked_for() {
        let all = table(&["m", "n"], vec![row("a", &[]), row("b", &[]), row("c", &[])]);
        let ids: Vec<_> = all.select(&[2, 0, 7]).rows.iter().map(|r| r.id.clone()).collect();
        assert_eq!(ids, ["c", "a"]);
    }
}
