//! The table that every reader of outcomes fills: queries with the scores of the models that
//! answered them.

use std::collections::HashMap;

/// Queries with their outcomes, over one list of models.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcomes {
    /// Names of the models, in order of first appearance; rows refer to them by index.
    pub models: Vec<String>,
    pub rows: Vec<OutcomeRow>,
    /// What a score of 1 stands for in the unit of the source: 10 for MT-Bench, whose judge gives
    /// 1 to 10, and 1 where scores are shares or right and wrong.
    pub score_scale: f32,
}

impl Default for Outcomes {
    fn default() -> Self {
        Self { models: Vec::new(), rows: Vec::new(), score_scale: 1.0 }
    }
}

/// One query and how well each model did on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRow {
    /// Unique within the source it was read from.
    pub id: String,
    pub query: String,
    /// The benchmark or set it belongs to.
    pub dataset: String,
    /// Subject or topic, where the source has one.
    pub category: Option<String>,
    /// Cluster of the query, where the source has one (RouterDC's `cluster_id`).
    pub cluster: Option<u32>,
    /// Pairs of index into [`Outcomes::models`] and score in [0, 1]; sparse, ascending by index, at
    /// most one entry for each model.
    pub scores: Vec<(usize, f32)>,
    /// Pairs of index into [`Outcomes::models`] and cost of the model's answer in US dollars;
    /// sparse as the scores are, empty where the source states no costs.
    pub costs: Vec<(usize, f32)>,
}

impl OutcomeRow {
    /// The model's score in [0, 1], or `None` where it was not measured on this query.
    #[must_use]
    pub fn score(&self, model: usize) -> Option<f32> {
        value_of(&self.scores, model)
    }

    /// Cost of the model's answer in US dollars, or `None` where the source does not state it.
    #[must_use]
    pub fn cost(&self, model: usize) -> Option<f32> {
        value_of(&self.costs, model)
    }
}

fn value_of(values: &[(usize, f32)], model: usize) -> Option<f32> {
    values
        .binary_search_by_key(&model, |&(index, _)| index)
        .ok()
        .and_then(|at| values.get(at))
        .map(|&(_, value)| value)
}

impl Outcomes {
    /// Index of a model in [`models`](Self::models); names are compared exactly.
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
            score_scale: self.score_scale,
        }
    }

    /// Adds the rows of another table after its own. Models are matched by name; those that only
    /// the other table has are added to the list. For tables of different score scales the scale
    /// becomes 1: scores then are the part reached of the best score.
    pub fn append(&mut self, other: Outcomes) {
        if self.rows.is_empty() {
            self.score_scale = other.score_scale;
        } else if self.score_scale != other.score_scale && !other.rows.is_empty() {
            self.score_scale = 1.0;
        }
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
            for values in [&mut row.scores, &mut row.costs] {
                for (model, _) in values.iter_mut() {
                    if let Some(&at) = new_index.get(*model) {
                        *model = at;
                    }
                }
                values.sort_by_key(|&(model, _)| model);
            }
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
            costs: scores.to_vec(),
        }
    }

    fn table(models: &[&str], rows: Vec<OutcomeRow>) -> Outcomes {
        let models = models.iter().map(|&m| m.to_owned()).collect();
        Outcomes { models, rows, score_scale: 1.0 }
    }

    #[test]
    fn append_matches_models_by_name_and_keeps_scores_sorted() {
        let mut left = table(&["small", "large"], vec![row("a", &[(0, 0.25), (1, 1.0)])]);
        let right =
            table(&["huge", "large", "small"], vec![row("b", &[(0, 0.5), (1, 0.75), (2, 0.0)])]);
        left.append(right);
        assert_eq!(left.models, ["small", "large", "huge"]);
        assert_eq!(left.rows[1].scores, [(0, 0.0), (1, 0.75), (2, 0.5)]);
        assert_eq!(left.rows[1].costs, left.rows[1].scores);
        assert_eq!(left.rows[0].scores, [(0, 0.25), (1, 1.0)]);
    }

    #[test]
    fn append_keeps_a_score_scale_that_both_tables_share() {
        let judged = Outcomes { score_scale: 10.0, ..table(&["m"], vec![row("a", &[(0, 0.5)])]) };
        let mut all = Outcomes::default();
        all.append(judged.clone());
        assert_eq!(all.score_scale, 10.0);
        all.append(judged);
        assert_eq!(all.score_scale, 10.0);
        all.append(table(&["m"], vec![row("b", &[(0, 0.5)])]));
        assert_eq!((all.score_scale, all.rows.len()), (1.0, 3));
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
