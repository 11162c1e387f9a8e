//! Chooses which prompts to label next, most useful first.
//!
//! - `random`: in an order drawn by the seed;
//! - `clusters`: from each cluster as its share of the prompts, drawn within;
//! - `uncertain`: the most uncertain first;
//! - `typical`: the one whose label says most about all prompts (`design.rs`);
//! - `both`: from each cluster as its share of the prompts, the most uncertain of it first.
//!
//! None is a near copy of a labelled prompt or of one chosen before, whatever the strategy.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::design::Design;
use super::prompts::{Prompts, Taken};
use crate::random::RandomStream;

/// What decides which prompts are labelled next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Drawn at random.
    Random,
    /// Spread over clusters of subjects.
    Clusters,
    /// The most uncertain first.
    Uncertain,
    /// The prompts whose labels say most about all.
    Typical,
    /// Spread over clusters, the most uncertain of each first.
    Both,
}

impl Strategy {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Clusters => "clusters",
            Self::Uncertain => "uncertain",
            Self::Typical => "typical",
            Self::Both => "both",
        }
    }

    /// Whether it asks how uncertain a prompt is.
    #[must_use]
    pub fn needs_uncertainty(self) -> bool {
        matches!(self, Self::Uncertain | Self::Both)
    }

    fn is_spread(self) -> bool {
        matches!(self, Self::Clusters | Self::Both)
    }
}

/// What to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Places of the prompts that may be chosen.
    pub candidates: &'a [usize],
    /// Places of those that have labels.
    pub labelled: &'a [usize],
    /// How uncertain each prompt is, all prompts in their order; read by strategies that need it.
    pub uncertainty: &'a [f64],
    pub count: usize,
    pub seed: u64,
}

/// Places of up to `count` candidates, most useful first: fewer where all others are near copies.
#[must_use]
pub fn select(prompts: &Prompts, choice: &Choice<'_>, strategy: Strategy) -> Vec<usize> {
    let mut order =
        RandomStream::new(choice.seed, 0).some(choice.candidates, choice.candidates.len());
    let mut taken = Taken::new(prompts);
    choice.labelled.iter().for_each(|&at| taken.add(at));
    if strategy == Strategy::Typical {
        return typical(prompts, choice, &order, taken);
    }
    if strategy.needs_uncertainty() {
        let of = |at: &usize| choice.uncertainty[*at];
        order.sort_by(|a, b| of(b).total_cmp(&of(a)));
    }
    let cluster = |at: usize| if strategy.is_spread() { prompts.clusters[at] } else { 0 };
    let clusters = prompts.clusters.iter().max().map_or(1, |last| last + 1);
    let mut waiting = vec![Vec::new(); clusters];
    let mut quotas = vec![Quota::default(); clusters];
    for &at in &order {
        waiting[cluster(at)].push(at);
        quotas[cluster(at)].prompts += 1.0;
    }
    for &at in choice.labelled {
        quotas[cluster(at)].prompts += 1.0;
        quotas[cluster(at)].labelled += 1.0;
    }
    waiting.iter_mut().for_each(|waiting| waiting.reverse());
    let mut chosen = Vec::new();
    while chosen.len() < choice.count {
        let open = (0..clusters).filter(|&cluster| !waiting[cluster].is_empty());
        let Some(next) = open.max_by(|&a, &b| quotas[a].cmp_need(&quotas[b])) else { break };
        let Some(at) = waiting[next].pop() else { break };
        if taken.has_near_copy(at) {
            continue;
        }
        quotas[next].labelled += 1.0;
        taken.add(at);
        chosen.push(at);
    }
    chosen
}

/// The candidates, given in an order that decides between equals, by what their labels say about all.
fn typical(
    prompts: &Prompts,
    choice: &Choice<'_>,
    order: &[usize],
    mut taken: Taken<'_>,
) -> Vec<usize> {
    let rows: Vec<usize> = order.iter().chain(choice.labelled).copied().collect();
    let mut design = Design::new(rows.iter().map(|&at| &prompts.topics[at]));
    (order.len()..rows.len()).for_each(|row| design.label(row));
    let mut waiting: Vec<usize> = (0..order.len()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < choice.count {
        let gain = |place: &usize| design.gain(waiting[*place]);
        let best = (0..waiting.len()).max_by(|a, b| gain(a).total_cmp(&gain(b)));
        let Some(row) = best.map(|place| waiting.swap_remove(place)) else { break };
        let at = order[row];
        if taken.has_near_copy(at) {
            continue;
        }
        design.label(row);
        taken.add(at);
        chosen.push(at);
    }
    chosen
}

/// How many prompts a cluster has, and how many of them have labels.
#[derive(Debug, Clone, Copy, Default)]
struct Quota {
    prompts: f64,
    labelled: f64,
}

impl Quota {
    /// Webster's rule: the next label goes where the most prompts stand behind it.
    fn cmp_need(&self, other: &Self) -> std::cmp::Ordering {
        let need = |quota: &Self| quota.prompts / (quota.labelled + 0.5);
        need(self).total_cmp(&need(other))
    }
}
