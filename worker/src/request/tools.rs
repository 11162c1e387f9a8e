//! Reads which types of tools a request declares.
//!
//! | declared in | by |
//! | --- | --- |
//! | `tools`, `functions` | every API |
//! | `tools` of a tool, such as a `namespace` | Responses |
//! | `tools` of a message, an item or a part, such as `additional_tools` | Responses, Messages |
//! | `tool.definition` of a part, and of an entry of `tool_changes` | Messages |
//!
//! The arguments of calls are data and declare nothing.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::wire::scalars::{
    list_is_default, object_is_default, scalars_are_default, text_is_default,
};

/// The most types of tools in one request.
const MAX_TYPES: usize = 64;

/// The declared tools: how many, and their types, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tools {
    /// The number of tools, those within others included.
    pub(crate) count: usize,
    /// Their types.
    pub(crate) types: Vec<String>,
}

/// The tools that a conversation declares.
#[derive(Default)]
struct Carried(Tools);

impl Tools {
    /// Reads a list of tools; one that is no list declares nothing.
    ///
    /// # Errors
    /// A message that names the bound of types.
    pub(crate) fn of_list(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    /// Reads the tools that the items of a conversation declare.
    ///
    /// # Errors
    /// As [`Tools::of_list`].
    pub(crate) fn of_conversation(json: &str) -> Result<Self, String> {
        let named = ["\"tools\"", "\"tool\"", "\\u"].iter().any(|part| json.contains(part));
        match named {
            true => {
                serde_json::from_str(json).map(|Carried(tools)| tools).map_err(|e| e.to_string())
            }
            // Nothing has the fields, however they are spelled.
            false => Ok(Self::default()),
        }
    }

    /// Adds other tools.
    ///
    /// # Errors
    /// As [`Tools::of_list`].
    pub(crate) fn and(mut self, other: Self) -> Result<Self, String> {
        self.count = self.count.saturating_add(other.count);
        other.types.into_iter().try_for_each(|kind| self.add_type(kind))?;
        Ok(self)
    }

    fn add_type(&mut self, kind: String) -> Result<(), String> {
        if self.types.contains(&kind) {
            return Ok(());
        }
        if self.types.len() == MAX_TYPES {
            return Err(format!("its tools have more than {MAX_TYPES} types"));
        }
        self.types.push(kind);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Tools;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tools")
            }

            scalars_are_default!();
            text_is_default!();
            object_is_default!('de);

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tools, A::Error> {
                let mut tools = Tools::default();
                while let Some(Tool(one)) = list.next_element()? {
                    tools = tools.and(one).map_err(A::Error::custom)?;
                }
                Ok(tools)
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// A tool and those within it.
struct Tool(Tools);

/// The fields of a tool.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Tools;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tool, which is an object")
    }

    scalars_are_default!();
    text_is_default!();
    list_is_default!('de);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tools, A::Error> {
        let mut tools = Tools::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match &*name {
                "type" => {
                    if let Kind(Some(kind)) = map.next_value()? {
                        tools.add_type(kind).map_err(A::Error::custom)?;
                    }
                }
                "tools" => {
                    tools = tools.and(map.next_value()?).map_err(A::Error::custom)?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(tools)
    }
}
impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = deserializer.deserialize_any(Fields)?;
        found.count += 1;
        Ok(Self(found))
    }
}

/// The tool that a part defines; none if it is only named.
#[derive(Default)]
struct Defined(Tools);

impl<'de> Deserialize<'de> for Defined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Definition;
        impl<'de> Visitor<'de> for Definition {
            type Value = Defined;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tool that is named or defined")
            }

            scalars_are_default!();
            text_is_default!();
            list_is_default!('de);

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Defined, A::Error> {
                let mut tools = Tools::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "definition" => {
                            let Tool(one) = map.next_value()?;
                            tools = tools.and(one).map_err(A::Error::custom)?;
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Defined(tools))
            }
        }
        deserializer.deserialize_any(Definition)
    }
}

/// The `type` of a tool, if it is a text.
#[derive(Default)]
struct Kind(Option<String>);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Type;
        impl<'de> Visitor<'de> for Type {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type")
            }

            scalars_are_default!();

            fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
                Ok(Kind(Some(text.to_owned())))
            }

            list_is_default!('de);
            object_is_default!('de);
        }
        deserializer.deserialize_any(Type)
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Carried;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("messages, items or parts")
            }

            scalars_are_default!();
            text_is_default!();

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Carried, A::Error> {
                let mut tools = Tools::default();
                while let Some(Carried(more)) = list.next_element()? {
                    tools = tools.and(more).map_err(A::Error::custom)?;
                }
                Ok(Carried(tools))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Carried, A::Error> {
                let mut tools = Tools::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    let more = match &*name {
                        "tools" => map.next_value::<Tools>()?,
                        "tool" => map.next_value::<Defined>()?.0,
                        "content" | "tool_changes" => map.next_value::<Carried>()?.0,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    tools = tools.and(more).map_err(A::Error::custom)?;
                }
                Ok(Carried(tools))
            }
        }
        deserializer.deserialize_any(Items)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn of_list(list: &Value) -> (usize, Vec<String>) {
        let tools = Tools::of_list(&list.to_string()).unwrap();
        (tools.count, tools.types)
    }

    #[test]
    fn types_are_read_once_and_within_other_tools() {
        let list = json!([{"type": "function"}, {"type": "web_search"}, {"name": "x"}, {"type": "function"},
            {"type": "namespace", "tools": [{"type": "custom"}, {"type": "namespace",
             "tools": [{"type": "code_interpreter"}]}]}]);
        let (count, mut types) = of_list(&list);
        types.sort();
        assert_eq!(types, ["code_interpreter", "custom", "function", "namespace", "web_search"]);
        assert_eq!(count, 8);
    }

    #[test]
    fn odd_tools_hide_no_others() {
        let list = json!([7, null, "x", [1], {"type": 7}, {"type": {"a": 1}}, {"tools": 3}, {"type": "mcp"}]);
        assert_eq!(of_list(&list), (8, vec!["mcp".to_owned()]));
        for none in [json!(null), json!("x"), json!({"type": "mcp"}), json!([])] {
            assert_eq!(of_list(&none), (0, vec![]));
        }
    }

    #[test]
    fn many_types_are_refused_and_not_cut() {
        let list = |count: usize| {
            let tools = (0..count).map(|at| json!({"type": format!("bash_{at}")}));
            Value::from_iter(tools).to_string()
        };
        assert_eq!(Tools::of_list(&list(MAX_TYPES)).unwrap().count, MAX_TYPES);
        assert!(Tools::of_list(&list(MAX_TYPES + 1)).unwrap_err().contains("64 types"));
        let half = |start: usize| {
            let types = (start..start + 40).map(|at| at.to_string()).collect();
            Tools { count: 40, types }
        };
        assert!(half(0).and(half(40)).is_err());
    }

    #[test]
    fn a_conversation_declares_tools_in_items_and_parts_but_not_in_the_inputs_of_calls() {
        let items = json!([
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "functions", "tools": [{"type": "web_search"}]}]},
            {"role": "system", "content": [{"type": "tool_addition", "tools": [{"type": "mcp"}]}]},
            {"role": "system", "content": [
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "x"}},
                {"type": "tool_addition", "tool": {"type": "tool_definition",
                 "definition": {"type": "web_fetch_20260209", "name": "y"}}}]},
            {"role": "assistant", "content": [{"type": "compaction", "tool_changes": [
                {"type": "tool_addition", "tool": {"definition": {"type": "advisor_20260301"}}}]}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "input": {"tools": [{"type": "image_generation"}],
                 "tool": {"definition": {"type": "image_generation"}}}}]},
            {"type": "function_call", "arguments": "{\"tools\": [{\"type\": \"shell\"}]}"},
        ]);
        let tools = Tools::of_conversation(&items.to_string()).unwrap();
        let expected = ["web_search", "namespace", "mcp", "web_fetch_20260209", "advisor_20260301"];
        assert_eq!(
            (tools.types.as_slice(), tools.count),
            (expected.map(str::to_owned).as_slice(), 5)
        );
        let spelled = r#"[{"too\u006cs": [{"type": "mcp"}]}]"#;
        assert_eq!(Tools::of_conversation(spelled).unwrap().types, ["mcp"]);
        assert_eq!(Tools::of_conversation("\"Hello\"").unwrap(), Tools::default());
        assert_eq!(Tools::of_conversation("[{\"role\": \"user\"}]").unwrap(), Tools::default());
    }
}
