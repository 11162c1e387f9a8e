//! How uncertain a router is of a prompt.

use serde::{Deserialize, Serialize};

use crate::error::TrainerError;
use crate::linear::moments::deviation;
use crate::router::difficulty::{FittedPair, PairLabel, PairOnBundle};

/// How it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Nearness of the win rate to the threshold.
    Threshold,
    /// Standard deviation over routers that each learnt from four fifths of the labels.
    Ensemble,
}

const MEMBERS: usize = 5;

/// How uncertain the router `fitted` to `labels` is of each candidate; 0 for other prompts, of which there are `all`
/// with the candidates.
///
/// # Errors
/// Those of the engine.
pub fn of(
    pair: &PairOnBundle,
    (fitted, labels): (&FittedPair, &[PairLabel]),
    (candidates, all): (&[usize], usize),
    strong_share: f64,
    measure: Measure,
) -> Result<Vec<f64>, TrainerError> {
    let mut found = vec![0.0; all];
    if measure == Measure::Threshold || labels.is_empty() {
        candidates.iter().for_each(|&at| found[at] = pair.win_rate(fitted, at));
        return Ok(near_threshold(&found, candidates, strong_share));
    }
    let mut members = Vec::new();
    for member in 0..MEMBERS {
        let kept = labels.iter().enumerate().filter(|(at, _)| at % MEMBERS != member);
        let kept: Vec<PairLabel> = kept.map(|(_, label)| *label).collect();
        members.push(pair.fit(&kept)?);
    }
    for &at in candidates {
        let rates: Vec<f64> = members.iter().map(|member| pair.win_rate(member, at)).collect();
        found[at] = deviation(&rates);
    }
    Ok(found)
}

/// How near each win rate is to the threshold that sends a share of the candidates to the strong LLM.
#[must_use]
pub fn near_threshold(win_rates: &[f64], candidates: &[usize], strong_share: f64) -> Vec<f64> {
    let mut falling: Vec<f64> = candidates.iter().map(|&at| win_rates[at]).collect();
    falling.sort_by(|a, b| b.total_cmp(a));
    let place = (falling.len() as f64 * strong_share) as usize;
    let threshold = falling.get(place).or(falling.last()).copied().unwrap_or_default();
    win_rates.iter().map(|rate| -(rate - threshold).abs()).collect()
}
