//! Writes a result as JSON and reads it back under the rules of
//! [`pair json`](crate::eval::stored): every number is finite; another version, or a
//! result of a pair, is refused.
//!
//! ```
//! use pointsman_trainer::eval::pool::json;
//!
//! let pair = json::read(r#"{"format": 1, "benchmark": "MMLU"}"#).unwrap_err();
//! assert_eq!(pair.code(), "result_form");
//! ```

use serde_json::Value;

use super::{FORMAT, PoolResult};
use crate::eval::ReportError;
use crate::eval::stored::{bad, restored, stored};

/// Form of results of many models.
pub const FORM: &str = "choice";

/// Writes the result as indented JSON, with a final line break.
///
/// # Errors
/// [`ReportError::NotFinite`], which names the place of a NaN or infinite number.
pub fn write(result: &PoolResult) -> Result<String, ReportError> {
    stored(result)
}

/// Reads a stored result.
///
/// # Errors
/// [`ReportError::ResultForm`] for a result of a pair, [`ReportError::ResultFormat`],
/// [`ReportError::BadResult`], [`ReportError::NotFinite`].
pub fn read(text: &str) -> Result<PoolResult, ReportError> {
    from_value(serde_json::from_str(text).map_err(|e| bad(&e))?)
}

/// Reads a stored result that is already parsed.
///
/// # Errors
/// Those of [`read`].
pub fn from_value(value: Value) -> Result<PoolResult, ReportError> {
    restored(value, FORM, FORMAT)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example as example_of_a_pair;
    use crate::eval::pool::build::tests::example;
    use crate::eval::stored as pair_json;

    #[test]
    fn a_result_survives_its_file() {
        let result = example();
        let text = write(&result).unwrap();
        assert_eq!(read(&text).unwrap(), result);
        assert!(text.ends_with("}\n") && !text.contains("null"));
        assert!(text.contains("\"form\": \"choice\""));
    }

    #[test]
    fn either_reader_refuses_the_other_form() {
        let pair = pair_json::write(&example_of_a_pair()).unwrap();
        let found = read(&pair).unwrap_err();
        assert_eq!(found.code(), "result_form");
        assert!(found.to_string().contains("form \"pair\", expected \"choice\""), "{found}");
        let found = pair_json::read(&write(&example()).unwrap()).unwrap_err();
        assert!(found.to_string().contains("form \"choice\", expected \"pair\""), "{found}");
    }

    #[test]
    fn what_is_no_result_of_this_format_is_refused() {
        let text = write(&example()).unwrap();
        let code = |text: &str| read(text).unwrap_err().code();
        assert_eq!(code(&text.replacen("\"format\": 1", "\"format\": 2", 1)), "result_format");
        assert_eq!(code("{\"form\": 3, \"format\": 1}"), "result_form");
        assert_eq!(code("{\"form\": \"choice\", \"format\": 1}"), "bad_result");
        assert_eq!(code(&text[..text.len() / 2]), "bad_result");
        assert_eq!(code(&text.replacen("\"models\"", "\"llms\"", 1)), "bad_result");
        assert_eq!(
            code(&text.replacen("\"shares\": [", "\"shares\": [null,", 1)),
            "result_not_finite"
        );
        let mut result = example();
        result.routers[1].datasets[0].score = f64::INFINITY;
        let found = write(&result).unwrap_err();
        assert_eq!(found, ReportError::NotFinite { path: "routers[1].datasets[0].score".into() });
    }
}
