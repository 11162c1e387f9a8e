//! Writes a result as JSON and reads it back; every number in it is finite.
//!
//! The file states its `format`; another format is refused before anything else is read. Optional
//! fields that are missing are left out, so a `null` can only stand for NaN or an infinity, and is
//! refused with its place.
//!
//! ```
//! use pointsman_trainer::eval::stored;
//!
//! let newer = json::read(r#"{"format": 7}"#).unwrap_err();
//! assert_eq!(newer.code(), "result_format");
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::eval::PairResult;
use crate::eval::ReportError;
use crate::eval::pair::FORMAT;

/// Form of results of a pair.
pub const FORM: &str = "pair";

/// Writes the result as indented JSON, with a final line break.
///
/// # Errors
/// [`ReportError::NotFinite`], which names the place of a NaN or infinite number.
pub fn write(result: &PairResult) -> Result<String, ReportError> {
    stored(result)
}

/// Reads a stored result.
///
/// # Errors
/// [`ReportError::ResultFormat`], [`ReportError::BadResult`], [`ReportError::NotFinite`].
pub fn read(text: &str) -> Result<PairResult, ReportError> {
    from_value(serde_json::from_str(text).map_err(|e| bad(&e))?)
}

/// Reads a stored result that is already parsed.
///
/// # Errors
/// Those of [`read`].
pub fn from_value(value: Value) -> Result<PairResult, ReportError> {
    restored(value, FORM, FORMAT)
}

/// Writes a result of either form as indented JSON, with a final line break.
pub(crate) fn stored(result: &impl Serialize) -> Result<String, ReportError> {
    let value = serde_json::to_value(result).map_err(|e| bad(&e))?;
    check(&value)?;
    let mut text = serde_json::to_string_pretty(&value).map_err(|e| bad(&e))?;
    text.push('\n');
    Ok(text)
}

/// Reads a result of the expected form and version.
pub(crate) fn restored<R: DeserializeOwned>(
    value: Value,
    form: &'static str,
    format: u32,
) -> Result<R, ReportError> {
    check_form(&value, form)?;
    check_format(&value, format)?;
    check(&value)?;
    serde_json::from_value(value).map_err(|e| bad(&e))
}

/// The `form` that a stored result states; [`FORM`] where it states none.
pub(crate) fn form(value: &Value) -> &str {
    match value.get("form") {
        None => FORM,
        Some(form) => form.as_str().unwrap_or("no text"),
    }
}

/// Refuses the other form before anything else is read.
fn check_form(value: &Value, expected: &'static str) -> Result<(), ReportError> {
    match form(value) {
        found if found == expected => Ok(()),
        found => Err(ReportError::ResultForm { found: found.to_owned(), expected }),
    }
}

/// Refuses another version.
fn check_format(value: &Value, expected: u32) -> Result<(), ReportError> {
    let format = value.get("format").and_then(Value::as_u64);
    if format == Some(u64::from(expected)) {
        return Ok(());
    }
    let found = format.map_or_else(|| "none".to_owned(), |format| format.to_string());
    Err(ReportError::ResultFormat { found, expected })
}

pub(crate) fn bad(error: &serde_json::Error) -> ReportError {
    ReportError::BadResult { detail: error.to_string() }
}

/// Refuses a null, which only a non-finite number leaves.
fn check(value: &Value) -> Result<(), ReportError> {
    match null_at(value, &mut String::new()) {
        Some(path) => Err(ReportError::NotFinite { path }),
        None => Ok(()),
    }
}

/// Path of the first null, such as `routers[0].apgr`.
fn null_at(value: &Value, path: &mut String) -> Option<String> {
    let length = path.len();
    let mut enter = |value: &Value, step: String| {
        path.push_str(&step);
        let found = null_at(value, path);
        path.truncate(length);
        found
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| enter(item, format!("[{at}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let dot = if length == 0 { "" } else { "." };
            enter(field, format!("{dot}{name}"))
        }),
        Value::Null => Some(path.clone()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;

    #[test]
    fn a_result_survives_its_file() {
        let result = example();
        let text = write(&result).unwrap();
        assert_eq!(read(&text).unwrap(), result);
        assert!(text.ends_with("}\n") && !text.contains("null"));
    }

    #[test]
    fn a_number_that_is_none_is_refused_with_its_place() {
        let mut result = example();
        result.routers[1].curve[2].score = f64::NAN;
        let found = write(&result).unwrap_err();
        assert_eq!(found, ReportError::NotFinite { path: "routers[1].curve[2].score".into() });
        let text =
            write(&example()).unwrap().replacen("\"weak\": 0.", "\"weak\": null, \"x\": 0.", 1);
        assert_eq!(read(&text).unwrap_err().code(), "result_not_finite");
    }

    #[test]
    fn what_is_no_result_of_this_format_is_refused() {
        let text = write(&example()).unwrap();
        let code = |text: &str| read(text).unwrap_err().code();
        assert_eq!(code(&text.replacen("\"format\": 1", "\"format\": 2", 1)), "result_format");
        assert_eq!(code("{}"), "result_format");
        assert_eq!(code("{\"form\": \"choice\", \"format\": 1}"), "result_form");
        assert_eq!(code("{\"format\": 1}"), "bad_result");
        assert_eq!(code(&text[..text.len() / 2]), "bad_result");
        assert_eq!(code(&text.replacen("\"rows\"", "\"lines\"", 1)), "bad_result");
        assert_eq!(
            code(&text.replacen("\"score_scale\": 1.0", "\"score_scale\": 1e999", 1)),
            "bad_result"
        );
    }
}
