//! Serves the endpoints of OpenAI's API whose requests and answers are passed on as they are: audio, images,
//! moderations, rerankings. The caller names a model; nothing is routed, translated or counted.
//!
//! A body is JSON or a form. The runtime parses a form and writes it again, so its files never enter wasm
//! memory, and the upstream gets the same fields with another `model`.

use js_sys::{Array, Function, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::Response;

use super::attempts::Spending;
use super::auth;
use super::bundle::{self, Loaded};
use super::handler::{AfterAnswer, CallRequest};
use super::js::{call_async, describe_js_error, header};
use super::log;
use super::request_body::Source;
use super::request_context::RequestContext;
use super::upstream_call::{OwnKeys, Passthrough};
use crate::accounting::attempt::{Costs, ModelPrices};
use crate::config::{Api, Upstream};
use crate::error::GatewayError;
use crate::request::body::{RequestBody, check_bounds};
use crate::request::endpoint::Dialect;
use crate::request::form::{MAX_TEXT, form_as_json, is_form};
use crate::routing::plan::Plan;
use crate::translate::anthropic::signature::History;

impl RequestContext<'_> {
    /// Answers a request of the endpoint `path`, without a log record of a refusal.
    ///
    /// # Errors
    /// The gateway's own errors. An upstream's error is returned as a response.
    pub(super) async fn pass_through(&self, path: &'static str) -> Result<Response, GatewayError> {
        let config = self.config;
        let source = Source::read(self.request, config.settings.max_body_bytes).await?;
        let kind = header(self.request, "content-type").filter(|kind| is_form(kind));
        let (text, form) = match kind {
            Some(kind) => {
                let form = parse_form(&source, &kind)
                    .await
                    .map_err(|e| GatewayError::BodyNotForm { detail: describe_js_error(e) })?;
                (form_as_json(fields(&form))?, Some(form))
            }
            None => (source.text()?, None),
        };
        source.pause().await;
        check_bounds(&text)?;
        let loaded = bundle::loaded(self.env, config, self.context).await?;
        let unnamed = || GatewayError::ModelNotFound {
            found: String::new(),
            expected: format!("a model of UPSTREAMS that serves /v1/{path}"),
        };
        let body =
            RequestBody::new(Dialect::Embeddings, &text, &loaded.manifest).map_err(
                |e| match e {
                    GatewayError::ModelMissing { .. } => unnamed(),
                    other => other,
                },
            )?;
        let (plan, own_keys) = self.plan_passthrough(path, &body, &text, &loaded)?;
        drop(text);
        let spending = Spending {
            budget: None,
            input_tokens: 0,
            context_window: &|_| None,
            prices: &|_| ModelPrices::default(),
            costs: Costs::default(),
        };
        let mut record = self.record(path, &plan, &loaded, None);
        log::identify(self.env, self.caller.key, &mut record).await;
        let request = CallRequest {
            body: &body,
            source: &source,
            history: &History::default(),
            plan: &plan,
            own_keys: &own_keys,
            passthrough: Some(&Passthrough { path, form }),
        };
        let after = AfterAnswer { record, session: None, shadow: None, chosen_prices: None };
        self.call(&request, spending, after).await
    }

    /// The models to call: the named one, then those of its fallbacks that may be called.
    fn plan_passthrough(
        &self,
        path: &str,
        body: &RequestBody,
        text: &str,
        loaded: &Loaded,
    ) -> Result<(Plan, OwnKeys), GatewayError> {
        let upstreams = &self.config.upstreams;
        let options = self.options()?;
        let planner = self.planner(loaded, &options, 0.0, None);
        let model = planner.permissions.meant(&body.model);
        let upstream = upstreams.get(model);
        if upstream.is_some_and(|upstream| upstream.api != Api::Openai) {
            let detail = format!(
                "the upstream of {model:?} has an API without an equivalent of /v1/{path}: name a model \
                 whose upstream has OpenAI's"
            );
            return Err(GatewayError::NotTranslatable { detail });
        }
        let mut plan = planner.plan(body, text)?;
        let own_keys = OwnKeys {
            keys: auth::caller_keys(self.request, self.config)?,
            first_origin: upstream.and_then(Upstream::origin),
        };
        if self.caller.key.is_some_and(|key| key.budget.is_some()) {
            // What these requests cost is not known, so a budget admits only what costs it nothing.
            let is_free = |upstream: &Upstream| {
                own_keys.of(upstream).is_some()
                    || (upstream.input_price == Some(0.0) && upstream.output_price == Some(0.0))
            };
            plan.chain.retain(|model| upstreams.get(model).is_some_and(is_free));
            if plan.chain.first().map(String::as_str) != Some(model) {
                return Err(GatewayError::EndpointUnpriced { path: path.to_owned() });
            }
        }
        Ok((plan, own_keys))
    }
}

/// Parses a form.
async fn parse_form(source: &Source, content_type: &str) -> Result<JsValue, JsValue> {
    let class: Function = Reflect::get(&js_sys::global(), &"Response".into())?.dyn_into()?;
    let (init, headers) = (Object::new(), Object::new());
    Reflect::set(&headers, &"content-type".into(), &content_type.into())?;
    Reflect::set(&init, &"headers".into(), &headers)?;
    let response = Reflect::construct(&class, &Array::of2(source.bytes(), &init))?;
    call_async(&response, "formData", &[]).await
}

/// A form's fields, with the texts that are short.
fn fields(form: &JsValue) -> impl Iterator<Item = (String, Option<String>)> {
    let pairs = Array::from(form);
    (0..pairs.length()).map(move |at| {
        let pair: Array = pairs.get(at).unchecked_into();
        let text = pair.get(1).dyn_into::<JsString>().ok();
        let short = text.filter(|text| text.length() <= MAX_TEXT);
        (pair.get(0).as_string().unwrap_or_default(), short.map(String::from))
    })
}
