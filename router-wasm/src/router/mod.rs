//! Router kinds: what the graph's scores mean.
//!
//! One file a kind. Each turns the graph's `scores` into an expected quality in [0, 1] per
//! candidate and, where the bundle names a strong and a weak candidate, a win rate.

mod mf;

use crate::error::RouterError;
use crate::manifest::Manifest;

/// A router kind this engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Matrix factorisation with Bradley-Terry scores (RouteLLM, section 4.2).
    Mf,
}

impl Kind {
    const ALL: [(&'static str, Self); 1] = [("mf", Self::Mf)];

    /// The kind that a manifest names.
    ///
    /// # Errors
    /// [`RouterError::BundleUnknownKind`].
    pub fn from_name(name: &str) -> Result<Self, RouterError> {
        let known = Self::ALL.iter().find(|(n, _)| *n == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| RouterError::BundleUnknownKind {
            found: name.to_owned(),
            expected: Self::ALL.map(|(n, _)| n).join(", "),
        })
    }

    /// Expected quality of each candidate in [0, 1], from the graph's scores.
    #[must_use]
    pub fn qualities(self, scores: &[f32]) -> Vec<f64> {
        match self {
            Self::Mf => mf::qualities(scores),
        }
    }

    /// Win rate of the manifest's strong candidate over its weak one, in [0, 1].
    #[must_use]
    pub fn win_rate(self, scores: &[f32], manifest: &Manifest) -> Option<f64> {
        let strong = manifest.candidate_index(manifest.head.strong.as_deref()?)?;
        let weak = manifest.candidate_index(manifest.head.weak.as_deref()?)?;
        match self {
            Self::Mf => Some(mf::win_rate(scores[strong], scores[weak])),
        }
    }
}
