//! Which fields an upstream's requests have: by its settings, else by its host.
//!
//! | host | limit of the output | not sent | reasoning given back | messages |
//! | --- | --- | --- | --- | --- |
//! | OpenAI's, Azure's | `max_completion_tokens` | | no | |
//! | Mistral's | `max_tokens` | `stream_options`, `user` | no | by Mistral's rules |
//! | any other | `max_tokens`, in translated requests | | to the model from which it came | |

use super::request_fields::{OutputLimitField, ReasoningField, ReturnedReasoning};
use super::upstreams::Upstream;

/// Fields without which no request is answered, or whose absence would break a promise of the gateway.
const NEVER_DROPPED: [(&str, &str); 8] = [
    ("input", "no request is answered without it"),
    ("max_completion_tokens", "it bounds what a request costs. Set outputLimitField instead"),
    ("max_output_tokens", "it bounds what a request costs"),
    ("max_tokens", "it bounds what a request costs. Set outputLimitField instead"),
    ("messages", "no request is answered without it"),
    ("model", "no request is answered without it"),
    ("prompt", "no request is answered without it"),
    ("stream", "the caller expects the kind of answer that it asks for"),
];

impl Upstream {
    fn host(&self) -> &str {
        let url = self.base_url.as_deref().unwrap_or_default();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or_default()
    }

    fn is_openais(&self) -> bool {
        self.host() == "api.openai.com" || self.host().ends_with(".openai.azure.com")
    }

    fn is_mistrals(&self) -> bool {
        self.host() == "mistral.ai" || self.host().ends_with(".mistral.ai")
    }

    /// Whether streams are asked for their usage.
    pub(crate) fn asks_stream_usage(&self) -> bool {
        let drops = || self.dropped_fields().contains(&"stream_options");
        self.stream_usage.unwrap_or_else(|| !drops())
    }

    /// The top-level fields that it is never sent, in lower case.
    pub(crate) fn dropped_fields(&self) -> Vec<&str> {
        let own = self.drop.iter().map(String::as_str);
        let (usage, user) = match self.is_mistrals() {
            true => (self.stream_usage != Some(true), true),
            false => (false, false),
        };
        let by_host = [usage.then_some("stream_options"), user.then_some("user")];
        own.chain(by_host.into_iter().flatten()).collect()
    }

    /// The field of a chat request that limits its output.
    pub(crate) fn chat_limit_field(&self) -> &'static str {
        match self.output_limit_field {
            Some(OutputLimitField::MaxCompletionTokens) => "max_completion_tokens",
            Some(OutputLimitField::MaxTokens) => "max_tokens",
            None if self.is_openais() => "max_completion_tokens",
            None => "max_tokens",
        }
    }

    /// Whether a caller's own limit gets the name of that field: of an unknown host it is not known which
    /// names it takes.
    pub(crate) fn renames_limit(&self) -> bool {
        self.output_limit_field.is_some() || self.is_openais() || self.is_mistrals()
    }

    /// Which reasoning of earlier turns it gets.
    pub(crate) fn returned_reasoning(&self) -> ReturnedReasoning {
        match self.reasoning_field {
            Some(ReasoningField::Given(_)) => ReturnedReasoning::Never,
            Some(ReasoningField::Named(name)) => ReturnedReasoning::Always(name.as_str()),
            None if self.is_openais() || self.is_mistrals() => ReturnedReasoning::Never,
            None => ReturnedReasoning::Own,
        }
    }

    /// Whether messages keep to Mistral's rules.
    pub(crate) fn has_mistrals_rules(&self) -> bool {
        self.is_mistrals()
    }

    /// Checks the settings that are read here.
    pub(super) fn check_request_fields(&self) -> Result<(), String> {
        for name in &self.drop {
            if let Some((_, why)) = NEVER_DROPPED.iter().find(|(never, _)| never == name) {
                return Err(format!(".drop has {name:?}, expected other fields: {why}"));
            }
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    ".drop has {name:?}, expected names of top-level fields, of a-z 0-9 _ - ."
                ));
            }
        }
        if self.stream_usage == Some(true) && self.drop.iter().any(|name| name == "stream_options")
        {
            return Err(
                ".drop has \"stream_options\", by which streamUsage asks: expected one of \
                        the two"
                    .into(),
            );
        }
        if self.reasoning_field == Some(ReasoningField::Given(true)) {
            return Err(
                ".reasoningField is true, expected false, reasoning_content or reasoning".into()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn upstream(json: &str) -> Upstream {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_field_that_limits_the_output_is_known_by_the_host() {
        let field = |json: &str| {
            let upstream = upstream(json);
            (upstream.chat_limit_field(), upstream.renames_limit())
        };
        let newer = ("max_completion_tokens", true);
        assert_eq!(field(r#"{"baseUrl": "https://api.openai.com/v1"}"#), newer);
        assert_eq!(field(r#"{"baseUrl": "https://x.openai.azure.com"}"#), newer);
        assert_eq!(field(r#"{"baseUrl": "https://openai.com.example/v1"}"#), ("max_tokens", false));
        assert_eq!(field(r#"{"baseUrl": "https://api.mistral.ai/v1"}"#), ("max_tokens", true));
        assert_eq!(field(r#"{"outputLimitField": "max_completion_tokens"}"#), newer);
    }

    #[test]
    fn streams_are_asked_for_their_usage_where_the_field_is_known() {
        let asks = |json: &str| upstream(json).asks_stream_usage();
        assert!(asks(r#"{"baseUrl": "https://api.example.com/v1"}"#));
        assert!(!asks(r#"{"baseUrl": "https://api.mistral.ai/v1"}"#));
        assert!(asks(r#"{"baseUrl": "https://api.mistral.ai/v1", "streamUsage": true}"#));
        assert!(!asks(r#"{"baseUrl": "https://api.example.com/v1", "streamUsage": false}"#));
        assert!(!asks(r#"{"baseUrl": "https://api.example.com/v1", "drop": ["stream_options"]}"#));
    }

    #[test]
    fn fields_are_dropped_by_setting_or_host() {
        let mistral = upstream(r#"{"baseUrl": "https://api.mistral.ai/v1", "drop": ["seed"]}"#);
        assert_eq!(mistral.dropped_fields(), ["seed", "stream_options", "user"]);
        assert!(mistral.has_mistrals_rules());
        let other = upstream(r#"{"baseUrl": "https://mistral.ai.example/v1"}"#);
        assert!(other.dropped_fields().is_empty() && !other.has_mistrals_rules());
    }

    #[test]
    fn reasoning_goes_back_by_setting_or_host() {
        let of = |json: &str| upstream(json).returned_reasoning();
        assert_eq!(of(r#"{"baseUrl": "https://api.deepseek.com"}"#), ReturnedReasoning::Own);
        assert_eq!(of(r#"{"baseUrl": "https://api.openai.com/v1"}"#), ReturnedReasoning::Never);
        assert_eq!(of(r#"{"reasoningField": false}"#), ReturnedReasoning::Never);
        let named = r#"{"baseUrl": "https://api.openai.com/v1", "reasoningField": "reasoning"}"#;
        assert_eq!(of(named), ReturnedReasoning::Always("reasoning"));
    }

    #[test]
    fn faulty_settings_are_named() {
        for (json, part) in [
            (r#"{"drop": ["model"]}"#, "\"model\""),
            (r#"{"drop": ["max_tokens"]}"#, "outputLimitField"),
            (r#"{"drop": [""]}"#, "names of top-level fields"),
            (r#"{"drop": ["Seed"]}"#, "\"Seed\""),
            (r#"{"drop": ["stream_options"], "streamUsage": true}"#, "streamUsage"),
            (r#"{"reasoningField": true}"#, "reasoningField is true"),
        ] {
            let why = upstream(json).check_request_fields().unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        let why = serde_json::from_str::<Upstream>(r#"{"reasoningField": "thoughts"}"#);
        assert!(why.unwrap_err().to_string().contains("expected false"));
        assert_eq!(upstream(r#"{"drop": ["seed", "x-y.z"]}"#).check_request_fields(), Ok(()));
    }
}
