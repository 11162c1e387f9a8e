//! What a probe found, as `probe.json`.

use serde::Serialize;

use super::graded::{Graded, GradedModel};
use super::items::ProbeSet;
use super::learnt::Learnt;
use super::target::Added;
use crate::error::TrainerError;

/// What a probe found.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    pub bundle: &'a str,
    pub kind: &'a str,
    pub probe: &'a str,
    pub probe_sha256: &'a str,
    pub items: usize,
    /// The new LLM, then those that were asked beside it.
    pub models: &'a [GradedModel],
    /// Outcomes that it was learnt from.
    pub rows: usize,
    /// Of kind `difficulty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learnt: Option<&'a Learnt>,
}

impl<'a> Report<'a> {
    #[must_use]
    pub fn of(set: &'a ProbeSet, graded: &'a Graded, added: &'a Added) -> Self {
        let manifest = &added.bundle.manifest;
        Self {
            bundle: &manifest.name,
            kind: &manifest.kind,
            probe: &set.name,
            probe_sha256: &set.sha256,
            items: set.items.len(),
            models: &graded.models,
            rows: added.rows,
            learnt: added.learnt.as_ref(),
        }
    }

    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn json(&self) -> Result<String, TrainerError> {
        let json = serde_json::to_string_pretty(self).map_err(|error| TrainerError::NotFinite {
            what: "a number of probe.json",
            detail: error.to_string(),
        })?;
        Ok(json + "\n")
    }
}
