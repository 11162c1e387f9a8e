//! Reads `current.json` of the bucket `BUNDLES`, which names the bundle to serve.

use serde::Deserialize;

/// The bundle to serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurrentBundle {
    /// The prefix of the bundle's files in the bucket, such as `2026-11-22/`.
    pub(crate) prefix: String,
    /// SHA-256 of its `router.json`, in lower-case hexadecimal.
    pub(crate) sha256: String,
}

impl CurrentBundle {
    /// Parses the file.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub(crate) fn from_json(json: &str) -> Result<Self, String> {
        let current: Self = serde_json::from_str(json).map_err(|e| {
            format!("current.json: {e}. Expected {{\"prefix\": \"...\", \"sha256\": \"...\"}}")
        })?;
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        match current.sha256.len() == 64 && current.sha256.chars().all(hexadecimal) {
            true => Ok(current),
            false => {
                Err("current.json: \"sha256\" is not a SHA-256 in lower-case hexadecimal".into())
            }
        }
    }

    /// Compares the hash of the `router.json` found with the one stated.
    ///
    /// # Errors
    /// A message with both hashes, if they differ.
    pub(crate) fn check(&self, found: &str) -> Result<(), String> {
        match found == self.sha256 {
            true => Ok(()),
            false => Err(format!(
                "{}router.json has the SHA-256 {found}, current.json says {}",
                self.prefix, self.sha256
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn current_json_names_a_bundle_by_prefix_and_hash() {
        let json = format!(r#"{{"prefix": "a/", "sha256": "{HASH}"}}"#);
        let found = CurrentBundle::from_json(&json);
        let expected = CurrentBundle { prefix: "a/".into(), sha256: HASH.into() };
        assert_eq!(found, Ok(expected.clone()));
        assert_eq!(expected.check(HASH), Ok(()));
        assert!(expected.check("00").is_err_and(|why| why.contains("a/router.json")));
        for json in ["{", "{}", r#"{"prefix": 7}"#, r#"{"prefix": "a/", "sha256": "9f"}"#] {
            assert!(
                CurrentBundle::from_json(json).is_err_and(|why| why.contains("current.json")),
                "{json}"
            );
        }
    }
}
