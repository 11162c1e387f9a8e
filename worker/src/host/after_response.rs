//! Does the work after an answer: settles the budget, pins the session's model, logs the record.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use worker::js_sys::futures::JsFuture;
use worker::{Context, Env};

use super::js::now;
use super::ledger::Ledger;
use super::log;
use super::stream_body::{EndCallback, StreamEnd};
use crate::accounting::prices::Prices;
use crate::accounting::record::Record;
use crate::config::Budget;
use crate::error::GatewayError;
use crate::wire::usage::Usage;

/// The values that the work after an answer needs.
pub(super) struct Settlement {
    pub(super) env: Env,
    pub(super) record: Record,
    /// The prices of the model that answered.
    pub(super) prices: Option<Prices>,
    pub(super) budget: Option<(Ledger, Budget)>,
    pub(super) session: Option<Ledger>,
    /// When the request arrived, in milliseconds since 1970.
    pub(super) started: f64,
}

impl Settlement {
    /// Settles and logs in the background after a response that was not streamed.
    pub(super) fn settle_in_background(
        self,
        context: &Context,
        usage: Option<Usage>,
        cost: Option<f64>,
        error: Option<&'static str>,
    ) {
        if self.is_needed() {
            context.wait_until(self.settle(usage, cost, error));
        }
    }

    /// Whether any of the work applies to this request.
    fn is_needed(&self) -> bool {
        self.budget.is_some() || self.session.is_some() || log::has_bindings(&self.env)
    }

    /// The cost of an answer in US dollars, plus `before` for a first answer that failed the check.
    pub(super) fn cost(&self, usage: Option<Usage>, before: f64) -> Option<f64> {
        let (usage, prices) = usage.zip(self.prices)?;
        Some(before + prices.of_usage(&usage))
    }

    /// Settles, pins and logs. An answer without usage costs its estimate; a failed one costs only the
    /// first answer of a cascade.
    async fn settle(
        mut self,
        usage: Option<Usage>,
        cost: Option<f64>,
        error: Option<&'static str>,
    ) {
        self.record.total_ms = now() - self.started;
        self.record.set_usage(usage);
        self.record.cost = cost;
        self.record.error = error.map(str::to_owned);
        let answered = self.record.status < 400;
        if let Some((ledger, budget)) = &self.budget {
            let estimate = self.record.estimated_cost.filter(|_| answered).unwrap_or_default();
            let spent = cost.unwrap_or(estimate);
            log_error(ledger.settle(&self.record.id, spent, *budget).await);
        }
        if let Some(session) = self.session.as_ref().filter(|_| answered) {
            log_error(session.pin(&self.record.model).await);
        }
        log::write(&self.env, &self.record).await;
    }

    /// Returns a callback that settles and logs in the background when a stream ends.
    pub(super) fn on_stream_end(self, context: &Context, cost_before: f64) -> EndCallback {
        if !self.is_needed() {
            return EndCallback::new(|_| {});
        }
        let ended = Rc::new(RefCell::new(None));
        let mut resolve = None;
        let promise = Promise::new(&mut |done: Function, _| resolve = Some(done));
        let found = Rc::clone(&ended);
        context.wait_until(async move {
            // The promise is never rejected.
            let _ = JsFuture::from(promise).await;
            if let Some(StreamEnd { usage, error }) = found.take() {
                let cost = self.cost(usage, cost_before);
                self.settle(usage, cost, error).await;
            }
        });
        EndCallback::new(move |end| {
            *ended.borrow_mut() = Some(end);
            if let Some(resolve) = resolve {
                // `resolve` runs no user code, so it cannot fail.
                let _ = resolve.call0(&JsValue::NULL);
            }
        })
    }
}

/// Logs an error: the answer is already being sent, so the client cannot be told.
fn log_error(outcome: Result<(), GatewayError>) {
    if let Err(error) = outcome {
        worker::console_error!("{}: {error}", error.code());
    }
}
