//! Spend logs of LiteLLM's proxy: rows of its table `LiteLLM_SpendLogs`, or what its `/spend/logs` answers (a
//! list, or a list in `data`).
//!
//! ```json
//! {"request_id": "r-1", "call_type": "acompletion", "model": "small", "spend": 0.0002, "messages": {},
//!  "proxy_server_request": {"model": "small", "messages": [{"role": "user", "content": "Name a prime above 10."}]}}
//! ```
//!
//! A prompt's id is `request_id`, its data set the file's name. The conversation is `messages`, or that of
//! `proxy_server_request`, the request as it came, where the proxy writes no `messages`; both may be JSON in a
//! text. The proxy stores prompts only where `store_prompts_in_spend_logs` is set, and cuts long ones: calls
//! without a prompt, with a cut or a redacted one, and calls that are no chat or completion, are passed over.

use std::path::PathBuf;

use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::files::stem_of;
use super::json_rows::{Fields, for_each_row};
use super::messages::Asked;
use super::prompt_sink::{Entry, PromptSink};
use super::request_body::{NO_PROMPT, asked_of};

const EXPECTED: &str = "spend logs of LiteLLM: rows with request_id and messages";

/// Parts of the names of the calls that ask an LLM.
const CALLS: [&str; 5] =
    ["completion", "responses", "anthropic_messages", "generate_content", "generateContent"];

const NOT_STORED: &str =
    "calls logged without their prompt (the proxy's store_prompts_in_spend_logs stores it)";
const CUT: &str =
    "prompts that the proxy cut (its MAX_STRING_LENGTH_PROMPT_IN_DB raises the limit)";

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        let set = stem_of(file);
        for_each_row(file, sink, EXPECTED, |sink, line, fields| {
            sink.push(line, fields.and_then(|fields| entry(&fields, &set)))
        })
    })
}

fn entry(fields: &Fields, set: &str) -> Result<Entry, RowFault> {
    let text =
        |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("request_id").ok_or_else(|| {
        RowFault::new(
            "missing_field",
            "found no \"request_id\", expected one in every row: ask /spend/logs with summarize=false, which \
             answers calls in place of sums",
        )
    })?;
    if text("call_type").is_some_and(|call| !CALLS.iter().any(|name| call.contains(name))) {
        return Ok(Entry::PassedOver("calls that are no chat or completion"));
    }
    let asked = ["messages", "proxy_server_request"]
        .into_iter()
        .filter_map(|name| fields.get(name).filter(|value| holds_body(value)))
        .map(asked_of)
        .find(|asked| *asked != Asked::PassedOver(NO_PROMPT));
    let Some(asked) = asked else { return Ok(Entry::PassedOver(NOT_STORED)) };
    if let Asked::Conversation { messages, .. } = &asked {
        let any = |part: fn(&str) -> bool| messages.iter().any(|(_, text)| part(text));
        if any(|text| text.contains("(litellm_truncated skipped ") || was_cut_by_older(text)) {
            return Ok(Entry::PassedOver(CUT));
        }
        if any(|text| text.trim() == "redacted-by-litellm") {
            return Ok(Entry::PassedOver("prompts that the proxy redacted"));
        }
    }
    Ok(Entry::of(asked, id.to_owned(), set.to_owned()))
}

/// Whether a field holds a body: the proxy writes `{}`, as text or object, for none.
fn holds_body(value: &Value) -> bool {
    match value {
        Value::String(text) => !matches!(text.trim(), "" | "{}" | "[]" | "null"),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    }
}

/// Whether a text ends as older versions cut it: `... (truncated 300 chars)`.
fn was_cut_by_older(text: &str) -> bool {
    let Some((_, rest)) = text.rsplit_once("... (truncated ") else { return false };
    rest.strip_suffix(" chars)")
        .is_some_and(|count| count.bytes().all(|byte| byte.is_ascii_digit()))
}
