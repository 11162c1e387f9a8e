//! The score of a new LLM in a `ridge` run, linear in the query's embedding.
//!
//! ```text
//! z_M(q)   = half the run's own score of M, strong or weak           P(M beats weak | q) = sigmoid(2 z_M)
//! d(q)     = mean over the measured M of z_M(q) + score(new, q) - score(M, q)
//! e(q)     = embedding, centred, of mean square length 1
//! (u, b)   = argmin sum (d - z)^2 + penalty |u|^2,   z(q) = sqrt(g) u e(q) + b
//! score    = 2 z, beside the known scores, which stay
//! ```
//! `penalty` is the recipe's, and g its `embedding_weight`, 1 for a recipe without one; the bag of tokens,
//! remembered queries and other LLMs' difficulty stay the pair's alone. It is the linearisation of a
//! logistic model that the pair's own fit uses: d stays finite where all answers are right or wrong.
//! The pair and its win rate are unchanged; the new LLM is chosen by `costWeight`, or where the policy's
//! `candidates` or constraints exclude one of the pair.

use std::sync::atomic::AtomicBool;

use super::{KnownRun, LEAST_ROWS};
use crate::assess::on_each;
use crate::data::Outcomes;
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::export::head_graph::LinearScore;
use crate::linear::ridge_regression::{Features, fit};
use crate::recipe::RidgeRecipe;
use crate::router::ridge::Spread;

/// P = sigmoid(2 z).
const LOG_ODDS: f64 = 2.0;

impl KnownRun {
    /// The LLM's score as a function of the embedding.
    pub(super) fn linear_score(
        &self,
        settings: &RidgeRecipe,
        model: &str,
        outcomes: &Outcomes,
        stop: &AtomicBool,
    ) -> Result<LinearScore, TrainerError> {
        let column = self.column(model, outcomes)?;
        let columns = self.columns(outcomes);
        let (strong, weak) = self.info().pair().unwrap_or_default();
        let pair: Vec<(usize, usize)> = [strong, weak]
            .into_iter()
            .filter_map(|candidate| Some((candidate, columns.get(candidate).copied().flatten()?)))
            .collect();
        let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
        let encoder = self.int8.router.encoder();
        let found = on_each("embedding queries", &queries, stop, &|text| {
            if_any_token(encoder.tokenize(text).and_then(|tokens| encoder.run(&tokens)))
        })?;
        let (mut embeddings, mut lengths, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (row, outputs) in outcomes.rows.iter().zip(found) {
            let (Some(outputs), Some(own)) = (outputs, row.score(column)) else { continue };
            let beside = pair.iter().filter_map(|&(candidate, llm)| {
                let known = f64::from(*outputs.scores.get(candidate)?) / LOG_ODDS;
                Some(known + f64::from(own) - f64::from(row.score(llm)?))
            });
            let beside: Vec<f64> = beside.collect();
            let Some((length, embedding)) = outputs.embedding.split_last() else { continue };
            if beside.is_empty() {
                continue;
            }
            #[allow(clippy::cast_precision_loss)]
            targets.push(beside.iter().sum::<f64>() / beside.len() as f64);
            embeddings.push(embedding.iter().map(|&v| f64::from(v)).collect());
            lengths.push(f64::from(*length));
        }
        if targets.len() < LEAST_ROWS {
            return Err(TrainerError::BadCandidate {
                model: model.to_owned(),
                detail: format!(
                    "{} rows to learn from score both it and the strong or the weak LLM, expected at \
                     least {LEAST_ROWS}. Measure it on more queries",
                    targets.len()
                ),
            });
        }
        fitted(settings, &embeddings, &lengths, &targets)
    }
}

/// Fits targets z `[N]` to embeddings `[N, D]`; the score's last coefficient, of the length, is 0.
#[allow(clippy::cast_possible_truncation)]
fn fitted(
    settings: &RidgeRecipe,
    embeddings: &[Vec<f64>],
    lengths: &[f64],
    targets: &[f64],
) -> Result<LinearScore, TrainerError> {
    let width = embeddings.iter().map(Vec::len).max().unwrap_or_default();
    let spread = Spread::of(embeddings, lengths, width);
    let weight = if settings.embedding_weight > 0.0 { settings.embedding_weight } else { 1.0 };
    let root = weight.sqrt();
    let features: Vec<Features> = embeddings
        .iter()
        .map(|embedding| Features {
            tokens: Vec::new(),
            dense: spread.centred(embedding).map(|v| v * root).collect(),
        })
        .collect();
    let found = fit(&features, targets, &vec![1.0; targets.len()], 0, settings.penalty)?;
    let slopes: Vec<f64> = found.dense.iter().map(|w| root * w / spread.scale).collect();
    let shift: f64 = slopes.iter().zip(&spread.mean).map(|(w, mean)| w * mean).sum();
    let weights = slopes.iter().chain([&0.0]).map(|w| (LOG_ODDS * w) as f32).collect();
    Ok(LinearScore { weights, intercept: (LOG_ODDS * (found.intercept - shift)) as f32 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings() -> RidgeRecipe {
        toml::from_str("penalty = 1.0\nembedding_weight = 0.5").unwrap()
    }

    #[test]
    fn the_score_is_high_where_the_targets_are() {
        let embeddings: Vec<Vec<f64>> =
            (0..200).map(|i| vec![5.0 + f64::from(i % 2), f64::from(i % 3)]).collect();
        let targets: Vec<f64> = (0..200).map(|i| f64::from(i % 2) - 0.25).collect();
        let score = fitted(&settings(), &embeddings, &[0.0; 200], &targets).unwrap();
        let at = |x: f32, y: f32| score.weights[0] * x + score.weights[1] * y + score.intercept;
        assert_eq!((score.weights.len(), score.weights[2]), (3, 0.0));
        assert!((at(6.0, 1.0) - 1.5).abs() < 0.1 && (at(5.0, 1.0) + 0.5).abs() < 0.1, "{score:?}");
    }

    #[test]
    fn answers_all_right_or_all_wrong_give_a_finite_score_that_does_not_depend_on_the_query() {
        let embeddings: Vec<Vec<f64>> = (0..40).map(|i| vec![f64::from(i % 5)]).collect();
        for target in [1.0, -1.0] {
            let score = fitted(&settings(), &embeddings, &[0.0; 40], &[target; 40]).unwrap();
            assert!(score.weights.iter().all(|w| w.abs() < 1e-6), "{score:?}");
            assert!((f64::from(score.intercept) - 2.0 * target).abs() < 1e-6, "{score:?}");
        }
    }
}
