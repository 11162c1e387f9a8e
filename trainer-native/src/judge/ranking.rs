//! Scores of several answers from comparisons of two, as LLM-Blender's PairRanker makes them (Jiang et al., ACL
//! 2023), with the verdicts of an LLM in place of logits: +1 for the first answer, -1 for the second, 0 for a tie.
//!
//! | method | comparisons of N answers, each in both orders | score of an LLM, in [0, 1] |
//! | --- | --- | --- |
//! | mean | N (N - 1) / 2 | mean of 1, 1/2 and 0 over its comparisons, where a disagreement between orders is a tie |
//! | logits | N (N - 1) / 2 | sum of its verdicts (max-logits), scaled |
//! | wins | N (N - 1) / 2 | share of its verdicts that it won (max-wins) |
//! | bubble | N - 1 | 1 for the answer that is left when the best so far meets each other one in turn, 0 for the rest |

use pointsman::judge::target;
use serde::Serialize;

use crate::eval::position_bias::Place;

/// How comparisons become scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Ranking {
    Mean,
    Logits,
    Wins,
    Bubble,
}

/// A comparison of two LLMs that was decided: with `a` first, then with `b` first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided {
    pub a: usize,
    pub b: usize,
    pub forward: Place,
    pub backward: Place,
}

/// Scores of `models` LLMs; `None` for one without a comparison. Of `bubble` every decided LLM has one, given who
/// was left.
pub(super) fn scores(
    models: usize,
    decided: &[Decided],
    ranking: Ranking,
    left: Option<usize>,
) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_u32); models];
    for comparison in decided {
        let Decided { a, b, forward, backward } = *comparison;
        let (for_a, for_b) = match ranking {
            Ranking::Mean => {
                let target = f64::from(target(forward, backward));
                (target, 1.0 - target)
            }
            Ranking::Logits => {
                let sum = value(forward) - value(backward);
                ((sum / 2.0 + 1.0) / 2.0, (1.0 - sum / 2.0) / 2.0)
            }
            Ranking::Wins => {
                let won = |by_a| {
                    [(forward, Place::First), (backward, Place::Second)]
                        .into_iter()
                        .filter(|(said, a)| *said == if by_a { *a } else { a.mirrored() })
                        .count() as f64
                        / 2.0
                };
                (won(true), won(false))
            }
            Ranking::Bubble => {
                let left = |model| if left == Some(model) { 1.0 } else { 0.0 };
                (left(a), left(b))
            }
        };
        for (model, score) in [(a, for_a), (b, for_b)] {
            if let Some((sum, count)) = sums.get_mut(model) {
                *sum += score;
                *count += 1;
            }
        }
    }
    let known = ranking != Ranking::Bubble || left.is_some();
    sums.into_iter()
        .map(|(sum, count)| (known && count > 0).then(|| sum / f64::from(count)))
        .collect()
}

fn value(place: Place) -> f64 {
    match place {
        Place::First => 1.0,
        Place::Second => -1.0,
        Place::Neither => 0.0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use Place::{First, Neither, Second};
    use proptest::prelude::*;

    use super::*;

    fn decided(a: usize, b: usize, forward: Place, backward: Place) -> Decided {
        Decided { a, b, forward, backward }
    }

    fn some(scores: &[f64]) -> Vec<Option<f64>> {
        scores.iter().copied().map(Some).collect()
    }

    #[test]
    fn methods_differ_in_what_a_disagreement_counts() {
        // 0 beats 1 in both orders; 0 and 2: the judge prefers 0 once and says tie once; 1 and 2: by place.
        let all = [
            decided(0, 1, First, Second),
            decided(0, 2, First, Neither),
            decided(1, 2, First, First),
        ];
        assert_eq!(scores(3, &all, Ranking::Mean, None), some(&[0.75, 0.25, 0.5]));
        assert_eq!(scores(3, &all, Ranking::Logits, None), some(&[0.875, 0.25, 0.375]));
        assert_eq!(scores(3, &all, Ranking::Wins, None), some(&[0.75, 0.25, 0.25]));
        assert_eq!(scores(3, &all, Ranking::Bubble, Some(0)), some(&[1.0, 0.0, 0.0]));
        assert_eq!(scores(3, &all, Ranking::Bubble, None), [None, None, None]);
    }

    #[test]
    fn an_llm_that_was_not_compared_has_no_score() {
        let one = [decided(0, 2, First, Second)];
        assert_eq!(scores(3, &one, Ranking::Mean, None), [Some(1.0), None, Some(0.0)]);
    }

    fn any_place() -> impl Strategy<Value = Place> {
        prop_oneof![Just(First), Just(Second), Just(Neither)]
    }

    proptest! {
        /// A comparison written the other way round is the same, and scores stay in [0, 1].
        #[test]
        fn writing_comparisons_the_other_way_round_changes_no_score(
            all in prop::collection::vec((0..4_usize, 1..4_usize, any_place(), any_place()), 1..12)
        ) {
            let there: Vec<Decided> =
                all.iter().map(|&(a, by, f, b)| decided(a, (a + by) % 4, f, b)).collect();
            let back: Vec<Decided> =
                there.iter().map(|c| decided(c.b, c.a, c.backward, c.forward)).collect();
            for ranking in [Ranking::Mean, Ranking::Logits, Ranking::Wins] {
                let found = scores(4, &there, ranking, None);
                prop_assert_eq!(&found, &scores(4, &back, ranking, None));
                prop_assert!(found.iter().flatten().all(|score| (0.0..=1.0).contains(score)));
            }
        }
    }
}
