//! Reads `current.json` of the bucket `BUNDLES`, which names the bundle to serve.
//!
//! ```json
//! {"prefix": "2026-11-22/", "sha256": "9f86...", "previous": {"prefix": "2026-11-15/", "sha256": "2c26..."}}
//! ```
//! `previous` is the bundle that was served before. Isolates that have it keep it while the new one cannot
//! be loaded, and an isolate that starts then serves it too, not the deployed one. `candidate`, of the same shape, is
//! the one that a rollout tries (`GATEWAY.rollout`).

use serde::Deserialize;

use super::variable::is_sha256;
use crate::error::GatewayError;

/// The longest file, in bytes.
pub(crate) const MAX_BYTES: usize = 16 << 10;

/// The bundle to serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurrentBundle {
    prefix: String,
    sha256: String,
    /// The bundle that was served before.
    pub(crate) previous: Option<BundleAddress>,
    /// The bundle that a rollout tries.
    pub(crate) candidate: Option<BundleAddress>,
}

/// Where a bundle is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundleAddress {
    /// The prefix of the bundle's files in the bucket, such as `2026-11-22/`.
    pub(crate) prefix: String,
    /// SHA-256 of its `router.json`, in lower-case hexadecimal.
    pub(crate) sha256: String,
}

impl CurrentBundle {
    /// Parses the file.
    ///
    /// # Errors
    /// [`GatewayError::CurrentBundleInvalid`].
    pub(crate) fn from_json(json: &str) -> Result<Self, GatewayError> {
        let invalid = |detail| GatewayError::CurrentBundleInvalid { detail };
        let current: Self = serde_json::from_str(json).map_err(|e| {
            invalid(format!("{e}. Expected {{\"prefix\": \"...\", \"sha256\": \"...\"}}"))
        })?;
        let others = [&current.previous, &current.candidate].into_iter().flatten();
        let hashes: Vec<&String> = others.map(|other| &other.sha256).collect();
        if !is_sha256(&current.sha256) || !hashes.into_iter().all(|hash| is_sha256(hash)) {
            return Err(invalid("a \"sha256\" is not a SHA-256 in lower-case hexadecimal".into()));
        }
        Ok(current)
    }

    /// Where the bundle is.
    pub(crate) fn address(&self) -> BundleAddress {
        BundleAddress { prefix: self.prefix.clone(), sha256: self.sha256.clone() }
    }
}

impl BundleAddress {
    /// Compares the hash of the `router.json` found with the one stated.
    ///
    /// # Errors
    /// [`GatewayError::CurrentBundleInvalid`] with both hashes, if they differ.
    pub(crate) fn check(&self, found: &str) -> Result<(), GatewayError> {
        match found == self.sha256 {
            true => Ok(()),
            false => Err(GatewayError::CurrentBundleInvalid {
                detail: format!(
                    "{}router.json has the SHA-256 {found}, the file says {}",
                    self.prefix, self.sha256
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn current_json_names_a_bundle_by_prefix_and_hash() {
        let json = format!(
            r#"{{"prefix": "b/", "sha256": "{HASH}", "previous": {{"prefix": "a/", "sha256": "{HASH}"}}}}"#
        );
        let found = CurrentBundle::from_json(&json).unwrap();
        let at = |prefix: &str| BundleAddress { prefix: prefix.into(), sha256: HASH.into() };
        assert_eq!((found.address(), found.previous), (at("b/"), Some(at("a/"))));
        assert_eq!(at("b/").check(HASH), Ok(()));
        assert!(at("b/").check("00").is_err_and(|why| why.to_string().contains("b/router.json")));
        let wrong_previous = r#"{"prefix": "a/", "sha256": "HASH", "previous": {"prefix": "a/"}}"#;
        for json in [
            "{",
            "{}",
            r#"{"prefix": 7}"#,
            r#"{"prefix": "a/", "sha256": "9f"}"#,
            &wrong_previous.replace("HASH", HASH),
            &wrong_previous.replace("HASH", HASH).replace("previous", "candidate"),
        ] {
            let error = CurrentBundle::from_json(json).unwrap_err();
            assert_eq!(error.code(), "current_bundle_invalid", "{json}");
        }
    }
}
