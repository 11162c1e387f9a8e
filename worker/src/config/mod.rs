//! The Worker's configuration: three variables, each an object or a JSON text.
//!
//! | variable | |
//! | --- | --- |
//! | `UPSTREAMS` | [`Upstreams`]: where each model's requests go |
//! | `GATEWAY` | [`Settings`]: retries, timeouts, routing, limits |
//! | `KEYS` | [`Keys`]: the callers' API keys |

mod keys;
mod settings;
mod upstreams;

pub(crate) use keys::{Budget, Key, Keys};
pub(crate) use settings::{Breaker, Check, Retries, Settings, Timeouts};
pub(crate) use upstreams::{Api, Upstream, Upstreams};

#[cfg(test)]
pub(crate) use upstreams::tests::manifest;

use serde::de::DeserializeOwned;

use crate::error::GatewayError;

/// Parses a variable's JSON.
fn read<T: DeserializeOwned>(variable: &'static str, json: &str) -> Result<T, GatewayError> {
    serde_json::from_str(json)
        .map_err(|e| GatewayError::ConfigInvalid { variable, detail: e.to_string() })
}
