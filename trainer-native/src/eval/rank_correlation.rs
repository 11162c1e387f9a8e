//! Spearman's rank correlation of two variables where a third is held fixed.
//!
//! ```text
//! r_ab.c = (r_ab - r_ac r_bc) / sqrt((1 - r_ac^2) (1 - r_bc^2))
//! ```
//! with r the correlations of ranks, tied values at the mean of their ranks (Kendall and Gibbons, Rank
//! Correlation Methods, 1990). Ranks of a length are those of its logarithm.
//!
//! ```
//! use pointsman_trainer::eval::rank_correlation::partial;
//!
//! // Both grow with the third alone.
//! let length = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
//! let a = [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0];
//! let b = [1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0];
//! assert!(partial(&a, &b, &[0.0; 8]).is_some_and(|r| r > 0.7));
//! assert!(partial(&a, &b, &length).is_some_and(|r| r < 0.0));
//! ```

use super::EvalError;
use super::bootstrap::{Interval, Resamples, Settings};
use super::error::check_length;

/// Ranks from 1, tied values at the mean of theirs.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for &(_, at) in tied {
            if let Some(slot) = ranks.get_mut(at) {
                *slot = rank;
            }
        }
        before += tied.len();
    }
    ranks
}

/// Rank correlation of `a` and `b` at fixed `given`, in [-1, 1]; the plain one where `given` is constant.
/// `None` where `a` or `b` is constant or follows `given` exactly, and for lists of unequal length.
#[must_use]
pub fn partial(a: &[f64], b: &[f64], given: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() != given.len() {
        return None;
    }
    let [a, b, given] = [a, b, given].map(ranks);
    let ab = correlation(&a, &b)?;
    let (a_given, b_given) =
        (correlation(&a, &given).unwrap_or(0.0), correlation(&b, &given).unwrap_or(0.0));
    let rest = (1.0 - a_given * a_given) * (1.0 - b_given * b_given);
    (rest > 1e-12).then(|| ((ab - a_given * b_given) / rest.sqrt()).clamp(-1.0, 1.0))
}

/// Bootstrap interval of [`partial`] over rows; `None` where it is mostly undefined.
///
/// # Errors
/// [`EvalError::BadInput`] for settings, and for lists of unequal length.
pub fn partial_interval(
    a: &[f64],
    b: &[f64],
    given: &[f64],
    settings: Settings,
) -> Result<Option<Interval>, EvalError> {
    check_length("values", b.len(), a.len())?;
    check_length("values to hold fixed", given.len(), a.len())?;
    let samples = Resamples::draw(&[(0..a.len()).collect()], settings, |counts| {
        let drawn = |values: &[f64]| -> Vec<f64> {
            let times =
                |(value, &count): (&f64, &u32)| (0..count).map(|_| *value).collect::<Vec<_>>();
            values.iter().zip(counts).flat_map(times).collect()
        };
        vec![partial(&drawn(a), &drawn(b), &drawn(given))]
    })?;
    Ok(samples.of(0, |r| Some(*r)))
}

/// Pearson's correlation; `None` where either is constant.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>()
    };
    let scale = (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt();
    (scale > 0.0).then(|| product(a, mean_a, b, mean_b) / scale)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tied_values_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(ranks(&[]), Vec::<f64>::new());
    }

    #[test]
    fn a_correlation_depends_on_ranks_alone() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [10.0, 100.0, 1e3, 1e9]);
        assert!((partial(&a, &b, &[0.0; 4]).unwrap() - 1.0).abs() < 1e-12);
        let reversed = [4.0, 3.0, 2.0, 1.0];
        assert!((partial(&a, &reversed, &[0.0; 4]).unwrap() + 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_the_fixed_variable_explains_does_not_count() {
        let (a, b, c) = ([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 2.0, 3.0], [2.0, 1.0, 3.0, 4.0]);
        let r = |x: &[f64], y: &[f64]| partial(x, y, &[0.0; 4]).unwrap();
        let expected = (r(&a, &b) - r(&a, &c) * r(&b, &c))
            / ((1.0 - r(&a, &c).powi(2)) * (1.0 - r(&b, &c).powi(2))).sqrt();
        assert!((r(&a, &b) - 0.4).abs() < 1e-12 && (r(&a, &c) - 0.8).abs() < 1e-12);
        assert!((partial(&a, &b, &c).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn undefined_correlations_are_none() {
        assert_eq!(partial(&[1.0; 3], &[1.0, 2.0, 3.0], &[0.0; 3]), None);
        assert_eq!(partial(&[1.0, 2.0], &[1.0], &[0.0, 0.0]), None);
        let length = [1.0, 2.0, 3.0];
        assert_eq!(partial(&length, &[3.0, 1.0, 2.0], &length), None);
        assert_eq!(partial(&[], &[], &[]), None);
    }

    #[test]
    fn an_interval_holds_the_value_and_names_unequal_lists() {
        let a: Vec<f64> = (0..80).map(f64::from).collect();
        let b: Vec<f64> = (0..80).map(|at| f64::from(at + at * 37 % 29)).collect();
        let given: Vec<f64> = (0..80).map(|at| f64::from(at * 13 % 17)).collect();
        let settings = Settings { resamples: 200, ..Settings::default() };
        let found = partial_interval(&a, &b, &given, settings).unwrap().unwrap();
        let value = partial(&a, &b, &given).unwrap();
        assert!(found.low < value && value < found.high, "{found:?} {value}");
        let error = partial_interval(&a, &b[1..], &given, settings).unwrap_err();
        assert_eq!(error.to_string(), "found 79 values, expected 80: one a row");
    }
}
