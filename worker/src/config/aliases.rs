//! Other names of models: `GATEWAY.aliases`.
//!
//! ```json
//! {"aliases": {"claude-opus-*": "large", "claude-*": "auto", "gpt-5-codex": "auto:share:0.3"}}
//! ```
//! An alias is a name, or a pattern in which `*` stands for any text, also none. It means a model that is
//! served, or a name that means routing; never another alias. A name comes before the patterns, of these the
//! one with the most characters beside `*`, and of two as long the first by its characters.

use std::fmt;

use pointsman::is_header_value;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// The most aliases.
const MAX_ALIASES: usize = 1_000;

/// The aliases, the most specific first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Aliases(Vec<Alias>);

/// A name or a pattern, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    /// The name or the pattern.
    pub(crate) name: String,
    /// The model, or the name that means routing.
    pub(crate) target: String,
}

impl Aliases {
    /// What a name means, if it has an alias.
    pub(crate) fn target(&self, name: &str) -> Option<&str> {
        // No other name fits into a header; so a pattern is tried on few bytes.
        let fits = is_header_value(name);
        self.0.iter().find(|alias| fits && alias.matches(name)).map(|alias| alias.target.as_str())
    }

    /// All aliases.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Alias> {
        self.0.iter()
    }

    /// Checks names and patterns; whether their targets are served is checked with the bundle.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.len() > MAX_ALIASES {
            return Err(format!("aliases has {} entries, at most {MAX_ALIASES}", self.0.len()));
        }
        match self.0.iter().find(|alias| !is_header_value(&alias.name)) {
            Some(Alias { name, .. }) => Err(format!(
                "aliases has the name {name:?}, expected 1 to 256 printable ASCII characters and no space at \
                 its ends"
            )),
            None => Ok(()),
        }
    }
}

impl Alias {
    /// Whether it is a pattern.
    pub(crate) fn is_pattern(&self) -> bool {
        self.name.contains('*')
    }

    fn matches(&self, name: &str) -> bool {
        let mut pieces = self.name.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(last) = pieces.next_back() else { return self.name == name };
        let Some(mut rest) = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last))
        else {
            return false;
        };
        pieces.all(|piece| match rest.split_once(piece) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
    }
}

impl<'de> Deserialize<'de> for Aliases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Aliases;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Aliases, A::Error> {
                let mut aliases: Vec<Alias> = Vec::new();
                while let Some((name, target)) = map.next_entry()? {
                    aliases.push(Alias { name, target });
                }
                let rank = |alias: &Alias| {
                    let literal = alias.name.chars().filter(|c| *c != '*').count();
                    (alias.is_pattern(), usize::MAX - literal, alias.name.clone())
                };
                aliases.sort_by_cached_key(rank);
                match aliases.windows(2).find(|pair| pair[0].name == pair[1].name) {
                    Some(_) => Err(A::Error::custom("an alias is repeated")),
                    None => Ok(Aliases(aliases)),
                }
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn aliases(json: &str) -> Aliases {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_most_specific_alias_decides() {
        let found = aliases(
            r#"{"*": "any", "claude-*": "auto", "claude-opus-*": "large", "claude-opus-4-1": "opus",
                "*-haiku-*": "small", "gpt-5*": "auto:share:0.3", "*[1m]": "long"}"#,
        );
        for (name, target) in [
            ("claude-opus-4-1", "opus"),
            ("claude-opus-4-5-20251101", "large"),
            ("claude-sonnet-4-5", "auto"),
            ("claude-", "auto"),
            ("claude-3-haiku-20240307", "small"),
            ("claude-sonnet-4-5[1m]", "auto"),
            ("auto[1m]", "long"),
            ("gpt-5", "auto:share:0.3"),
            ("gpt-5-codex", "auto:share:0.3"),
            ("gpt-4o", "any"),
        ] {
            assert_eq!(found.target(name), Some(target), "{name}");
        }
        assert_eq!(found.target(&"a".repeat(257)), None);
        assert_eq!(found.target(""), None);
        assert_eq!(Aliases::default().target("claude-opus-4-1"), None);
    }

    #[test]
    fn a_pattern_matches_whole_names() {
        let matches = |pattern: &str, name: &str| {
            Alias { name: pattern.into(), target: String::new() }.matches(name)
        };
        for (pattern, name, expected) in [
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*b", "axxbc", false),
            ("ab*ba", "aba", false),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "axc", false),
            ("a**c", "ac", true),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*a*", "bab", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn of_two_patterns_as_long_the_first_by_its_characters_decides() {
        let found = aliases(r#"{"b*": "second", "*a": "first"}"#);
        assert_eq!(found.target("ba"), Some("first"));
    }

    #[test]
    fn malformed_aliases_are_refused() {
        assert!(serde_json::from_str::<Aliases>(r#"{"a": "b", "a": "c"}"#).is_err());
        assert!(serde_json::from_str::<Aliases>(r#"["a"]"#).is_err());
        assert!(aliases(r#"{" a": "b"}"#).check().is_err());
        assert!(aliases(r#"{"": "b"}"#).check().is_err());
        let many: Vec<String> = (0..=MAX_ALIASES).map(|n| format!("\"a{n}\": \"b\"")).collect();
        assert!(aliases(&format!("{{{}}}", many.join(","))).check().is_err());
    }
}
