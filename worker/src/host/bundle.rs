//! Loads the bundle from the Worker's static assets or the bucket `BUNDLES`, and keeps its router until
//! the isolate ends or a newer bundle replaces it.
//!
//! Static assets hold up to 25 MiB a file, can be replaced without rebuilding the script, and do not
//! count towards its size limit. Each isolate parses the bundle once; a failure is not cached, so the
//! next request tries again. The bucket is checked at most once a minute, in the background. If its bundle
//! fails, `/healthz` reports the error's code, the log why; an isolate keeps the bundle that it serves, and
//! one that starts serves `previous` of `current.json`, else the deployed bundle.
//!
//! Sizes are checked before a file is read: an isolate has 128 MB for the old bundle, the new one's files
//! and its router.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Reflect, Uint8Array};
use pointsman::{
    Assessment, Bundle, MANIFEST_FILE, Manifest, Query, Router, RouterError, Traffic, hexadecimal,
    sha256_hex,
};
use wasm_bindgen::JsValue;
use worker::{Context, Env};

use super::isolate::{self, Config};
use super::js::{binding, call, call_async, describe_js_error, now};
use crate::accounting::attempt::ModelPrices;
use crate::accounting::prices::Prices;
use crate::accounting::record::BundleId;
use crate::config::current_bundle::{self, BundleAddress, CurrentBundle};
use crate::config::{Candidate, Rollout};
use crate::error::GatewayError;
use crate::request::endpoint::Dialect;
use crate::routing::decision::Engine;
use crate::routing::models;
use crate::routing::traffic::CallersTraffic;
use crate::upstream::breaker::CallerId;

const BUNDLES: &str = "BUNDLES";
const ASSETS: &str = "ASSETS";
const CURRENT_FILE: &str = "current.json";
/// The longest `router.json`, in bytes.
const MAX_MANIFEST_BYTES: usize = 1 << 20;
/// The longest other file, in bytes: that of static assets.
const MAX_FILE_BYTES: usize = 25 << 20;
/// The most bytes in all files of a bundle.
const MAX_BUNDLE_BYTES: u64 = 32 << 20;
/// The least time between two checks of the bucket, in milliseconds.
const CHECK_MS: f64 = 60_000.0;

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot::new()) };
}

struct Slot {
    loaded: Option<Rc<Loaded>>,
    checked_at: f64,
    /// `current.json` as it was read last.
    named: Option<CurrentBundle>,
    newer_failed: Option<&'static str>,
    /// The bundle that a rollout tries.
    candidate: Option<Rc<Loaded>>,
    candidate_failed: Option<&'static str>,
}

/// A loaded bundle.
pub(super) struct Loaded {
    /// The bundle's router.
    pub(super) router: Router,
    /// The bundle's manifest, with the configuration's context windows and prices.
    pub(super) manifest: Manifest,
    /// Its name and the SHA-256 of its `router.json`.
    pub(super) id: BundleId,
    /// Whether every name in the keys' `models` is served or means routing.
    pub(super) known_key_names: bool,
    /// What its callers asked since the isolate loaded it.
    traffic: RefCell<CallersTraffic>,
    /// Where it is in the bucket; none for the assets.
    address: Option<BundleAddress>,
}

impl Loaded {
    /// The prices of a model. Budgets use no prices of a bundle from a bucket.
    pub(super) fn prices(&self, config: &Config, model: &str, dialect: Dialect) -> ModelPrices {
        let Some(upstream) = config.upstreams.get(model) else { return ModelPrices::default() };
        let candidate = self.manifest.candidates.iter().find(|candidate| candidate.id == model);
        let deployed = candidate.filter(|_| self.is_deployed());
        ModelPrices {
            budget: Prices::of(upstream, deployed, dialect),
            shown: Prices::of(upstream, candidate, dialect),
        }
    }

    /// Where the bundle is from: `deployed`, the bucket's `current` or `previous`, or a bundle that
    /// `current.json` named `earlier`.
    pub(super) fn source(&self) -> &'static str {
        let Some(address) = &self.address else { return "deployed" };
        slot(|slot| match &slot.named {
            Some(named) if named.address() == *address => "current",
            Some(named) if named.previous.as_ref() == Some(address) => "previous",
            _ => "earlier",
        })
    }
}

impl Loaded {
    /// A model's context window in tokens, the configuration's or the bundle's.
    pub(super) fn context_window(&self, config: &Config, model: &str) -> Option<u64> {
        let stated = config.upstreams.get(model).and_then(|upstream| upstream.context_window);
        let index = self.manifest.candidate_index(model);
        stated.or_else(|| self.manifest.candidates[index?].context_window)
    }

    /// Whether it was deployed with the Worker, and not read from the bucket.
    pub(super) fn is_deployed(&self) -> bool {
        self.address.is_none()
    }
}

impl Engine for Loaded {
    fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError> {
        self.router.assess(query, turn_decay)
    }

    fn count(&self, text: &str) -> usize {
        self.router.encoder().count(text)
    }

    fn traffic(&self, caller: CallerId<'_>) -> Rc<RefCell<Traffic>> {
        self.traffic.borrow_mut().of(caller, &self.manifest)
    }

    fn circuit_is_open(&self, model: &str, caller: CallerId<'_>) -> bool {
        isolate::breakers(|breakers| breakers.is_open(model, caller, now()))
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            loaded: None,
            checked_at: 0.0,
            named: None,
            newer_failed: None,
            candidate: None,
            candidate_failed: None,
        }
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
        Some(bucket) => from_bucket(&bucket, None, config).await,
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

/// The code of the error by which the bucket's bundle failed to load.
pub(super) fn newer_failed() -> Option<&'static str> {
    slot(|slot| slot.newer_failed)
}

/// The bundle that a rollout tries.
pub(super) fn candidate() -> Option<Rc<Loaded>> {
    slot(|slot| slot.candidate.clone())
}

/// The code of the error by which that bundle failed to load.
pub(super) fn candidate_failed() -> Option<&'static str> {
    slot(|slot| slot.candidate_failed)
}

/// The bundle with this SHA-256 of its `router.json`, if the isolate has it.
pub(super) fn with_hash(sha256: &str) -> Option<Rc<Loaded>> {
    slot(|slot| {
        let both = [&slot.loaded, &slot.candidate];
        both.into_iter().flatten().find(|loaded| loaded.id.sha256 == sha256).cloned()
    })
}

/// The bundle that is served.
pub(super) fn current_id() -> Option<BundleId> {
    slot(|slot| slot.loaded.as_ref().map(|loaded| loaded.id.clone()))
}

/// Loads the candidate that `current.json` names, where a rollout tries one. One that cannot be loaded is not tried.
async fn load_candidate(bucket: &JsValue, config: &Config) {
    let tries = |rollout: &Rollout| rollout.candidate == Candidate::Bundle;
    let wanted = config.settings.rollout.as_ref().is_some_and(tries);
    let named = slot(|slot| slot.named.as_ref().and_then(|named| named.candidate.clone()));
    let Some(address) = named.filter(|_| wanted) else {
        slot(|slot| (slot.candidate, slot.candidate_failed) = (None, None));
        return;
    };
    let same = |loaded: &Rc<Loaded>| loaded.address.as_ref() == Some(&address);
    if slot(|slot| slot.candidate.as_ref().is_some_and(same)) {
        return;
    }
    let found = match at_address(bucket, address, config).await {
        Ok(loaded) => (Some(Rc::new(loaded)), None),
        Err(error) => (None, Some(logged(&error))),
    };
    slot(|slot| (slot.candidate, slot.candidate_failed) = found);
}

fn check_for_newer(env: &Env, config: &Rc<Config>, context: &Context) {
    let due = slot(|slot| now() - slot.checked_at >= CHECK_MS);
    let Some(bucket) = binding(env, BUNDLES).filter(|_| due) else { return };
    slot(|slot| slot.checked_at = now());
    let config = Rc::clone(config);
    context.wait_until(async move {
        let serves = slot(|slot| slot.loaded.as_ref().and_then(|loaded| loaded.address.clone()));
        if let Some(newer) = from_bucket(&bucket, serves, &config).await {
            slot(|slot| slot.loaded = Some(Rc::new(newer)));
        }
    });
}

/// Loads the bundle that `current.json` names, else the previous one; none without the file, if the
/// bundle is in use already, or if neither can be loaded. Keeps the error's code for `/healthz`.
async fn from_bucket(
    bucket: &JsValue,
    serves: Option<BundleAddress>,
    config: &Config,
) -> Option<Loaded> {
    let (newest, error) = match read_current(bucket).await {
        Ok(Some(current)) => newest_of(bucket, current, serves, config).await,
        Ok(None) => (None, None),
        Err(error) => (None, Some(logged(&error))),
    };
    slot(|slot| slot.newer_failed = error);
    load_candidate(bucket, config).await;
    newest
}

/// The bundle to serve from now on, if it is another one, and the code of the error by which the current
/// one failed to load.
async fn newest_of(
    bucket: &JsValue,
    current: CurrentBundle,
    serves: Option<BundleAddress>,
    config: &Config,
) -> (Option<Loaded>, Option<&'static str>) {
    slot(|slot| slot.named = Some(current.clone()));
    let mut failed = None;
    for address in [Some(current.address()), current.previous].into_iter().flatten() {
        if serves.as_ref() == Some(&address) {
            break;
        }
        match at_address(bucket, address, config).await {
            Ok(loaded) => return (Some(loaded), failed),
            Err(error) => {
                let code = logged(&error);
                failed = failed.or(Some(code));
            }
        }
    }
    (None, failed)
}

/// Logs an error, and returns its code.
fn logged(error: &GatewayError) -> &'static str {
    worker::console_error!("bundle of {BUNDLES}: {}: {error}", error.code());
    error.code()
}

async fn read_current(bucket: &JsValue) -> Result<Option<CurrentBundle>, GatewayError> {
    let Some(text) = object(bucket, CURRENT_FILE, current_bundle::MAX_BYTES).await? else {
        return Ok(None);
    };
    let not_utf8 = |_| GatewayError::CurrentBundleInvalid { detail: "it is not UTF-8".into() };
    CurrentBundle::from_json(&String::from_utf8(text).map_err(not_utf8)?).map(Some)
}

async fn at_address(
    bucket: &JsValue,
    address: BundleAddress,
    config: &Config,
) -> Result<Loaded, GatewayError> {
    let read = async |name: &str, limit: usize| {
        let name = format!("{}{name}", address.prefix);
        let missing = || unreadable(&name, BUNDLES, "it is not in the bucket");
        object(bucket, &name, limit).await?.ok_or_else(missing)
    };
    let manifest = read(MANIFEST_FILE, MAX_MANIFEST_BYTES).await?;
    address.check(&hash_of(&manifest).await)?;
    build(manifest, read, config, Some(address.clone())).await
}

async fn from_assets(env: &Env, config: &Config) -> Result<Loaded, GatewayError> {
    let missing = || unreadable(MANIFEST_FILE, ASSETS, "the binding is missing");
    let assets = binding(env, ASSETS).ok_or_else(missing)?;
    let read = async |name: &str, limit: usize| asset(&assets, name, limit).await;
    build(read(MANIFEST_FILE, MAX_MANIFEST_BYTES).await?, read, config, None).await
}

/// Reads the files that a manifest names, and builds the router.
async fn build(
    manifest: Vec<u8>,
    read: impl AsyncFn(&str, usize) -> Result<Vec<u8>, GatewayError>,
    config: &Config,
    address: Option<BundleAddress>,
) -> Result<Loaded, GatewayError> {
    let sha256 = hash_of(&manifest).await;
    let entries = Manifest::from_json(&manifest)?.files;
    let bytes = entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.bytes));
    if bytes > MAX_BUNDLE_BYTES {
        let name = "all files of the bundle";
        return Err(too_large(name, bytes, MAX_BUNDLE_BYTES));
    }
    let mut files = vec![(MANIFEST_FILE.to_owned(), manifest)];
    let mut hashes = HashMap::new();
    for entry in entries {
        // A longer file than the manifest states is refused in any case.
        let stated = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
        let bytes = read(&entry.name, stated.min(MAX_FILE_BYTES)).await?;
        if let Ok(hash) = host_hash(&bytes).await {
            hashes.insert(entry.name.clone(), hash);
        }
        files.push((entry.name, bytes));
    }
    let loaded = router(&files, &hashes, config)?;
    let id = BundleId { sha256, ..loaded.id };
    let loaded = Loaded { id, address, ..loaded };
    check_shadow(&loaded, config)?;
    Ok(loaded)
}

fn router(
    files: &[(String, Vec<u8>)],
    hashes: &HashMap<String, String>,
    config: &Config,
) -> Result<Loaded, GatewayError> {
    let router = Router::from_bundle(Bundle::from_hashed(files, hashes)?)?;
    let router = models::with_candidates(router, &config.upstreams, &config.settings)?;
    let manifest = config.upstreams.amended(router.info());
    models::check_candidates(&manifest)?;
    config.settings.check_models(|name| {
        manifest.candidate_index(name).is_some() || config.upstreams.get(name).is_some()
    })?;
    models::check_aliases(&config.settings.aliases, &manifest, &config.upstreams)?;
    let unknown = models::unknown_key_names(&config.keys, &manifest, &config.upstreams);
    for (key, name) in &unknown {
        worker::console_error!(
            "key_models_unknown: the models of the key {key:?} name {name:?}, which the bundle {:?} and \
             UPSTREAMS do not serve: it matches nothing. Correct KEYS",
            manifest.name
        );
    }
    let traffic = RefCell::default();
    let known_key_names = unknown.is_empty();
    let id = BundleId { name: manifest.name.clone(), sha256: String::new() };
    Ok(Loaded { id, known_key_names, router, manifest, traffic, address: None })
}

/// Checks the models of `GATEWAY.shadow`.
fn check_shadow(loaded: &Loaded, config: &Config) -> Result<(), GatewayError> {
    let Some(shadow) = &config.settings.shadow else { return Ok(()) };
    let candidates = &loaded.manifest.candidates;
    let pair = loaded.manifest.pair().map(|(strong, weak)| [strong, weak]);
    let pair = pair.into_iter().flatten().map(|index| candidates[index].id.as_str());
    let priced = |model: &str| {
        let candidate = candidates.iter().find(|one| one.id == model);
        let candidate = candidate.filter(|_| loaded.is_deployed());
        let upstream = config.upstreams.get(model);
        upstream.is_some_and(|one| Prices::of(one, candidate, Dialect::Chat).is_some())
    };
    shadow
        .check_models(&config.upstreams, pair, priced)
        .map_err(|detail| GatewayError::ConfigInvalid { variable: "GATEWAY", detail })
}

/// SHA-256 in hexadecimal.
async fn hash_of(bytes: &[u8]) -> String {
    host_hash(bytes).await.unwrap_or_else(|_| sha256_hex(bytes))
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
async fn object(
    bucket: &JsValue,
    name: &str,
    limit: usize,
) -> Result<Option<Vec<u8>>, GatewayError> {
    let failed = |e: JsValue| unreadable(name, BUNDLES, describe_js_error(e));
    let object = call_async(bucket, "get", &[name.into()]).await.map_err(failed)?;
    if object.is_null() || object.is_undefined() {
        return Ok(None);
    }
    let size = Reflect::get(&object, &"size".into()).map_err(failed)?.as_f64();
    if size.is_none_or(|size| size > limit as f64) {
        let body = Reflect::get(&object, &"body".into()).map_err(failed)?;
        // The file is refused whether or not the cancellation succeeds.
        let _ = call_async(&body, "cancel", &[]).await;
        return Err(too_large(name, size.unwrap_or_default() as u64, limit as u64));
    }
    let bytes = call_async(&object, "arrayBuffer", &[]).await.map_err(failed)?;
    Ok(Some(Uint8Array::new(&bytes).to_vec()))
}

/// Reads a static asset. One without a stated length is at most 25 MiB long, as the platform limits it.
async fn asset(assets: &JsValue, name: &str, limit: usize) -> Result<Vec<u8>, GatewayError> {
    let failed = |e: JsValue| unreadable(name, ASSETS, describe_js_error(e));
    // The host is arbitrary: the binding uses only the path.
    let url = format!("https://assets.local/{name}");
    let response = call_async(assets, "fetch", &[url.into()]).await.map_err(failed)?;
    let status = Reflect::get(&response, &"status".into()).map_err(failed)?.as_f64();
    if status != Some(200.0) {
        let detail = format!("status {}", status.unwrap_or_default());
        return Err(unreadable(name, ASSETS, detail));
    }
    let headers = Reflect::get(&response, &"headers".into()).map_err(failed)?;
    let stated = call(&headers, "get", &["content-length".into()]).map_err(failed)?;
    let stated = stated.as_string().and_then(|length| length.parse::<u64>().ok());
    if let Some(bytes) = stated.filter(|bytes| *bytes > limit as u64) {
        return Err(too_large(name, bytes, limit as u64));
    }
    let bytes = call_async(&response, "arrayBuffer", &[]).await.map_err(failed)?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

fn too_large(name: &str, bytes: u64, limit: u64) -> GatewayError {
    let whole = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let name = name.to_owned();
    RouterError::BundleTooLarge { name, bytes: whole(bytes), limit: whole(limit) }.into()
}

fn unreadable(name: &str, from: &'static str, detail: impl std::fmt::Display) -> GatewayError {
    GatewayError::BundleUnreadable { name: name.to_owned(), from, detail: detail.to_string() }
}

fn slot<T>(with: impl FnOnce(&mut Slot) -> T) -> T {
    SLOT.with(|slot| with(&mut slot.borrow_mut()))
}
