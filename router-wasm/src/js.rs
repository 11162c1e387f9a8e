//! The wasm-bindgen bindings, which take and return JSON.
//!
//! `router-wasm/js` wraps them into the public `Router`. An error is thrown as a JavaScript `Error`
//! whose `code` is [`RouterError::code`].

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Error, JsString, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::{
    AbilityPrior, Bundle, Candidates, Outcome, Query, RouteRequest, Router, RouterError, Traffic,
    hexadecimal,
};

/// A loaded bundle.
#[wasm_bindgen]
pub struct RouterHandle {
    router: Router,
    /// The traffic seen; none where shares are the calibration's.
    traffic: RefCell<Option<Traffic>>,
}

#[wasm_bindgen]
impl RouterHandle {
    /// Makes a router from a bundle's files: names, contents and SHA-256 hashes in the same order;
    /// `hashes` is empty where the host has none.
    #[wasm_bindgen(constructor)]
    pub fn new(
        names: Vec<String>,
        contents: Vec<Uint8Array>,
        hashes: Vec<Uint8Array>,
    ) -> Result<RouterHandle, JsValue> {
        let hashes = hashes.iter().map(|hash| hexadecimal(&hash.to_vec()));
        let hashes: HashMap<String, String> = names.iter().cloned().zip(hashes).collect();
        let contents = contents.iter().map(Uint8Array::to_vec);
        let files: Vec<(String, Vec<u8>)> = names.into_iter().zip(contents).collect();
        let bundle = Bundle::from_hashed(&files, &hashes);
        Ok(Self::of(bundle.and_then(Router::from_bundle).map_err(throw)?))
    }

    /// Makes a router from a bundle packed as one uncompressed tar.
    #[wasm_bindgen(js_name = fromTar)]
    pub fn from_tar(bytes: &[u8]) -> Result<RouterHandle, JsValue> {
        Ok(Self::of(Router::from_tar(bytes).map_err(throw)?))
    }

    /// Puts a host's own LLMs, `{"candidates": [...], "strong", "weak"}` as JSON, in the place of the bundle's
    /// candidates. Takes this handle, and forgets the traffic seen.
    #[wasm_bindgen(js_name = withCandidates)]
    pub fn with_candidates(self, candidates: &str) -> Result<RouterHandle, JsValue> {
        let candidates = Candidates::from_json(candidates).map_err(throw)?;
        Ok(Self::of(self.router.with_candidates(&candidates).map_err(throw)?))
    }

    /// Fits an ability to outcomes, `[{"query", "score"}]` as JSON, from a prior, `{"role", "tier",
    /// "ability"}`; returns it as JSON.
    #[wasm_bindgen(js_name = fitAbility)]
    pub fn fit_ability(&self, outcomes: &str, prior: &str) -> Result<String, JsValue> {
        let outcomes = Outcome::list_from_json(outcomes).map_err(throw)?;
        let prior = AbilityPrior::from_json(prior).map_err(throw)?;
        to_json(&self.router.fit_ability(&outcomes, &prior).map_err(throw)?)
    }

    /// The query's demands.
    pub fn demands(&self, query: &str) -> Result<Vec<f64>, JsValue> {
        Query::new(query).and_then(|query| self.router.demands(&query)).map_err(throw)
    }

    /// Decides on a JSON request; returns the decision as JSON.
    pub fn route(&self, request: &str) -> Result<String, JsValue> {
        let request = RouteRequest::from_json(request).map_err(throw)?;
        let RouteRequest { query, policy } = &request;
        let decision = match self.traffic.borrow_mut().as_mut() {
            Some(traffic) => self.router.route_learning(query, policy, traffic),
            None => self.router.route(query, policy),
        };
        to_json(&decision.map_err(throw)?)
    }

    /// Checks the policy of a JSON request, without deciding.
    #[wasm_bindgen(js_name = checkPolicy)]
    pub fn check_policy(&self, request: &str) -> Result<(), JsValue> {
        let request = RouteRequest::from_json(request).map_err(throw)?;
        request.policy.check(self.router.info()).map_err(throw)
    }

    /// Begins to learn the traffic, with the bundle's calibration, or adds a saved state to what was seen.
    #[wasm_bindgen(js_name = learnTraffic)]
    pub fn learn_traffic(&self, state: Option<String>) -> Result<(), JsValue> {
        let manifest = self.router.info();
        let state =
            state.map(|json| Traffic::from_json(&json, manifest)).transpose().map_err(throw)?;
        let mut traffic = self.traffic.borrow_mut();
        match (traffic.as_mut(), state) {
            (Some(seen), Some(state)) => seen.merge(&state).map_err(throw)?,
            (None, state) => *traffic = Some(state.unwrap_or_else(|| Traffic::new(manifest))),
            (Some(_), None) => {}
        }
        Ok(())
    }

    /// The state of the traffic seen, as JSON; none where it is not learnt.
    #[wasm_bindgen(js_name = trafficState)]
    #[must_use]
    pub fn traffic_state(&self) -> Option<String> {
        self.traffic.borrow().as_ref().map(Traffic::to_json)
    }

    /// Caches about `answers` answers; 0 turns the cache off.
    #[wasm_bindgen(js_name = setCacheCapacity)]
    pub fn set_cache_capacity(&self, answers: usize) {
        self.router.set_cache_capacity(answers);
    }

    /// The query's embedding.
    pub fn embed(&self, query: &str) -> Result<Vec<f32>, JsValue> {
        Query::new(query).and_then(|query| self.router.embed(&query)).map_err(throw)
    }

    /// The manifest as JSON.
    pub fn info(&self) -> Result<String, JsValue> {
        to_json(self.router.info())
    }
}

impl RouterHandle {
    fn of(router: Router) -> Self {
        Self { router, traffic: RefCell::new(None) }
    }
}

/// This module's version, which its JavaScript must have too.
#[wasm_bindgen(js_name = engineVersion)]
#[must_use]
pub fn engine_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The instruction set whose kernels this module holds.
#[wasm_bindgen(js_name = instructionSet)]
#[must_use]
pub fn instruction_set() -> String {
    crate::instruction_set().to_owned()
}

/// Switches to the byte products that are faster in V8 before 13; no effect in the simd128 module.
#[wasm_bindgen(js_name = multiplyInPairs)]
pub fn multiply_in_pairs() {
    crate::kernels::multiply_in_pairs();
}

fn to_json(value: &impl serde::Serialize) -> Result<String, JsValue> {
    serde_json::to_string(value)
        .map_err(|e| throw(RouterError::InferenceFailed { detail: e.to_string() }))
}

#[allow(clippy::needless_pass_by_value)]
fn throw(error: RouterError) -> JsValue {
    let thrown = Error::new(&error.to_string());
    thrown.set_name("RouterError");
    // Setting a property on an Error made here cannot fail.
    let _ = Reflect::set(&thrown, &JsString::from("code"), &JsString::from(error.code()));
    thrown.into()
}
