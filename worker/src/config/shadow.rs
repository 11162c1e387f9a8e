//! `GATEWAY.shadow`: which requests the other LLM of the pair answers too, and who compares the answers.
//!
//! ```json
//! {"share": 0.05, "judge": "judge-model", "usdPerDay": 2.5, "models": ["small"], "timeoutMs": 25000}
//! ```

use serde::Deserialize;

use super::keys::{Budget, Period};
use super::upstreams::Upstreams;

/// What comparisons may cost a day at most, in US dollars.
const MOST_USD: f64 = 1e9;

/// Comparisons of both LLMs' answers, behind the answer that the client gets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Shadow {
    /// The probability with which an eligible request is compared, in (0, 1].
    pub(crate) share: f64,
    /// The model of `UPSTREAMS` that compares the answers.
    pub(crate) judge: String,
    /// The models that may be asked beside the one that answers; both of the pair if absent.
    pub(crate) models: Option<Vec<String>>,
    /// What all comparisons may cost a day (UTC), in US dollars.
    pub(crate) usd_per_day: f64,
    /// From the answer's end until the verdict, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub(crate) timeout_ms: u32,
}

/// Cloudflare ends the work behind an answer after 30 seconds.
fn default_timeout_ms() -> u32 {
    25_000
}

impl Shadow {
    /// The cap as a budget of the ledger.
    pub(crate) fn budget(&self) -> Budget {
        Budget { usd: self.usd_per_day, period: Period::Day }
    }

    /// Whether a model may be asked beside the one that answers.
    pub(crate) fn asks(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|one| one == model))
    }

    /// Checks the numbers.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(format!("shadow.share is {}, expected a number in (0, 1]", self.share));
        }
        if !(self.usd_per_day > 0.0 && self.usd_per_day <= MOST_USD) {
            let found = self.usd_per_day;
            return Err(format!(
                "shadow.usdPerDay is {found}, expected US dollars above 0 and up to {MOST_USD}"
            ));
        }
        if self.timeout_ms == 0 {
            return Err("shadow.timeoutMs is 0, expected 1 or more".into());
        }
        Ok(())
    }

    /// Checks that the judge and both LLMs of the pair are served and have prices, without which the cap would
    /// bound nothing. `priced` says whether a model's prices are known.
    pub(crate) fn check_models<'m>(
        &'m self,
        upstreams: &Upstreams,
        pair: impl IntoIterator<Item = &'m str>,
        priced: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        for (field, name) in self.named() {
            if upstreams.get(name).is_none() {
                return Err(format!(
                    "shadow.{field} names {name:?}, which UPSTREAMS does not have"
                ));
            }
        }
        let mut pair = pair.into_iter().filter(|name| upstreams.get(name).is_some());
        let judge = Some(self.judge.as_str()).filter(|judge| !priced(judge));
        match judge.or(pair.find(|name| !priced(name))) {
            Some(name) => Err(format!(
                "shadow needs the prices of {name:?}: set inputPrice and outputPrice in UPSTREAMS"
            )),
            None => Ok(()),
        }
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let models = self.models.iter().flatten().map(|name| ("models", name.as_str()));
        std::iter::once(("judge", self.judge.as_str())).chain(models)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shadow(more: &str) -> Result<Shadow, String> {
        let json = format!(r#"{{"share": 0.5, "judge": "j", "usdPerDay": 1{more}}}"#);
        let shadow: Shadow = serde_json::from_str(&json).map_err(|e| e.to_string())?;
        shadow.check().map(|()| shadow)
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert_eq!(shadow("").unwrap().timeout_ms, 25_000);
        for (json, part) in [
            (r#"{"share": 0, "judge": "j", "usdPerDay": 1}"#, "shadow.share"),
            (r#"{"share": 1.5, "judge": "j", "usdPerDay": 1}"#, "shadow.share"),
            (r#"{"share": 1, "judge": "j", "usdPerDay": 0}"#, "shadow.usdPerDay"),
            (r#"{"share": 1, "judge": "j", "usdPerDay": 1, "timeoutMs": 0}"#, "shadow.timeoutMs"),
        ] {
            let shadow: Shadow = serde_json::from_str(json).unwrap();
            assert!(shadow.check().is_err_and(|why| why.contains(part)), "{json}");
        }
        assert!(serde_json::from_str::<Shadow>(r#"{"share": 1, "judge": "j"}"#).is_err());
    }

    #[test]
    fn models_are_served_and_priced() {
        let upstreams = r#"{"j": {"baseUrl": "https://x"}, "large": {"baseUrl": "https://x"}}"#;
        let upstreams = Upstreams::from_json(Some(upstreams)).unwrap();
        let check = |shadow: &Shadow, priced: &[&str]| {
            shadow.check_models(&upstreams, ["large", "gone"], |name| priced.contains(&name))
        };
        let plain = shadow("").unwrap();
        assert_eq!(check(&plain, &["j", "large"]), Ok(()));
        assert!(check(&plain, &["large"]).is_err_and(|why| why.contains("\"j\"")));
        assert!(check(&plain, &["j"]).is_err_and(|why| why.contains("\"large\"")));
        let other = shadow(r#", "models": ["x"]"#).unwrap();
        assert!(check(&other, &["j", "large"]).is_err_and(|why| why.contains("shadow.models")));
        assert!(other.asks("x") && !other.asks("large") && plain.asks("large"));
    }
}
