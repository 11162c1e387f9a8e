//! Scores a router on held-out prompts, at the thresholds that it ships with.

use std::sync::atomic::AtomicBool;

use pointsman::{Calibration, Router};

use super::settings::Stated;
use crate::assess::{PairRows, pair_rows, win_rates};
use crate::data::{Outcomes, prompt_groups};
use crate::error::TrainerError;
use crate::eval::bootstrap::Settings;
use crate::eval::pair::PairModels;
use crate::eval::pair::calibration::calibrate;
use crate::eval::pair::rows::PairRow;
use crate::eval::savings::{Policy, Ranking, Savings, measure};

/// A trained router beside the bundle that it was trained from.
#[derive(Clone, Copy)]
pub struct Routers<'a> {
    pub router: &'a Router,
    /// The calibration that ships.
    pub calibration: &'a Calibration,
    pub base: &'a Router,
}

/// Measures what is kept and saved on the held-out rows. Thresholds of the policies are from the queries that were
/// trained on. Without routers, only the single LLMs are measured.
///
/// # Errors
/// [`TrainerError::NothingToScore`]; those of the engine; [`TrainerError::Interrupted`].
pub fn score(
    stated: &Stated,
    is_relative: bool,
    routers: Option<Routers<'_>>,
    trained_on: &[&str],
    held_out: &Outcomes,
    stop: &AtomicBool,
) -> Result<Savings, TrainerError> {
    let PairRows { mut rows, queries, .. } = pair_rows(held_out, &stated.strong, &stated.weak)?;
    if is_relative {
        rows.iter_mut().for_each(relative);
    }
    let groups = prompt_groups(&queries);
    let models = PairModels { weak: stated.weak.clone(), strong: stated.strong.clone() };
    let settings = Settings { seed: stated.seed, ..Settings::default() };
    let Some(Routers { router, calibration, base }) = routers else {
        return Ok(measure(&models, &rows, &groups, &[], &[], settings)?);
    };
    let shares = &stated.shares;
    let ranking = |policy, win_rates, calibration: &Calibration| {
        let thresholds = shares.iter().map(|&share| calibration.threshold_at_share(share));
        Ranking { policy, win_rates, thresholds: thresholds.collect() }
    };
    let of_base = calibrate(&win_rates(base, trained_on, stop)?, "prompts to train on")?;
    let lengths: Vec<f64> = trained_on.iter().map(|query| length(query)).collect();
    let of_lengths = calibrate(&lengths, "prompts to train on")?;
    let rankings = [
        ranking(Policy::Router, win_rates(router, &queries, stop)?, calibration),
        ranking(Policy::Untrained, win_rates(base, &queries, stop)?, &of_base),
        ranking(Policy::Length, queries.iter().map(|query| length(query)).collect(), &of_lengths),
    ];
    Ok(measure(&models, &rows, &groups, shares, &rankings, settings)?)
}

#[allow(clippy::cast_precision_loss)]
fn length(query: &str) -> f64 {
    query.chars().count() as f64
}

/// Scores of comparisons say who won, so only their difference has a meaning: the strong LLM gets 1/2, and the weak
/// one more or less. The quality kept is then 1 less the share of answers that lose to the strong LLM's, plus the
/// share of those that win.
fn relative(row: &mut PairRow) {
    row.weak = 0.5 - (row.strong - row.weak) / 2.0;
    row.strong = 0.5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_relative_to_the_strong_llm() {
        let of = |strong, weak| {
            let mut row = PairRow { strong, weak, ..PairRow::default() };
            relative(&mut row);
            (row.strong, row.weak)
        };
        assert_eq!(
            [of(1.0, 0.0), of(0.5, 0.5), of(0.0, 1.0)],
            [(0.5, 0.0), (0.5, 0.5), (0.5, 1.0)]
        );
    }
}
