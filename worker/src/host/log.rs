//! Writes records to R2 and Analytics Engine, and outcome rows from feedback.

use wasm_bindgen::JsValue;
use worker::Env;

use super::js::{binding, call, call_async, describe_js_error, iso_time, now, to_js};
use crate::accounting::record::{Record, decision_file};
use crate::error::GatewayError;
use crate::request::feedback::Feedback;

const ANALYTICS: &str = "ANALYTICS";
const LOG: &str = "LOG";
const DAY_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;
/// For how many days after a request feedback is accepted.
const FEEDBACK_DAYS: u32 = 7;

/// Whether at least one of the bindings `ANALYTICS` and `LOG` exists.
pub(super) fn has_bindings(env: &Env) -> bool {
    [ANALYTICS, LOG].iter().any(|name| binding(env, name).is_some())
}

/// Writes a record to the bindings that exist. A failure is only logged, since the answer is already
/// being sent.
pub(super) async fn write(env: &Env, record: &Record) {
    if let Some(analytics) = binding(env, ANALYTICS) {
        if let Err(error) = call(&analytics, "writeDataPoint", &[to_js(&record.point())]) {
            worker::console_error!("analytics: {}", describe_js_error(error));
        }
    }
    let Some(log) = binding(env, LOG).filter(|_| record.is_routed()) else { return };
    let Ok(text) = serde_json::to_string(record) else { return };
    let file = record.decision_file();
    if let Err(error) = call_async(&log, "put", &[file.into(), text.into()]).await {
        worker::console_error!("log: {}", describe_js_error(error));
    }
}

/// Joins a score to its request. Returns whether an outcome row was written: it is not if only the
/// query's hash was logged.
///
/// # Errors
/// [`GatewayError::BindingMissing`], [`GatewayError::BindingFailed`],
/// [`GatewayError::RequestNotFound`].
pub(super) async fn record_feedback(
    env: &Env,
    key: &str,
    feedback: &Feedback,
) -> Result<bool, GatewayError> {
    let why = "feedback is joined to the decisions logged there";
    let log = binding(env, LOG).ok_or(GatewayError::BindingMissing { binding: LOG, why })?;
    let id = &feedback.request_id;
    for days in 0..=FEEDBACK_DAYS {
        let at = iso_time(now() - f64::from(days) * DAY_MS);
        let file = decision_file(&at[..10], id);
        let found = call_async(&log, "get", &[file.clone().into()]).await.map_err(failed)?;
        if found.is_null() || found.is_undefined() {
            continue;
        }
        let text = call_async(&found, "text", &[]).await.map_err(failed)?;
        let text = text.as_string().unwrap_or_default();
        let record: Record = serde_json::from_str(&text).map_err(|e| {
            GatewayError::BindingFailed { binding: LOG, detail: format!("{file}: {e}") }
        })?;
        // A key may give feedback only on its own requests.
        if record.key != key {
            break;
        }
        let Some((file, row)) = record.outcome(feedback.score) else { return Ok(false) };
        call_async(&log, "put", &[file.into(), row.into()]).await.map_err(failed)?;
        return Ok(true);
    }
    Err(GatewayError::RequestNotFound { id: id.clone() })
}

fn failed(error: JsValue) -> GatewayError {
    GatewayError::BindingFailed { binding: LOG, detail: describe_js_error(error) }
}
