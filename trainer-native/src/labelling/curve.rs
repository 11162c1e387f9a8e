//! Quality of a router against the number of labels that it learnt from.
//!
//! For each seed a third of the questions is held out and the order of labels is drawn; the first n of them are
//! fitted and the held-out rows scored, for each n. So the labels of a smaller n are among those of a larger one. A
//! strategy that asks how uncertain a prompt is chooses in rounds: the labels beyond n by the router that learnt
//! from the first n.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::draws::{HeldOut, hold_out};
use super::prompts::Prompts;
use super::score::{self, Scores};
use super::select::{Choice, Strategy, select};
use super::uncertainty::{self, Measure};
use crate::error::TrainerError;
use crate::eval::pair::curve::RoutedRow;
use crate::eval::pair::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::pair::rows::PairRow;
use crate::random::RandomStream;
use crate::router::difficulty::{FittedPair, PairLabel, PairOnBundle};

/// Labelled questions and what is known of them.
pub struct Labelled<'a> {
    pub prompts: &'a Prompts,
    pub pair: &'a PairOnBundle,
    /// Scores, one a prompt.
    pub rows: &'a [PairRow],
}

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Numbers of labels, ascending.
    pub labels: Vec<usize>,
    pub strategies: Vec<Strategy>,
    pub first_seed: u64,
    pub seeds: usize,
    /// Share of the questions held out.
    pub held_out: f64,
    /// Share of strong calls at which the quality kept is measured, and by whose threshold a prompt is uncertain.
    pub strong_share: f64,
    pub uncertainty: Measure,
}

/// Scores of one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct OfSeed {
    /// Rows held out.
    pub held_out: usize,
    /// Rows that labels were drawn from.
    pub available: usize,
    pub untrained: Scores,
    pub length: Scores,
    pub random: Scores,
    pub oracle: Scores,
    /// One a strategy; in each one a number of labels.
    pub learnt: Vec<Vec<Learnt>>,
}

/// Scores of routers that learnt from one number of labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learnt {
    pub router: Scores,
    pub neighbours: Scores,
    /// Whether the labels taught a correction of the pair.
    pub is_corrected: bool,
}

/// Measures every seed, in their order; `progress` is called after each.
///
/// # Errors
/// [`TrainerError::NothingToScore`] where the labels asked for are more than a seed leaves, or nothing can be held
/// out; those of the scores, such as no gap between the two LLMs; [`TrainerError::Interrupted`].
pub fn of_seeds(
    labelled: &Labelled<'_>,
    settings: &Settings,
    progress: &(dyn Fn() + Sync),
    stop: &AtomicBool,
) -> Result<Vec<OfSeed>, TrainerError> {
    let seeds: Vec<u64> = (0..settings.seeds as u64).map(|at| settings.first_seed + at).collect();
    seeds
        .par_iter()
        .map(|&seed| {
            let found = labelled.of_seed(settings, seed, stop);
            progress();
            found
        })
        .collect()
}

impl Labelled<'_> {
    fn of_seed(
        &self,
        settings: &Settings,
        seed: u64,
        stop: &AtomicBool,
    ) -> Result<OfSeed, TrainerError> {
        let sides = hold_out(&self.prompts.groups, settings.held_out, seed)?;
        let at_share = settings.strong_share;
        let by = |win_rates: &[f64]| {
            Ok::<_, TrainerError>(score::scores(&self.routed(&sides, win_rates), at_share)?)
        };
        let lengths: Vec<f64> = sides.held.iter().map(|&at| self.rows[at].length as f64).collect();
        let plain = self.routed(&sides, &lengths);
        let mut learnt = Vec::new();
        for &strategy in &settings.strategies {
            learnt.push(self.by_strategy(settings, (strategy, seed), &sides, stop)?);
        }
        Ok(OfSeed {
            held_out: sides.held.len(),
            available: sides.rest.len(),
            untrained: by(&self.win_rates(self.pair.untrained(), &sides.held))?,
            length: by(&lengths)?,
            random: score::chance(&plain, at_share)?,
            oracle: score::oracle(&plain, at_share)?,
            learnt,
        })
    }

    fn by_strategy(
        &self,
        settings: &Settings,
        (strategy, seed): (Strategy, u64),
        sides: &HeldOut,
        stop: &AtomicBool,
    ) -> Result<Vec<Learnt>, TrainerError> {
        let mut found = Vec::new();
        let mut labels: Vec<PairLabel> = Vec::new();
        let mut chosen: Vec<usize> = Vec::new();
        let mut fitted = self.pair.untrained().clone();
        for &count in &settings.labels {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainerError::Interrupted {
                    doing: "measuring the learning curve".into(),
                });
            }
            let uncertainty = match strategy.needs_uncertainty() {
                false => Vec::new(),
                true => uncertainty::of(
                    self.pair,
                    (&fitted, &labels),
                    (&sides.rest, self.rows.len()),
                    settings.strong_share,
                    settings.uncertainty,
                )?,
            };
            choose(
                self.prompts,
                &mut chosen,
                count,
                strategy,
                &Unlabelled { rest: &sides.rest, uncertainty: &uncertainty, seed },
            );
            // In the order of the rows, as a run that trains on them has them.
            let mut sorted = chosen.clone();
            sorted.sort_unstable();
            let label = |&query: &usize| {
                let PairRow { strong, weak, .. } = self.rows[query];
                PairLabel { query, strong, weak }
            };
            labels = sorted.iter().map(label).collect();
            fitted = self.pair.fit(&labels)?;
            let win_rates = self.win_rates(&fitted, &sides.held);
            let near = self.neighbours(&labels, &sides.held);
            found.push(Learnt {
                router: score::scores(&self.routed(sides, &win_rates), settings.strong_share)?,
                neighbours: score::scores(&self.routed(sides, &near), settings.strong_share)?,
                is_corrected: fitted.is_corrected(),
            });
        }
        Ok(found)
    }

    fn win_rates(&self, fitted: &FittedPair, at: &[usize]) -> Vec<f64> {
        at.iter().map(|&at| self.pair.win_rate(fitted, at)).collect()
    }

    /// Win rates by the labels of the nearest prompts: the square root of their number.
    fn neighbours(&self, labels: &[PairLabel], at: &[usize]) -> Vec<f64> {
        let near = |label: &PairLabel| Neighbour {
            embedding: self.prompts.topics[label.query].clone(),
            gain: label.strong - label.weak,
        };
        let labelled: Vec<Neighbour> = labels.iter().map(near).collect();
        let topics: Vec<Vec<f32>> = at.iter().map(|&at| self.prompts.topics[at].clone()).collect();
        nearest_neighbours(&topics, &labelled, (labels.len() as f64).sqrt().ceil() as usize)
    }

    fn routed(&self, sides: &HeldOut, win_rates: &[f64]) -> Vec<RoutedRow> {
        let row = |(&at, &win_rate): (&usize, &f64)| {
            let PairRow { weak, strong, .. } = self.rows[at];
            RoutedRow { win_rate, weak, strong }
        };
        sides.held.iter().zip(win_rates).map(row).collect()
    }
}

/// What labels are chosen from.
struct Unlabelled<'a> {
    /// Places of the prompts that are not held out.
    rest: &'a [usize],
    /// How uncertain each prompt is, all prompts in their order.
    uncertainty: &'a [f64],
    seed: u64,
}

/// Adds places of labels until there are `count`, at most as many as may have one. Near copies come last.
fn choose(
    prompts: &Prompts,
    chosen: &mut Vec<usize>,
    count: usize,
    strategy: Strategy,
    &Unlabelled { rest, uncertainty, seed }: &Unlabelled<'_>,
) {
    let left = |chosen: &[usize]| -> Vec<usize> {
        let chosen: HashSet<usize> = chosen.iter().copied().collect();
        rest.iter().filter(|at| !chosen.contains(at)).copied().collect()
    };
    let candidates = left(chosen);
    let missing = count.saturating_sub(chosen.len());
    let choice =
        Choice { candidates: &candidates, labelled: chosen, uncertainty, count: missing, seed };
    let added = select(prompts, &choice, strategy);
    chosen.extend(added);
    let missing = count.saturating_sub(chosen.len());
    chosen.extend(RandomStream::new(seed, 2).some(&left(chosen), missing));
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::super::prompts::Taken;
    use super::super::prompts::tests::of_bags;
    use super::*;

    #[test]
    fn labels_are_nested_and_never_held_out_and_near_copies_come_last() {
        // Sixty prompts of three subjects, every sixth of which stands there twice.
        let bag = |at: u32| {
            let text = at - u32::from(at % 6 == 1);
            vec![(text % 3, 0.6), (10 + text, 0.8)]
        };
        let prompts = of_bags((0..60).map(bag).collect());
        let rest: Vec<usize> = (0..60).filter(|at| at % 4 != 0).collect();
        let uncertainty: Vec<f64> = (0..60).map(|at| f64::from(at * 17 % 60)).collect();
        for strategy in Strategy::value_variants() {
            let mut chosen = Vec::new();
            let mut before = Vec::new();
            for count in [0, 5, 12, 30, 45, 99] {
                let from = Unlabelled { rest: &rest, uncertainty: &uncertainty, seed: 3 };
                choose(&prompts, &mut chosen, count, *strategy, &from);
                assert_eq!(chosen.len(), count.min(rest.len()), "{strategy:?}");
                assert!(chosen.starts_with(&before) && chosen.iter().all(|at| at % 4 != 0));
                let distinct: HashSet<&usize> = chosen.iter().collect();
                assert_eq!(distinct.len(), chosen.len());
                before.clone_from(&chosen);
            }
            let mut taken = Taken::new(&prompts);
            let is_copy = |at: &usize| {
                let found = taken.has_near_copy(*at);
                taken.add(*at);
                found
            };
            let copies: Vec<bool> = chosen.iter().map(is_copy).collect();
            assert!(copies.is_sorted() && copies.contains(&true), "{strategy:?}: {copies:?}");
        }
    }
}
