//! `GET /v1/models`: one object for OpenAI's and Anthropic's clients.
//!
//! ```json
//! {"object": "list", "has_more": false, "first_id": "auto", "last_id": "auto", "data": [
//!   {"id": "auto", "object": "model", "created": 1795305600, "owned_by": "pointsman",
//!    "type": "model", "display_name": "auto", "created_at": "2026-11-22T00:00:00Z", "lifecycle": "active",
//!    "capabilities": null, "max_input_tokens": 128000, "max_tokens": null,
//!    "context_window": 128000, "context_length": 128000}]}
//! ```
//! OpenAI's clients read the second line, Anthropic's the third and fourth, and further programs one of the
//! names of the context window. Without `limit` the list is whole.

use pointsman::Manifest;
use serde_json::{Value, json};

use crate::config::Upstreams;
use crate::error::GatewayError;

/// When a model was made is not known here, so every one has the day on which this gateway was begun.
const CREATED: u64 = 1_795_305_600;
/// The same in RFC 3339.
const CREATED_AT: &str = "2026-11-22T00:00:00Z";
/// The most models of a page.
const MAX_LIMIT: usize = 1000;

/// What the gateway knows of a model's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ModelLimits {
    /// Its context window in tokens.
    context_window: Option<u64>,
    /// The most output tokens of an answer.
    output_tokens: Option<u64>,
}

impl ModelLimits {
    /// The limits of a name. A name that means routing has the largest window of the candidates that
    /// `may_answer`, since a request is sent where it fits, and the smallest limit of an answer; neither is known
    /// if a candidate's is not.
    pub(crate) fn of(
        name: &str,
        manifest: &Manifest,
        upstreams: &Upstreams,
        may_answer: impl Fn(&str) -> bool,
    ) -> Self {
        let one = |name: &str| {
            let upstream = upstreams.get(name);
            let stated = upstream.and_then(|upstream| upstream.context_window);
            let bundles = || manifest.candidates.iter().find(|candidate| candidate.id == name);
            Self {
                context_window: stated.or_else(|| bundles()?.context_window),
                output_tokens: upstream
                    .and_then(|upstream| upstream.max_output_tokens.map(u64::from)),
            }
        };
        if manifest.candidate_index(name).is_some() || upstreams.get(name).is_some() {
            return one(name);
        }
        let candidates = manifest.candidates.iter().map(|candidate| candidate.id.as_str());
        let all: Vec<Self> = candidates.filter(|id| may_answer(id)).map(one).collect();
        let windows: Option<Vec<u64>> = all.iter().map(|one| one.context_window).collect();
        let outputs: Option<Vec<u64>> = all.iter().map(|one| one.output_tokens).collect();
        Self {
            context_window: windows.and_then(|windows| windows.into_iter().max()),
            output_tokens: outputs.and_then(|outputs| outputs.into_iter().min()),
        }
    }
}

/// One model.
pub(crate) fn model(name: &str, limits: ModelLimits) -> Value {
    let mut model = json!({
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "pointsman",
        "type": "model",
        "display_name": name,
        "created_at": CREATED_AT,
        "lifecycle": "active",
        "capabilities": null,
        "max_input_tokens": limits.context_window,
        "max_tokens": limits.output_tokens,
    });
    if let Some(tokens) = limits.context_window {
        model["context_window"] = tokens.into();
        model["context_length"] = tokens.into();
    }
    if let Some(tokens) = limits.output_tokens {
        model["max_output_tokens"] = tokens.into();
    }
    model
}

/// The part of the list that a client asks for, with the parameters of Anthropic's API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PageRequest {
    limit: Option<usize>,
    after_id: Option<String>,
    before_id: Option<String>,
}

impl PageRequest {
    /// Reads a URL's parameters; unknown ones are ignored.
    ///
    /// # Errors
    /// [`GatewayError::ParameterIllFormed`].
    pub(crate) fn new<'q, Text: AsRef<str> + 'q>(
        parameters: impl Iterator<Item = (Text, Text)>,
    ) -> Result<Self, GatewayError> {
        let mut page = Self::default();
        for (name, value) in parameters {
            let value = value.as_ref();
            match name.as_ref() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    page.limit = Some(limit.ok_or_else(|| GatewayError::ParameterIllFormed {
                        name: "limit",
                        found: value.to_owned(),
                        expected: "a whole number from 1 to 1000",
                    })?);
                }
                "after_id" if !value.is_empty() => page.after_id = Some(value.to_owned()),
                "before_id" if !value.is_empty() => page.before_id = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(page)
    }

    /// The asked part of the list of `names`, and whether the list goes on in the direction of paging:
    /// backwards if only `before_id` is stated.
    ///
    /// # Errors
    /// [`GatewayError::ParameterIllFormed`] for an id that is not in the list.
    fn of<'n>(&self, names: &'n [String]) -> Result<(&'n [String], bool), GatewayError> {
        let place = |name: &'static str, id: &Option<String>| {
            let Some(id) = id else { return Ok(None) };
            let place = names.iter().position(|name| name == id);
            place.map(Some).ok_or_else(|| GatewayError::ParameterIllFormed {
                name,
                found: id.clone(),
                expected: "the id of a listed model",
            })
        };
        let after = place("after_id", &self.after_id)?;
        let before = place("before_id", &self.before_id)?;
        let start = after.map_or(0, |at| at + 1);
        let rest = &names[start..before.unwrap_or(names.len()).max(start)];
        let most = self.limit.unwrap_or(rest.len()).min(rest.len());
        let page = match (after, before) {
            (None, Some(_)) => &rest[rest.len() - most..],
            _ => &rest[..most],
        };
        Ok((page, page.len() < rest.len()))
    }
}

/// A page of the models of these names, in their order.
///
/// # Errors
/// [`GatewayError::ParameterIllFormed`].
pub(crate) fn page(
    names: &[String],
    asked: &PageRequest,
    limits: impl Fn(&str) -> ModelLimits,
) -> Result<Value, GatewayError> {
    let (names, has_more) = asked.of(names)?;
    let models: Vec<Value> = names.iter().map(|name| model(name, limits(name))).collect();
    Ok(json!({
        "object": "list",
        "data": models,
        "has_more": has_more,
        "first_id": names.first(),
        "last_id": names.last(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;

    fn ids(page: &Value) -> Vec<&str> {
        page["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect()
    }

    fn asked(query: &[(&str, &str)]) -> Result<Value, &'static str> {
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        PageRequest::new(query.iter().copied())
            .and_then(|asked| page(&names, &asked, |_| ModelLimits::default()))
            .map_err(|e| e.code())
    }

    #[test]
    fn a_model_is_read_by_clients_of_both_apis() {
        let limits = ModelLimits { context_window: Some(9000), output_tokens: Some(100) };
        let found = model("m", limits);
        for (field, value) in [
            ("id", json!("m")),
            ("object", json!("model")),
            ("type", json!("model")),
            ("display_name", json!("m")),
            ("context_window", json!(9000)),
            ("context_length", json!(9000)),
            ("max_input_tokens", json!(9000)),
            ("max_tokens", json!(100)),
            ("max_output_tokens", json!(100)),
        ] {
            assert_eq!(found[field], value, "{field}");
        }
        let unknown = model("m", ModelLimits::default());
        assert_eq!((&unknown["max_tokens"], unknown.get("context_window")), (&Value::Null, None));
    }

    #[test]
    fn both_forms_of_the_date_are_the_same_day() {
        let days = CREATED / 86_400;
        // Of the 20,423 days from 1970 to 2025-12-01, 14 were those of leap years.
        assert_eq!((CREATED % 86_400, days), (0, 20_423 + 356));
        assert_eq!(CREATED_AT, "2026-11-22T00:00:00Z");
    }

    #[test]
    fn a_list_is_read_in_pages_forwards_and_backwards() {
        for (query, expected, has_more) in [
            (&[][..], &["a", "b", "c", "d"][..], false),
            (&[("limit", "1000"), ("client", "x")], &["a", "b", "c", "d"], false),
            (&[("limit", "2")], &["a", "b"], true),
            (&[("limit", "2"), ("after_id", "b")], &["c", "d"], false),
            (&[("limit", "2"), ("after_id", "a")], &["b", "c"], true),
            (&[("limit", "2"), ("before_id", "d")], &["b", "c"], true),
            (&[("limit", "2"), ("before_id", "c")], &["a", "b"], false),
            (&[("after_id", "a"), ("before_id", "d")], &["b", "c"], false),
            (&[("after_id", "c"), ("before_id", "b")], &[], false),
            (&[("after_id", "d")], &[], false),
            (&[("after_id", ""), ("before_id", "")], &["a", "b", "c", "d"], false),
        ] {
            let page = asked(query).unwrap();
            assert_eq!(ids(&page), expected, "{query:?}");
            assert_eq!(page["has_more"], has_more, "{query:?}");
            assert_eq!(page["first_id"], json!(expected.first()), "{query:?}");
            assert_eq!(page["last_id"], json!(expected.last()), "{query:?}");
        }
        for query in [("limit", "0"), ("limit", "1001"), ("limit", "x"), ("after_id", "e")] {
            assert_eq!(asked(&[query]), Err("parameter_ill_formed"), "{query:?}");
        }
    }

    #[test]
    fn routing_has_the_largest_window_and_the_smallest_answer() {
        let json = r#"{
            "small": {"baseUrl": "https://x", "contextWindow": 100, "maxOutputTokens": 10},
            "large": {"baseUrl": "https://x", "contextWindow": 900, "maxOutputTokens": 30},
            "other": {"baseUrl": "https://x", "contextWindow": 5000}
        }"#;
        let upstreams = Upstreams::from_json(Some(json)).unwrap();
        let manifest = manifest();
        let of = |name: &str, may: &dyn Fn(&str) -> bool| {
            let found = ModelLimits::of(name, &manifest, &upstreams, may);
            (found.context_window, found.output_tokens)
        };
        assert_eq!(of("auto", &|_| true), (Some(900), Some(10)));
        assert_eq!(of("test", &|name| name == "small"), (Some(100), Some(10)));
        assert_eq!(of("large", &|_| true), (Some(900), Some(30)));
        assert_eq!(of("other", &|_| true), (Some(5000), None));
        let none = ModelLimits::of("auto", &manifest, &Upstreams::default(), |_| false);
        assert_eq!(none, ModelLimits::default());
    }
}
