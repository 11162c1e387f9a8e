//! Reads the fields of a request body that routing and budgets need, for each API's shape.
//!
//! | | messages | system | output limit |
//! | --- | --- | --- | --- |
//! | chat | `messages` | those of role `system`, `developer` | `max_completion_tokens`, `max_tokens` |
//! | Messages | `messages` | `system` | `max_tokens` |
//! | Responses | `input`, a text or items with a role | `instructions`, and as in chat | `max_output_tokens` |
//! | completions | `prompt` | none | `max_tokens` |
//! | embeddings | `input` | none | none |
//!
//! All other fields are left for the upstream to check. A [`RequestBody`] holds facts and byte ranges, not
//! the text: its methods take the text again, so that it need not stay in memory during the upstream call.

use std::borrow::Cow;
use std::ops::Range;

use pointsman::{Manifest, Query, RouterError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::conversation::{Message, Messages, Prompts, Texts};
use super::endpoint::Dialect;
use super::json::json_error;
use super::media::Media;
use super::model_name;
use super::thinking_budget::ThinkingBudget;
use super::tools::Tools;
use crate::error::{GatewayError, Untranslatable};
use crate::wire::fields::Fields;
use crate::wire::json_bounds::{self, MAX_VALUES};
use crate::wire::surrogates;

/// The most bytes of `stream_options` that are read.
const MAX_STREAM_OPTIONS: usize = 4096;
/// The fields that ask for JSON: chat's, that of Responses, Anthropic's and its older one.
const JSON_FORMATS: [&str; 4] = ["response_format", "text", "output_config", "output_format"];
/// The fields that the gateway reads: spelled otherwise they would be read by some upstreams only.
const READ: [&str; 15] = [
    "best_of",
    "functions",
    "input",
    "instructions",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "prompt",
    "stream",
    "stream_options",
    "system",
    "tools",
];

/// What the gateway read of a request body.
#[derive(Debug, Clone)]
pub(crate) struct RequestBody {
    /// The API whose shape the body has.
    pub(crate) dialect: Dialect,
    /// The requested model.
    pub(crate) model: String,
    /// Its length in bytes.
    pub(crate) length: usize,
    /// Its top-level fields.
    pub(crate) fields: Fields,
    /// Whether the answer is asked for as a stream.
    pub(crate) stream: bool,
    /// Whether the answer is to be fetched later (`background`).
    pub(crate) background: bool,
    /// Whether a stream's usage is asked for (`stream_options.include_usage`).
    pub(crate) include_usage: bool,
    /// `stream_options` as stated, with the usage asked for.
    pub(crate) options_with_usage: String,
    /// The position after the opening brace.
    pub(crate) first_field: usize,
    /// Images, files and recordings.
    pub(crate) media: Media,
    /// The budget of Anthropic's `thinking`.
    pub(crate) thinking: Option<ThinkingBudget>,
    /// The number of prompts; 1 for a conversation.
    pub(crate) prompts: u64,
    tools: Tools,
    json_format: Option<JsonFormat>,
    limits: Vec<(&'static str, Whole)>,
    choices: Vec<(&'static str, Whole)>,
}

/// The conversation in a body, borrowed from it.
pub(crate) struct Conversation<'t> {
    body: &'t str,
    messages: Result<Vec<Message<'t>>, GatewayError>,
}

/// System texts, and the role and text of each message.
pub(super) type RolesAndTexts<'t> = (Vec<Cow<'t, str>>, Vec<(String, Cow<'t, str>)>);

/// A format of JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonFormat {
    /// Any object.
    Object,
    /// By a schema.
    Schema,
}

/// A field that should be a whole number of at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whole {
    /// It is.
    Stated(u64),
    /// It is something else, shortened for the error message.
    Other(String),
}

impl RequestBody {
    /// Reads a body that passed [`check_bounds`]. The manifest supplies the model names for error messages.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`], [`GatewayError::BodyTooComplex`], [`GatewayError::FieldSpelling`],
    /// [`GatewayError::ModelMissing`], [`GatewayError::ModelNotFound`] for a `model` that is not a string,
    /// [`GatewayError::ThreadUnsupported`].
    pub(crate) fn new(
        dialect: Dialect,
        body: &str,
        manifest: &Manifest,
    ) -> Result<Self, GatewayError> {
        let fields = Fields::new(body).map_err(|e| json_error(&e))?;
        if let Some((found, expected)) = fields.spelled_otherwise(&READ) {
            return Err(GatewayError::FieldSpelling { found: found.to_owned(), expected });
        }
        let raw = |name: &str| fields.get(name).map(|range| &body[range]);
        let stated = |name: &str| raw(name).filter(|value| *value != "null");
        let model = match stated("model") {
            Some(text) if text.starts_with('"') => {
                serde_json::from_str(text).map_err(|e| json_error(&e))?
            }
            Some(other) => {
                let found = other.chars().take(60).collect();
                return Err(GatewayError::ModelNotFound {
                    found,
                    expected: model_name::expected(manifest),
                });
            }
            None => {
                return Err(GatewayError::ModelMissing {
                    expected: model_name::expected(manifest),
                });
            }
        };
        if let Some(found) = stated("thread").filter(|_| dialect == Dialect::Messages) {
            return Err(GatewayError::ThreadUnsupported { found: found.to_owned() });
        }
        let whole = |name: &'static str| Some((name, Whole::read(stated(name)?)));
        let (limits, choices): (&[_], &[_]) = match dialect {
            Dialect::Chat => (&["max_completion_tokens", "max_tokens"], &["n"]),
            Dialect::Messages => (&["max_tokens"], &[]),
            Dialect::Responses => (&["max_output_tokens"], &[]),
            Dialect::Completions => (&["max_tokens"], &["n", "best_of"]),
            Dialect::Embeddings => (&[], &[]),
        };
        let conversation = raw(conversation_field(dialect));
        let prompts = match dialect {
            Dialect::Completions | Dialect::Embeddings => conversation
                .and_then(|json| serde_json::from_str::<Prompts<'_>>(json).ok())
                .map_or(1, |prompts| prompts.count as u64),
            _ => 1,
        };
        let mut tools = Tools::default();
        let too_many = |detail| GatewayError::BodyTooComplex { detail };
        for list in ["tools", "functions"].iter().filter_map(|name| raw(name)) {
            tools = Tools::of_list(list).and_then(|list| tools.and(list)).map_err(too_many)?;
        }
        if let (Some(json), Dialect::Responses | Dialect::Messages) = (conversation, dialect) {
            let carried = Tools::of_conversation(json);
            tools = carried.and_then(|carried| tools.and(carried)).map_err(too_many)?;
        }
        let options = raw("stream_options").filter(|json| json.len() <= MAX_STREAM_OPTIONS);
        let options = options.and_then(|json| json_bounds::parse_tree(json.as_bytes()).ok());
        let mut options = options.filter(Value::is_object).unwrap_or_else(|| json!({}));
        let include_usage = options["include_usage"] == true;
        let stream = raw("stream") == Some("true");
        options["include_usage"] = true.into();
        Ok(Self {
            dialect,
            model,
            length: body.len(),
            stream,
            background: raw("background") == Some("true"),
            include_usage,
            options_with_usage: if stream { options.to_string() } else { String::new() },
            first_field: body.find('{').map_or(0, |at| at + 1),
            thinking: fields.get("thinking").and_then(|at| ThinkingBudget::read(body, at)),
            media: conversation.map(Media::of).unwrap_or_default(),
            prompts: prompts.max(1),
            tools,
            json_format: JSON_FORMATS.iter().filter_map(|name| raw(name)).find_map(JsonFormat::of),
            limits: limits.iter().filter_map(|name| whole(name)).collect(),
            choices: choices.iter().filter_map(|name| whole(name)).collect(),
            fields,
        })
    }

    /// Reads the conversation in the body.
    pub(crate) fn conversation<'t>(&self, body: &'t str) -> Conversation<'t> {
        Conversation { body, messages: self.messages(body) }
    }

    /// Returns the conversation to rate; none if it has no text of a user, which an upstream may answer all
    /// the same. With `system`, the system text is prepended to the first user message. A NUL character,
    /// which the engine refuses, is rated as a space.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`] for malformed messages; `messages_without_text` if there are none.
    pub(crate) fn query(
        &self,
        conversation: &Conversation<'_>,
        system: bool,
    ) -> Result<Option<Query>, GatewayError> {
        let messages = conversation.messages.as_ref().map_err(Clone::clone)?;
        let first = messages.iter().position(|message| message.role.as_deref() == Some("user"));
        let system = match system {
            true => self.system_texts(conversation.body, messages),
            false => vec![],
        };
        let texts = messages.iter().enumerate().map(|(at, message)| {
            let role = message.role.as_deref().unwrap_or_default();
            let system = if Some(at) == first { system.as_slice() } else { &[] };
            (role, move || without_nul(with_system(system, message.texts.joined())))
        });
        let needs_messages = matches!(self.dialect, Dialect::Chat | Dialect::Messages);
        match Query::from_roles_and_texts(texts) {
            Ok(query) => Ok(Some(query)),
            Err(RouterError::MessagesWithoutText { .. })
                if !(messages.is_empty() && needs_messages) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The system texts, and the role and text of each message; none if the body cannot be read.
    pub(super) fn texts<'t>(&self, body: &'t str) -> Option<RolesAndTexts<'t>> {
        let messages = self.messages(body).ok()?;
        let role = |message: &Message<'t>| message.role.as_deref().unwrap_or_default().to_owned();
        let texts = messages.iter().map(|message| (role(message), message.texts.joined()));
        Some((self.system_texts(body, &messages), texts.collect()))
    }

    /// The request's limit on output tokens, if it states one: the first of its API's fields.
    pub(crate) fn output_tokens(&self) -> Option<u32> {
        self.limits.iter().find_map(|(_, value)| match value {
            Whole::Stated(tokens) => u32::try_from(*tokens).ok(),
            Whole::Other(_) => None,
        })
    }

    /// The request's limit on output tokens that an upstream may take: the largest of its API's fields.
    ///
    /// # Errors
    /// [`Untranslatable`] for a field that is not a whole number, at least 1.
    pub(crate) fn largest_output(&self) -> Result<Option<u64>, Untranslatable> {
        largest(&self.limits)
    }

    /// The number of answers asked for, each of a length of its own.
    ///
    /// # Errors
    /// [`Untranslatable`] for a field that is not a whole number, at least 1.
    pub(crate) fn answers(&self) -> Result<u64, Untranslatable> {
        let choices = largest(&self.choices)?.unwrap_or(1);
        Ok(choices.saturating_mul(self.prompts))
    }

    /// The names of the fields that limit the output and are stated.
    pub(crate) fn limit_fields(&self) -> impl Iterator<Item = &'static str> {
        self.limits.iter().map(|(name, _)| *name)
    }

    /// Whether the request has tools.
    pub(crate) fn has_tools(&self) -> bool {
        self.tools.count > 0
    }

    /// The types of its tools.
    pub(crate) fn tool_types(&self) -> impl Iterator<Item = &str> {
        self.tools.types.iter().map(String::as_str)
    }

    /// Whether the request has images.
    pub(crate) fn has_images(&self) -> bool {
        self.media.images > 0
    }

    /// The format of JSON that the request asks for.
    pub(crate) fn json_format(&self) -> Option<JsonFormat> {
        self.json_format
    }

    /// Whether the request asks for JSON output.
    pub(crate) fn wants_json(&self) -> bool {
        self.json_format.is_some()
    }

    /// The top-level fields with their values as JSON texts.
    pub(crate) fn named_values<'t>(
        &'t self,
        body: &'t str,
    ) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.fields.iter().map(|(name, range)| (name, &body[range]))
    }

    /// The byte range of the value of `model`.
    pub(crate) fn model_range(&self) -> Range<usize> {
        self.fields.get("model").unwrap_or_default()
    }

    fn raw<'t>(&self, body: &'t str, name: &str) -> Option<&'t str> {
        self.fields.get(name).map(|range| &body[range])
    }

    /// The messages; halves of characters, which are JSON and no text, are read as U+FFFD.
    fn messages<'t>(&self, body: &'t str) -> Result<Vec<Message<'t>>, GatewayError> {
        let json = self.raw(body, conversation_field(self.dialect)).unwrap_or("null");
        let messages = self.read_messages(json).or_else(|error| match surrogates::replaced(json) {
            Cow::Owned(json) => {
                let messages = self.read_messages(&json)?;
                Ok(messages.into_iter().map(Message::into_owned).collect())
            }
            Cow::Borrowed(_) => Err(error),
        });
        let messages = messages.map_err(|e| conversation_error(&e))?;
        match messages.iter().any(|message| message.role.is_none()) {
            true => Err(GatewayError::BodyNotJson {
                detail: "the conversation: a message has no \"role\"".into(),
            }),
            false => Ok(messages),
        }
    }

    fn read_messages<'t>(&self, json: &'t str) -> serde_json::Result<Vec<Message<'t>>> {
        match self.dialect {
            Dialect::Chat | Dialect::Messages => {
                serde_json::from_str::<Messages<'_>>(json).map(|messages| messages.0)
            }
            // A stored prompt or an earlier response may hold all there is.
            Dialect::Responses if json == "null" => Ok(vec![]),
            Dialect::Responses if json.starts_with('"') => serde_json::from_str::<Texts<'_>>(json)
                .map(|text| vec![Message::user(text.joined())]),
            Dialect::Responses => serde_json::from_str::<Messages<'_>>(json)
                .map(|items| items.0.into_iter().filter(|item| item.role.is_some()).collect()),
            Dialect::Completions | Dialect::Embeddings => {
                let prompts = serde_json::from_str::<Prompts<'_>>(json);
                prompts.map(|prompts| vec![Message::user(joined(&prompts.texts))])
            }
        }
    }

    fn system_texts<'t>(&self, body: &'t str, messages: &[Message<'t>]) -> Vec<Cow<'t, str>> {
        let field = match self.dialect {
            Dialect::Messages => self.raw(body, "system"),
            Dialect::Responses => self.raw(body, "instructions"),
            _ => None,
        };
        let stated = field.and_then(|json| serde_json::from_str::<Texts<'_>>(json).ok());
        let systems = messages
            .iter()
            .filter(|message| matches!(message.role.as_deref(), Some("system" | "developer")));
        let mut texts: Vec<Cow<'_, str>> = stated.iter().map(Texts::joined).collect();
        texts.extend(systems.map(|message| message.texts.joined()));
        texts.retain(|text| !text.trim().is_empty());
        texts
    }
}

/// Refuses a body of more values or levels than are read.
///
/// # Errors
/// [`GatewayError::BodyTooComplex`].
pub(crate) fn check_bounds(body: &str) -> Result<(), GatewayError> {
    json_bounds::check(body.as_bytes(), MAX_VALUES)
        .map_err(|e| GatewayError::BodyTooComplex { detail: e.to_string() })
}

impl Whole {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn read(json: &str) -> Self {
        // Some clients write 1e3 or 1000.0.
        let number: Option<f64> = json.parse().ok();
        match number.filter(|n| *n >= 1.0 && *n <= f64::from(u32::MAX) && n.fract() == 0.0) {
            Some(number) => Self::Stated(number as u64),
            None => Self::Other(json.chars().take(40).collect()),
        }
    }
}

fn largest(fields: &[(&'static str, Whole)]) -> Result<Option<u64>, Untranslatable> {
    let mut most = None;
    for (name, value) in fields {
        match value {
            Whole::Stated(number) => most = most.max(Some(*number)),
            Whole::Other(found) => {
                return Err(Untranslatable::Malformed {
                    field: (*name).to_owned(),
                    found: found.clone(),
                    expected: "a whole number, at least 1",
                });
            }
        }
    }
    Ok(most)
}

fn conversation_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat | Dialect::Messages => "messages",
        Dialect::Responses | Dialect::Embeddings => "input",
        Dialect::Completions => "prompt",
    }
}

fn conversation_error(error: &serde_json::Error) -> GatewayError {
    match json_error(error) {
        GatewayError::BodyNotJson { detail } => {
            GatewayError::BodyNotJson { detail: format!("the conversation: {detail}") }
        }
        other => other,
    }
}

fn joined<'t>(texts: &[Cow<'t, str>]) -> Cow<'t, str> {
    match texts {
        [one] => one.clone(),
        more => Cow::Owned(more.join("\n\n")),
    }
}

fn with_system<'t>(system: &[Cow<'t, str>], text: Cow<'t, str>) -> Cow<'t, str> {
    match system {
        [] => text,
        system => Cow::Owned(format!("{}\n\n{text}", system.join("\n\n"))),
    }
}

fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', " ")),
        false => text,
    }
}

impl JsonFormat {
    /// Reads a response format; `text` and `output_config` have theirs in `format`.
    fn of(json: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Format {
            #[serde(rename = "type")]
            kind: Option<String>,
            format: Option<Box<Format>>,
        }
        let found: Format = serde_json::from_str(json).ok()?;
        match found.kind.or_else(|| found.format?.kind)?.as_str() {
            "json_object" => Some(Self::Object),
            "json_schema" => Some(Self::Schema),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    fn parsed(dialect: Dialect, body: &Value) -> RequestBody {
        RequestBody::new(dialect, &body.to_string(), &manifest()).unwrap()
    }

    fn turns(dialect: Dialect, body: &Value, system: bool) -> Vec<String> {
        {
            let (found, text) = (parsed(dialect, body), body.to_string());
            found.query(&found.conversation(&text), system).unwrap().unwrap()
        }
        .turns()
        .to_vec()
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
    fn each_apis_way_of_asking_for_json_is_known() {
        let asks = |dialect, more: Value| {
            let mut body = json!({"model": "auto", "messages": [], "input": ""});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            parsed(dialect, &body).wants_json()
        };
        let format = json!({"type": "json_schema", "schema": {"type": "object"}});
        assert!(asks(Dialect::Chat, json!({"response_format": {"type": "json_object"}})));
        assert!(asks(Dialect::Responses, json!({"text": {"verbosity": "low", "format": format}})));
        assert!(asks(
            Dialect::Messages,
            json!({"output_config": {"effort": "low", "format": format}})
        ));
        assert!(asks(Dialect::Messages, json!({"output_format": format})));
        assert!(!asks(Dialect::Messages, json!({"output_config": {"effort": "low"}})));
        assert!(!asks(Dialect::Responses, json!({"text": {"format": {"type": "text"}}})));
    }

    #[test]
    fn what_an_answer_may_cost_is_read_from_the_apis_own_fields() {
        let of = |dialect, body: Value| {
            let found = parsed(dialect, &body);
            (found.largest_output().ok(), found.answers().ok())
        };
        let chat = json!({"model": "m", "max_tokens": 100_000, "max_output_tokens": 1, "n": 128});
        assert_eq!(of(Dialect::Chat, chat), (Some(Some(100_000)), Some(128)));
        let both = json!({"model": "m", "max_tokens": 100, "max_completion_tokens": 9});
        assert_eq!(of(Dialect::Chat, both), (Some(Some(100)), Some(1)));
        let prompts = json!({"model": "m", "prompt": ["a", "b", "c"], "n": 2, "best_of": 5});
        assert_eq!(of(Dialect::Completions, prompts), (Some(None), Some(15)));
        for nonsense in [json!("many"), json!(0), json!(-1), json!(1.5), json!([1]), json!(1e30)] {
            let body = json!({"model": "m", "max_tokens": nonsense, "n": nonsense});
            assert_eq!(of(Dialect::Chat, body), (None, None), "{nonsense}");
        }
        let none = json!({"model": "m", "max_tokens": null, "n": null});
        assert_eq!(of(Dialect::Chat, none), (Some(None), Some(1)));
    }

    #[test]
    fn the_types_of_tools_are_read() {
        let body = json!({"model": "m", "tools": [{"type": "function"}, {"type": "web_search"},
            {"name": "x"}, {"type": "function"}]});
        let found = parsed(Dialect::Responses, &body);
        assert_eq!(found.tool_types().collect::<Vec<_>>(), ["function", "web_search"]);
        assert!(found.has_tools());
        for odd in [json!(null), json!([]), json!("x")] {
            assert!(!parsed(Dialect::Chat, &json!({"model": "m", "tools": odd})).has_tools());
        }
        assert!(parsed(Dialect::Chat, &json!({"model": "m", "tools": [7]})).has_tools());
        let carried = json!({"model": "m", "tools": [{"type": "function"}], "input": [
            {"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]}]});
        let found = parsed(Dialect::Responses, &carried);
        assert_eq!(found.tool_types().collect::<Vec<_>>(), ["function", "web_search"]);
    }

    #[test]
    fn a_conversation_kept_by_an_upstream_is_refused_in_the_words_of_anthropics_libraries() {
        let with = |thread: Value| {
            let body = json!({"model": "m", "thread": thread, "messages": []}).to_string();
            RequestBody::new(Dialect::Messages, &body, &manifest())
        };
        assert!(with(Value::Null).is_ok());
        let error = with(json!({"type": "create"})).unwrap_err();
        assert_eq!((error.status(), error.code()), (400, "thread_unsupported"));
        let details = error.anthropic_details().unwrap();
        assert_eq!(details["error_code"], "thread_unsupported_request");
        assert_eq!(details["unsupported"], json!(["thread"]));
    }

    #[test]
    fn a_field_that_some_upstreams_would_read_otherwise_is_refused() {
        for (body, code) in [
            (r#"{"model": "a", "model": "b"}"#, "body_not_json"),
            (r#"{"model": "a", "MODEL": "b"}"#, "body_not_json"),
            (r#"{"model": "a", "Max_Tokens": 9}"#, "field_spelling"),
            (r#"{"Model": "a"}"#, "field_spelling"),
        ] {
            let found = RequestBody::new(Dialect::Chat, body, &manifest());
            assert_eq!(found.map(drop).map_err(|e| e.code()), Err(code), "{body}");
        }
    }

    #[test]
    fn a_body_of_too_many_values_or_levels_is_refused() {
        let many = format!(r#"{{"model": "a", "x": [{}0]}}"#, "0,".repeat(MAX_VALUES));
        let deep = format!(r#"{{"model": "a", "x": {}{}}}"#, "[".repeat(200), "]".repeat(200));
        for body in [many, deep] {
            assert_eq!(check_bounds(&body).map_err(|e| e.code()), Err("body_too_complex"));
        }
    }

    #[test]
    fn what_cannot_be_rated_is_no_fault_of_the_request() {
        let rated = |messages: Value| {
            let body = json!({"model": "auto", "messages": messages});
            let (found, text) = (parsed(Dialect::Chat, &body), body.to_string());
            found
                .query(&found.conversation(&text), false)
                .unwrap()
                .map(|query| query.turns().to_vec())
        };
        let user = |content: Value| json!([{"role": "user", "content": content}]);
        assert_eq!(rated(user(json!("a\0b"))), Some(vec!["a b".to_owned()]));
        let image = json!([{"type": "image_url", "image_url": {"url": "x:"}}]);
        for content in [image, json!(""), json!(" \n"), json!("\0"), json!([]), Value::Null] {
            assert_eq!(rated(user(content.clone())), None, "{content}");
        }
        assert_eq!(rated(json!([{"role": "system", "content": "x"}])), None);
        let earlier = json!([{"role": "user", "content": "Read it."},
                             {"role": "tool", "tool_call_id": "c", "content": "7"},
                             {"role": "user", "content": ""}]);
        assert_eq!(rated(earlier), Some(vec!["Read it.".to_owned()]));
        let input =
            json!({"model": "auto", "input": [{"type": "function_call_output", "output": "7"}]});
        for (dialect, body) in [
            (Dialect::Responses, input),
            (Dialect::Responses, json!({"model": "auto", "input": "", "prompt": {"id": "p"}})),
            (Dialect::Completions, json!({"model": "auto", "prompt": [1, 2, 3]})),
        ] {
            let (found, text) = (parsed(dialect, &body), body.to_string());
            assert_eq!(found.query(&found.conversation(&text), false), Ok(None), "{body}");
        }
    }

    #[test]
    fn bad_requests_have_codes() {
        let code = |body: &str| {
            RequestBody::new(Dialect::Chat, body, &manifest())
                .and_then(|found| found.query(&found.conversation(body), false))
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
        ];
        for (body, expected) in cases {
            assert_eq!(code(&body), expected, "{body}");
        }
    }
}
