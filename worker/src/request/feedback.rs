//! `POST /v1/feedback`: a score for an answer.

use serde::Deserialize;
use serde_json::Value;

use super::request_id::is_request_id;
use crate::error::GatewayError;

/// The score of one answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    /// The answer's `x-request-id`.
    pub(crate) request_id: String,
    /// The answer's quality, in [0, 1].
    pub(crate) score: f64,
}

impl Feedback {
    /// Parses a body.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotJson`], [`GatewayError::FeedbackIllFormed`].
    pub(crate) fn from_json(body: &str) -> Result<Self, GatewayError> {
        let value: Value = serde_json::from_str(body)
            .map_err(|e| GatewayError::BodyNotJson { detail: e.to_string() })?;
        let ill_formed = |detail: String| GatewayError::FeedbackIllFormed { detail };
        let feedback: Self =
            serde_json::from_value(value).map_err(|e| ill_formed(e.to_string()))?;
        if !is_request_id(&feedback.request_id) {
            return Err(ill_formed("\"request_id\" is not an x-request-id".into()));
        }
        if !(0.0..=1.0).contains(&feedback.score) {
            return Err(ill_formed(format!("\"score\" is {}", feedback.score)));
        }
        Ok(feedback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_belongs_to_a_request() {
        let found = Feedback::from_json(r#"{"request_id": "r-1", "score": 0.5}"#);
        assert_eq!(found, Ok(Feedback { request_id: "r-1".into(), score: 0.5 }));
        for (body, code) in [
            ("", "body_not_json"),
            ("[]", "feedback_ill_formed"),
            (r#"{"score": 1}"#, "feedback_ill_formed"),
            (r#"{"request_id": "r", "score": 1.5}"#, "feedback_ill_formed"),
            (r#"{"request_id": "r", "score": "good"}"#, "feedback_ill_formed"),
            (r#"{"request_id": "../r", "score": 1}"#, "feedback_ill_formed"),
            (r#"{"request_id": "r", "score": 1, "stars": 5}"#, "feedback_ill_formed"),
        ] {
            assert_eq!(Feedback::from_json(body).map_err(|e| e.code()), Err(code), "{body}");
        }
    }
}
