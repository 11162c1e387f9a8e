//! Divides the queries among candidates by win rate: shares, or a threshold, from the least able candidate
//! to the ablest.
//!
//! With candidates `0..n` by ascending ability and shares `s`, candidate `j` answers the queries from the
//! cut on below which `1 - (s_j + ... + s_(n-1))` of the traffic lies, up to the next candidate's cut.
//! RouteLLM's threshold is the case of two candidates.

use std::collections::BTreeMap;

use super::ThresholdFrom;
use crate::error::RouterError;
use crate::manifest::Manifest;
use crate::traffic::{Cut, Traffic};

/// How far the sum of the shares may be from 1.
const SUM_TOLERANCE: f64 = 1e-6;

/// Candidates by ascending ability, with what divides the queries among them.
pub(super) struct Shares {
    /// Indices in the manifest.
    candidates: Vec<usize>,
    by: By,
}

enum By {
    /// The share of each candidate, in [0, 1]; they sum to 1.
    Share(Vec<f64>),
    /// A stated threshold between two candidates.
    Threshold(f64),
}

impl Shares {
    /// Divides between two candidates at a threshold.
    pub(super) fn threshold(weak: usize, strong: usize, alpha: f64) -> Self {
        Self { candidates: vec![weak, strong], by: By::Threshold(alpha) }
    }

    /// Divides between two candidates by the strong one's share.
    pub(super) fn strong(weak: usize, strong: usize, share: f64) -> Self {
        Self { candidates: vec![weak, strong], by: By::Share(vec![1.0 - share, share]) }
    }

    /// Reads a policy's shares.
    ///
    /// # Errors
    /// [`RouterError::PolicyUnknownModel`]; [`RouterError::PolicyOutOfRange`] for shares outside of [0, 1] or
    /// that do not sum to 1; [`RouterError::PolicyUnsupported`] where the bundle does not state which
    /// candidate is abler.
    pub(super) fn read(
        shares: &BTreeMap<String, f64>,
        manifest: &Manifest,
    ) -> Result<Self, RouterError> {
        let out_of_range = |found: String, expected| RouterError::PolicyOutOfRange {
            field: "shares",
            found,
            expected,
        };
        let mut candidates = Vec::with_capacity(shares.len());
        for (name, &share) in shares {
            let unknown = || RouterError::PolicyUnknownModel {
                found: name.clone(),
                expected: manifest.candidate_names(),
            };
            candidates.push((manifest.candidate_index(name).ok_or_else(unknown)?, share));
            if !(0.0..=1.0).contains(&share) {
                return Err(out_of_range(
                    format!("{share} for {name:?}"),
                    "numbers in [0, 1] that sum to 1",
                ));
            }
        }
        let sum: f64 = shares.values().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(out_of_range(
                format!("{shares:?}, with the sum {sum}"),
                "shares of candidates that sum to 1",
            ));
        }
        let ability =
            abilities(manifest, &candidates).ok_or_else(|| RouterError::PolicyUnsupported {
                field: "shares",
                missing: "this bundle does not state which of these candidates is abler; name the \
                          strong and the weak one, or use a bundle with abilities"
                    .into(),
            })?;
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|&a, &b| ability[a].total_cmp(&ability[b]));
        let share = order.iter().map(|&i| candidates[i].1).collect();
        let candidates = order.iter().map(|&i| candidates[i].0).collect();
        Ok(Self { candidates, by: By::Share(share) })
    }

    /// Whether these candidates are those to choose among: of shares those that are left, of a pair both.
    pub(super) fn apply_to(&self, left: &[usize]) -> bool {
        let is_left = |index: &usize| left.contains(index);
        match self.candidates.len() {
            2 => self.candidates.iter().all(is_left),
            _ => self.candidates.iter().any(is_left),
        }
    }

    /// Finds the ablest candidate whose cut the win rate is above: its place by ability, its threshold, and
    /// what that is from.
    pub(super) fn pick(
        &self,
        manifest: &Manifest,
        win_rate: f64,
        traffic: Option<&Traffic>,
    ) -> (usize, f64, ThresholdFrom) {
        let (shares, from) = match (&self.by, traffic) {
            (By::Threshold(alpha), _) => {
                return (usize::from(win_rate >= *alpha), *alpha, ThresholdFrom::Policy);
            }
            (By::Share(shares), Some(_)) => (shares, ThresholdFrom::Traffic),
            (By::Share(shares), None) => (shares, ThresholdFrom::Bundle),
        };
        let names = |from: usize| {
            self.candidates[from..].iter().map(|&index| manifest.candidates[index].id.as_str())
        };
        let (mut above, mut threshold) = (0.0, None);
        for place in (1..shares.len()).rev() {
            above += shares[place];
            let cut = match (traffic, &manifest.calibration) {
                (Some(traffic), _) => traffic.cut(above, names(place)),
                (None, Some(calibration)) => Cut::at(calibration.threshold_at_share(above)),
                // Checked before: shares need a calibration.
                (None, None) => Cut::at(1.0 - above),
            };
            let tie = || traffic.map_or(0.0, Traffic::tie_break);
            if cut.admits(win_rate, tie) {
                return (place, cut.threshold, from);
            }
            threshold = Some(cut.threshold);
        }
        // A pair's threshold is the one that was not reached.
        let least = threshold.filter(|_| shares.len() == 2).unwrap_or(0.0);
        (0, least, from)
    }

    /// The candidate at `place`, else the next abler one that is left, else the ablest that is left.
    pub(super) fn next_left(&self, place: usize, left: &[usize]) -> usize {
        let (below, above) = self.candidates.split_at(place);
        let next = above.iter().chain(below.iter().rev()).find(|index| left.contains(index));
        // One is left: `apply_to` holds.
        next.copied().unwrap_or(left[0])
    }

    /// The candidates' names with their shares; none of a threshold.
    pub(super) fn named<'m>(
        &'m self,
        manifest: &'m Manifest,
    ) -> impl Iterator<Item = (&'m str, f64)> {
        let shares = match &self.by {
            By::Share(shares) => &shares[..],
            By::Threshold(_) => &[],
        };
        let names = self.candidates.iter().map(|&index| manifest.candidates[index].id.as_str());
        names.zip(shares.iter().copied())
    }
}

/// What orders candidates by ability: the place in the pair, else the mean quality.
fn abilities(manifest: &Manifest, candidates: &[(usize, f64)]) -> Option<Vec<f64>> {
    let in_pair = |&(index, _): &(usize, f64)| match manifest.pair()? {
        (strong, _) if strong == index => Some(1.0),
        (_, weak) if weak == index => Some(0.0),
        _ => None,
    };
    let by_pair: Option<Vec<f64>> = candidates.iter().map(in_pair).collect();
    by_pair.or_else(|| {
        let means = manifest.mean_qualities()?;
        Some(candidates.iter().map(|&(index, _)| means[index]).collect())
    })
}

#[cfg(test)]
mod tests;
