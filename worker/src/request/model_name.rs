//! Reads the request's `model`: either a name that means routing, with its options, or a model's name.
//!
//! | `model` | means |
//! | --- | --- |
//! | `auto`, the bundle's name | routed by the request's headers, else by the bundle's default |
//! | `router-<name>-<threshold>` | routed at that threshold, as RouteLLM's server names it |
//! | `router-<name>`, `auto`, the bundle's name, with `:option:value` | routed by these options |
//! | a model that is served | that model, without routing |
//!
//! An alias of `GATEWAY.aliases` means one of these (`crate::config::Aliases`).
//!
//! `<name>` is the router's kind or the bundle's name. The options are `share`, `threshold`, `max-cost`
//! and `cost-weight`; options in the name win over the headers.

use pointsman::{Manifest, Policy};

use crate::error::GatewayError;

/// The policy headers of a request, unparsed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicyHeaders {
    /// `x-pointsman-threshold`.
    pub(crate) threshold: Option<String>,
    /// `x-pointsman-strong-share`.
    pub(crate) strong_share: Option<String>,
    /// `x-pointsman-max-cost`.
    pub(crate) max_cost: Option<String>,
    /// `x-pointsman-cost-weight`.
    pub(crate) cost_weight: Option<String>,
}

/// What `model` means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// Routing under this policy.
    Routed(Policy),
    /// This model, without routing.
    Named(String),
}

impl Target {
    /// Reads `model` and the policy headers. A served model's name wins over the other meanings.
    ///
    /// # Errors
    /// [`GatewayError::ModelNotFound`], [`GatewayError::ModelThreshold`],
    /// [`GatewayError::ModelOption`], [`GatewayError::HeaderNotANumber`].
    pub(crate) fn new(
        model: &str,
        headers: &PolicyHeaders,
        manifest: &Manifest,
        serves: impl Fn(&str) -> bool,
    ) -> Result<Self, GatewayError> {
        if serves(model) {
            return Ok(Self::Named(model.to_owned()));
        }
        let mut parts = model.split(':');
        let name = parts.next().unwrap_or_default();
        let options: Vec<&str> = parts.collect();
        let policy = headers.policy()?;
        if name == "auto" || name == manifest.name {
            return Ok(Self::Routed(with_options(policy, model, &options)?));
        }
        let not_found = || GatewayError::ModelNotFound {
            found: model.to_owned(),
            expected: expected(manifest),
        };
        let rest = name.strip_prefix("router-").ok_or_else(not_found)?;
        let rest = [manifest.kind.as_str(), manifest.name.as_str()]
            .iter()
            .filter_map(|router| rest.strip_prefix(router))
            .find(|rest| rest.is_empty() || rest.starts_with('-'))
            .ok_or_else(not_found)?;
        if rest.is_empty() {
            return Ok(Self::Routed(with_options(policy, model, &options)?));
        }
        let threshold = rest[1..].parse().map_err(|_| GatewayError::ModelThreshold {
            found: model.to_owned(),
            example: format!("router-{}-0.5", manifest.kind),
        })?;
        let policy = Policy { threshold: Some(threshold), strong_share: None, ..policy };
        Ok(Self::Routed(with_options(policy, model, &options)?))
    }
}

impl PolicyHeaders {
    fn policy(&self) -> Result<Policy, GatewayError> {
        Ok(Policy {
            threshold: number("x-pointsman-threshold", self.threshold.as_deref())?,
            strong_share: number("x-pointsman-strong-share", self.strong_share.as_deref())?,
            max_cost: number("x-pointsman-max-cost", self.max_cost.as_deref())?,
            cost_weight: number("x-pointsman-cost-weight", self.cost_weight.as_deref())?,
            ..Policy::default()
        })
    }
}

/// Whether a name of a key's list means routing, whatever is served now: `auto`, `router-...` or the
/// bundle's name, also with options.
pub(crate) fn means_routing(name: &str, bundle: &str) -> bool {
    let mut parts = name.split(':');
    let router = parts.next().unwrap_or_default();
    let options: Vec<&str> = parts.collect();
    (router == "auto" || router == bundle || router.starts_with("router-"))
        && with_options(Policy::default(), name, &options).is_ok()
}

fn with_options(mut policy: Policy, model: &str, options: &[&str]) -> Result<Policy, GatewayError> {
    let wrong = || GatewayError::ModelOption { found: model.to_owned() };
    for pair in options.chunks(2) {
        let [option, value] = pair else { return Err(wrong()) };
        let value: f64 = value.parse().map_err(|_| wrong())?;
        match *option {
            "share" => {
                (policy.strong_share, policy.threshold) = (Some(value), None);
                policy.cost_weight = None;
            }
            "threshold" => {
                (policy.threshold, policy.strong_share) = (Some(value), None);
                policy.cost_weight = None;
            }
            "cost-weight" => {
                (policy.threshold, policy.strong_share) = (None, None);
                policy.cost_weight = Some(value);
            }
            "max-cost" => policy.max_cost = Some(value),
            _ => return Err(wrong()),
        }
    }
    Ok(policy)
}

/// Lists the accepted values of `model`, for error messages.
pub(crate) fn expected(manifest: &Manifest) -> String {
    format!(
        "\"auto\", \"router-{}-<threshold>\", one of {}, another model of UPSTREAMS, or an alias of GATEWAY.aliases",
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
    use crate::config::manifest;

    fn target(model: &str, threshold: Option<&str>, share: Option<&str>) -> Result<Target, String> {
        let headers = PolicyHeaders {
            threshold: threshold.map(str::to_owned),
            strong_share: share.map(str::to_owned),
            ..PolicyHeaders::default()
        };
        Target::new(model, &headers, &manifest(), |name| ["small", "large"].contains(&name))
            .map_err(|e| e.code().to_owned())
    }

    #[test]
    fn auto_takes_the_headers_policy() {
        for name in ["auto", "test"] {
            assert_eq!(target(name, None, None), Ok(Target::Routed(Policy::default())));
            let expected = Ok(Target::Routed(Policy::threshold(0.25)));
            assert_eq!(target(name, Some("0.25"), None), expected);
            let expected = Ok(Target::Routed(Policy::strong_share(1.0)));
            assert_eq!(target(name, None, Some("1")), expected);
        }
    }

    #[test]
    fn a_routellm_name_states_the_threshold() {
        let expected = Ok(Target::Routed(Policy::threshold(0.11593)));
        assert_eq!(target("router-mf-0.11593", None, None), expected);
        assert_eq!(target("router-test-0.11593", None, Some("0.9")), expected);
    }

    #[test]
    fn options_follow_a_name() {
        let share = Ok(Target::Routed(Policy::strong_share(0.5)));
        for model in ["auto:share:0.5", "test:share:0.5", "router-mf:share:0.5"] {
            assert_eq!(target(model, Some("0.9"), None), share, "{model}");
        }
        let both = Policy { max_cost: Some(0.01), ..Policy::threshold(0.3) };
        assert_eq!(target("router-mf-0.3:max-cost:0.01", None, None), Ok(Target::Routed(both)));
        let weight = Policy { cost_weight: Some(20.0), ..Policy::default() };
        let found = target("auto:cost-weight:20", Some("0.5"), None);
        assert_eq!(found, Ok(Target::Routed(weight)));
        for model in ["auto:share", "auto:share:half", "auto:temperature:1", "auto:"] {
            assert_eq!(target(model, None, None), Err("model_option".into()), "{model}");
        }
    }

    #[test]
    fn a_name_means_routing_whatever_is_served() {
        for name in
            ["auto", "test", "router-mf-0.5", "router-old-0.5", "auto:share:0.5", "test:share:0"]
        {
            assert!(means_routing(name, "test"), "{name}");
        }
        for name in
            ["Auto", " auto", "", "small", "auto-small", "auto:free", "auto:share", "router"]
        {
            assert!(!means_routing(name, "test"), "{name}");
        }
        assert!(!means_routing("test", "renamed"));
    }

    #[test]
    fn a_served_model_is_not_routed() {
        assert_eq!(target("large", Some("0.5"), None), Ok(Target::Named("large".into())));
    }

    #[test]
    fn unknown_models_are_refused() {
        for model in ["gpt-x", "router-bert-0.5", "router-", "router-mfa-0.5", "", "large:share:1"]
        {
            assert_eq!(target(model, None, None), Err("model_not_found".into()), "{model}");
        }
        assert_eq!(target("router-mf-half", None, None), Err("model_threshold".into()));
        assert_eq!(target("auto", Some("much"), None), Err("header_not_a_number".into()));
    }

    #[test]
    fn a_number_out_of_range_is_left_to_the_policys_check() {
        let Ok(Target::Routed(policy)) = target("auto", Some("NaN"), None) else { unreachable!() };
        assert_eq!(policy.check(&manifest()).unwrap_err().code(), "policy_out_of_range");
    }
}
