//! Parses a variable of the configuration.

use serde::de::DeserializeOwned;

use crate::error::GatewayError;

/// Parses a variable's JSON.
pub(super) fn parse_variable<T: DeserializeOwned>(
    variable: &'static str,
    json: &str,
) -> Result<T, GatewayError> {
    serde_json::from_str(json)
        .map_err(|e| GatewayError::ConfigInvalid { variable, detail: e.to_string() })
}
