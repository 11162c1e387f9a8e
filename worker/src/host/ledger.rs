//! Calls the Durable Object `Ledger` (`js/ledger.mjs`), which stores budgets and sessions, by RPC.

use std::cell::Cell;

use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::Env;

use super::js::{
    binding, call, call_async, describe_js_error, from_js, iso_time, now, random_id, to_js,
};
use crate::config::Budget;
use crate::error::GatewayError;

const LEDGER: &str = "LEDGER";

/// One object of the namespace.
#[derive(Clone)]
pub(super) struct Ledger(JsValue);

impl Ledger {
    /// Finds the object of a key's budget.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn of_budget(env: &Env, key: &str) -> Result<Self, GatewayError> {
        Self::named(env, &format!("budget:{key}"), "a key has a budget")
    }

    /// Finds the object of a key's session.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn of_session(env: &Env, key: &str, session: &str) -> Result<Self, GatewayError> {
        Self::named(env, &format!("session:{key}:{session}"), "a request names a session")
    }

    /// Finds the object of the counts of all rollouts.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn of_rollout(env: &Env) -> Result<Self, GatewayError> {
        Self::named(env, "rollout", "GATEWAY.rollout has bounds")
    }

    /// Adds a value to the counts of a rollout, and returns them.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn observe(&self, request: Value) -> Result<Value, GatewayError> {
        self.call("observe", request).await
    }

    /// The counts of a rollout.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn watched(&self, id: &str) -> Result<Value, GatewayError> {
        self.call("watched", json!({"id": id})).await
    }

    /// Notes that a rollout's return was told.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn told(&self, id: &str) -> Result<(), GatewayError> {
        self.call("told", json!({"id": id})).await.map(drop)
    }

    /// Finds the object of the win rates of all isolates.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn of_drift(env: &Env) -> Result<Self, GatewayError> {
        Self::named(env, "drift", "GATEWAY.drift counts there")
    }

    /// Calls a method of the counts of win rates.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn drift(&self, method: &str, request: Value) -> Result<Value, GatewayError> {
        self.call(method, request).await
    }

    /// Finds the object of the cap of all comparisons.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn of_shadow(env: &Env) -> Result<Self, GatewayError> {
        Self::named(env, "shadow", "GATEWAY.shadow has a cap")
    }

    fn named(env: &Env, name: &str, why: &'static str) -> Result<Self, GatewayError> {
        let missing = || GatewayError::BindingMissing { binding: LEDGER, why };
        let namespace = binding(env, LEDGER).ok_or_else(missing)?;
        let id = call(&namespace, "idFromName", &[name.into()]).map_err(failed)?;
        Ok(Self(call(&namespace, "get", &[id]).map_err(failed)?))
    }

    /// What of a budget is spent or reserved.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn state(&self, budget: Budget) -> Result<BudgetState, GatewayError> {
        Ok(BudgetState::new(&self.call("spent", terms(budget)).await?, budget))
    }

    /// The model that gave the session's last answer.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn pinned(&self) -> Result<Option<String>, GatewayError> {
        let model = self.call("pinned", json!({"now": now()})).await?;
        Ok(model.as_str().map(str::to_owned))
    }

    /// Stores the model that gave the session's answer.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn pin(&self, model: &str) -> Result<(), GatewayError> {
        self.call("pin", json!({"model": model, "now": now()})).await.map(drop)
    }

    async fn call(&self, method: &str, arguments: Value) -> Result<Value, GatewayError> {
        let answer = call_async(&self.0, method, &[to_js(&arguments)]).await.map_err(failed)?;
        Ok(from_js(&answer))
    }
}

/// What of a budget is spent or reserved.
pub(super) struct BudgetState {
    usd: f64,
    spent: f64,
    used: f64,
    ends_at: f64,
}

impl BudgetState {
    fn new(state: &Value, budget: Budget) -> Self {
        let number = |field: &str| state[field].as_f64().unwrap_or_default();
        let spent = number("spent");
        let used = spent + number("reserved");
        Self { usd: budget.usd, spent, used, ends_at: number("endsAt") }
    }

    /// When the period ends, in milliseconds since 1970, if what is spent alone leaves less than `usd`.
    pub(super) fn spent_until(&self, usd: f64) -> Option<f64> {
        (self.spent + usd > self.usd).then_some(self.ends_at)
    }

    /// The share that is spent or reserved.
    pub(super) fn share(&self) -> f64 {
        if self.usd > 0.0 { self.used / self.usd } else { 1.0 }
    }

    /// The error of a request that may cost `needed` US dollars.
    pub(super) fn exhausted(&self, needed: f64) -> GatewayError {
        GatewayError::BudgetExhausted {
            usd: self.usd,
            needed,
            left: (self.usd - self.used).max(0.0),
            ends_at: iso_time(self.ends_at),
        }
    }
}

/// What a request may spend of a budget, reserved before its first call. The id is the gateway's own: a
/// caller's `x-request-id` may be that of many requests.
pub(super) struct Reservation {
    ledger: Ledger,
    budget: Budget,
    id: String,
    granted: Cell<f64>,
    /// Whether it is a part of another one, which alone can be raised and settled.
    is_part: bool,
}

impl Reservation {
    /// Reserves `usd`, or what is left if that is at least `least`.
    ///
    /// # Errors
    /// [`GatewayError::BudgetExhausted`], [`GatewayError::BindingFailed`].
    pub(super) async fn new(
        ledger: Ledger,
        budget: Budget,
        usd: f64,
        least: f64,
    ) -> Result<Self, GatewayError> {
        let id = random_id();
        let mut asked = amount(&id, usd, budget);
        asked["least"] = least.into();
        let state = ledger.call("reserve", asked).await.map_err(|error| match &error {
            GatewayError::BindingFailed { detail, .. } if detail.contains("ledger_full:") => {
                GatewayError::LedgerFull
            }
            _ => error,
        })?;
        if state["granted"] != true {
            return Err(BudgetState::new(&state, budget).exhausted(least));
        }
        let granted = Cell::new(state["usd"].as_f64().unwrap_or_default());
        Ok(Self { ledger, budget, id, granted, is_part: false })
    }

    /// A part of what is reserved, for one of several calls at once. It cannot be raised.
    pub(super) fn part(&self, usd: f64) -> Self {
        let (ledger, id) = (self.ledger.clone(), self.id.clone());
        Self { ledger, budget: self.budget, id, granted: Cell::new(usd), is_part: true }
    }

    /// What is reserved, in US dollars.
    pub(super) fn granted(&self) -> f64 {
        self.granted.get()
    }

    /// Raises what is reserved to `usd`, if the budget has that much.
    ///
    /// # Errors
    /// [`GatewayError::BudgetExhausted`], [`GatewayError::BindingFailed`].
    pub(super) async fn raise(&self, usd: f64) -> Result<(), GatewayError> {
        if self.is_part {
            let (needed, ends_at) = (usd - self.granted(), iso_time(now()));
            return Err(GatewayError::BudgetExhausted {
                usd: self.budget.usd,
                needed,
                left: 0.0,
                ends_at,
            });
        }
        let state = self.ledger.call("extend", amount(&self.id, usd, self.budget)).await?;
        if state["granted"] != true {
            return Err(BudgetState::new(&state, self.budget).exhausted(usd - self.granted()));
        }
        self.granted.set(usd);
        Ok(())
    }

    /// Replaces the reservation by the actual cost.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn settle(&self, usd: f64) -> Result<(), GatewayError> {
        self.ledger.call("settle", amount(&self.id, usd, self.budget)).await.map(drop)
    }
}

fn terms(budget: Budget) -> Value {
    json!({"limit": budget.usd, "period": budget.period.name(), "now": now()})
}

fn amount(id: &str, usd: f64, budget: Budget) -> Value {
    let mut amount = terms(budget);
    amount["id"] = id.into();
    amount["usd"] = usd.into();
    amount
}

fn failed(error: JsValue) -> GatewayError {
    GatewayError::BindingFailed { binding: LEDGER, detail: describe_js_error(error) }
}
