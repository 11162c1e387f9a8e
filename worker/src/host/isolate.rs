//! Keeps an isolate's configuration, circuit breakers and what it learned of its upstreams between requests.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;

use super::js::{binding, variable};
use crate::config::{Keys, Settings, Upstreams};
use crate::error::GatewayError;
use crate::upstream::breaker::Breakers;
use crate::upstream::field_adjustments::Learned;

thread_local! {
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
    static BREAKERS: RefCell<Breakers> = RefCell::new(Breakers::default());
    static LEARNED: RefCell<Learned> = RefCell::new(Learned::default());
}

/// The parsed configuration.
pub(super) struct Config {
    pub(super) settings: Settings,
    pub(super) upstreams: Upstreams,
    pub(super) keys: Keys,
}

/// Returns the configuration, parsed once: an isolate's variables never change.
///
/// # Errors
/// [`GatewayError::ConfigInvalid`].
pub(super) fn config(env: &Env) -> Result<Rc<Config>, GatewayError> {
    if let Some(config) = CONFIG.with(|slot| slot.borrow().clone()) {
        return Ok(config);
    }
    let config = Rc::new(Config {
        settings: Settings::from_json(variable(env, "GATEWAY").as_deref())?,
        upstreams: Upstreams::from_json(variable(env, "UPSTREAMS").as_deref())?,
        keys: Keys::from_json(variable(env, "KEYS").as_deref())?,
    });
    if config.settings.shadow.is_some() {
        for name in ["LOG", "LEDGER"] {
            let why = "GATEWAY.shadow writes verdicts to LOG and keeps its cap in LEDGER";
            binding(env, name).ok_or(GatewayError::BindingMissing { binding: name, why })?;
        }
    }
    let bounds = config.settings.rollout.as_ref().and_then(|rollout| rollout.bounds.as_ref());
    if bounds.is_some() && binding(env, "LEDGER").is_none() {
        let why = "GATEWAY.rollout.return keeps its counts there";
        return Err(GatewayError::BindingMissing { binding: "LEDGER", why });
    }
    if config.settings.drift.is_some() {
        for name in ["LOG", "LEDGER"] {
            let why = "GATEWAY.drift counts in LEDGER and writes figures to LOG";
            binding(env, name).ok_or(GatewayError::BindingMissing { binding: name, why })?;
        }
    }
    if let Some(code) = super::log::warning(env) {
        worker::console_error!(
            "{code}: LOG is bound, and LOG_SECRET is not set or has fewer than 32 characters. No answer can \
             be scored. Run: openssl rand -hex 32 | npx wrangler secret put LOG_SECRET"
        );
    }
    CONFIG.with(|slot| *slot.borrow_mut() = Some(Rc::clone(&config)));
    Ok(config)
}

/// Calls `with` on the isolate's circuit breakers.
pub(super) fn breakers<T>(with: impl FnOnce(&mut Breakers) -> T) -> T {
    BREAKERS.with(|breakers| with(&mut breakers.borrow_mut()))
}

/// Calls `with` on what the isolate learned of the fields that its upstreams refuse.
pub(super) fn learned<T>(with: impl FnOnce(&mut Learned) -> T) -> T {
    LEARNED.with(|learned| with(&mut learned.borrow_mut()))
}
