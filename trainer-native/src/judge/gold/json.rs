//! The JSON that an answer states: the last fenced block that parses, else the whole answer, else the
//! last object or array in the text that parses.

use serde_json::{Deserializer, Number, Value};

use crate::judge::fence::blocks;

/// Places of a text at which an object or array is tried.
const MOST_PLACES: usize = 1000;

pub(super) fn final_json(answer: &str) -> Option<Value> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text.trim()).ok();
    let fenced = blocks(answer).into_iter().rev();
    fenced
        .filter_map(|block| parsed(block.text))
        .next()
        .or_else(|| parsed(answer))
        .or_else(|| last_container(answer))
}

/// The last object or array that stands in the text by itself.
fn last_container(text: &str) -> Option<Value> {
    let mut last = None;
    let mut at = 0;
    for _ in 0..MOST_PLACES {
        let Some(start) = text.get(at..).and_then(|rest| rest.find(['{', '['])) else { break };
        let start = at + start;
        let mut values = Deserializer::from_str(text.get(start..).unwrap_or_default()).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                last = Some(value);
                at = start + values.byte_offset();
            }
            _ => at = start + 1,
        }
    }
    last
}

/// Whether two values have the same structure: members in any order, 1 the same as 1.0.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(name, a): (&String, &Value)| b.get(name).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

/// Two numbers of which one at least has a fraction or an exponent. Whole numbers are compared exactly.
fn same_number(a: &Number, b: &Number) -> bool {
    (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
}

/// The value with its members in alphabetical order and its numbers spelt one way.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(canonical).collect();
            format!("[{}]", values.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}
