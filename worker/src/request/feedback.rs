//! `POST /v1/feedback`: a score for an answer.
//!
//! An answer whose decision is logged states `x-pointsman-feedback-id`, `<day>_<decision>_<signature>`:
//! the day and the id of the decision's file, which the gateway made, and an HMAC-SHA-256 over both and
//! the caller's key's name. Whoever scores an answer therefore had it, with the same key; a made-up id is
//! refused before anything is read.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::is_sha256;
use crate::error::GatewayError;

/// For how many days after a request feedback is accepted.
pub(crate) const FEEDBACK_DAYS: u32 = 7;
/// The longest body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 4 << 10;

/// The score of one answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    /// The answer's `x-pointsman-feedback-id`.
    pub(crate) feedback_id: String,
    /// The answer's quality, in [0, 1].
    pub(crate) score: f64,
}

impl Feedback {
    /// Parses a body.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`], [`GatewayError::FeedbackIllFormed`].
    pub(crate) fn from_json(body: &str) -> Result<Self, GatewayError> {
        let ill_formed = |detail: String| GatewayError::FeedbackIllFormed { detail };
        serde_json::from_str::<IgnoredAny>(body)
            .map_err(|e| GatewayError::BodyNotJson { detail: e.to_string() })?;
        // serde would read a list as the struct's fields in order.
        if !body.trim_start().starts_with('{') {
            return Err(ill_formed("it is not a JSON object".into()));
        }
        let feedback: Self = serde_json::from_str(body).map_err(|e| ill_formed(e.to_string()))?;
        if !(0.0..=1.0).contains(&feedback.score) {
            return Err(ill_formed(format!("\"score\" is {}", feedback.score)));
        }
        Ok(feedback)
    }
}

/// The parts of a feedback id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedbackId {
    /// The day on which the request arrived, `YYYY-MM-DD`.
    pub(crate) day: String,
    /// The id of the decision.
    pub(crate) decision: String,
    /// The HMAC of [`signed_text`], in lower-case hexadecimal.
    pub(crate) signature: String,
}

impl FeedbackId {
    /// Reads an id; none unless it has the form of those that the gateway makes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let (day, decision, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let of = |text: &str, length: usize, plain: fn(u8) -> bool| {
            text.len() == length && text.bytes().all(plain)
        };
        let whole = parts.next().is_none()
            && of(day, 10, |byte| byte.is_ascii_digit() || byte == b'-')
            && of(decision, 36, |byte| byte.is_ascii_hexdigit() || byte == b'-')
            && is_sha256(signature);
        whole.then(|| Self {
            day: day.to_owned(),
            decision: decision.to_owned(),
            signature: signature.to_owned(),
        })
    }

    /// The id as the answer states it.
    pub(crate) fn text(&self) -> String {
        format!("{}_{}_{}", self.day, self.decision, self.signature)
    }
}

/// The text whose HMAC signs an id. A key's name has no line feed.
pub(crate) fn signed_text(day: &str, decision: &str, key: &str) -> String {
    format!("pointsman feedback 1\n{day}\n{decision}\n{key}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_score_belongs_to_an_answer() {
        let found = Feedback::from_json(r#"{"feedback_id": "r-1", "score": 0.5}"#);
        assert_eq!(found, Ok(Feedback { feedback_id: "r-1".into(), score: 0.5 }));
        for (body, code) in [
            ("", "body_not_json"),
            ("[]", "feedback_ill_formed"),
            (r#"["r-1", 0.5]"#, "feedback_ill_formed"),
            (r#"{"score": 1}"#, "feedback_ill_formed"),
            (r#"{"feedback_id": "r", "score": 1.5}"#, "feedback_ill_formed"),
            (r#"{"feedback_id": "r", "score": "good"}"#, "feedback_ill_formed"),
            (r#"{"feedback_id": 7, "score": 1}"#, "feedback_ill_formed"),
            (r#"{"request_id": "r", "score": 1}"#, "feedback_ill_formed"),
            (r#"{"feedback_id": "r", "score": 1, "stars": 5}"#, "feedback_ill_formed"),
        ] {
            assert_eq!(Feedback::from_json(body).map_err(|e| e.code()), Err(code), "{body}");
        }
    }

    #[test]
    fn an_id_states_day_decision_and_signature() {
        let signature = "0a".repeat(32);
        let text = format!("2026-11-22_01234567-89ab-cdef-0123-456789abcdef_{signature}");
        let id = FeedbackId::parse(&text).unwrap();
        assert_eq!((id.day.as_str(), &id.decision[..4], id.text()), ("2026-11-22", "0123", text));
        let of = |day: &str, decision: &str, signature: &str| {
            FeedbackId::parse(&format!("{day}_{decision}_{signature}"))
        };
        let (day, decision) = (id.day.as_str(), id.decision.as_str());
        for found in [
            of("2026-11-2", decision, &signature),
            of("../../open", decision, &signature),
            of(day, "never", &signature),
            of(day, &"../".repeat(12), &signature),
            of(day, decision, &signature[1..]),
            of(day, decision, &signature.to_uppercase()),
            of(day, decision, &format!("{signature}_")),
            FeedbackId::parse(""),
            FeedbackId::parse("r-1"),
        ] {
            assert_eq!(found, None);
        }
    }

    #[test]
    fn the_signed_text_has_every_part_in_its_place() {
        assert_ne!(signed_text("d", "e", "f"), signed_text("d", "ef", ""));
        assert_ne!(signed_text("d", "e", "ann"), signed_text("d", "e", "bob"));
    }
}
