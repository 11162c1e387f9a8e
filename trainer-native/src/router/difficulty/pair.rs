//! Correction of a pair by its own gold labels: one more demand, which the strong LLM meets and the weak one
//! fails.
//!
//! ```text
//! win(q)     = (1 + q_strong - q_weak) / 2          from the general demands and the pair's abilities
//! d(q)       ~ (label - win(q)) / mean slope        ridge regression on the pair's gold queries
//! logits     : strong + k d(q),  weak - k d(q)
//! ```
//! The penalty and k in [0, 1] are those with the least squared error of the win rate on queries left out, in
//! five folds. The best of several settings is good by chance too, so each fold is also measured at the setting that is
//! best on the four others. The pair is left uncorrected unless that error is below those of no correction and of a
//! constant in place of d.

use pointsman::Ability;

use super::features::{Penalty, QueryFeatures};
use crate::error::TrainerError;
use crate::linear::moments::mean;
use crate::linear::ridge_regression::LinearFit;
use crate::training::context::Context;

/// Slope of the correction in the strong LLM's ability; the weak one has its opposite. The logit is what a
/// slope takes away.
pub(super) const STRONG_SLOPE: f64 = -1.0;
const FOLDS: usize = 5;
/// Fewest gold labels from which a correction is learnt.
pub(super) const FEWEST: usize = 50;
/// Penalties of a coordinate, tried in turn; a row of a table has a hundredth of it.
const PENALTIES: [f64; 4] = [100.0, 300.0, 1000.0, 5000.0];
/// Shares of the correction, tried in turn.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// The gold queries with the target of strong over weak; none where they are too few.
pub(super) fn gold<'a>(context: &Context<'a>) -> (Vec<&'a str>, Vec<f64>) {
    let data = context.data;
    let gold = (data.train.rows.iter().zip(data.pair_targets()))
        .filter_map(|(row, target)| Some((row.query.as_str(), f64::from(target?))));
    let (queries, labels): (Vec<&str>, Vec<f64>) = gold.unzip();
    if labels.len() < FEWEST { Default::default() } else { (queries, labels) }
}

/// A correction that helps.
pub(super) struct Correction {
    /// A function of an embedding's coordinates as they are, already multiplied by k.
    pub fit: LinearFit,
    /// Squared error of the win rate on queries left out.
    pub error: f64,
    /// The same without the correction.
    pub error_without: f64,
}

/// The correction that the labels of gold queries teach; `None` where it does not help. `demands` are the general
/// demands of the queries.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] without labels.
pub(super) fn correction(
    gold: &[f64],
    demands: &[Vec<f64>],
    (strong, weak): (&Ability, &Ability),
    features: &QueryFeatures,
) -> Result<Option<Correction>, TrainerError> {
    let pair = Corrected::of(strong, weak);
    let errors = pair.residuals(gold, demands);
    let weights = vec![1.0; gold.len()];
    // A constant moves the abilities and says nothing of queries: what varies must do better than it.
    let mut constant = vec![0.0; gold.len()];
    for fold in 0..FOLDS {
        let kept = errors.iter().enumerate().filter(|(at, _)| at % FOLDS != fold);
        let (sum, count) = kept.fold((0.0, 0.0), |(sum, count), (_, e)| (sum + e, count + 1.0));
        (fold..gold.len()).step_by(FOLDS).for_each(|at| constant[at] = sum / f64::max(count, 1.0));
    }
    let without = pair.squared_errors(gold, demands, &constant, 0.0);
    let shifted = pair.squared_errors(gold, demands, &constant, 1.0);
    let baseline = if mean(&shifted) < mean(&without) { shifted } else { without };
    let mut tried = Vec::new();
    for coordinate in PENALTIES {
        let penalty = Penalty { coordinate, row: coordinate / 100.0 };
        let mut predicted = vec![0.0; gold.len()];
        for fold in 0..FOLDS {
            let fit = features.fit(&errors, &weights, penalty, |at| at % FOLDS == fold)?;
            let values = features.values(&fit);
            (fold..gold.len()).step_by(FOLDS).for_each(|at| predicted[at] = values[at]);
        }
        for share in SHARES {
            let errors = pair.squared_errors(gold, demands, &predicted, share);
            tried.push(Setting { penalty, share, errors });
        }
    }
    let error = error_of_choice(&tried);
    let Some(&Setting { penalty, share, .. }) =
        best(&tried, |_| true).filter(|_| error < mean(&baseline))
    else {
        return Ok(None);
    };
    let mut fit = features.fit(&errors, &weights, penalty, |_| false)?;
    fit.tokens.iter_mut().chain(&mut fit.dense).for_each(|w| *w *= share);
    fit.intercept *= share;
    Ok(Some(Correction { fit: features.folded(fit), error, error_without: mean(&baseline) }))
}

/// A penalty and a share of the correction, with the squared error of the win rate on each query left out.
struct Setting {
    penalty: Penalty,
    share: f64,
    errors: Vec<f64>,
}

/// The setting with the least error on the queries that are `looked_at`.
fn best(tried: &[Setting], looked_at: impl Fn(usize) -> bool) -> Option<&Setting> {
    let error = |setting: &Setting| -> f64 {
        let errors = setting.errors.iter().enumerate().filter(|(at, _)| looked_at(*at));
        errors.map(|(_, error)| error).sum()
    };
    tried.iter().min_by(|a, b| error(a).total_cmp(&error(b)))
}

/// Mean error where the setting of each fold is the best of the other folds.
fn error_of_choice(tried: &[Setting]) -> f64 {
    let mut errors = Vec::new();
    for fold in 0..FOLDS {
        if let Some(setting) = best(tried, |at| at % FOLDS != fold) {
            errors.extend(setting.errors.iter().skip(fold).step_by(FOLDS));
        }
    }
    mean(&errors)
}

/// Win rate of a pair whose abilities have no slope of the correction, on a query of these demands and the
/// correction `d`.
pub(super) fn win_rate((strong, weak): (&Ability, &Ability), demands: &[f64], d: f64) -> f64 {
    Corrected::of(strong, weak).win_rate(demands, d)
}

/// A pair's abilities with a slope of the correction.
struct Corrected {
    strong: Ability,
    weak: Ability,
}

impl Corrected {
    fn of(strong: &Ability, weak: &Ability) -> Self {
        let with = |ability: &Ability, slope| {
            let slopes = ability.slopes.iter().copied().chain([slope]).collect();
            Ability { slopes, ..ability.clone() }
        };
        Self { strong: with(strong, STRONG_SLOPE), weak: with(weak, -STRONG_SLOPE) }
    }

    /// Qualities of strong and weak on a query of these general demands and the correction `d`.
    fn qualities(&self, demands: &[f64], d: f64) -> [f64; 2] {
        let demands: Vec<f64> = demands.iter().copied().chain([d]).collect();
        [&self.strong, &self.weak].map(|ability| ability.quality(&demands))
    }

    fn win_rate(&self, demands: &[f64], d: f64) -> f64 {
        let [strong, weak] = self.qualities(demands, d);
        Ability::win_rate(strong, weak)
    }

    /// By how much each label is above the general win rate, in logits of the mean slope.
    fn residuals(&self, gold: &[f64], demands: &[Vec<f64>]) -> Vec<f64> {
        let slope = |demands: &Vec<f64>| mean(&self.qualities(demands, 0.0).map(|q| q * (1.0 - q)));
        let slope = mean(&demands.iter().map(slope).collect::<Vec<_>>()).max(1e-3);
        let labels = gold.iter().zip(demands);
        labels.map(|(label, demands)| (label - self.win_rate(demands, 0.0)) / slope).collect()
    }

    /// Squared error of the win rate, query by query, with a share of the correction `d`.
    fn squared_errors(
        &self,
        gold: &[f64],
        demands: &[Vec<f64>],
        d: &[f64],
        share: f64,
    ) -> Vec<f64> {
        let rows = gold.iter().zip(demands).zip(d);
        rows.map(|((y, demands), d)| (y - self.win_rate(demands, share * d)).powi(2)).collect()
    }
}
