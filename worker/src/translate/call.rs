//! Translates a call's request body and answer between the client's API and the upstream's.
//!
//! | client | upstream | request | answer |
//! | --- | --- | --- | --- |
//! | any | the same | the caller's bytes, with another `model` | the upstream's bytes |
//! | chat | Messages | `anthropic::upstream::request` | `anthropic::upstream::answer` |
//! | Messages | chat | `anthropic::client::request` | `anthropic::client::answer` |
//! | either | binding `AI` | `workers_ai::inputs` | `workers_ai::answer` |

use serde_json::Value;

use super::anthropic::client::answer::completion_to_message;
use super::anthropic::client::request::request_to_chat;
use super::anthropic::upstream::answer::message_to_completion;
use super::anthropic::upstream::request::request_to_messages;
use super::shared::error_body::{error_to_anthropic, error_to_openai};
use super::workers_ai;
use crate::config::{Api, Upstream};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::json_span;
use crate::wire::usage::Usage;

/// The two APIs of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiPair {
    /// The client's API.
    pub(crate) client: Dialect,
    /// The upstream's API; chat for the binding `AI`, whose answers are first translated into chat.
    pub(crate) upstream: Dialect,
    /// The upstream's API as configured.
    pub(crate) api: Api,
}

impl ApiPair {
    /// Pairs the request's API with that of the model's upstream.
    ///
    /// # Errors
    /// [`GatewayError::NotTranslatable`].
    pub(crate) fn new(
        client: Dialect,
        upstream: &Upstream,
        model: &str,
    ) -> Result<Self, GatewayError> {
        Ok(Self {
            client,
            upstream: client.upstream_dialect(upstream.api, model)?,
            api: upstream.api,
        })
    }

    /// Whether both sides have the same API, so that bytes pass unchanged.
    pub(crate) fn is_plain(self) -> bool {
        let own_dialect = match self.api {
            Api::Openai | Api::Anthropic => true,
            Api::WorkersAi => false,
        };
        own_dialect && self.client == self.upstream
    }

    /// Makes the body of the call. `text` is the caller's body, `name` the upstream's model name.
    ///
    /// # Errors
    /// A field without an equivalent in the upstream's API.
    pub(crate) fn request(
        self,
        request: &RequestBody,
        text: &str,
        name: &str,
    ) -> Result<String, GatewayError> {
        if self.is_plain() {
            return with_model(text, name);
        }
        let chat = match self.client {
            Dialect::Messages if self.upstream == Dialect::Chat => {
                request_to_chat(&request.json, name)?
            }
            _ => request.json.clone(),
        };
        let translated = match self.api {
            Api::Anthropic => request_to_messages(&chat, name)?,
            Api::WorkersAi => workers_ai::request_to_inputs(&chat)?,
            Api::Openai => chat,
        };
        Ok(translated.to_string())
    }

    /// Translates a complete answer with a status of success.
    ///
    /// # Errors
    /// A message that says why the answer is unusable.
    pub(crate) fn answer(
        self,
        bytes: &[u8],
        content_type: &str,
        model: &str,
        id: &str,
        created: u64,
    ) -> Result<Answer, String> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|e| format!("{content_type} of {} bytes, not JSON ({e})", bytes.len()))?;
        let fields = value.as_object().ok_or("JSON that is not an object")?;
        let empty = ["choices", "output", "data", "content", "response", "result"]
            .iter()
            .all(|field| !fields.contains_key(*field));
        if !value["error"].is_null() && empty || value["type"] == "error" {
            let message = &value["error"]["message"];
            let message = message.as_str().or(value["error"].as_str()).unwrap_or("no message");
            return Err(format!("an error with a status of success: {message}"));
        }
        let chat = match self.api {
            Api::WorkersAi => workers_ai::answer_to_completion(&value, model, id, created)
                .map_err(|e| e.to_string())?,
            Api::Openai | Api::Anthropic => value,
        };
        let usage = usage(self.upstream, &chat["usage"]);
        let (content, body) = match (self.upstream, self.client) {
            (Dialect::Messages, client) => {
                let completion =
                    message_to_completion(&chat, created).map_err(|e| e.to_string())?;
                let translated = (client != Dialect::Messages).then(|| completion.to_string());
                (AnswerContent::of_answer(&completion), translated)
            }
            (Dialect::Chat, Dialect::Messages) => {
                let message = completion_to_message(&chat).map_err(|e| e.to_string())?;
                (AnswerContent::of_answer(&chat), Some(message.to_string()))
            }
            _ => {
                let translated = (!self.is_plain()).then(|| chat.to_string());
                (AnswerContent::of_answer(&chat), translated)
            }
        };
        let body = body.map_or_else(|| bytes.to_vec(), String::into_bytes);
        Ok(Answer { body, usage, content })
    }

    /// Translates an upstream's error for the client; none if it is not a JSON object with an error.
    pub(crate) fn error(self, status: u16, body: &str) -> Option<(u16, String)> {
        let value: Value = serde_json::from_str(body).ok()?;
        if value["error"].is_null() || !value.is_object() {
            return None;
        }
        match (self.upstream, self.client) {
            (Dialect::Messages, Dialect::Messages) => Some((status, body.to_owned())),
            (Dialect::Messages, _) => {
                let (status, error) = error_to_openai(status, body);
                Some((status, error.to_string()))
            }
            (_, Dialect::Messages) => {
                let (status, error) = error_to_anthropic(status, &value);
                Some((status, error.to_string()))
            }
            _ => Some((status, body.to_owned())),
        }
    }
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the client gets.
    pub(crate) body: Vec<u8>,
    /// Its token usage, if the upstream reports it.
    pub(crate) usage: Option<Usage>,
    /// The parts that the cascade's check reads.
    pub(crate) content: AnswerContent,
}

/// Reads a `usage` object of an upstream's API.
pub(crate) fn usage(dialect: Dialect, usage: &Value) -> Option<Usage> {
    match dialect {
        Dialect::Chat | Dialect::Completions => Usage::from_chat(usage),
        Dialect::Responses => Usage::from_responses(usage),
        Dialect::Embeddings => Usage::from_embeddings(usage),
        Dialect::Messages => Usage::from_anthropic(usage),
    }
}

fn with_model(body: &str, model: &str) -> Result<String, GatewayError> {
    let unreadable = || GatewayError::BodyNotJson { detail: "\"model\" was not found".into() };
    let range = json_span::of_field(body, "model").ok_or_else(unreadable)?;
    let value = Value::from(model).to_string();
    Ok(format!("{}{value}{}", &body[..range.start], &body[range.end..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    fn pair(client: Dialect, api: Api) -> ApiPair {
        let upstream = Upstream { api, ..Upstream::default() };
        ApiPair::new(client, &upstream, "m").unwrap()
    }

    fn request(client: Dialect, api: Api, text: &str) -> String {
        let parsed = RequestBody::new(client, text, &manifest()).unwrap();
        pair(client, api).request(&parsed, text, "large \"2026\"").unwrap()
    }

    #[test]
    fn between_equal_apis_only_the_model_changes() {
        let body = "{\"seed\": 12345678901234567890123,  \"model\" :\"auto\",\n\
                    \"messages\":[{\"role\":\"user\",\"content\":\"Prove it.\"}],\
                    \"x\": 1.10, \"tools\": [{\"model\": \"auto\"}]}";
        let expected = body.replacen("\"auto\"", r#""large \"2026\"""#, 1);
        assert_eq!(request(Dialect::Chat, Api::Openai, body), expected);
        assert_eq!(request(Dialect::Messages, Api::Anthropic, body), expected);
    }

    #[test]
    fn requests_for_another_api_are_translated() {
        let body = r#"{"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}"#;
        for (client, api) in [(Dialect::Chat, Api::Anthropic), (Dialect::Messages, Api::Openai)] {
            let sent: Value = serde_json::from_str(&request(client, api, body)).unwrap();
            assert_eq!(sent["model"], "large \"2026\"");
            assert!(sent["messages"].is_array());
        }
        let sent: Value =
            serde_json::from_str(&request(Dialect::Chat, Api::WorkersAi, body)).unwrap();
        assert_eq!((&sent["model"], &sent["max_tokens"]), (&Value::Null, &Value::from(9)));
    }

    fn answer(client: Dialect, api: Api, body: &str) -> Result<(Value, Option<Usage>), String> {
        let found = pair(client, api).answer(body.as_bytes(), "text/html", "m", "id", 7)?;
        Ok((serde_json::from_slice(&found.body).unwrap(), found.usage))
    }

    #[test]
    fn answers_have_the_shape_of_the_clients_api() {
        let chat = r#"{"id": "c", "object": "chat.completion", "model": "m", "created": 1,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Four."},
                         "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}"#;
        let usage = Some(Usage { input_tokens: 5, cached_tokens: 0, output_tokens: 2 });
        let (same, found) = answer(Dialect::Chat, Api::Openai, chat).unwrap();
        assert_eq!((same, found), (serde_json::from_str(chat).unwrap(), usage));
        let (message, found) = answer(Dialect::Messages, Api::Openai, chat).unwrap();
        assert_eq!((message["content"][0]["text"].as_str(), found), (Some("Four."), usage));
        let (completion, found) =
            answer(Dialect::Chat, Api::Anthropic, &message.to_string()).unwrap();
        assert_eq!(completion["choices"][0]["message"]["content"], "Four.");
        assert_eq!(found, usage);
        let ai = r#"{"response": "Four.", "usage": {"prompt_tokens": 5, "completion_tokens": 2}}"#;
        let (completion, found) = answer(Dialect::Chat, Api::WorkersAi, ai).unwrap();
        assert_eq!(completion["choices"][0]["message"]["content"], "Four.");
        assert_eq!(found, usage);
        let (message, _) = answer(Dialect::Messages, Api::WorkersAi, ai).unwrap();
        assert_eq!(message["content"][0]["text"], "Four.");
    }

    #[test]
    fn an_unusable_answer_says_why() {
        for (body, part) in [
            ("<h1>Hello</h1>", "text/html"),
            ("[]", "not an object"),
            (r#"{"error": {"message": "no credit"}}"#, "no credit"),
            (r#"{"error": "overloaded"}"#, "overloaded"),
            (r#"{"type": "error", "error": {"type": "x", "message": "busy"}}"#, "busy"),
        ] {
            let why = answer(Dialect::Chat, Api::Openai, body).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        let with_null = r#"{"error": null, "choices": []}"#;
        assert!(answer(Dialect::Chat, Api::Openai, with_null).is_ok());
    }

    #[test]
    fn an_error_keeps_its_meaning() {
        let openai = r#"{"error": {"message": "slow down", "type": "rate_limit_error"}}"#;
        let chat = pair(Dialect::Chat, Api::Openai);
        assert_eq!(chat.error(429, openai), Some((429, openai.to_owned())));
        assert_eq!(chat.error(503, "<h1>Busy</h1>"), None);
        assert_eq!(chat.error(503, r#"{"detail": "busy"}"#), None);
        let (status, body) = pair(Dialect::Messages, Api::Openai).error(429, openai).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["error"]["message"]), (429, &Value::from("slow down")));
        assert_eq!(body["type"], "error");
    }
}
