//! How able the candidates of kind `difficulty` are on the whole.

use std::sync::OnceLock;

use super::{Calibration, Manifest};

/// Mean qualities, once they were asked for ([`Manifest::mean_qualities`]). A clone is empty, and all are
/// equal: they say nothing that the manifest's other fields do not say.
#[derive(Debug, Default)]
pub struct QualityCache(OnceLock<Option<Vec<f64>>>);

impl Clone for QualityCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for QualityCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Manifest {
    /// Mean quality of each candidate over the calibration's demands, in [0, 1] and in the manifest's order;
    /// of a bundle without them its quality where all demands are 0. None where a candidate has no ability.
    /// They are computed at the first call: change the abilities or the calibration of a clone, not of a
    /// manifest that was asked.
    #[must_use]
    pub fn mean_qualities(&self) -> Option<&[f64]> {
        self.quality_cache.0.get_or_init(|| self.compute_mean_qualities()).as_deref()
    }

    /// Computes [`Manifest::mean_qualities`], which it leaves as they are.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn compute_mean_qualities(&self) -> Option<Vec<f64>> {
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
