//! Finds in a request what an upstream may lack by its configuration.
//!
//! | `lacks` | the request |
//! | --- | --- |
//! | `chat`, `responses`, `completions` | is of this API; a Messages request reaches OpenAI's API as chat |
//! | `json_object`, `json_schema` | asks for this format, in any API's field |
//! | `n` | has `n` or `best_of` above 1 |
//! | `logprobs` | has `logprobs` or `top_logprobs`, or includes them in a response |
//! | `logit_bias`, `parallel_tool_calls` | states the field; of Messages `disable_parallel_tool_use` |
//! | `documents`, `audio`, `image_urls` | has such a part at any depth; `audio` also as a modality of the answer |
//! | `server_tools`, `custom_tools` | has a tool that runs at the upstream, one of type `custom` |
//! | `streaming` | asks for a stream |
//! | `stored_responses` | goes on from what is stored |

use serde_json::{Value, json};

use crate::config::Feature;
use crate::request::body::{JsonFormat, RequestBody};
use crate::request::endpoint::Dialect;
use crate::translate::response_ids::References;
use crate::upstream::refused_fields::refused_tool;
use crate::wire::json_bounds::parse_tree;

/// The most bytes of a field whose value decides; a longer one is taken to ask for the feature.
const MAX_VALUE_BYTES: usize = 4096;

/// Whether a request asks for a feature. `text` is the request's body.
pub(crate) fn asks_for(
    feature: Feature,
    request: &RequestBody,
    text: &str,
    references: &References,
) -> bool {
    let is = |dialect: Dialect| request.dialect == dialect;
    // Null for an absent or empty value, and for one that cannot be read.
    let value = |name: &str| {
        let json = request.fields.get(name).map_or("null", |range| &text[range]);
        match json.len() <= MAX_VALUE_BYTES {
            true => parse_tree(json.as_bytes()).unwrap_or_default(),
            false => Value::Bool(true),
        }
    };
    let states = |name: &str| ![Value::Null, json!({}), json!([])].contains(&value(name));
    let above = |name: &str, least: f64| value(name).as_f64().is_some_and(|n| n > least);
    let holds = |name: &str, word: &str| match value(name) {
        Value::Array(words) => words.iter().any(|found| found == word),
        other => other == true,
    };
    match feature {
        Feature::Chat => is(Dialect::Chat) || is(Dialect::Messages),
        Feature::Responses => is(Dialect::Responses),
        Feature::Completions => is(Dialect::Completions),
        Feature::JsonObject => request.json_format() == Some(JsonFormat::Object),
        Feature::JsonSchema => request.json_format() == Some(JsonFormat::Schema),
        Feature::N => above("n", 1.0) || above("best_of", 1.0),
        Feature::Logprobs => {
            let flag = value("logprobs");
            flag == true
                || flag.is_number()
                || above("top_logprobs", 0.0)
                || (is(Dialect::Responses) && holds("include", "message.output_text.logprobs"))
        }
        Feature::LogitBias => states("logit_bias"),
        Feature::ParallelToolCalls => {
            let choice = value("tool_choice");
            states("parallel_tool_calls") || choice["disable_parallel_tool_use"] == true
        }
        Feature::Documents => request.media.documents > 0,
        Feature::Audio => {
            request.media.recordings > 0 || states("audio") || holds("modalities", "audio")
        }
        Feature::ImageUrls => request.media.named_images > 0,
        Feature::ServerTools => {
            refused_tool(request.tool_types(), &[]).is_some()
                || !value("web_search_options").is_null()
                || states("mcp_servers")
        }
        Feature::CustomTools => {
            !is(Dialect::Messages) && request.tool_types().any(|kind| kind == "custom")
        }
        Feature::Streaming => request.stream,
        Feature::StoredResponses => references.needs_stored(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    fn asks(feature: Feature, dialect: Dialect, more: &Value) -> bool {
        let mut body = json!({"model": "auto", "messages": [], "input": [], "prompt": ""});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = body.to_string();
        let request = RequestBody::new(dialect, &text, &manifest()).unwrap();
        asks_for(feature, &request, &text, &References::read(&request, &text))
    }

    #[test]
    fn features_are_found_in_each_apis_fields() {
        use Dialect::{Chat, Completions, Messages, Responses};
        use Feature as F;
        let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
        let long: Vec<String> = (0..900).map(|at| format!("include{at}")).collect();
        let cases = [
            (F::Chat, Messages, json!({})),
            (F::Responses, Responses, json!({})),
            (F::Completions, Completions, json!({})),
            (F::JsonObject, Chat, json!({"response_format": {"type": "json_object"}})),
            (F::JsonObject, Responses, json!({"text": {"format": {"type": "json_object"}}})),
            (
                F::JsonSchema,
                Messages,
                json!({"output_config": {"format": {"type": "json_schema"}}}),
            ),
            (F::N, Chat, json!({"n": 2})),
            (F::N, Completions, json!({"best_of": 2})),
            (F::Logprobs, Chat, json!({"logprobs": true})),
            (F::Logprobs, Completions, json!({"logprobs": 0})),
            (F::Logprobs, Responses, json!({"include": ["message.output_text.logprobs"]})),
            (F::Logprobs, Responses, json!({"include": long})),
            (F::LogitBias, Chat, json!({"logit_bias": {"7": 1}})),
            (F::Documents, Messages, user(json!({"type": "document", "source": {"data": "A"}}))),
            (F::Audio, Chat, user(json!({"type": "input_audio", "input_audio": {"data": "A"}}))),
            (F::Audio, Chat, json!({"modalities": ["text", "audio"]})),
            (
                F::ImageUrls,
                Chat,
                user(json!({"type": "image_url", "image_url": {"url": "http://a"}})),
            ),
            (
                F::ImageUrls,
                Messages,
                user(json!({"type": "image", "source": {"type": "file", "file_id": "f"}})),
            ),
            (F::ServerTools, Responses, json!({"tools": [{"type": "file_search"}]})),
            (F::ServerTools, Messages, json!({"tools": [{"type": "web_search_20250305"}]})),
            (F::ServerTools, Messages, json!({"mcp_servers": [{"name": "a"}]})),
            (F::ServerTools, Chat, json!({"web_search_options": {}})),
            (F::CustomTools, Chat, json!({"tools": [{"type": "custom"}]})),
            (F::ParallelToolCalls, Chat, json!({"parallel_tool_calls": false})),
            (
                F::ParallelToolCalls,
                Messages,
                json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
            ),
            (F::Streaming, Chat, json!({"stream": true})),
            (F::StoredResponses, Responses, json!({"previous_response_id": "resp_1"})),
        ];
        for (feature, dialect, more) in cases {
            assert!(asks(feature, dialect, &more), "{feature:?} {more}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_no_feature() {
        use Dialect::{Chat, Messages, Responses};
        use Feature as F;
        let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
        let cases = [
            (F::Chat, Responses, json!({})),
            (F::JsonObject, Chat, json!({"response_format": {"type": "json_schema"}})),
            (F::JsonSchema, Chat, json!({"response_format": {"type": "text"}})),
            (F::N, Chat, json!({"n": 1})),
            (F::Logprobs, Chat, json!({"logprobs": false, "top_logprobs": 0})),
            (F::LogitBias, Chat, json!({"logit_bias": {}})),
            (F::Documents, Chat, user(json!({"type": "text", "text": "a document"}))),
            (F::Audio, Chat, json!({"modalities": ["text"], "audio": null})),
            (
                F::ImageUrls,
                Chat,
                user(json!({"type": "image_url", "image_url": {"url": "data:,"}})),
            ),
            (F::ServerTools, Chat, json!({"tools": [{"type": "function"}], "mcp_servers": []})),
            (F::CustomTools, Messages, json!({"tools": [{"type": "custom", "name": "look"}]})),
            (F::ParallelToolCalls, Messages, json!({"tool_choice": {"type": "auto"}})),
            (F::Streaming, Chat, json!({"stream": false})),
            (F::StoredResponses, Responses, json!({"previous_response_id": null})),
        ];
        for (feature, dialect, more) in cases {
            assert!(!asks(feature, dialect, &more), "{feature:?} {more}");
        }
    }
}
