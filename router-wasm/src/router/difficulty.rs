//! Turns a query's demands, which a graph predicts, into qualities and a win rate.
//!
//! ```text
//! quality(M, q)            = sigmoid(a_M - w_M . d(q))           d [K], the ability (a_M, w_M) of M
//! P(strong beats weak | q) = (1 + quality(strong, q) - quality(weak, q)) / 2
//! ```

use crate::ability::Ability;
use crate::manifest::Manifest;

/// Quality of each candidate for a query of these demands `[K]`, and the win rate of the manifest's strong
/// candidate over its weak one.
pub(super) fn assess(demands: &[f32], manifest: &Manifest) -> (Vec<f64>, Option<f64>) {
    let demands: Vec<f64> = demands.iter().map(|&d| f64::from(d)).collect();
    // The manifest's check: every candidate has an ability.
    let abilities = manifest.candidates.iter().map(|candidate| candidate.ability.as_ref());
    let qualities: Vec<f64> =
        abilities.map(|found| found.map_or(0.0, |ability| ability.quality(&demands))).collect();
    let win_rate =
        manifest.pair().map(|(strong, weak)| Ability::win_rate(qualities[strong], qualities[weak]));
    (qualities, win_rate)
}
