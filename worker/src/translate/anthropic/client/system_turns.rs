//! Reads the turns of the system within an Anthropic conversation, for an API that has no equivalent.
//!
//! | in a turn of the system | becomes |
//! | --- | --- |
//! | texts | a system message at its place |
//! | `tool_addition`, `tool_removal` | the request's tools as they are at the end of the conversation |
//! | `output_config.effort` | the request's effort, if it is the last one |
//! | `clear_at: "next_user_message"` | nothing, once a user's turn follows |
//!
//! Tools of MCP servers, which Anthropic runs, are refused.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::Untranslatable;
use crate::translate::anthropic::content::text;

/// The turns of the system that the model is shown, with their places.
pub(super) fn shown(turns: &Value) -> impl Iterator<Item = (usize, &Value)> {
    let turns = turns.as_array().map_or(&[][..], Vec::as_slice);
    turns
        .iter()
        .enumerate()
        .filter(|(at, turn)| turn["role"] == "system" && !is_cleared(turns, *at))
}

/// Whether a turn is not shown any more.
pub(super) fn is_cleared(turns: &[Value], at: usize) -> bool {
    turns[at]["clear_at"] == "next_user_message"
        && turns[at + 1..].iter().any(|turn| turn["role"] == "user")
}

/// Whether a block changes the tools.
pub(super) fn changes_tools(block: &Value) -> bool {
    matches!(block["type"].as_str(), Some("tool_addition" | "tool_removal"))
}

/// The last effort that a turn of the system states.
pub(super) fn effort(turns: &Value) -> Option<&str> {
    shown(turns).filter_map(|(_, turn)| turn["output_config"]["effort"].as_str()).last()
}

/// The tools at the end of a conversation: those of `tools` with the changes of its turns.
///
/// # Errors
/// [`Untranslatable`] for a change that is malformed or of another tool than a named or defined one.
pub(super) fn tools_at_end<'t>(
    tools: &'t Value,
    turns: &Value,
) -> Result<Cow<'t, Value>, Untranslatable> {
    let changes = changes(turns);
    if changes.is_empty() {
        return Ok(Cow::Borrowed(tools));
    }
    // A tool with whether it is offered; a withdrawn one can be offered again by its name.
    let declared = tools.as_array().cloned().unwrap_or_default();
    let mut known: Vec<(Value, bool)> = declared.into_iter().map(|tool| (tool, true)).collect();
    for (field, block) in changes {
        let (tool, offers) = (&block["tool"], block["type"] == "tool_addition");
        match tool["type"].as_str() {
            Some("tool_reference") => {
                let name = text(&tool["name"], format!("{field}.tool.name"))?;
                let named = known.iter_mut().filter(|(tool, _)| tool["name"] == name);
                named.for_each(|(_, offered)| *offered = offers);
            }
            Some("tool_definition") if offers => {
                let definition = &tool["definition"];
                known.retain(|(tool, _)| tool["name"] != definition["name"]);
                known.push((definition.clone(), true));
            }
            _ => {
                let expected = "\"tool_reference\" or \"tool_definition\"";
                let field = format!("{field}.tool.type");
                return Err(Untranslatable::unsupported(field, &tool["type"], expected));
            }
        }
    }
    let offered = known.into_iter().filter(|(_, offered)| *offered).map(|(tool, _)| tool);
    Ok(Cow::Owned(Value::from_iter(offered)))
}

/// The blocks that change the tools, with their places.
fn changes(turns: &Value) -> Vec<(String, &Value)> {
    let mut changes = Vec::new();
    for (at, turn) in shown(turns) {
        for (place, block) in turn["content"].as_array().into_iter().flatten().enumerate() {
            if changes_tools(block) {
                changes.push((format!("messages[{at}].content[{place}]"), block));
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn change(kind: &str, tool: Value) -> Value {
        json!({"role": "system", "content": [{"type": kind, "tool": tool}]})
    }

    fn names(tools: &Value, turns: &Value) -> Vec<String> {
        let found = tools_at_end(tools, turns).unwrap();
        let names = found.as_array().unwrap().iter();
        names.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn tools_are_those_at_the_end_of_the_conversation() {
        let tools = json!([{"name": "a"}, {"name": "b"}]);
        let named = |name: &str| json!({"type": "tool_reference", "name": name});
        let defined = |name: &str| json!({"type": "tool_definition", "definition": {"name": name}});
        assert_eq!(names(&tools, &json!([{"role": "user", "content": "x"}])), ["a", "b"]);
        let turns = json!([
            change("tool_removal", named("a")),
            {"role": "user", "content": "x"},
            change("tool_addition", defined("c")),
            change("tool_removal", named("b")),
            change("tool_addition", named("a")),
        ]);
        assert_eq!(names(&tools, &turns), ["a", "c"]);
        assert_eq!(names(&Value::Null, &json!([change("tool_addition", defined("c"))])), ["c"]);
        let again = json!([change("tool_addition", defined("a"))]);
        assert_eq!(names(&tools, &again), ["b", "a"]);
    }

    #[test]
    fn a_turn_that_is_cleared_changes_nothing() {
        let tools = json!([{"name": "a"}]);
        let mut turn = change("tool_removal", json!({"type": "tool_reference", "name": "a"}));
        turn["clear_at"] = json!("next_user_message");
        turn["output_config"] = json!({"effort": "low"});
        let last = json!([{"role": "user", "content": "x"}, turn]);
        assert_eq!(names(&tools, &last), Vec::<String>::new());
        assert_eq!(effort(&last), Some("low"));
        let followed = json!([turn, {"role": "user", "content": "x"}]);
        assert_eq!(names(&tools, &followed), ["a"]);
        assert_eq!(effort(&followed), None);
    }

    #[test]
    fn tools_of_servers_are_refused_by_name() {
        for kind in ["tool_addition", "tool_removal"] {
            let turns = json!([change(kind, json!({"type": "mcp_toolset_reference"}))]);
            let error = tools_at_end(&json!([]), &turns).unwrap_err();
            assert_eq!(error.field(), "messages[0].content[0].tool.type");
        }
        let turns = json!([change("tool_removal", json!({"type": "tool_reference"}))]);
        let error = tools_at_end(&json!([]), &turns).unwrap_err();
        assert_eq!(error.field(), "messages[0].content[0].tool.name");
    }
}
