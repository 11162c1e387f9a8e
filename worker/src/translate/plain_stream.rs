//! Reads the events of an OpenAI-compatible upstream: its end, its usage, its errors. The events themselves
//! pass on as they are, or are translated elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::call::told_usage;
use super::shared::error_body::error_in_stream;
use super::shared::stream_error::StreamError;
use crate::request::endpoint::Dialect;
use crate::wire::json_bounds;
use crate::wire::reported_error::AnswerFields;
use crate::wire::sse::Event;
use crate::wire::upstream_error::UpstreamError;
use crate::wire::usage::Usage;

/// The most choices of an answer that are told apart.
const MAX_CHOICES: usize = 256;
/// The most bytes of a response's id or model that are kept.
const MAX_NAME_BYTES: usize = 1024;
/// The events that end a stream of the Responses API.
const TERMINAL: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// What the events of one answer have told so far.
#[derive(Debug)]
pub(super) struct PlainStream {
    dialect: Dialect,
    /// The usage told so far.
    pub(super) usage: Option<Usage>,
    /// Whether the answer has ended, though `[DONE]` may follow.
    pub(super) finished: bool,
    /// Whether nothing more follows.
    pub(super) done: bool,
    /// Whether the usage came with the end of the last choice or after it.
    pub(super) usage_is_final: bool,
    /// The choices that have begun, and whether each has ended.
    choices: BTreeMap<u64, bool>,
    /// Whether the last event holds the usage alone.
    pub(super) usage_alone: bool,
    /// The response that streams, in the Responses API.
    response: Response,
}

/// What names a response of the Responses API.
#[derive(Debug, Default)]
struct Response {
    id: Option<String>,
    model: Option<String>,
    created_at: Option<u64>,
    /// The number of the last event.
    sequence: u64,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

/// The fields of a response in an event.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

impl PlainStream {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            usage: None,
            finished: false,
            done: false,
            usage_is_final: false,
            choices: BTreeMap::new(),
            usage_alone: false,
            response: Response::default(),
        }
    }

    /// Whether every choice that has begun has ended.
    pub(super) fn is_complete(&self) -> bool {
        self.finished && self.choices.values().all(|ended| *ended)
    }

    /// Reads an event; one that is not JSON is ignored. `first` says whether it is the answer's first.
    ///
    /// # Errors
    /// [`StreamError::Upstream`].
    pub(super) fn push(&mut self, event: &Event, first: bool) -> Result<(), StreamError> {
        self.usage_alone = false;
        if event.data.trim() == "[DONE]" {
            (self.finished, self.done) = (true, true);
            return Ok(());
        }
        let is_error = event.name.as_deref() == Some("error");
        let json = event.data.as_bytes();
        let read = AnswerFields::read(json).and_then(|chunk| {
            let choices = chunk
                .get("choices")
                .map(|list| serde_json::from_str::<Vec<Choice<'_>>>(list.get()));
            Ok((chunk, choices.transpose()?))
        });
        let Ok((chunk, choices)) = read else {
            let words = UpstreamError::read(&event.data).filter(|_| is_error);
            return words.map_or(Ok(()), |words| Err(error_in_stream(&words.message.into())));
        };
        let kind = chunk.get("type").map_or("", |kind| kind.get().trim_matches('"'));
        let responses = self.dialect == Dialect::Responses;
        // A response that has begun ends with its own event.
        let is_its_end = responses && !first && kind == "response.failed";
        let reported = chunk.reported_error(json).filter(|_| !is_its_end);
        let named = || json_bounds::parse_tree(json).ok().filter(|_| is_error);
        if let Some(error) = reported.or_else(named) {
            return Err(error_in_stream(&error));
        }
        let response = chunk.get("response").filter(|_| responses);
        let response =
            response.and_then(|json| serde_json::from_str::<Answer<'_>>(json.get()).ok());
        if responses {
            self.response.read(chunk.get("sequence_number"), response.as_ref());
        }
        let told =
            if responses { response.and_then(|answer| answer.usage) } else { chunk.get("usage") };
        let told = told.and_then(|told| told_usage(self.dialect, told));
        self.finished |= responses && TERMINAL.contains(&kind);
        self.done |= responses && self.finished;
        self.usage_alone =
            chunk.get("usage").is_some() && choices.as_ref().is_some_and(Vec::is_empty);
        let choices = choices.unwrap_or_default();
        for choice in &choices {
            // Some upstreams send an empty text until the end.
            let ended = choice.finish_reason.is_some_and(|reason| {
                reason.get().starts_with('"') && !reason.get().trim_matches(['"', ' ']).is_empty()
            });
            self.finished |= ended && !responses;
            if self.choices.len() < MAX_CHOICES || self.choices.contains_key(&choice.index) {
                *self.choices.entry(choice.index).or_default() |= ended;
            }
        }
        let complete = self.finished && (choices.is_empty() || self.is_complete());
        self.usage_is_final |= complete && told.is_some();
        self.usage = match (self.usage, told) {
            (Some(known), Some(told)) if !self.usage_is_final => Some(known.max(told)),
            (known, told) => told.or(known),
        };
        Ok(())
    }

    /// The data of the last events of a response that failed: `error`, which OpenAI's libraries throw, and
    /// `response.failed`, which others wait for. `error` is OpenAI's error object; `id` names a response
    /// that had not begun.
    pub(super) fn failed_response(&self, error: &Value, id: &str) -> (String, String) {
        let Response { id: begun, model, created_at, sequence } = &self.response;
        let mut event = error.clone();
        event["type"] = "error".into();
        event["sequence_number"] = (sequence + 1).into();
        let made = || format!("resp_{id}");
        let failed = json!({
            "type": "response.failed",
            "sequence_number": sequence + 2,
            "response": {
                "id": begun.clone().unwrap_or_else(made),
                "object": "response",
                "created_at": created_at.unwrap_or_default(),
                "status": "failed",
                "error": {"code": error["code"], "message": error["message"]},
                "incomplete_details": null,
                "model": model.clone().unwrap_or_default(),
                "output": [],
                "usage": null,
            },
        });
        (event.to_string(), failed.to_string())
    }
}

impl Response {
    fn read(&mut self, sequence: Option<&RawValue>, response: Option<&Answer<'_>>) {
        self.sequence = sequence.and_then(|json| json.get().parse().ok()).unwrap_or(self.sequence);
        let Some(response) = response else { return };
        let text = |json: Option<&RawValue>| {
            let json = json?.get();
            let text = (json.len() <= MAX_NAME_BYTES).then(|| serde_json::from_str(json).ok())?;
            text.filter(|text: &String| !text.is_empty())
        };
        self.id = text(response.id).or_else(|| self.id.take());
        self.model = text(response.model).or_else(|| self.model.take());
        let created = response.created_at.and_then(|json| json.get().parse::<f64>().ok());
        // Some servers send a fraction of a second too.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let created = created.filter(|at| *at >= 0.0).map(|at| at as u64);
        self.created_at = created.or(self.created_at);
    }
}
