//! Decodes a body as UTF-8, and classifies the errors of parsing it as JSON.

use pointsman::lone_surrogate;

use crate::error::GatewayError;

/// Makes the gateway's error of a JSON parser's: an ill-formed query for a lone surrogate, which is
/// valid JSON and not valid UTF-8.
pub(crate) fn json_error(error: &serde_json::Error) -> GatewayError {
    match lone_surrogate(error) {
        Some(error) => error.into(),
        None => GatewayError::BodyNotJson { detail: error.to_string() },
    }
}

/// Decodes a body as UTF-8.
///
/// # Errors
/// [`GatewayError::BodyNotUtf8`].
pub(crate) fn decode_utf8(body: Vec<u8>) -> Result<String, GatewayError> {
    String::from_utf8(body)
        .map_err(|e| GatewayError::BodyNotUtf8 { at: e.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_placed() {
        let found = decode_utf8(vec![b'{', 0xff]);
        assert_eq!(found, Err(GatewayError::BodyNotUtf8 { at: 1 }));
    }
}
