//! Reads what an upstream's error says, whatever its shape.
//!
//! | body | of |
//! | --- | --- |
//! | `{"error": {"message", "type", "param", "code"}}` | OpenAI and most servers after it; Anthropic beside `type` |
//! | `[{"error": {"message", "status", "code"}}]`, or without the list | Google |
//! | `{"error": "words"}`, `{"error": ["words"], "error_type"}` | Ollama, Hugging Face |
//! | `{"detail": "words"}`, `{"detail": [{"loc", "msg"}]}` | FastAPI |
//! | `{"object": "error", "message": "words"}`, `message` also with such a `detail` | vLLM, Mistral |
//! | `{"message": "words"}`, `{"Message": "words"}` | AWS |
//! | `{"success": false, "errors": [{"code", "message"}]}` | Cloudflare |
//! | `{"title", "detail", "status"}` | problem details (RFC 9457) |
//! | words without JSON | proxies |
//!
//! A page in HTML or XML says nothing: it is of something in front of the upstream.

use serde_json::Value;

use super::json_bounds;

/// The most bytes of a text without JSON that is passed on.
const MAX_PLAIN_BYTES: usize = 2048;
/// The most levels at which words are looked for in one another.
const MAX_LEVELS: usize = 4;
/// The most words of a list, and the most fields that an error names.
const MAX_ITEMS: usize = 16;

/// What an error says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpstreamError {
    /// Its words; empty if it has none.
    pub(crate) message: String,
    /// Its type, as the upstream names it.
    pub(crate) kind: Option<String>,
    /// Its code; not a number.
    pub(crate) code: Option<String>,
    /// The paths of the request's fields that it names as fields, such as `tools[0].strict` or `body.user`.
    pub(crate) fields: Vec<String>,
    /// The HTTP status that it states.
    pub(crate) status: Option<u16>,
}

impl UpstreamError {
    /// Reads a body; none if nothing in it can be told to a caller.
    pub(crate) fn read(body: &str) -> Option<Self> {
        let text = body.trim_start_matches('\u{feff}').trim();
        match json_bounds::parse_tree(text.as_bytes()) {
            Ok(value) => Some(Self::of(&value)).filter(|error| *error != Self::default()),
            Err(_) => plain_words(text).map(|message| Self { message, ..Self::default() }),
        }
    }

    /// Reads a parsed body, or the data of an event.
    pub(crate) fn of(body: &Value) -> Self {
        let body = body.get(0).filter(|_| body.is_array()).unwrap_or(body);
        // An object `error` is the error; otherwise its fields stand beside it.
        let error = ["error", "Error", "fault"].iter().find_map(|name| body.get(*name));
        let error = error.filter(|error| error.is_object()).unwrap_or(body);
        let mut read = Self::default();
        let places = ["message", "Message", "msg", "detail", "error", "errors", "faultstring"];
        let words = [error, body].into_iter().find_map(|within| {
            places.iter().filter_map(|name| within.get(*name)).find(|words| said(words))
        });
        let titles = ["title", "error_description", "errorMessage", "reason", "description"];
        let title = titles.iter().find_map(|name| body[*name].as_str()).unwrap_or_default();
        let mut found = words.map(|words| read.words(words, 0)).unwrap_or_default();
        if found.is_empty() && body.is_string() {
            found = read.words(body, 0);
        }
        read.message = match (title.trim(), found) {
            ("", found) => found,
            (title, found) if found.is_empty() => title.to_owned(),
            (title, found) if found.contains(title) => found,
            (title, found) => format!("{title}: {found}"),
        };
        if let Some(inner) = error["metadata"]["raw"].as_str() {
            // OpenRouter: what the provider said is within what OpenRouter says of it.
            let inner = Self::read(inner).map(|inner| inner.message).unwrap_or_default();
            if !inner.is_empty() && !read.message.contains(&inner) {
                read.message = format!("{}: {inner}", read.message);
            }
        }
        let word = |names: &[&str]| {
            let places =
                [error, body].into_iter().flat_map(|of| names.iter().map(|name| &of[*name]));
            let mut texts = places.filter_map(Value::as_str).filter(|text| !text.trim().is_empty());
            texts.next().map(str::to_owned)
        };
        read.kind = word(&["type", "error_type", "__type"]).filter(|kind| kind != "error");
        read.code = word(&["code", "Code", "error_code", "status"])
            .or_else(|| error["errors"][0]["code"].as_str().map(str::to_owned))
            .filter(|code| code.parse::<f64>().is_err());
        read.fields.extend(word(&["param"]));
        read.status = ["code", "status", "status_code", "statusCode"]
            .iter()
            .flat_map(|name| [&error[*name], &body[*name]])
            .find_map(http_status);
        read
    }

    /// The error with each of its texts changed.
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        let changed = |text: Option<String>| text.map(|text| change(&text));
        Self {
            message: change(&self.message),
            kind: changed(self.kind),
            code: changed(self.code),
            fields: self.fields.iter().map(|field| change(field)).collect(),
            status: self.status,
        }
    }

    /// The words of a value; also those of objects within lists, whose `loc` names a field.
    fn words(&mut self, value: &Value, level: usize) -> String {
        match value {
            Value::String(text) => match nested(text).filter(|_| level < MAX_LEVELS) {
                Some(inner) => self.words(&inner, level + 1),
                None => text.trim().to_owned(),
            },
            _ if level == MAX_LEVELS => String::new(),
            Value::Array(list) => {
                let words = list.iter().take(MAX_ITEMS).map(|item| self.words(item, level + 1));
                let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
                words.join("; ")
            }
            Value::Object(fields) => {
                let path = fields.get("loc").map(path).unwrap_or_default();
                let places = ["msg", "message", "Message", "detail", "error", "reason", "errors"];
                let words = places.iter().find_map(|name| fields.get(*name));
                let words = words.map(|words| self.words(words, level + 1)).unwrap_or_default();
                match path.is_empty() || self.fields.len() == MAX_ITEMS {
                    true => words,
                    false => {
                        let told = format!("{path}: {words}");
                        self.fields.push(path);
                        told
                    }
                }
            }
            _ => String::new(),
        }
    }
}

/// Whether a value holds words.
fn said(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// The error that a text holds as JSON, as that of a proxy which quotes its upstream.
fn nested(text: &str) -> Option<Value> {
    let text = text.trim();
    let value = text.starts_with(['{', '[']).then(|| json_bounds::parse_tree(text.as_bytes()))?;
    let error = UpstreamError::of(value.as_ref().ok()?);
    (!error.message.is_empty()).then_some(Value::String(error.message))
}

/// A path of FastAPI's, such as `["body", "messages", 1, "name"]`, as one text.
fn path(loc: &Value) -> String {
    let parts = loc.as_array().into_iter().flatten().take(MAX_ITEMS);
    let parts = parts.map(|part| match part {
        Value::String(name) => name.clone(),
        other => other.to_string(),
    });
    parts.collect::<Vec<String>>().join(".")
}

#[allow(clippy::cast_possible_truncation)]
fn http_status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (400..=599).contains(&number).then_some(number as u16)
}

/// A text without JSON that people can read: not a page, and no damaged JSON.
fn plain_words(text: &str) -> Option<String> {
    let printable = |c: char| !c.is_control() || c.is_whitespace();
    let readable = !text.is_empty()
        && text.len() <= MAX_PLAIN_BYTES
        && !text.starts_with(['<', '{', '['])
        && !text.contains('\u{fffd}')
        && text.chars().all(printable)
        && text.chars().any(char::is_alphabetic);
    readable.then(|| text.split_whitespace().collect::<Vec<&str>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(body: &Value) -> String {
        UpstreamError::read(&body.to_string()).unwrap_or_default().message
    }

    #[test]
    fn the_words_are_found_in_every_shape() {
        for body in [
            json!({"error": {"message": "So.", "type": "x", "param": null, "code": null}}),
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "So."}}),
            json!([{"error": {"code": 400, "message": "So.", "status": "INVALID_ARGUMENT"}}]),
            json!({"error": {"code": 400, "message": "So.", "details": [{"@type": "x"}]}}),
            json!({"error": "So."}),
            json!({"error": ["So."], "error_type": "validation"}),
            json!({"error": {"error": "So."}}),
            json!({"error": {"detail": "So."}}),
            json!({"detail": "So."}),
            json!({"detail": {"message": "So."}}),
            json!({"detail": {"error": {"message": "So."}}}),
            json!({"object": "error", "message": "So.", "type": "BadRequestError", "code": 400}),
            json!({"object": "error", "message": {"detail": "So."}}),
            json!({"message": "So."}),
            json!({"Message": "So."}),
            json!({"message": {"Error": 1, "message": "So."}}),
            json!({"__type": "ValidationException", "message": "So."}),
            json!({"success": false, "result": null, "errors": [{"code": 7009, "message": "So."}]}),
            json!({"errors": ["So."]}),
            json!({"error": {"errors": [{"message": "So."}]}}),
            json!({"title": "So.", "status": 400}),
            json!({"fault": {"faultstring": "So."}}),
            json!({"error": "", "message": "So."}),
            json!({"error": null, "detail": "So."}),
            json!("So."),
            json!({"message": "{\"error\": {\"message\": \"So.\"}}"}),
        ] {
            assert_eq!(message(&body), "So.", "{body}");
        }
    }

    #[test]
    fn problem_details_have_a_title_and_a_detail() {
        let body =
            json!({"title": "Bad request", "detail": "the window is 4096 tokens", "status": 400});
        assert_eq!(message(&body), "Bad request: the window is 4096 tokens");
    }

    #[test]
    fn an_error_of_fastapi_names_its_fields() {
        let detail = json!([
            {"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Not permitted"},
            {"type": "missing", "loc": ["body", "messages", 1, "name"], "msg": "Required"},
        ]);
        for body in [json!({"detail": detail}), json!({"message": {"detail": detail}})] {
            let error = UpstreamError::of(&body);
            assert_eq!(error.fields, ["body.user", "body.messages.1.name"]);
            assert_eq!(error.message, "body.user: Not permitted; body.messages.1.name: Required");
        }
    }

    #[test]
    fn what_a_provider_said_is_found_in_what_a_reseller_says() {
        let raw = json!({"error": {"message": "prompt is too long"}}).to_string();
        let body = json!({"error": {"message": "Provider returned error", "code": 400,
                                    "metadata": {"raw": raw, "provider_name": "X"}}});
        let error = UpstreamError::of(&body);
        assert_eq!(error.message, "Provider returned error: prompt is too long");
        assert_eq!(error.status, Some(400));
    }

    #[test]
    fn codes_types_and_statuses_are_told_apart() {
        let error = UpstreamError::of(&json!({"error": {"message": "x", "type": "t", "param": "p",
                                                        "code": "context_length_exceeded"}}));
        assert_eq!(error.code.as_deref(), Some("context_length_exceeded"));
        assert_eq!((error.kind.as_deref(), &*error.fields), (Some("t"), &["p".to_owned()][..]));
        let google =
            UpstreamError::of(&json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]));
        assert_eq!(
            (google.code.as_deref(), google.status),
            (Some("RESOURCE_EXHAUSTED"), Some(429))
        );
        for (code, status) in [(json!("400"), Some(400)), (json!(7009), None), (json!(1), None)] {
            let error = UpstreamError::of(&json!({"error": {"message": "x", "code": code}}));
            assert_eq!((error.status, error.code), (status, None));
        }
    }

    #[test]
    fn a_short_text_is_passed_on_and_a_page_is_not() {
        let read = |text: &str| UpstreamError::read(text).map(|error| error.message);
        assert_eq!(read("upstream\n request timeout "), Some("upstream request timeout".into()));
        let long = "x".repeat(MAX_PLAIN_BYTES + 1);
        for page in
            ["<html>Busy</html>", " <?xml?>", "", "{", "[1", "a\u{0}b", "{}", "[]", &long, "7"]
        {
            assert_eq!(read(page), None, "{page:?}");
        }
    }

    #[test]
    fn deep_and_long_errors_are_bounded() {
        let deep = (0..50).fold(json!("x"), |inner, _| json!({"detail": inner}));
        assert!(message(&deep).len() < 10);
        let long = json!({"detail": vec![json!({"loc": ["a"], "msg": "b"}); 1000]});
        assert!(message(&long).len() < 200);
        let text = (0..6).fold("x".to_owned(), |inner, _| json!({"message": inner}).to_string());
        assert!(UpstreamError::read(&text).is_some());
    }
}
