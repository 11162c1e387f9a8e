//! Writes records to R2 and Analytics Engine, and outcome rows from feedback.
//!
//! No file is overwritten. With `LOG` and without a usable `LOG_SECRET` decisions are logged without the
//! query's HMAC, no answer states a feedback id, and feedback is refused.

use std::time::Duration;

use wasm_bindgen::JsValue;
use worker::Env;

use super::hmac::{LogSecret, hmac};
use super::js::{binding, call, call_async, describe_js_error, iso_time, now, random_id, to_js};
use crate::accounting::record::{Record, decision_file};
use crate::accounting::verdict::Verdict;
use crate::config::{Key, Settings, equal_in_constant_time};
use crate::error::GatewayError;
use crate::request::feedback::{FEEDBACK_DAYS, Feedback, FeedbackId, signed_text};

const ANALYTICS: &str = "ANALYTICS";
const LOG: &str = "LOG";
/// The waits before a verdict is written again, in milliseconds.
const VERDICT_WAITS_MS: [u64; 3] = [100, 500, 2000];
const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Whether at least one of the bindings `ANALYTICS` and `LOG` exists.
pub(super) fn has_bindings(env: &Env) -> bool {
    [ANALYTICS, LOG].iter().any(|name| binding(env, name).is_some())
}

/// The code for `/healthz` if `LOG` is bound and its secret cannot be used.
pub(super) fn warning(env: &Env) -> Option<&'static str> {
    binding(env, LOG).and_then(|_| LogSecret::of(env).warning())
}

/// Whether a key's queries are logged as text.
pub(super) fn content(settings: &Settings, key: Option<&Key>) -> bool {
    key.and_then(|key| key.log).unwrap_or(settings.log.content)
}

/// Gives a decision its id, and, where the answer may be scored, the value of
/// `x-pointsman-feedback-id`. Reads the record's `at`, `key` and `scores`.
pub(super) async fn identify(env: &Env, key: Option<&Key>, record: &mut Record) {
    if !has_bindings(env) {
        return;
    }
    record.decision_id = random_id();
    let may_score = key.is_none_or(|key| key.feedback) && record.is_routed();
    let LogSecret::Set(secret) = LogSecret::of(env) else { return };
    if !may_score || binding(env, LOG).is_none() {
        return;
    }
    let (day, decision) = (record.day().to_owned(), record.decision_id.clone());
    match hmac(&secret, &signed_text(&day, &decision, &record.key)).await {
        Ok(signature) => record.feedback_id = Some(FeedbackId { day, decision, signature }.text()),
        Err(error) => worker::console_error!("log: {error}"),
    }
}

/// Writes a record to the bindings that exist. A failure is only logged, since the answer is already
/// being sent.
pub(super) async fn write(env: &Env, record: &mut Record) {
    if let Some(analytics) = binding(env, ANALYTICS) {
        if let Err(error) = call(&analytics, "writeDataPoint", &[to_js(&record.point())]) {
            worker::console_error!("analytics: {}", describe_js_error(error));
        }
    }
    let Some(log) = binding(env, LOG).filter(|_| record.is_routed()) else { return };
    if let (Some(text), LogSecret::Set(secret)) = (&record.query_text, LogSecret::of(env)) {
        // A label of its own: the HMAC of no query is the signature of a feedback id.
        record.query_hmac = hmac(&secret, &format!("pointsman query 1\n{text}")).await.ok();
    }
    let Ok(text) = serde_json::to_string(record) else { return };
    if let Err(error) = put_new(&log, &record.decision_file(), &text).await {
        worker::console_error!("log: {error}");
    }
}

/// Writes an event of a rollout, unless it was written.
///
/// # Errors
/// Why the bucket refuses it; none without a bucket.
pub(super) async fn write_event(env: &Env, file: &str, text: &str) -> Result<(), String> {
    match binding(env, LOG) {
        Some(log) => put_new(&log, file, text).await.map(drop).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Writes the verdict of a comparison once, which was paid for: a bucket that refuses is asked again. If it goes
/// on refusing, the Worker's log has the verdict.
pub(super) async fn write_verdict(env: &Env, verdict: Verdict) {
    let Some(log) = binding(env, LOG) else { return };
    let Ok(text) = serde_json::to_string(&verdict) else { return };
    let file = verdict.file();
    let mut waits = VERDICT_WAITS_MS.into_iter();
    loop {
        match (put_new(&log, &file, &text).await, waits.next()) {
            (Ok(_), _) => return,
            (Err(_), Some(wait)) => worker::Delay::from(Duration::from_millis(wait)).await,
            (Err(error), None) => {
                let verdict = serde_json::to_string(&verdict.without_query()).unwrap_or_default();
                worker::console_error!("verdict not written: {file}: {error}: {verdict}");
                return;
            }
        }
    }
}

/// Joins a score to its answer. Returns the decision's record, and whether an outcome row was written: it is not
/// if only the query's HMAC was logged.
///
/// # Errors
/// [`GatewayError::BindingMissing`], [`GatewayError::BindingFailed`],
/// [`GatewayError::FeedbackNotAllowed`], [`GatewayError::RequestNotFound`],
/// [`GatewayError::AlreadyScored`].
pub(super) async fn record_feedback(
    env: &Env,
    key: (&str, Option<&Key>),
    feedback: &Feedback,
) -> Result<(bool, Record), GatewayError> {
    let (name, key) = key;
    if key.is_some_and(|key| !key.feedback) {
        return Err(GatewayError::FeedbackNotAllowed { key: name.to_owned() });
    }
    let why = "feedback is joined to the decisions logged there";
    let log = binding(env, LOG).ok_or(GatewayError::BindingMissing { binding: LOG, why })?;
    let secret = LogSecret::of(env).usable()?;
    let not_found = || GatewayError::RequestNotFound { days: FEEDBACK_DAYS };
    let id = FeedbackId::parse(&feedback.feedback_id).ok_or_else(not_found)?;
    let signature = hmac(&secret, &signed_text(&id.day, &id.decision, name)).await?;
    let recent =
        (0..=FEEDBACK_DAYS).any(|days| iso_time(now() - f64::from(days) * DAY_MS)[..10] == id.day);
    if !equal_in_constant_time(&signature, &id.signature) || !recent {
        return Err(not_found());
    }
    let file = decision_file(&id.day, name, &id.decision);
    let found = call_async(&log, "get", &[file.clone().into()]).await.map_err(failed)?;
    if found.is_null() || found.is_undefined() {
        return Err(not_found());
    }
    let text = call_async(&found, "text", &[]).await.map_err(failed)?;
    let record: Record =
        serde_json::from_str(&text.as_string().unwrap_or_default()).map_err(|e| {
            GatewayError::BindingFailed { binding: LOG, detail: format!("{file}: {e}") }
        })?;
    if !record.is_scorable() {
        return Err(not_found());
    }
    let Some((file, row)) = record.outcome(feedback.score) else { return Ok((false, record)) };
    match put_new(&log, &file, &row).await? {
        true => Ok((true, record)),
        false => Err(GatewayError::AlreadyScored),
    }
}

/// Writes a file unless one of its name exists. Returns whether it was written.
async fn put_new(log: &JsValue, file: &str, text: &str) -> Result<bool, GatewayError> {
    let options = to_js(&serde_json::json!({"onlyIf": {"etagDoesNotMatch": "*"}}));
    let arguments = [file.into(), text.into(), options];
    let written = call_async(log, "put", &arguments).await.map_err(failed)?;
    Ok(!written.is_null() && !written.is_undefined())
}

fn failed(error: JsValue) -> GatewayError {
    GatewayError::BindingFailed { binding: LOG, detail: describe_js_error(error) }
}
