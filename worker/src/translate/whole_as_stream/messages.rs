//! Writes a whole message of Anthropic's API as its events.

use serde_json::{Value, json};

use super::json::{event, list, object};
use crate::wire::json_tree;

/// The events of a message.
pub(super) fn events(answer: Value) -> Result<String, String> {
    let mut start = object(answer, "content")?;
    let blocks = list(start.insert("content".into(), json!([])));
    let mut ended = |field: &str| start.insert(field.to_owned(), Value::Null).unwrap_or_default();
    let delta =
        json!({"stop_reason": ended("stop_reason"), "stop_sequence": ended("stop_sequence")});
    let usage = start.get("usage").cloned().unwrap_or_default();
    let mut events = event(&json!({"type": "message_start", "message": start}));
    for (index, block) in blocks.into_iter().enumerate() {
        let (empty, deltas) = block_deltas(block);
        let start = json!({"type": "content_block_start", "index": index, "content_block": empty});
        events.push_str(&event(&start));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push_str(&event(&delta));
        }
        events.push_str(&event(&json!({"type": "content_block_stop", "index": index})));
    }
    events.push_str(&event(&json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push_str(&event(&json!({"type": "message_stop"})));
    Ok(events)
}

/// A block as it begins, and the deltas that complete it. A block of another type begins whole.
fn block_deltas(mut block: Value) -> (Value, Vec<Value>) {
    let parts: &[(&str, &str)] = match block["type"].as_str() {
        Some("text") => &[("text", "text_delta")],
        Some("thinking") => &[("thinking", "thinking_delta"), ("signature", "signature_delta")],
        Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
            let input = json_tree::to_text(&block["input"]);
            block["input"] = json!({});
            let delta = json!({"type": "input_json_delta", "partial_json": input});
            return (block, if input == "{}" { vec![] } else { vec![delta] });
        }
        _ => return (block, vec![]),
    };
    let mut deltas = Vec::new();
    for (field, kind) in parts {
        let text = std::mem::replace(&mut block[*field], "".into());
        if text.as_str().is_some_and(|text| !text.is_empty()) {
            deltas.push(json!({"type": kind, *field: text}));
        }
    }
    let citations = block.as_object_mut().and_then(|fields| fields.remove("citations"));
    deltas.extend(
        list(citations)
            .into_iter()
            .map(|citation| json!({"type": "citations_delta", "citation": citation})),
    );
    (block, deltas)
}
