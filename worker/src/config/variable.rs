//! Parses a variable of the configuration.

use serde::de::DeserializeOwned;

use crate::error::GatewayError;

/// Parses a variable's JSON. An error repeats no text of the variable, which may be a secret at the
/// wrong place, but for a field's or an option's name of at most 16 letters.
pub(super) fn parse_variable<T: DeserializeOwned>(
    variable: &'static str,
    json: &str,
) -> Result<T, GatewayError> {
    serde_json::from_str(json).map_err(|e| GatewayError::ConfigInvalid {
        variable,
        detail: without_values(&e.to_string()),
    })
}

/// Leaves out of an error of serde what the variable holds: a string, which serde escapes, and the name
/// of an unknown field or option, which it does not.
fn without_values(error: &str) -> String {
    for start in ["unknown field `", "unknown variant `"] {
        if let Some(rest) = error.strip_prefix(start) {
            let ends = ["`, expected ", "`, there are no "].map(|end| rest.rfind(end));
            let (name, end) = rest.split_at(ends.into_iter().flatten().max().unwrap_or(rest.len()));
            let plain = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
            let shown = name.len() <= 16 && name.chars().all(plain);
            return format!("{start}{}{end}", if shown { name } else { "..." });
        }
    }
    let (mut shown, mut in_string, mut escaped) = (String::new(), false, false);
    for c in error.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => {
                shown.push_str(if in_string { "...\"" } else { "\"" });
                in_string = !in_string;
            }
            _ if in_string => {}
            _ => shown.push(c),
        }
    }
    shown
}

/// Whether a text is a SHA-256 in lower-case hexadecimal.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Keys, Settings, Upstreams};

    #[test]
    fn no_value_is_repeated_where_it_stands_at_the_wrong_place() {
        let secret = r#"sk-"hunter2`"#;
        let quoted = serde_json::to_string(secret).unwrap();
        let wrong = [
            quoted.clone(),
            format!("[{quoted}]"),
            format!("[{{{quoted}: 1}}]"),
            format!(r#"[{{"name": {quoted}, "budget": {quoted}}}]"#),
            format!(
                r#"[{{"name": "a", "sha256": "b", "budget": {{"usd": 1, "period": {quoted}}}}}]"#
            ),
            format!(r#"{{"a": {{"baseUrl": {quoted}, "api": {quoted}}}}}"#),
            format!(r#"{{"open": {quoted}}}"#),
            format!(r#"{{{quoted}: {quoted}}}"#),
            r#"[{"`hunter2`": 1}]"#.into(),
            r#"[{"`hunter": 1}]"#.replace("`hunter", "x`, expected `hunter2`"),
            "hunter2".into(),
        ];
        for json in wrong {
            let keys = Keys::from_json(Some(&json)).unwrap_err();
            let upstreams = Upstreams::from_json(Some(&json)).unwrap_err();
            let settings = Settings::from_json(Some(&json)).unwrap_err();
            for text in [keys, upstreams, settings].map(|error| error.to_string()) {
                assert!(!text.contains("hunter2"), "{text}");
            }
        }
        let text = Settings::from_json(Some(r#"{"open": "yes"}"#)).unwrap_err().to_string();
        assert!(text.contains(r#"string "...", expected a boolean at line 1"#), "{text}");
    }
}
