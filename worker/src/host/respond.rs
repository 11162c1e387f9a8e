//! Makes the response of what the upstream calls came to, and the record of the decision.

use js_sys::Reflect;
use worker::Response;

use super::after_response::Settlement;
use super::attempts::ChainResult;
use super::bundle::Loaded;
use super::call_failure::Refusal;
use super::js::{describe_js_error, iso_time, now};
use super::log;
use super::passed_bytes::{PassedBytes, passed_bytes};
use super::request_context::RequestContext;
use super::response::{Body, build, error_response, internal};
use super::shadow::Answer;
use super::stream_body::{Silence, State, StreamBody, stream_body};
use super::upstream_answer::Reply;
use crate::accounting::record::Record;
use crate::config::Mode;
use crate::error::GatewayError;
use crate::routing::plan::{Plan, pair_of};

impl RequestContext<'_> {
    /// Responds, and settles and logs behind the response.
    ///
    /// # Errors
    /// `inference_failed` if the runtime refuses the response.
    pub(super) fn respond(
        &self,
        served: ChainResult,
        plan: &Plan,
        mut settlement: Settlement,
    ) -> Result<Response, GatewayError> {
        let ChainResult { model, reply, calls } = served;
        settlement.record.model.clone_from(&model);
        settlement.record.attempts = calls;
        settlement.record.first_ms = now() - self.started;
        let mut stated = decision_headers(plan, &settlement.record);
        match reply {
            Ok(Reply::Whole { status, headers, body, received, content }) => {
                settlement.record.status = status;
                if let Some(cost) = settlement.costs.shown.filter(|_| received.is_final) {
                    stated.push(("x-pointsman-cost", format_usd(cost)));
                }
                let answer = match settlement.shadow.is_some() {
                    true => Answer::of_whole(content, &body),
                    false => Answer::Unknown,
                };
                settlement.settle_in_background(self.context, received.usage, None, answer);
                build(status, headers, stated, Body::Whole(body))
            }
            Ok(Reply::Stream { headers, first, translator, source, secrets }) => {
                settlement.record.status = 200;
                let timeouts = self.config.settings.timeouts;
                let on_end = settlement.on_stream_end(self.context);
                let body = stream_body(StreamBody {
                    model,
                    first,
                    translator,
                    upstream: source,
                    timeouts,
                    on_end,
                    secrets,
                    state: State::Open,
                    silence: Silence::default(),
                });
                let stream = Response::from_stream(body).map_err(internal)?;
                build(200, headers, stated, Body::Stream(stream))
            }
            Ok(Reply::Bytes { status, headers, first, source }) => {
                settlement.record.status = status;
                let body = passed_bytes(PassedBytes {
                    model,
                    first,
                    upstream: source,
                    timeouts: self.config.settings.timeouts,
                    on_end: settlement.on_stream_end(self.context),
                    ended: false,
                });
                // After a trap the guard ends the answer.
                Reflect::set(self.request.inner(), &"passesBytes".into(), &true.into())
                    .map_err(|e| internal(describe_js_error(e)))?;
                let stream = Response::from_stream(body).map_err(internal)?;
                build(status, headers, stated, Body::Stream(stream))
            }
            Err(refusal) => {
                let (status, code) = match &refusal {
                    Refusal::Own(error) => (error.status(), error.code()),
                    Refusal::Upstream { status, .. } => (*status, "upstream_error"),
                };
                settlement.record.status = status;
                // An error cannot be scored.
                stated.retain(|(name, _)| *name != "x-pointsman-feedback-id");
                settlement.settle_in_background(self.context, None, Some(code), Answer::Unknown);
                match refusal {
                    Refusal::Upstream { status, headers, body, .. } => {
                        build(status, headers, stated, Body::Whole(body.into_bytes()))
                    }
                    Refusal::Own(error) => {
                        let response = error_response(&error, self.request, self.id)?;
                        for (name, value) in stated {
                            response.headers().set(name, &value).map_err(internal)?;
                        }
                        Ok(response)
                    }
                }
            }
        }
    }

    /// Begins the record of a request of the endpoint `path`.
    pub(super) fn record(
        &self,
        path: &str,
        plan: &Plan,
        loaded: &Loaded,
        estimated_cost: Option<f64>,
    ) -> Record {
        let decision = plan.decision.as_ref();
        let (chosen, pair) = (plan.chosen.as_ref(), pair_of(&loaded.manifest, decision));
        let mut record = Record {
            id: self.id.to_owned(),
            at: iso_time(self.started),
            key: self.caller.name.to_owned(),
            endpoint: path.to_owned(),
            router: loaded.manifest.name.clone(),
            bundle: Some(loaded.id.clone()),
            mode: self.mode(None),
            model: plan.chain[0].clone(),
            reason: plan.reason.to_owned(),
            chosen: chosen.map(|(model, _)| model.clone()),
            chosen_reason: chosen.map(|(_, reason)| (*reason).to_owned()),
            strong: pair.map(|(strong, _)| strong.to_owned()),
            weak: pair.map(|(_, weak)| weak.to_owned()),
            win_rate: decision.and_then(|decision| decision.win_rate),
            threshold: decision.and_then(|decision| decision.threshold),
            threshold_from: decision.and_then(|decision| decision.threshold_from),
            scores: decision.map(|decision| decision.scores.clone()).unwrap_or_default(),
            estimated_cost,
            ..Record::default()
        };
        let query = plan.query.as_ref().filter(|_| log::has_bindings(self.env));
        if let Some(query) = query {
            record.set_query(query.turns(), log::content(&self.config.settings, self.caller.key));
        }
        record
    }
}

/// The response headers that state the decision and the calls made.
fn decision_headers(plan: &Plan, record: &Record) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("x-pointsman-model", record.model.clone()),
        ("x-pointsman-router", record.router.clone()),
        ("x-pointsman-reason", plan.reason.to_owned()),
        ("x-pointsman-attempts", record.attempts.to_string()),
    ];
    if let (Mode::Observe, Some((model, reason))) = (record.mode, &plan.chosen) {
        headers.push(("x-pointsman-mode", record.mode.name().to_owned()));
        headers.push(("x-pointsman-chosen", model.clone()));
        headers.push(("x-pointsman-chosen-reason", (*reason).to_owned()));
    }
    let numbers = [
        ("x-pointsman-feedback-id", record.feedback_id.clone()),
        ("x-pointsman-win-rate", record.win_rate.map(|value| format!("{value:.6}"))),
        ("x-pointsman-threshold", record.threshold.map(|value| format!("{value:.6}"))),
        ("x-pointsman-threshold-from", record.threshold_from.map(|from| from.name().to_owned())),
        ("x-pointsman-estimated-cost", record.estimated_cost.map(format_usd)),
        ("x-pointsman-cascade", record.cascade.as_ref().map(|cascade| cascade.outcome.clone())),
    ];
    headers.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, value?))));
    headers
}

fn format_usd(usd: f64) -> String {
    format!("{usd:.9}")
}
