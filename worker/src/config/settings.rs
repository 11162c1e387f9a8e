//! The `GATEWAY` variable: the gateway's settings. Every field has a default.
//!
//! ```json
//! {"open": false, "routing": {"turnDecay": 0.3}, "retries": {"most": 2}, "timeouts": {"idleMs": 120000}}
//! ```

use serde::Deserialize;

use super::aliases::Aliases;
use super::drift::Drift;
use super::mode::Mode;
use super::rollout::Rollout;
use super::shadow::Shadow;
use crate::error::GatewayError;

/// The gateway's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Whether requests without a key are served.
    pub(crate) open: bool,
    /// Whether routing's choice is called, or only logged.
    pub(crate) mode: Mode,
    /// Rating of conversations.
    pub(crate) routing: Routing,
    /// The models that all callers may use.
    pub(crate) models: Models,
    /// Other names of models.
    pub(crate) aliases: Aliases,
    /// Time limits of upstream calls.
    pub(crate) timeouts: Timeouts,
    /// Retries of a failed call.
    pub(crate) retries: Retries,
    /// The circuit breaker of each upstream.
    pub(crate) breaker: Breaker,
    /// The browser pages that may call.
    pub(crate) cors: Cors,
    /// The longest request body in bytes.
    pub(crate) max_body_bytes: usize,
    /// Cascade from cheaper models to a stronger one; off if absent.
    pub(crate) cascade: Option<Cascade>,
    /// Comparisons of both LLMs' answers behind the answer; off if absent.
    pub(crate) shadow: Option<Shadow>,
    /// A candidate for some of the requests; none if absent.
    pub(crate) rollout: Option<Rollout>,
    /// When win rates differ from the calibration by too much; not counted if absent.
    pub(crate) drift: Option<Drift>,
    /// How routing reacts to a budget that is nearly spent.
    pub(crate) budget: BudgetSettings,
    /// What is logged.
    pub(crate) log: Log,
}

/// Rating of conversations.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Routing {
    /// Share in [0, 1] by which the rating decays towards an easier turn; absent: the engine's default.
    pub(crate) turn_decay: Option<f64>,
    /// Whether system messages are prepended to the first user message.
    pub(crate) system: bool,
    /// Whether shares of strong calls are of each caller's own traffic, or of the bundle's calibration.
    pub(crate) learn_shares: bool,
    /// The strong model of the pair, where the bundle's kind is `difficulty`; absent: the ablest.
    pub(crate) strong: Option<String>,
    /// The weak model of the pair; absent: the least able.
    pub(crate) weak: Option<String>,
    /// The model for requests without text to rate: a served one, or `strong` or `weak` of the bundle's pair.
    pub(crate) default: Option<String>,
}

/// The models that all callers may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Models {
    /// Only these models; all if absent.
    pub(crate) allow: Option<Vec<String>>,
    /// Not these models.
    pub(crate) deny: Vec<String>,
}

/// Time limits of upstream calls, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    /// From the call to the status and headers.
    pub(crate) headers_ms: u32,
    /// From them to the first byte of the body.
    pub(crate) first_byte_ms: u32,
    /// Between two chunks of the body.
    pub(crate) idle_ms: u32,
    /// From the first call to the end of the answer, with all retries, fallbacks and the cascade.
    pub(crate) total_ms: u32,
    /// Of silence in a stream, until the client is sent what keeps its connection alive; 0 for never.
    pub(crate) keep_alive_ms: u32,
}

/// Retries of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Retries {
    /// The most retries of one upstream.
    pub(crate) most: u32,
    /// The wait before the first retry, in milliseconds.
    pub(crate) base_ms: u32,
    /// The longest wait, in milliseconds.
    pub(crate) longest_ms: u32,
    /// From the first call on, for how many milliseconds a call of the same upstream is repeated.
    pub(crate) total_ms: u32,
}

/// The circuit breaker of each upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Breaker {
    /// Failures in a row that open the circuit.
    pub(crate) failures: u32,
    /// How long the circuit stays open, in milliseconds.
    pub(crate) open_ms: u32,
}

/// The browser pages that may call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Cors {
    /// Allowed origins, or `*` for all.
    pub(crate) origins: Vec<String>,
}

/// Cascade: a cheaper model answers first, a stronger one if the answer fails the check.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cascade {
    /// The models whose answers are checked.
    pub(crate) from: Vec<String>,
    /// The model that answers if the check fails.
    pub(crate) to: String,
    /// The check.
    #[serde(default)]
    pub(crate) check: Check,
}

/// The rules that a cheaper model's answer must pass; `crate::routing::cascade` applies them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Check {
    /// The fewest characters.
    pub(crate) least_characters: usize,
    /// Whether an answer that begins with a refusal fails.
    pub(crate) refusals: bool,
    /// Whether an answer that was cut off or filtered fails.
    pub(crate) finished: bool,
    /// Whether text that is not JSON fails if the request asked for JSON.
    pub(crate) json: bool,
    /// The least mean log probability of the tokens, checked if the upstream returns them.
    pub(crate) least_mean_logprob: Option<f64>,
}

/// How routing reacts to a budget that is nearly spent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct BudgetSettings {
    /// The spent share of a budget from which the threshold rises.
    pub(crate) soft_from: f64,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Whether queries are logged as text; else as SHA-256.
    pub(crate) content: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            open: false,
            mode: Mode::default(),
            routing: Routing::default(),
            models: Models::default(),
            aliases: Aliases::default(),
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            breaker: Breaker::default(),
            cors: Cors::default(),
            max_body_bytes: 16 << 20,
            cascade: None,
            shadow: None,
            rollout: None,
            drift: None,
            budget: BudgetSettings::default(),
            log: Log::default(),
        }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            turn_decay: None,
            system: false,
            learn_shares: true,
            strong: None,
            weak: None,
            default: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        // A reasoning model may send nothing until it has finished reasoning.
        Self {
            headers_ms: 300_000,
            first_byte_ms: 120_000,
            idle_ms: 120_000,
            total_ms: 900_000,
            keep_alive_ms: 15_000,
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 2, base_ms: 250, longest_ms: 8_000, total_ms: 60_000 }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, open_ms: 15_000 }
    }
}

impl Default for Check {
    fn default() -> Self {
        Self {
            least_characters: 1,
            refusals: true,
            finished: true,
            json: true,
            least_mean_logprob: None,
        }
    }
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { soft_from: 0.8 }
    }
}

impl Settings {
    /// Parses and checks the variable, except for the models that it names.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`] for bad JSON, a number out of range, a malformed origin.
    pub(crate) fn from_json(json: Option<&str>) -> Result<Self, GatewayError> {
        let Some(json) = json else {
            return Ok(Self::default());
        };
        let settings: Self = super::variable::parse_variable("GATEWAY", json)?;
        settings.check().map_err(invalid)?;
        Ok(settings)
    }

    /// Checks the models named. `serves` says whether a name is a candidate or a model of UPSTREAMS.
    ///
    /// # Errors
    /// [`GatewayError::ConfigInvalid`].
    pub(crate) fn check_models(&self, serves: impl Fn(&str) -> bool) -> Result<(), GatewayError> {
        let allowed = self.models.allow.iter().flatten().map(|name| ("models.allow", name));
        let denied = self.models.deny.iter().map(|name| ("models.deny", name));
        let cascade = self.cascade.iter().flat_map(|cascade| {
            let from = cascade.from.iter().map(|name| ("cascade.from", name));
            from.chain([("cascade.to", &cascade.to)])
        });
        let default = self.routing.default.iter().map(|name| ("routing.default", name));
        let default = default.filter(|(_, name)| !["strong", "weak"].contains(&name.as_str()));
        let names = allowed.chain(denied).chain(cascade).chain(default);
        match names.into_iter().find(|(_, name)| !serves(name)) {
            Some((field, name)) => {
                Err(invalid(format!("{field} names {name:?}, which is not served here")))
            }
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let share = |field: &str, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(format!("{field} is {value}, expected a number in [0, 1]")),
        };
        share("routing.turnDecay", self.routing.turn_decay.unwrap_or_default())?;
        share("budget.softFrom", self.budget.soft_from)?;
        for (field, value) in [
            ("timeouts.headersMs", self.timeouts.headers_ms),
            ("timeouts.firstByteMs", self.timeouts.first_byte_ms),
            ("timeouts.idleMs", self.timeouts.idle_ms),
            ("timeouts.totalMs", self.timeouts.total_ms),
            ("breaker.failures", self.breaker.failures),
        ] {
            if value == 0 {
                return Err(format!("{field} is 0, expected 1 or more"));
            }
        }
        if self.retries.most > 10 {
            return Err(format!("retries.most is {}, expected 0 to 10", self.retries.most));
        }
        if self.max_body_bytes == 0 {
            return Err("maxBodyBytes is 0, expected 1 or more".into());
        }
        for origin in &self.cors.origins {
            let plain = origin == "*"
                || origin.split_once("://").is_some_and(|(_, host)| {
                    !host.is_empty() && !host.contains(['/', '?', '#', '*', ' '])
                });
            if !plain {
                return Err(format!(
                    "cors.origins has {origin:?}, expected an origin such as https://app.example, or *"
                ));
            }
        }
        self.aliases.check()?;
        self.shadow.as_ref().map_or(Ok(()), Shadow::check)?;
        self.rollout.as_ref().map_or(Ok(()), Rollout::check)?;
        self.drift.as_ref().map_or(Ok(()), Drift::check)?;
        match &self.cascade {
            Some(cascade) if cascade.from.contains(&cascade.to) => {
                Err(format!("cascade.to {:?} is among cascade.from", cascade.to))
            }
            _ => Ok(()),
        }
    }
}

fn invalid(detail: String) -> GatewayError {
    GatewayError::ConfigInvalid { variable: "GATEWAY", detail }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(json: &str) -> Result<Settings, GatewayError> {
        let settings = Settings::from_json(Some(json))?;
        settings.check_models(|name| ["small", "large"].contains(&name))?;
        Ok(settings)
    }

    #[test]
    fn an_absent_variable_means_defaults() {
        assert_eq!(settings("{}").unwrap(), Settings::default());
        assert_eq!(Settings::from_json(None).unwrap(), Settings::default());
        assert!(!Settings::default().open);
    }

    #[test]
    fn a_stated_field_leaves_the_other_defaults() {
        let found = settings(r#"{"timeouts": {"idleMs": 5}, "log": {"content": true}}"#).unwrap();
        assert_eq!(found.timeouts, Timeouts { idle_ms: 5, ..Timeouts::default() });
        assert!(found.log.content);
        assert_eq!(found.retries, Retries::default());
    }

    #[test]
    fn errors_name_the_fault() {
        let cases = [
            (r#"{"opne": true}"#, "opne"),
            (r#"{"open": "yes"}"#, "boolean"),
            (r#"{"routing": {"turnDecay": 2}}"#, "routing.turnDecay"),
            (r#"{"budget": {"softFrom": -1}}"#, "budget.softFrom"),
            (r#"{"timeouts": {"idleMs": 0}}"#, "timeouts.idleMs"),
            (r#"{"retries": {"most": 99}}"#, "retries.most"),
            (r#"{"maxBodyBytes": 0}"#, "maxBodyBytes"),
            (r#"{"models": {"deny": ["gpt"]}}"#, "models.deny"),
            (r#"{"routing": {"default": "gpt"}}"#, "routing.default"),
            (r#"{"cascade": {"from": ["small"], "to": "huge"}}"#, "cascade.to"),
            (r#"{"cascade": {"from": ["small"], "to": "small"}}"#, "cascade.to"),
            (r#"{"aliases": {" a": "small"}}"#, "aliases"),
            (r#"{"mode": "off"}"#, "observe"),
            (r#"{"shadow": {"share": 2, "judge": "small", "usdPerDay": 1}}"#, "shadow.share"),
            (r#"{"drift": {"above": 2}}"#, "drift.above"),
            (r#"{"rollout": {"percent": 101}}"#, "rollout.percent"),
            (r#"{"aliases": ["a"]}"#, "an object of names"),
            (r#"{"cors": {"origins": ["app.example"]}}"#, "cors.origins"),
            (r#"{"cors": {"origins": ["https://app.example/"]}}"#, "cors.origins"),
        ];
        for (json, part) in cases {
            let error = settings(json).unwrap_err();
            assert_eq!((error.status(), error.code()), (500, "config_invalid"));
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
