//! Writes a whole answer of the Responses API as its events.

use serde_json::{Map, Value, json};

use super::json::{event, list, object};

/// The longest answer whose texts are written as deltas, in bytes; of a longer one each item is sent whole.
const MAX_DELTAS: usize = 1 << 20;

/// The texts of an item: its list of parts, the parts' type and field, and the names of the events.
struct TextPart {
    list: &'static str,
    kind: &'static str,
    field: &'static str,
    /// The name of the part's index.
    index: &'static str,
    /// Begins and ends the part.
    part: &'static str,
    text: &'static str,
}

const TEXT_PARTS: [TextPart; 4] = [
    TextPart {
        list: "content",
        kind: "output_text",
        field: "text",
        index: "content_index",
        part: "content_part",
        text: "output_text",
    },
    TextPart {
        list: "content",
        kind: "refusal",
        field: "refusal",
        index: "content_index",
        part: "content_part",
        text: "refusal",
    },
    TextPart {
        list: "content",
        kind: "reasoning_text",
        field: "text",
        index: "content_index",
        part: "content_part",
        text: "reasoning_text",
    },
    TextPart {
        list: "summary",
        kind: "summary_text",
        field: "text",
        index: "summary_index",
        part: "reasoning_summary_part",
        text: "reasoning_summary_text",
    },
];

/// Numbers the events.
struct Events {
    text: String,
    count: u64,
}

impl Events {
    fn push(&mut self, kind: &str, mut data: Value) {
        data["type"] = format!("response.{kind}").into();
        data["sequence_number"] = self.count.into();
        self.count += 1;
        self.text.push_str(&event(&data));
    }
}

/// The events of a response of `bytes` bytes.
pub(super) fn events(answer: Value, bytes: usize) -> Result<String, String> {
    let mut response = object(answer, "output")?;
    let output = list(response.insert("output".into(), json!([])));
    // Each text is written with its item and with the response.
    let mut events = Events { text: String::with_capacity(2 * bytes), count: 0 };
    let mut begun = Value::Object(response.clone());
    (begun["status"], begun["usage"]) = ("in_progress".into(), Value::Null);
    events.push("created", json!({"response": begun}));
    events.push("in_progress", json!({"response": begun}));
    for (at, item) in output.iter().enumerate() {
        add_item(&mut events, at, item, bytes <= MAX_DELTAS);
    }
    response.insert("output".into(), output.into());
    let response = Value::Object(response);
    let last = match response["status"].as_str() {
        Some("incomplete") => "incomplete",
        Some("failed") => "failed",
        _ => "completed",
    };
    let mut end = json!({});
    end["response"] = response;
    events.push(last, end);
    Ok(events.text)
}

fn add_item(events: &mut Events, at: usize, item: &Value, deltas: bool) {
    let id = item["id"].as_str().map_or_else(|| format!("item_{at}"), str::to_owned);
    let call = match item["type"].as_str() {
        Some("function_call") => Some(("arguments", "function_call_arguments")),
        Some("custom_tool_call") => Some(("input", "custom_tool_call_input")),
        _ => None,
    };
    // As it begins: without what its deltas add, and without a picture.
    let mut begun = Map::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "status" => "in_progress".into(),
            "content" | "summary" if value.is_array() => json!([]),
            "result" => Value::Null,
            field if call.is_some_and(|(own, _)| own == field) => "".into(),
            _ => value.clone(),
        };
        begun.insert(name.clone(), value);
    }
    events.push("output_item.added", json!({"output_index": at, "item": begun}));
    if deltas {
        for part in &TEXT_PARTS {
            add_parts(events, at, &id, item, part);
        }
        if let Some((field, kind)) = call {
            let text = item[field].as_str().unwrap_or_default();
            let delta = json!({"item_id": id, "output_index": at, "delta": text});
            events.push(&format!("{kind}.delta"), delta);
            let done =
                json!({"item_id": id, "output_index": at, "name": item["name"], field: text});
            events.push(&format!("{kind}.done"), done);
        }
    }
    events.push("output_item.done", json!({"output_index": at, "item": item}));
}

/// Adds the events of the parts of an item that are of one kind.
fn add_parts(events: &mut Events, at: usize, id: &str, item: &Value, of: &TextPart) {
    let parts = item[of.list].as_array().into_iter().flatten().enumerate();
    for (index, part) in parts.filter(|(_, part)| part["type"] == of.kind) {
        let place = json!({"item_id": id, "output_index": at, of.index: index});
        let with = |name: &str, value: Value| {
            let mut data = place.clone();
            data[name] = value;
            data
        };
        let mut empty = part.clone();
        empty[of.field] = "".into();
        if part["annotations"].is_array() {
            empty["annotations"] = json!([]);
        }
        events.push(&format!("{}.added", of.part), with("part", empty));
        let (mut delta, mut done) =
            (with("delta", part[of.field].clone()), with(of.field, part[of.field].clone()));
        if of.kind == "output_text" {
            (delta["logprobs"], done["logprobs"]) = (json!([]), json!([]));
        }
        events.push(&format!("{}.delta", of.text), delta);
        for (number, annotation) in part["annotations"].as_array().into_iter().flatten().enumerate()
        {
            let mut data = with("annotation", annotation.clone());
            data["annotation_index"] = number.into();
            events.push("output_text.annotation.added", data);
        }
        events.push(&format!("{}.done", of.text), done);
        events.push(&format!("{}.done", of.part), with("part", part.clone()));
    }
}
