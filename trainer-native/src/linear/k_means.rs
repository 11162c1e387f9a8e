//! Clusters rows by k-means, from a fixed seed.

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::KMeans;
use ndarray::Array2;
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::error::TrainerError;

/// Number of starts, of which the tightest clusters are kept.
const STARTS: usize = 4;
const ROUNDS: u64 = 100;

/// The cluster, below `count`, of each row `[W]`; some clusters may be empty.
///
/// # Errors
/// [`TrainerError::BadRows`] where there are fewer rows than clusters, or a value is not
/// finite.
pub fn clusters(rows: &[Vec<f64>], count: usize, seed: u64) -> Result<Vec<usize>, TrainerError> {
    let fault = |detail: String| TrainerError::BadRows { what: "k-means".into(), detail };
    if count == 0 || rows.len() < count {
        let found = rows.len();
        return Err(fault(format!("{found} queries for {count} clusters: ask for fewer clusters")));
    }
    if rows.iter().flatten().any(|value| !value.is_finite()) {
        return Err(fault("an embedding to cluster is not finite".into()));
    }
    let width = rows.first().map_or(0, Vec::len);
    let values: Vec<f64> = rows.iter().flatten().copied().collect();
    let table = Array2::from_shape_vec((rows.len(), width), values)
        .map_err(|error| fault(format!("rows of unequal width: {error}")))?;
    let rng = Xoshiro256Plus::seed_from_u64(seed);
    let table = DatasetBase::from(table);
    let fitted = KMeans::params_with_rng(count, rng)
        .n_runs(STARTS)
        .max_n_iterations(ROUNDS)
        .tolerance(1e-4)
        .fit(&table)
        .map_err(|error| fault(error.to_string()))?;
    Ok(fitted.predict(table.records()).to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_lie_apart_are_found_and_the_same_each_time() {
        let rows: Vec<Vec<f64>> = (0..30)
            .map(|i| vec![f64::from(i % 3) * 10.0 + f64::from(i) * 0.01, f64::from(i % 3)])
            .collect();
        let found = clusters(&rows, 3, 1).unwrap();
        for (i, j) in (0..30).flat_map(|i| (0..30).map(move |j| (i, j))) {
            assert_eq!(found[i] == found[j], i % 3 == j % 3, "rows {i} and {j}");
        }
        assert_eq!(clusters(&rows, 3, 1).unwrap(), found);
    }

    #[test]
    fn too_few_rows_and_values_that_are_no_numbers_are_errors() {
        let text = |rows: &[Vec<f64>], count| clusters(rows, count, 1).unwrap_err().to_string();
        assert!(text(&[vec![1.0]], 2).contains("1 queries for 2 clusters"));
        assert!(text(&[vec![1.0], vec![f64::NAN]], 2).contains("not finite"));
        assert_eq!(clusters(&[vec![1.0, 2.0]], 1, 1).unwrap(), [0]);
    }
}
