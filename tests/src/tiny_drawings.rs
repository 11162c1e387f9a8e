//! Adds a curve and a map to the tiny bundle, from generated queries and outcomes drawn from a seed.
//!
//! They are meaningless, like the bundle's decisions; the tests check that the page and the trainer place
//! a query at the same position.

use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use pointsman::{DEFAULT_TURN_DECAY, Query};
use pointsman_trainer::eval::RoutedRow;
use pointsman_trainer::eval::pair::published::PairKind;
use pointsman_trainer::export::bundle::BundleDraft;
use pointsman_trainer::finish::measured::{Measured, share_curve};
use pointsman_trainer::map::QueryMap;
use pointsman_trainer::map::draw::MapQuery;
use pointsman_trainer::random::RandomStream;
use pointsman_trainer::recipe::Pair;

/// The seed of the outcomes and of the map.
const SEED: u64 = 7;
/// The number of queries of each topic.
const OF_A_TOPIC: usize = 40;

const TOPICS: [&str; 4] = [
    "prove theorem prime integral derivative matrix proof number even odd sum hard",
    "write code function python rust list loop return string sort array test",
    "capital city country river border mountain island ocean map north south east",
    "translate summarise text letter story poem word sentence page chapter title author",
];

/// The queries, alternating between topics.
#[must_use]
pub fn queries() -> Vec<MapQuery> {
    let query = |at: usize| {
        let (topic, turn) = (at % TOPICS.len(), at / TOPICS.len());
        let words: Vec<&str> = TOPICS[topic].split_whitespace().collect();
        let word = |step: usize| words[(turn * 5 + turn / words.len() + step) % words.len()];
        let text = format!("{} the {} of {}, number {at}", word(0), word(1), word(4));
        MapQuery { text, dataset: None }
    };
    (0..TOPICS.len() * OF_A_TOPIC).map(query).collect()
}

/// Adds a curve and a map of [`queries`] to a bundle.
///
/// # Errors
/// Errors of the engine and the trainer.
pub fn drawn(draft: BundleDraft) -> Result<BundleDraft> {
    let (router, queries) = (draft.router()?, queries());
    let manifest = &draft.manifest;
    let name = |id: &Option<String>| id.clone().context("the tiny bundle has a pair");
    let pair = Pair {
        strong: name(&manifest.head.strong)?,
        weak: name(&manifest.head.weak)?,
        default_strong_share: 0.5,
    };
    let chances = RandomStream::new(SEED, 0).normal(2 * queries.len(), 1.0);
    let right = |chance: f32, above: f32| f64::from(u8::from(chance > above));
    let rows = queries.iter().zip(chances.as_chunks::<2>().0).map(|(query, [weak, strong])| {
        let found = router.assess(&Query::new(query.text.as_str())?, DEFAULT_TURN_DECAY)?;
        let win_rate = found.win_rate.context("the tiny bundle has a pair")?;
        Ok(RoutedRow { win_rate, weak: right(*weak, 0.3), strong: right(*strong, -0.8) })
    });
    let rows: Vec<RoutedRow> = rows.collect::<Result<_>>()?;
    let set = Measured {
        dataset: "outcomes drawn from a seed",
        removed_as_leaks: 0,
        kind: PairKind::Other,
    };
    let curve = share_curve(&set, &pair, &rows)?;
    let map = QueryMap::of(&router, &queries, SEED, &AtomicBool::new(false))?;
    let map = map.context("the tiny queries span a plane")?.to_bytes()?;
    Ok(draft.with_curves(vec![curve]).with_map(map))
}
