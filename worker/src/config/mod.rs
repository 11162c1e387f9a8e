//! The Worker's configuration: three variables, each an object or a JSON text.
//!
//! | variable | |
//! | --- | --- |
//! | `UPSTREAMS` | [`Upstreams`]: where each model's requests go |
//! | `GATEWAY` | [`Settings`]: retries, timeouts, routing, limits |
//! | `KEYS` | [`Keys`]: the callers' API keys |
//!
//! `current_bundle` reads the file that names the bundle to load from a bucket.

mod aliases;
pub(crate) mod current_bundle;
mod drift;
mod feature;
mod host_rules;
mod keys;
mod mode;
mod request_fields;
mod rollout;
mod settings;
mod shadow;
mod upstreams;
mod variable;

pub(crate) use aliases::{Alias, Aliases};
pub(crate) use drift::Drift;
pub(crate) use feature::Feature;
pub(crate) use keys::{Budget, Key, Keys, OPEN, equal_in_constant_time};
pub(crate) use mode::Mode;
pub(crate) use request_fields::ReturnedReasoning;
pub(crate) use rollout::{Arm, Candidate, Rollout};
pub(crate) use settings::{Breaker, Check, Retries, Settings, Timeouts};
pub(crate) use shadow::Shadow;
pub(crate) use upstreams::{
    Api, DEFAULT_IMAGE_TOKENS, DEFAULT_MAX_OUTPUT_TOKENS, Upstream, Upstreams, is_routing_name,
};

pub(crate) use variable::is_sha256;

#[cfg(test)]
pub(crate) use upstreams::tests::manifest;
