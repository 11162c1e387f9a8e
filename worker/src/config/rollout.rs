//! `GATEWAY.rollout`: which requests a candidate bundle decides, or for which routing's choice is called, and when
//! that ends by itself.
//!
//! ```json
//! {"percent": 10, "sticky": "key", "keys": {"on": ["team-a"], "off": ["billing"]}, "candidate": "bundle",
//!  "return": {"shadowBelow": 0.45, "errorsAbove": 0.05, "least": 200}, "webhook": "https://hooks.example/x"}
//! ```
//! `candidate` `bundle` is the one that `current.json` of the bucket names; with `on` routing's choice is called
//! for the candidate's requests, while the others are observed.

use pointsman::sha256_hex;
use serde::{Deserialize, Serialize};

/// Stands before what is hashed to assign a request: the same keys stay with a candidate when `percent` rises.
const LABEL: &str = "pointsman rollout 1";

/// A rollout.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rollout {
    /// The percentage of keys, or of sessions, that get the candidate.
    pub(crate) percent: f64,
    /// What stays with the candidate, or without it.
    #[serde(default)]
    pub(crate) sticky: Sticky,
    /// Keys that get it in any case, or never.
    #[serde(default)]
    pub(crate) keys: RolloutKeys,
    /// What the candidate is.
    #[serde(default)]
    pub(crate) candidate: Candidate,
    /// When it ends by itself; never if absent.
    #[serde(default, rename = "return")]
    pub(crate) bounds: Option<Bounds>,
    /// Where a return is told.
    pub(crate) webhook: Option<String>,
    /// Tells this rollout from an earlier one of the same bundle, whose counts and return it then does not have.
    #[serde(default)]
    pub(crate) name: String,
}

/// What stays with one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sticky {
    /// A key.
    #[default]
    Key,
    /// A session of a key; without a session the key.
    Session,
}

/// Keys by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RolloutKeys {
    /// Those that get the candidate in any case.
    pub(crate) on: Vec<String>,
    /// Those that never do.
    pub(crate) off: Vec<String>,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Candidate {
    /// The candidate bundle of `current.json`.
    #[default]
    Bundle,
    /// Calling what routing chooses, in place of observing.
    On,
}

/// The bounds of a candidate's means, each in [0, 1]. It returns where a confidence sequence lies beyond one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Bounds {
    /// The least mean score of feedback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feedback_below: Option<f64>,
    /// The least mean share by which the answer of the LLM that routing chose wins comparisons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shadow_below: Option<f64>,
    /// The largest share of answers that fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors_above: Option<f64>,
    /// The least number of values before a return.
    #[serde(default = "default_least")]
    pub(crate) least: u32,
}

fn default_least() -> u32 {
    100
}

/// The part of a rollout to which a request belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    /// What was served before.
    Current,
    /// What is tried.
    Candidate,
}

impl Arm {
    /// Its name in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Candidate => "candidate",
        }
    }
}

impl Rollout {
    /// The text by which a request stays with its arm. `caller` is the key's name, or `open` with an address.
    pub(crate) fn unit(&self, caller: &str, session: Option<&str>) -> String {
        match (self.sticky, session) {
            (Sticky::Session, Some(session)) => format!("{LABEL}\n{caller}\n{session}"),
            _ => format!("{LABEL}\n{caller}"),
        }
    }

    /// The arm of a caller: one of `keys`, else by the hash of its unit.
    pub(crate) fn arm(&self, key: Option<&str>, unit: &str) -> Arm {
        let named = |list: &[String]| key.is_some_and(|key| list.iter().any(|name| name == key));
        if named(&self.keys.off) {
            return Arm::Current;
        }
        match named(&self.keys.on) || hundredths(unit) < self.percent {
            true => Arm::Candidate,
            false => Arm::Current,
        }
    }

    /// Checks the numbers and the address.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(0.0..=100.0).contains(&self.percent) {
            let found = self.percent;
            return Err(format!("rollout.percent is {found}, expected a number in [0, 100]"));
        }
        if let Some(both) = self.keys.on.iter().find(|key| self.keys.off.contains(key)) {
            return Err(format!("rollout.keys has {both:?} in on and in off: remove one"));
        }
        let address = self.webhook.as_deref().unwrap_or("https://");
        if !(address.starts_with("https://") || address.starts_with("http://")) {
            return Err("rollout.webhook is not an address that begins with https://".into());
        }
        let long = self.name.len() > 64 || self.name.chars().any(char::is_control);
        if long {
            return Err(
                "rollout.name is not a text of at most 64 bytes without control characters".into(),
            );
        }
        self.bounds.as_ref().map_or(Ok(()), Bounds::check)
    }
}

impl Bounds {
    fn check(&self) -> Result<(), String> {
        let bounds = [
            ("feedbackBelow", self.feedback_below),
            ("shadowBelow", self.shadow_below),
            ("errorsAbove", self.errors_above),
        ];
        if bounds.iter().all(|(_, bound)| bound.is_none()) {
            return Err(
                "rollout.return has no bound: state feedbackBelow, shadowBelow or errorsAbove"
                    .into(),
            );
        }
        let outside = |bound: &f64| !(0.0..=1.0).contains(bound);
        for (field, bound) in bounds {
            if let Some(found) = bound.filter(outside) {
                return Err(format!(
                    "rollout.return.{field} is {found}, expected a number in [0, 1]"
                ));
            }
        }
        match self.least {
            0 => Err("rollout.return.least is 0, expected 1 or more".into()),
            _ => Ok(()),
        }
    }
}

/// A number in [0, 100), uniform over texts.
#[allow(clippy::cast_precision_loss)]
fn hundredths(text: &str) -> f64 {
    let hash = sha256_hex(text.as_bytes());
    // 13 digits fill the 52 bits of a double.
    let bits = u64::from_str_radix(hash.get(..13).unwrap_or_default(), 16).unwrap_or_default();
    100.0 * bits as f64 / (1_u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rollout(json: &str) -> Result<Rollout, String> {
        let rollout: Rollout = serde_json::from_str(json).map_err(|e| e.to_string())?;
        rollout.check().map(|()| rollout)
    }

    #[test]
    fn a_percentage_of_keys_gets_the_candidate_and_keeps_it_when_it_rises() {
        let of = |percent: u32| rollout(&format!(r#"{{"percent": {percent}}}"#)).unwrap();
        let arms = |rollout: &Rollout| -> Vec<Arm> {
            let arm = |at: u32| rollout.arm(None, &rollout.unit(&format!("key-{at}"), None));
            (0..2000).map(arm).collect()
        };
        let (few, many) = (arms(&of(10)), arms(&of(40)));
        let share = few.iter().filter(|arm| **arm == Arm::Candidate).count();
        assert!((150..250).contains(&share), "{share} of 2000");
        assert!(few.iter().zip(&many).all(|(few, many)| *few == Arm::Current || few == many));
        assert!(arms(&of(0)).iter().all(|arm| *arm == Arm::Current));
        assert!(arms(&of(100)).iter().all(|arm| *arm == Arm::Candidate));
    }

    #[test]
    fn keys_come_first_and_sessions_are_units_of_their_own() {
        let json = r#"{"percent": 0, "sticky": "session", "keys": {"on": ["a"], "off": ["b"]}}"#;
        let found = rollout(json).unwrap();
        assert_eq!(found.arm(Some("a"), "x"), Arm::Candidate);
        let all = Rollout { percent: 100.0, ..found.clone() };
        assert_eq!(all.arm(Some("b"), "x"), Arm::Current);
        assert_ne!(found.unit("a", Some("s")), found.unit("a", Some("t")));
        assert_eq!(
            found.unit("a", None),
            Rollout { sticky: Sticky::Key, ..found }.unit("a", Some("s"))
        );
    }

    #[test]
    fn errors_name_the_fault() {
        for (json, part) in [
            (r#"{"percent": 101}"#, "rollout.percent"),
            (r#"{"percent": 1, "keys": {"on": ["a"], "off": ["a"]}}"#, "rollout.keys"),
            (r#"{"percent": 1, "webhook": "hooks.example"}"#, "rollout.webhook"),
            (r#"{"percent": 1, "return": {}}"#, "no bound"),
            (r#"{"percent": 1, "return": {"errorsAbove": 5}}"#, "errorsAbove"),
            (r#"{"percent": 1, "return": {"errorsAbove": 0.5, "least": 0}}"#, "least"),
            (r#"{"percent": 1, "candidate": "off"}"#, "bundle"),
            (r#"{"percent": 1, "return": {"errorAbove": 0.5}}"#, "errorsAbove"),
        ] {
            assert!(rollout(json).is_err_and(|why| why.contains(part)), "{json}");
        }
    }
}
