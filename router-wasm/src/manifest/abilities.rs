//! How able the candidates of kind `difficulty` are on the whole.

use super::{Calibration, Manifest};

impl Manifest {
    /// Mean quality of each candidate over the calibration's demands, in [0, 1] and in the manifest's order;
    /// of a bundle without them its quality where all demands are 0. None where a candidate has no ability.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn mean_qualities(&self) -> Option<Vec<f64>> {
        let rows = self.calibration.as_ref().and_then(Calibration::demand_rows);
        let rows =
            rows.unwrap_or_else(|| vec![vec![0.0; self.head.demands.as_ref().map_or(0, Vec::len)]]);
        let mean = |sum: f64| sum / rows.len() as f64;
        let candidates = self.candidates.iter().map(|candidate| {
            let ability = candidate.ability.as_ref()?;
            Some(mean(rows.iter().map(|demands| ability.quality(demands)).sum()))
        });
        candidates.collect()
    }
}

impl Calibration {
    /// The demands `[K]` of queries that stand for the sample, where the bundle states them.
    pub(crate) fn demand_rows(&self) -> Option<Vec<Vec<f64>>> {
        let rows = self.demands.as_ref()?;
        Some(rows.iter().map(|row| row.iter().map(|&d| f64::from(d)).collect()).collect())
    }
}
