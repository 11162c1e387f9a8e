//! Writes results as JSON and reads them back; every number in a file is finite.
//!
//! A file states its `format`, and the form of its results where it is not that of a pair; another
//! format is refused before anything else is read. Optional fields that are missing are left out,
//! so a `null` can only stand for NaN or an infinity, and is refused with its place.
//!
//! ```
//! use pointsman_trainer::eval::Stored;
//!
//! let newer = Stored::read(r#"{"format": 7}"#).unwrap_err();
//! assert!(newer.to_string().contains("format 7, expected 1"));
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::EvalError;
use super::evaluated::Form;
use super::pair::{PairFacts, PairResult};
use super::pool::{PoolFacts, PoolResult};
use super::sanity::SanityResult;
use super::transfer::TransferResult;

/// Version of the files' format, the same for all forms.
const FORMAT: u32 = 1;
/// The form of a [`TransferResult`].
const TRANSFER: &str = "transfer";
/// The form of a [`SanityResult`].
const SANITY: &str = "sanity";

/// Stored results of every form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored {
    /// Results of routers of a weak and a strong model.
    pub pairs: Vec<PairResult>,
    /// Results of routers that pick one of a pool of models.
    pub pools: Vec<PoolResult>,
    /// Recipes evaluated on sources left out.
    pub transfers: Vec<TransferResult>,
    /// Bundles asked whether they decide sensibly.
    pub sanities: Vec<SanityResult>,
}

impl Stored {
    /// Reads what [`Stored::json`] wrote, or a single result of any form.
    ///
    /// # Errors
    /// [`EvalError::BadResult`] for another form or format, text that is no result, and numbers that
    /// are not finite.
    pub fn read(text: &str) -> Result<Self, EvalError> {
        let values = match serde_json::from_str(text).map_err(unreadable)? {
            Value::Array(values) => values,
            single => vec![single],
        };
        let mut stored = Self::default();
        for value in values {
            let Value::Object(fields) = value else {
                return Err(bad(format!("found {value}, expected the JSON that eval writes")));
            };
            match fields.get("form").map(Value::as_str) {
                None => stored.pairs.push(restored(fields)?),
                Some(Some(PoolFacts::NAME)) => stored.pools.push(restored(fields)?),
                Some(Some(TRANSFER)) => stored.transfers.push(restored(fields)?),
                Some(Some(SANITY)) => stored.sanities.push(restored(fields)?),
                Some(other) => {
                    let (pair, pool) = (PairFacts::NAME, PoolFacts::NAME);
                    let other = other.unwrap_or("no text");
                    return Err(bad(format!(
                        "found a result of the form {other:?}, expected {pair:?}, {pool:?}, {TRANSFER:?} \
                         or {SANITY:?}. Leave the file out"
                    )));
                }
            }
        }
        Ok(stored)
    }

    /// Adds the results of another file after its own.
    pub fn append(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.pools.extend(other.pools);
        self.transfers.extend(other.transfers);
        self.sanities.extend(other.sanities);
    }

    /// Writes the results as an indented JSON array, those of pairs first.
    ///
    /// # Errors
    /// [`EvalError::BadResult`], which names the place of a NaN or infinite number.
    pub fn json(&self) -> Result<String, EvalError> {
        // Files state no form where it is that of a pair.
        let pairs = self.pairs.iter().map(|result| written(None, result));
        let pools = self.pools.iter().map(|result| written(Some(PoolFacts::NAME), result));
        let transfers = self.transfers.iter().map(|result| written(Some(TRANSFER), result));
        let sanities = self.sanities.iter().map(|result| written(Some(SANITY), result));
        let texts = pairs.chain(pools).chain(transfers).chain(sanities);
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[\n{}\n]\n", texts.join(",\n")))
    }
}

/// Writes one result, without a final line break.
fn written(form: Option<&str>, result: &impl Serialize) -> Result<String, EvalError> {
    let mut value = serde_json::to_value(result).map_err(unreadable)?;
    if let Value::Object(fields) = &mut value {
        fields.insert("format".to_owned(), FORMAT.into());
        if let Some(form) = form {
            fields.insert("form".to_owned(), form.into());
        }
        check_finite(fields)?;
    }
    serde_json::to_string_pretty(&value).map_err(unreadable)
}

/// Reads a result whose form is known.
fn restored<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, EvalError> {
    let format = fields.get("format").and_then(Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        let found = format.map_or_else(|| "none".to_owned(), |format| format.to_string());
        return Err(bad(format!(
            "found format {found}, expected {FORMAT}. Evaluate again with this version"
        )));
    }
    check_finite(&fields)?;
    serde_json::from_value(Value::Object(fields)).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> EvalError {
    bad(format!("{error}. Expected the JSON that eval writes"))
}

fn bad(detail: String) -> EvalError {
    EvalError::BadResult { detail }
}

/// Refuses a null, which only a non-finite number leaves.
fn check_finite(fields: &Map<String, Value>) -> Result<(), EvalError> {
    match null_in(fields, &mut String::new()) {
        Some(path) => Err(bad(format!(
            "found no finite number at {path}, expected one: a metric that is undefined is left out"
        ))),
        None => Ok(()),
    }
}

/// Path of the first null below a value, such as `routers[0].apgr`.
fn null_at(value: &Value, path: &mut String) -> Option<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| entered(path, &format!("[{at}]"), |path| null_at(item, path))),
        Value::Object(fields) => null_in(fields, path),
        Value::Null => Some(path.clone()),
        _ => None,
    }
}

fn null_in(fields: &Map<String, Value>, path: &mut String) -> Option<String> {
    let dot = if path.is_empty() { "" } else { "." };
    fields.iter().find_map(|(name, field)| {
        entered(path, &format!("{dot}{name}"), |path| null_at(field, path))
    })
}

/// What `find` finds one step further down the path.
fn entered(
    path: &mut String,
    step: &str,
    find: impl FnOnce(&mut String) -> Option<String>,
) -> Option<String> {
    let length = path.len();
    path.push_str(step);
    let found = find(path);
    path.truncate(length);
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;
    use crate::eval::sanity::tests::example as example_of_sanity;
    use crate::eval::transfer::tests::example as example_of_transfer;

    fn both() -> Stored {
        Stored { pairs: vec![example()], pools: vec![example_of_a_pool()], ..Stored::default() }
    }

    fn fault(text: &str) -> String {
        Stored::read(text).unwrap_err().to_string()
    }

    #[test]
    fn results_survive_their_file() {
        let text = both().json().unwrap();
        assert_eq!(Stored::read(&text).unwrap(), both());
        assert!(text.ends_with("}\n]\n") && !text.contains("null"));
        assert_eq!(text.matches("\"form\": \"choice\"").count(), 1);
        assert_eq!(text.matches("\"form\"").count(), 1);
        assert_eq!(text.matches("\"format\": 1").count(), 2);
    }

    #[test]
    fn results_of_transfer_and_sanity_state_their_form() {
        let (transfers, sanities) = (vec![example_of_transfer()], vec![example_of_sanity()]);
        let stored = Stored { transfers, sanities, ..Stored::default() };
        let text = stored.json().unwrap();
        assert_eq!(Stored::read(&text).unwrap(), stored);
        assert_eq!(text.matches("\"form\": \"transfer\"").count(), 1);
        assert_eq!(text.matches("\"form\": \"sanity\"").count(), 1);
        let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
        assert!(fault(&newer).contains("found format 2, expected 1"));
        let mut found = both();
        found.append(stored.clone());
        assert_eq!((found.transfers, found.sanities), (stored.transfers, stored.sanities));
    }

    #[test]
    fn a_file_holds_one_result_or_many() {
        let pair = written(None, &example()).unwrap();
        assert_eq!(Stored::read(&pair).unwrap().pairs, [example()]);
        let mut found = Stored::read(&format!("[{pair},{pair}]")).unwrap();
        assert_eq!(found.pairs, [example(), example()]);
        found.append(
            Stored::read(&written(Some(PoolFacts::NAME), &example_of_a_pool()).unwrap()).unwrap(),
        );
        assert_eq!(found, Stored { pairs: vec![example(), example()], ..both() });
        assert_eq!(Stored::read("[]").unwrap(), Stored::default());
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_with_its_place() {
        let place = |stored: &Stored| stored.json().unwrap_err().to_string();
        let mut stored = both();
        stored.pools[0].routers[1].metrics.datasets[0].score = f64::INFINITY;
        assert!(place(&stored).contains("no finite number at routers[1].datasets[0].score,"));
        stored.pairs[0].routers[1].metrics.curve[2].score = f64::NAN;
        assert!(place(&stored).contains("no finite number at routers[1].curve[2].score,"));
        let text = both().json().unwrap();
        let null = text.replacen("\"weak\": 0.", "\"weak\": null, \"x\": 0.", 1);
        assert!(fault(&null).contains("found no finite number at "));
        let null = text.replacen("\"shares\": [", "\"shares\": [null,", 1);
        assert!(fault(&null).contains("found no finite number at routers[0].shares[0],"));
    }

    #[test]
    fn another_form_format_or_text_is_refused() {
        for text in [
            written(None, &example()).unwrap(),
            written(Some(PoolFacts::NAME), &example_of_a_pool()).unwrap(),
        ] {
            let newer = text.replacen("\"format\": 1", "\"format\": 2", 1);
            assert!(fault(&newer).contains("found format 2, expected 1"));
            assert!(fault(&text[..text.len() / 2]).contains("EOF while parsing"));
            assert!(
                fault(&text.replacen("\"rows\"", "\"lines\"", 1)).contains("missing field `rows`")
            );
            let huge = text.replacen("\"resamples\": ", "\"resamples\": 1e999, \"x\": ", 1);
            assert!(fault(&huge).contains("number out of range"));
        }
        let pool = written(Some(PoolFacts::NAME), &example_of_a_pool()).unwrap();
        let renamed = pool.replacen("\"models\"", "\"llms\"", 1);
        assert!(fault(&renamed).contains("missing field `models`"));
        for (text, expected) in [
            ("{}", "found format none, expected 1"),
            ("[{}]", "found format none, expected 1"),
            ("{\"format\": 1}", "missing field"),
            ("{\"form\": \"choice\", \"format\": 1}", "missing field"),
            (
                "{\"form\": 3, \"format\": 1}",
                "form \"no text\", expected \"pair\", \"choice\", \"transfer\"",
            ),
            (
                "[{\"form\": \"trio\"}]",
                "form \"trio\", expected \"pair\", \"choice\", \"transfer\"",
            ),
            ("[", "EOF while parsing"),
            ("[7]", "found 7, expected the JSON that eval writes"),
        ] {
            assert!(fault(text).contains(expected), "{text}: {}", fault(text));
            assert_eq!(Stored::read(text).unwrap_err().code(), "bad_result", "{text}");
        }
        // A pair's facts are no pool's.
        let pair = written(None, &example()).unwrap();
        let as_pool = pair.replacen('{', "{\"form\": \"choice\",", 1);
        assert!(fault(&as_pool).contains("expected") || fault(&as_pool).contains("missing field"));
    }

    #[test]
    fn stored_results_of_the_repository_are_written_back_byte_for_byte() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                let again = Stored::read(&text).unwrap().json().unwrap();
                assert!(again == text, "{}", path.display());
                read += 1;
            }
        }
        assert!(read > 40, "{read} stored results");
    }
}
