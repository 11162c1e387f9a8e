//! Reads a form (`multipart/form-data`) as the JSON object that the same request would be, so that one code
//! checks the fields of both. Files and long texts stand as `{}`: they are not read.
//!
//! ```text
//! model=whisper, file=<18 MB>, timestamp_granularities[]=word -> {"model":"whisper","file":{},"timestamp_granularities[]":["word"]}
//! ```

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::GatewayError;

/// The most fields of a form.
pub(crate) const MAX_FIELDS: usize = 1000;
/// The longest text of a field that is read, in UTF-16 units.
pub(crate) const MAX_TEXT: u32 = 4096;

/// Whether a body with this `content-type` is a form.
pub(crate) fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// A form as JSON. `fields` are its fields' names and texts, none for a file or a long text. A name that is
/// repeated, or ends with `[]`, has a list.
///
/// # Errors
/// [`GatewayError::BodyTooComplex`] for more than [`MAX_FIELDS`] fields.
pub(crate) fn form_as_json(
    fields: impl IntoIterator<Item = (String, Option<String>)>,
) -> Result<String, GatewayError> {
    let mut values: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (at, (name, text)) in fields.into_iter().enumerate() {
        if at == MAX_FIELDS {
            let detail = format!("the form has more than {MAX_FIELDS} fields");
            return Err(GatewayError::BodyTooComplex { detail });
        }
        values.entry(name).or_default().push(match text.as_deref() {
            None => json!({}),
            // What a form cannot say otherwise.
            Some("false") => json!(false),
            Some("null") => Value::Null,
            Some(text) => json!(text),
        });
    }
    let object = values.into_iter().map(|(name, mut values)| {
        let value = match values.len() == 1 && !name.ends_with("[]") {
            true => values.remove(0),
            false => Value::Array(values),
        };
        (name, value)
    });
    Ok(Value::Object(object.collect()).to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_form_is_known_by_its_content_type() {
        for kind in ["multipart/form-data; boundary=x", "Multipart/Form-Data ;boundary=\"y\""] {
            assert!(is_form(kind), "{kind}");
        }
        for kind in ["", "application/json", "application/x-www-form-urlencoded", "multipart/mixed"]
        {
            assert!(!is_form(kind), "{kind}");
        }
    }

    #[test]
    fn fields_have_the_values_of_the_same_json() {
        let text = |text: &str| Some(text.to_owned());
        let fields = [
            ("model", text("whisper \"large\"")),
            ("file", None),
            ("store", text("false")),
            ("user", text("null")),
            ("image", None),
            ("image", None),
            ("granularities[]", text("word")),
        ];
        let found = form_as_json(fields.map(|(name, text)| (name.to_owned(), text))).unwrap();
        let expected = json!({"model": "whisper \"large\"", "file": {}, "store": false, "user": null,
                              "image": [{}, {}], "granularities[]": ["word"]});
        assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), expected);
    }

    #[test]
    fn a_form_of_too_many_fields_is_refused() {
        let of = |count| form_as_json((0..count).map(|at| (format!("f{at}"), None)));
        assert!(of(MAX_FIELDS).is_ok());
        assert_eq!(of(MAX_FIELDS + 1).map_err(|e| e.code()), Err("body_too_complex"));
    }
}
