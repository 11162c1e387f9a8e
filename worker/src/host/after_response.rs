//! Does the work after an answer: settles the budget, pins the session's model, logs the record.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use worker::js_sys::futures::JsFuture;
use worker::{Context, Env};

use super::drift;
use super::isolate::Config;
use super::js::now;
use super::ledger::{Ledger, Reservation};
use super::log;
use super::rollout::{self, Metric};
use super::shadow::{Answer, Shadow};
use super::stream_body::{CLIENT_GONE, EndCallback, StreamEnd};
use crate::accounting::attempt::{Attempt, Costs, ModelPrices};
use crate::accounting::prices::Prices;
use crate::accounting::record::Record;
use crate::config::Mode;
use crate::error::GatewayError;
use crate::wire::usage::Usage;

/// The values that the work after an answer needs.
pub(super) struct Settlement {
    pub(super) env: Env,
    pub(super) config: Rc<Config>,
    pub(super) record: Record,
    pub(super) reservation: Option<Reservation>,
    pub(super) session: Option<Ledger>,
    /// The comparison of the answer with another model's.
    pub(super) shadow: Option<Shadow>,
    /// The prices of the model that routing chose.
    pub(super) chosen_prices: Option<Prices>,
    /// What the calls that have ended cost.
    pub(super) costs: Costs,
    /// The prices of the model that answered.
    pub(super) prices: ModelPrices,
    /// Whether the caller's own key paid for the answer.
    pub(super) callers_key: bool,
    /// The estimated input tokens.
    pub(super) input_tokens: u64,
    /// When the request arrived, in milliseconds since 1970.
    pub(super) started: f64,
}

impl Settlement {
    /// Settles and logs in the background after a response that was not streamed.
    pub(super) fn settle_in_background(
        self,
        context: &Context,
        usage: Option<Usage>,
        error: Option<&'static str>,
        answer: Answer,
    ) {
        if self.is_needed() {
            context.wait_until(self.settle(usage, error, answer));
        }
    }

    /// Whether any of the work applies to this request.
    fn is_needed(&self) -> bool {
        self.reservation.is_some() || self.session.is_some() || log::has_bindings(&self.env)
    }

    /// Settles, pins, logs, and compares the answer with another model's.
    async fn settle(mut self, usage: Option<Usage>, error: Option<&'static str>, answer: Answer) {
        self.record.total_ms = now() - self.started;
        self.record.set_usage(usage);
        self.record.cost = self.costs.shown;
        // The last call is the answer, unless a cascade kept an earlier one.
        let kept = self.record.cascade.as_ref().is_some_and(|cascade| cascade.outcome == "kept");
        self.record.answer_cost = self.costs.last.filter(|_| !kept);
        self.record.error = error.map(str::to_owned);
        if let Some(reservation) = &self.reservation {
            log_error(reservation.settle(self.costs.charged).await);
        }
        let answered = self.record.status < 400;
        if let Some(session) = self.session.as_ref().filter(|_| answered) {
            log_error(session.pin(&self.record.model).await);
        }
        if self.record.mode == Mode::Observe {
            let prices = self.chosen_prices.zip(usage);
            self.record.chosen_cost = prices.map(|(prices, usage)| prices.of_tokens(&usage));
        }
        let begun = match self.shadow {
            Some(shadow) => shadow.begin(&mut self.record, answer).await,
            None => None,
        };
        log::write(&self.env, &mut self.record).await;
        if self.record.error.as_deref() != Some(CLIENT_GONE) {
            // A 4xx is the caller's.
            let broken = self.record.error.is_some() && self.record.status < 400;
            let failed = f64::from(u8::from(broken || self.record.status >= 500));
            rollout::observe(&self.env, &self.config, &self.record, Metric::Errors, failed).await;
        }
        drift::count(&self.env, &self.config, &self.record).await;
        if let Some(begun) = begun {
            begun.run(&self.record).await;
        }
    }

    /// Returns a callback that settles and logs in the background when a stream ends.
    pub(super) fn on_stream_end(mut self, context: &Context) -> EndCallback {
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
            if let Some(StreamEnd { received, outcome, error, answer }) = found.take() {
                let (model, callers_key) = (self.record.model.clone(), self.callers_key);
                let attempt = Attempt { model, outcome, callers_key, received };
                self.costs.add(&attempt, &self.prices, self.input_tokens);
                let answer = answer.map_or(Answer::Unknown, Answer::Content);
                self.settle(received.usage, error, answer).await;
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
