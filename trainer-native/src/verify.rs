//! The float model against the exported bundle, on the same queries.
//!
//! Export and quantisation are verified, not trusted: burn in float and tract in int8 give a win
//! rate for each query, and the differences are printed.

use rayon::prelude::*;
use switchyard_router::Router;

use crate::data::Outcomes;
use crate::error::TrainerError;
use crate::run::{Trained, token_ids};

/// Mean absolute difference of win rates above which a bundle must not ship.
pub const LIMIT: f64 = 0.01;

/// How far float and exported win rates lie apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Disagreement {
    /// Queries compared.
    pub queries: usize,
    /// Mean absolute difference of win rates.
    pub mean: f64,
    /// Largest absolute difference of win rates.
    pub largest: f64,
    /// Share of queries, in [0, 1], that go to another candidate at the calibrated half.
    pub changed: f64,
    /// Queries whose token ids differ between trainer and engine; anything but 0 is a mistake.
    pub tokenised_apart: usize,
}

/// Compares `trained` with `router` on the queries of `outcomes`, whose exported win rates are
/// `win_rates`. `strong` and `weak` are columns of the float model, `threshold` the one at which decisions are compared.
///
/// # Errors
/// [`TrainerError::Disagreement`] above [`LIMIT`]; the engine's own.
pub fn compare(
    trained: &Trained,
    router: &Router,
    outcomes: &Outcomes,
    win_rates: &[f64],
    strong: usize,
    weak: usize,
    threshold: f64,
) -> Result<Disagreement, TrainerError> {
    let max_tokens = router.info().encoder.max_tokens;
    let tokenised: Vec<(Vec<u32>, bool)> = outcomes
        .rows
        .par_iter()
        .map(|row| {
            let engine = router.encoder().tokenize(&row.query)?.ids;
            let ids = token_ids(&trained.tokenizer, &row.query, max_tokens).map_err(|e| {
                TrainerError::BadEncoder { path: "tokenizer.json".into(), detail: e.to_string() }
            })?;
            let same = engine.len() == ids.len()
                && engine.iter().zip(&ids).all(|(&a, &b)| a == i64::from(b));
            Ok((ids, same))
        })
        .collect::<Result<_, TrainerError>>()?;
    let (ids, alike): (Vec<Vec<u32>>, Vec<bool>) = tokenised.into_iter().unzip();
    let float = trained.router.assess(&ids)?;

    let mut found = Disagreement {
        queries: ids.len(),
        mean: 0.0,
        largest: 0.0,
        changed: 0.0,
        tokenised_apart: 0,
    };
    #[allow(clippy::cast_precision_loss)]
    let share = 1.0 / ids.len().max(1) as f64;
    for (scores, int8) in float.iter().zip(win_rates) {
        let logit = f64::from(scores[strong]) - f64::from(scores[weak]);
        let win_rate = 1.0 / (1.0 + (-logit).exp());
        let difference = (win_rate - int8).abs();
        found.mean += difference * share;
        found.largest = found.largest.max(difference);
        if (win_rate >= threshold) != (*int8 >= threshold) {
            found.changed += share;
        }
    }
    found.tokenised_apart = alike.iter().filter(|same| !**same).count();
    match found.mean <= LIMIT && found.tokenised_apart == 0 {
        true => Ok(found),
        false => Err(TrainerError::Disagreement { found: found.mean, limit: LIMIT }),
    }
}
