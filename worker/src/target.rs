//! The request's `model`: routed, or a candidate by name.
//!
//! | `model` | means |
//! | --- | --- |
//! | `auto` | routed by the request's headers, else by the bundle's default |
//! | `router-<kind>-<threshold>` | routed at that threshold, as RouteLLM's server names it: `router-mf-0.116` |
//! | a candidate | that candidate, without routing |
//!
//! The headers `x-switchyard-threshold` and `x-switchyard-strong-share` state a policy for `auto`.

use switchyard_router::{Manifest, Policy};

use crate::error::GatewayError;

/// The header with a threshold in [0, 1].
pub(crate) const THRESHOLD_HEADER: &str = "x-switchyard-threshold";
/// The header with a share of strong calls in [0, 1].
pub(crate) const STRONG_SHARE_HEADER: &str = "x-switchyard-strong-share";

/// The policy headers as the request carries them.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicyHeaders {
    /// [`THRESHOLD_HEADER`].
    pub(crate) threshold: Option<String>,
    /// [`STRONG_SHARE_HEADER`].
    pub(crate) strong_share: Option<String>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// A decision under this policy.
    Routed(Policy),
    /// This candidate, without a decision.
    Candidate(String),
}

impl Target {
    /// Reads `model` and the policy headers. A candidate's name wins over the other readings.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotFound`], [`GatewayError::ModelThreshold`],
    /// [`GatewayError::HeaderNotANumber`].
    pub(crate) fn new(
        model: &str,
        headers: &PolicyHeaders,
        manifest: &Manifest,
    ) -> Result<Self, GatewayError> {
        if manifest.candidate_index(model).is_some() {
            return Ok(Self::Candidate(model.to_owned()));
        }
        let mut policy = Policy {
            threshold: number(THRESHOLD_HEADER, headers.threshold.as_deref())?,
            strong_share: number(STRONG_SHARE_HEADER, headers.strong_share.as_deref())?,
            ..Policy::default()
        };
        if model == "auto" {
            return Ok(Self::Routed(policy));
        }
        let not_found = || GatewayError::ModelNotFound {
            found: model.to_owned(),
            expected: expected(manifest),
        };
        let prefix = format!("router-{}-", manifest.kind);
        let threshold = model.strip_prefix(&prefix).ok_or_else(not_found)?;
        let threshold = threshold.parse().map_err(|_| GatewayError::ModelThreshold {
            found: model.to_owned(),
            example: format!("{prefix}0.5"),
        })?;
        // The name is more particular than a header that a client sends with every request.
        policy.threshold = Some(threshold);
        policy.strong_share = None;
        Ok(Self::Routed(policy))
    }
}

/// The models served, in words.
pub(crate) fn expected(manifest: &Manifest) -> String {
    format!(
        "\"auto\", \"router-{}-<threshold>\", or one of {}",
        manifest.kind,
        manifest.candidate_names()
    )
}

fn number(header: &'static str, value: Option<&str>) -> Result<Option<f64>, GatewayError> {
    value
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| GatewayError::HeaderNotANumber { header, found: text.to_owned() })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::tests::manifest;

    fn target(model: &str, threshold: Option<&str>, share: Option<&str>) -> Result<Target, String> {
        let headers = PolicyHeaders {
            threshold: threshold.map(str::to_owned),
            strong_share: share.map(str::to_owned),
        };
        Target::new(model, &headers, &manifest()).map_err(|e| e.code().to_owned())
    }

    #[test]
    fn auto_takes_the_headers_policy() {
        assert_eq!(target("auto", None, None), Ok(Target::Routed(Policy::default())));
        assert_eq!(target("auto", Some("0.25"), None), Ok(Target::Routed(Policy::threshold(0.25))));
        assert_eq!(target("auto", None, Some("1")), Ok(Target::Routed(Policy::strong_share(1.0))));
    }

    #[test]
    fn a_routellm_name_states_the_threshold() {
        let expected = Ok(Target::Routed(Policy::threshold(0.11593)));
        assert_eq!(target("router-mf-0.11593", None, None), expected);
        assert_eq!(target("router-mf-0.11593", None, Some("0.9")), expected);
    }

    #[test]
    fn a_candidate_is_not_routed() {
        assert_eq!(target("large", Some("0.5"), None), Ok(Target::Candidate("large".into())));
    }

    #[test]
    fn what_is_not_served_is_refused() {
        assert_eq!(target("gpt-x", None, None), Err("model_not_found".into()));
        assert_eq!(target("router-bert-0.5", None, None), Err("model_not_found".into()));
        assert_eq!(target("router-mf-half", None, None), Err("model_threshold".into()));
        assert_eq!(target("auto", Some("much"), None), Err("header_not_a_number".into()));
    }

    #[test]
    fn a_number_out_of_range_is_left_to_the_policys_check() {
        let Ok(Target::Routed(policy)) = target("auto", Some("NaN"), None) else { unreachable!() };
        assert_eq!(policy.check(&manifest()).unwrap_err().code(), "policy_out_of_range");
    }
}
