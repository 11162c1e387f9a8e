//! Completes JSON schemas for the APIs' rules, and says which of them OpenAI's strict mode takes.
//!
//! A tool's schema must be that of an object in both APIs. OpenAI also refuses one without `properties`, and
//! a list without `items`:
//!
//! | schema | sent |
//! | --- | --- |
//! | absent, `{}` | `{"type":"object","properties":{}}` |
//! | `{"type":"object"}` | `{"type":"object","properties":{}}` |
//! | `{"type":["object","null"],...}` | `{"type":"object",...}` |
//! | `{"$ref":"#/$defs/A","$defs":{"A":{...}}}` | the fields of `A`, then `$defs` |
//! | in it, towards OpenAI: `{"type":"array"}` | `{"type":"array","items":{}}` |
//!
//! Everything else keeps its bytes: models write fields in the order of their schema.

use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::error::Untranslatable;
use crate::wire::fields::{Fields, range_in};
use crate::wire::json_tree;
use crate::wire::outgoing::Edit;

/// The most schemas within each other that are completed: each level reads the text again.
const MAX_LEVELS: usize = 12;
/// The most references that are followed at the root.
const MAX_REFERENCES: usize = 8;
/// Fields that hold schemas by name.
const NAMED_SCHEMAS: [&str; 3] = ["properties", "$defs", "definitions"];
/// Fields that hold a list of schemas.
const LISTED_SCHEMAS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Fields that hold a schema.
const SCHEMAS: [&str; 2] = ["items", "additionalProperties"];
/// The fields of a schema that OpenAI's strict mode takes.
const STRICT_FIELDS: [&str; 23] = [
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "definitions",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
];

/// Completes a tool's schema, `within` too if the schemas in it are to be completed.
///
/// # Errors
/// [`Untranslatable::Malformed`] if it is not an object.
pub(super) fn of_tool(
    schema: &Value,
    within: bool,
    field: String,
) -> Result<Value, Untranslatable> {
    if !schema.is_null() && !schema.is_object() {
        return Err(Untranslatable::malformed(field, schema, "a JSON schema of an object"));
    }
    if schema.is_null() {
        return Ok(json!({"type": "object", "properties": {}}));
    }
    let given = json_tree::to_text(schema);
    let mut text = resolved(&given);
    let mut edits = Vec::new();
    complete_root(&text, &mut edits);
    if within {
        complete(&text, 0, 0, &mut edits);
    }
    splice(&mut text, edits);
    Ok(json_tree::raw_object(&text).unwrap_or_else(|| schema.clone()))
}

/// The schema with the fields of the one to which it refers in place of the reference.
fn resolved(schema: &str) -> String {
    let mut schema = schema.to_owned();
    for _ in 0..MAX_REFERENCES {
        let Some(next) = follow(&schema) else { break };
        schema = next;
    }
    schema
}

fn follow(schema: &str) -> Option<String> {
    let fields = Fields::new(schema).ok()?;
    let path: String = serde_json::from_str(&schema[fields.get("$ref")?]).ok()?;
    let mut target = schema;
    for name in path.strip_prefix("#/")?.split('/') {
        let name = name.replace("~1", "/").replace("~0", "~");
        target = &target[Fields::new(target).ok()?.get(&name)?];
    }
    let own = Fields::new(target).ok()?;
    let mut parts: Vec<String> = Vec::new();
    let mut add = |name: &str, value: &str| parts.push(format!("{}:{value}", Value::from(name)));
    own.iter().for_each(|(name, range)| add(name, &target[range]));
    let others = fields.iter().filter(|(name, _)| *name != "$ref" && own.get(name).is_none());
    others.for_each(|(name, range)| add(name, &schema[range]));
    Some(format!("{{{}}}", parts.join(",")))
}

/// Makes the root the schema of an object with properties.
fn complete_root(schema: &str, edits: &mut Vec<Edit>) {
    let Ok(fields) = Fields::new(schema) else { return };
    let kind = fields.get("type");
    let value = kind.clone().map(|range| serde_json::from_str(&schema[range]).unwrap_or_default());
    let add = match value {
        None => r#""type":"object","#,
        Some(Value::String(kind)) if kind == "object" => "",
        Some(Value::Array(kinds)) if kinds.contains(&"object".into()) => {
            let text = r#""object""#.to_owned();
            edits.extend(kind.clone().map(|range| Edit { range, text }));
            ""
        }
        // The upstream says what is wrong with it.
        Some(_) => return,
    };
    let add = match fields.get("properties") {
        Some(range) if schema[range.clone()] == *"null" => {
            edits.push(Edit { range, text: "{}".to_owned() });
            add.to_owned()
        }
        Some(_) => add.to_owned(),
        None if kind.is_some() => {
            let end = kind.map_or(0, |range| range.end);
            edits.push(Edit { range: end..end, text: r#","properties":{}"#.to_owned() });
            String::new()
        }
        None => format!(r#"{add}"properties":{{}},"#),
    };
    if !add.is_empty() {
        edits.push(inserted(schema, 0, &fields, &add));
    }
}

/// An insertion in front of the other fields of the object that begins at `at`. `text` ends in a comma.
fn inserted(object: &str, at: usize, fields: &Fields, text: &str) -> Edit {
    let start = at + object.find('{').map_or(0, |brace| brace + 1);
    let empty = fields.iter().next().is_none();
    let text = if empty { text.trim_end_matches(',') } else { text };
    Edit { range: start..start, text: text.to_owned() }
}

/// Completes the schemas within the one that begins at `at`; `level` counts those around it.
fn complete(schema: &str, at: usize, level: usize, edits: &mut Vec<Edit>) {
    let Ok(fields) = Fields::new(schema) else { return };
    if level > 0 {
        let kind = fields.get("type").map_or("", |range| &schema[range]);
        let lacks = |names: &[&str]| names.iter().all(|name| fields.get(name).is_none());
        if kind == r#""array""# && lacks(&["items", "prefixItems"]) {
            edits.push(inserted(schema, at, &fields, r#""items":{},"#));
        } else if kind == r#""object""# && lacks(&["properties", "additionalProperties"]) {
            edits.push(inserted(schema, at, &fields, r#""properties":{},"#));
        }
    }
    if level == MAX_LEVELS {
        return;
    }
    let mut into = |part: Range<usize>| {
        if schema[part.clone()].starts_with('{') {
            complete(&schema[part.clone()], at + part.start, level + 1, edits);
        }
    };
    for (name, range) in fields.iter() {
        let value = &schema[range.clone()];
        if NAMED_SCHEMAS.contains(&name) {
            let named = Fields::new(value).unwrap_or_default();
            named.iter().for_each(|(_, part)| {
                into(range.start + part.start..range.start + part.end);
            });
        } else if LISTED_SCHEMAS.contains(&name) {
            let listed: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
            listed.into_iter().for_each(|part| into(range_in(schema, part.get())));
        } else if SCHEMAS.contains(&name) {
            into(range);
        }
    }
}

fn splice(text: &mut String, mut edits: Vec<Edit>) {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    for Edit { range, text: new } in edits.into_iter().rev() {
        text.replace_range(range, &new);
    }
}

/// Whether OpenAI's strict mode takes a schema: every object of it has all its properties in `required` and
/// `additionalProperties: false`, and nothing in it is unknown to that mode.
pub(super) fn is_strict(schema: &Value) -> bool {
    let schema = json_tree::parsed(schema);
    schema["type"] == "object" && schema.get("anyOf").is_none() && takes(&schema)
}

fn takes(schema: &Value) -> bool {
    let Some(fields) = schema.as_object() else { return false };
    let says = ["type", "anyOf", "$ref", "enum", "const"];
    if !fields.keys().all(|name| STRICT_FIELDS.contains(&name.as_str()))
        || !says.iter().any(|name| fields.contains_key(*name))
    {
        return false;
    }
    let kind = &schema["type"];
    let may_be =
        |name: &str| *kind == name || kind.as_array().is_some_and(|k| k.contains(&name.into()));
    if may_be("object") || !schema["properties"].is_null() {
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(properties) = schema["properties"].as_object() else { return false };
        let all = properties.keys().all(|name| required.iter().any(|one| one == name));
        if schema["additionalProperties"] != false || !all {
            return false;
        }
    }
    if may_be("array") && !schema["items"].is_object() {
        return false;
    }
    let named = NAMED_SCHEMAS.iter().filter_map(|name| schema[*name].as_object());
    let listed = schema["anyOf"].as_array().into_iter().flatten();
    let items = schema.get("items").into_iter();
    named.flat_map(|schemas| schemas.values()).chain(listed).chain(items).all(takes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(schema: &str, within: bool) -> String {
        let given = json_tree::raw_object(schema).unwrap();
        json_tree::to_text(&of_tool(&given, within, "f".into()).unwrap())
    }

    #[test]
    fn the_schema_of_a_tool_is_that_of_an_object_with_properties() {
        let bare = r#"{"type":"object","properties":{}}"#;
        assert_eq!(of("{}", false), bare);
        assert_eq!(of(r#"{"type":"object"}"#, false), bare);
        for (given, expected) in [
            (
                r#"{ "required": ["a"] }"#,
                r#"{"type":"object","properties":{}, "required": ["a"] }"#,
            ),
            (
                r#"{"type": ["object", "null"], "properties": {"b": {}, "a": {}}}"#,
                r#"{"type": "object", "properties": {"b": {}, "a": {}}}"#,
            ),
            (r#"{"type":"object","properties":null}"#, bare),
            (r#"{"type":"string"}"#, r#"{"type":"string"}"#),
            (
                r#"{"anyOf":[{"type":"object"}]}"#,
                r#"{"type":"object","properties":{},"anyOf":[{"type":"object"}]}"#,
            ),
        ] {
            assert_eq!(of(given, false), expected);
        }
        assert_eq!(
            of_tool(&Value::Null, true, "f".into()),
            Ok(json!({"type": "object", "properties": {}}))
        );
        assert_eq!(of_tool(&json!(1), true, "f".into()).unwrap_err().field(), "f");
    }

    #[test]
    fn a_reference_at_the_root_is_followed() {
        let given = r##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"object","properties":{"z":{"$ref":"#/$defs/a~1b"}}}}}"##;
        let expected = r##"{"type":"object","properties":{"z":{"$ref":"#/$defs/a~1b"}},"$defs":{"a/b":{"type":"object","properties":{"z":{"$ref":"#/$defs/a~1b"}}}}}"##;
        assert_eq!(of(given, true), expected);
        let endless = r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}"##;
        assert!(of(endless, true).contains("\"properties\":{}"));
        assert!(of(r##"{"$ref":"#/none"}"##, true).contains("#/none"));
    }

    #[test]
    fn schemas_within_it_are_completed_towards_openai() {
        let given = r#"{"type":"object","properties":{"list":{"type":"array"},"map":{"type": "object"},
            "of":{"type":"array","items":{"anyOf":[{"type":"array"},{"type":"array","items":{}}]}},
            "free":{"type":"object","additionalProperties":{"type":"array"}}}}"#;
        let expected = r#"{"type":"object","properties":{"list":{"items":{},"type":"array"},"map":{"properties":{},"type": "object"},
            "of":{"type":"array","items":{"anyOf":[{"items":{},"type":"array"},{"type":"array","items":{}}]}},
            "free":{"type":"object","additionalProperties":{"items":{},"type":"array"}}}}"#;
        assert_eq!(of(given, true), expected);
        assert_eq!(of(given, false), given);
        let deep = format!("{}1{}", "{\"items\":".repeat(100), "}".repeat(100));
        assert!(of(&deep, true).starts_with("{\"type\":\"object\""));
    }

    #[test]
    fn strict_mode_takes_closed_objects_with_required_properties_alone() {
        let closed = |more: Value| {
            let mut schema = json!({"type": "object", "additionalProperties": false,
                "required": ["a"], "properties": {"a": {"type": "string"}}});
            for (name, value) in more.as_object().unwrap() {
                schema[name] = value.clone();
            }
            schema
        };
        let of = |schema: &Value| is_strict(&json_tree::raw_object(&schema.to_string()).unwrap());
        let good = closed(json!({}));
        for schema in [
            good.clone(),
            closed(json!({"properties": {"a": {"type": "array", "items": good}}})),
            closed(json!({"properties": {"a": {"anyOf": [good, {"type": "null"}]}}})),
            closed(json!({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": good}})),
        ] {
            assert!(of(&schema) && is_strict(&schema), "{schema}");
        }
        let open = closed(json!({"additionalProperties": true}));
        for schema in [
            json!({}),
            json!({"type": "string"}),
            closed(json!({"required": []})),
            closed(json!({"required": null})),
            closed(json!({"anyOf": []})),
            closed(json!({"patternProperties": {}})),
            open.clone(),
            closed(json!({"properties": {"a": {}}})),
            closed(json!({"properties": {"a": {"type": "string", "default": "x"}}})),
            closed(json!({"properties": {"a": {"type": "array", "items": open}}})),
            closed(json!({"properties": {"a": {"type": "array"}}})),
            closed(json!({"properties": {"a": {"anyOf": [open, {"type": "null"}]}}})),
            closed(json!({"$defs": {"b": open}})),
            closed(json!({"properties": {"a": {"type": ["object", "null"]}}})),
        ] {
            assert!(!of(&schema), "{schema}");
        }
    }
}
