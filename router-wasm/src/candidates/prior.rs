//! What is known of an LLM without its outcomes, and the ability that follows from it.

use serde::{Deserialize, Serialize};

use crate::ability::Ability;
use crate::error::{RouterError, quoted};
use crate::manifest::Manifest;

/// What is known of an LLM without its outcomes: at most one of three. The fit of an ability begins there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbilityPrior {
    /// The bundle's candidate for which it stands, or that it resembles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `small`, `medium` or `large`, where the bundle states abilities of these tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// An ability, as [`Router::fit_ability`](crate::Router::fit_ability) found it for this bundle: its own, or
    /// that of its predecessor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
}

impl AbilityPrior {
    /// Reads `{"role"}`, `{"tier"}`, `{"ability"}` or `{}`.
    ///
    /// # Errors
    /// [`RouterError::CandidatesInvalid`].
    pub fn from_json(json: &str) -> Result<Self, RouterError> {
        serde_json::from_str(json).map_err(|error| {
            let detail = error.to_string();
            RouterError::CandidatesInvalid { detail }
        })
    }

    /// The ability that is stated, if one is.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn stated(&self, manifest: &Manifest) -> Result<Option<Ability>, String> {
        let sizes = manifest.head.demands.as_ref().map_or(0, Vec::len);
        match (&self.role, &self.tier, &self.ability) {
            (None, None, None) => Ok(None),
            (Some(role), None, None) => {
                let found = manifest.candidates.iter().find(|candidate| candidate.id == *role);
                let ability = found.and_then(|candidate| candidate.ability.clone());
                ability.map(Some).ok_or_else(|| unknown_role(role, manifest))
            }
            (None, Some(tier), None) => {
                let tiers = manifest.head.abilities.as_ref();
                let ability = tiers.and_then(|tiers| tiers.get(tier)).cloned();
                ability.map(Some).ok_or_else(|| {
                    let known: Vec<&str> = tiers.into_iter().flatten().map(|(t, _)| &**t).collect();
                    let known = match known.is_empty() {
                        true => {
                            "a role, an ability or outcomes, as this bundle states no tiers".into()
                        }
                        false => known.join(", "),
                    };
                    format!("tier is {}: expected {known}", quoted(tier))
                })
            }
            (None, None, Some(ability)) => ability.check(sizes).map(|()| Some(ability.clone())),
            _ => Err("it has several of role, tier and ability: expected one of them".into()),
        }
    }

    /// The stated ability, else that of tier `medium`, else the mean of the bundle's candidates.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn resolve(&self, manifest: &Manifest) -> Result<Ability, String> {
        if let Some(stated) = self.stated(manifest)? {
            return Ok(stated);
        }
        if let Some(medium) = manifest.head.abilities.as_ref().and_then(|tiers| tiers.get("medium"))
        {
            return Ok(medium.clone());
        }
        let known =
            || manifest.candidates.iter().filter_map(|candidate| candidate.ability.as_ref());
        let share = 1.0 / known().count().max(1) as f64;
        let size = manifest.head.demands.as_ref().map_or(0, Vec::len);
        let mut mean = Ability { intercept: 0.0, slopes: vec![0.0; size] };
        for ability in known() {
            mean.intercept += ability.intercept * share;
            mean.slopes.iter_mut().zip(&ability.slopes).for_each(|(sum, w)| *sum += w * share);
        }
        Ok(mean)
    }
}

/// Says that a bundle has no candidate of this name.
pub(super) fn unknown_role(role: &str, manifest: &Manifest) -> String {
    let names = manifest.candidate_names();
    format!(
        "role is {}, which is no candidate of the bundle: expected one of {names}",
        quoted(role)
    )
}
