//! Fits a translated chat request to the rules of its upstream's host.
//!
//! | rule | what breaks it becomes |
//! | --- | --- |
//! | OpenAI: an id of a call has at most 40 letters | a hash |
//! | Mistral: it has nine letters and digits | a hash |
//! | Mistral: the assistant speaks after tool results | a user's text behind them is added to the last result |
//! | Mistral: a last message of the assistant is a `prefix` | it is said to be one |

use pointsman::sha256_hex;
use serde_json::{Value, json};

/// The most letters of a call's id at OpenAI.
const LONGEST_ID: usize = 40;
/// The letters and digits of a call's id at Mistral.
const MISTRALS_ID: usize = 9;

/// Applies the rules; those of Mistral if the host is Mistral's.
pub(super) fn apply(chat: &mut Value, mistrals: bool) {
    let Some(messages) = chat.get_mut("messages").and_then(Value::as_array_mut) else { return };
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        message.get_mut("tool_call_id").into_iter().for_each(|id| shorten(id, mistrals));
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten().filter_map(Value::as_object_mut) {
            call.get_mut("id").into_iter().for_each(|id| shorten(id, mistrals));
        }
    }
    if mistrals {
        join_results(messages);
        if let Some(last) = messages.last_mut().filter(|last| last["role"] == "assistant") {
            last["prefix"] = true.into();
        }
    }
}

fn shorten(id: &mut Value, mistrals: bool) {
    let Some(given) = id.as_str() else { return };
    let plain = given.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let most = match mistrals {
        true if given.len() != MISTRALS_ID || !plain => MISTRALS_ID,
        false if given.len() > LONGEST_ID => LONGEST_ID,
        _ => return,
    };
    *id = sha256_hex(given.as_bytes())[..most].into();
}

/// Adds the texts of users behind tool results to the last of these. Images stay: a result is a text.
fn join_results(messages: &mut Vec<Value>) {
    let mut joined: Vec<Value> = Vec::with_capacity(messages.len());
    for message in messages.drain(..) {
        let text = message["content"].as_str().filter(|_| message["role"] == "user");
        match (joined.last_mut().filter(|last| last["role"] == "tool"), text) {
            (Some(result), Some(text)) => {
                let content = result["content"].as_str().unwrap_or_default();
                let separator = if content.is_empty() { "" } else { "\n\n" };
                result["content"] = json!(format!("{content}{separator}{text}"));
            }
            _ => joined.push(message),
        }
    }
    *messages = joined;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chat() -> Value {
        json!({"messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [{"id": "toolu_01A"}, {"id": "abcDEF123"}, 7]},
            {"role": "tool", "tool_call_id": "toolu_01A", "content": "sun"},
            {"role": "tool", "tool_call_id": "abcDEF123", "content": ""},
            {"role": "user", "content": "So?"},
            {"role": "assistant", "content": "It"}]})
    }

    #[test]
    fn mistrals_ids_pair_calls_and_results() {
        let mut sent = chat();
        apply(&mut sent, true);
        let messages = &sent["messages"];
        let id = messages[1]["tool_calls"][0]["id"].as_str().unwrap();
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(messages[2]["tool_call_id"], id);
        assert_eq!(messages[1]["tool_calls"][1]["id"], "abcDEF123");
        assert_eq!(messages[3]["tool_call_id"], "abcDEF123");
    }

    #[test]
    fn at_mistral_the_assistant_speaks_after_results() {
        let mut sent = chat();
        apply(&mut sent, true);
        let messages = &sent["messages"];
        assert_eq!(
            (&messages[2]["content"], &messages[3]["content"]),
            (&json!("sun"), &json!("So?"))
        );
        assert_eq!(messages[4], json!({"role": "assistant", "content": "It", "prefix": true}));
        let image = json!({"role": "user", "content": [{"type": "image_url"}]});
        let mut sent = json!({"messages": [{"role": "tool", "content": "a"}, image]});
        apply(&mut sent, true);
        assert_eq!(sent["messages"][1], image);
    }

    #[test]
    fn elsewhere_only_long_ids_change() {
        let mut sent = chat();
        apply(&mut sent, false);
        assert_eq!(sent, chat());
        let mut long = json!({"messages": [{"role": "tool", "tool_call_id": "x".repeat(41)}]});
        apply(&mut long, false);
        assert_eq!(long["messages"][0]["tool_call_id"].as_str().map(str::len), Some(40));
        for odd in [json!({}), json!({"messages": 1}), json!({"messages": [1, {"tool_calls": 2}]})]
        {
            let mut sent = odd.clone();
            apply(&mut sent, true);
            assert_eq!(sent, odd);
        }
    }
}
