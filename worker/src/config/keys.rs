//! The `KEYS` variable: who may use the gateway.
//!
//! ```json
//! [{"name": "team-a", "sha256": "9f86...", "models": ["auto"], "budget": {"usd": 50, "period": "month"}}]
//! ```
//! A key is kept as the SHA-256 of its text. Keys are random, so a slow hash would add nothing.

use serde::Deserialize;

use crate::error::GatewayError;

/// A key of the gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Key {
    /// Its name, in logs and ledgers.
    pub(crate) name: String,
    /// SHA-256 of its text, in lower-case hexadecimal.
    pub(crate) sha256: String,
    /// What it may ask for; anything where absent.
    pub(crate) models: Option<Vec<String>>,
    /// What it may spend; as much as it likes where absent.
    pub(crate) budget: Option<Budget>,
}

/// What a key may spend.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Budget {
    /// US dollars.
    pub(crate) usd: f64,
    /// In which time.
    pub(crate) period: Period,
}

/// A day or a month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Period {
    /// From midnight.
    Day,
    /// From the first.
    Month,
}

impl Period {
    /// Its name.
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
    /// Reads and checks the variable. An absent one has no keys.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`] for bad JSON, a hash that is none, a name that is empty or
    /// stands twice, an amount below 0.
    pub(crate) fn from_json(json: Option<&str>) -> Result<Self, GatewayError> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let keys: Vec<Key> = super::read("KEYS", json)?;
        let invalid = |detail| Err(GatewayError::ConfigInvalid { variable: "KEYS", detail });
        for (at, key) in keys.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let name = &key.name;
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                return invalid(format!(
                    "the name of key {at} is {name:?}, expected 1 to 64 of A-Z a-z 0-9 . _ -"
                ));
            }
            if keys[..at].iter().any(|other| other.name == *name) {
                return invalid(format!("two keys are named {name:?}"));
            }
            let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            if key.sha256.len() != 64 || !key.sha256.chars().all(hexadecimal) {
                return invalid(format!(
                    "sha256 of {name:?} is no SHA-256 in lower-case hexadecimal: make one with \
                     worker/new-key.mjs"
                ));
            }
            if key.budget.is_some_and(|budget| !(budget.usd >= 0.0 && budget.usd.is_finite())) {
                return invalid(format!("budget.usd of {name:?} is no amount of US dollars"));
            }
        }
        Ok(Self(keys))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this SHA-256. Every key is compared whole, so that the time does not tell how
    /// near a guess was.
    pub(crate) fn with_hash(&self, sha256: &str) -> Option<&Key> {
        let mut found = None;
        for key in &self.0 {
            if same(&key.sha256, sha256) {
                found = Some(key);
            }
        }
        found
    }
}

impl Key {
    /// Whether it may ask for this name: of a model, of the bundle, or `auto`.
    pub(crate) fn may_ask(&self, name: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|model| model == name))
    }
}

fn same(a: &str, b: &str) -> bool {
    let difference = a.bytes().zip(b.bytes()).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && difference == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_key_is_found_by_its_hash_alone() {
        let json = format!(
            r#"[{{"name": "a", "sha256": "{HASH}", "models": ["auto"],
                 "budget": {{"usd": 5, "period": "day"}}}}]"#
        );
        let keys = Keys::from_json(Some(&json)).unwrap();
        let key = keys.with_hash(HASH).unwrap();
        assert_eq!((key.name.as_str(), key.budget.unwrap().period), ("a", Period::Day));
        assert!(key.may_ask("auto") && !key.may_ask("large"));
        assert_eq!(keys.with_hash(&HASH.replace('9', "8")), None);
        assert_eq!(keys.with_hash(&HASH[..63]), None);
        assert_eq!(keys.with_hash(""), None);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_hash_is_repeated() {
        let key = |name: &str, hash: &str, more: &str| {
            format!(r#"{{"name": "{name}", "sha256": "{hash}"{more}}}"#)
        };
        let cases = [
            ("{}".into(), "sequence"),
            (format!("[{}]", key("", HASH, "")), "name"),
            (format!("[{}]", key("a b", HASH, "")), "name"),
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
