//! Gives a chat upstream the reasoning of earlier turns back.
//!
//! DeepSeek, Moonshot and others refuse a message with tool calls that lacks the `reasoning_content` which
//! came with them. An Anthropic client has it as a `thinking` block, whose signature says from which model
//! it came, and in which field:
//!
//! ```text
//! answer  {"reasoning_content": "Hm."}  -> block {"thinking": "Hm.", "signature": "pm1f0c...8a.reasoning_content"}
//! request  the block, for the same model    -> {"reasoning_content": "Hm.", "tool_calls": [...]}
//!                     for another one       -> left out
//! ```
//! An upstream with `reasoningField` gets all thinking, of whatever model, and an empty text where a message
//! with tool calls has none.

use serde_json::Value;

use super::signature::model_tag;
use crate::config::ReturnedReasoning;

/// The fields in which upstreams state reasoning.
pub(crate) const FIELDS: [&str; 2] = ["reasoning_content", "reasoning"];

/// The tag of a chat model's reasoning: another one than of the signatures of a model of this name.
pub(crate) fn reasoning_tag(base_url: &str, model: &str) -> String {
    model_tag(base_url, &format!("{model}\nreasoning"))
}

/// The signature of a block that was made from the reasoning in `field`.
pub(crate) fn signature(tag: &str, field: &str) -> String {
    format!("{tag}{field}")
}

/// Signs the thinking of a message that was made from `completion`.
pub(crate) fn sign(message: &mut Value, completion: &Value, tag: &str) {
    let Some(field) = field_of(&completion["choices"][0]["message"]) else { return };
    let blocks = message["content"].as_array_mut().into_iter().flatten();
    for block in blocks.filter(|block| block["type"] == "thinking" && block["signature"] == "") {
        block["signature"] = signature(tag, field).into();
    }
}

/// The field that holds the reasoning of a message, or of a piece of one.
pub(crate) fn field_of(message: &Value) -> Option<&'static str> {
    let says = |field: &&str| message[*field].as_str().is_some_and(|text| !text.is_empty());
    FIELDS.into_iter().find(says)
}

/// Leaves out the thinking of a Messages request that does not go back to the model with this tag. Returns
/// the field for what stays.
pub(crate) fn select(request: &mut Value, which: ReturnedReasoning, tag: &str) -> &'static str {
    let mut named = match which {
        ReturnedReasoning::Always(field) => field,
        ReturnedReasoning::Never | ReturnedReasoning::Own => FIELDS[0],
    };
    let mut goes_back = |block: &Value| {
        if !matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking")) {
            return true;
        }
        let field = block["signature"].as_str().and_then(|text| text.strip_prefix(tag));
        match (which, FIELDS.iter().find(|name| field == Some(name))) {
            (ReturnedReasoning::Never, _) | (ReturnedReasoning::Own, None) => false,
            (ReturnedReasoning::Always(_), _) => true,
            (ReturnedReasoning::Own, Some(field)) => {
                named = field;
                true
            }
        }
    };
    let turns = request["messages"].as_array_mut().into_iter().flatten();
    for turn in turns.filter(|turn| turn["role"] == "assistant") {
        if let Some(blocks) = turn.get_mut("content").and_then(Value::as_array_mut) {
            blocks.retain(&mut goes_back);
        }
    }
    named
}

/// Writes the `reasoning_content` of a chat request's messages under the upstream's name.
pub(crate) fn write_as(chat: &mut Value, field: &str, always: bool) {
    let messages = chat["messages"].as_array_mut().into_iter().flatten();
    for message in messages.filter_map(Value::as_object_mut) {
        let text = message.remove(FIELDS[0]);
        let text = text.or_else(|| {
            (always && message.contains_key("tool_calls")).then(|| Value::String(String::new()))
        });
        if let Some(text) = text {
            message.insert(field.to_owned(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TAG: &str = "pm0123456789abcdef.";

    fn thinking(text: &str, signature: &str) -> Value {
        json!({"type": "thinking", "thinking": text, "signature": signature})
    }

    fn selected(blocks: Value, which: ReturnedReasoning) -> (Value, &'static str) {
        let mut request = json!({"messages": [{"role": "user", "content": "Hi"},
                                              {"role": "assistant", "content": blocks}]});
        let field = select(&mut request, which, TAG);
        (request["messages"][1]["content"].clone(), field)
    }

    #[test]
    fn a_models_own_reasoning_goes_back_in_its_field() {
        let own = thinking("a", &signature(TAG, "reasoning"));
        let text = json!({"type": "text", "text": "x"});
        let others = [
            thinking("b", ""),
            thinking("c", "pmfedcba9876543210.reasoning"),
            thinking("d", &format!("{TAG}c2ln")),
            json!({"type": "redacted_thinking", "data": "eA=="}),
        ];
        let mut blocks = vec![own.clone(), text.clone()];
        blocks.extend(others);
        let found = selected(json!(blocks), ReturnedReasoning::Own);
        assert_eq!(found, (json!([own, text]), "reasoning"));
        let (found, _) = selected(json!(blocks), ReturnedReasoning::Never);
        assert_eq!(found, json!([text]));
        let found = selected(json!(blocks), ReturnedReasoning::Always("reasoning_content"));
        assert_eq!(found, (json!(blocks), "reasoning_content"));
        let none = selected(json!("x"), ReturnedReasoning::Always("reasoning"));
        assert_eq!(none, (json!("x"), "reasoning"));
    }

    #[test]
    fn thinking_is_signed_by_the_field_from_which_it_came() {
        for field in FIELDS {
            let completion = json!({"choices": [{"message": {"reasoning": "", field: "Hm."}}]});
            let mut message = json!({"content": [thinking("Hm.", ""), {"type": "text"}]});
            sign(&mut message, &completion, TAG);
            assert_eq!(message["content"][0]["signature"], format!("{TAG}{field}"));
        }
        let mut message = json!({"content": [thinking("Hm.", "")]});
        sign(&mut message, &json!({}), TAG);
        assert_eq!(message["content"][0]["signature"], "");
    }

    #[test]
    fn the_field_has_the_upstreams_name() {
        let chat = json!({"messages": [{"role": "user"}, {"tool_calls": [], "reasoning_content": "a"},
                                       {"tool_calls": []}]});
        let mut own = chat.clone();
        write_as(&mut own, "reasoning", false);
        assert_eq!(
            own["messages"],
            json!([{"role": "user"}, {"tool_calls": [], "reasoning": "a"},
                                           {"tool_calls": []}])
        );
        let mut always = chat;
        write_as(&mut always, "reasoning_content", true);
        assert_eq!(always["messages"][1]["reasoning_content"], "a");
        assert_eq!(always["messages"][2]["reasoning_content"], "");
        assert_eq!(always["messages"][0], json!({"role": "user"}));
    }

    #[test]
    fn the_tag_is_not_that_of_signatures() {
        let url = "https://api.example.com/v1";
        assert_ne!(reasoning_tag(url, "m"), model_tag(url, "m"));
        assert_eq!(reasoning_tag(url, "m").len(), TAG.len());
    }
}
