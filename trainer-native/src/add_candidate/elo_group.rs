//! The Elo group of a new LLM in an `sw-ranking` run.
//!
//! The memory holds battles between Elo groups and knows no LLM, and the Bradley-Terry scores of all groups
//! are fitted to all battles together: a further battle would change the known LLMs' scores. So the memory
//! stays, and a new LLM is one more LLM of one of its groups:
//!
//! ```text
//! r(g)    = Elo rating of group g       from the memory's battles, each with its query's weight,
//! r(new)  = Elo rating of the new LLM   and the new LLM's battles against the known LLMs' groups
//! group   = argmin over g of |r(new) - r(g)|                    of equally near ones the stronger
//! ```
//! An outcome beside a known LLM's is a battle with the target (1 + difference of scores) / 2, as in
//! training. The ratings' prior keeps an LLM that won or lost every battle finite.

use pointsman::Records;

use super::KnownRun;
use crate::data::{Battles, Outcomes};
use crate::error::TrainerError;

impl KnownRun {
    /// The LLM's Elo group, from 0, the strongest.
    pub(super) fn elo_group(&self, model: &str, outcomes: &Outcomes) -> Result<u8, TrainerError> {
        let column = self.column(model, outcomes)?;
        let group_of = self.info().head.tiers.clone().unwrap_or_default();
        let known: Vec<(usize, u8)> = self
            .columns(outcomes)
            .into_iter()
            .zip(group_of)
            .filter_map(|(llm, group)| Some((llm?, group)))
            .collect();
        let mut against = Vec::new();
        for row in &outcomes.rows {
            let Some(own) = row.score(column) else { continue };
            let others = known.iter().filter_map(|&(llm, group)| Some((group, row.score(llm)?)));
            against.extend(others.map(|(group, other)| (group, f32::midpoint(1.0, own - other))));
        }
        nearest_group(&self.int8.memory()?.records, &against)
    }
}

/// Name of the new LLM among the groups, whose names are numbers.
const NEW: &str = "new";

/// The group whose rating is nearest to that of an LLM with these battles against groups.
fn nearest_group(memory: &Records, against: &[(u8, f32)]) -> Result<u8, TrainerError> {
    let mut all = Battles::default();
    if let Records::Battles { weights, ends, battles } = memory {
        let mut start = 0;
        for (weight, &end) in weights.iter().zip(ends) {
            for battle in battles.get(start..end as usize).unwrap_or_default() {
                let (a, b) = (battle.a.to_string(), battle.b.to_string());
                all.battle(&a, &b, battle.target, *weight)?;
            }
            start = end as usize;
        }
    }
    for (group, target) in against {
        all.battle(NEW, &group.to_string(), *target, 1.0)?;
    }
    let ratings = all.ratings()?;
    let rated = |name: &str| ratings.models.iter().find(|model| model.name == name);
    let own = rated(NEW).map_or(f64::NAN, |model| model.rating);
    let groups = (0..=u8::MAX).filter_map(|group| {
        let rating = rated(&group.to_string())?.rating;
        Some(((rating - own).abs(), group))
    });
    let nearest = groups.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(nearest.map_or(0, |(_, group)| group))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pointsman::Battle;

    use super::*;

    /// Three groups, each of which wins three of four battles against the next.
    fn memory() -> Records {
        let battle = |(a, b, target)| Battle { a, b, target };
        let once = [(0, 1, 1.0), (1, 2, 1.0), (2, 1, 0.0), (1, 0, 0.0), (0, 1, 1.0), (1, 2, 1.0)];
        let lost = [(0, 1, 0.0), (1, 2, 0.0)];
        let battles: Vec<Battle> =
            (0..50).flat_map(|_| once.into_iter().chain(lost)).map(battle).collect();
        let ends = (1..=50_u32).map(|query| query * 8).collect();
        Records::Battles { weights: vec![1.0; 50], ends, battles }
    }

    #[test]
    fn an_llm_joins_the_group_that_it_draws_with() {
        for group in 0..3 {
            assert_eq!(nearest_group(&memory(), &[(group, 0.5); 40]).unwrap(), group);
        }
        // A quarter of the battles won against a group: as strong as the next one.
        let quarter: Vec<(u8, f32)> =
            (0..40).map(|i| (0, f32::from(u8::from(i % 4 == 0)))).collect();
        assert_eq!(nearest_group(&memory(), &quarter).unwrap(), 1);
    }

    #[test]
    fn an_llm_that_won_or_lost_every_battle_joins_the_strongest_or_the_weakest_group() {
        assert_eq!(nearest_group(&memory(), &[(1, 1.0); 40]).unwrap(), 0);
        assert_eq!(nearest_group(&memory(), &[(1, 0.0); 40]).unwrap(), 2);
    }
}
