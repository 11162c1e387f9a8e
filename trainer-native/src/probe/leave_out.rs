//! How far n answers carry: each LLM of a pool of outcomes in turn is treated as new.
//!
//! From each LLM's rows n are drawn by a seed, its ability is fitted to them, and the rest is predicted; the rows
//! of 25 answers are among those of 50, and all n are scored on the same rest. Beside it stand the bundle's tier
//! abilities without an answer, the mean of the n answers alone, and the fit to all of the LLM's rows, the rest
//! among them: what no number of answers surpasses by much.
//!
//! The demands are the bundle's. Where it learnt them from these queries, the figures say how well an *LLM* is
//! learnt from n answers, not how well unseen queries are rated.

use std::sync::atomic::{AtomicBool, Ordering};

use pointsman::{Ability, AbilityPenalty, Manifest, Query, Router};
use rayon::prelude::*;
use serde::Serialize;

use super::interval::MeanQuality;
use super::learnt::prior_of;
use crate::assess::on_each;
use crate::data::Outcomes;
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::eval::RoutedRow;
use crate::eval::pair::curve::Curve;
use crate::eval::rank_correlation::partial;
use crate::random::RandomStream;

/// LLMs that answered a smaller share of the rows take no part.
const LEAST_SHARE: f64 = 0.7;
/// Fewest rows of an LLM that are left to predict.
const LEAST_REST: usize = 100;
/// Fewest LLMs of a pool.
const LEAST_LLMS: usize = 3;
/// Least difference of mean scores of a pair whose APGR is computed: of a smaller one APGR is noise.
const LEAST_GAP: f64 = 0.05;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// Numbers of answers to fit to, ascending.
    pub answers: Vec<usize>,
    /// How often they are drawn for each LLM.
    pub draws: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { answers: vec![25, 50, 100, 200], draws: 20, seed: 1 }
    }
}

/// How far n answers carry on one pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    pub bundle: String,
    pub rows: usize,
    /// LLMs that take part, the best first.
    pub llms: Vec<LlmMean>,
    /// LLMs that answered too few of the rows.
    pub too_few: Vec<String>,
    /// LLMs whose mean score differs enough from that of the best other one for an APGR.
    pub pairs: usize,
    pub settings: Settings,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LlmMean {
    pub id: String,
    pub answered: usize,
    /// Mean score, in [0, 1].
    pub mean: f64,
}

/// What a prediction is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The ability from which a fit begins: tier `medium`, where the bundle states tiers.
    Prior,
    /// The tier whose mean quality is nearest to the LLM's mean score: what its user would name at best.
    NearestTier,
    /// The mean of the answers, for every query.
    Mean(usize),
    /// The ability fitted to the answers.
    Answers(usize),
    /// The ability fitted to all rows, those that are predicted among them.
    All,
}

/// One kind of prediction, over all LLMs and draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    pub basis: Basis,
    /// Mean absolute difference of predicted and true mean score.
    pub mean_error: f64,
    /// The difference that 95 % of LLMs and draws do not exceed.
    pub mean_error_95: f64,
    /// Share of LLMs and draws whose true mean score lies in the 95 % interval of the predicted one; of fits to
    /// answers.
    pub in_interval: Option<f64>,
    /// Rank correlation of predicted and true mean scores over the LLMs, mean of the draws; `None` where
    /// it is undefined.
    pub rank_correlation: Option<f64>,
    /// Mean squared error of the predicted quality of a single answer.
    pub brier: f64,
    /// Cross entropy of the same, in nats.
    pub log_loss: f64,
    /// APGR of the pair with the best other LLM, mean of pairs and draws; `None` without a pair.
    pub apgr: Option<f64>,
}

/// An LLM's rows of the pool.
struct LlmRows {
    id: String,
    /// Places of the rows that it answered, with its scores.
    rows: Vec<(usize, f64)>,
    mean: f64,
    /// The ability fitted to all of them.
    ability: Ability,
}

struct Pool {
    /// `[K]` of each row.
    demands: Vec<Vec<f64>>,
    prior: Ability,
    tiers: Vec<Ability>,
    llms: Vec<LlmRows>,
}

/// A prediction of one LLM's quality.
enum Predicted {
    Ability(Ability),
    Constant(f64),
}

impl Predicted {
    fn quality(&self, demands: &[f64]) -> f64 {
        match self {
            Self::Ability(ability) => ability.quality(demands),
            Self::Constant(mean) => *mean,
        }
    }
}

/// One prediction of one LLM, scored on its rest.
struct Scored {
    predicted_mean: f64,
    true_mean: f64,
    in_interval: Option<bool>,
    brier: f64,
    log_loss: f64,
    apgr: Option<f64>,
}

/// Measures how far answers carry on a pool of outcomes.
///
/// # Errors
/// [`TrainerError::NothingToScore`] for fewer than three LLMs with enough rows; [`TrainerError::BadSetting`];
/// `demands_unsupported` for a bundle of another kind than `difficulty`; those of the engine;
/// [`TrainerError::Interrupted`].
pub fn leave_out(
    router: &Router,
    outcomes: &Outcomes,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<LeftOut, TrainerError> {
    check(settings)?;
    let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
    let demands = on_each("rating queries", &queries, stop, &|text| {
        if_any_token(Query::new(text).and_then(|query| router.demands(&query)))
    })?;
    of_demands(router.info(), outcomes, demands, settings, stop)
}

/// The same for rows of known demands; a row without is left out.
fn of_demands(
    info: &Manifest,
    outcomes: &Outcomes,
    demands: Vec<Option<Vec<f64>>>,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<LeftOut, TrainerError> {
    let most = settings.answers.iter().copied().max().unwrap_or_default();
    let (pool, too_few) = Pool::of(info, outcomes, demands, most)?;
    let bases = bases(settings, !pool.tiers.is_empty());
    let mut draws: Vec<Vec<Vec<Scored>>> = Vec::new();
    for draw in 0..settings.draws {
        let of_llm = |at: usize| -> Result<Vec<Scored>, TrainerError> {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainerError::Interrupted { doing: "predicting LLMs left out".into() });
            }
            pool.scored(at, &bases, most, settings.seed, draw)
        };
        draws.push((0..pool.llms.len()).into_par_iter().map(of_llm).collect::<Result<_, _>>()?);
    }
    let lines = bases.iter().enumerate().map(|(at, basis)| line(*basis, at, &draws)).collect();
    let has_pair = |llm: usize| {
        draws.iter().filter_map(|draw| draw.get(llm)).flatten().any(|found| found.apgr.is_some())
    };
    let pairs = (0..pool.llms.len()).filter(|&llm| has_pair(llm)).count();
    let of =
        |llm: &LlmRows| LlmMean { id: llm.id.clone(), answered: llm.rows.len(), mean: llm.mean };
    Ok(LeftOut {
        bundle: info.name.clone(),
        rows: pool.demands.len(),
        llms: pool.llms.iter().map(of).collect(),
        too_few,
        pairs,
        settings: settings.clone(),
        lines,
    })
}

fn check(settings: &Settings) -> Result<(), TrainerError> {
    let bad = |setting: &str, detail: String| {
        Err(TrainerError::BadSetting { setting: setting.into(), detail })
    };
    let ascend = settings.answers.is_sorted_by(|a, b| a < b);
    if settings.answers.is_empty() || settings.answers.first() == Some(&0) || !ascend {
        let found = &settings.answers;
        return bad("answers", format!("found {found:?}, expected ascending numbers from 1"));
    }
    if settings.draws == 0 {
        return bad("draws", "found 0, expected at least 1".into());
    }
    Ok(())
}

fn bases(settings: &Settings, tiers: bool) -> Vec<Basis> {
    let without = [Some(Basis::Prior), tiers.then_some(Basis::NearestTier)];
    let each = settings.answers.iter().flat_map(|&n| [Basis::Mean(n), Basis::Answers(n)]);
    without.into_iter().flatten().chain(each).chain([Basis::All]).collect()
}

impl Pool {
    /// The LLMs that answered enough rows, the best first, and the names of the others.
    fn of(
        info: &Manifest,
        outcomes: &Outcomes,
        demands: Vec<Option<Vec<f64>>>,
        most: usize,
    ) -> Result<(Self, Vec<String>), TrainerError> {
        let prior = prior_of(info, None, None)?;
        let (kept, demands): (Vec<usize>, Vec<Vec<f64>>) =
            demands.into_iter().enumerate().filter_map(|(at, found)| Some((at, found?))).unzip();
        let needed = needed(demands.len()).max(most + LEAST_REST);
        let (mut llms, mut too_few) = (Vec::new(), Vec::new());
        for (column, id) in outcomes.models.iter().enumerate() {
            let score = |at: &usize| outcomes.rows.get(*at)?.score(column).map(f64::from);
            let rows: Vec<(usize, f64)> = kept
                .iter()
                .enumerate()
                .filter_map(|(place, at)| Some((place, score(at)?)))
                .collect();
            if rows.len() < needed {
                too_few.push(id.clone());
                continue;
            }
            let ability = fit(&demands, &rows, &prior)?;
            llms.push(LlmRows { id: id.clone(), mean: mean_score(&rows), rows, ability });
        }
        if llms.len() < LEAST_LLMS {
            return Err(TrainerError::NothingToScore {
                detail: format!(
                    "{} LLMs have scores on {needed} of the {} rows, expected at least {LEAST_LLMS} (those \
                     to fit to, {LEAST_REST} to predict, {:.0} % of all). Take a pool of more LLMs, or lower \
                     --answers",
                    llms.len(),
                    demands.len(),
                    LEAST_SHARE * 100.0
                ),
            });
        }
        llms.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        let tiers = info.head.abilities.iter().flatten().map(|(_, ability)| ability.clone());
        Ok((Self { demands, prior, tiers: tiers.collect(), llms }, too_few))
    }

    fn demands_at(&self, place: usize) -> &[f64] {
        self.demands.get(place).map_or(&[], Vec::as_slice)
    }

    /// One LLM's predictions by each of `bases`, on the rows beyond the `most` drawn ones.
    fn scored(
        &self,
        at: usize,
        bases: &[Basis],
        most: usize,
        seed: u64,
        draw: usize,
    ) -> Result<Vec<Scored>, TrainerError> {
        let Some(llm) = self.llms.get(at) else { return Ok(Vec::new()) };
        let mut random = RandomStream::new(seed, draw * self.llms.len() + at);
        let order = random.some(&llm.rows, llm.rows.len());
        let (drawn, rest) = order.split_at(most.min(order.len()));
        let pair = self.pair(at, rest);
        bases
            .iter()
            .map(|basis| {
                let predicted = self.predicted(*basis, llm, drawn)?;
                self.score(*basis, &predicted, drawn, rest, pair.as_ref())
            })
            .collect()
    }

    fn predicted(
        &self,
        basis: Basis,
        llm: &LlmRows,
        drawn: &[(usize, f64)],
    ) -> Result<Predicted, TrainerError> {
        let first = |n: usize| drawn.get(..n).unwrap_or(drawn);
        Ok(match basis {
            Basis::Prior => Predicted::Ability(self.prior.clone()),
            Basis::NearestTier => {
                let off = |tier: &&Ability| {
                    let sum: f64 = llm
                        .rows
                        .iter()
                        .map(|(place, _)| tier.quality(self.demands_at(*place)))
                        .sum();
                    (sum / count(llm.rows.len()) - llm.mean).abs()
                };
                let nearest = self.tiers.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
                Predicted::Ability(nearest.unwrap_or(&self.prior).clone())
            }
            Basis::Mean(n) => {
                // Half a right and half a wrong answer more (Jeffreys' prior), so that no loss is infinite.
                let sum: f64 = first(n).iter().map(|(_, score)| score).sum();
                Predicted::Constant((sum + 0.5) / (count(n) + 1.0))
            }
            Basis::Answers(n) => Predicted::Ability(fit(&self.demands, first(n), &self.prior)?),
            Basis::All => Predicted::Ability(llm.ability.clone()),
        })
    }

    fn score(
        &self,
        basis: Basis,
        predicted: &Predicted,
        drawn: &[(usize, f64)],
        rest: &[(usize, f64)],
        pair: Option<&Pair<'_>>,
    ) -> Result<Scored, TrainerError> {
        let (mut sum, mut brier, mut log_loss) = (0.0, 0.0, 0.0);
        for (place, score) in rest {
            let quality = predicted.quality(self.demands_at(*place));
            let safe = quality.clamp(1e-9, 1.0 - 1e-9);
            sum += quality;
            brier += (score - quality).powi(2);
            log_loss -= score * safe.ln() + (1.0 - score) * (1.0 - safe).ln();
        }
        let rows = count(rest.len());
        let true_mean = mean_score(rest);
        let in_interval = match (basis, predicted) {
            (Basis::Answers(n), Predicted::Ability(ability)) => {
                let of = |rows: &[(usize, f64)]| -> Vec<Vec<f64>> {
                    rows.iter().map(|(place, _)| self.demands_at(*place).to_vec()).collect()
                };
                let fitted = of(drawn.get(..n).unwrap_or(drawn));
                let penalty = AbilityPenalty::default();
                Some(MeanQuality::of(ability, &fitted, &of(rest), penalty)?.holds(true_mean))
            }
            _ => None,
        };
        let apgr = pair.and_then(|pair| pair.apgr(self, predicted));
        Ok(Scored {
            predicted_mean: sum / rows,
            true_mean,
            in_interval,
            brier: brier / rows,
            log_loss: log_loss / rows,
            apgr,
        })
    }

    /// The LLM beside the best other one, on the rows of `rest` that both answered.
    fn pair(&self, at: usize, rest: &[(usize, f64)]) -> Option<Pair<'_>> {
        let best = self.llms.get(usize::from(at == 0))?;
        let mut known: Vec<Option<f64>> = vec![None; self.demands.len()];
        for (place, score) in &best.rows {
            if let Some(slot) = known.get_mut(*place) {
                *slot = Some(*score);
            }
        }
        let both = |(place, new): &(usize, f64)| Some((*place, *new, (*known.get(*place)?)?));
        let rows: Vec<(usize, f64, f64)> = rest.iter().filter_map(both).collect();
        let gap = rows.iter().map(|(_, new, known)| new - known).sum::<f64>() / count(rows.len());
        (gap.abs() >= LEAST_GAP).then_some(Pair {
            rows,
            known: &best.ability,
            new_is_strong: gap > 0.0,
        })
    }
}

/// The new LLM beside the best one that is known.
struct Pair<'a> {
    /// Place, score of the new LLM, score of the known one.
    rows: Vec<(usize, f64, f64)>,
    known: &'a Ability,
    new_is_strong: bool,
}

impl Pair<'_> {
    fn apgr(&self, pool: &Pool, predicted: &Predicted) -> Option<f64> {
        let row = |(place, new, known): &(usize, f64, f64)| {
            let demands = pool.demands_at(*place);
            let (new_quality, known_quality) =
                (predicted.quality(demands), self.known.quality(demands));
            let of =
                |new: f64, known: f64| if self.new_is_strong { (new, known) } else { (known, new) };
            let (strong, weak) = of(*new, *known);
            let (strong_quality, weak_quality) = of(new_quality, known_quality);
            RoutedRow { win_rate: Ability::win_rate(strong_quality, weak_quality), weak, strong }
        };
        let rows: Vec<RoutedRow> = self.rows.iter().map(row).collect();
        // Where all win rates are equal no decision can be better than chance, and APGR is undefined.
        Curve::at_deciles(&rows).ok().map(|curve| curve.apgr())
    }
}

fn line(basis: Basis, at: usize, draws: &[Vec<Vec<Scored>>]) -> Line {
    let all = || draws.iter().flatten().filter_map(|llm| llm.get(at));
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / count(values.len());
    let mean_if_any = |values: Vec<f64>| (!values.is_empty()).then(|| mean(values));
    let mut errors: Vec<f64> =
        all().map(|found| (found.predicted_mean - found.true_mean).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let correlation = |draw: &Vec<Vec<Scored>>| {
        let found = || draw.iter().filter_map(|llm| llm.get(at));
        let predicted: Vec<f64> = found().map(|found| found.predicted_mean).collect();
        let actual: Vec<f64> = found().map(|found| found.true_mean).collect();
        partial(&predicted, &actual, &vec![0.0; actual.len()])
    };
    // LLMs of one ability are not ranked: their predicted means differ by their rows alone.
    let ranks = !matches!(basis, Basis::Prior | Basis::NearestTier);
    Line {
        basis,
        mean_error_95: pointsman::quantile(&errors, 95, 100),
        mean_error: mean(errors),
        in_interval: mean_if_any(
            all().filter_map(|found| Some(f64::from(u8::from(found.in_interval?)))).collect(),
        ),
        rank_correlation: mean_if_any(
            draws.iter().filter(|_| ranks).filter_map(correlation).collect(),
        ),
        brier: mean(all().map(|found| found.brier).collect()),
        log_loss: mean(all().map(|found| found.log_loss).collect()),
        apgr: mean_if_any(all().filter_map(|found| found.apgr).collect()),
    }
}

fn fit(
    demands: &[Vec<f64>],
    rows: &[(usize, f64)],
    prior: &Ability,
) -> Result<Ability, TrainerError> {
    let of = |(place, score): &(usize, f64)| Some((demands.get(*place)?.clone(), *score));
    let (demands, scores): (Vec<Vec<f64>>, Vec<f64>) = rows.iter().filter_map(of).unzip();
    Ok(Ability::fit(&demands, &scores, prior, AbilityPenalty::default())?)
}

fn mean_score(rows: &[(usize, f64)]) -> f64 {
    rows.iter().map(|(_, score)| score).sum::<f64>() / count(rows.len())
}

#[allow(clippy::cast_precision_loss)]
fn count(n: usize) -> f64 {
    n.max(1) as f64
}

/// Rows that an LLM must have answered.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn needed(rows: usize) -> usize {
    (rows as f64 * LEAST_SHARE).ceil() as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
