//! Translates a call's answer between the client's API and the upstream's; `call_body` its request.
//!
//! | client | upstream | request | answer |
//! | --- | --- | --- | --- |
//! | any | the same | the caller's bytes, with another `model` | the upstream's bytes |
//! | chat | Messages | `anthropic::upstream::request` | `anthropic::upstream::answer` |
//! | Messages | chat | `anthropic::client::request` | `anthropic::client::answer` |
//! | either | binding `AI` | `workers_ai::inputs` | `workers_ai::answer` |

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::anthropic::client::answer::completion_to_message;
use super::anthropic::reasoning::{reasoning_tag, sign};
use super::anthropic::signature::{model_tag, tagged_answer};
use super::anthropic::upstream::answer::message_to_completion;
use super::response_ids::{self, response_tag};
use super::shared::answer_defaults::AnswerDefaults;
use super::shared::error_body::{error_to_anthropic, error_to_openai};
use super::tool_names::ToolNames;
use super::whole_as_stream::whole_as_stream;
use super::workers_ai;
use crate::config::{Api, ReturnedReasoning, Upstream};
use crate::error::GatewayError;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::context_overflow;
use crate::wire::output_text::OutputText;
use crate::wire::reported_error::AnswerFields;
use crate::wire::upstream_error::UpstreamError;
use crate::wire::usage::{Received, Usage};
use crate::wire::{json_bounds, json_tree};

/// The most bytes of a `usage` object that are read.
const MAX_USAGE_BYTES: usize = 16 << 10;

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

    /// The id of an answer whose upstream gives it none.
    pub(super) fn answer_id(self, id: &str) -> String {
        match self.client {
            Dialect::Messages => format!("msg_{id}"),
            _ => format!("chatcmpl-{id}"),
        }
    }

    /// The tag of what only this model, or its account, can read again: in signatures of a Messages upstream,
    /// in those that are made for the reasoning of a chat upstream, and in ids of Responses.
    pub(crate) fn tag(self, upstream: &Upstream, model: &str) -> Option<String> {
        let base_url = upstream.base_url.as_deref().unwrap_or_default();
        let returned = upstream.returned_reasoning() != ReturnedReasoning::Never;
        match (self.client, self.api) {
            (Dialect::Messages, Api::Anthropic) => Some(model_tag(base_url, model)),
            (Dialect::Messages, Api::Openai) if returned => Some(reasoning_tag(base_url, model)),
            (Dialect::Responses, Api::Openai) => Some(response_tag(upstream, model)),
            _ => None,
        }
    }

    /// Translates a complete answer with a status of success. `checked` asks for its content.
    ///
    /// # Errors
    /// A message that says why the answer is unusable.
    pub(crate) fn answer(self, bytes: Vec<u8>, of: &AnswerOptions<'_>) -> Result<Answer, Unusable> {
        let fields = match AnswerFields::read(&bytes) {
            Ok(fields) => fields,
            Err(_) if bytes.trim_ascii_start().first() == Some(&b'[') => {
                return Err("JSON that is not an object".to_owned().into());
            }
            Err(e) => {
                let (kind, length) = (of.content_type, bytes.len());
                return Err(format!("{kind} of {length} bytes, not JSON ({e})").into());
            }
        };
        if let Some(error) = fields.reported_error(&bytes) {
            return Err(Unusable::Error(UpstreamError::of(&error)));
        }
        let mut output = OutputText::default();
        let told = fields.get("usage").and_then(|told| told_usage(self.upstream, told));
        if told.is_none() {
            output.add(&bytes);
        }
        let received = |usage: Option<Usage>| Received {
            usage,
            is_final: usage.is_some(),
            output_tokens: output.tokens(),
        };
        if self.is_plain() {
            let content = match of.checked {
                true => content_of(self.upstream, &bytes)?,
                false => AnswerContent::default(),
            };
            let received = received(told);
            let body = match of.tag {
                Some(tag) => with_tag(self.client, bytes, tag),
                None => bytes,
            };
            return Ok(Answer { received, content, body });
        }
        let value = answer_tree(&bytes)?;
        let id = self.answer_id(of.id);
        let defaults = AnswerDefaults { id: &id, model: of.model, created: of.created };
        let mut chat = match self.api {
            Api::WorkersAi => {
                workers_ai::answer_to_completion(&value, &defaults).map_err(|e| e.to_string())?
            }
            Api::Openai | Api::Anthropic => value,
        };
        of.tool_names.restore(&mut chat);
        let told = usage(self.upstream, &chat["usage"]);
        let (content, body) = match (self.upstream, self.client) {
            (Dialect::Messages, _) => {
                let completion =
                    message_to_completion(&chat, &defaults).map_err(|e| e.to_string())?;
                (AnswerContent::of_answer(&completion), completion)
            }
            (Dialect::Chat, Dialect::Messages) => {
                let mut message =
                    completion_to_message(&chat, &defaults).map_err(|e| e.to_string())?;
                of.tag.into_iter().for_each(|tag| sign(&mut message, &chat, tag));
                (AnswerContent::of_answer(&chat), message)
            }
            _ => (AnswerContent::of_answer(&chat), chat),
        };
        Ok(Answer {
            body: json_tree::to_text(&body).into_bytes(),
            received: received(told),
            content,
        })
    }

    /// Makes the stream that the client asked for of a whole answer.
    ///
    /// # Errors
    /// A message that says why the answer is unusable.
    pub(crate) fn as_stream(
        self,
        answer: Answer,
        include_usage: bool,
        of: &AnswerOptions<'_>,
    ) -> Result<Answer, String> {
        let id = self.answer_id(of.id);
        let defaults = AnswerDefaults { id: &id, model: of.model, created: of.created };
        let body = whole_as_stream(self.client, &answer.body, include_usage, &defaults)
            .map_err(|why| format!("asked for a stream, it sent {why}"))?;
        Ok(Answer { body, ..answer })
    }

    /// Writes an upstream's error for the client. `body` is the upstream's own, which is passed on where it
    /// has the shape that the client reads.
    pub(crate) fn error(
        self,
        status: u16,
        error: &UpstreamError,
        body: Option<&str>,
    ) -> (u16, String) {
        let (translated, value) = match (self.client, self.upstream) {
            (Dialect::Messages, Dialect::Messages) => (status, error_to_anthropic(status, error).1),
            (Dialect::Messages, _) => error_to_anthropic(status, error),
            _ => error_to_openai(status, error, self.upstream),
        };
        match body.filter(|body| self.passes(&value, body)) {
            Some(body) => (status, body.to_owned()),
            None => (translated, value.to_string()),
        }
    }

    /// Whether a client reads an error's body as it is: it has an object `error`, and a request that is too
    /// long is named as in `translated`.
    fn passes(self, translated: &Value, body: &str) -> bool {
        let same_api = (self.client == Dialect::Messages) == (self.upstream == Dialect::Messages);
        let body = json_bounds::parse_tree(body.as_bytes()).unwrap_or_default();
        let named = match self.client {
            Dialect::Messages => {
                body["type"] == "error"
                    && (translated["error"]["message"] == body["error"]["message"]
                        || !too_long(translated))
            }
            _ => !too_long(translated) || too_long(&body),
        };
        same_api && body["error"].is_object() && named
    }
}

/// Reads an answer in a client's API.
///
/// # Errors
/// A message that says why it cannot be read.
pub(crate) fn content_of(client: Dialect, body: &[u8]) -> Result<AnswerContent, String> {
    let value = answer_tree(body)?;
    let defaults = AnswerDefaults { id: "", model: "", created: 0 };
    Ok(match client {
        Dialect::Messages => {
            let completion = message_to_completion(&value, &defaults).map_err(|e| e.to_string())?;
            AnswerContent::of_answer(&completion)
        }
        _ => AnswerContent::of_answer(&value),
    })
}

/// What an answer is read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerOptions<'a> {
    /// The answer's content type, for errors.
    pub(crate) content_type: &'a str,
    /// The upstream's model name.
    pub(crate) model: &'a str,
    /// A text that differs between answers, from which the id of an answer without one is made.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the cascade checks the answer.
    pub(crate) checked: bool,
    /// The tag of thinking or ids that the client gets, see [`ApiPair::tag`].
    pub(crate) tag: Option<&'a str>,
    /// The names of tools that were changed for the upstream.
    pub(crate) tool_names: &'a ToolNames,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the client gets.
    pub(crate) body: Vec<u8>,
    /// Its token usage.
    pub(crate) received: Received,
    /// The parts that the cascade's check reads, if it is checked or translated.
    pub(crate) content: AnswerContent,
}

/// Why an answer with a status of success is not passed on.
#[derive(Debug, PartialEq)]
pub(crate) enum Unusable {
    /// It is no answer of the upstream's API.
    Malformed(String),
    /// It reports an error.
    Error(UpstreamError),
}

impl From<String> for Unusable {
    fn from(why: String) -> Self {
        Self::Malformed(why)
    }
}

/// Whether an error of OpenAI's or Anthropic's shape says in that API's words that the request is too long.
fn too_long(error: &Value) -> bool {
    let error = &error["error"];
    let words = error["message"].as_str().unwrap_or_default().to_lowercase();
    error["code"] == context_overflow::OPENAI_CODE
        || words.contains(context_overflow::ANTHROPIC_WORDS)
}

/// An answer whose signatures or ids have the model's tag.
fn with_tag(client: Dialect, answer: Vec<u8>, tag: &str) -> Vec<u8> {
    let tagged = |text| match client {
        Dialect::Responses => response_ids::tagged_answer(text, tag),
        _ => tagged_answer(text, tag),
    };
    match std::str::from_utf8(&answer).map(tagged) {
        Ok(Cow::Owned(tagged)) => tagged.into_bytes(),
        Ok(Cow::Borrowed(_)) | Err(_) => answer,
    }
}

fn answer_tree(bytes: &[u8]) -> Result<Value, String> {
    json_tree::parse_answer(&String::from_utf8_lossy(bytes))
}

/// Reads the JSON of a `usage` object of an upstream's API; none if it is longer than [`MAX_USAGE_BYTES`].
pub(super) fn told_usage(dialect: Dialect, told: &RawValue) -> Option<Usage> {
    let json = told.get();
    let told = (json.len() <= MAX_USAGE_BYTES).then(|| json_bounds::parse_tree(json.as_bytes()))?;
    usage(dialect, &told.ok()?)
}

/// Reads a `usage` object of an upstream's API.
fn usage(dialect: Dialect, usage: &Value) -> Option<Usage> {
    match dialect {
        Dialect::Chat | Dialect::Completions => Usage::from_chat(usage),
        Dialect::Responses => Usage::from_responses(usage),
        Dialect::Embeddings => Usage::from_embeddings(usage),
        Dialect::Messages => Usage::from_anthropic(usage),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(client: Dialect, api: Api) -> ApiPair {
        let upstream = Upstream { api, ..Upstream::default() };
        ApiPair::new(client, &upstream, "m").unwrap()
    }

    fn answer(client: Dialect, api: Api, body: &str) -> Result<(Value, Option<Usage>), Unusable> {
        let options = AnswerOptions {
            content_type: "text/html",
            model: "m",
            id: "id",
            created: 7,
            checked: true,
            tag: None,
            tool_names: &ToolNames::default(),
        };
        let found = pair(client, api).answer(body.as_bytes().to_vec(), &options)?;
        Ok((serde_json::from_slice(&found.body).unwrap(), found.received.usage))
    }

    #[test]
    fn answers_have_the_shape_of_the_clients_api() {
        let chat = r#"{"id": "c", "object": "chat.completion", "model": "m", "created": 1,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Four."},
                         "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}"#;
        let usage = Some(Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() });
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
        for (body, part) in
            [("<h1>Hello</h1>", "text/html"), ("[]", "not an object"), ("[{}]", "not an object")]
        {
            let found = answer(Dialect::Chat, Api::Openai, body).unwrap_err();
            assert!(matches!(&found, Unusable::Malformed(why) if why.contains(part)), "{found:?}");
        }
        for (body, words, status) in [
            (r#"{"error": {"message": "no credit", "code": 402}}"#, "no credit", Some(402)),
            (r#"{"error": "overloaded"}"#, "overloaded", None),
            (r#"{"type": "error", "error": {"type": "x", "message": "busy"}}"#, "busy", None),
            (r#"{"status": "failed", "output": [], "error": {"message": "no"}}"#, "no", None),
        ] {
            let found = answer(Dialect::Chat, Api::Openai, body).unwrap_err();
            let told = matches!(&found, Unusable::Error(error)
                if error.message == words && error.status == status);
            assert!(told, "{found:?}");
        }
        let with_null = r#"{"error": null, "choices": []}"#;
        assert!(answer(Dialect::Chat, Api::Openai, with_null).is_ok());
    }

    fn error(client: Dialect, api: Api, status: u16, body: &str) -> (u16, String) {
        let read = UpstreamError::read(body).unwrap_or_default();
        pair(client, api).error(status, &read, Some(body))
    }

    #[test]
    fn an_error_keeps_its_meaning() {
        let openai = r#"{"error": {"message": "slow down", "type": "rate_limit_error"}}"#;
        let plain = error(Dialect::Chat, Api::Openai, 429, openai);
        assert_eq!(plain, (429, openai.to_owned()));
        let (status, body) = error(Dialect::Messages, Api::Openai, 429, openai);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["error"]["message"]), (429, &Value::from("slow down")));
        assert_eq!(body["type"], "error");
        let anthropic = r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}"#;
        let plain = error(Dialect::Messages, Api::Anthropic, 529, anthropic);
        assert_eq!(plain, (529, anthropic.to_owned()));
    }

    #[test]
    fn an_error_of_another_shape_becomes_the_clients() {
        for body in
            [r#"{"detail": "So."}"#, r#"{"error": "So."}"#, r#"[{"error": {"message": "So."}}]"#]
        {
            let (status, openai) = error(Dialect::Chat, Api::Openai, 422, body);
            let openai: Value = serde_json::from_str(&openai).unwrap();
            assert_eq!((status, &openai["error"]["message"]), (422, &Value::from("So.")));
            let (_, anthropic) = error(Dialect::Messages, Api::Anthropic, 422, body);
            let anthropic: Value = serde_json::from_str(&anthropic).unwrap();
            assert_eq!(
                (&anthropic["type"], &anthropic["error"]["message"]),
                (&Value::from("error"), &Value::from("So."))
            );
        }
    }

    #[test]
    fn an_overflow_has_the_code_that_clients_read() {
        let told =
            r#"{"error": {"message": "maximum context length is 9", "type": "x", "code": 400}}"#;
        let (status, body) = error(Dialect::Chat, Api::Openai, 400, told);
        assert!(status == 400 && body.contains("\"context_length_exceeded\""), "{body}");
        let exact = told.replace("400", "\"context_length_exceeded\"");
        assert_eq!(error(Dialect::Chat, Api::Openai, 400, &exact).1, exact);
        let claude = r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}"#;
        assert_eq!(error(Dialect::Messages, Api::Anthropic, 400, claude).1, claude);
    }
}
