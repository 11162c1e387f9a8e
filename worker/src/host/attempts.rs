//! Calls a request's models with retries and fallbacks until one answers.

use std::time::Duration;

use worker::Delay;

use super::call_failure::{Failure, Refusal};
use super::isolate;
use super::js::{now, random};
use super::ledger::Reservation;
use super::upstream_answer::Reply;
use super::upstream_call::{Call, UpstreamRequest};
use crate::accounting::attempt::{Attempt, CallOutcome, Costs, ModelPrices};
use crate::accounting::bound::Demand;
use crate::accounting::window::{output_limit, output_room};
use crate::config::{Settings, Upstream, Upstreams};
use crate::error::GatewayError;
use crate::upstream::breaker::{CallerId, Outcome};
use crate::upstream::field_adjustments::Adjustments;
use crate::upstream::retry::{RetryState, Step, TimeLimits};
use crate::wire::usage::Received;

/// How often an upstream is asked again, each time without another field that it refuses.
const MOST_ADJUSTMENTS: u32 = 5;

/// The result of calling a chain of models.
pub(super) struct ChainResult {
    /// The model that answered, or that failed last.
    pub(super) model: String,
    /// The answer, or the error for the client.
    pub(super) reply: Result<Reply, Refusal>,
    /// The number of upstream calls.
    pub(super) calls: u32,
}

/// What an answer is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is passed on as it comes.
    No,
    /// It is read to its end before it is passed on, for the cascade's check.
    ToCheck,
    /// It is passed on as it comes, and compared with another model's afterwards.
    ToCompare,
}

/// What a request spends, call by call.
pub(super) struct Spending<'a> {
    /// What it may spend, and what a call may use; none for a caller without a budget.
    pub(super) budget: Option<(Reservation, Demand)>,
    /// The estimated input tokens.
    pub(super) input_tokens: u64,
    /// The context window of a model in tokens, if it is known.
    pub(super) context_window: &'a dyn Fn(&str) -> Option<u64>,
    /// The prices of a model.
    pub(super) prices: &'a dyn Fn(&str) -> ModelPrices,
    /// What the calls so far cost.
    pub(super) costs: Costs,
}

impl Spending<'_> {
    /// The limit on output tokens with which a call stays within the budget; none without a budget. More
    /// than what was reserved is reserved if earlier calls used it up.
    ///
    /// # Errors
    /// [`GatewayError::PriceUnknown`], [`GatewayError::BudgetExhausted`],
    /// [`GatewayError::BindingFailed`].
    async fn output_limit(
        &self,
        model: &str,
        upstream: &Upstream,
    ) -> Result<Option<u64>, GatewayError> {
        let Some((reservation, demand)) = &self.budget else { return Ok(None) };
        let unknown = || GatewayError::PriceUnknown { model: model.to_owned() };
        let prices = (self.prices)(model).budget.ok_or_else(unknown)?;
        let bound = demand.at(upstream, &prices);
        let left = reservation.granted() - self.costs.charged;
        if let Some(limit) = bound.output_within(left) {
            return Ok(Some(limit));
        }
        reservation.raise(self.costs.charged + bound.least_usd()).await?;
        let left = reservation.granted() - self.costs.charged;
        Ok(Some(bound.output_within(left).unwrap_or_default()))
    }

    /// Adds a call that has ended.
    fn add(&mut self, attempt: &Attempt) {
        self.costs.add(attempt, &(self.prices)(&attempt.model), self.input_tokens);
    }
}

/// Calls the models of `chain` in order until one answers. The cost of a stream that has begun is not yet
/// in `spending`.
pub(super) async fn call_chain(
    upstream_request: &UpstreamRequest<'_>,
    chain: &[String],
    upstreams: &Upstreams,
    settings: &Settings,
    spending: &mut Spending<'_>,
    kept: Kept,
) -> ChainResult {
    let limits = TimeLimits {
        repeat_ms: settings.retries.total_ms.into(),
        call_ms: settings.timeouts.total_ms.into(),
    };
    let windows = chain.iter().map(|model| (spending.context_window)(model)).collect();
    let mut state = RetryState::new(windows, settings.retries, limits);
    let caller = upstream_request.caller;
    // An upstream refuses a limit that is no number.
    let stated = upstream_request.body.largest_output().ok().flatten();
    let mut at = 0;
    let mut last: Option<(String, Refusal)> = None;
    let mut adjusted = Adjusted::of(at, &chain[at]);
    loop {
        let model = &chain[at];
        if adjusted.at != at {
            adjusted = Adjusted::of(at, model);
        }
        let called = match upstreams.get(model) {
            Some(upstream) if breaker_admits(model, caller, settings) => {
                let pays = upstream_request.own_keys.of(upstream).is_some();
                let limit = match pays {
                    true => Ok(None),
                    false => spending.output_limit(model, upstream).await,
                };
                limit.map(|budgets| {
                    let window = (spending.context_window)(model);
                    let room = window.and_then(|window| output_room(window, spending.input_tokens));
                    let output_limit = output_limit(budgets, stated, room);
                    let adjustments = &adjusted.adjustments;
                    let output_room = room;
                    let call = Call {
                        model,
                        upstream,
                        checked: kept == Kept::ToCheck,
                        compared: kept == Kept::ToCompare,
                        output_limit,
                        output_room,
                        adjustments,
                    };
                    (call, pays)
                })
            }
            Some(_) => Err(GatewayError::UpstreamsResting {
                candidate: model.clone(),
                seconds: settings.breaker.open_ms.div_ceil(1000),
            }),
            None => Err(GatewayError::UpstreamNotConfigured { candidate: model.clone() }),
        };
        let (call, callers_key) = match called {
            Ok(called) => called,
            Err(error) => {
                // An error of an upstream called before says more than this one.
                last.get_or_insert((model.clone(), Refusal::Own(error)));
                match state.next() {
                    Step::Call { upstream, .. } => at = upstream,
                    Step::End => break,
                }
                continue;
            }
        };
        state.count_call();
        let demand = spending.budget.as_ref().map(|(_, demand)| demand);
        spending.costs.most_output =
            demand.zip(call.output_limit).map(|(demand, limit)| demand.most_output(limit));
        let attempt = |outcome: CallOutcome, received: Received| {
            let model = model.clone();
            Attempt { model, outcome, callers_key, received }
        };
        let Failure { fault, outcome, received, answer, otherwise } =
            match upstream_request.call(&call).await {
                Ok(reply) => {
                    record(model, caller, Outcome::Answered, settings);
                    if adjusted.times > 0 {
                        isolate::learned(|learned| learned.keep(model, &adjusted.adjustments));
                    }
                    if let Reply::Whole { received, .. } = &reply {
                        spending.add(&attempt(CallOutcome::Answered, *received));
                    }
                    let (model, calls) = (model.clone(), state.calls());
                    return ChainResult { model, reply: Ok(reply), calls };
                }
                Err(failure) => failure,
            };
        spending.add(&attempt(outcome, received));
        // A server may have no endpoint that counts, and answer requests all the same.
        let tells_nothing = upstream_request.client_is_gone() || upstream_request.counts_tokens;
        let upstreams = match tells_nothing {
            true => Outcome::Unknown,
            false => fault.outcome(),
        };
        record(model, caller, upstreams, settings);
        last = Some((model.clone(), answer));
        if upstream_request.client_is_gone() {
            break;
        }
        if let Some(adjustments) = otherwise.filter(|_| adjusted.times < MOST_ADJUSTMENTS) {
            state.asked_otherwise();
            adjusted = Adjusted { at, adjustments, times: adjusted.times + 1 };
            continue;
        }
        match state.after(fault, random(), upstream_request.elapsed_ms()) {
            Step::Call { upstream, wait_ms } => {
                if wait_ms > 0 {
                    Delay::from(Duration::from_millis(wait_ms)).await;
                }
                at = upstream;
            }
            Step::End => break,
        }
    }
    let (model, refusal) = last.unwrap_or_else(|| {
        let candidate = chain[0].clone();
        let error = GatewayError::UpstreamNotConfigured { candidate };
        (chain[0].clone(), Refusal::Own(error))
    });
    ChainResult { model, reply: Err(refusal), calls: state.calls() }
}

/// What one upstream of the chain is sent otherwise than its configuration says.
struct Adjusted {
    /// Its place in the chain.
    at: usize,
    adjustments: Adjustments,
    /// How often it was asked again for them.
    times: u32,
}

impl Adjusted {
    /// What the isolate has learned of a model's upstream.
    fn of(at: usize, model: &str) -> Self {
        Self { at, adjustments: isolate::learned(|learned| learned.of(model)), times: 0 }
    }
}

fn breaker_admits(model: &str, caller: CallerId<'_>, settings: &Settings) -> bool {
    isolate::breakers(|breakers| breakers.admits(model, caller, now(), settings.breaker))
}

fn record(model: &str, caller: CallerId<'_>, outcome: Outcome, settings: &Settings) {
    isolate::breakers(|breakers| breakers.record(model, caller, outcome, now(), settings.breaker));
}
