//! Correction of a pair by its own gold labels: one more demand, which the strong LLM meets and the weak one
//! fails.
//!
//! ```text
//! win(q)     = (1 + q_strong - q_weak) / 2          from the general demands and the pair's abilities
//! d(q)       ~ (label - win(q)) / mean slope        ridge regression on the pair's gold queries
//! logits     : strong + k d(q),  weak - k d(q)
//! ```
//! The penalty and k in [0, 1] are those with the least squared error of the win rate on queries left out, in
//! five folds. Where none does better than no correction and than a constant in place of d, by more than the
//! standard error of the difference, there is none.

use pointsman::Ability;

use super::features::{Penalty, QueryFeatures};
use crate::encoder::static_table::StaticTable;
use crate::error::TrainerError;
use crate::linear::ridge_regression::LinearFit;
use crate::training::context::Context;
use crate::training::embedder::Embedder;

const FOLDS: usize = 5;
/// Fewest gold labels from which a correction is learnt.
const FEWEST: usize = 50;
/// Penalties of a coordinate, tried in turn; a row of a table has a hundredth of it.
const PENALTIES: [f64; 4] = [100.0, 300.0, 1000.0, 5000.0];
/// Shares of the correction, tried in turn.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// The gold queries with the target of strong over weak; none where they are too few.
pub(super) fn gold<'a>(context: &Context<'a>) -> Vec<(&'a str, f64)> {
    let data = context.data;
    let gold: Vec<(&str, f64)> = (data.train.rows.iter().zip(data.pair_targets()))
        .filter_map(|(row, target)| Some((row.query.as_str(), f64::from(target?))))
        .collect();
    if gold.len() < FEWEST { Vec::new() } else { gold }
}

/// The correction as a function of an embedding's coordinates as they are, already multiplied by k; `None`
/// where it does not help. `demands` are the general demands of the gold queries.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
pub(super) fn correction(
    gold: &[(&str, f64)],
    demands: &[Vec<f64>],
    (strong, weak): (&Ability, &Ability),
    embedder: &mut Embedder<'_>,
    table: Option<&StaticTable>,
) -> Result<Option<LinearFit>, TrainerError> {
    let queries: Vec<&str> = gold.iter().map(|(query, _)| *query).collect();
    let of = |demands: &Vec<f64>| [strong, weak].map(|ability| logit(ability.quality(demands)));
    let logits: Vec<[f64; 2]> = demands.iter().map(of).collect();
    let errors = residuals(gold, &logits);
    let features = QueryFeatures::of(&queries, embedder, table)?;
    let weights = vec![1.0; gold.len()];
    // A constant moves the abilities and says nothing of queries: what varies must do better than it.
    let mut constant = vec![0.0; gold.len()];
    for fold in 0..FOLDS {
        let kept = errors.iter().enumerate().filter(|(at, _)| at % FOLDS != fold);
        let (sum, count) = kept.fold((0.0, 0.0), |(sum, count), (_, e)| (sum + e, count + 1.0));
        (fold..gold.len()).step_by(FOLDS).for_each(|at| constant[at] = sum / f64::max(count, 1.0));
    }
    let without = squared_errors(gold, &logits, &constant, 0.0);
    let shifted = squared_errors(gold, &logits, &constant, 1.0);
    let baseline = if mean(&shifted) < mean(&without) { shifted } else { without };
    let mut best = (mean(&baseline), None, Vec::new());
    for coordinate in PENALTIES {
        let penalty = Penalty { coordinate, row: coordinate / 100.0 };
        let mut predicted = vec![0.0; gold.len()];
        for fold in 0..FOLDS {
            let fit = features.fit(&errors, &weights, penalty, |at| at % FOLDS == fold)?;
            let values = features.values(&fit);
            (fold..gold.len()).step_by(FOLDS).for_each(|at| predicted[at] = values[at]);
        }
        for share in SHARES {
            let found = squared_errors(gold, &logits, &predicted, share);
            if mean(&found) < best.0 {
                best = (mean(&found), Some((penalty, share)), found);
            }
        }
    }
    let (error, Some((penalty, share))) =
        (best.0, best.1.filter(|_| is_better(&baseline, &best.2)))
    else {
        eprintln!(
            "pair: {} gold labels do not improve on the general demands, they are left as they are",
            gold.len()
        );
        return Ok(None);
    };
    eprintln!(
        "pair: corrected by {} gold labels, squared error of the win rate on queries left out {error:.4}, \
         {:.4} without",
        gold.len(),
        mean(&baseline)
    );
    let mut fit = features.fit(&errors, &weights, penalty, |_| false)?;
    fit.tokens.iter_mut().chain(&mut fit.dense).for_each(|w| *w *= share);
    fit.intercept *= share;
    Ok(Some(features.folded(fit)))
}

/// By how much each label is above the win rate, in logits of the mean slope.
#[allow(clippy::cast_precision_loss)]
fn residuals(gold: &[(&str, f64)], logits: &[[f64; 2]]) -> Vec<f64> {
    let slope = |logits: &[f64; 2]| {
        logits.iter().map(|&logit| sigmoid(logit) * (1.0 - sigmoid(logit))).sum::<f64>() / 2.0
    };
    let mean_slope = logits.iter().map(slope).sum::<f64>() / logits.len().max(1) as f64;
    let labels = gold.iter().zip(logits);
    labels
        .map(|((_, label), logits)| (label - win_rate(logits, 0.0)) / mean_slope.max(1e-3))
        .collect()
}

/// Squared error of the corrected win rate, query by query.
fn squared_errors(gold: &[(&str, f64)], logits: &[[f64; 2]], d: &[f64], share: f64) -> Vec<f64> {
    let rows = gold.iter().zip(logits).zip(d);
    rows.map(|(((_, y), logits), d)| (y - win_rate(logits, share * d)).powi(2)).collect()
}

/// Whether errors are below others by more than the standard error of the mean difference: the best of
/// several settings is below by chance.
#[allow(clippy::cast_precision_loss)]
fn is_better(others: &[f64], errors: &[f64]) -> bool {
    let gains: Vec<f64> = others.iter().zip(errors).map(|(other, error)| other - error).collect();
    let gain = mean(&gains);
    let squares: Vec<f64> = gains.iter().map(|g| (g - gain).powi(2)).collect();
    gain > (mean(&squares) / gains.len().max(1) as f64).sqrt()
}

#[allow(clippy::cast_precision_loss)]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The win rate of logits of strong and weak that are moved apart by `d` each.
fn win_rate([strong, weak]: &[f64; 2], d: f64) -> f64 {
    f64::midpoint(1.0, sigmoid(strong + d) - sigmoid(weak - d))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}
