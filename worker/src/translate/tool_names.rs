//! Gives tools names that the upstream's API takes, and gives the caller's own names back.
//!
//! A name has at most 64 letters at OpenAI and 128 at Anthropic, of `A-Z a-z 0-9 _ -`. Any other name is
//! shortened, with a hash of it at its end:
//!
//! ```text
//! "mcp__files__" + "x" * 80   ->  "mcp__files__xxx...xxx_1f0c8a9be2"
//! ```
//! It is the same name in the tools, the choice of a tool, the history, and in each further request.

use std::collections::{BTreeMap, BTreeSet};

use pointsman::sha256_hex;
use serde_json::Value;

use crate::config::Api;
use crate::request::endpoint::Dialect;
use crate::wire::json_tree;

/// The hexadecimal digits of a hash.
const DIGITS: usize = 10;

/// The names that were changed in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolNames {
    /// The caller's names by the upstream's.
    given: BTreeMap<String, String>,
}

impl ToolNames {
    /// Changes the names in a request of the client's API that this upstream's would refuse.
    pub(crate) fn change(request: &mut Value, client: Dialect, api: Api) -> Self {
        let most = match api {
            Api::Anthropic => 128,
            Api::Openai | Api::WorkersAi => 64,
        };
        let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for name in names(request, client) {
            if let Some(name) = name.as_str().filter(|name| json_tree::is_copied(name)) {
                let list = if is_taken(name, most) { &mut taken } else { &mut refused };
                list.insert(name.to_owned());
            }
        }
        let (mut changed, mut sent) = (Self::default(), BTreeMap::new());
        for name in refused {
            let mut number = 0;
            let mut made = shortened(&name, number, most);
            while !taken.insert(made.clone()) {
                number += 1;
                made = shortened(&name, number, most);
            }
            changed.given.insert(made.clone(), name.clone());
            sent.insert(name, made);
        }
        for place in names(request, client) {
            if let Some(made) = place.as_str().and_then(|name| sent.get(name)) {
                *place = made.as_str().into();
            }
        }
        changed
    }

    /// Gives the calls in an answer the caller's names. A made name has a hash, and stands for nothing else.
    pub(crate) fn restore(&self, answer: &mut Value) {
        match answer {
            _ if self.given.is_empty() => {}
            Value::Array(list) => list.iter_mut().for_each(|value| self.restore(value)),
            Value::Object(fields) => {
                for (field, value) in fields {
                    let given = value.as_str().and_then(|name| self.given.get(name));
                    match given.filter(|_| field == "name") {
                        Some(given) => *value = given.as_str().into(),
                        None => self.restore(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// The same for an event of a stream. One that is not JSON stays as it is.
    pub(crate) fn restore_event(&self, data: &mut String) {
        if self.given.keys().any(|made| data.contains(made.as_str()))
            && let Ok(mut event) = json_tree::parse_answer(data)
        {
            self.restore(&mut event);
            *data = json_tree::to_text(&event);
        }
    }
}

fn is_taken(name: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    // An empty name is the caller's mistake, which the upstream names.
    name.len() <= most && name.bytes().all(plain)
}

fn shortened(name: &str, number: u32, most: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let start: String = name.chars().take(most - DIGITS - 1).map(plain).collect();
    format!("{start}_{}", &sha256_hex(format!("{number} {name}").as_bytes())[..DIGITS])
}

fn elements(list: &mut Value) -> impl Iterator<Item = &mut Value> {
    list.as_array_mut().into_iter().flatten().filter(|element| element.is_object())
}

/// Where the names of tools stand in a request of the client's API.
fn names(request: &mut Value, client: Dialect) -> Vec<&mut Value> {
    let mut places = Vec::new();
    let Some(fields) = request.as_object_mut() else { return places };
    for (field, value) in fields {
        match (field.as_str(), client) {
            ("tools", Dialect::Messages) => places.extend(elements(value).filter_map(name_of)),
            ("tools", _) => places.extend(elements(value).filter_map(function_name_of)),
            ("tool_choice", Dialect::Messages) => places.extend(name_of(value)),
            ("tool_choice", _) => places.extend(function_name_of(value)),
            ("messages", Dialect::Messages) => {
                let content = |turn| field_of(turn, "content");
                let blocks = elements(value).filter_map(content).flat_map(elements);
                let calls = blocks.filter(|block| block["type"] == "tool_use");
                places.extend(calls.filter_map(name_of));
            }
            ("messages", _) => {
                let calls = |message| field_of(message, "tool_calls");
                let calls = elements(value).filter_map(calls).flat_map(elements);
                places.extend(calls.filter_map(function_name_of));
            }
            _ => {}
        }
    }
    places
}

fn field_of<'v>(object: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    object.as_object_mut()?.get_mut(name)
}

fn name_of(object: &mut Value) -> Option<&mut Value> {
    field_of(object, "name")
}

fn function_name_of(tool: &mut Value) -> Option<&mut Value> {
    name_of(field_of(tool, "function")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_the_same_everywhere_and_comes_back() {
        let long = format!("mcp__files__{}", "x".repeat(80));
        let mut request = json!({
            "tools": [{"name": long, "input_schema": {}}, {"name": "look"}],
            "tool_choice": {"type": "tool", "name": long},
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [{"type": "text", "text": "x", "name": "a b"},
                    {"type": "tool_use", "id": "t", "name": long, "input": {"name": long}}]}],
        });
        let given = request.clone();
        let names = ToolNames::change(&mut request, Dialect::Messages, Api::Openai);
        let sent = request["tools"][0]["name"].as_str().map(str::to_owned).unwrap_or_default();
        assert!(sent.len() == 64 && sent.starts_with("mcp__files__xxx"), "{sent}");
        assert_eq!(request["tool_choice"]["name"], sent);
        let turn = &request["messages"][1]["content"];
        assert_eq!((&turn[1]["name"], &turn[1]["input"]["name"]), (&json!(sent), &json!(long)));
        assert_eq!(
            (&turn[0]["name"], &request["tools"][1]["name"]),
            (&json!("a b"), &json!("look"))
        );
        assert_eq!((names.given.get(&sent), names.given.get("look")), (Some(&long), None));
        let mut again = given.clone();
        assert_eq!(ToolNames::change(&mut again, Dialect::Messages, Api::Openai), names);
        let mut same = given.clone();
        let unchanged = ToolNames::change(&mut same, Dialect::Messages, Api::Anthropic);
        assert_eq!((same, unchanged), (given, ToolNames::default()));
    }

    #[test]
    fn letters_that_an_api_refuses_are_replaced() {
        let function = |name: &str| json!({"type": "function", "function": {"name": name}});
        let mut request = json!({
            "tools": [function("files.read"), function("files:read"), function("größe")],
            "tool_choice": function("files.read"),
            "messages": [{"role": "assistant", "tool_calls": [function("files:read")]}],
        });
        let names = ToolNames::change(&mut request, Dialect::Chat, Api::Anthropic);
        let sent =
            |at: usize| request["tools"][at]["function"]["name"].as_str().unwrap_or_default();
        assert!(sent(0).starts_with("files_read_") && is_taken(sent(2), 64), "{request}");
        assert_ne!(sent(0), sent(1));
        assert_eq!(request["tool_choice"]["function"]["name"], sent(0));
        assert_eq!(request["messages"][0]["tool_calls"][0]["function"]["name"], sent(1));
        let mut answer = json!({"content": [{"type": "tool_use", "name": sent(2)}, 7]});
        names.restore(&mut answer);
        assert_eq!(answer["content"][0]["name"], "größe");
        let call = json!({"function": {"name": sent(0)}});
        let mut answer = json!({"choices": [{"message": {"tool_calls": [call]}}]});
        let mut event = answer.to_string();
        names.restore(&mut answer);
        let call = &answer["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(call["function"]["name"], "files.read");
        names.restore_event(&mut event);
        assert!(event.contains("\"files.read\"") && !event.contains(sent(0)), "{event}");
        let mut cut = format!("{{\"name\": \"{}", sent(0));
        names.restore_event(&mut cut);
        assert!(cut.ends_with(sent(0)));
    }

    #[test]
    fn a_made_name_is_no_other_tools() {
        let long = "y".repeat(70);
        let taken = shortened(&long, 0, 64);
        let mut request = json!({"tools": [{"name": taken}, {"name": long}]});
        let names = ToolNames::change(&mut request, Dialect::Messages, Api::Openai);
        assert_eq!(request["tools"][0]["name"], taken);
        assert_ne!(request["tools"][1]["name"], taken);
        assert_eq!(names.given.get(&taken), None);
        for odd in
            [json!(1), json!({"tools": 1, "messages": [1, {"content": [1]}], "tool_choice": "x"})]
        {
            let mut request = odd.clone();
            ToolNames::change(&mut request, Dialect::Messages, Api::Openai);
            ToolNames::change(&mut request, Dialect::Chat, Api::Openai);
            assert_eq!(request, odd);
        }
    }
}
