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

/// Counts the values of a JSON text, at most one too many for each list and object. Each takes memory
/// once parsed, so the count bounds that before any parsing.
pub(crate) fn node_count(json: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
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
    fn values_are_counted_outside_strings() {
        assert_eq!(node_count(r#"{"a": [1, 2, {"b": "[,{\"[,"}], "c": 3}"#), 6);
        assert_eq!(node_count(r#""\\""#), 0);
        assert_eq!(node_count("[[[["), 4);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_placed() {
        let found = decode_utf8(vec![b'{', 0xff]);
        assert_eq!(found, Err(GatewayError::BodyNotUtf8 { at: 1 }));
    }
}
