//! Rows of an evaluation of many models: one row for each query, with a score for each model.
//!
//! RouterDC's files name data sets only by file (`mmlu_test`). For multiple-choice questions a
//! score is the probability of the right answer where the model was right, and 0 where it was
//! wrong; the paper's evaluation counts the former as 1. [`Scoring::RouterDc`] gives names as the
//! paper prints them, and scores as the paper counts them.
//!
//! ```
//! use pointsman_trainer::data::{OutcomeRow, Outcomes};
//! use pointsman_trainer::eval::pool::rows::{Scoring, of_outcomes};
//!
//! let row = OutcomeRow {
//!     id: "1".into(),
//!     query: "Which?".into(),
//!     dataset: "mmlu_test".into(),
//!     category: None,
//!     cluster: None,
//!     scores: vec![(0, 0.4), (1, 0.0)],
//!     costs: Vec::new(),
//! };
//! let outcomes =
//!     Outcomes { models: vec!["a".into(), "b".into()], rows: vec![row], score_scale: 1.0 };
//! let rows = of_outcomes(&outcomes, &outcomes.models, Scoring::RouterDc);
//! assert_eq!((rows[0].dataset.as_str(), &rows[0].scores), ("MMLU", &vec![Some(1.0), Some(0.0)]));
//! ```

use crate::data::Outcomes;
use crate::eval::error::{EvalError, check_cost, check_length, check_score};

/// One query: what each model scored and cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PoolRow {
    /// The data set it belongs to.
    pub dataset: String,
    /// Score of each model, in [0, 1]; `None` where it was not measured.
    pub scores: Vec<Option<f64>>,
    /// What each model's answer cost, USD; `None` where that is not known.
    pub costs: Vec<Option<f64>>,
}

impl PoolRow {
    pub(super) fn score(&self, model: usize) -> Option<f64> {
        self.scores.get(model).copied().flatten()
    }

    /// The cost of the model's answer.
    pub(super) fn cost(&self, model: usize) -> Option<f64> {
        self.costs.get(model).copied().flatten()
    }
}

/// How the scores of outcomes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// Unchanged.
    AsStated,
    /// As RouterDC's evaluation counts them: a score above 0 is right on its multiple-choice sets
    /// and on Pre-Algebra; the share of passed attempts is kept on the generated sets. Scores of
    /// other sets are unchanged.
    RouterDc,
}

/// RouterDC's data sets: the file's name without its split, the paper's name, and whether a score
/// above 0 is right (`probability` in its evaluation_router.py).
const ROUTERDC: [(&str, &str, bool); 8] = [
    ("mmlu", "MMLU", true),
    ("gsm8k", "GSM8K", false),
    ("cmmlu", "CMMLU", true),
    ("arc_challenge", "ARC-C", true),
    ("humaneval", "HumanEval", false),
    ("MATH_prealgebra", "Pre-Algebra", true),
    ("mbpp", "MBPP", false),
    ("ceval", "C-Eval", true),
];

/// The rows of outcomes, in their order, with scores and costs in the order of `models`. A model
/// that the outcomes lack was not measured. Data sets lose the name of their split (`gsm8k-train`
/// and `gsm8k-test` are `gsm8k`), so that training rows and scored rows have the same task.
#[must_use]
pub fn of_outcomes(outcomes: &Outcomes, models: &[String], scoring: Scoring) -> Vec<PoolRow> {
    let places: Vec<Option<usize>> =
        models.iter().map(|model| outcomes.model_index(model)).collect();
    let row = |row: &crate::data::OutcomeRow| {
        let name = without_split(&row.dataset);
        let known = ROUTERDC.iter().find(|(file, _, _)| *file == name);
        let (dataset, right_above_zero) = match (scoring, known) {
            (Scoring::RouterDc, Some(&(_, name, right_above_zero))) => (name, right_above_zero),
            _ => (name, false),
        };
        let score = |value: f32| match right_above_zero {
            true => f64::from(u8::from(value > 0.0)),
            false => f64::from(value),
        };
        let read = |of: &dyn Fn(usize) -> Option<f64>| -> Vec<Option<f64>> {
            places.iter().map(|place| place.and_then(of)).collect()
        };
        PoolRow {
            dataset: dataset.to_owned(),
            scores: read(&|model| row.score(model).map(score)),
            costs: read(&|model| row.cost(model).map(f64::from)),
        }
    };
    outcomes.rows.iter().map(row).collect()
}

/// Whether the publication counts scores on this data set, given by its printed name, as right or
/// wrong.
pub(super) fn is_right_or_wrong(dataset: &str) -> bool {
    ROUTERDC.iter().any(|(_, name, right_above_zero)| *name == dataset && *right_above_zero)
}

/// A data set without the name of its split.
pub(crate) fn without_split(dataset: &str) -> &str {
    let splits = ["_train", "_test", "-train", "-test"];
    let task = splits.iter().find_map(|split| dataset.strip_suffix(split));
    task.filter(|task| !task.is_empty()).unwrap_or(dataset)
}

/// Names of the checked numbers, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    scores: &'static str,
    score: &'static str,
    costs: &'static str,
    cost: &'static str,
}

/// Names for the scored rows.
pub(super) const SCORED: Names =
    Names { scores: "scores in a row", score: "score", costs: "costs in a row", cost: "cost" };

/// Names for the rows that baselines choose their models on.
pub(super) const TRAINING: Names = Names {
    scores: "scores in a training row",
    score: "training score",
    costs: "costs in a training row",
    cost: "training cost",
};

/// Checks every number of the rows.
pub(super) fn check(rows: &[PoolRow], models: usize, names: Names) -> Result<(), EvalError> {
    for (at, row) in rows.iter().enumerate() {
        check_length(names.scores, row.scores.len(), models)?;
        check_length(names.costs, row.costs.len(), models)?;
        for &score in row.scores.iter().flatten() {
            check_score(at, names.score, score)?;
        }
        for &cost in row.costs.iter().flatten() {
            check_cost(at, names.cost, cost)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::OutcomeRow;

    fn outcomes(dataset: &str, scores: &[(usize, f32)]) -> Outcomes {
        let row = OutcomeRow {
            id: "1".into(),
            query: "Which?".into(),
            dataset: dataset.into(),
            category: None,
            cluster: None,
            scores: scores.to_vec(),
            costs: vec![(1, 0.25)],
        };
        Outcomes { models: vec!["a".into(), "b".into()], rows: vec![row], score_scale: 1.0 }
    }

    #[test]
    fn models_are_matched_by_name_and_the_unknown_is_unmeasured() {
        let models = ["b", "c", "a"].map(str::to_owned);
        let rows = of_outcomes(&outcomes("own", &[(0, 0.5)]), &models, Scoring::AsStated);
        let expected = PoolRow {
            dataset: "own".into(),
            scores: vec![None, None, Some(0.5)],
            costs: vec![Some(0.25), None, None],
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn splits_of_a_task_have_its_name() {
        for (dataset, stated, published) in [
            ("gsm8k-train", "gsm8k", "GSM8K"),
            ("gsm8k-test", "gsm8k", "GSM8K"),
            ("arc_challenge_test", "arc_challenge", "ARC-C"),
            ("MATH_prealgebra", "MATH_prealgebra", "Pre-Algebra"),
            ("attest", "attest", "attest"),
            ("_test", "_test", "_test"),
        ] {
            let all = outcomes(dataset, &[]);
            let name = |scoring| of_outcomes(&all, &all.models, scoring)[0].dataset.clone();
            assert_eq!(
                (name(Scoring::AsStated), name(Scoring::RouterDc)),
                (stated.to_owned(), published.to_owned())
            );
        }
    }

    #[test]
    fn a_probability_is_right_or_wrong_and_a_share_of_attempts_stays() {
        let scores = |dataset, scoring| {
            let all = outcomes(dataset, &[(0, 0.25), (1, 0.0)]);
            of_outcomes(&all, &all.models, scoring)[0].scores.clone()
        };
        assert_eq!(scores("cmmlu_test", Scoring::RouterDc), [Some(1.0), Some(0.0)]);
        assert_eq!(scores("cmmlu_test", Scoring::AsStated), [Some(0.25), Some(0.0)]);
        assert_eq!(scores("humaneval_test", Scoring::RouterDc), [Some(0.25), Some(0.0)]);
    }

    #[test]
    fn numbers_off_their_scale_are_named_with_their_row() {
        let good = PoolRow {
            dataset: "own".into(),
            scores: vec![Some(1.0), None],
            costs: vec![None, Some(0.0)],
        };
        let fault = |bad: PoolRow, names| check(&[good.clone(), bad], 2, names).unwrap_err();
        let named = |bad: PoolRow, names, expected: &str| {
            let error = fault(bad, names);
            assert!(error.to_string().starts_with(expected), "{error}");
        };
        assert_eq!(check(std::slice::from_ref(&good), 2, SCORED), Ok(()));
        let seven = PoolRow { scores: vec![None, Some(7.0)], ..good.clone() };
        named(seven, SCORED, "row 1: found the score 7, expected a number in [0, 1]");
        let nan = PoolRow { scores: vec![Some(f64::NAN), None], ..good.clone() };
        named(nan, TRAINING, "row 1: found the training score NaN");
        let paid = PoolRow { costs: vec![Some(-1.0), None], ..good.clone() };
        named(paid, SCORED, "row 1: found the cost -1, expected USD from 0 up");
        let short = PoolRow { scores: vec![None], ..good.clone() };
        named(short, SCORED, "found 1 scores in a row, expected 2");
        let unpaid = PoolRow { costs: Vec::new(), ..good.clone() };
        named(unpaid, SCORED, "found 0 costs in a row, expected 2");
    }
}
