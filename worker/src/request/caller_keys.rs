//! `x-pointsman-upstream-key`: the caller's own keys for upstreams.
//!
//! ```text
//! sk-...                             one key, for the origin of the chain's first upstream alone
//! openai=sk-..., anthropic=sk-ant-...  each key for the upstreams of its group (`callerKey`)
//! ```

use crate::error::GatewayError;

const NOT_A_KEY: &str = "has a key that is not printable ASCII without spaces";

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The caller's own keys. `Debug` is not derived: it would print them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CallerKeys {
    /// Keys by group.
    by_group: Vec<(String, String)>,
    /// The key without a group.
    bare: Option<String>,
}

impl CallerKeys {
    /// Reads the header.
    ///
    /// # Errors
    /// [`GatewayError::UpstreamKeysIllFormed`] for a repeated group, an empty key or entry, two keys
    /// without a group.
    pub(crate) fn parse(header: &str) -> Result<Self, GatewayError> {
        let ill_formed = |detail| Err(GatewayError::UpstreamKeysIllFormed { detail });
        let mut keys = Self::default();
        for entry in header.split(',').map(str::trim) {
            match group_and_key(entry) {
                Some((_, "")) => return ill_formed("has a group without a key"),
                Some((_, key)) if !is_key(key) => return ill_formed(NOT_A_KEY),
                Some((group, _)) if keys.by_group.iter().any(|(known, _)| known == group) => {
                    return ill_formed("names a group twice");
                }
                Some((group, key)) => keys.by_group.push((group.to_owned(), key.to_owned())),
                None if entry.is_empty() => return ill_formed("has an empty entry"),
                None if !is_key(entry) => return ill_formed(NOT_A_KEY),
                None if keys.bare.is_some() => return ill_formed("has two keys without a group"),
                None => keys.bare = Some(entry.to_owned()),
            }
        }
        Ok(keys)
    }

    /// One key without a group.
    pub(crate) fn bare(key: String) -> Self {
        Self { by_group: Vec::new(), bare: Some(key) }
    }

    /// The key for an upstream of a group; none for an upstream that takes no callers' keys. A key
    /// without a group is only for the origin of the chain's first upstream: the caller cannot know the
    /// others.
    pub(crate) fn for_upstream(
        &self,
        group: Option<&str>,
        is_first_of_chain_origin: bool,
    ) -> Option<&str> {
        let group = group?;
        let of_group = self.by_group.iter().find(|(name, _)| name == group).map(|(_, key)| key);
        of_group.or(self.bare.as_ref().filter(|_| is_first_of_chain_origin)).map(String::as_str)
    }
}

/// Splits an entry at its first `=` if a group's name stands before it. The padding of a key in base64 is
/// not a separator.
fn group_and_key(entry: &str) -> Option<(&str, &str)> {
    let (group, key) = entry.split_once('=')?;
    let (group, key) = (group.trim(), key.trim());
    let padding =
        entry.trim_end_matches('=').len() == group.len() && entry.len() - group.len() <= 2;
    let name = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    let is_group = !group.is_empty() && group.len() <= 256 && group.chars().all(name);
    // A padded key is longer than any group's name in use; "openai=" is a group without a key.
    (is_group && !(padding && group.len() >= 20)).then_some((group, key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(header: &str) -> CallerKeys {
        CallerKeys::parse(header).map_err(|e| e.to_string()).unwrap()
    }

    #[test]
    fn each_group_gets_its_own_key() {
        let keys = parsed("openai=sk-one,  anthropic = sk-ant=two==");
        assert_eq!(keys.for_upstream(Some("openai"), false), Some("sk-one"));
        assert_eq!(keys.for_upstream(Some("anthropic"), true), Some("sk-ant=two=="));
        assert_eq!(keys.for_upstream(Some("other"), true), None);
        assert_eq!(keys.for_upstream(None, true), None);
        let origin = parsed("https://api.example.com:8443=sk-one");
        assert_eq!(
            origin.for_upstream(Some("https://api.example.com:8443"), false),
            Some("sk-one")
        );
    }

    #[test]
    fn a_key_without_a_group_is_for_the_first_origin_alone() {
        for header in ["sk-one", "sk-one, openai=sk-two", "openai=sk-two,sk-one"] {
            let keys = parsed(header);
            assert_eq!(keys.for_upstream(Some("other"), true), Some("sk-one"), "{header}");
            assert_eq!(keys.for_upstream(Some("other"), false), None, "{header}");
            assert_eq!(keys.for_upstream(None, true), None, "{header}");
        }
        let padded = "c2stYS1rZXktaW4tYmFzZTY0LQ==";
        assert_eq!(parsed(padded).for_upstream(Some("x"), true), Some(padded));
        let bare = CallerKeys::bare("a=b".into());
        assert_eq!(bare.for_upstream(Some("a"), true), Some("a=b"));
    }

    #[test]
    fn an_ill_formed_list_is_refused_and_not_repeated() {
        for header in [
            "",
            ",",
            "openai=",
            "openai=sk-1,openai=sk-2",
            "sk-1,sk-2",
            "sk-1,",
            "sk-é",
            "a=sk-é",
            "sk- 1",
        ] {
            let error = CallerKeys::parse(header).map(|_| ()).unwrap_err();
            assert_eq!((error.status(), error.code()), (400, "upstream_keys_ill_formed"));
            assert!(!error.to_string().contains("sk-"), "{error}");
        }
    }
}
