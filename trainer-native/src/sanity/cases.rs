//! The project's own requests.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::TrainerError;

/// The file's text.
pub(super) const CASES: &str = include_str!("../../sanity/cases.toml");
/// Languages that every translated prompt is in; the first is the one that others are compared with.
pub(super) const LANGUAGES: [&str; 10] =
    ["en", "zh", "de", "fr", "es", "pt", "ja", "ko", "ru", "ar"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    /// A text of some 600 tokens that asks for nothing.
    pub context: String,
    pub equal_length: Vec<EasyAndHard>,
    pub short_and_hard: Vec<EasyAndHard>,
    pub translated: Vec<Translated>,
    pub paraphrases: Vec<Paraphrase>,
    pub filler: Vec<Filler>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EasyAndHard {
    pub easy: String,
    pub hard: String,
}

/// One prompt by language.
#[derive(Debug, Deserialize)]
pub(super) struct Translated {
    pub hard: bool,
    #[serde(flatten)]
    pub texts: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paraphrase {
    pub text: String,
    /// The same in other words.
    pub again: String,
}

/// A text, `times` times in a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filler {
    pub text: String,
    pub times: usize,
}

impl Cases {
    /// Parses the file.
    ///
    /// # Errors
    /// [`TrainerError::BadRows`] for a text that is no such file.
    pub fn read() -> Result<Self, TrainerError> {
        toml::from_str(CASES).map_err(|error| TrainerError::BadRows {
            what: "the requests of trainer-native/sanity/cases.toml".into(),
            detail: error.to_string(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn length_does_not_tell_hard_from_easy() {
        let cases = Cases::read().unwrap();
        let lengths =
            |pair: &EasyAndHard| [&pair.easy, &pair.hard].map(|text| text.chars().count() as f64);
        for pair in &cases.equal_length {
            let [easy, hard] = lengths(pair);
            assert!((easy - hard).abs() <= 0.1 * easy.max(hard), "{pair:?}");
        }
        for pair in &cases.short_and_hard {
            let [easy, hard] = lengths(pair);
            assert!(hard * 5.0 < easy, "{pair:?}");
        }
        let words = cases.context.split_whitespace().count();
        assert!((450..600).contains(&words), "{words} words of context");
    }

    #[test]
    fn every_prompt_is_in_every_language_and_as_many_are_hard_as_easy() {
        let cases = Cases::read().unwrap();
        let mut expected: Vec<&str> = LANGUAGES.to_vec();
        expected.sort_unstable();
        for prompt in &cases.translated {
            assert_eq!(prompt.texts.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        }
        let hard = cases.translated.iter().filter(|prompt| prompt.hard).count();
        assert_eq!((hard, cases.translated.len()), (6, 12));
    }
}
