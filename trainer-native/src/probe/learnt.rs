//! The ability that a probe shows, and what it means on the bundle's own queries.

use pointsman::{Ability, AbilityPenalty, Manifest, Query, Router};
use serde::Serialize;

use super::interval::MeanQuality;
use crate::data::Outcomes;
use crate::error::TrainerError;

/// What was learnt of an LLM.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Learnt {
    pub ability: Ability,
    /// Outcomes that it was fitted to.
    pub outcomes: usize,
    /// Its mean quality over the bundle's calibration queries, or over the probe where the bundle states none.
    pub mean_quality: MeanQuality,
    /// The same of the bundle's candidates, by their abilities.
    pub beside: Vec<(String, f64)>,
}

/// Fits the ability of the LLM in `column` of the outcomes.
///
/// # Errors
/// `demands_unsupported` for a bundle of another kind than `difficulty`; `outcomes_invalid` without an outcome;
/// those of the engine.
pub fn learn(
    router: &Router,
    outcomes: &Outcomes,
    column: usize,
    prior: &Ability,
) -> Result<Learnt, TrainerError> {
    let (mut demands, mut scores) = (Vec::new(), Vec::new());
    for row in &outcomes.rows {
        let Some(score) = row.score(column) else { continue };
        demands.push(router.demands(&Query::new(&row.query)?)?);
        scores.push(f64::from(score));
    }
    let penalty = AbilityPenalty::default();
    let ability = Ability::fit(&demands, &scores, prior, penalty)?;
    let usual = usual_demands(router.info());
    let mean_quality = MeanQuality::of(&ability, &demands, &usual, penalty)?;
    let over = if usual.is_empty() { &demands } else { &usual };
    let beside = router.info().candidates.iter().filter_map(|candidate| {
        let known = candidate.ability.as_ref()?;
        Some((candidate.id.clone(), mean_over(known, over)))
    });
    Ok(Learnt { outcomes: scores.len(), mean_quality, beside: beside.collect(), ability })
}

/// The demands of queries that stand for the bundle's calibration sample.
fn usual_demands(info: &Manifest) -> Vec<Vec<f64>> {
    let rows = info.calibration.as_ref().and_then(|calibration| calibration.demands.as_ref());
    let wide = |row: &Vec<f32>| row.iter().map(|&demand| f64::from(demand)).collect();
    rows.into_iter().flatten().map(wide).collect()
}

#[allow(clippy::cast_precision_loss)]
fn mean_over(ability: &Ability, demands: &[Vec<f64>]) -> f64 {
    demands.iter().map(|row| ability.quality(row)).sum::<f64>() / demands.len().max(1) as f64
}

/// Where the fit begins: the ability of a tier or of a candidate, else that of tier `medium`, else the mean of the
/// candidates' abilities, as [`Router::fit_ability`] has it.
///
/// # Errors
/// [`TrainerError::BadSetting`] for a tier or a candidate that the bundle lacks, naming those it has.
pub fn prior_of(
    info: &Manifest,
    tier: Option<&str>,
    role: Option<&str>,
) -> Result<Ability, TrainerError> {
    let bad = |setting: &str, found: &str, known: Vec<&str>| TrainerError::BadSetting {
        setting: setting.into(),
        detail: match known.is_empty() {
            true => {
                format!("found {found:?}, but bundle {:?} states none: leave it out", info.name)
            }
            false => format!("found {found:?}, expected one of {}", known.join(", ")),
        },
    };
    let tiers = || info.head.abilities.iter().flatten();
    let tier_named = |name: &str| tiers().find(|(tier, _)| *tier == name).map(|(_, of)| of.clone());
    let known = || info.candidates.iter().filter(|candidate| candidate.ability.is_some());
    match (tier, role) {
        (Some(_), Some(_)) => Err(TrainerError::BadSetting {
            setting: "tier".into(),
            detail: "found both a tier and a role, expected one of them".into(),
        }),
        (Some(tier), None) => tier_named(tier)
            .ok_or_else(|| bad("tier", tier, tiers().map(|(tier, _)| tier.as_str()).collect())),
        (None, Some(role)) => known()
            .find(|candidate| candidate.id == role)
            .and_then(|candidate| candidate.ability.clone())
            .ok_or_else(|| bad("role", role, known().map(|found| found.id.as_str()).collect())),
        (None, None) => Ok(tier_named("medium").unwrap_or_else(|| mean_of_candidates(info))),
    }
}

#[allow(clippy::cast_precision_loss)]
fn mean_of_candidates(info: &Manifest) -> Ability {
    let known = || info.candidates.iter().filter_map(|candidate| candidate.ability.as_ref());
    let share = 1.0 / known().count().max(1) as f64;
    let size = info.head.demands.as_ref().map_or(0, Vec::len);
    let mut mean = Ability { intercept: 0.0, slopes: vec![0.0; size] };
    for ability in known() {
        mean.intercept += ability.intercept * share;
        mean.slopes.iter_mut().zip(&ability.slopes).for_each(|(sum, slope)| *sum += slope * share);
    }
    mean
}
