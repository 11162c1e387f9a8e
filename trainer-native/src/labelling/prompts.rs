//! Prompts as the choice of labels sees them: which ask the same, and which are about the same.
//!
//! ```text
//! bag(q)_t   = ln(1 + count of token t in q) ln((N + 1) / prompts with t), of length 1
//! topic(q)   = of a bundle with a table of tokens: latent coordinates of the bags; else the embedding less its mean;
//!              both of length 1
//! ```
//! What stands in every prompt, such as an instruction, has no weight, so that prompts of one form are no copies of
//! each other. The embedding of a bundle on a table of tokens is the demands themselves, and says nothing of the subject.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use pointsman::Router;

use crate::assess::{embeddings, on_each};
use crate::data::{prompt_groups, split_rows};
use crate::encoder::{Encoder, Network, if_any_token};
use crate::error::TrainerError;
use crate::linear::direction::unit;
use crate::linear::{k_means, latent};

/// Latent coordinates of a bag.
const COORDINATES: usize = 64;
/// Clusters of topics.
const CLUSTERS: usize = 32;
/// Most prompts that clusters are found on; the others belong to the nearest.
const CLUSTERED: usize = 4000;
/// Cosine of two bags from which one prompt is a near copy of the other: of many words one is changed.
const NEAR_COPY: f64 = 0.9;
const SEED: u64 = 1;

/// A sparse vector of length 1, ascending by token; empty for a prompt without a token.
type Bag = Vec<(u32, f64)>;

/// Prompts with what they are about.
pub struct Prompts {
    /// Group of each prompt: those of one group ask the same, or share a passage.
    pub groups: Vec<usize>,
    bags: Vec<Bag>,
    /// Of length 1, `[N, D]`.
    pub topics: Vec<Vec<f32>>,
    /// Cluster of each prompt by its topic.
    pub clusters: Vec<usize>,
}

impl Prompts {
    /// Reads prompts by a bundle, given as encoder and as router.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::BadRows`] where an embedding is not finite.
    pub fn read(
        encoder: &Encoder,
        router: &Router,
        queries: &[&str],
        stop: &AtomicBool,
    ) -> Result<Self, TrainerError> {
        let (bags, prompts_with) = bags(router, queries, stop)?;
        let topics = match has_token_table(encoder) {
            true => latent_topics(&bags, &prompts_with),
            false => embedded_topics(router, queries, stop)?,
        };
        let clusters = clustered(&topics)?;
        let topics = topics.iter().map(|topic| topic.iter().map(|&v| v as f32).collect()).collect();
        Ok(Self { groups: prompt_groups(queries), bags, topics, clusters })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.bags.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bags.is_empty()
    }
}

/// Prompts that no other may be a near copy of: ask the same, share a passage with, or differ from in a word of many.
pub struct Taken<'a> {
    prompts: &'a Prompts,
    groups: HashSet<usize>,
    with_token: HashMap<u32, Vec<usize>>,
}

impl<'a> Taken<'a> {
    #[must_use]
    pub fn new(prompts: &'a Prompts) -> Self {
        Self { prompts, groups: HashSet::new(), with_token: HashMap::new() }
    }

    pub fn add(&mut self, at: usize) {
        self.groups.insert(self.prompts.groups[at]);
        for (token, _) in &self.prompts.bags[at] {
            self.with_token.entry(*token).or_default().push(at);
        }
    }

    /// Whether a prompt is a near copy of one of these.
    #[must_use]
    pub fn has_near_copy(&self, at: usize) -> bool {
        let bag = &self.prompts.bags[at];
        self.groups.contains(&self.prompts.groups[at])
            || heaviest(bag)
                .iter()
                .filter_map(|token| self.with_token.get(token))
                .flatten()
                .any(|&other| dot(bag, &self.prompts.bags[other]) >= NEAR_COPY)
    }
}

/// The tokens of which a near copy has one at least: the others together are too light for its cosine.
fn heaviest(bag: &Bag) -> Vec<u32> {
    let mut falling = bag.clone();
    falling.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut rest = 1.0;
    let heavy = falling.into_iter().take_while(|(_, weight)| {
        let is_needed = rest >= NEAR_COPY * NEAR_COPY;
        rest -= weight * weight;
        is_needed
    });
    heavy.map(|(token, _)| token).collect()
}

/// Whether the bundle's encoder is a table of tokens, whose sums are the demands.
fn has_token_table(encoder: &Encoder) -> bool {
    match &encoder.network {
        Network::Bundle(bundle) => bundle.table.is_some_and(|table| !table.is_sequence),
        Network::Ngrams(_) => true,
        Network::Static(_) | Network::Transformer { .. } => false,
    }
}

/// The tokens of each prompt with their weights, and in how many prompts each token stands.
fn bags(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<(Vec<Bag>, HashMap<u32, u32>), TrainerError> {
    let mut bags = on_each("reading prompts", queries, stop, &|query| counts(router, query))?;
    let mut prompts_with: HashMap<u32, u32> = HashMap::new();
    bags.iter().flatten().for_each(|(token, _)| *prompts_with.entry(*token).or_default() += 1);
    let all = bags.len() as f64 + 1.0;
    for bag in &mut bags {
        for (token, value) in bag.iter_mut() {
            let with = prompts_with.get(token).copied().unwrap_or(1);
            *value = value.ln_1p() * (all / f64::from(with)).ln();
        }
        to_unit(bag);
    }
    Ok((bags, prompts_with))
}

/// How often each token stands in a query.
fn counts(router: &Router, query: &str) -> Result<Bag, TrainerError> {
    let Some(tokens) = if_any_token(router.encoder().tokenize(query))? else {
        return Ok(Vec::new());
    };
    let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
    for (&id, &count) in tokens.ids.iter().zip(&tokens.counts) {
        *counts.entry(u32::try_from(id).unwrap_or(u32::MAX)).or_default() += count as f64;
    }
    Ok(counts.into_iter().collect())
}

fn to_unit(bag: &mut Bag) {
    let length = bag.iter().map(|(_, v)| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    bag.iter_mut().for_each(|(_, v)| *v /= length);
}

fn dot(one: &Bag, other: &Bag) -> f64 {
    let (mut sum, mut other) = (0.0, other.iter().peekable());
    for &(id, value) in one {
        while other.next_if(|&&(of, _)| of < id).is_some() {}
        if let Some(&(_, same)) = other.next_if(|&&(of, _)| of == id) {
            sum += value * same;
        }
    }
    sum
}

fn latent_topics(bags: &[Bag], prompts_with: &HashMap<u32, u32>) -> Vec<Vec<f64>> {
    // A token of one prompt brings it near no other.
    let shared = prompts_with.iter().filter(|(_, count)| **count > 1);
    let mut shared: Vec<u32> = shared.map(|(token, _)| *token).collect();
    shared.sort_unstable();
    let places: HashMap<u32, u32> = shared.iter().copied().zip(0..).collect();
    let of_shared = |bag: &Bag| {
        let of = |&(token, value): &(u32, f64)| Some((*places.get(&token)?, value));
        let mut row: Bag = bag.iter().filter_map(of).collect();
        to_unit(&mut row);
        row
    };
    let rows: Vec<Bag> = bags.iter().map(of_shared).collect();
    let found = latent::places(&rows, shared.len(), COORDINATES, SEED);
    found.iter().map(|place| unit(place, &vec![0.0; place.len()])).collect()
}

fn embedded_topics(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<Vec<f64>>, TrainerError> {
    let found = embeddings(router, queries, stop)?;
    let width = router.info().encoder.embedding_size - 1;
    let rows: Vec<Vec<f64>> = found
        .into_iter()
        .map(|row| match row {
            Some(row) => row.into_iter().map(f64::from).collect(),
            None => vec![0.0; width],
        })
        .collect();
    let mut mean = vec![0.0; width];
    rows.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, v)| *m += v));
    mean.iter_mut().for_each(|m| *m /= rows.len().max(1) as f64);
    Ok(rows.iter().map(|row| unit(row, &mean)).collect())
}

/// The cluster of each topic.
fn clustered(topics: &[Vec<f64>]) -> Result<Vec<usize>, TrainerError> {
    let knob: usize =
        std::env::var("G_CLUSTERS").ok().and_then(|v| v.parse().ok()).unwrap_or(CLUSTERS); // KNOB
    let count = knob.min(topics.len() / 4).max(1);
    if topics.len() <= count || topics.first().is_none_or(Vec::is_empty) {
        return Ok(vec![0; topics.len()]);
    }
    let (drawn, _) = split_rows(topics.len(), CLUSTERED, SEED);
    let rows: Vec<Vec<f64>> = drawn.iter().map(|&at| topics[at].clone()).collect();
    let own = k_means::clusters(&rows, count, SEED)?;
    let mut centres = vec![(vec![0.0; rows[0].len()], 0.0); count];
    for (row, &cluster) in rows.iter().zip(&own) {
        let (sum, rows) = &mut centres[cluster];
        sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        *rows += 1.0;
    }
    centres.retain(|(_, rows)| *rows > 0.0);
    for (centre, rows) in &mut centres {
        centre.iter_mut().for_each(|v| *v /= *rows);
    }
    let distance = |topic: &[f64], centre: &[f64]| -> f64 {
        topic.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let nearest = |topic: &Vec<f64>| {
        let by = |a: &usize, b: &usize| {
            distance(topic, &centres[*a].0).total_cmp(&distance(topic, &centres[*b].0))
        };
        (0..centres.len()).min_by(by).unwrap_or_default()
    };
    Ok(topics.iter().map(nearest).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Prompts of these bags, each in a group of its own; its first token is its subject.
    pub(in super::super) fn of_bags(mut bags: Vec<Bag>) -> Prompts {
        bags.iter_mut().for_each(to_unit);
        let subject = |bag: &Bag| bag.first().map_or(0, |&(token, _)| token as usize);
        let topic = |bag: &Bag| -> Vec<f32> {
            (0..30).map(|token| f32::from(u8::from(subject(bag) == token))).collect()
        };
        Prompts {
            groups: (0..bags.len()).collect(),
            topics: bags.iter().map(topic).collect(),
            clusters: bags.iter().map(subject).collect(),
            bags,
        }
    }

    proptest! {
        #[test]
        fn near_copies_are_those_of_a_comparison_with_each(
            drawn in prop::collection::vec(prop::collection::btree_map(0_u32..30, 0.1_f64..3.0, 0..12), 2..20),
        ) {
            let prompts = of_bags(drawn.into_iter().map(|bag| bag.into_iter().collect()).collect());
            let count = prompts.len();
            let mut taken = Taken::new(&prompts);
            (0..count / 2).for_each(|at| taken.add(at));
            for at in count / 2..count {
                let near = |other: usize| dot(&prompts.bags[at], &prompts.bags[other]) >= NEAR_COPY;
                prop_assert_eq!(taken.has_near_copy(at), (0..count / 2).any(near));
            }
        }
    }
}
