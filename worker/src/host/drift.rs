//! Counts the win rates of all isolates by day, and writes a day's figure once the day is over.
//!
//! An isolate adds what it counted at most once a minute to the Durable Object `Ledger` named `drift`
//! (`js/drift-state.mjs`), behind an answer; what one that dies has not added is not counted.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::json;
use worker::Env;

use super::bundle;
use super::isolate::Config;
use super::js::now;
use super::ledger::Ledger;
use super::log;
use crate::accounting::record::{BundleId, Record};
use crate::error::GatewayError;
use crate::routing::drift::{BINS, Figure, Rates};

/// The least time between two additions, in milliseconds.
const ADD_MS: f64 = 60_000.0;
/// The code for `/healthz` if win rates differ from the calibration.
const WARNING: &str = "win_rates_drifted";

thread_local! {
    static COUNTED: RefCell<Counted> = RefCell::new(Counted::default());
}

/// What an isolate has counted and not added yet.
#[derive(Default)]
struct Counted {
    day: String,
    bundle: BundleId,
    rates: Rates,
    added_at: f64,
    warns: bool,
}

/// The rates of a day, as the object states them.
#[derive(Deserialize)]
struct Day {
    day: String,
    bundle: String,
    counts: Vec<u64>,
}

#[derive(Deserialize)]
struct Added {
    today: Vec<u64>,
    finished: Vec<Day>,
}

/// The code for `/healthz` if today's win rates differ from the calibration.
pub(super) fn warning() -> Option<&'static str> {
    COUNTED.with_borrow(|counted| counted.warns).then_some(WARNING)
}

/// Counts a decision's win rate.
pub(super) async fn count(env: &Env, config: &Config, record: &Record) {
    let Some(bound) = &config.settings.drift else { return };
    let (Some(win_rate), Some(bundle)) = (record.win_rate, &record.bundle) else { return };
    let due = COUNTED.with_borrow_mut(|counted| {
        let other = counted.day != record.day() || counted.bundle != *bundle;
        let begun = !counted.day.is_empty();
        let due = begun && (other || now() - counted.added_at >= ADD_MS);
        let taken = due.then(|| {
            (counted.day.clone(), counted.bundle.clone(), std::mem::take(&mut counted.rates))
        });
        if other || due {
            (counted.day, counted.bundle) = (record.day().to_owned(), bundle.clone());
            counted.added_at = now();
        }
        counted.rates.add(win_rate);
        taken
    });
    let Some((day, bundle, rates)) = due else { return };
    match add(env, &day, &bundle, &rates).await {
        Ok(added) => {
            let today = figure(&day, bundle, &Rates(added.today), bound);
            let warned = COUNTED
                .with_borrow_mut(|counted| std::mem::replace(&mut counted.warns, today.warns()));
            if today.warns() && !warned {
                let text = serde_json::to_string(&today).unwrap_or_default();
                worker::console_warn!("{WARNING}: {text}");
            }
            for Day { day, bundle, counts } in added.finished {
                let bundle = BundleId { sha256: bundle, ..BundleId::default() };
                write(env, &figure(&day, bundle.clone(), &Rates(counts), bound), &day, &bundle)
                    .await;
            }
        }
        Err(error) => worker::console_error!("drift: {}: {error}", error.code()),
    }
}

/// The figure of a day; without the difference if the isolate does not have the bundle.
fn figure(day: &str, bundle: BundleId, rates: &Rates, bound: &crate::config::Drift) -> Figure {
    let loaded = bundle::with_hash(&bundle.sha256);
    let calibration = loaded.as_ref().and_then(|loaded| loaded.manifest.calibration.as_ref());
    let quantiles = calibration.map(|calibration| calibration.quantiles.as_slice());
    let id = loaded.as_ref().map_or(bundle, |loaded| loaded.id.clone());
    Figure::new(day, id, rates, quantiles, bound)
}

async fn add(
    env: &Env,
    day: &str,
    bundle: &BundleId,
    rates: &Rates,
) -> Result<Added, GatewayError> {
    let request = json!({"day": day, "bundle": bundle.sha256, "counts": rates.0});
    let added = Ledger::of_drift(env)?.drift("addRates", request).await?;
    let added = Added::deserialize(&added).ok().filter(|added| added.today.len() == BINS);
    let detail = "the object drift answered no counts".to_owned();
    added.ok_or(GatewayError::BindingFailed { binding: "LEDGER", detail })
}

/// Writes the figure of a day that is over, and forgets its counts.
async fn write(env: &Env, figure: &Figure, day: &str, bundle: &BundleId) {
    let text = serde_json::to_string(figure).unwrap_or_default();
    if let Err(error) = log::write_event(env, &figure.file(), &text).await {
        worker::console_error!("drift: {error}");
        return;
    }
    let forgotten = match Ledger::of_drift(env) {
        Ok(ledger) => ledger.drift("written", json!({"day": day, "bundle": bundle.sha256})).await,
        Err(error) => Err(error),
    };
    if let Err(error) = forgotten {
        worker::console_error!("drift: {error}");
    }
}
