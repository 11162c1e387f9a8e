//! The APIs: a request as JSON, and what an upstream's JSON says.

mod anthropic;
mod openai;

use serde_json::{Map, Value};

use super::finish::Finish;
use super::models_file::{Api, ModelEntry};
use super::request::CompletionRequest;

/// An answer as the upstream states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub text: String,
    pub finish: Finish,
    /// Input and output tokens; `None` unless both are stated.
    pub usage: Option<(u64, u64)>,
    pub answered_by: Option<String>,
}

/// What follows the base URL.
pub fn path(api: Api) -> &'static str {
    match api {
        Api::OpenAi => "/chat/completions",
        Api::Anthropic => "/messages",
    }
}

/// The headers that carry the key and the API's version.
pub fn headers(api: Api, key: Option<&str>) -> Vec<(&'static str, String)> {
    match api {
        Api::OpenAi => {
            key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect()
        }
        Api::Anthropic => {
            let key = key.map(|key| ("x-api-key", key.to_owned()));
            key.into_iter().chain([("anthropic-version", "2023-06-01".to_owned())]).collect()
        }
    }
}

/// The body of a request.
pub fn body(model: &ModelEntry, request: &CompletionRequest) -> Value {
    let mut fields = Map::new();
    for (name, value) in model.body.iter().flatten() {
        fields.insert(name.clone(), json_of(value));
    }
    fields.insert("model".into(), model.upstream_model().into());
    if model.max_completion_tokens().is_none() {
        fields.insert("max_tokens".into(), request.max_tokens(model).into());
    }
    if let Some(temperature) = request.temperature.or(model.temperature) {
        fields.insert("temperature".into(), temperature.into());
    }
    match model.api {
        Api::OpenAi => openai::put_messages(&mut fields, &request.messages),
        Api::Anthropic => anthropic::put_messages(&mut fields, &request.messages),
    }
    Value::Object(fields)
}

/// Reads the body of an answer with status 200.
///
/// # Errors
/// What was found, and what was expected.
pub fn answer(api: Api, body: &Value) -> Result<Answer, String> {
    // Some gateways state an upstream's error with status 200.
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        return Err(format!("found an error in place of an answer: {}", error_text(error)));
    }
    match api {
        Api::OpenAi => openai::answer(body),
        Api::Anthropic => anthropic::answer(body),
    }
}

/// The message, or else the code, of an error object of either API.
pub fn error_text(error: &Value) -> String {
    let stated = ["message", "code", "type"].iter().find_map(|name| error.get(name)?.as_str());
    stated.map_or_else(|| error.to_string(), str::to_owned)
}

/// How an answer ended. One without text is empty, whatever the upstream calls it, unless it was refused or
/// filtered.
fn finish_of(refused: bool, filtered: bool, cut: bool, text: &str) -> Finish {
    match () {
        () if refused => Finish::Refusal,
        () if filtered => Finish::Filtered,
        () if text.trim().is_empty() => Finish::Empty,
        () if cut => Finish::Length,
        () => Finish::Stop,
    }
}

/// Both token counts of a usage object, each the sum of the fields that name it.
fn usage(body: &Value, input: &[&str], output: &str) -> Option<(u64, u64)> {
    let usage = body.get("usage")?;
    let (first, further) = input.split_first()?;
    let mut total = usage.get(first)?.as_u64()?;
    for name in further {
        total = total.saturating_add(usage.get(name).and_then(Value::as_u64).unwrap_or_default());
    }
    Some((total, usage.get(output)?.as_u64()?))
}

fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.iter().map(json_of).collect(),
        toml::Value::Table(table) => Value::Object(
            table.iter().map(|(name, value)| (name.clone(), json_of(value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests;
