//! Properties of Elo ratings.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn battle(model_a: &str, model_b: &str, target: f32, weight: f32) -> PreferenceRow {
    PreferenceRow {
        id: String::new(),
        query: String::new(),
        dataset: String::new(),
        model_a: model_a.to_owned(),
        model_b: model_b.to_owned(),
        target,
        weight,
    }
}

fn battles(rows: &[(&str, &str, f32, f32)]) -> Battles {
    let mut battles = Battles::default();
    for &(a, b, target, weight) in rows {
        battles.add(&battle(a, b, target, weight)).unwrap();
    }
    battles
}

fn rating(ratings: &Ratings, name: &str) -> f64 {
    ratings.models.iter().find(|model| model.name == name).unwrap().rating
}

#[test]
fn odds_of_ten_to_one_are_four_hundred_points() {
    let won = 10.0 / 11.0;
    let ratings = battles(&[("strong", "weak", won, 1e6)]).ratings().unwrap();
    let distance = rating(&ratings, "strong") - rating(&ratings, "weak");
    assert!((distance - 400.0).abs() < 0.01, "{distance}");
    assert!(!ratings.prior_decides);
    assert_eq!(ratings.groups, 1);
}

#[test]
fn a_tie_is_half_a_win_each() {
    let ties = battles(&[("a", "b", 0.5, 1.0), ("a", "b", 0.5, 1.0), ("b", "c", 1.0, 3.0)]);
    let halves = battles(&[("a", "b", 1.0, 1.0), ("a", "b", 0.0, 1.0), ("b", "c", 1.0, 3.0)]);
    assert_eq!(ties.ratings().unwrap(), halves.ratings().unwrap());
    assert_eq!((ties.wins(0, 1), ties.wins(1, 0), ties.wins(0, 2)), (1.0, 1.0, 0.0));
}

#[test]
fn a_model_that_never_lost_is_rated_finitely_and_reported() {
    let all = battles(&[("best", "mid", 1.0, 500.0), ("mid", "low", 0.6, 500.0)]);
    let ratings = all.ratings().unwrap();
    assert!(ratings.prior_decides);
    let best = &ratings.models[0];
    assert_eq!((best.name.as_str(), best.battles, best.wins), ("best", 500.0, 500.0));
    assert!(best.rating.is_finite() && best.rating - rating(&ratings, "mid") > 400.0);
}

#[test]
fn groups_that_never_met_are_counted() {
    let apart = battles(&[("a", "b", 0.75, 100.0), ("x", "y", 0.75, 100.0)]);
    let ratings = apart.ratings().unwrap();
    assert_eq!((ratings.groups, ratings.prior_decides), (2, true));
    // Two groups of one shape: the prior puts them at one height.
    assert!((rating(&ratings, "a") - rating(&ratings, "x")).abs() < 1e-6);
}

#[test]
fn strong_and_weak_sets_come_from_elo_groups() {
    let rows = [("a", "b", 0.6, 1e4), ("b", "c", 0.9, 1e4), ("c", "d", 0.6, 1e4)];
    let ratings = battles(&rows).ratings().unwrap();
    assert_eq!(ratings.elo_groups(2).unwrap(), [1, 1, 2, 2]);
    assert_eq!(ratings.in_elo_groups(2, &[1]).unwrap(), ["a", "b"]);
    assert_eq!(ratings.in_elo_groups(4, &[1, 3]).unwrap(), ["a", "c"]);
    let error = ratings.in_elo_groups(5, &[1]).unwrap_err();
    assert!(error.to_string().contains("found 4 different ratings, expected"), "{error}");
}

#[test]
fn what_cannot_be_rated_is_an_error() {
    assert_eq!(Battles::default().ratings().unwrap_err().code(), "no_ratings");
    let mut many = Battles::default();
    let error = (0..=MAX_RATED_MODELS)
        .find_map(|at| many.add(&battle(&format!("query {at}"), "m", 1.0, 1.0)).err())
        .unwrap();
    assert_eq!(error.code(), "no_ratings");
    assert!(error.to_string().contains("Check that the columns are not mixed up"), "{error}");
    let huge = battles(&[("a", "b", 1.0, f32::MAX), ("a", "b", 0.0, f32::MAX)]);
    assert!(huge.ratings().unwrap().models.iter().all(|model| model.rating.is_finite()));
}

proptest! {
    #[test]
    fn known_strengths_are_recovered(
        strengths in prop::collection::vec(-2.0_f64..2.0, 2..8), seed in 0_usize..7,
    ) {
        // Every model meets the next ones; shares of wins are those that the strengths imply.
        let names: Vec<String> = (0..strengths.len()).map(|at| format!("m{at}")).collect();
        let mut all = Battles::default();
        for (i, a) in strengths.iter().enumerate() {
            for (j, b) in strengths.iter().enumerate().skip(i + 1) {
                if j == i + 1 || (i + j + seed) % 3 == 0 {
                    let won = win_probability(a - b) as f32;
                    all.add(&battle(&names[i], &names[j], won, 1e6)).unwrap();
                }
            }
        }
        let ratings = all.ratings().unwrap();
        let mean = strengths.iter().sum::<f64>() / strengths.len() as f64;
        for (name, strength) in names.iter().zip(&strengths) {
            let expected = MEAN_RATING + POINTS * (strength - mean);
            prop_assert!((rating(&ratings, name) - expected).abs() < 0.05);
        }
    }

    #[test]
    fn the_gradient_vanishes_at_the_ratings(
        rows in prop::collection::vec((0_usize..9, 1_usize..9, 0_u8..3, 1_u8..9), 1..60),
    ) {
        let mut all = Battles::default();
        for (a, step, target, weight) in rows {
            let (a, b) = (format!("m{a}"), format!("m{}", (a + step) % 9));
            all.add(&battle(&a, &b, f32::from(target) / 2.0, f32::from(weight))).unwrap();
        }
        let strengths = maximise(all.models.len(), &all.wins).unwrap();
        let (gradient, _) = derivatives(&strengths, &all.wins);
        prop_assert!(gradient.iter().all(|value| value.abs() < 1e-5), "{gradient:?}");
        let ratings = all.ratings().unwrap();
        let mean = ratings.models.iter().map(|model| model.rating).sum::<f64>()
            / ratings.models.len() as f64;
        prop_assert!((mean - MEAN_RATING).abs() < 1e-6);
    }
}
