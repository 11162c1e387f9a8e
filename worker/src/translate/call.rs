//! Translates a call's request body and answer between the client's API and the upstream's.
//!
//! | client | upstream | request | answer |
//! | --- | --- | --- | --- |
//! | any | the same | the caller's bytes, with another `model` | the upstream's bytes |
//! | chat | Messages | `anthropic::upstream::request` | `anthropic::upstream::answer` |
//! | Messages | chat | `anthropic::client::request` | `anthropic::client::answer` |
//! | either | binding `AI` | `workers_ai::inputs` | `workers_ai::answer` |

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::anthropic::client::answer::completion_to_message;
use super::anthropic::client::request::request_to_chat;
use super::anthropic::signature::{model_tag, tagged_answer};
use super::anthropic::upstream::answer::message_to_completion;
use super::anthropic::upstream::request::request_to_messages;
use super::shared::error_body::{error_to_anthropic, error_to_openai};
use super::workers_ai;
use crate::config::{Api, Upstream};
use crate::error::{GatewayError, Untranslatable};
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::outgoing::{Edit, Outgoing};
use crate::wire::output_text::OutputText;
use crate::wire::usage::{Received, Usage};
use crate::wire::{json_bounds, json_tree};

/// The most bytes of an answer's `usage` or `error` that are read.
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

    /// The tag of signatures between a Messages client and a Messages upstream.
    pub(crate) fn tag(self, upstream: &Upstream, model: &str) -> Option<String> {
        let signs = self.is_plain() && self.upstream == Dialect::Messages;
        signs.then(|| model_tag(upstream.base_url.as_deref().unwrap_or_default(), model))
    }

    /// Makes the body of a call between equal APIs: the caller's bytes with another `model`, the enforced
    /// output limit, and a stream's usage asked for.
    pub(crate) fn plain_request(self, body: &RequestBody, terms: &CallTerms<'_>) -> Outgoing {
        let mut edits = vec![Edit { range: body.model_range(), text: quoted(terms.model) }];
        let mut inserted = String::new();
        if let Some(limit) = terms.output_limit {
            let stated: Vec<&str> = body.limit_fields().collect();
            let ranges = stated.iter().filter_map(|name| body.fields.get(name));
            edits.extend(ranges.map(|range| Edit { range, text: limit.to_string() }));
            let own = match self.client {
                Dialect::Chat => terms.chat_limit_field,
                Dialect::Responses => "max_output_tokens",
                Dialect::Completions | Dialect::Messages => "max_tokens",
                Dialect::Embeddings => "",
            };
            // A server that knows only the older field ignores the newer one; OpenAI's takes either.
            let suffices = stated.contains(&own)
                || (own == "max_completion_tokens" && stated.contains(&"max_tokens"));
            if !own.is_empty() && !suffices {
                self.insert(body, &mut edits, &mut inserted, own, &limit.to_string());
            }
        }
        let chunks = matches!(self.client, Dialect::Chat | Dialect::Completions);
        if terms.ask_usage && chunks && body.stream && !body.include_usage {
            match body.fields.get("stream_options") {
                Some(range) => edits.push(Edit { range, text: body.options_with_usage.clone() }),
                None => {
                    let options = &body.options_with_usage;
                    self.insert(body, &mut edits, &mut inserted, "stream_options", options);
                }
            }
        }
        edits.extend(terms.history.iter().cloned());
        if !inserted.is_empty() {
            edits.push(Edit { range: body.first_field..body.first_field, text: inserted });
        }
        Outgoing::edited(body.length, edits)
    }

    /// Adds a field: in place of one that is null, else in front of all others.
    fn insert(
        self,
        body: &RequestBody,
        edits: &mut Vec<Edit>,
        inserted: &mut String,
        name: &str,
        value: &str,
    ) {
        match body.fields.get(name) {
            Some(range) => edits.push(Edit { range, text: value.to_owned() }),
            // The object has a field already, since it has a model.
            None => inserted.push_str(&format!("{}:{value},", quoted(name))),
        }
    }

    /// Makes the body of a call between different APIs. `text` is the caller's body.
    ///
    /// # Errors
    /// A field without an equivalent in the upstream's API; [`GatewayError::BodyTooComplex`].
    pub(crate) fn translated_request(
        self,
        text: &str,
        terms: &CallTerms<'_>,
    ) -> Result<Outgoing, GatewayError> {
        let mut given =
            json_tree::parse(text).map_err(|detail| GatewayError::BodyTooComplex { detail })?;
        if let Some(limit) = terms.output_limit {
            let (own, other) = match self.client {
                Dialect::Chat => ("max_completion_tokens", "max_tokens"),
                _ => ("max_tokens", "max_completion_tokens"),
            };
            given[own] = limit.into();
            given[other] = Value::Null;
        }
        let mut translated = self.translated(&given, terms.model)?;
        if self.api == Api::Openai {
            if let Some(limit) = terms.output_limit {
                translated[terms.chat_limit_field] = limit.into();
            }
            if let Some(fields) = translated.as_object_mut().filter(|_| !terms.ask_usage) {
                fields.remove("stream_options");
            }
        }
        Ok(json_tree::to_outgoing(&translated))
    }

    /// Translates a parsed request between different APIs, without limits.
    ///
    /// # Errors
    /// A field without an equivalent in the upstream's API.
    pub(crate) fn translated(self, given: &Value, model: &str) -> Result<Value, Untranslatable> {
        match (self.client, self.api) {
            (Dialect::Messages, Api::Anthropic) => Ok(given.clone()),
            (Dialect::Messages, Api::Openai) => request_to_chat(given, model),
            (Dialect::Messages, Api::WorkersAi) => {
                workers_ai::request_to_inputs(&request_to_chat(given, model)?)
            }
            (_, Api::Anthropic) => request_to_messages(given, model),
            (_, Api::WorkersAi) => workers_ai::request_to_inputs(given),
            (_, Api::Openai) => Ok(given.clone()),
        }
    }

    /// Translates a complete answer with a status of success. `checked` asks for its content.
    ///
    /// # Errors
    /// A message that says why the answer is unusable.
    pub(crate) fn answer(self, bytes: Vec<u8>, of: &AnswerOptions<'_>) -> Result<Answer, String> {
        let found: WholeAnswer<'_> = match serde_json::from_slice(&bytes) {
            Ok(found) => found,
            Err(_) if bytes.trim_ascii_start().first() == Some(&b'[') => {
                return Err("JSON that is not an object".into());
            }
            Err(e) => {
                let (kind, length) = (of.content_type, bytes.len());
                return Err(format!("{kind} of {length} bytes, not JSON ({e})"));
            }
        };
        if let Some(message) = found.error_message() {
            return Err(format!("an error with a status of success: {message}"));
        }
        let mut output = OutputText::default();
        let told = found.usage.filter(|usage| usage.get().len() <= MAX_USAGE_BYTES);
        let told = told.and_then(|told| usage(self.upstream, &small_tree(told.get())));
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
                true => self.content(&bytes, of.created)?,
                false => AnswerContent::default(),
            };
            let received = received(told);
            let body = match of.tag {
                Some(tag) => with_tag(bytes, tag),
                None => bytes,
            };
            return Ok(Answer { received, content, body });
        }
        let value = answer_tree(&bytes)?;
        let chat = match self.api {
            Api::WorkersAi => workers_ai::answer_to_completion(&value, of.model, of.id, of.created)
                .map_err(|e| e.to_string())?,
            Api::Openai | Api::Anthropic => value,
        };
        let told = usage(self.upstream, &chat["usage"]);
        let (content, body) = match (self.upstream, self.client) {
            (Dialect::Messages, _) => {
                let completion =
                    message_to_completion(&chat, of.created).map_err(|e| e.to_string())?;
                (AnswerContent::of_answer(&completion), completion)
            }
            (Dialect::Chat, Dialect::Messages) => {
                let message = completion_to_message(&chat).map_err(|e| e.to_string())?;
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

    /// The parts of an answer between equal APIs that the cascade's check reads.
    fn content(self, bytes: &[u8], created: u64) -> Result<AnswerContent, String> {
        let value = answer_tree(bytes)?;
        Ok(match self.upstream {
            Dialect::Messages => {
                let completion =
                    message_to_completion(&value, created).map_err(|e| e.to_string())?;
                AnswerContent::of_answer(&completion)
            }
            _ => AnswerContent::of_answer(&value),
        })
    }

    /// Translates an upstream's error for the client; none if it is not a JSON object with an error.
    pub(crate) fn error(self, status: u16, body: &str) -> Option<(u16, String)> {
        let value = json_bounds::parse_tree(body.as_bytes()).ok()?;
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

/// What a call asks for beside the caller's request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallTerms<'a> {
    /// The upstream's model name.
    pub(crate) model: &'a str,
    /// The limit on output tokens that a budget enforces.
    pub(crate) output_limit: Option<u64>,
    /// The field of a chat request that holds this limit.
    pub(crate) chat_limit_field: &'static str,
    /// Whether a stream is asked for its usage.
    pub(crate) ask_usage: bool,
    /// The changes of a Messages conversation for this model.
    pub(crate) history: &'a [Edit],
}

/// What an answer is read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerOptions<'a> {
    /// The answer's content type, for errors.
    pub(crate) content_type: &'a str,
    /// The upstream's model name.
    pub(crate) model: &'a str,
    /// The answer's id, if the upstream gives none.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the cascade checks the answer.
    pub(crate) checked: bool,
    /// The tag of the model's signatures, between a Messages client and a Messages upstream.
    pub(crate) tag: Option<&'a str>,
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

/// The fields of an answer that are read whatever its API; the others take no memory.
#[derive(Deserialize)]
struct WholeAnswer<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    choices: Option<IgnoredAny>,
    output: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
    content: Option<IgnoredAny>,
    response: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
}

impl WholeAnswer<'_> {
    /// The upstream's message, if this is an error and no answer.
    fn error_message(&self) -> Option<String> {
        let parts =
            [&self.choices, &self.output, &self.data, &self.content, &self.response, &self.result];
        let answered = parts.iter().any(|part| part.is_some());
        let is_error = self.kind.is_some_and(|kind| kind.get() == "\"error\"");
        if !is_error && (self.error.is_none() || answered) {
            return None;
        }
        let error = self.error.map(|error| small_tree(error.get())).unwrap_or_default();
        Some(error["message"].as_str().or(error.as_str()).unwrap_or("no message").to_owned())
    }
}

/// An answer whose signatures have the model's tag.
fn with_tag(answer: Vec<u8>, tag: &str) -> Vec<u8> {
    match std::str::from_utf8(&answer).map(|text| tagged_answer(text, tag)) {
        Ok(Cow::Owned(tagged)) => tagged.into_bytes(),
        Ok(Cow::Borrowed(_)) | Err(_) => answer,
    }
}

fn answer_tree(bytes: &[u8]) -> Result<Value, String> {
    json_tree::parse_answer(std::str::from_utf8(bytes).map_err(|e| e.to_string())?)
}

/// Parses a small part of an answer; null if it is not small.
fn small_tree(json: &str) -> Value {
    match json.len() <= MAX_USAGE_BYTES {
        true => json_bounds::parse_tree(json.as_bytes()).unwrap_or_default(),
        false => Value::Null,
    }
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

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
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

    const TERMS: CallTerms<'static> = CallTerms {
        model: "large \"2026\"",
        output_limit: None,
        chat_limit_field: "max_tokens",
        ask_usage: true,
        history: &[],
    };

    fn request_on(client: Dialect, api: Api, text: &str, terms: &CallTerms<'_>) -> String {
        let parsed = RequestBody::new(client, text, &manifest()).unwrap();
        let apis = pair(client, api);
        let body = match apis.is_plain() {
            true => apis.plain_request(&parsed, terms),
            false => apis.translated_request(text, terms).unwrap(),
        };
        body.text(text)
    }

    fn request(client: Dialect, api: Api, text: &str) -> String {
        request_on(client, api, text, &TERMS)
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
    fn an_enforced_limit_is_written_where_the_upstream_reads_it() {
        let limited = |field| CallTerms { output_limit: Some(7), chat_limit_field: field, ..TERMS };
        let sent = |client, api, more: &str, field| -> Value {
            let text = format!(
                r#"{{"model": "auto", "messages": [{{"role": "user", "content": "Hi"}}]{more}}}"#
            );
            serde_json::from_str(&request_on(client, api, &text, &limited(field))).unwrap()
        };
        let (chat, openai) = (Dialect::Chat, Api::Openai);
        let (old, new) = ("max_tokens", "max_completion_tokens");
        assert_eq!(sent(chat, openai, "", old)[old], 7);
        assert_eq!(sent(chat, openai, "", new)[new], 7);
        assert_eq!(sent(chat, openai, "", new)[old], Value::Null);
        assert_eq!(sent(chat, openai, r#", "max_tokens": 9"#, new)[old], 7);
        assert_eq!(sent(chat, openai, r#", "max_tokens": 9"#, new)[new], Value::Null);
        assert_eq!(sent(chat, openai, r#", "max_tokens": null"#, old)[old], 7);
        let both = sent(chat, openai, r#", "max_completion_tokens": 9"#, old);
        assert_eq!((&both[old], &both[new]), (&7.into(), &7.into()));
        let foreign = sent(chat, openai, r#", "max_output_tokens": 1, "max_tokens": 99"#, old);
        assert_eq!(foreign[old], 7);
        for api in [Api::Openai, Api::Anthropic] {
            assert_eq!(sent(Dialect::Messages, api, r#", "max_tokens": 99"#, old)[old], 7);
        }
        for api in [Api::Anthropic, Api::WorkersAi] {
            assert_eq!(sent(chat, api, r#", "max_completion_tokens": 99"#, old)[old], 7);
            assert_eq!(sent(chat, api, "", new)[old], 7);
        }
        let input = r#"{"model": "auto", "input": "Hi"}"#;
        let sent = request_on(Dialect::Responses, openai, input, &limited(old));
        assert_eq!(sent, r#"{"max_output_tokens":7,"model": "large \"2026\"", "input": "Hi"}"#);
        assert!(!request_on(Dialect::Embeddings, openai, input, &limited(old)).contains('7'));
    }

    #[test]
    fn a_stream_is_asked_for_its_usage() {
        let options = |more: &str, terms: &CallTerms<'_>| -> Value {
            let text = format!(r#"{{"model": "auto", "messages": []{more}}}"#);
            let sent = request_on(Dialect::Chat, Api::Openai, &text, terms);
            serde_json::from_str::<Value>(&sent).unwrap()["stream_options"].clone()
        };
        let with = serde_json::json!({"include_usage": true});
        assert_eq!(options(r#", "stream": true"#, &TERMS), with);
        let off = r#", "stream": true, "stream_options": {"include_usage": false}"#;
        assert_eq!(options(off, &TERMS), with);
        assert_eq!(options(r#", "stream": true, "stream_options": null"#, &TERMS), with);
        let more = r#", "stream": true, "stream_options": {"include_obfuscation": false}"#;
        assert_eq!(options(more, &TERMS)["include_obfuscation"], false);
        assert_eq!(options("", &TERMS), Value::Null);
        let never = CallTerms { ask_usage: false, ..TERMS };
        assert_eq!(options(r#", "stream": true"#, &never), Value::Null);
    }

    #[test]
    fn a_long_image_is_translated_without_a_copy() {
        let image = "A".repeat(5000);
        let text = format!(
            r#"{{"model": "auto", "max_tokens": 9, "messages": [{{"role": "user", "content": [
                {{"type": "image_url", "image_url": {{"url": "data:image/png;base64,{image}"}}}}]}}]}}"#
        );
        let body = pair(Dialect::Chat, Api::Anthropic).translated_request(&text, &TERMS).unwrap();
        let copied = |piece: &crate::wire::outgoing::Piece| matches!(piece, crate::wire::outgoing::Piece::Text(text) if text.len() > 4000);
        assert!(!body.0.iter().any(copied));
        let sent: Value = serde_json::from_str(&body.text(&text)).unwrap();
        let source = &sent["messages"][0]["content"][0]["source"];
        assert_eq!(
            (source["media_type"].as_str(), source["data"].as_str()),
            (Some("image/png"), Some(&*image))
        );
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
        let options = AnswerOptions {
            content_type: "text/html",
            model: "m",
            id: "id",
            created: 7,
            checked: true,
            tag: None,
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
