//! Refuses the fields of a chat request that no translated upstream supports.

use serde_json::{Value, json};

use crate::error::Untranslatable;

/// Refuses several choices, log probabilities, audio, web search and the deprecated `functions`;
/// accepts values that ask for nothing, such as `n: 1`.
///
/// # Errors
/// [`Untranslatable::Unsupported`], naming the first such field.
pub(crate) fn refuse_unsupported(chat: &Value) -> Result<(), Untranslatable> {
    let cases = [
        ("n", json!(1), "1"),
        ("logprobs", json!(false), "false"),
        ("top_logprobs", json!(0), "nothing"),
        ("audio", Value::Null, "nothing"),
        ("modalities", json!(["text"]), "[\"text\"]"),
        ("web_search_options", Value::Null, "nothing"),
        ("functions", Value::Null, "\"tools\" instead"),
        ("function_call", Value::Null, "\"tool_choice\" instead"),
    ];
    for (name, harmless, expected) in cases {
        if !chat[name].is_null() && chat[name] != harmless {
            return Err(Untranslatable::unsupported(name, &chat[name], expected));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_ask_for_nothing_pass() {
        let chat = json!({"n": 1, "logprobs": false, "top_logprobs": 0, "modalities": ["text"],
                          "audio": null});
        assert_eq!(refuse_unsupported(&chat), Ok(()));
        assert_eq!(refuse_unsupported(&json!({})), Ok(()));
    }

    #[test]
    fn unsupported_fields_are_refused_by_name() {
        for (name, value) in [
            ("n", json!(2)),
            ("logprobs", json!(true)),
            ("top_logprobs", json!(2)),
            ("audio", json!({})),
            ("modalities", json!(["text", "audio"])),
            ("web_search_options", json!({})),
            ("functions", json!([])),
            ("function_call", json!("auto")),
        ] {
            let refused =
                refuse_unsupported(&json!({name: value})).map_err(|e| e.field().to_owned());
            assert_eq!(refused, Err(name.to_owned()));
        }
    }
}
