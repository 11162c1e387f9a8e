//! Baselines of a router of many models: single models, the best of them, the best of each data
//! set, random and the oracle.
//!
//! The best models are chosen twice: on training rows, as a deployment can, and in hindsight on the
//! scored rows, which no deployment can; no choice of one model (or of one for each data set) beats
//! the latter.

use std::borrow::Cow;

use super::kinds;
use super::means::{DataSets, over_datasets};
use super::policy::Policy;
use super::published::PoolKind;
use super::rows::PoolRow;

/// A baseline's name, kind and policy.
pub(super) struct Baseline {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) policy: Policy<'static>,
}

/// All baselines, the single models last. What cannot be chosen is left out with a note.
pub(super) fn all(
    models: &[String],
    rows: &[PoolRow],
    training: &[PoolRow],
    notes: &mut Vec<String>,
) -> Vec<Baseline> {
    let mut found = Vec::new();
    if training.is_empty() {
        notes.push(
            "no training rows were given: the best models are chosen in hindsight only".to_owned(),
        );
    } else {
        best_models(&Table::of(models.len(), training), "", rows, notes, &mut found);
    }
    best_models(&Table::of(models.len(), rows), ", in hindsight", rows, notes, &mut found);
    let fixed = |name: &str, kind, policy| Baseline { name: name.to_owned(), kind, policy };
    found.push(fixed("random", kinds::RANDOM, Policy::Random));
    found.push(fixed("oracle", kinds::ORACLE, Policy::Oracle));
    for (model, name) in models.iter().enumerate() {
        let always = Policy::Picks(Cow::Owned(vec![model; rows.len()]));
        found.push(fixed(name, kinds::LLM, always));
    }
    found
}

/// The best single model and the best of each data set, chosen by a table of means.
fn best_models(
    table: &Table,
    how: &str,
    rows: &[PoolRow],
    notes: &mut Vec<String>,
    found: &mut Vec<Baseline>,
) {
    let (single, task) =
        (format!("best single LLM{how}"), format!("best LLM of each data set{how}"));
    let best = table.best_single();
    match best {
        Some(model) => {
            let policy = Policy::Picks(Cow::Owned(vec![model; rows.len()]));
            found.push(Baseline { name: single, kind: kinds::BEST_SINGLE, policy });
        }
        None => notes.push(format!("{single}: left out, no model has a score on every data set")),
    }
    let mut unknown: Vec<String> = Vec::new();
    let mut pick = |row: &PoolRow| {
        table.best_of(&row.dataset).or_else(|| {
            if !unknown.contains(&row.dataset) {
                unknown.push(row.dataset.clone());
            }
            best
        })
    };
    let picks: Option<Vec<usize>> = rows.iter().map(&mut pick).collect();
    if picks.is_none() {
        notes.push(format!("{task}: left out, {} has no scores to choose by", unknown.join(", ")));
    } else if !unknown.is_empty() {
        let names = unknown.join(", ");
        notes.push(format!(
            "{task}: the best single LLM on {names}, which has no scores to choose by"
        ));
    }
    if let Some(picks) = picks {
        let policy = Policy::Picks(Cow::Owned(picks));
        found.push(Baseline { name: task, kind: kinds::BEST_OF_TASK, policy });
    }
}

/// Mean score of each model on each data set.
struct Table {
    sets: DataSets,
    /// Mean and number of rows, by model, then by data set.
    means: Vec<Vec<Option<(f64, usize)>>>,
}

impl Table {
    fn of(models: usize, rows: &[PoolRow]) -> Self {
        let sets = DataSets::of(rows, PoolKind::Other);
        let of = |model| {
            let scores: Vec<Option<f64>> = rows.iter().map(|row| row.score(model)).collect();
            sets.means(&scores, |_| 1)
        };
        let means = (0..models).map(of).collect();
        Self { sets, means }
    }

    /// The model with the best mean over data sets, the first of equal ones.
    fn best_single(&self) -> Option<usize> {
        first_best(self.means.iter().map(|means| over_datasets(means)))
    }

    /// The best model of a data set, the first of equal ones.
    fn best_of(&self, dataset: &str) -> Option<usize> {
        let place = self.sets.place(dataset)?;
        let score = |means: &Vec<Option<(f64, usize)>>| Some(means.get(place).copied()??.0);
        first_best(self.means.iter().map(score))
    }
}

fn first_best(values: impl Iterator<Item = Option<f64>>) -> Option<usize> {
    let known = values.enumerate().filter_map(|(at, value)| Some((at, value?)));
    known.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(dataset: &str, scores: [Option<f64>; 2]) -> PoolRow {
        PoolRow { dataset: dataset.into(), scores: scores.to_vec(), costs: vec![None; 2] }
    }

    fn picks(found: &[Baseline], name: &str) -> Option<Vec<usize>> {
        found.iter().find(|baseline| baseline.name == name).and_then(|baseline| {
            match &baseline.policy {
                Policy::Picks(picks) => Some(picks.to_vec()),
                _ => None,
            }
        })
    }

    #[test]
    fn the_best_are_chosen_on_training_rows_and_in_hindsight() {
        let models = ["a".to_owned(), "b".to_owned()];
        let rows = [row("x", [Some(0.0), Some(1.0)]), row("y", [Some(1.0), Some(0.5)])];
        let training = [row("x", [Some(1.0), Some(0.0)]), row("y", [Some(1.0), Some(0.5)])];
        let mut notes = Vec::new();
        let found = all(&models, &rows, &training, &mut notes);
        assert_eq!(picks(&found, "best single LLM"), Some(vec![0, 0]));
        assert_eq!(picks(&found, "best single LLM, in hindsight"), Some(vec![1, 1]));
        assert_eq!(picks(&found, "best LLM of each data set"), Some(vec![0, 0]));
        assert_eq!(picks(&found, "best LLM of each data set, in hindsight"), Some(vec![1, 0]));
        assert_eq!((picks(&found, "b"), notes), (Some(vec![1, 1]), Vec::new()));
    }

    #[test]
    fn a_task_that_training_did_not_have_gets_the_best_single_model() {
        let models = ["a".to_owned(), "b".to_owned()];
        let rows = [row("new", [Some(1.0), Some(0.0)]), row("x", [Some(1.0), Some(0.0)])];
        let training = [row("x", [Some(0.0), Some(1.0)])];
        let mut notes = Vec::new();
        let found = all(&models, &rows, &training, &mut notes);
        assert_eq!(picks(&found, "best LLM of each data set"), Some(vec![1, 1]));
        assert_eq!(
            notes,
            [
                "best LLM of each data set: the best single LLM on new, which has no scores to choose by"
            ]
        );
    }

    #[test]
    fn a_model_that_lacks_a_data_set_is_best_of_its_own_only() {
        let models = ["a".to_owned(), "b".to_owned()];
        let rows = [row("x", [Some(1.0), Some(0.5)]), row("y", [None, Some(0.5)])];
        let mut notes = Vec::new();
        let found = all(&models, &rows, &[], &mut notes);
        assert_eq!(picks(&found, "best single LLM, in hindsight"), Some(vec![1, 1]));
        assert_eq!(picks(&found, "best LLM of each data set, in hindsight"), Some(vec![0, 1]));
        assert_eq!(picks(&found, "best single LLM"), None);
        assert!(notes.len() == 1 && notes[0].starts_with("no training rows"), "{notes:?}");
    }

    #[test]
    fn what_cannot_be_chosen_is_left_out_with_a_note() {
        let models = ["a".to_owned(), "b".to_owned()];
        let rows = [row("x", [Some(1.0), None]), row("y", [None, None])];
        let mut notes = Vec::new();
        let found = all(&models, &rows, &[], &mut notes);
        let names: Vec<&str> = found.iter().map(|baseline| baseline.name.as_str()).collect();
        assert_eq!(names, ["random", "oracle", "a", "b"]);
        assert!(notes[2].ends_with("left out, y has no scores to choose by"), "{notes:?}");
    }
}
