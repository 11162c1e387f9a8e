//! Makes the body of an upstream call: of a request of the same API by a few edits of the caller's bytes, of
//! one of another API by its translation.

use serde_json::Value;

use super::anthropic::client::request::request_to_chat;
use super::anthropic::reasoning;
use super::anthropic::thinking::limit_output;
use super::anthropic::upstream::request::request_to_messages;
use super::call::ApiPair;
use super::chat_rules;
use super::left_out::leave_out;
use super::tool_names::ToolNames;
use super::workers_ai;
use crate::config::{Api, ReturnedReasoning};
use crate::error::{GatewayError, Untranslatable};
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::wire::json_tree;
use crate::wire::outgoing::{Edit, Outgoing};

/// What a call asks for beside the caller's request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallTerms<'a> {
    /// The upstream's model name.
    pub(crate) model: &'a str,
    /// The limit on output tokens that the budget or the context window enforces.
    pub(crate) output_limit: Option<u64>,
    /// The most output tokens that a translated request may state by default.
    pub(crate) output_room: Option<u64>,
    /// The field of a chat request that limits its output.
    pub(crate) chat_limit_field: &'static str,
    /// Whether the caller's own limit in a chat request gets that name.
    pub(crate) renames_limit: bool,
    /// Whether a stream is asked for its usage.
    pub(crate) ask_usage: bool,
    /// Top-level fields that are left out, in lower case.
    pub(crate) dropped: &'a [&'a str],
    /// Fields that a translation writes and that are left out.
    pub(crate) left_out: &'a [&'static str],
    /// Whether a translated chat request keeps to Mistral's rules.
    pub(crate) mistrals_rules: bool,
    /// Which reasoning of earlier turns a chat upstream gets.
    pub(crate) reasoning: ReturnedReasoning,
    /// The tag of the model's thinking.
    pub(crate) tag: Option<&'a str>,
    /// The changes of a Messages or Responses conversation for this model.
    pub(crate) history: &'a [Edit],
}

/// A request for another API than the client's.
#[derive(Debug)]
pub(crate) struct TranslatedRequest {
    /// The body.
    pub(crate) body: Outgoing,
    /// The names of tools that the upstream's API refuses, and what stands instead.
    pub(crate) tool_names: ToolNames,
}

impl ApiPair {
    /// Makes the body of a call between equal APIs: the caller's bytes with another `model`, the enforced
    /// output limit, a stream's usage asked for, and without the fields that the upstream is not sent.
    pub(crate) fn plain_request(self, body: &RequestBody, terms: &CallTerms<'_>) -> Outgoing {
        let mut edits = vec![Edit { range: body.model_range(), text: quoted(terms.model) }];
        let mut inserted = String::new();
        let (own, other) = match self.client {
            Dialect::Chat => (terms.chat_limit_field, other_limit_field(terms.chat_limit_field)),
            Dialect::Responses => ("max_output_tokens", ""),
            Dialect::Completions | Dialect::Messages => ("max_tokens", ""),
            Dialect::Embeddings => ("", ""),
        };
        let stated: Vec<&str> = body.limit_fields().collect();
        // Both names in one request are refused by the servers that know both.
        let renames = terms.renames_limit || terms.output_limit.is_some();
        let renames = renames && stated.contains(&other);
        let renamed = body.fields.key(other).filter(|_| renames && body.fields.get(own).is_none());
        // The other name beside a null that gets the limit.
        let replaced = renames && renamed.is_none() && !stated.contains(&own);
        if let Some(limit) = terms.output_limit {
            let ranges = stated.iter().filter_map(|name| body.fields.get(name));
            edits.extend(ranges.map(|range| Edit { range, text: limit.to_string() }));
            if !own.is_empty() && !stated.contains(&own) && renamed.is_none() {
                self.insert(body, &mut edits, &mut inserted, own, &limit.to_string());
            }
        }
        edits.extend(renamed.map(|range| Edit { range, text: quoted(own) }));
        edits.extend(thinking_within(body, terms));
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
        let replaced = replaced.then_some(other).into_iter();
        let dropped: Vec<&str> = terms.dropped.iter().copied().chain(replaced).collect();
        for range in body.fields.ranges_of(&dropped) {
            edits.retain(|edit| edit.range.start < range.start || edit.range.end > range.end);
            edits.push(Edit { range, text: String::new() });
        }
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
    ) -> Result<TranslatedRequest, GatewayError> {
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
        let tool_names = ToolNames::change(&mut given, self.client, self.api);
        let reasoning = match self.client {
            Dialect::Messages => {
                reasoning::select(&mut given, terms.reasoning, terms.tag.unwrap_or_default())
            }
            _ => "",
        };
        let mut translated = self.translated(&given, terms.model)?;
        if self.api == Api::Anthropic {
            limit_output(&mut translated, terms.output_limit, terms.output_room);
        }
        if self.api == Api::Openai {
            let always = matches!(terms.reasoning, ReturnedReasoning::Always(_));
            reasoning::write_as(&mut translated, reasoning, always);
            chat_rules::apply(&mut translated, terms.mistrals_rules);
        }
        if let Some(fields) = translated.as_object_mut() {
            if self.api == Api::Openai
                && let Some(limit) = fields.remove(other_limit_field(terms.chat_limit_field))
            {
                fields.insert(terms.chat_limit_field.to_owned(), limit);
            }
            if !terms.ask_usage {
                fields.remove("stream_options");
            }
            fields.retain(|name, _| !terms.dropped.contains(&name.as_str()));
        }
        leave_out(&mut translated, terms.left_out);
        Ok(TranslatedRequest { body: json_tree::to_outgoing(&translated), tool_names })
    }

    /// Translates a parsed request between different APIs.
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
}

/// The change of the budget of `thinking` beside an enforced limit that is below the request's own.
fn thinking_within(body: &RequestBody, terms: &CallTerms<'_>) -> Option<Edit> {
    let limit = terms.output_limit?;
    let thinking = body.thinking.as_ref()?;
    let lowers = body.largest_output().ok()?.is_none_or(|stated| limit < stated);
    let replaced = terms.history.iter().any(|edit| edit.range == thinking.range);
    thinking.within(limit).filter(|_| lowers && !replaced)
}

/// The other name of the field that limits the output of a chat request.
fn other_limit_field(name: &str) -> &'static str {
    match name {
        "max_tokens" => "max_completion_tokens",
        _ => "max_tokens",
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
