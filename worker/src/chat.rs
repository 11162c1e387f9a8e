//! `POST /v1/chat/completions`: which upstream gets the request, and with what body.
//!
//! ```text
//! {"model": "auto", "messages": [...], "seed": 7}  ->  large's upstream, {"model": "large-2026", "messages": [...], "seed": 7}
//! ```
//! Only the value of `model` changes; every other byte of the body is the caller's.

use serde::Deserialize;
use serde_json::Value;
use switchyard_router::{Decision, Manifest, Message, Policy, Query, RouterError};

use crate::config::{Upstream, Upstreams};
use crate::error::GatewayError;
use crate::json_span;
use crate::route;
use crate::target::{self, PolicyHeaders, Target};

/// A request on its way out.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The chosen candidate.
    pub(crate) candidate: String,
    /// Its upstream.
    pub(crate) upstream: &'a Upstream,
    /// The body to send.
    pub(crate) body: String,
    /// The decision; none where the caller named a candidate.
    pub(crate) decision: Option<Decision>,
}

/// What a plan is made from, beside the request.
pub(crate) struct Gateway<'a> {
    /// The bundle's manifest.
    pub(crate) manifest: &'a Manifest,
    /// The configured upstreams.
    pub(crate) upstreams: &'a Upstreams,
    /// The bundle's decision on a query.
    pub(crate) decide: &'a dyn Fn(&Query, &Policy) -> Result<Decision, RouterError>,
}

impl<'a> Gateway<'a> {
    /// Decides where `body` goes.
    ///
    /// # Errors
    /// Those of the body, the model, the headers, the query, the policy and the configuration.
    pub(crate) fn plan(
        &self,
        body: &str,
        headers: &PolicyHeaders,
    ) -> Result<Plan<'a>, GatewayError> {
        let model = model(body, self.manifest)?;
        let (candidate, decision) = match Target::new(&model, headers, self.manifest)? {
            Target::Candidate(candidate) => (candidate, None),
            Target::Routed(mut policy) => {
                let conversation = Conversation::from_json(body)?;
                policy.output_tokens = conversation.output_tokens();
                let query = Query::from_messages(&conversation.messages)?;
                let decision = (self.decide)(&query, &policy)?;
                (decision.model.clone(), Some(decision))
            }
        };
        let upstream = self.upstreams.of(&candidate)?;
        let name = upstream.model.as_deref().unwrap_or(&candidate);
        let body = with_model(body, name)?;
        Ok(Plan { candidate, upstream, body, decision })
    }
}

impl Plan<'_> {
    /// The decision as headers of the response.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-switchyard-model", self.candidate.clone())];
        let Some(decision) = &self.decision else {
            headers.push(("x-switchyard-reason", "requested".into()));
            return headers;
        };
        headers.push(("x-switchyard-reason", reason(decision)));
        for (name, value) in [
            ("x-switchyard-win-rate", decision.win_rate),
            ("x-switchyard-threshold", decision.threshold),
        ] {
            if let Some(value) = value {
                headers.push((name, format!("{value:.6}")));
            }
        }
        headers
    }
}

/// The part of a chat request that a decision needs.
#[derive(Deserialize)]
struct Conversation {
    messages: Vec<Message>,
    // The upstream judges these; here they only sharpen the estimate.
    #[serde(default)]
    max_tokens: Value,
    #[serde(default)]
    max_completion_tokens: Value,
}

impl Conversation {
    fn from_json(body: &str) -> Result<Self, GatewayError> {
        serde_json::from_str(body).map_err(|e| route::unreadable(&e))
    }

    fn output_tokens(&self) -> Option<u32> {
        [&self.max_completion_tokens, &self.max_tokens]
            .into_iter()
            .find_map(|value| u32::try_from(value.as_u64()?).ok())
    }
}

fn model(body: &str, manifest: &Manifest) -> Result<String, GatewayError> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        model: Value,
    }
    let envelope: Envelope = serde_json::from_str(body).map_err(|e| route::unreadable(&e))?;
    // serde would read a list as a struct's fields in order.
    if !body.trim_start().starts_with('{') {
        return Err(GatewayError::BodyNotJson { detail: "it is a list".into() });
    }
    match envelope.model {
        Value::String(model) => Ok(model),
        Value::Null => Err(GatewayError::ModelMissing { expected: target::expected(manifest) }),
        other => Err(GatewayError::ModelNotFound {
            found: other.to_string(),
            expected: target::expected(manifest),
        }),
    }
}

fn with_model(body: &str, model: &str) -> Result<String, GatewayError> {
    let unreadable = || GatewayError::BodyNotJson { detail: "\"model\" was not found".into() };
    let range = json_span::of_field(body, "model").ok_or_else(unreadable)?;
    let value = Value::from(model).to_string();
    Ok(format!("{}{value}{}", &body[..range.start], &body[range.end..]))
}

fn reason(decision: &Decision) -> String {
    match serde_json::to_value(decision.reason) {
        Ok(Value::String(reason)) => reason,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::tests::manifest;
    use switchyard_router::Reason;

    const UPSTREAMS: &str = r#"{
        "large": {"baseUrl": "https://strong.example/v1", "model": "large \"2026\""},
        "small": {"baseUrl": "https://weak.example/v1"}
    }"#;

    /// Decides by whether the query has more than ten letters, and notes the policy in the tokens.
    fn decide(query: &Query, policy: &Policy) -> Result<Decision, RouterError> {
        let manifest = manifest();
        policy.check(&manifest)?;
        let strong = query.text().len() > 10;
        Ok(Decision {
            model: if strong { "large".into() } else { "small".into() },
            reason: if strong { Reason::AboveThreshold } else { Reason::BelowThreshold },
            win_rate: Some(0.75),
            threshold: policy.threshold,
            scores: vec![],
            tokens: policy.output_tokens.unwrap_or(0) as usize,
            estimated_cost: None,
        })
    }

    fn plan<T>(body: &str, read: impl Fn(&Plan<'_>) -> T) -> Result<T, String> {
        let manifest = manifest();
        let upstreams = Upstreams::from_json(Some(UPSTREAMS), &manifest).unwrap();
        let gateway = Gateway { manifest: &manifest, upstreams: &upstreams, decide: &decide };
        gateway
            .plan(body, &PolicyHeaders::default())
            .map(|plan| read(&plan))
            .map_err(|e| e.code().to_owned())
    }

    #[test]
    fn only_the_models_value_changes() {
        let body = "{\"seed\": 12345678901234567890123,  \"model\" :\"auto\",\n\
                    \"messages\":[{\"role\":\"user\",\"content\":\"Prove it rigorously.\"}],\
                    \"x\": 1.10, \"tools\": [{\"model\": \"auto\"}]}";
        let sent = plan(body, |plan| plan.body.clone()).unwrap();
        assert_eq!(sent, body.replacen("\"auto\"", r#""large \"2026\"""#, 1));
    }

    #[test]
    fn the_candidates_own_name_goes_out_where_no_other_is_configured() {
        let body = r#"{"model":"auto","messages":[{"role":"user","content":"Hello"}]}"#;
        assert_eq!(plan(body, |p| p.body.clone()), Ok(body.replace("auto", "small")));
        assert_eq!(
            plan(body, |p| p.upstream.base_url.clone()),
            Ok("https://weak.example/v1".into())
        );
    }

    #[test]
    fn the_decision_is_told_in_headers() {
        let body = r#"{"model":"router-mf-0.25","messages":[{"role":"user","content":"Hello"}]}"#;
        let headers = plan(body, |p| p.headers()).unwrap();
        let expected = [
            ("x-switchyard-model", "small"),
            ("x-switchyard-reason", "below_threshold"),
            ("x-switchyard-win-rate", "0.750000"),
            ("x-switchyard-threshold", "0.250000"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_named_candidate_is_forwarded_whatever_the_messages_hold() {
        let body = r#"{"model":"small","messages":"the upstream will object"}"#;
        let headers = plan(body, |p| (p.body.clone(), p.headers())).unwrap();
        assert_eq!(headers.0, body);
        assert!(headers.1.contains(&("x-switchyard-reason", "requested".into())));
    }

    #[test]
    fn the_answers_length_reaches_the_policy() {
        let with = |fields: &str| {
            let body = format!(
                r#"{{"model":"auto",{fields}"messages":[{{"role":"user","content":"Hi"}}]}}"#
            );
            plan(&body, |p| p.decision.as_ref().map(|d| d.tokens)).unwrap().unwrap()
        };
        assert_eq!(with(r#""max_tokens": 9,"#), 9);
        assert_eq!(with(r#""max_tokens": 9, "max_completion_tokens": 30,"#), 30);
        assert_eq!(with(r#""max_tokens": "many","#), 0);
        assert_eq!(with(""), 0);
    }

    #[test]
    fn bad_requests_have_codes() {
        let cases = [
            ("", "body_not_json"),
            ("[]", "body_not_json"),
            (r#"{"model": "auto""#, "body_not_json"),
            (r#"{"messages": []}"#, "model_missing"),
            (r#"{"model": null, "messages": []}"#, "model_missing"),
            (r#"{"model": 7, "messages": []}"#, "model_not_found"),
            (r#"{"model": "auto"}"#, "body_not_json"),
            (r#"{"model": "auto", "messages": []}"#, "messages_without_text"),
            (
                r#"{"model": "auto", "messages": [{"role": "system", "content": "x"}]}"#,
                "messages_without_text",
            ),
            (
                r#"{"model": "auto", "messages": [{"role": "user", "content": "\ud800"}]}"#,
                "query_ill_formed",
            ),
            (
                r#"{"model": "auto", "messages": [{"role": "user", "content": "a\u0000"}]}"#,
                "query_ill_formed",
            ),
            (
                r#"{"model": "router-mf-2", "messages": [{"role": "user", "content": "x"}]}"#,
                "policy_out_of_range",
            ),
        ];
        for (body, code) in cases {
            assert_eq!(plan(body, |_| ()), Err(code.to_owned()), "{body}");
        }
    }
}
