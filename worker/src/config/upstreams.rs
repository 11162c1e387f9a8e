//! The `UPSTREAMS` variable: the API that serves each model.
//!
//! ```json
//! {"large": {"baseUrl": "https://api.example.com/v1", "model": "large-2026", "keySecret": "LARGE_KEY",
//!            "fallbacks": ["small"]}}
//! ```
//! The keys are the bundle's candidates and any further models that clients may request. `keySecret`
//! names a secret binding, so that no API key is in a file.

use std::collections::BTreeMap;

use pointsman::{
    Ability, AbilityPrior, Candidate, Candidates, Manifest, Outcome, OwnCandidate, is_header_value,
};
use serde::Deserialize;

use super::feature::Feature;
use super::request_fields::{OutputLimitField, ReasoningField};
use crate::error::GatewayError;

/// The most output tokens of one answer to a key with a budget, where nothing else limits it.
pub(crate) const DEFAULT_MAX_OUTPUT_TOKENS: u64 = 8192;
/// The most input tokens of an image: above what Anthropic's and OpenAI's current models count, except for
/// those of OpenAI's small models, which count up to 50,000.
pub(crate) const DEFAULT_IMAGE_TOKENS: u64 = 8192;

/// The API of an upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Api {
    /// OpenAI's.
    #[default]
    Openai,
    /// Anthropic's Messages.
    Anthropic,
    /// Cloudflare's binding `AI`.
    WorkersAi,
}

/// Which of a caller's own keys an upstream takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected true, false or the name of a group")]
pub(crate) enum CallerKey {
    /// None if false; if true, those of the group named by the origin of its `base_url`.
    Own(bool),
    /// Those of this group.
    Group(String),
    /// None.
    #[default]
    #[serde(skip)]
    None,
}

/// The upstream of one model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Upstream {
    /// The upstream's API.
    pub(crate) api: Api,
    /// The API's root, without `/chat/completions`; none for [`Api::WorkersAi`].
    pub(crate) base_url: Option<String>,
    /// The model's name at the upstream; the same name if absent.
    pub(crate) model: Option<String>,
    /// The secret binding that holds the API key.
    pub(crate) key_secret: Option<String>,
    /// Which of a caller's own API keys it takes.
    #[serde(rename = "callerKey")]
    pub(crate) caller_keys: CallerKey,
    /// Further request headers.
    pub(crate) headers: BTreeMap<String, String>,
    /// The bundle's candidate for which the model stands.
    pub(crate) role: Option<String>,
    /// How able it is: `small`, `medium` or `large`.
    pub(crate) tier: Option<String>,
    /// How able it is, as `pointsman fit-model` found it.
    pub(crate) ability: Option<Ability>,
    /// Its scores on queries, to which an ability is fitted when the bundle is loaded.
    pub(crate) outcomes: Option<Vec<Outcome>>,
    /// Models to call, in order, after this one failed.
    pub(crate) fallbacks: Vec<String>,
    /// Context window in tokens, request and answer together; the bundle's if absent.
    pub(crate) context_window: Option<u64>,
    /// US dollars per million input tokens; the bundle's if absent.
    pub(crate) input_price: Option<f64>,
    /// US dollars per million output tokens; the bundle's if absent.
    pub(crate) output_price: Option<f64>,
    /// US dollars per million tokens read from a prompt cache; `input_price` if absent.
    pub(crate) cached_input_price: Option<f64>,
    /// US dollars per million tokens written to a prompt cache for five minutes; with Anthropic's API 1.25
    /// times `input_price` if absent, else `input_price`.
    pub(crate) cache_write_price: Option<f64>,
    /// The same for an hour; with Anthropic's API twice `input_price` if absent.
    #[serde(rename = "cacheWrite1hPrice")]
    pub(crate) cache_write_1h_price: Option<f64>,
    /// The most output tokens of one answer to a key with a budget; [`DEFAULT_MAX_OUTPUT_TOKENS`] if
    /// neither this nor the request states any.
    pub(crate) max_output_tokens: Option<u32>,
    /// The field that limits the output; by default `max_completion_tokens` at OpenAI's own host, else
    /// `max_tokens`.
    pub(crate) output_limit_field: Option<OutputLimitField>,
    /// Top-level fields that it is never sent.
    pub(crate) drop: Vec<String>,
    /// The field of a message in which it takes reasoning back; by default its own reasoning goes back in the
    /// field in which it came.
    pub(crate) reasoning_field: Option<ReasoningField>,
    /// The most input tokens of an image; [`DEFAULT_IMAGE_TOKENS`] if absent.
    pub(crate) image_tokens: Option<u32>,
    /// Whether streams are asked for their usage; true if absent, except at Mistral's host, which refuses
    /// the field and tells the usage unasked.
    pub(crate) stream_usage: Option<bool>,
    /// Further fields that no caller may send.
    pub(crate) refuse: Vec<String>,
    /// Fields and types of tools that callers with a list of models or a budget may send, although they can
    /// change the model, the price or stored state.
    pub(crate) allow: Vec<String>,
    /// The values of `anthropic-beta` that are passed on; if absent, all, and for callers with a list of
    /// models or a budget those that change neither price nor state.
    pub(crate) betas: Option<Vec<String>>,
    /// Whether it takes tools; true if absent.
    pub(crate) tools: Option<bool>,
    /// Whether it takes images; true if absent.
    pub(crate) vision: Option<bool>,
    /// What else it lacks, so that routing leaves it out.
    pub(crate) lacks: Vec<Feature>,
}

/// The upstreams by model.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Upstreams(BTreeMap<String, Upstream>);

impl Upstreams {
    /// Parses and checks the variable. Without it there are no upstreams; `/v1/route` needs none.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`] for bad JSON, a URL that is not http(s) or contains a password,
    /// an empty name, a name that means routing, an unknown or repeated fallback, a negative price.
    pub(crate) fn from_json(json: Option<&str>) -> Result<Self, GatewayError> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let upstreams: BTreeMap<String, Upstream> =
            super::variable::parse_variable("UPSTREAMS", json)?;
        for (name, upstream) in &upstreams {
            upstream.check(name, &upstreams).map_err(|detail| GatewayError::ConfigInvalid {
                variable: "UPSTREAMS",
                detail: format!("{name}{detail}"),
            })?;
        }
        Ok(Self(upstreams))
    }

    /// The upstream of a model, if it has one.
    pub(crate) fn get(&self, model: &str) -> Option<&Upstream> {
        self.0.get(model)
    }

    /// The models' names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The models to route between in place of the bundle's candidates: those that state a role, a tier, an
    /// ability or outcomes, and those named like a candidate; none if no model states any and no pair is
    /// named.
    pub(crate) fn candidates(
        &self,
        manifest: &Manifest,
        strong: Option<&String>,
        weak: Option<&String>,
    ) -> Option<Candidates> {
        let of = |(name, upstream): (&String, &Upstream)| OwnCandidate {
            id: name.clone(),
            prior: AbilityPrior {
                role: upstream.role.clone(),
                tier: upstream.tier.clone(),
                ability: upstream.ability.clone(),
            },
            outcomes: upstream.outcomes.clone(),
            ..OwnCandidate::default()
        };
        let stated = self.0.values().any(Upstream::is_candidate);
        if !stated && strong.is_none() && weak.is_none() {
            return None;
        }
        let candidates = match stated {
            true => {
                let among = |(name, upstream): &(&String, &Upstream)| {
                    upstream.is_candidate() || manifest.candidate_index(name).is_some()
                };
                self.0.iter().filter(among).map(of).collect()
            }
            false => {
                let ids = manifest.candidates.iter().map(|candidate| candidate.id.clone());
                ids.map(|id| OwnCandidate { id, ..OwnCandidate::default() }).collect()
            }
        };
        Some(Candidates { candidates, strong: strong.cloned(), weak: weak.cloned() })
    }

    /// Returns the manifest with the context windows and prices stated here in place of its own.
    pub(crate) fn amended(&self, manifest: &Manifest) -> Manifest {
        let mut amended = manifest.clone();
        for candidate in &mut amended.candidates {
            if let Some(upstream) = self.0.get(&candidate.id) {
                upstream.amend(candidate);
            }
        }
        amended
    }
}

impl Upstream {
    /// Whether it states what it is to the bundle.
    fn is_candidate(&self) -> bool {
        self.role.is_some()
            || self.tier.is_some()
            || self.ability.is_some()
            || self.outcomes.is_some()
    }

    fn amend(&self, candidate: &mut Candidate) {
        candidate.context_window = self.context_window.or(candidate.context_window);
        candidate.input_price = self.input_price.or(candidate.input_price);
        candidate.output_price = self.output_price.or(candidate.output_price);
    }

    /// The URL of a path such as `chat/completions`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base_url.as_deref().unwrap_or_default().trim_end_matches('/'))
    }

    /// What distinguishes the calls of the model `name` at its upstream from another model's.
    fn calls_as<'a>(&'a self, name: &'a str) -> impl PartialEq + 'a {
        let key = self.key_secret.as_deref();
        (self.api, self.url(""), self.model.as_deref().unwrap_or(name), key, &self.headers)
    }

    /// The API's origin, such as `https://api.example.com`, in lower case; none for
    /// [`Api::WorkersAi`].
    pub(crate) fn origin(&self) -> Option<String> {
        let (scheme, rest) = self.base_url.as_deref()?.split_once("://")?;
        let host = rest.split('/').next().unwrap_or_default();
        Some(format!("{scheme}://{host}").to_ascii_lowercase())
    }

    /// The group of callers' own keys that it takes; none if it takes none.
    pub(crate) fn key_group(&self) -> Option<String> {
        match &self.caller_keys {
            CallerKey::Own(true) => self.origin(),
            CallerKey::Group(group) => Some(group.clone()),
            CallerKey::Own(false) | CallerKey::None => None,
        }
    }

    fn check(&self, name: &str, all: &BTreeMap<String, Self>) -> Result<(), String> {
        if name.is_empty() || is_routing_name(name) {
            return Err(" cannot be a model's name: it means routing".into());
        }
        match (self.api, self.base_url.as_deref()) {
            (Api::WorkersAi, None) => {}
            (Api::WorkersAi, Some(_)) => {
                return Err(
                    ".baseUrl must be absent: workers-ai is called through the binding AI".into()
                );
            }
            (Api::Openai | Api::Anthropic, None) => return Err(".baseUrl is missing".into()),
            (Api::Openai | Api::Anthropic, Some(url)) => {
                check_url(url).map_err(|why| format!(".baseUrl {why}"))?
            }
        }
        for (field, value) in [("model", &self.model), ("keySecret", &self.key_secret)] {
            if value.as_deref().is_some_and(str::is_empty) {
                return Err(format!(".{field} is empty"));
            }
        }
        if !is_header_value(name) {
            return Err(
                " cannot be a model's name: answers state it in a header, so it has 1 to 256 \
                        printable ASCII characters and no space at its ends"
                    .into(),
            );
        }
        if let CallerKey::Group(group) = &self.caller_keys {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !(1..=64).contains(&group.len()) || !group.chars().all(plain) {
                return Err(
                    ".callerKey is not true, false or a group of 1 to 64 of A-Z a-z 0-9 . _ -"
                        .into(),
                );
            }
        }
        if self.api == Api::WorkersAi && self.key_group().is_some() {
            return Err(".callerKey must be absent: the binding AI takes no key".into());
        }
        self.check_request_fields()?;
        let mut called = vec![(name, self)];
        for fallback in &self.fallbacks {
            let Some(next) = all.get(fallback).filter(|_| fallback != name) else {
                return Err(format!(
                    ".fallbacks has {fallback:?}, expected another model of UPSTREAMS"
                ));
            };
            // A repeated call would add waits and costs, and no chance of another answer.
            let same = |(name, upstream): &(&str, &Self)| {
                *name == fallback || upstream.calls_as(name) == next.calls_as(fallback)
            };
            if let Some((earlier, _)) = called.iter().find(|earlier| same(earlier)) {
                return Err(match earlier == fallback {
                    true => format!(".fallbacks has {fallback:?} twice, expected each model once"),
                    false => format!(
                        ".fallbacks has {fallback:?}, which calls the same upstream as {earlier:?}: \
                         expected another baseUrl, model or keySecret"
                    ),
                });
            }
            called.push((fallback, next));
        }
        for (header, value) in &self.headers {
            if !value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
                return Err(format!(
                    ".headers has a value for {header} that is no header's: expected printable ASCII \
                     characters"
                ));
            }
            let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            let secret = ["authorization", "x-api-key", "cookie"];
            if secret.contains(&header.to_ascii_lowercase().as_str()) {
                return Err(format!(
                    ".headers has {header}: put the key into a secret and name it in keySecret"
                ));
            }
            if header.is_empty() || !header.chars().all(token) {
                return Err(format!(".headers has {header:?}, which is not a valid header name"));
            }
        }
        for (field, price) in [
            ("inputPrice", self.input_price),
            ("outputPrice", self.output_price),
            ("cachedInputPrice", self.cached_input_price),
            ("cacheWritePrice", self.cache_write_price),
            ("cacheWrite1hPrice", self.cache_write_1h_price),
        ] {
            if price.is_some_and(|price| !(price >= 0.0 && price.is_finite())) {
                return Err(format!(".{field} must be 0 or more US dollars"));
            }
        }
        for (field, count) in
            [("maxOutputTokens", self.max_output_tokens), ("imageTokens", self.image_tokens)]
        {
            if count == Some(0) {
                return Err(format!(".{field} is 0, expected 1 or more tokens"));
            }
        }
        Ok(())
    }
}

/// Whether a name means routing whatever the bundle is called, so that no model may have it.
pub(crate) fn is_routing_name(name: &str) -> bool {
    name.split(':').next() == Some("auto") || name.starts_with("router-")
}

/// Checks an API's root. The messages do not repeat the URL, which may contain a password.
fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or("does not start with https:// or http://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        Err("has no host")
    } else if host.contains('@') {
        Err("contains a user name or password: put the key into a secret and name it in keySecret")
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

    /// Makes a manifest with the candidates `small` (weak) and `large` (strong).
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
        let error = Upstreams::from_json(Some(json)).unwrap_err();
        assert_eq!((error.status(), error.code()), (500, "config_invalid"));
        error.to_string()
    }

    #[test]
    fn each_model_has_its_upstream() {
        let json = r#"{"large": {"baseUrl": "https://a.example/v1/", "model": "l", "keySecret": "K"},
                       "other": {"api": "workers-ai", "model": "@cf/x"},
                       "claude": {"api": "anthropic", "baseUrl": "https://b.example/v1"}}"#;
        let upstreams = Upstreams::from_json(Some(json)).unwrap();
        let large = upstreams.get("large").unwrap();
        assert_eq!(large.url("chat/completions"), "https://a.example/v1/chat/completions");
        assert_eq!(large.api, Api::Openai);
        assert_eq!(upstreams.get("claude").unwrap().api, Api::Anthropic);
        assert_eq!(upstreams.get("small"), None);
        assert_eq!(upstreams.names().collect::<Vec<_>>(), ["claude", "large", "other"]);
    }

    #[test]
    fn configured_windows_and_prices_win_over_the_bundle() {
        let json = r#"{"large": {"baseUrl": "https://a.example", "contextWindow": 9,
                                  "inputPrice": 1, "outputPrice": 2}}"#;
        let amended = Upstreams::from_json(Some(json)).unwrap().amended(&manifest());
        let large = &amended.candidates[1];
        assert_eq!((large.context_window, large.input_price), (Some(9), Some(1.0)));
        assert_eq!(amended.candidates[0], manifest().candidates[0]);
    }

    #[test]
    fn models_that_state_an_ability_are_candidates_beside_those_named_like_one() {
        let of = |json: &str, strong: Option<&str>| {
            let upstreams = Upstreams::from_json(Some(json)).unwrap();
            let strong = strong.map(str::to_owned);
            let found = upstreams.candidates(&manifest(), strong.as_ref(), None)?;
            Some(found.candidates.into_iter().map(|own| own.id).collect::<Vec<_>>())
        };
        let plain = r#"{"large": {"baseUrl": "https://x"}, "other": {"baseUrl": "https://x"}}"#;
        assert_eq!(of(plain, None), None);
        assert_eq!(of(plain, Some("small")).unwrap(), ["small", "large"]);
        for field in [
            r#""role": "large""#,
            r#""tier": "medium""#,
            r#""ability": {"intercept": 1, "slopes": [1]}"#,
            r#""outcomes": [{"query": "Hi", "score": 1}]"#,
        ] {
            let json = format!(
                r#"{{"mine": {{"baseUrl": "https://x", {field}}}, "small": {{"baseUrl": "https://x"}},
                     "other": {{"baseUrl": "https://x"}}}}"#
            );
            assert_eq!(of(&json, None).unwrap(), ["mine", "small"], "{field}");
        }
        let misspelt =
            r#"{"m": {"baseUrl": "https://x", "ability": {"intercept": 1, "slope": [1]}}}"#;
        assert!(detail(misspelt).contains("slope"));
    }

    #[test]
    fn callers_keys_belong_to_a_group_or_to_the_origin() {
        let group = |caller_key: &str| {
            let json = format!(
                r#"{{"large": {{"baseUrl": "https://API.example:8443/v1", "callerKey": {caller_key}}}}}"#
            );
            Upstreams::from_json(Some(&json)).unwrap().get("large").unwrap().key_group()
        };
        assert_eq!(group("false"), None);
        assert_eq!(group("true").as_deref(), Some("https://api.example:8443"));
        assert_eq!(group(r#""openai""#).as_deref(), Some("openai"));
        assert_eq!(Upstream::default().key_group(), None);
    }

    #[test]
    fn errors_name_the_fault() {
        let cases = [
            (r#"{"large": {}}"#, "large.baseUrl is missing"),
            (r#"{"large": {"baseUrl": "ftp://x"}}"#, "large.baseUrl"),
            (r#"{"large": {"baseUrl": "https://"}}"#, "no host"),
            (r#"{"large": {"baseUrl": "https://x/v1?key=1"}}"#, "query"),
            (r#"{"large": {"baseUrl": "https://x", "model": ""}}"#, "large.model is empty"),
            (r#"{"large": {"baseUrl": "https://x", "key": "sk"}}"#, "key"),
            (r#"{"large": {"baseUrl": "https://x", "lacks": ["sight"]}}"#, "json_object"),
            (r#"{"large": {"baseUrl": "https://x", "api": "grpc"}}"#, "grpc"),
            (r#"{"large": {"baseUrl": "https://x", "fallbacks": ["large"]}}"#, "fallbacks"),
            (r#"{"large": {"baseUrl": "https://x", "fallbacks": ["none"]}}"#, "fallbacks"),
            (
                r#"{"a": {"baseUrl": "https://x", "fallbacks": ["b", "c", "b"]},
                    "b": {"baseUrl": "https://x"}, "c": {"baseUrl": "https://x"}}"#,
                "a.fallbacks has \"b\" twice",
            ),
            (
                r#"{"a": {"baseUrl": "https://x/", "model": "m", "fallbacks": ["b"]},
                    "b": {"baseUrl": "https://x", "model": "m"}}"#,
                "the same upstream as \"a\"",
            ),
            (r#"{"large": {"baseUrl": "https://x", "inputPrice": -1}}"#, "inputPrice"),
            (r#"{"large": {"baseUrl": "https://x", "cacheWritePrice": -1}}"#, "cacheWritePrice"),
            (r#"{"large": {"baseUrl": "https://x", "maxOutputTokens": 0}}"#, "maxOutputTokens"),
            (r#"{"large": {"baseUrl": "https://x", "drop": ["model"]}}"#, "large.drop"),
            (r#"{"large": {"baseUrl": "https://x", "headers": {"a b": ""}}}"#, "a b"),
            (r#"{"large": {"api": "workers-ai", "baseUrl": "https://x"}}"#, "binding AI"),
            (r#"{"auto": {"baseUrl": "https://x"}}"#, "auto"),
            (r#"{"auto:free": {"baseUrl": "https://x"}}"#, "auto:free"),
            (r#"{"a\nb": {"baseUrl": "https://x"}}"#, "in a header"),
            (r#"{"large": {"baseUrl": "https://x", "headers": {"a": "b\nc"}}}"#, "value for a"),
            (r#"{"large": {"baseUrl": "https://x", "callerKey": "a,b"}}"#, "callerKey"),
            (r#"{"large": {"baseUrl": "https://x", "callerKey": 7}}"#, "name of a group"),
            (r#"{"large": {"api": "workers-ai", "callerKey": "a"}}"#, "callerKey"),
            ("[]", "map"),
        ];
        for (json, part) in cases {
            let text = detail(json);
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn no_secret_is_repeated() {
        let url = detail(r#"{"large": {"baseUrl": "https://me:hunter2@x/v1"}}"#);
        let header = r#"{"large": {"baseUrl": "https://x",
                                   "headers": {"Authorization": "Bearer hunter2"}}}"#;
        for text in [url, detail(header)] {
            assert!(text.contains("keySecret") && !text.contains("hunter2"), "{text}");
        }
    }
}
