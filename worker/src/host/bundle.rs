//! The bundle, from the Worker's static assets or the bucket `BUNDLES` to a router that lives as
//! long as the isolate or until a newer one takes its place.
//!
//! Why assets: 25 MiB a file, replaced without rebuilding the script, and the script stays within
//! the size limits. Parsing happens once an isolate; a failure is not remembered, so that the next
//! request tries again. The bucket is looked at once a minute at most, behind an answer; what fails
//! there is told by `/healthz`, and the last good bundle goes on.

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

use super::javascript::{awaited, binding, now, told};
use super::state::{self, Config};
use crate::bundles::Current;
use crate::error::GatewayError;
use crate::plan::Engine;

const BUNDLES: &str = "BUNDLES";
const CURRENT_FILE: &str = "current.json";
/// Least milliseconds between two looks into the bucket.
const CHECK_MS: f64 = 60_000.0;

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::new()) };
}

struct Slot {
    loaded: Option<Rc<Loaded>>,
    checked_at: f64,
    newer_failed: Option<String>,
}

/// A bundle that serves.
pub(super) struct Loaded {
    /// Its router.
    pub(super) router: Router,
    /// Its manifest, with the configuration's windows and prices.
    pub(super) manifest: Manifest,
    /// Where it came from in the bucket; none for the assets.
    current: Option<Current>,
}

impl Engine for Loaded {
    fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError> {
        self.router.assess(query, turn_decay)
    }

    fn count(&self, text: &str) -> usize {
        self.router.encoder().tokenize(text).map_or(0, |tokens| tokens.total)
    }

    fn rests(&self, model: &str) -> bool {
        state::breakers(|breakers| breakers.rests(model, now()))
    }
}

impl Slot {
    const fn new() -> Self {
        Self { loaded: None, checked_at: 0.0, newer_failed: None }
    }
}

/// The isolate's bundle.
///
/// # Errors
/// [`GatewayError::BundleUnreadable`], the engine's `bundle_*` errors and
/// [`GatewayError::ConfigInvalid`] for models that the configuration names and nobody serves.
pub(super) async fn loaded(
    env: &Env,
    config: &Rc<Config>,
    context: &Context,
) -> Result<Rc<Loaded>, GatewayError> {
    if let Some(loaded) = slot(|slot| slot.loaded.clone()) {
        look_again(env, config, context);
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
    // A request that came in meanwhile may have been faster. Promises of another request cannot be
    // awaited in Workers, so each reads for itself, and only the parsing is shared.
    Ok(slot(|slot| Rc::clone(slot.loaded.get_or_insert(Rc::new(loaded)))))
}

/// Why a newer bundle in the bucket does not serve.
pub(super) fn newer_failed() -> Option<String> {
    slot(|slot| slot.newer_failed.clone())
}

fn look_again(env: &Env, config: &Rc<Config>, context: &Context) {
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

/// The bucket's bundle; none where there is no `current.json` or it names the one that serves.
async fn from_bucket(
    bucket: &JsValue,
    serves: Option<Current>,
    config: &Config,
) -> Result<Option<Loaded>, String> {
    let Some(text) = object(bucket, CURRENT_FILE).await? else { return Ok(None) };
    let text = String::from_utf8(text).map_err(|_| format!("{CURRENT_FILE} is no UTF-8"))?;
    let current = Current::from_json(&text)?;
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
    let missing = || unreadable(MANIFEST_FILE, "there is no such binding");
    let assets = binding(env, "ASSETS").ok_or_else(missing)?;
    let read = async |name: &str| asset(&assets, name).await;
    build(read(MANIFEST_FILE).await?, read, |e| e, config).await
}

/// Reads the files that a manifest names, and makes a router of all.
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

/// SHA-256 by the host, in hexadecimal: faster than wasm that has just been compiled.
async fn host_hash(bytes: &[u8]) -> Result<String, JsValue> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    let subtle = Reflect::get(&crypto, &"subtle".into())?;
    let arguments = ["SHA-256".into(), Uint8Array::from(bytes).into()];
    let hash = awaited(&subtle, "digest", &arguments).await?;
    Ok(hexadecimal(&Uint8Array::new(&hash).to_vec()))
}

/// A file of the bucket; none where it is not there.
async fn object(bucket: &JsValue, name: &str) -> Result<Option<Vec<u8>>, String> {
    let failed = |e: JsValue| format!("{name} could not be read from {BUNDLES}: {}", told(e));
    let object = awaited(bucket, "get", &[name.into()]).await.map_err(failed)?;
    if object.is_null() || object.is_undefined() {
        return Ok(None);
    }
    let bytes = awaited(&object, "arrayBuffer", &[]).await.map_err(failed)?;
    Ok(Some(Uint8Array::new(&bytes).to_vec()))
}

async fn asset(assets: &JsValue, name: &str) -> Result<Vec<u8>, GatewayError> {
    let failed = |e: JsValue| unreadable(name, told(e));
    // The host does not matter: the binding looks at the path alone.
    let url = format!("https://assets.local/{name}");
    let response = awaited(assets, "fetch", &[url.into()]).await.map_err(failed)?;
    let status = Reflect::get(&response, &"status".into()).map_err(failed)?;
    match status.as_f64() {
        Some(200.0) => {
            let bytes = awaited(&response, "arrayBuffer", &[]).await.map_err(failed)?;
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
