//! Reads the fields of a request body that routing needs, for each API's shape.
//!
//! | | messages | system | output limit |
//! | --- | --- | --- | --- |
//! | chat | `messages` | those of role `system`, `developer` | `max_completion_tokens`, `max_tokens` |
//! | Messages | `messages` | `system` | `max_tokens` |
//! | Responses | `input`, a text or items with a role | `instructions`, and as in chat | `max_output_tokens` |
//! | completions | `prompt` | none | `max_tokens` |
//!
//! All other fields are left for the upstream to check.

use pointsman::{Content, Manifest, Message, Query};
use serde::Deserialize;
use serde_json::Value;

use super::endpoint::Dialect;
use super::json::json_error;
use super::model_name;
use crate::error::GatewayError;

/// A parsed request body.
#[derive(Debug, Clone)]
pub(crate) struct RequestBody {
    /// The API whose shape the body has.
    pub(crate) dialect: Dialect,
    /// The requested model.
    pub(crate) model: String,
    /// The parsed body.
    pub(crate) json: Value,
}

impl RequestBody {
    /// Parses a body. The manifest supplies the model names for error messages.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`], [`GatewayError::ModelMissing`],
    /// [`GatewayError::ModelNotFound`] for a `model` that is not a string.
    pub(crate) fn new(
        dialect: Dialect,
        body: &str,
        manifest: &Manifest,
    ) -> Result<Self, GatewayError> {
        let json: Value = serde_json::from_str(body).map_err(|e| json_error(&e))?;
        if !json.is_object() {
            return Err(GatewayError::BodyNotJson { detail: "it is not an object".into() });
        }
        let model = match &json["model"] {
            Value::String(model) => model.clone(),
            Value::Null => {
                return Err(GatewayError::ModelMissing {
                    expected: model_name::expected(manifest),
                });
            }
            other => {
                return Err(GatewayError::ModelNotFound {
                    found: other.to_string(),
                    expected: model_name::expected(manifest),
                });
            }
        };
        Ok(Self { dialect, model, json })
    }

    /// Returns the conversation to rate. With `system`, the system text is prepended to the first
    /// user message.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`] for malformed messages; the engine's `messages_*` and
    /// `query_*`.
    pub(crate) fn query(&self, system: bool) -> Result<Query, GatewayError> {
        let mut messages = self.messages()?;
        if system {
            let texts: Vec<String> = self.system_texts(&messages);
            if let Some(first) = messages.iter_mut().find(|message| message.role == "user") {
                let text = first.content.text();
                let all = texts.into_iter().chain([text]).collect::<Vec<_>>().join("\n\n");
                first.content = Content::Text(all);
            }
        }
        Ok(Query::from_messages(&messages)?)
    }

    /// Returns all text that the LLM will read, to count its tokens.
    pub(crate) fn texts(&self) -> Vec<String> {
        let messages = self.messages().unwrap_or_default();
        let mut texts = match self.dialect {
            Dialect::Messages | Dialect::Responses => self.system_texts(&[]),
            _ => Vec::new(),
        };
        texts.extend(messages.iter().map(|message| message.content.text()));
        if self.has_tools() {
            texts.push(self.json["tools"].to_string());
        }
        texts.retain(|text| !text.trim().is_empty());
        texts
    }

    /// The request's limit on output tokens, if it states one.
    pub(crate) fn output_tokens(&self) -> Option<u32> {
        ["max_completion_tokens", "max_output_tokens", "max_tokens"]
            .iter()
            .find_map(|field| u32::try_from(self.json[*field].as_u64()?).ok())
    }

    /// Whether the request has tools.
    pub(crate) fn has_tools(&self) -> bool {
        ["tools", "functions"]
            .iter()
            .any(|field| self.json[*field].as_array().is_some_and(|list| !list.is_empty()))
    }

    /// Whether the request has images.
    pub(crate) fn has_images(&self) -> bool {
        let list = match self.dialect {
            Dialect::Responses => &self.json["input"],
            _ => &self.json["messages"],
        };
        let image = |part: &Value| {
            matches!(part["type"].as_str(), Some("image" | "image_url" | "input_image"))
        };
        let in_message = |message: &Value| {
            message["content"].as_array().is_some_and(|parts| parts.iter().any(image))
        };
        list.as_array().is_some_and(|messages| messages.iter().any(in_message))
    }

    /// Whether the request asks for JSON output.
    pub(crate) fn wants_json(&self) -> bool {
        let format = &self.json["response_format"]["type"];
        let format = if format.is_null() { &self.json["text"]["format"]["type"] } else { format };
        matches!(format.as_str(), Some("json_object" | "json_schema"))
    }

    fn messages(&self) -> Result<Vec<Message>, GatewayError> {
        let messages = match self.dialect {
            Dialect::Chat | Dialect::Messages => Vec::deserialize(&self.json["messages"]),
            Dialect::Responses => items(&self.json["input"]),
            Dialect::Completions | Dialect::Embeddings => Ok(prompts(&self.json)),
        };
        messages.map_err(|e| GatewayError::BodyNotJson { detail: format!("the conversation: {e}") })
    }

    fn system_texts(&self, messages: &[Message]) -> Vec<String> {
        let field = match self.dialect {
            Dialect::Messages => &self.json["system"],
            Dialect::Responses => &self.json["instructions"],
            _ => &Value::Null,
        };
        let stated = Content::deserialize(field);
        let stated = stated.map(|content| content.text()).unwrap_or_default();
        let systems =
            messages.iter().filter(|message| ["system", "developer"].contains(&&*message.role));
        let mut texts = vec![stated];
        texts.extend(systems.map(|message| message.content.text()));
        texts.retain(|text| !text.trim().is_empty());
        texts
    }
}

/// Returns the items of a Responses input that have a role.
fn items(input: &Value) -> serde_json::Result<Vec<Message>> {
    match input {
        Value::String(text) => Ok(user(text)),
        Value::Array(items) => {
            items.iter().filter(|item| item["role"].is_string()).map(Message::deserialize).collect()
        }
        other => Vec::deserialize(other),
    }
}

/// Joins the prompts into one user message; prompts given as token ids contribute no text.
fn prompts(body: &Value) -> Vec<Message> {
    let prompt = if body["prompt"].is_null() { &body["input"] } else { &body["prompt"] };
    match prompt {
        Value::String(text) => user(text),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            user(&texts.join("\n\n"))
        }
        _ => vec![],
    }
}

fn user(text: &str) -> Vec<Message> {
    vec![Message { role: "user".into(), content: Content::Text(text.to_owned()) }]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;
    use serde_json::json;

    fn parsed(dialect: Dialect, body: &Value) -> RequestBody {
        RequestBody::new(dialect, &body.to_string(), &manifest()).unwrap()
    }

    fn turns(dialect: Dialect, body: &Value, system: bool) -> Vec<String> {
        parsed(dialect, body).query(system).unwrap().turns().to_vec()
    }

    #[test]
    fn each_dialect_has_its_conversation() {
        let chat = json!({"model": "auto", "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "one"},
                                          {"type": "image_url", "image_url": {"url": "x:"}}]},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "tool", "content": "7", "tool_call_id": "t"},
            {"role": "user", "content": "two"}]});
        assert_eq!(turns(Dialect::Chat, &chat, false), ["one", "two"]);
        assert_eq!(turns(Dialect::Chat, &chat, true), ["Be brief.\n\none", "two"]);
        assert!(parsed(Dialect::Chat, &chat).has_images());
        let messages = json!({"model": "auto", "system": [{"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": "7"},
                {"type": "text", "text": "go on"}]}]});
        assert_eq!(turns(Dialect::Messages, &messages, false), ["go on"]);
        assert_eq!(turns(Dialect::Messages, &messages, true), ["Be brief.\n\ngo on"]);
        let text = json!({"model": "auto", "input": "plain", "instructions": "Be brief."});
        assert_eq!(turns(Dialect::Responses, &text, false), ["plain"]);
        assert_eq!(turns(Dialect::Responses, &text, true), ["Be brief.\n\nplain"]);
        let items = json!({"model": "auto", "input": [
            {"type": "function_call_output", "call_id": "c", "output": "7"},
            {"role": "user", "content": [{"type": "input_text", "text": "go on"},
                                          {"type": "input_image", "image_url": "x:"}]}]});
        assert_eq!(turns(Dialect::Responses, &items, false), ["go on"]);
        assert!(parsed(Dialect::Responses, &items).has_images());
        let prompt = json!({"model": "auto", "prompt": ["a", "b"]});
        assert_eq!(turns(Dialect::Completions, &prompt, false), ["a\n\nb"]);
    }

    #[test]
    fn fields_that_routing_needs_beside_the_text_are_read() {
        let body = json!({"model": "auto", "messages": [], "tools": [{}],
            "max_tokens": 9, "max_completion_tokens": 30,
            "response_format": {"type": "json_schema"}});
        let found = parsed(Dialect::Chat, &body);
        assert!(found.has_tools() && found.wants_json() && !found.has_images());
        assert_eq!(found.output_tokens(), Some(30));
        let body = json!({"model": "auto", "messages": [], "tools": [], "max_tokens": "many"});
        let found = parsed(Dialect::Chat, &body);
        assert!(!found.has_tools() && !found.wants_json());
        assert_eq!(found.output_tokens(), None);
    }

    #[test]
    fn every_text_counts_towards_the_context_window() {
        let body = json!({"model": "auto", "system": "s", "tools": [{"name": "t"}], "messages": [
            {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]});
        assert_eq!(parsed(Dialect::Messages, &body).texts(), ["s", "u", "a", r#"[{"name":"t"}]"#]);
    }

    #[test]
    fn bad_requests_have_codes() {
        let code = |body: &str| {
            RequestBody::new(Dialect::Chat, body, &manifest())
                .and_then(|body| body.query(false))
                .map_err(|e| e.code())
                .unwrap_err()
        };
        let with = |messages: &str| format!(r#"{{"model": "auto", "messages": {messages}}}"#);
        let cases = [
            (String::new(), "body_not_json"),
            ("[]".into(), "body_not_json"),
            (r#"{"model": "auto""#.into(), "body_not_json"),
            (r#"{"messages": []}"#.into(), "model_missing"),
            (r#"{"model": null}"#.into(), "model_missing"),
            (r#"{"model": 7}"#.into(), "model_not_found"),
            (r#"{"model": "auto"}"#.into(), "body_not_json"),
            (with("7"), "body_not_json"),
            (with(r#"[{"role": "user", "content": 7}]"#), "body_not_json"),
            (with("[]"), "messages_without_text"),
            (with(r#"[{"role": "system", "content": "x"}]"#), "messages_without_text"),
            (with(r#"[{"role": "user", "content": "\ud800"}]"#), "query_ill_formed"),
            (with(r#"[{"role": "user", "content": "a\u0000"}]"#), "query_ill_formed"),
        ];
        for (body, expected) in cases {
            assert_eq!(code(&body), expected, "{body}");
        }
    }
}
