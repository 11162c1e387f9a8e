//! Smoothed labels of gold rows: each outcome of the pair is shrunk towards its category's mean and
//! towards a cross-fitted prediction from other LLMs' outcomes.
//!
//! A single row's outcome is mostly chance, its category's mean is not; and other LLMs' outcomes on
//! the same question predict a part of it. With some thousand labels both improve the router over
//! the bare outcome. Only training rows are used, never rows to score.
//!
//! ```text
//! d_i      = strong_i - weak_i
//! e_i      = ridge of d on other LLMs' outcomes on question i, fitted without i's tenth of the rows
//! r_i      = d_i - e_i
//! m_c(v)   = (sum of v in category c + prior * centre) / (rows of c + prior)
//! with other LLMs:     z_i = k e_i + (1 - k) m_c(e) + m_c(r) + (1 - smoothing) (r_i - m_c(r))
//! without, or k = 0:   z_i = m_c(d) + (1 - smoothing) (d_i - m_c(d))
//! label_i  = (1 + z_i) / 2, in [0, 1]
//! ```
//! k is the gold source's `expected_share`; `centre` is the overall mean for d and 0 for r; m_c(e) has
//! no prior.

use std::collections::{BTreeMap, HashMap};

use crate::data::Outcomes;
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, fit};
use crate::recipe::SourceRecipe;

/// Number of folds; the rows of each are predicted from the others.
const FOLDS: usize = 10;
/// Penalty of the ridge on other LLMs' outcomes.
const PENALTY: f64 = 300.0;

/// Scores of one other source's LLMs on gold questions: by gold row, pairs of model and score.
#[derive(Debug, Clone, Default)]
pub(crate) struct Companions {
    pub(crate) scores: BTreeMap<usize, Vec<(usize, f32)>>,
}

/// The label of each gold row that has outcomes of the pair, whose columns are `pair`.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where the fit on other LLMs' outcomes has no row.
pub(crate) fn smoothed_labels(
    pair: Option<(usize, usize)>,
    source: &SourceRecipe,
    gold: &Outcomes,
    companions: &[Companions],
) -> Result<Vec<Option<f32>>, TrainerError> {
    let gains: Vec<Option<f64>> = gold
        .rows
        .iter()
        .map(|row| {
            let (strong, weak) = pair?;
            Some(f64::from(row.score(strong)? - row.score(weak)?))
        })
        .collect();
    let rows: Vec<usize> = (0..gains.len()).filter(|&row| gains[row].is_some()).collect();
    let gain: Vec<f64> = rows.iter().filter_map(|&row| gains[row]).collect();
    let categories: Vec<Option<&str>> =
        rows.iter().map(|&row| gold.rows[row].category.as_deref()).collect();
    let (raw, prior) =
        (1.0 - f64::from(source.category_smoothing), f64::from(source.category_prior));
    let share = f64::from(source.expected_share);
    let expected = match share > 0.0 {
        true => expected(&rows, &gain, companions)?,
        false => None,
    };
    let targets: Vec<f64> = match expected {
        None => {
            let overall = gain.iter().sum::<f64>() / gain.len().max(1) as f64;
            let means = category_means(&categories, &gain, prior, overall);
            gain.iter().zip(&means).map(|(d, mean)| mean + raw * (d - mean)).collect()
        }
        Some(expected) => {
            let rest: Vec<f64> = gain.iter().zip(&expected).map(|(d, e)| d - e).collect();
            let expected_means = category_means(&categories, &expected, 0.0, 0.0);
            let rest_means = category_means(&categories, &rest, prior, 0.0);
            (0..gain.len())
                .map(|at| {
                    share * expected[at]
                        + (1.0 - share) * expected_means[at]
                        + rest_means[at]
                        + raw * (rest[at] - rest_means[at])
                })
                .collect()
        }
    };
    let mut labels = vec![None; gold.rows.len()];
    for (&row, target) in rows.iter().zip(targets) {
        #[allow(clippy::cast_possible_truncation)]
        let label = f64::midpoint(1.0, target).clamp(0.0, 1.0) as f32;
        labels[row] = Some(label);
    }
    Ok(labels)
}

/// The mean of each value's category, shrunk towards `centre` by `prior` rows; a row without a
/// category gives its own value.
#[allow(clippy::cast_precision_loss)]
fn category_means(
    categories: &[Option<&str>],
    values: &[f64],
    prior: f64,
    centre: f64,
) -> Vec<f64> {
    let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
    for (category, value) in categories.iter().zip(values) {
        if let Some(category) = category {
            let sum = sums.entry(category).or_default();
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    let mean = |(category, value): (&Option<&str>, &f64)| match category {
        Some(category) => {
            let (sum, count) = sums.get(category).copied().unwrap_or_default();
            (sum + prior * centre) / (count + prior).max(f64::MIN_POSITIVE)
        }
        None => *value,
    };
    categories.iter().zip(values).map(mean).collect()
}

/// e: the difference predicted from other LLMs' outcomes, each row by a fit on the other folds;
/// `None` where no other source answered a gold question.
fn expected(
    rows: &[usize],
    gain: &[f64],
    companions: &[Companions],
) -> Result<Option<Vec<f64>>, TrainerError> {
    let mut columns: Vec<Vec<Option<f64>>> = Vec::new();
    for source in companions.iter().filter(|source| !source.scores.is_empty()) {
        let scores: Vec<Option<&Vec<(usize, f32)>>> =
            rows.iter().map(|row| source.scores.get(row)).collect();
        let mut models: Vec<usize> =
            scores.iter().copied().flatten().flatten().map(|&(model, _)| model).collect();
        models.sort_unstable();
        models.dedup();
        let of = |answers: &Vec<(usize, f32)>, model: usize| {
            answers.iter().find(|(m, _)| *m == model).map(|&(_, score)| f64::from(score))
        };
        for model in models {
            columns.push(scores.iter().map(|s| s.and_then(|s| of(s, model))).collect());
        }
        #[allow(clippy::cast_precision_loss)]
        let mean = |s: &Vec<(usize, f32)>| {
            s.iter().map(|&(_, score)| f64::from(score)).sum::<f64>() / s.len().max(1) as f64
        };
        columns.push(scores.iter().map(|s| s.map(mean)).collect());
        columns.push(scores.iter().map(|s| s.map(|s| mean(s).powi(2))).collect());
        columns.push(scores.iter().map(|s| Some(f64::from(u8::from(s.is_some())))).collect());
    }
    if columns.is_empty() {
        return Ok(None);
    }
    let columns: Vec<Vec<f64>> = columns.iter().map(|column| standardised(column)).collect();
    let features: Vec<Features> = (0..rows.len())
        .map(|at| Features {
            tokens: Vec::new(),
            dense: columns.iter().map(|column| column[at]).collect(),
        })
        .collect();
    let mut found = vec![0.0; rows.len()];
    for fold in 0..FOLDS {
        let others: Vec<usize> = (0..rows.len()).filter(|at| at % FOLDS != fold).collect();
        let own = (0..rows.len()).filter(|at| at % FOLDS == fold);
        let train: Vec<Features> = others.iter().map(|&at| features[at].clone()).collect();
        let targets: Vec<f64> = others.iter().map(|&at| gain[at]).collect();
        let fitted = fit(&train, &targets, &vec![1.0; others.len()], 0, PENALTY)?;
        own.for_each(|at| found[at] = fitted.at(&features[at]));
    }
    Ok(Some(found))
}

/// The measured values brought to mean 0 and standard deviation 1; 0 where nothing was measured.
#[allow(clippy::cast_precision_loss)]
fn standardised(column: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<f64> = column.iter().copied().flatten().collect();
    let count = known.len().max(1) as f64;
    let mean = known.iter().sum::<f64>() / count;
    let deviation = (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
    column.iter().map(|v| v.map_or(0.0, |v| (v - mean) * scale)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_category_of_few_rows_is_drawn_to_the_centre() {
        let categories = [Some("a"), Some("a"), Some("b"), None];
        let means = category_means(&categories, &[1.0, 0.0, 1.0, 0.25], 1.0, 0.0);
        assert_eq!(means, [1.0 / 3.0, 1.0 / 3.0, 0.5, 0.25]);
    }

    #[test]
    fn what_other_llms_did_predicts_rows_left_out_of_the_fit() {
        // The gain equals the failure of the only other LLM: 4,000 rows outweigh the penalty.
        let rows: Vec<usize> = (0..4000).collect();
        let failed = |row: usize| (row * 7).is_multiple_of(3);
        let gain: Vec<f64> = rows.iter().map(|&row| f64::from(u8::from(failed(row)))).collect();
        let scores =
            rows.iter().map(|&row| (row, vec![(0, f32::from(u8::from(!failed(row))))])).collect();
        let found = expected(&rows, &gain, &[Companions { scores }]).unwrap().unwrap();
        for (found, gain) in found.iter().zip(&gain) {
            assert!((found - gain).abs() < 0.1, "{found} {gain}");
        }
        assert!(expected(&rows, &gain, &[]).unwrap().is_none());
    }
}
