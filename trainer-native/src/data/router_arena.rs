//! RouterArena's file of queries (arXiv 2510.00202): a JSON array.
//!
//! ```json
//! [{"global index": "Own_0", "prompt_formatted": "Name a prime above 10."}]
//! ```
//!
//! The prompt is `prompt_formatted`, or `prompt` where the former is absent or empty, as RouterArena's
//! own script has it. Other fields are ignored. The script passes over entries without index or
//! prompt, and its checker then refuses the file of predictions for its size; here they are errors.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::DataError;
use super::bad_row::{BadRow, RowFault, checked_utf8};
use super::files::read_bytes;
use super::json_array::for_each_element;
use super::lines::without_place;
use super::score_map::required;

const EXPECTED: &str = "a JSON array of objects with \"global index\" and \"prompt_formatted\"";

/// One query of the benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArenaQuery {
    /// Unique in the file.
    pub global_index: String,
    /// The text to route.
    pub prompt: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with \"global index\" and \"prompt_formatted\"")]
struct JsonRow {
    #[serde(rename = "global index")]
    global_index: Option<String>,
    prompt_formatted: Option<String>,
    prompt: Option<String>,
}

/// Reads the queries, in the order of the file.
///
/// # Errors
/// [`DataError::Io`], [`DataError::BadFile`] and [`DataError::BadRow`].
pub fn read_arena_queries(path: &Path) -> Result<Vec<ArenaQuery>, DataError> {
    let bytes = read_bytes(path)?;
    let mut lines: HashMap<String, u64> = HashMap::new();
    let mut queries = Vec::new();
    for_each_element(path, &bytes, EXPECTED, |_, line, element| {
        let query = parse(element).and_then(|query| match lines.get(&query.global_index) {
            None => Ok(query),
            Some(first) => Err(RowFault::new(
                "duplicate_id",
                format!(
                    "found the global index {:?} again (first at line {first}), expected each once",
                    query.global_index
                ),
            )),
        });
        let query = query.map_err(|RowFault { code, reason }| {
            let file = path.display().to_string();
            DataError::BadRow(BadRow { file, line, code, reason })
        })?;
        lines.insert(query.global_index.clone(), line);
        queries.push(query);
        Ok(())
    })?;
    Ok(queries)
}

fn parse(element: &[u8]) -> Result<ArenaQuery, RowFault> {
    let row: JsonRow = serde_json::from_str(checked_utf8(element)?)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))?;
    let global_index = required(row.global_index, "global index")?;
    let stated = |text: &String| !text.is_empty();
    let prompt = row.prompt_formatted.filter(stated).or(row.prompt);
    match prompt.filter(|prompt| !prompt.trim().is_empty()) {
        Some(prompt) => Ok(ArenaQuery { global_index, prompt }),
        None => Err(RowFault::new(
            "empty_query",
            format!("found no prompt for {global_index:?}, expected \"prompt_formatted\""),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ArenaQuery>, DataError> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("router_data.json");
        std::fs::write(&path, text).unwrap();
        read_arena_queries(&path)
    }

    #[test]
    fn the_formatted_prompt_comes_before_the_prompt() {
        let text = r#"[
            {"global index": "Own_0", "prompt_formatted": "Please answer: 1 + 1?", "prompt": "1 + 1?"},
            {"global index": "Own_1", "prompt_formatted": "", "prompt": "Why?", "difficulty": "easy"}
        ]"#;
        let found = read(text).unwrap();
        let pairs: Vec<_> = found.iter().map(|q| (&*q.global_index, &*q.prompt)).collect();
        assert_eq!(pairs, [("Own_0", "Please answer: 1 + 1?"), ("Own_1", "Why?")]);
    }

    #[test]
    fn entries_that_cannot_be_predicted_are_placed_and_named() {
        let good = r#"{"global index": "Own_0", "prompt": "Why?"}"#;
        for (bad, code) in [
            (good, "duplicate_id"),
            (r#"{"prompt": "Why?"}"#, "missing_field"),
            (r#"{"global index": "Own_1"}"#, "empty_query"),
            (r#"{"global index": "Own_1", "prompt": " \n"}"#, "empty_query"),
            (r#"{"global index": 1, "prompt": "Why?"}"#, "wrong_type"),
            ("[]", "wrong_type"),
        ] {
            let error = read(&format!("[{good},\n{bad}]")).unwrap_err();
            assert_eq!(error.code(), code, "{bad}: {error}");
            assert!(error.to_string().contains("router_data.json:2: "), "{error}");
        }
        for text in ["", "[]", "{}", "[{\"global index\""] {
            assert_eq!(read(text).unwrap_err().code(), "bad_file", "{text}");
        }
    }
}
