//! The `KEYS` variable: the gateway's API keys.
//!
//! ```json
//! [{"name": "team-a", "sha256": "9f86...", "models": ["auto"], "budget": {"usd": 50, "period": "month"}}]
//! ```
//! `feedback: false` takes from a key the right to score answers, `log` overrides `GATEWAY.log.content`, `mode` overrides
//! `GATEWAY.mode`, and `shadow: false` keeps its requests from other models and the judge.
//! Only the SHA-256 of a key is stored. Keys are random, so a slow hash would add nothing.

use serde::Deserialize;

use super::mode::Mode;
use super::variable::is_sha256;
use crate::error::GatewayError;

/// The name that logs and ledgers give to callers without a key; no key may have it.
pub(crate) const OPEN: &str = "open";

/// A key of the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Key {
    /// The key's name, used in logs and ledgers.
    pub(crate) name: String,
    /// SHA-256 of the key, in lower-case hexadecimal.
    pub(crate) sha256: String,
    /// The names that it may request; all if absent.
    pub(crate) models: Option<Vec<String>>,
    /// Its budget; unlimited if absent.
    pub(crate) budget: Option<Budget>,
    /// Whether it may score answers.
    #[serde(default = "yes")]
    pub(crate) feedback: bool,
    /// Whether its queries are logged as text; as `GATEWAY.log.content` says if absent.
    pub(crate) log: Option<bool>,
    /// Whether routing's choice is called; as `GATEWAY.mode` says if absent.
    pub(crate) mode: Option<Mode>,
    /// Whether its requests may be compared as `GATEWAY.shadow` says.
    #[serde(default = "yes")]
    pub(crate) shadow: bool,
}

fn yes() -> bool {
    true
}

/// A spending limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Budget {
    /// The limit in US dollars.
    pub(crate) usd: f64,
    /// The period after which spending starts at zero again.
    pub(crate) period: Period,
}

/// A calendar day or month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Period {
    /// Begins at midnight.
    Day,
    /// Begins on the first of the month.
    Month,
}

impl Period {
    /// The period's name in the ledger.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// The gateway's keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    /// Parses and checks the variable. Without it there are no keys.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`] for bad JSON, a malformed hash, an empty or repeated name, a
    /// negative budget.
    pub(crate) fn from_json(json: Option<&str>) -> Result<Self, GatewayError> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let keys: Vec<Key> = super::variable::parse_variable("KEYS", json)?;
        let invalid = |detail| Err(GatewayError::ConfigInvalid { variable: "KEYS", detail });
        for (at, key) in keys.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let name = &key.name;
            // The name is part of files' names: "." and ".." would leave their folder once downloaded.
            let dotted = name.starts_with('.');
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) || dotted {
                return invalid(format!(
                    "the name of key {at} is not 1 to 64 of A-Z a-z 0-9 . _ - without a dot at its \
                     beginning"
                ));
            }
            if name == OPEN {
                return invalid(format!(
                    "key {at} is named {OPEN:?}, which means callers without a key: choose another name"
                ));
            }
            if keys[..at].iter().any(|other| other.name == *name) {
                return invalid(format!("two keys are named {name:?}"));
            }
            if !is_sha256(&key.sha256) {
                return invalid(format!(
                    "sha256 of {name:?} is not a SHA-256 in lower-case hexadecimal: make one with \
                     worker/js/new-key.mjs"
                ));
            }
            if key.budget.is_some_and(|budget| !(budget.usd >= 0.0 && budget.usd.is_finite())) {
                return invalid(format!("budget.usd of {name:?} must be 0 or more US dollars"));
            }
        }
        Ok(Self(keys))
    }

    /// The keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// Whether there are no keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the key with this SHA-256, in constant time: every key is compared in full, so that the
    /// time does not reveal how close a guess was.
    pub(crate) fn with_hash(&self, sha256: &str) -> Option<&Key> {
        let mut found = None;
        for key in &self.0 {
            if equal_in_constant_time(&key.sha256, sha256) {
                found = Some(key);
            }
        }
        found
    }
}

impl Key {
    /// Whether the key may request this name: a model's, the bundle's or `auto`.
    pub(crate) fn may_request(&self, name: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|model| model == name))
    }
}

/// Whether two texts are equal, in a time that depends on their lengths alone.
pub(crate) fn equal_in_constant_time(a: &str, b: &str) -> bool {
    let difference = a.bytes().zip(b.bytes()).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && difference == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_key_is_found_by_its_hash() {
        let json = format!(
            r#"[{{"name": "a", "sha256": "{HASH}", "models": ["auto"],
                 "budget": {{"usd": 5, "period": "day"}}}}]"#
        );
        let keys = Keys::from_json(Some(&json)).unwrap();
        let key = keys.with_hash(HASH).unwrap();
        assert_eq!((key.name.as_str(), key.budget.unwrap().period), ("a", Period::Day));
        assert!(key.may_request("auto") && !key.may_request("large"));
        assert!(key.feedback && key.log.is_none());
        assert_eq!(keys.with_hash(&HASH.replace('9', "8")), None);
        assert_eq!(keys.with_hash(&HASH[..63]), None);
        assert_eq!(keys.with_hash(""), None);
    }

    #[test]
    fn errors_name_the_fault_and_repeat_no_hash() {
        let key = |name: &str, hash: &str, more: &str| {
            format!(r#"{{"name": "{name}", "sha256": "{hash}"{more}}}"#)
        };
        let cases = [
            ("{}".into(), "sequence"),
            (format!("[{}]", key("", HASH, "")), "name"),
            (format!("[{}]", key("a b", HASH, "")), "name"),
            (format!("[{}]", key("..", HASH, "")), "name"),
            (format!("[{}]", key("open", HASH, "")), "callers without a key"),
            (format!("[{}]", key("a", HASH, r#", "feedback": "no""#)), "boolean"),
            (format!("[{},{}]", key("a", HASH, ""), key("a", HASH, "")), "two keys"),
            (format!("[{}]", key("a", "pm-plain", "")), "new-key"),
            (format!("[{}]", key("a", &HASH.to_uppercase(), "")), "new-key"),
            (
                format!("[{}]", key("a", HASH, r#", "budget": {"usd": -1, "period": "day"}"#)),
                "budget.usd",
            ),
            (
                format!("[{}]", key("a", HASH, r#", "budget": {"usd": 1, "period": "week"}"#)),
                "week",
            ),
            (format!("[{}]", key("a", HASH, r#", "model": []"#)), "model"),
        ];
        for (json, part) in cases {
            let error = Keys::from_json(Some(&json)).unwrap_err();
            assert_eq!(error.code(), "config_invalid");
            let text = error.to_string();
            assert!(text.contains(part) && !text.contains("pm-plain"), "{text}");
        }
        assert!(Keys::from_json(None).unwrap().is_empty());
    }
}
