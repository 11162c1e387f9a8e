//! The `UPSTREAMS` variable: where each candidate's requests go.
//!
//! ```json
//! {"large-model": {"baseUrl": "https://api.example.com/v1", "model": "large-2026", "keySecret": "LARGE_KEY"}}
//! ```
//! The keys are the bundle's candidates. `keySecret` names a secret binding, so that no key is ever
//! in a file; without it the upstream is called without a key.

use std::collections::BTreeMap;

use serde::Deserialize;
use switchyard_router::Manifest;

use crate::error::GatewayError;

/// Where one candidate's requests go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Upstream {
    /// The OpenAI-compatible API's root, up to and without `/chat/completions`.
    pub(crate) base_url: String,
    /// The model's name there; the candidate's own where absent.
    pub(crate) model: Option<String>,
    /// The secret binding that holds the API key.
    pub(crate) key_secret: Option<String>,
}

impl Upstream {
    /// The URL that chat completions are posted to.
    pub(crate) fn chat_url(&self) -> String {
        format!("{}/chat/completions", self.base_url.trim_end_matches('/'))
    }
}

/// The upstreams by candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Upstreams(BTreeMap<String, Upstream>);

impl Upstreams {
    /// Reads and checks the variable. An absent variable is an empty one: `/v1/route` needs none.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`] for bad JSON, a candidate that the bundle does not have, a
    /// URL that is not http(s) or carries a password, an empty name.
    pub(crate) fn from_json(json: Option<&str>, manifest: &Manifest) -> Result<Self, GatewayError> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let invalid = |detail: String| GatewayError::ConfigInvalid { detail };
        let upstreams: BTreeMap<String, Upstream> =
            serde_json::from_str(json).map_err(|e| invalid(e.to_string()))?;
        for (candidate, upstream) in &upstreams {
            if manifest.candidate_index(candidate).is_none() {
                return Err(invalid(format!(
                    "{candidate:?} is no candidate of this bundle, expected {}",
                    manifest.candidate_names()
                )));
            }
            check_url(&upstream.base_url)
                .map_err(|why| invalid(format!("{candidate}.baseUrl {why}")))?;
            for (field, value) in [("model", &upstream.model), ("keySecret", &upstream.key_secret)]
            {
                if value.as_deref().is_some_and(str::is_empty) {
                    return Err(invalid(format!("{candidate}.{field} is empty")));
                }
            }
        }
        Ok(Self(upstreams))
    }

    /// A candidate's upstream.
    ///
    /// # Errors
    /// [`GatewayError::UpstreamNotConfigured`].
    pub(crate) fn of(&self, candidate: &str) -> Result<&Upstream, GatewayError> {
        self.0
            .get(candidate)
            .ok_or_else(|| GatewayError::UpstreamNotConfigured { candidate: candidate.to_owned() })
    }
}

/// The URL is not repeated in the message: a password may be in it.
fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or("does not start with https:// or http://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        Err("has no host")
    } else if host.contains('@') {
        Err("carries a user name or password: put the key into a secret and name it in keySecret")
    } else if url.contains(['?', '#']) || url.contains(char::is_whitespace) {
        Err("has a query, a fragment or white space: expected a root such as https://host/v1")
    } else {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A manifest with the candidates `small` (weak) and `large` (strong).
    pub(crate) fn manifest() -> Manifest {
        let json = r#"{
            "format": 1, "name": "test", "kind": "mf",
            "candidates": [{"id": "small"}, {"id": "large"}],
            "encoder": {"tier": "static", "max_tokens": 8, "truncation_side": "left",
                        "pooling": "mean", "embedding_size": 2, "special_tokens": false},
            "head": {"strong": "large", "weak": "small"},
            "files": []
        }"#;
        Manifest::from_json(json.as_bytes()).unwrap()
    }

    fn detail(json: &str) -> String {
        Upstreams::from_json(Some(json), &manifest()).unwrap_err().to_string()
    }

    #[test]
    fn a_candidates_upstream_is_found_and_its_url_joined_once() {
        for base in ["https://api.example.com/v1", "https://api.example.com/v1/"] {
            let json = format!(r#"{{"large": {{"baseUrl": "{base}", "keySecret": "K"}}}}"#);
            let upstreams = Upstreams::from_json(Some(&json), &manifest()).unwrap();
            let large = upstreams.of("large").unwrap();
            assert_eq!(large.chat_url(), "https://api.example.com/v1/chat/completions");
            assert_eq!(large.key_secret.as_deref(), Some("K"));
            assert_eq!(upstreams.of("small").unwrap_err().code(), "upstream_not_configured");
        }
    }

    #[test]
    fn no_variable_means_no_upstream() {
        let upstreams = Upstreams::from_json(None, &manifest()).unwrap();
        assert_eq!(upstreams.of("large").unwrap_err().status(), 500);
    }

    #[test]
    fn a_wrong_configuration_names_what_is_wrong() {
        assert!(detail("[").contains("UPSTREAMS"));
        assert!(detail(r#"{"lagre": {"baseUrl": "https://h"}}"#).contains("small, large"));
        assert!(detail(r#"{"large": {"baseUrl": "ftp://h"}}"#).contains("https://"));
        assert!(detail(r#"{"large": {"baseUrl": "https://"}}"#).contains("no host"));
        assert!(detail(r#"{"large": {"baseUrl": "https://h/v1?x=1"}}"#).contains("query"));
        assert!(detail(r#"{"large": {"baseUrl": "https://h", "model": ""}}"#).contains("model"));
        assert!(detail(r#"{"large": {"baseUrl": "https://h", "key": "k"}}"#).contains("keySecret"));
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let message = detail(r#"{"large": {"baseUrl": "https://me:hunter2@h/v1"}}"#);
        assert!(message.contains("keySecret") && !message.contains("hunter2"));
    }
}
