//! Elo groups: models of similar rating, grouped together (RouteLLM calls them tiers).
//!
//! RouteLLM (arXiv 2406.18665) divides the arena's models into ten groups, so that battles of models
//! that rarely met count as battles of their groups. The groups minimise the sum, over all ratings,
//! of the squared distance to their group's mean (one-dimensional k-means, solved exactly): sorted
//! ratings are cut at the places that dynamic programming finds, in O(count * n^2).
//!
//! ```
//! use pointsman_trainer::data::elo_groups;
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! assert_eq!(elo_groups(&[1250.0, 1010.0, 1245.0, 990.0, 1100.0], 3)?, [1, 3, 1, 3, 2]);
//! # Ok(())
//! # }
//! ```

use super::DataError;

/// The group of each rating, from 1, the highest, to `count`; no group is empty. Equal ratings
/// share a group.
///
/// # Errors
/// [`DataError::NoRatings`] for no group, for more groups than different ratings, and for a rating
/// that is not finite.
pub fn elo_groups(ratings: &[f64], count: usize) -> Result<Vec<usize>, DataError> {
    if let Some(found) = ratings.iter().find(|rating| !rating.is_finite()) {
        return Err(DataError::NoRatings {
            detail: format!("found the rating {found}, expected finite ones"),
        });
    }
    // Different ratings, highest first, with the number of times each occurs.
    let mut order: Vec<usize> = (0..ratings.len()).collect();
    let rating = |at: usize| ratings.get(at).copied().unwrap_or_default();
    order.sort_by(|&x, &y| rating(y).total_cmp(&rating(x)));
    let mean = ratings.iter().sum::<f64>() / ratings.len().max(1) as f64;
    let mut values: Vec<(f64, f64)> = Vec::new();
    let mut value_of = vec![0; ratings.len()];
    let mut last = None;
    for at in order {
        if last != Some(rating(at)) {
            values.push((rating(at) - mean, 0.0));
            last = Some(rating(at));
        }
        if let Some((_, times)) = values.last_mut() {
            *times += 1.0;
        }
        if let Some(value) = value_of.get_mut(at) {
            *value = values.len() - 1;
        }
    }
    if count == 0 || count > values.len() {
        let found = values.len();
        return Err(DataError::NoRatings {
            detail: format!(
                "found {found} different ratings, expected at least as many as Elo groups ({count}), \
                 and at least one group. Ask for fewer groups"
            ),
        });
    }
    let starts = cuts(&values, count);
    let group = |value: usize| starts.iter().take_while(|&&start| start <= value).count();
    Ok(value_of.into_iter().map(group).collect())
}

/// Where each of `count` runs of values begins so that the squared distances within runs are least;
/// a value comes with the number of times it occurs.
fn cuts(values: &[(f64, f64)], count: usize) -> Vec<usize> {
    let n = values.len();
    let sums = Sums::new(values);
    // best[end]: the least cost of the first `end` values in the number of runs laid so far;
    // from[run][end]: where the last of those runs begins.
    let mut best: Vec<f64> = (0..=n).map(|end| sums.cost(0, end)).collect();
    let mut from = vec![vec![0; n + 1]];
    for run in 1..count {
        let mut next = vec![f64::INFINITY; n + 1];
        let mut begins = vec![0; n + 1];
        for end in run + 1..=n {
            let cost = |start: usize| {
                best.get(start).copied().unwrap_or(f64::INFINITY) + sums.cost(start, end)
            };
            let start = (run..end).min_by(|&x, &y| cost(x).total_cmp(&cost(y))).unwrap_or(run);
            if let (Some(least), Some(begin)) = (next.get_mut(end), begins.get_mut(end)) {
                (*least, *begin) = (cost(start), start);
            }
        }
        best = next;
        from.push(begins);
    }
    let mut starts = Vec::with_capacity(count);
    let mut end = n;
    for begins in from.iter().rev() {
        end = begins.get(end).copied().unwrap_or_default();
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// Sums over the first values: their number, the values, and their squares.
struct Sums(Vec<[f64; 3]>);

impl Sums {
    fn new(values: &[(f64, f64)]) -> Self {
        let mut sums = vec![[0.0; 3]];
        let mut so_far = [0.0; 3];
        for &(value, times) in values {
            for (sum, term) in so_far.iter_mut().zip([1.0, value, value * value]) {
                *sum += times * term;
            }
            sums.push(so_far);
        }
        Self(sums)
    }

    /// Sum of the squared distances of the values in `start..end` to their mean.
    fn cost(&self, start: usize, end: usize) -> f64 {
        match (self.0.get(start), self.0.get(end)) {
            (Some([n0, x0, xx0]), Some([n1, x1, xx1])) if n1 > n0 => {
                let (n, x, xx) = (n1 - n0, x1 - x0, xx1 - xx0);
                (xx - x * x / n).max(0.0)
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cost(ratings: &[f64], elo_groups: &[usize], count: usize) -> f64 {
        (1..=count)
            .map(|group| {
                let of_group: Vec<f64> = ratings
                    .iter()
                    .zip(elo_groups)
                    .filter(|(_, t)| **t == group)
                    .map(|(r, _)| *r)
                    .collect();
                let mean = of_group.iter().sum::<f64>() / of_group.len() as f64;
                of_group.iter().map(|rating| (rating - mean).powi(2)).sum::<f64>()
            })
            .sum()
    }

    /// The least cost over all assignments of ratings to `count` groups, none of them empty.
    fn brute_force(ratings: &[f64], count: usize) -> f64 {
        let n = u32::try_from(ratings.len()).unwrap();
        (0..count.pow(n))
            .filter_map(|mut code| {
                let elo_groups: Vec<usize> = ratings
                    .iter()
                    .map(|_| {
                        let group = code % count + 1;
                        code /= count;
                        group
                    })
                    .collect();
                let all = (1..=count).all(|group| elo_groups.contains(&group));
                all.then(|| cost(ratings, &elo_groups, count))
            })
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn impossible_counts_and_ratings_are_errors() {
        for (ratings, count) in [(&[1.0, 2.0][..], 0), (&[1.0, 2.0], 3), (&[1.0, 1.0], 2), (&[], 1)]
        {
            let error = elo_groups(ratings, count).unwrap_err();
            assert!(error.to_string().contains("Ask for fewer groups"), "{error}");
        }
        for rating in [f64::NAN, f64::INFINITY] {
            let error = elo_groups(&[1.0, rating], 1).unwrap_err();
            assert!(error.to_string().contains("found the rating"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_assignment_is_better(
            ratings in prop::collection::vec((0_i32..40).prop_map(f64::from), 1..8),
            count in 1_usize..5,
        ) {
            match elo_groups(&ratings, count) {
                Ok(found) => {
                    let (own, least) = (cost(&ratings, &found, count), brute_force(&ratings, count));
                    prop_assert!((own - least).abs() < 1e-6, "{own} {least} {found:?}");
                }
                Err(error) => prop_assert!(error.to_string().contains("Ask for fewer groups")),
            }
        }

        #[test]
        fn groups_follow_the_ratings(
            ratings in prop::collection::vec(0.0_f64..1.0, 4..40), count in 1_usize..5,
        ) {
            let found = elo_groups(&ratings, count).unwrap();
            for (x, group_x) in ratings.iter().zip(&found) {
                for (y, group_y) in ratings.iter().zip(&found) {
                    prop_assert!(x < y || group_x <= group_y);
                }
            }
            let used: std::collections::BTreeSet<_> = found.iter().copied().collect();
            prop_assert_eq!(used, (1..=count).collect());
        }

        #[test]
        fn adding_a_constant_changes_nothing(
            ratings in prop::collection::vec((0_i32..1000).prop_map(f64::from), 5..30),
            by in -2000_i32..2000, count in 1_usize..4,
        ) {
            let moved: Vec<f64> = ratings.iter().map(|rating| rating + f64::from(by)).collect();
            match (elo_groups(&ratings, count), elo_groups(&moved, count)) {
                (Ok(here), Ok(there)) => {
                    // Two cuts may be equally good: then rounding may choose another one.
                    let (here, there) = (cost(&ratings, &here, count), cost(&moved, &there, count));
                    prop_assert!((here - there).abs() < 1e-6 * here.max(1.0), "{here} {there}");
                }
                (here, there) => prop_assert_eq!(here.is_ok(), there.is_ok()),
            }
        }
    }
}
