//! What the gateway reads, for tests with damaged inputs: natively compiled only.
//!
//! Each function reads its input as the host does and returns what was said, beginning with `ok` where
//! it was accepted, or the law that was broken. The first byte chooses among dialects and APIs. The
//! targets are in `tests/tests/fuzz/targets/worker.rs`.

use std::fmt;

use pointsman::Manifest;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::current_bundle::CurrentBundle;
use crate::config::{Api, Keys, ReturnedReasoning, Settings, Upstream, Upstreams};
use crate::error::GatewayError;
use crate::request::body::{RequestBody, check_bounds};
use crate::request::endpoint::Dialect;
use crate::request::feedback::Feedback;
use crate::request::input_tokens::input_tokens;
use crate::request::json::decode_utf8;
use crate::request::route::parse_route_body;
use crate::routing::capability::Demands;
use crate::translate::anthropic::signature::History;
use crate::translate::call::{AnswerOptions, ApiPair};
use crate::translate::call_body::CallTerms;
use crate::translate::response_ids::References;
use crate::translate::stream::{StreamOptions, StreamTranslator};
use crate::translate::tool_names::ToolNames;
use crate::wire::sse::{self, Parser};
use crate::wire::upstream_error::UpstreamError;

const DIALECTS: [Dialect; 5] = [
    Dialect::Chat,
    Dialect::Messages,
    Dialect::Responses,
    Dialect::Completions,
    Dialect::Embeddings,
];
const APIS: [Api; 3] = [Api::Openai, Api::Anthropic, Api::WorkersAi];
/// Every pair of APIs that is served, in the order of the first byte.
const PAIRS: [(Dialect, Api); 9] = [
    (Dialect::Chat, Api::Openai),
    (Dialect::Chat, Api::Anthropic),
    (Dialect::Chat, Api::WorkersAi),
    (Dialect::Messages, Api::Openai),
    (Dialect::Messages, Api::Anthropic),
    (Dialect::Messages, Api::WorkersAi),
    (Dialect::Responses, Api::Openai),
    (Dialect::Completions, Api::Openai),
    (Dialect::Embeddings, Api::Openai),
];
/// Longest error message, in bytes.
const LONGEST_MESSAGE: usize = 20_000;
/// Most tokens counted for a byte of a body: those of an image, for the shortest part that is one.
const ESTIMATED_MOST: usize = 2000;

type Said = Result<String, String>;

fn split(input: &[u8]) -> (usize, &[u8]) {
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    (usize::from(*first), rest)
}

fn refusal(error: &GatewayError) -> Said {
    let (code, message) = (error.code(), error.to_string());
    if code.is_empty()
        || !code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        return Err(format!("the code {code:?} is not in snake case"));
    }
    if message.len() > LONGEST_MESSAGE {
        return Err(format!("the message of {code} has {} bytes", message.len()));
    }
    if !(400..600).contains(&error.status()) {
        return Err(format!("the status of {code} is {}", error.status()));
    }
    Ok(format!("{code}: {message}"))
}

fn pair(client: Dialect, api: Api) -> Result<ApiPair, GatewayError> {
    ApiPair::new(client, &Upstream { api, ..Upstream::default() }, "m")
}

/// Reads a request body of the dialect that the first byte names, and translates it for every API.
///
/// # Errors
/// The law that was broken.
pub fn body(manifest: &Manifest, input: &[u8]) -> Said {
    let (first, bytes) = split(input);
    let dialect = DIALECTS[first % DIALECTS.len()];
    let text = match decode_utf8(bytes.to_vec()) {
        Ok(text) => text,
        Err(error) => return refusal(&error),
    };
    let request =
        match check_bounds(&text).and_then(|()| RequestBody::new(dialect, &text, manifest)) {
            Ok(request) => request,
            Err(error) => return refusal(&error),
        };
    let mut said = String::from("ok");
    let conversation = request.conversation(&text);
    for system in [false, true] {
        match request.query(&conversation, system) {
            Ok(query) => said = format!("{said} {}", query.map_or(0, |query| query.turns().len())),
            Err(error) => said = format!("{said} {}", refusal(&error)?),
        }
    }
    let tokens = input_tokens(&request, &text, &|text| text.len());
    if tokens > ESTIMATED_MOST * text.len() {
        return Err(format!("{tokens} tokens are counted in {} bytes", text.len()));
    }
    let _ = (request.output_tokens(), request.has_images(), request.wants_json());
    let _ = (request.answers(), request.largest_output(), request.tool_types().count());
    let references = References::read(&request, &text);
    let demands = Demands::new(&request, &text, &references);
    for api in APIS {
        if let Some(inability) = demands.unmet("m", &Upstream { api, ..Upstream::default() }) {
            said = format!("{said} {}", inability.why);
        }
    }
    for (api, output_limit) in APIS.into_iter().flat_map(|api| [(api, None), (api, Some(7))]) {
        let pair = match pair(dialect, api) {
            Ok(pair) => pair,
            Err(error) => {
                said = format!("{said} {}", refusal(&error)?);
                continue;
            }
        };
        let tag = pair.tag(&Upstream { api, ..Upstream::default() }, "m");
        let history = match dialect {
            Dialect::Messages => History::read(&text),
            _ => History::default(),
        };
        let history = match (tag.as_deref(), dialect) {
            (Some(tag), Dialect::Responses) => references.edits(tag),
            (Some(tag), _) => history.edits(tag),
            (None, _) => vec![],
        };
        let terms = CallTerms {
            model: "na\"me",
            output_limit,
            output_room: output_limit,
            chat_limit_field: "max_completion_tokens",
            renames_limit: output_limit.is_none(),
            ask_usage: true,
            dropped: &["seed", "user"],
            left_out: &[],
            mistrals_rules: false,
            reasoning: ReturnedReasoning::Own,
            tag: tag.as_deref(),
            history: &history,
        };
        let made = match pair.is_plain() {
            true => Ok(pair.plain_request(&request, &terms)),
            false => pair.translated_request(&text, &terms).map(|made| made.body),
        };
        match made {
            Ok(made) => {
                check_call(&made.text(&text), &request, pair, output_limit)?;
                said.push_str(" made");
            }
            Err(error) => said = format!("{said} {}", refusal(&error)?),
        }
    }
    Ok(said)
}

/// Checks what an upstream is sent: each field that decides on the price stands there once, with what
/// the gateway wrote.
fn check_call(
    sent: &str,
    request: &RequestBody,
    pair: ApiPair,
    output_limit: Option<u64>,
) -> Result<(), String> {
    let told = |what: String| format!("the body for {:?} {what}", pair.api);
    let fields: TopLevel =
        serde_json::from_str(sent).map_err(|e| told(format!("is not an object: {e}")))?;
    // Numbers out of range and lone surrogates, which JSON's grammar allows, may be in other fields.
    let every = |name: &str| -> Vec<Value> {
        let values = fields.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        values.map(|value| serde_json::from_str(value.get()).unwrap_or_default()).collect()
    };
    if pair.api != Api::WorkersAi && every("model") != [Value::from("na\"me")] {
        return Err(told(format!("asks for the models {:?}", every("model"))));
    }
    if let Some(limit) = output_limit.filter(|_| pair.client != Dialect::Embeddings) {
        let names = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
        // A field of another API is left to the upstream, which does not know it.
        let own = names.iter().filter(|name| match pair.upstream {
            Dialect::Responses => **name == "max_output_tokens",
            Dialect::Chat => **name != "max_output_tokens",
            _ => **name == "max_tokens",
        });
        let stated: Vec<Value> = own.flat_map(|name| every(name)).collect();
        let limited = stated.iter().any(|value| !value.is_null());
        if !limited || stated.iter().any(|value| !value.is_null() && *value != limit) {
            return Err(told(format!("has the output limits {stated:?}, expected {limit}")));
        }
    }
    let chunks = matches!(pair.client, Dialect::Chat | Dialect::Completions) && pair.is_plain();
    if chunks && request.stream {
        let options = every("stream_options");
        if !matches!(&options[..], [options] if options["include_usage"] == true) {
            return Err(told(format!("has the stream options {options:?}")));
        }
    }
    Ok(())
}

/// The fields of an object, repeated ones too.
struct TopLevel(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for TopLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = TopLevel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopLevel, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(TopLevel(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Translates an upstream's complete answer and its error, for the pair of APIs that the first byte
/// names.
///
/// # Errors
/// The law that was broken.
pub fn answer(input: &[u8]) -> Said {
    let (first, bytes) = split(input);
    let (client, api) = PAIRS[first % PAIRS.len()];
    let pair = pair(client, api).map_err(|e| e.to_string())?;
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(error) = UpstreamError::read(text)
    {
        let (status, body) = pair.error(429, &error, Some(text));
        let body: Result<Value, _> = serde_json::from_str(&body);
        if body.is_err() || !(400..600).contains(&status) {
            return Err(format!("an error of the upstream became {status} and {body:?}"));
        }
    }
    let options = AnswerOptions {
        content_type: "application/json",
        model: "m",
        id: "id",
        created: 7,
        checked: true,
        tag: Some("pm0123456789abcdef."),
        tool_names: &ToolNames::default(),
    };
    match pair.answer(bytes.to_vec(), &options) {
        Ok(answer) => {
            // Numbers out of range and lone surrogates are JSON by its grammar; between equal APIs bytes pass as
            // they are.
            let body = match pair.is_plain() {
                true => String::from_utf8_lossy(&answer.body),
                false => String::from_utf8(answer.body.clone()).map_err(|e| e.to_string())?.into(),
            };
            let body: &RawValue = serde_json::from_str(&body)
                .map_err(|e| format!("a translated answer is not JSON: {e}"))?;
            let (object, usage) = (body.get().starts_with('{'), answer.received.usage.is_some());
            let streamed = match pair.as_stream(answer, true, &options) {
                Ok(streamed) => events_of(&streamed.body),
                Err(_) => vec![],
            };
            for event in streamed.iter().filter(|event| event.data != "[DONE]") {
                serde_json::from_str::<&RawValue>(&event.data).map_err(|e| {
                    format!("a whole answer's stream has an event that is not JSON: {e}")
                })?;
            }
            Ok(format!("ok {client:?} {api:?} {object} {usage:?} {}", streamed.len().min(9)))
        }
        Err(why) => Ok(format!("{client:?} {api:?} {why:?}")),
    }
}

/// What a stream became: the client's bytes, and whether it failed.
type Received = (Vec<u8>, bool);

fn received<'a>(pair: ApiPair, pieces: impl Iterator<Item = &'a [u8]>) -> Received {
    let mut stream = StreamTranslator::new(&StreamOptions {
        apis: pair,
        model: "m",
        id: "id",
        created: 7,
        include_usage: true,
        drop_usage: false,
        checked: true,
        compared: false,
        tag: None,
        tool_names: &ToolNames::default(),
    });
    let mut sent = Vec::new();
    for piece in pieces {
        let translated = stream.push(piece);
        sent.extend(translated.bytes);
        if translated.failure.is_some() {
            return (sent, true);
        }
    }
    match stream.end() {
        Ok(bytes) => {
            sent.extend(bytes);
            (sent, false)
        }
        Err(_) => (sent, true),
    }
}

fn events_of(bytes: &[u8]) -> Vec<sse::Event> {
    Parser::with_limit(sse::EVENT_LIMIT).push(bytes).unwrap_or_default()
}

/// The events without those that only keep a connection alive.
fn spoken(bytes: &[u8]) -> Vec<sse::Event> {
    let mut events = events_of(bytes);
    events.retain(|event| event.name.as_deref() != Some("ping"));
    events
}

/// Translates an upstream's stream for the pair of APIs that the first byte names. Where it is cut does
/// not matter, and what the client gets is events of JSON.
///
/// # Errors
/// The law that was broken.
pub fn stream(input: &[u8]) -> Said {
    let (first, bytes) = split(input);
    let (client, api) = PAIRS[first % PAIRS.len()];
    let pair = pair(client, api).map_err(|e| e.to_string())?;
    let (whole, failed) = received(pair, std::iter::once(bytes));
    for size in [1, 2, 7, 64] {
        let (cut, cut_failed) = received(pair, bytes.chunks(size));
        // What keeps a client waiting depends on the reads, as do comments in front of a failure.
        let same = spoken(&cut) == spoken(&whole);
        if failed != cut_failed || !same {
            return Err(format!(
                "{client:?} {api:?} gives other bytes in pieces of {size}, failure {failed} and {cut_failed}"
            ));
        }
    }
    if pair.is_plain() {
        // A stream's last lines without a blank one after them are no event.
        let passed = bytes.starts_with(&whole) && events_of(bytes) == events_of(&whole);
        return match failed || passed {
            true => Ok(format!("{} {client:?} {api:?}", if failed { "failed" } else { "ok" })),
            false => Err(format!("{client:?} {api:?} passes other bytes on")),
        };
    }
    let mut parser = Parser::with_limit(sse::EVENT_LIMIT);
    let events = parser.push(&whole).map_err(|e| format!("the client's stream: {e}"))?;
    if parser.pending() {
        return Err("the client's stream ends within an event".to_owned());
    }
    let mut said = format!("{} {client:?} {api:?}", if failed { "failed" } else { "ok" });
    for event in &events {
        let data = match event.data.as_str() {
            "[DONE]" => Value::from("done"),
            data => {
                serde_json::from_str::<&RawValue>(data).map_err(|e| {
                    format!("{client:?} {api:?} gives an event that is not JSON: {e}")
                })?;
                serde_json::from_str(data).unwrap_or_default()
            }
        };
        if client == Dialect::Messages && data["type"].as_str() != event.name.as_deref() {
            return Err(format!(
                "an event is named {:?} and has the type {}",
                event.name, data["type"]
            ));
        }
        if said.len() < 120 {
            let kinds = data["choices"][0]["delta"].as_object().map(|delta| delta.keys());
            let keys: Vec<&String> = kinds.into_iter().flatten().collect();
            said = format!("{said} {} {keys:?}", data["type"].as_str().unwrap_or_default());
        }
    }
    Ok(said)
}

/// Parses server-sent events: cuts do not matter, and written events are read back.
///
/// # Errors
/// The law that was broken.
pub fn events(bytes: &[u8]) -> Said {
    let read = |size: usize| {
        let mut parser = Parser::with_limit(sse::EVENT_LIMIT);
        let mut events = Vec::new();
        for piece in bytes.chunks(size) {
            match parser.push(piece) {
                Ok(found) => events.extend(found),
                Err(error) => return (events, Some(error.to_string())),
            }
        }
        let last = parser.push(b"").err().map(|error| error.to_string());
        (events, last)
    };
    let whole = read(bytes.len().max(1));
    for size in [1, 2, 3, 7, 64] {
        if read(size) != whole {
            return Err(format!("other events in pieces of {size}"));
        }
    }
    for event in &whole.0 {
        let written = sse::event(event.name.as_deref(), &event.data);
        let again = Parser::with_limit(sse::EVENT_LIMIT)
            .push(written.as_bytes())
            .map_err(|e| e.to_string())?;
        if again.as_slice() != std::slice::from_ref(event) {
            return Err(format!("{event:?} is read back as {again:?}"));
        }
    }
    match whole.1 {
        Some(error) => Ok(error),
        None => Ok(format!("ok {}", whole.0.len().min(9))),
    }
}

/// Reads a configuration variable or a small body: which, says the first byte.
///
/// # Errors
/// The law that was broken.
pub fn config(input: &[u8]) -> Said {
    let (first, bytes) = split(input);
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok("not UTF-8".to_owned()) };
    let read = match first % 6 {
        0 => Upstreams::from_json(Some(text)).map(|_| ()),
        1 => Settings::from_json(Some(text)).map(|_| ()),
        2 => Keys::from_json(Some(text)).map(|_| ()),
        3 => Feedback::from_json(text).map(|_| ()),
        4 => parse_route_body(text).map(|_| ()),
        _ => CurrentBundle::from_json(text).map(|_| ()),
    };
    match read {
        Ok(()) => Ok(format!("ok {}", first % 6)),
        Err(error) => refusal(&error).map(|said| format!("{} {said}", first % 6)),
    }
}
