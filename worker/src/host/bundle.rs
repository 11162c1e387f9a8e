//! The bundle, from the Worker's static assets to a router that lives as long as the isolate.
//!
//! Why assets: 25 MiB a file, replaced without rebuilding the script, and the script stays within
//! the size limits. Parsing happens once an isolate; a failure is not remembered, so that the next
//! request tries again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use switchyard_router::{Bundle, MANIFEST_FILE, Manifest, Router, hexadecimal};
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, Fetcher};

use crate::error::GatewayError;

thread_local! {
    static ROUTER: RefCell<Option<Rc<Router>>> = const { RefCell::new(None) };
}

/// The isolate's router.
///
/// # Errors
/// [`GatewayError::BundleUnreadable`] and the engine's `bundle_*` errors.
pub(super) async fn router(env: &Env) -> Result<Rc<Router>, GatewayError> {
    if let Some(router) = loaded() {
        return Ok(router);
    }
    let assets = env.assets("ASSETS").map_err(|e| unreadable(MANIFEST_FILE, e))?;
    let manifest_bytes = read(&assets, MANIFEST_FILE).await?;
    let manifest = Manifest::from_json(&manifest_bytes)?;
    let mut files = vec![(MANIFEST_FILE.to_owned(), manifest_bytes)];
    let mut hashes = HashMap::new();
    for entry in &manifest.files {
        let bytes = read(&assets, &entry.name).await?;
        if let Ok(hash) = host_hash(&bytes).await {
            hashes.insert(entry.name.clone(), hash);
        }
        files.push((entry.name.clone(), bytes));
    }
    // A request that came in meanwhile may have been faster. Promises of another request cannot be
    // awaited in Workers, so each reads for itself, and only the parsing is shared.
    if let Some(router) = loaded() {
        return Ok(router);
    }
    let router = Rc::new(Router::from_bundle(Bundle::from_hashed(&files, &hashes)?)?);
    ROUTER.with(|slot| *slot.borrow_mut() = Some(Rc::clone(&router)));
    Ok(router)
}

/// SHA-256 by the host, in hexadecimal: faster than wasm that has just been compiled.
async fn host_hash(bytes: &[u8]) -> Result<String, JsValue> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())?;
    let subtle = Reflect::get(&crypto, &"subtle".into())?;
    let digest: Function = Reflect::get(&subtle, &"digest".into())?.dyn_into()?;
    let bytes = Uint8Array::from(bytes);
    let promise: Promise = digest.call2(&subtle, &"SHA-256".into(), &bytes)?.dyn_into()?;
    let hash: ArrayBuffer = JsFuture::from(promise).await?.dyn_into()?;
    Ok(hexadecimal(&Uint8Array::new(&hash).to_vec()))
}

fn loaded() -> Option<Rc<Router>> {
    ROUTER.with(|slot| slot.borrow().clone())
}

async fn read(assets: &Fetcher, name: &str) -> Result<Vec<u8>, GatewayError> {
    // The host does not matter: the binding looks at the path alone.
    let url = format!("https://assets.local/{name}");
    let mut response = assets.fetch(url, None).await.map_err(|e| unreadable(name, e))?;
    match response.status_code() {
        200 => response.bytes().await.map_err(|e| unreadable(name, e)),
        status => Err(unreadable(name, format!("status {status}"))),
    }
}

fn unreadable(name: &str, detail: impl std::fmt::Display) -> GatewayError {
    GatewayError::BundleUnreadable { name: name.to_owned(), detail: detail.to_string() }
}
