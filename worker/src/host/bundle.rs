//! Loads the bundle from the Worker's static assets or the bucket `BUNDLES`, and keeps its router until
//! the isolate ends or a newer bundle replaces it.
//!
//! Static assets hold up to 25 MiB a file, can be replaced without rebuilding the script, and do not
//! count towards its size limit. Each isolate parses the bundle once; a failure is not cached, so the
//! next request tries again. The bucket is checked at most once a minute, in the background; if a newer
//! bundle fails, `/healthz` reports why and the last good bundle stays in use.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Reflect, Uint8Array};
use pointsman::{
    Assessment, Bundle, MANIFEST_FILE, Manifest, Query, Router, RouterError, hexadecimal,
    sha256_hex,
};
use wasm_bindgen::JsValue;
use worker::{Context, Env};

use super::isolate::{self, Config};
use super::js::{binding, call_async, describe_js_error, now};
use crate::config::current_bundle::CurrentBundle;
use crate::error::GatewayError;
use crate::routing::plan::Engine;
use crate::upstream::breaker::CallerId;

const BUNDLES: &str = "BUNDLES";
const CURRENT_FILE: &str = "current.json";
/// The least time between two checks of the bucket, in milliseconds.
const CHECK_MS: f64 = 60_000.0;

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::new()) };
}

struct Slot {
    loaded: Option<Rc<Loaded>>,
    checked_at: f64,
    newer_failed: Option<String>,
}

/// A loaded bundle.
pub(super) struct Loaded {
    /// The bundle's router.
    pub(super) router: Router,
    /// The bundle's manifest, with the configuration's context windows and prices.
    pub(super) manifest: Manifest,
    /// Its `current.json` in the bucket; none for the assets.
    current: Option<CurrentBundle>,
}

impl Loaded {
    /// Whether it was deployed with the Worker, and not read from the bucket.
    pub(super) fn is_deployed(&self) -> bool {
        self.current.is_none()
    }
}

impl Engine for Loaded {
    fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError> {
        self.router.assess(query, turn_decay)
    }

    fn count(&self, text: &str) -> usize {
        self.router.encoder().tokenize(text).map_or(0, |tokens| tokens.total)
    }

    fn circuit_is_open(&self, model: &str, caller: CallerId<'_>) -> bool {
        isolate::breakers(|breakers| breakers.is_open(model, caller, now()))
    }
}

impl Slot {
    const fn new() -> Self {
        Self { loaded: None, checked_at: 0.0, newer_failed: None }
    }
}

/// Returns the isolate's bundle, and loads it on the first call.
///
/// # Errors
/// [`GatewayError::BundleUnreadable`], the engine's `bundle_*` errors and
/// [`GatewayError::ConfigInvalid`] for models that the configuration names and that are not served.
pub(super) async fn loaded(
    env: &Env,
    config: &Rc<Config>,
    context: &Context,
) -> Result<Rc<Loaded>, GatewayError> {
    if let Some(loaded) = slot(|slot| slot.loaded.clone()) {
        check_for_newer(env, config, context);
        return Ok(loaded);
    }
    slot(|slot| slot.checked_at = now());
    let newest = match binding(env, BUNDLES) {
        Some(bucket) => from_bucket(&bucket, None, config).await.unwrap_or_else(|why| {
            failed(why);
            None
        }),
        None => None,
    };
    let loaded = match newest {
        Some(loaded) => loaded,
        None => from_assets(env, config).await?,
    };
    // Another request may have finished loading in the meantime; its router is then used. Workers
    // cannot await another request's promises, so concurrent first requests each load the bundle.
    Ok(slot(|slot| Rc::clone(slot.loaded.get_or_insert(Rc::new(loaded)))))
}

/// Why a newer bundle in the bucket failed to load.
pub(super) fn newer_failed() -> Option<String> {
    slot(|slot| slot.newer_failed.clone())
}

fn check_for_newer(env: &Env, config: &Rc<Config>, context: &Context) {
    let due = slot(|slot| now() - slot.checked_at >= CHECK_MS);
    let Some(bucket) = binding(env, BUNDLES).filter(|_| due) else { return };
    slot(|slot| slot.checked_at = now());
    let config = Rc::clone(config);
    context.wait_until(async move {
        let serves = slot(|slot| slot.loaded.as_ref().and_then(|loaded| loaded.current.clone()));
        match from_bucket(&bucket, serves, &config).await {
            Ok(newer) => slot(|slot| {
                slot.newer_failed = None;
                if let Some(newer) = newer {
                    slot.loaded = Some(Rc::new(newer));
                }
            }),
            Err(why) => failed(why),
        }
    });
}

fn failed(why: String) {
    worker::console_error!("newer bundle: {why}");
    slot(|slot| slot.newer_failed = Some(why));
}

/// Loads the bucket's bundle; none without `current.json` or if it names the bundle in use.
async fn from_bucket(
    bucket: &JsValue,
    serves: Option<CurrentBundle>,
    config: &Config,
) -> Result<Option<Loaded>, String> {
    let Some(text) = object(bucket, CURRENT_FILE).await? else { return Ok(None) };
    let text = String::from_utf8(text).map_err(|_| format!("{CURRENT_FILE} is not UTF-8"))?;
    let current = CurrentBundle::from_json(&text)?;
    if serves.as_ref() == Some(&current) {
        return Ok(None);
    }
    let read = async |name: &str| {
        let name = format!("{}{name}", current.prefix);
        object(bucket, &name).await?.ok_or_else(|| format!("{name} is not in the bucket"))
    };
    let manifest = read(MANIFEST_FILE).await?;
    current.check(&host_hash(&manifest).await.unwrap_or_else(|_| sha256_hex(&manifest)))?;
    let loaded = build(manifest, read, |e| e.to_string(), config).await?;
    Ok(Some(Loaded { current: Some(current), ..loaded }))
}

async fn from_assets(env: &Env, config: &Config) -> Result<Loaded, GatewayError> {
    let missing = || unreadable(MANIFEST_FILE, "the binding is missing");
    let assets = binding(env, "ASSETS").ok_or_else(missing)?;
    let read = async |name: &str| asset(&assets, name).await;
    build(read(MANIFEST_FILE).await?, read, |e| e, config).await
}

/// Reads the files that a manifest names, and builds the router.
async fn build<E>(
    manifest: Vec<u8>,
    read: impl AsyncFn(&str) -> Result<Vec<u8>, E>,
    failed: impl Fn(GatewayError) -> E + Copy,
    config: &Config,
) -> Result<Loaded, E> {
    let entries = Manifest::from_json(&manifest).map_err(|e| failed(e.into()))?.files;
    let mut files = vec![(MANIFEST_FILE.to_owned(), manifest)];
    let mut hashes = HashMap::new();
    for entry in entries {
        let bytes = read(&entry.name).await?;
        if let Ok(hash) = host_hash(&bytes).await {
            hashes.insert(entry.name.clone(), hash);
        }
        files.push((entry.name, bytes));
    }
    router(&files, &hashes, config).map_err(failed)
}

fn router(
    files: &[(String, Vec<u8>)],
    hashes: &HashMap<String, String>,
    config: &Config,
) -> Result<Loaded, GatewayError> {
    let router = Router::from_bundle(Bundle::from_hashed(files, hashes)?)?;
    let manifest = config.upstreams.amended(router.info());
    config.settings.check_models(|name| {
        manifest.candidate_index(name).is_some() || config.upstreams.get(name).is_some()
    })?;
    Ok(Loaded { router, manifest, current: None })
}

/// SHA-256 by the host's `crypto`, in hexadecimal: faster than freshly compiled wasm.
async fn host_hash(bytes: &[u8]) -> Result<String, JsValue> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    let subtle = Reflect::get(&crypto, &"subtle".into())?;
    let arguments = ["SHA-256".into(), Uint8Array::from(bytes).into()];
    let hash = call_async(&subtle, "digest", &arguments).await?;
    Ok(hexadecimal(&Uint8Array::new(&hash).to_vec()))
}

/// Reads a file of the bucket; none if it does not exist.
async fn object(bucket: &JsValue, name: &str) -> Result<Option<Vec<u8>>, String> {
    let failed =
        |e: JsValue| format!("{name} could not be read from {BUNDLES}: {}", describe_js_error(e));
    let object = call_async(bucket, "get", &[name.into()]).await.map_err(failed)?;
    if object.is_null() || object.is_undefined() {
        return Ok(None);
    }
    let bytes = call_async(&object, "arrayBuffer", &[]).await.map_err(failed)?;
    Ok(Some(Uint8Array::new(&bytes).to_vec()))
}

async fn asset(assets: &JsValue, name: &str) -> Result<Vec<u8>, GatewayError> {
    let failed = |e: JsValue| unreadable(name, describe_js_error(e));
    // The host is arbitrary: the binding uses only the path.
    let url = format!("https://assets.local/{name}");
    let response = call_async(assets, "fetch", &[url.into()]).await.map_err(failed)?;
    let status = Reflect::get(&response, &"status".into()).map_err(failed)?;
    match status.as_f64() {
        Some(200.0) => {
            let bytes = call_async(&response, "arrayBuffer", &[]).await.map_err(failed)?;
            Ok(Uint8Array::new(&bytes).to_vec())
        }
        _ => Err(unreadable(name, format!("status {}", status.as_f64().unwrap_or_default()))),
    }
}

fn unreadable(name: &str, detail: impl std::fmt::Display) -> GatewayError {
    GatewayError::BundleUnreadable { name: name.to_owned(), detail: detail.to_string() }
}

fn slot<T>(with: impl FnOnce(&mut Slot) -> T) -> T {
    SLOT.with(|slot| with(&mut slot.borrow_mut()))
}
