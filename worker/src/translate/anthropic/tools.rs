//! Translates tool definitions, tool choices, and ids and arguments of tool calls, in both directions.
//!
//! | OpenAI | Anthropic |
//! | --- | --- |
//! | `function.parameters` | `input_schema`; completed, see `schema` |
//! | `function.strict` | `strict`; towards OpenAI left out if its strict mode refuses the schema |
//! | `tool_choice` `"auto"`, `"none"`, `"required"`, a function's name | `auto`, `none`, `any`, `tool` |
//! | `parallel_tool_calls: false` | `disable_parallel_tool_use: true` |
//!
//! Custom tools, `allowed_tools` and the tools that a provider runs itself are refused. Anthropic
//! accepts a choice only beside tools: without tools, `auto` and `none` are left out.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::content::{keep_cache_control, text};
use super::schema;
use crate::error::Untranslatable;
use crate::wire::{json_tree, surrogates};

/// Definitions of the tools that a conversation calls, for a request without tools: Anthropic refuses calls of
/// tools that are not defined. None of them is to be called.
pub(super) fn of_history(messages: &[Value]) -> Option<(Value, Value)> {
    let blocks = messages.iter().flat_map(|turn| turn["content"].as_array().into_iter().flatten());
    let calls = blocks.filter(|block| block["type"] == "tool_use");
    let names: BTreeSet<&str> = calls.filter_map(|call| call["name"].as_str()).collect();
    let schema = json!({"type": "object", "properties": {}});
    let tools = names.iter().map(|name| json!({"name": name, "input_schema": schema}));
    (!names.is_empty()).then(|| (tools.collect(), json!({"type": "none"})))
}

/// Translates OpenAI's `tools` for Anthropic; none if absent or empty.
///
/// # Errors
/// [`Untranslatable`] for a tool that is not a function.
pub(super) fn to_anthropic(tools: &Value) -> Result<Option<Value>, Untranslatable> {
    translate(tools, |tool, field| {
        if tool["type"] != "function" {
            let kind = &tool["type"];
            return Err(Untranslatable::unsupported(format!("{field}.type"), kind, "\"function\""));
        }
        let function = &tool["function"];
        let name = text(&function["name"], format!("{field}.function.name"))?;
        let parameters = &function["parameters"];
        let schema = schema::of_tool(parameters, false, format!("{field}.function.parameters"))?;
        let mut translated = json!({"name": name, "input_schema": schema});
        for key in ["description", "strict"] {
            if !function[key].is_null() {
                translated[key] = function[key].clone();
            }
        }
        keep_cache_control(function, &mut translated);
        keep_cache_control(tool, &mut translated);
        Ok(translated)
    })
}

/// Translates Anthropic's `tools` for OpenAI; none if absent or empty.
///
/// # Errors
/// [`Untranslatable`] for a tool that Anthropic would run itself.
pub(super) fn to_openai(tools: &Value) -> Result<Option<Value>, Untranslatable> {
    translate(tools, |tool, field| {
        if !matches!(tool["type"].as_str(), None | Some("custom")) {
            let kind = &tool["type"];
            return Err(Untranslatable::unsupported(format!("{field}.type"), kind, "\"custom\""));
        }
        let name = text(&tool["name"], format!("{field}.name"))?;
        let schema = schema::of_tool(&tool["input_schema"], true, format!("{field}.input_schema"))?;
        let strict = tool["strict"] != true || schema::is_strict(&schema);
        let mut function = json!({"name": name, "parameters": schema});
        for (key, keeps) in [("description", true), ("strict", strict)] {
            if keeps && !tool[key].is_null() {
                function[key] = tool[key].clone();
            }
        }
        Ok(json!({"type": "function", "function": function}))
    })
}

fn translate(
    tools: &Value,
    one: impl Fn(&Value, &str) -> Result<Value, Untranslatable>,
) -> Result<Option<Value>, Untranslatable> {
    match tools {
        Value::Null => Ok(None),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Array(list) => {
            let translated: Result<Vec<Value>, _> =
                list.iter().enumerate().map(|(at, t)| one(t, &format!("tools[{at}]"))).collect();
            Ok(Some(Value::Array(translated?)))
        }
        other => Err(Untranslatable::malformed("tools", other, "a list")),
    }
}

/// Translates `tool_choice` and `parallel_tool_calls` for Anthropic.
///
/// # Errors
/// [`Untranslatable`] for a choice without an equivalent.
pub(super) fn choice_to_anthropic(
    chat: &Value,
    has_tools: bool,
) -> Result<Option<Value>, Untranslatable> {
    let choice = &chat["tool_choice"];
    let kind = match choice {
        Value::Null => "auto",
        Value::String(word) => word.as_str(),
        other => other["type"].as_str().unwrap_or_default(),
    };
    let mut translated = match kind {
        "auto" | "none" if !has_tools => return Ok(None),
        "auto" | "none" => json!({"type": kind}),
        "required" => json!({"type": "any"}),
        "function" if choice.is_object() => {
            let name = text(&choice["function"]["name"], "tool_choice.function.name")?;
            json!({"type": "tool", "name": name})
        }
        _ => {
            let expected = "\"auto\", \"none\", \"required\" or a function's name";
            return Err(Untranslatable::unsupported("tool_choice", choice, expected));
        }
    };
    if chat["parallel_tool_calls"] == false && kind != "none" {
        translated["disable_parallel_tool_use"] = true.into();
    } else if choice.is_null() {
        return Ok(None);
    }
    Ok(Some(translated))
}

/// Writes Anthropic's `tool_choice` into an OpenAI request.
///
/// # Errors
/// [`Untranslatable`] for an unknown choice.
pub(super) fn choice_to_openai(
    choice: &Value,
    chat: &mut Map<String, Value>,
) -> Result<(), Untranslatable> {
    if choice.is_null() {
        return Ok(());
    }
    let translated = match choice["type"].as_str() {
        Some(kind @ ("auto" | "none")) => json!(kind),
        Some("any") => json!("required"),
        Some("tool") => {
            let name = text(&choice["name"], "tool_choice.name")?;
            json!({"type": "function", "function": {"name": name}})
        }
        _ => {
            let expected = "\"auto\", \"any\", \"tool\" or \"none\"";
            return Err(Untranslatable::malformed("tool_choice.type", &choice["type"], expected));
        }
    };
    chat.insert("tool_choice".into(), translated);
    if choice["disable_parallel_tool_use"] == true {
        chat.insert("parallel_tool_calls".into(), false.into());
    }
    Ok(())
}

/// Makes a call's id valid for Anthropic: letters, digits, `_` and `-`. Any other character becomes its
/// hexadecimal code, so that different ids stay different.
pub(super) fn call_id(id: &str) -> String {
    id.chars().fold(String::with_capacity(id.len()), |mut made, letter| {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => made.push(letter),
            other => made.push_str(&format!("_{:x}_", u32::from(other))),
        }
        made
    })
}

/// Gives each call of a conversation an id of its own. Some upstreams begin to number the calls at 0 in each
/// answer; Anthropic refuses a conversation that repeats an id.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    /// How often each id was given.
    given: HashMap<String, u32>,
    /// The calls without a result, by the id that they came with.
    open: HashMap<String, OpenCalls>,
}

/// Calls of one answer that came with the same id.
#[derive(Debug, Default)]
struct OpenCalls {
    ids: VecDeque<String>,
    answered: bool,
}

impl CallIds {
    /// The id of a call that came with `id`.
    pub(super) fn call(&mut self, id: &str) -> String {
        let mut made = call_id(id);
        let times = self.given.entry(made.clone()).or_default();
        *times += 1;
        if *times > 1 {
            let mut number = *times;
            let base = made;
            made = format!("{base}_{number}");
            while self.given.contains_key(&made) {
                number += 1;
                made = format!("{base}_{number}");
            }
            self.given.insert(made.clone(), 1);
        }
        let open = self.open.entry(id.to_owned()).or_default();
        if std::mem::take(&mut open.answered) {
            open.ids.clear();
        }
        open.ids.push_back(made.clone());
        made
    }

    /// The id of the call that came with `id`, for its result; of several calls the next one's.
    pub(super) fn result(&mut self, id: &str) -> String {
        let Some(open) = self.open.get_mut(id) else { return call_id(id) };
        open.answered = open.ids.len() <= 1;
        let next = if open.answered { open.ids.front().cloned() } else { open.ids.pop_front() };
        next.unwrap_or_else(|| call_id(id))
    }
}

/// Reads a call's `arguments` as Anthropic's `input`, a raw value; none if they are not a JSON object. Empty
/// text and null become an empty object; an object whose text is a JSON text once more is read.
pub(super) fn input(arguments: &Value) -> Option<Value> {
    let input = match arguments {
        Value::Null => json!({}),
        Value::String(text) if matches!(text.trim(), "" | "null") => json!({}),
        Value::String(text) => {
            let text = surrogates::replaced(text);
            let again = || json_tree::raw_object(&serde_json::from_str::<String>(&text).ok()?);
            json_tree::raw_object(&text).or_else(again)?
        }
        other => other.clone(),
    };
    input.is_object().then_some(input)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tools() -> Value {
        json!([{"type": "function", "function": {
            "name": "weather", "description": "Weather of a town", "strict": true,
            "parameters": {"type": "object", "properties": {"town": {"type": "string"}},
                           "required": ["town"], "additionalProperties": false},
        }}])
    }

    #[test]
    fn definitions_go_there_and_back() {
        let there = to_anthropic(&tools()).unwrap().unwrap();
        assert_eq!(
            json_tree::plain(&there),
            json!([{"name": "weather", "description": "Weather of a town", "strict": true,
                    "input_schema": {"type": "object", "properties": {"town": {"type": "string"}},
                                     "required": ["town"], "additionalProperties": false}}])
        );
        assert_eq!(json_tree::plain(&to_openai(&there).unwrap().unwrap()), tools());
    }

    #[test]
    fn a_tool_without_parameters_takes_an_object() {
        let tools = json!([{"type": "function", "function": {"name": "now"},
                            "cache_control": {"type": "ephemeral"}}]);
        assert_eq!(
            to_anthropic(&tools).unwrap().unwrap(),
            json!([{"name": "now", "input_schema": {"type": "object", "properties": {}},
                    "cache_control": {"type": "ephemeral"}}])
        );
        assert_eq!(to_anthropic(&json!([])), Ok(None));
        assert_eq!(to_openai(&Value::Null), Ok(None));
    }

    #[test]
    fn tools_that_are_not_the_callers_are_refused() {
        let error = to_anthropic(&json!([{"type": "custom", "custom": {}}])).unwrap_err();
        assert_eq!(error.field(), "tools[0].type");
        let server = json!([{"type": "web_search_20250305", "name": "web_search"}]);
        assert_eq!(to_openai(&server).unwrap_err().field(), "tools[0].type");
        assert_eq!(to_anthropic(&json!({})).unwrap_err().field(), "tools");
        let bad = json!([{"type": "function", "function": {"name": "x", "parameters": 1}}]);
        assert_eq!(to_anthropic(&bad).unwrap_err().field(), "tools[0].function.parameters");
    }

    #[test]
    fn choices_go_there_and_back() {
        let named = json!({"type": "function", "function": {"name": "weather"}});
        for (choice, expected) in [
            (json!("auto"), json!({"type": "auto"})),
            (json!("none"), json!({"type": "none"})),
            (json!("required"), json!({"type": "any"})),
            (named, json!({"type": "tool", "name": "weather"})),
        ] {
            let there = choice_to_anthropic(&json!({"tool_choice": choice}), true).unwrap();
            assert_eq!(there, Some(expected.clone()));
            let mut back = Map::new();
            choice_to_openai(&expected, &mut back).unwrap();
            assert_eq!(Value::Object(back), json!({"tool_choice": choice}));
        }
    }

    #[test]
    fn one_call_at_a_time_needs_a_choice() {
        let there = |chat| choice_to_anthropic(&chat, true).unwrap();
        let one = json!({"type": "auto", "disable_parallel_tool_use": true});
        assert_eq!(there(json!({"parallel_tool_calls": false})), Some(one.clone()));
        assert_eq!(there(json!({"parallel_tool_calls": true})), None);
        let none = json!({"parallel_tool_calls": false, "tool_choice": "none"});
        assert_eq!(there(none), Some(json!({"type": "none"})));
        let mut back = Map::new();
        choice_to_openai(&one, &mut back).unwrap();
        assert_eq!(
            Value::Object(back),
            json!({"tool_choice": "auto", "parallel_tool_calls": false})
        );
    }

    #[test]
    fn auto_and_none_without_tools_are_left_out() {
        let there = |choice| choice_to_anthropic(&json!({"tool_choice": choice}), false);
        assert_eq!(there(json!("auto")), Ok(None));
        assert_eq!(there(json!("none")), Ok(None));
        assert_eq!(there(json!("required")), Ok(Some(json!({"type": "any"}))));
        for bad in [json!("any"), json!("function"), json!({"type": "allowed_tools"}), json!(1)] {
            assert_eq!(there(bad).unwrap_err().field(), "tool_choice");
        }
        let mut chat = Map::new();
        assert!(choice_to_openai(&json!({"type": "some"}), &mut chat).is_err());
    }

    #[test]
    fn ids_keep_to_anthropics_letters_and_stay_different() {
        assert_eq!(call_id("call_aZ-9"), "call_aZ-9");
        assert_eq!(call_id("functions.now:0"), "functions_2e_now_3a_0");
        assert_ne!(call_id("a.b"), call_id("a:b"));
    }

    #[test]
    fn a_repeated_id_becomes_another_and_its_result_follows() {
        let mut ids = CallIds::default();
        assert_eq!((ids.call("c"), ids.result("c")), ("c".into(), "c".into()));
        assert_eq!((ids.call("c"), ids.result("c")), ("c_2".into(), "c_2".into()));
        assert_eq!((ids.call("c_2"), ids.call("c")), ("c_2_2".into(), "c_3".into()));
        assert_eq!((ids.call("a.b"), ids.result("a.b")), ("a_2e_b".into(), "a_2e_b".into()));
        assert_eq!(ids.result("un:known"), "un_3a_known");
    }

    #[test]
    fn arguments_are_an_object() {
        let written = |arguments| input(&arguments).map(|input| json_tree::to_text(&input));
        assert_eq!(
            written(json!(" {\"b\": [1.0], \"a\": 2} ")).unwrap(),
            "{\"b\": [1.0], \"a\": 2}"
        );
        assert_eq!(input(&json!({"a": 1})), Some(json!({"a": 1})));
        for empty in [json!(""), json!(" "), Value::Null] {
            assert_eq!(input(&empty), Some(json!({})));
        }
        for bad in [json!("[1]"), json!("{\"a\""), json!(3)] {
            assert_eq!(input(&bad), None);
        }
    }
}
