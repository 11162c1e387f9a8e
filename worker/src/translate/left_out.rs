//! Leaves fields out of a translated request that its upstream has refused.

use serde_json::{Map, Value};

/// Removes the fields of these names at the places where a translation writes them: at the top, in messages,
/// tools and the format of the answer.
pub(super) fn leave_out(request: &mut Value, names: &[&str]) {
    for name in names {
        let mut places: Vec<&mut Value> = vec![];
        let Some(fields) = request.as_object_mut() else { return };
        fields.remove(*name);
        for (field, value) in fields.iter_mut() {
            match (field.as_str(), value) {
                ("tools", Value::Array(tools)) => {
                    for tool in tools {
                        remove(tool, name);
                        places.extend(tool.get_mut("function"));
                    }
                }
                ("messages", Value::Array(messages)) => places.extend(messages),
                ("output_config", value) => places.push(value),
                ("response_format", value) => places.extend(value.get_mut("json_schema")),
                _ => {}
            }
        }
        places.into_iter().for_each(|place| remove(place, name));
        fields
            .retain(|field, value| field != "output_config" || *value != Value::Object(Map::new()));
    }
}

fn remove(place: &mut Value, name: &str) {
    if let Some(fields) = place.as_object_mut() {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_left_out_wherever_a_translation_writes_them() {
        let mut request = json!({
            "model": "m", "user": "u", "reasoning_effort": "low",
            "messages": [{"role": "assistant", "content": "strict", "reasoning_content": "Hm"}],
            "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"strict": 1}}},
                      {"name": "g", "strict": true}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": true}},
        });
        leave_out(&mut request, &["user", "strict", "reasoning_content"]);
        let expected = json!({
            "model": "m", "reasoning_effort": "low",
            "messages": [{"role": "assistant", "content": "strict"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"strict": 1}}}, {"name": "g"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x"}},
        });
        assert_eq!(request, expected);
        let mut request =
            json!({"output_config": {"effort": "low", "format": {"type": "json_schema"}}});
        leave_out(&mut request, &["effort"]);
        assert_eq!(request, json!({"output_config": {"format": {"type": "json_schema"}}}));
        let mut request = json!({"output_config": {"effort": "low"}});
        leave_out(&mut request, &["effort"]);
        assert_eq!(request, json!({}));
        leave_out(&mut Value::Null, &["user"]);
    }
}
