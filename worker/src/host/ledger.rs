//! Calls the Durable Object `Ledger` (`js/ledger.mjs`), which stores budgets and sessions, by RPC.

use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use worker::Env;

use super::js::{binding, call, call_async, describe_js_error, from_js, iso_time, now, to_js};
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

    fn named(env: &Env, name: &str, why: &'static str) -> Result<Self, GatewayError> {
        let missing = || GatewayError::BindingMissing { binding: LEDGER, why };
        let namespace = binding(env, LEDGER).ok_or_else(missing)?;
        let id = call(&namespace, "idFromName", &[name.into()]).map_err(failed)?;
        Ok(Self(call(&namespace, "get", &[id]).map_err(failed)?))
    }

    /// The share of a budget that is spent or reserved.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn used(&self, budget: Budget) -> Result<f64, GatewayError> {
        let state = self.call("spent", terms(budget)).await?;
        let usd = |field: &str| state[field].as_f64().unwrap_or_default();
        let used = usd("spent") + usd("reserved");
        Ok(if budget.usd > 0.0 { used / budget.usd } else { 1.0 })
    }

    /// Reserves a request's estimated cost.
    ///
    /// # Errors
    /// [`GatewayError::BudgetExhausted`], [`GatewayError::BindingFailed`].
    pub(super) async fn reserve(
        &self,
        id: &str,
        usd: f64,
        budget: Budget,
    ) -> Result<(), GatewayError> {
        let state = self.call("reserve", amount(id, usd, budget)).await?;
        match state["granted"] == true {
            true => Ok(()),
            false => Err(GatewayError::BudgetExhausted {
                usd: budget.usd,
                ends_at: iso_time(state["endsAt"].as_f64().unwrap_or_default()),
            }),
        }
    }

    /// Replaces a request's reservation by its actual cost.
    ///
    /// # Errors
    /// [`GatewayError::BindingFailed`].
    pub(super) async fn settle(
        &self,
        id: &str,
        usd: f64,
        budget: Budget,
    ) -> Result<(), GatewayError> {
        self.call("settle", amount(id, usd, budget)).await.map(drop)
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
